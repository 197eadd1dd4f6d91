/* A folder with one file: the input's first line is its name, the rest its content. What is listed can
 * be asked for. */
#include "crypto/keys/lotus_keystore.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static slk_err_t keep(void *user, const slk_address_t *address)
{
    *(slk_address_t *)user = *address;
    return SLK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/selkie-fuzz-XXXXXX", path[512];
    const uint8_t *end = memchr(data, '\n', size);
    size_t len = end ? (size_t)(end - data) : size;
    if (len == 0 || len > 255 || memchr(data, '/', len) || memchr(data, 0, len) || data[0] == '.')
        return 0;
    if (!mkdtemp(dir))
        return 0;
    snprintf(path, sizeof path, "%s/%.*s", dir, (int)len, (const char *)data);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    size_t rest = end ? size - len - 1 : 0;
    if (fd >= 0 && (rest == 0 || write(fd, end + 1, rest) == (ssize_t)rest)) {
        slk_address_t listed = {0}, fallback;
        slk_key_t key;
        slk_diag_t diag = {""};
        if (slk_lotus_keystore_list(dir, keep, &listed, &fallback, &diag) != SLK_OK)
            SLK_ASSERT(diag.text[0]);
        else if (slk_address_defined(&listed))
            SLK_ASSERT(slk_lotus_keystore_get(&key, dir, &listed, &diag) != SLK_ERR_NOTFOUND);
    }
    if (fd >= 0)
        close(fd);
    unlink(path);
    rmdir(dir);
    return 0;
}
