#include "store/pg_text.h"

#include "base/assert.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- URLs ---------------------------------------------------------------------------------- */

/* Percent-encoded where it is needed; NULL adds nothing. */
static void put_encoded(FILE *out, const char *text, size_t len)
{
    static const char plain[] = "-._~:[]";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        fprintf(out, letter || (c && strchr(plain, c)) ? "%c" : "%%%02X", c);
    }
}

static const char *option(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val ? options->val : "";
    return "";
}

/* Lists with commas: the port that belongs to each host, or the only one. */
static void put_hosts(FILE *out, const char *hosts, const char *ports)
{
    for (bool only_port = !strchr(ports, ',');;) {
        size_t host = strcspn(hosts, ","), port = strcspn(ports, ",");
        put_encoded(out, hosts, host);
        if (port) {
            fputc(':', out);
            put_encoded(out, ports, port);
        }
        hosts += host;
        ports += only_port ? 0 : port + (ports[port] == ',');
        if (!*hosts)
            return;
        hosts++;
        fputc(',', out);
    }
}

/* A password with @ or / that are not encoded? What stands before the options has one @ at most, and
 * that before the first /. */
static bool ambiguous(const char *url)
{
    const char *rest = strstr(url, "://");
    rest = rest ? rest + 3 : url;
    size_t end = strcspn(rest, "?"), slash = strcspn(rest, "/?"), ats = 0;
    bool late = false;
    for (size_t i = 0; i < end; i++)
        if (rest[i] == '@') {
            ats++;
            late |= i > slash;
        }
    return ats > 1 || late;
}

slk_err_t slk_pg_name(char **name, const char *url, slk_diag_t *diag)
{
    *name = NULL;
    char *text = NULL, *why = NULL;
    size_t len = 0;
    if (ambiguous(url))
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "database: a postgresql:// URL with an @ that is not behind the user; write "
            "@ and / in user, password and database as %%40 and %%2F");
    PQconninfoOption *options = PQconninfoParse(url, &why);
    if (!options) {
        /* libpq's sentence up to what it quotes, which may be the password. */
        size_t keep = why ? strcspn(why, "\"\n") : 0;
        slk_err_t err =
            slk_fail(diag, SLK_ERR_INPUT,
                     "database: the postgresql:// URL cannot be read: %.*s(not repeated: "
                     "it may hold a password); write it as "
                     "postgresql://user@host:port/database?options",
                     (int)keep, why ? why : "");
        PQfreemem(why);
        return err;
    }
    FILE *out = open_memstream(&text, &len);
    if (out) {
        const char *user = option(options, "user"), *base = option(options, "dbname");
        const char *hosts = option(options, "host");
        fputs("postgresql://", out);
        put_encoded(out, user, strlen(user));
        fputs(*user ? "@" : "", out);
        put_hosts(out, *hosts ? hosts : option(options, "hostaddr"), option(options, "port"));
        fputs("/", out);
        put_encoded(out, base, strlen(base));
    }
    PQconninfoFree(options);
    if (!out || fclose(out) != 0) {
        free(text);
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory opening a database");
    }
    *name = text;
    return SLK_OK;
}

/* --- SQL ----------------------------------------------------------------------------------- */

/* Behind a literal, quoted name or comment that begins at `at`; at where there is none. */
static char *skip_quoted(char *at)
{
    const char *end = NULL;
    if (*at == '\'' || *at == '"') {
        char quote[2] = {*at, 0};
        at += 1 + strcspn(at + 1, quote); /* a doubled quote begins the next one */
        return *at ? at + 1 : at;
    }
    if (strncmp(at, "--", 2) == 0)
        end = "\n";
    else if (strncmp(at, "/*", 2) == 0)
        end = "*/";
    if (!end)
        return at;
    char *found = strstr(at + 2, end);
    return found ? found + strlen(end) : at + strlen(at);
}

size_t slk_pg_params(char *sql)
{
    size_t highest = 0;
    while (*sql) {
        char *behind = skip_quoted(sql);
        if (behind != sql) {
            sql = behind;
            continue;
        }
        if (*sql != '?') {
            sql++;
            continue;
        }
        *sql++ = '$';
        size_t num = 0, digits = 0;
        for (; *sql >= '0' && *sql <= '9' && digits < 4; sql++, digits++)
            num = num * 10 + (size_t)(*sql - '0');
        SLK_ASSERT(num);
        highest = num > highest ? num : highest;
    }
    return highest;
}

/* --- Values -------------------------------------------------------------------------------- */

static unsigned get16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Four numbers of 16 bits (count of digits, weight of the first, sign, decimals shown), then digits
 * to the base 10000. */
bool slk_pg_numeric(int64_t *num, const uint8_t *bytes, size_t len)
{
    if (len < 8)
        return false;
    unsigned digits = get16(bytes), sign = get16(bytes + 4);
    int weight = (int16_t)get16(bytes + 2);
    if (len != 8 + (size_t)digits * 2 || (sign != 0 && sign != 0x4000))
        return false;
    *num = 0;
    if (!digits)
        return true;
    if (weight < 0 || weight > 4 || digits > (unsigned)weight + 1)
        return false;
    for (unsigned i = 0; i <= (unsigned)weight; i++) {
        unsigned digit = i < digits ? get16(bytes + 8 + i * 2) : 0;
        /* Downwards, because there is one more number below zero. */
        if (digit > 9999 || __builtin_mul_overflow(*num, 10000, num) ||
            __builtin_sub_overflow(*num, (int64_t)digit, num))
            return false;
    }
    return sign || !__builtin_sub_overflow((int64_t)0, *num, num);
}
