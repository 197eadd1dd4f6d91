#include "crypto/keys/passphrase.h"

#include "base/assert.h"
#include "crypto/keys/secret_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

slk_err_t slk_ask_terminal(void *user, const char *question, char *answer, size_t cap, size_t *len,
                           slk_diag_t *diag)
{
    (void)user;
    struct termios before, quiet;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before)) {
        if (fd >= 0)
            close(fd);
        return slk_fail(diag, SLK_ERR_CANCELLED,
                        "passphrase: there is no terminal to ask for it; give a file or an "
                        "environment variable");
    }
    slk_err_t err = SLK_OK;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    size_t question_len = strlen(question);
    ssize_t got = -1;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0 &&
        write(fd, question, question_len) == (ssize_t)question_len)
        got = read(fd, answer, cap); /* the terminal hands over one line */
    tcsetattr(fd, TCSAFLUSH, &before);
    if (got <= 0 || write(fd, "\n", 1) != 1)
        err = slk_fail(diag, SLK_ERR_CANCELLED, "passphrase: none was typed");
    else
        *len = (size_t)got;
    close(fd);
    return err;
}

static slk_err_t from_variable(slk_passphrase_buf_t *out, const char *name, slk_diag_t *diag)
{
    char *value = getenv(name);
    if (!value)
        return slk_fail(diag, SLK_ERR_INPUT, "passphrase: environment variable %s is not set",
                        name);
    size_t len = strlen(value);
    if (len >= sizeof out->text)
        return slk_fail(diag, SLK_ERR_LENGTH, "passphrase in %s: longer than %d bytes", name,
                        SLK_PASSPHRASE_MAX);
    memcpy(out->text, value, len + 1);
    out->len = len;
    /* Child processes and /proc need not see it. */
    explicit_bzero(value, len);
    unsetenv(name);
    return SLK_OK;
}

slk_err_t slk_passphrase_get(slk_passphrase_buf_t *out, const slk_passphrase_source_t *source,
                             const char *question, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    out->len = 0;
    if (source->file)
        SLK_TRY(slk_secret_file_read(out->text, sizeof out->text, &out->len, source->file, false,
                                     diag));
    else if (source->variable)
        SLK_TRY(from_variable(out, source->variable, diag));
    else if (source->ask)
        SLK_TRY(
            source->ask(source->user, question, out->text, sizeof out->text - 1, &out->len, diag));
    else
        SLK_TRY(slk_fail(diag, SLK_ERR_INPUT,
                         "passphrase: the keystore is encrypted; give a passphrase by a file, an "
                         "environment variable or the terminal"));
    SLK_ASSERT(out->len < sizeof out->text);
    char *end = memchr(out->text, '\n', out->len);
    if (end)
        out->len = (size_t)(end - out->text);
    if (out->len > 0 && out->text[out->len - 1] == '\r')
        out->len--;
    out->text[out->len] = 0;
    if (out->len == 0)
        err = slk_fail(diag, SLK_ERR_INPUT, "passphrase: it is empty");
    else if (out->len > SLK_PASSPHRASE_MAX)
        err =
            slk_fail(diag, SLK_ERR_LENGTH, "passphrase: longer than %d bytes", SLK_PASSPHRASE_MAX);
out:
    if (err != SLK_OK)
        explicit_bzero(out, sizeof *out);
    return err;
}
