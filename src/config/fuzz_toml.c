/* The TOML reader: whatever it accepts is a tree within its limits, and writing a text that it read as a value
 * and reading it again gives the same. */
#include "config/table_private.h"

#include "base/assert.h"
#include "codec/bigint.h"

#include <string.h>

static void walk(const slk_toml_t *value, unsigned depth)
{
    SLK_ASSERT(depth <= 2 * SLK_TOML_DEPTH + 4);
    if (value->kind == SLK_TOML_STRING)
        SLK_ASSERT(value->text[value->len] == '\0');
    if (value->kind != SLK_TOML_TABLE && value->kind != SLK_TOML_ARRAY)
        return;
    size_t cnt = 0;
    for (const slk_toml_t *at = value->first; at; at = at->next, cnt++) {
        if (value->kind == SLK_TOML_TABLE)
            SLK_ASSERT(at->key && slk_toml_get(value, at->key) == at);
        walk(at, depth + 1);
    }
    SLK_ASSERT(cnt == value->cnt);
}

typedef struct {
    char text[64];
    int64_t duration;
    slk_bigint_t amount;
} config_t;

static const slk_key_t rows[] = {
    {"", "t", SLK_KEY_TEXT, SLK_KEY_FIELD(config_t, text), "\"\"", .doc = "A text."},
    {"", "d", SLK_KEY_DURATION, SLK_KEY_FIELD(config_t, duration), "\"0s\"", .doc = "A duration."},
    {"", "a", SLK_KEY_AMOUNT, SLK_KEY_FIELD(config_t, amount), "\"0 FIL\"", .doc = "An amount."},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const slk_keys_t keys = {rows, SLK_COUNT(rows)};
    slk_arena_t arena;
    slk_diag_t diag;
    const slk_toml_t *root;
    config_t config, again;
    if (size > 1 << 16)
        return 0;
    slk_arena_init(&arena, SLK_TOML_ARENA);
    memset(&config, 0, sizeof(config));
    memset(&again, 0, sizeof(again));
    if (slk_toml_read(&root, &arena, (const char *)data, size, "fuzz", &diag) == SLK_OK) {
        walk(root, 0);
        if (slk_keys_read(&keys, &config, root, "fuzz", "", NULL, &diag) == SLK_OK) {
            slk_buf_t out = {0};
            slk_keys_text(&out, &keys, &config, NULL, "", SLK_KEYS_DIFFERENT);
            SLK_ASSERT(out.failed ||
                       (slk_toml_read(&root, &arena, (const char *)out.bytes, out.len, "again",
                                      &diag) == SLK_OK &&
                        slk_keys_read(&keys, &again, root, "again", "", NULL, &diag) == SLK_OK));
            SLK_ASSERT(!strcmp(config.text, again.text) && config.duration == again.duration &&
                       !slk_bigint_cmp(&config.amount, &again.amount));
            slk_buf_free(&out);
        }
    }
    slk_arena_free(&arena);
    return 0;
}
