/* C1's JSON read back: the records that made it, and nothing that differs. */

#include "test_util.h"

#include "proofs/prove/c1_read.h"

#define WHERE "seal/2k-data-v1_1/c1out.json"

#include "base/bytes.h"
#include "base/file.h"

static char *load(const char *file, size_t *len)
{
    char path[4096], *text;
    slk_diag_t diag;
    snprintf(path, sizeof path, "%s/%s", SLK_VECTORS, file);
    assert_ok(slk_read_file(&text, len, path, 1 << 20, &diag), diag);
    return text;
}

typedef struct {
    size_t len;
    char text[200000];
} text_t;

static slk_err_t add(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    (void)diag;
    text_t *t = ctx;
    assert_true(len <= sizeof t->text - t->len);
    memcpy(t->text + t->len, text, len);
    t->len += len;
    return SLK_OK;
}

/* Read, then written again: the same bytes. */
static void check_file(const char *file, const char *seal)
{
    size_t len;
    slk_diag_t diag;
    slk_c1_text_t c1;
    char *text = load(file, &len), *at;
    assert_ok(slk_c1_read(&c1, text, len, file, &diag), diag);
    json_t *json = test_vectors(seal);
    assert_node_hex(&c1.ticket, json_string_value(json_object_get(json, "ticket")));
    assert_node_hex(&c1.seed, json_string_value(json_object_get(json, "seed")));
    assert_node_hex(&c1.pub.comm_d, json_string_value(json_object_get(json, "comm_d")));
    assert_node_hex(&c1.pub.comm_r, json_string_value(json_object_get(json, "comm_r")));
    json_decref(json);
    text_t *again = calloc(1, sizeof *again);
    assert_non_null(again);
    size_t record_sz = slk_vanilla_record_sz(&c1.porep);
    assert_int_equal(c1.porep.challenges, 2);
    for (uint32_t i = 0; i < 2; i++) {
        again->len = 0;
        assert_ok(
            slk_vanilla_json(&c1.porep, &c1.pub, c1.records + i * record_sz, add, again, &diag),
            diag);
        at = strstr(i ? at + 1 : text, "{\"comm_d_proofs\"");
        assert_non_null(at);
        assert_true(at + again->len < text + len);
        assert_memory_equal(at, again->text, again->len);
    }
    free(again);
    free(text);
    slk_c1_text_fini(&c1);
}

static void test_recorded(void **state)
{
    (void)state;
    check_file("seal/2k-data-v1_1/c1out.json", "seal/2k-data-v1_1.json");
    check_file("seal/2k-cc-synth/c1out.json", "seal/2k-cc-synth.json");
}

static void test_blanks(void **state)
{
    (void)state;
    size_t len, to = 0;
    slk_diag_t diag;
    slk_c1_text_t c1;
    char *text = load(WHERE, &len), *loose = malloc(4 * len);
    bool string = false;
    assert_non_null(loose);
    for (size_t i = 0; i < len; i++) {
        string ^= text[i] == '"';
        bool apart = !string && strchr("{}[]:,", text[i]);
        if (apart)
            loose[to++] = " \t\n\r"[i % 4];
        loose[to++] = text[i];
        if (apart)
            loose[to++] = ' ';
    }
    assert_ok(slk_c1_read(&c1, loose, to, "loose", &diag), diag);
    slk_c1_text_fini(&c1);
    free(loose);
    free(text);
}

static void refuse(char *text, size_t len, const char *says)
{
    slk_diag_t diag;
    slk_c1_text_t c1;
    assert_err(SLK_ERR_FORMAT, slk_c1_read(&c1, text, len, "c1.json", &diag));
    if (!strstr(diag.text, says))
        fail_msg("'%s' is not in: %s", says, diag.text);
    assert_null(c1.records);
}

/* Put `with` where the n-th `what` is; both of one length. */
static void refuse_with(char *text, size_t len, unsigned n, const char *what, const char *with,
                        const char *says)
{
    char *at = text;
    size_t sz = strlen(what);
    assert_int_equal(strlen(with), sz);
    for (unsigned i = 0; i <= n; i++) {
        at = strstr(i ? at + 1 : at, what);
        assert_non_null(at);
    }
    memcpy(at, with, sz);
    refuse(text, len, says);
    memcpy(at, what, sz);
}

static void test_refused(void **state)
{
    (void)state;
    size_t len;
    slk_diag_t diag;
    slk_c1_text_t c1;
    char *text = load(WHERE, &len);
    refuse_with(text, len, 0, "StackedDrg2KiBV1_1", "StackedDrg3KiBV1_1",
                "byte 21: expected the name of a registered proof");
    refuse_with(text, len, 1, "StackedDrg2KiBV1", "StackedDrg8MiBV1", "\"vanilla_proofs\"");
    refuse_with(text, len, 0, "[130,", "[300,", "expected a byte");
    refuse_with(text, len, 0, "[130,", "[-30,", "expected a number");
    refuse_with(text, len, 0, "[130,", "[013,", "expected a byte");
    refuse_with(text, len, 0, "\"index\":0", "\"index\":9", "expected a smaller number");
    refuse_with(text, len, 0, "\"index\":0", "\"index\":1", "three paths to the same challenge");
    refuse_with(text, len, 1, "[130,163", "[131,163", "the same root as before");
    refuse_with(text, len, 0, "\"layer_index\":1", "\"layer_index\":2", "the number of the layer");
    refuse_with(text, len, 0, "\"_h\":null", "\"_h\":true", "null");
    refuse_with(text, len, 0, "\"seed\"", "\"sead\"", "seed");
    refuse(text, 0, "byte 0");
    refuse(text, len - 1, "expected }");
    text[len] = 'x'; /* over the NUL */
    refuse(text, len + 1, "expected the end");
    memcpy(text + 20, "\"StackedDrg2KiBV1_2_Feat_NonInteractivePoRep\"", 46);
    assert_err(SLK_ERR_INPUT, slk_c1_read(&c1, text, len, "c1.json", &diag));
    assert_non_null(strstr(diag.text, "cannot aggregate"));
    free(text);
}

/* A changed byte or an early end is refused, but for the nodes that nothing repeats. */
static void test_damage(void **state)
{
    (void)state;
    size_t len, refused = 0, tried = 0;
    slk_diag_t diag;
    slk_c1_text_t c1;
    char *text = load(WHERE, &len);
    for (size_t at = 0; at < len; at += 211, tried++) {
        char keep = text[at];
        refuse(text, at, "c1.json: byte");
        text[at] = 'x';
        refuse(text, len, "c1.json: byte");
        text[at] = keep == '1' ? '2' : '1';
        if (slk_c1_read(&c1, text, len, "c1.json", &diag) == SLK_OK)
            slk_c1_text_fini(&c1);
        else
            refused++;
        text[at] = keep;
    }
    assert_true(tried > 400 && refused > tried / 3);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
