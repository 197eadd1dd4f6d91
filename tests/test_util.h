#ifndef SLK_TESTS_TEST_UTIL_H
#define SLK_TESTS_TEST_UTIL_H

/* What cmocka programs share: cmocka itself, vectors, hex, derived inputs, temporary folders. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/sha256/sha256.h"
#include "selkie/cpu.h"
#include "selkie/err.h"

/* Expect SLK_OK and show the sentence otherwise. */
#define assert_ok(call, diag)                                                                      \
    do {                                                                                           \
        slk_err_t assert_ok_err = (call);                                                          \
        if (assert_ok_err != SLK_OK)                                                               \
            fail_msg("%s: %s (%s)", #call, slk_err_text(assert_ok_err), (diag).text);              \
    } while (0)

#define assert_err(want, call)                                                                     \
    do {                                                                                           \
        slk_err_t assert_err_got = (call);                                                         \
        if (assert_err_got != (want))                                                              \
            fail_msg("%s: %d, expected %d", #call, assert_err_got, (want));                        \
    } while (0)

static inline void assert_node_hex(const slk_node_t *node, const char *hex)
{
    assert_string_equal(slk_node_hex(node).s, hex);
}

static inline slk_node_t node_from_hex(const char *hex)
{
    slk_node_t node;
    if (!slk_hex_decode(node.b, 32, hex))
        fail_msg("not 32 bytes of hex: %s", hex);
    return node;
}

/* bytes32(name) and data(name, n) of tests/vectors/README.md. */
static inline slk_node_t test_bytes32(const char *name)
{
    slk_node_t node;
    slk_sha256(&node, name, strlen(name));
    return node;
}

static inline void test_data(uint8_t *out, size_t len, const char *name)
{
    char msg[256];
    size_t name_len = strlen(name);
    memcpy(msg, name, name_len);
    for (uint64_t k = 0; k * 32 < len; k++) {
        slk_node_t node;
        slk_store_le64(msg + name_len, k);
        slk_sha256(&node, msg, name_len + 8);
        size_t left = len - k * 32;
        memcpy(out + k * 32, node.b, left < 32 ? left : 32);
    }
}

/* A JSON file below tests/vectors; json_decref it. */
static inline json_t *test_vectors(const char *name)
{
    char path[1024];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", SLK_VECTORS, name);
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        fail_msg("%s: %s", path, error.text);
    return json;
}

/* A fresh folder; remove it with test_rm_dir. */
static inline void test_tmp_dir(char out[64])
{
    strcpy(out, "/tmp/selkie-test-XXXXXX");
    if (!mkdtemp(out))
        fail_msg("mkdtemp failed");
}

static inline void test_rm_dir(const char *dir)
{
    char cmd[4200];
    snprintf(cmd, sizeof cmd, "rm -rf -- '%s'", dir);
    if (system(cmd) != 0)
        fail_msg("%s", cmd);
}

#endif /* SLK_TESTS_TEST_UTIL_H */
