#include "app/command.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "selkie/piece.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Decimal digits without sign or superfluous zeros, at most max; *end is behind them. */
static bool digits(uint64_t *out, const char *text, uint64_t max, const char **end)
{
    uint64_t num = 0;
    const char *p = text;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (num > (max - digit) / 10)
            return false;
        num = num * 10 + digit;
    }
    if (p == text || (*text == '0' && p != text + 1))
        return false;
    *out = num;
    *end = p;
    return true;
}

static bool parse_number(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    const char *end;
    return digits(&out->num, text, UINT64_MAX, &end) && !*end;
}

static bool parse_miner(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    const char *end;
    if ((text[0] == 'f' || text[0] == 't') && text[1] == '0')
        text += 2;
    return digits(&out->num, text, INT64_MAX, &end) && !*end;
}

static bool parse_bytes(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    static const struct {
        const char *suffix;
        unsigned shift;
    } rows[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
    const char *end;
    if (!digits(&out->num, text, UINT64_MAX, &end))
        return false;
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        if (strcmp(end, rows[i].suffix) == 0) {
            uint64_t num = out->num << rows[i].shift;
            bool fits = num >> rows[i].shift == out->num;
            out->num = num;
            return fits;
        }
    }
    return false;
}

static bool parse_padded(slk_value_t *out, const char *choices, const char *text)
{
    return parse_bytes(out, choices, text) && out->num >= SLK_PIECE_MIN_PADDED &&
           out->num <= SLK_PIECE_MAX_PADDED && (out->num & (out->num - 1)) == 0;
}

static bool parse_threads(slk_value_t *out, const char *choices, const char *text)
{
    return parse_number(out, choices, text) && out->num >= 1 && out->num <= 1024;
}

static bool parse_hash(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    return slk_hex_decode(out->node.b, sizeof out->node.b, text);
}

static bool parse_seconds(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    if (text[strspn(text, "0123456789.eE+-")] || !*text)
        return false;
    char *end;
    out->seconds = strtod(text, &end);
    return !*end && isfinite(out->seconds) && out->seconds > 0 && out->seconds <= 1e9;
}

static bool parse_size(slk_value_t *out, const char *choices, const char *text)
{
    (void)choices;
    out->size = slk_size_by_name(text);
    return out->size && out->size->published;
}

/* Which of the choices is it? */
static bool find_word(uint64_t *at, const char *choices, const char *text, size_t len)
{
    *at = 0;
    for (const char *p = choices; *p; ++*at) {
        size_t word = strcspn(p, " ");
        if (word == len && memcmp(p, text, len) == 0)
            return true;
        p += word + (p[word] == ' ');
    }
    return false;
}

static bool parse_word(slk_value_t *out, const char *choices, const char *text)
{
    return find_word(&out->num, choices, text, strlen(text));
}

static bool parse_words(slk_value_t *out, const char *choices, const char *text)
{
    uint64_t at;
    out->num = 0;
    for (;; text++) {
        size_t len = strcspn(text, ",");
        if (!find_word(&at, choices, text, len))
            return false;
        out->num |= UINT64_C(1) << at;
        text += len;
        if (!*text)
            return true;
    }
}

bool slk_value_has(const slk_value_t *value, const char *choices, const char *word)
{
    uint64_t at;
    return find_word(&at, choices, word, strlen(word)) && (value->num >> at & 1);
}

static bool parse_path(slk_value_t *out, const char *choices, const char *text)
{
    (void)out;
    (void)choices;
    return *text != '\0';
}

static bool parse_any(slk_value_t *out, const char *choices, const char *text)
{
    (void)out;
    (void)choices;
    (void)text;
    return true;
}

static const struct {
    bool (*parse)(slk_value_t *out, const char *choices, const char *text);
    const char *expects; /* NULL: the choices */
} kinds[SLK_ARG_CNT] = {
    [SLK_ARG_FLAG] = {parse_any, "nothing"},
    [SLK_ARG_WORD] = {parse_word, NULL},
    [SLK_ARG_WORDS] = {parse_words, NULL},
    [SLK_ARG_SIZE] = {parse_size, NULL},
    [SLK_ARG_MINER] = {parse_miner, "an ID address: f01000, t01000 or 1000"},
    [SLK_ARG_NUMBER] = {parse_number, "a whole number from 0 to 18446744073709551615"},
    [SLK_ARG_BYTES] = {parse_bytes, "a number of bytes, such as 1016 or 4KiB"},
    [SLK_ARG_PADDED] = {parse_padded, "a power of two from 128 to 64GiB, such as 2048 or 2KiB"},
    [SLK_ARG_HASH] = {parse_hash, "32 bytes in hex (64 digits)"},
    [SLK_ARG_SECONDS] = {parse_seconds, "seconds above 0, such as 30 or 0.5"},
    [SLK_ARG_THREADS] = {parse_threads, "a whole number from 1 to 1024"},
    [SLK_ARG_FILE] = {parse_path, "the name of a file"},
    [SLK_ARG_DIR] = {parse_path, "the name of a folder"},
    [SLK_ARG_NOUN] = {parse_any, "the name of a command"},
    [SLK_ARG_TEXT] = {parse_any, "text"},
};

bool slk_value_parse(slk_value_t *out, slk_arg_kind_t kind, const char *choices, const char *text)
{
    out->text = text;
    return kinds[kind].parse(out, choices, text);
}

static void add_word(char *list, size_t cap, const char *word)
{
    size_t used = strlen(list);
    snprintf(list + used, cap - used, "%s%s", used ? " " : "", word);
}

const char *slk_value_choices(slk_arg_kind_t kind, const char *choices)
{
    static char sizes[128], nouns[128];
    char *list = kind == SLK_ARG_SIZE ? sizes : kind == SLK_ARG_NOUN ? nouns : NULL;
    if (!list)
        return choices ? choices : "";
    if (*list)
        return list;
    const slk_size_t *size;
    for (unsigned i = 0; kind == SLK_ARG_SIZE && (size = slk_size_at(i)); i++) {
        if (size->published)
            add_word(list, sizeof sizes, size->name);
    }
    for (size_t i = 0; kind == SLK_ARG_NOUN && i < slk_noun_cnt; i++)
        add_word(list, sizeof nouns, slk_nouns[i].name);
    return list;
}

void slk_value_expects(char *out, size_t cap, slk_arg_kind_t kind, const char *choices)
{
    if (kinds[kind].expects) {
        snprintf(out, cap, "%s", kinds[kind].expects);
        return;
    }
    snprintf(out, cap, kind == SLK_ARG_WORDS ? "some, separated by commas, of " : "one of ");
    size_t used = strlen(out);
    for (const char *p = slk_value_choices(kind, choices); *p && used + 3 < cap; p++) {
        if (*p == ' ')
            out[used++] = ',';
        out[used++] = *p;
    }
    out[used] = '\0';
}
