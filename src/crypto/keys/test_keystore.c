/* The keystore on disk: what it protects, what it refuses, what survives an interruption; Lotus' own. */
#include "crypto/keys/keystore.h"

#include "base/assert.h"
#include "codec/base32.h"
#include "crypto/keys/key_text.h"
#include "crypto/keys/lotus_keystore.h"
#include "crypto/keys/passphrase.h"

#include "test_util.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/stat.h>

#define WORK SLK_SCRYPT_LOG_MIN /* the least, to be quick */

static const slk_passphrase_t right = {"correct horse", 13}, wrong = {"correct house", 13};
static const slk_passphrase_t none = {NULL, 0};

typedef struct {
    char dir[64], store[96];
    slk_diag_t diag;
} place_t;

static place_t *place(void **state)
{
    return *state;
}

static int set_up(void **state)
{
    place_t *p = calloc(1, sizeof *p);
    test_tmp_dir(p->dir);
    snprintf(p->store, sizeof p->store, "%s/keystore", p->dir);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    test_rm_dir(place(state)->dir);
    free(*state);
    return 0;
}

static slk_keystore_t *open_store(place_t *p)
{
    slk_keystore_t *store = NULL;
    assert_ok(slk_keystore_create(p->store, &p->diag), p->diag);
    assert_ok(slk_keystore_open(&store, p->store, &p->diag), p->diag);
    slk_keystore_set_work(store, WORK);
    return store;
}

static slk_address_t add_key(place_t *p, slk_keystore_t *store, slk_key_type_t type)
{
    slk_key_t key;
    assert_ok(slk_key_generate(&key, type, &p->diag), p->diag);
    assert_ok(slk_keystore_add(store, &key, right, &p->diag), p->diag);
    return slk_key_address(&key);
}

static void path_of(char out[256], const place_t *p, const slk_address_t *address)
{
    snprintf(out, 256, "%s/%s.key", p->store, slk_address_text(address, SLK_MAINNET).s);
}

static size_t slurp(char *out, size_t cap, const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(out, 1, cap, f);
    fclose(f);
    return len;
}

static void spill(const char *path, const char *text, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static bool can_sign(slk_keystore_t *store, const slk_address_t *address)
{
    slk_key_sig_t sig;
    slk_sign_request_t request = {SLK_SIGN_MESSAGE, "bytes", 5, NULL, 0};
    return slk_signer_sign(slk_keystore_signer(store), address, &request, &sig, NULL) == SLK_OK;
}

static void test_life(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    slk_address_t bls = add_key(p, store, SLK_KEY_BLS), secp = add_key(p, store, SLK_KEY_SECP256K1);
    assert_true(can_sign(store, &bls) && can_sign(store, &secp));
    slk_keystore_close(store);

    struct stat st;
    char path[256], text[SLK_KEY_FILE_SZ + 1];
    path_of(path, p, &bls);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(p->store, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    text[slurp(text, SLK_KEY_FILE_SZ, path)] = 0;
    assert_non_null(strstr(text, "\"cipher\":\"chacha20-poly1305\""));

    /* Listed without a passphrase, locked. */
    store = open_store(p);
    assert_int_equal(slk_keystore_count(store), 2);
    for (size_t i = 0; i < 2; i++) {
        slk_keystore_entry_t entry;
        assert_ok(slk_keystore_entry(store, i, &entry, &p->diag), p->diag);
        assert_true(entry.encrypted && !entry.unlocked);
        assert_true(slk_address_eq(&entry.address, entry.type == SLK_KEY_BLS ? &bls : &secp));
    }
    assert_false(can_sign(store, &bls));
    slk_key_t key;
    assert_err(SLK_ERR_STATE, slk_keystore_get(store, &key, &bls, &p->diag));
    assert_err(SLK_ERR_PERM, slk_keystore_unlock(store, wrong, &p->diag));
    assert_non_null(strstr(p->diag.text, "wrong passphrase"));
    assert_err(SLK_ERR_PERM, slk_keystore_unlock(store, none, &p->diag));
    assert_false(can_sign(store, &bls));
    assert_ok(slk_keystore_unlock(store, right, &p->diag), p->diag);
    assert_true(can_sign(store, &bls) && can_sign(store, &secp));
    assert_ok(slk_keystore_get(store, &key, &bls, &p->diag), p->diag);
    slk_address_t again = slk_key_address(&key);
    assert_true(slk_address_eq(&again, &bls));

    assert_err(SLK_ERR_INPUT, slk_keystore_add(store, &key, right, &p->diag));
    assert_ok(slk_keystore_remove(store, &bls, &p->diag), p->diag);
    assert_err(SLK_ERR_NOTFOUND, slk_keystore_remove(store, &bls, &p->diag));
    assert_false(can_sign(store, &bls));
    assert_true(can_sign(store, &secp));
    assert_err(SLK_ERR_PERM, slk_keystore_add(store, &key, wrong, &p->diag));
    assert_err(SLK_ERR_PERM, slk_keystore_add(store, &key, none, &p->diag));
    assert_int_equal(stat(path, &st), -1);
    slk_keystore_close(store);
}

typedef struct {
    slk_keystore_t *store;
    slk_address_t address;
    int failed;
} worker_t;

static void *sign_often(void *arg)
{
    worker_t *w = arg;
    for (int i = 0; i < 20; i++)
        w->failed += !can_sign(w->store, &w->address);
    return NULL;
}

/* Several threads sign while keys come and go. */
static void test_threads(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    worker_t workers[THREADS];
    for (int i = 0; i < THREADS; i++)
        workers[i] = (worker_t){store, add_key(p, store, SLK_KEY_SECP256K1), 0};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &workers[i]), 0);
    for (int i = 0; i < 3; i++) {
        slk_address_t more = add_key(p, store, SLK_KEY_SECP256K1);
        assert_ok(slk_keystore_remove(store, &more, &p->diag), p->diag);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].failed, 0);
    }
    slk_keystore_close(store);
}

static void test_plain(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    slk_key_t key;
    assert_ok(slk_key_generate(&key, SLK_KEY_BLS, &p->diag), p->diag);
    assert_err(SLK_ERR_INPUT, slk_keystore_add(store, &key, none, &p->diag));
    assert_ok(slk_keystore_add_plain(store, &key, &p->diag), p->diag);
    slk_keystore_close(store);
    store = open_store(p);
    slk_keystore_entry_t entry;
    assert_ok(slk_keystore_entry(store, 0, &entry, &p->diag), p->diag);
    assert_true(!entry.encrypted && entry.unlocked);
    assert_err(SLK_ERR_NOTFOUND, slk_keystore_entry(store, 1, &entry, &p->diag));
    slk_address_t address = slk_key_address(&key);
    assert_true(can_sign(store, &address));
    assert_ok(slk_keystore_unlock(store, wrong, &p->diag), p->diag);

    char path[256], text[SLK_KEY_FILE_SZ + 1];
    path_of(path, p, &address);
    size_t len = slurp(text, SLK_KEY_FILE_SZ, path);
    text[len] = 0;
    slk_keystore_close(store);
    /* Another secret below the same address. */
    char *digit = strstr(text, "\"secret\":\"") + 10;
    *digit = *digit == '1' ? '2' : '1';
    spill(path, text, len, 0600);
    assert_err(SLK_ERR_MISMATCH, slk_keystore_open(&store, p->store, &p->diag));
}

static void test_default(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    slk_address_t a, key = add_key(p, store, SLK_KEY_SECP256K1), other = slk_address_id(5);
    assert_ok(slk_keystore_default(store, &a, &p->diag), p->diag);
    assert_false(slk_address_defined(&a));
    assert_err(SLK_ERR_NOTFOUND, slk_keystore_set_default(store, &other, &p->diag));
    assert_ok(slk_keystore_set_default(store, &key, &p->diag), p->diag);
    assert_ok(slk_keystore_default(store, &a, &p->diag), p->diag);
    assert_true(slk_address_eq(&a, &key));
    slk_keystore_close(store);
    store = open_store(p); /* the file is no key */
    assert_int_equal(slk_keystore_count(store), 1);
    slk_keystore_close(store);
}

static void test_modes(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    slk_address_t address = add_key(p, store, SLK_KEY_BLS);
    slk_keystore_close(store);
    char path[256];
    path_of(path, p, &address);
    chmod(path, 0640);
    assert_err(SLK_ERR_PERM, slk_keystore_open(&store, p->store, &p->diag));
    assert_non_null(strstr(p->diag.text, path));
    chmod(path, 0400);
    assert_ok(slk_keystore_open(&store, p->store, &p->diag), p->diag);
    slk_keystore_close(store);
    chmod(p->store, 0750);
    assert_err(SLK_ERR_PERM, slk_keystore_open(&store, p->store, &p->diag));
    chmod(p->store, 0700);
    char moved[256];
    slk_address_t other = slk_address_bls((const uint8_t[48]){1});
    path_of(moved, p, &other);
    assert_int_equal(rename(path, moved), 0);
    assert_err(SLK_ERR_MISMATCH, slk_keystore_open(&store, p->store, &p->diag));
    assert_err(SLK_ERR_NOTFOUND, slk_keystore_open(&store, "/nonexistent/keystore", &p->diag));
}

static void test_change_passphrase(void **state)
{
    place_t *p = place(state);
    slk_keystore_t *store = open_store(p);
    slk_address_t keys[3];
    char path[256], before[SLK_KEY_FILE_SZ];
    for (int i = 0; i < 3; i++)
        keys[i] = add_key(p, store, SLK_KEY_SECP256K1);
    path_of(path, p, &keys[1]);
    size_t len = slurp(before, sizeof before, path);
    slk_passphrase_t fresh = {"another", 7};
    assert_err(SLK_ERR_PERM, slk_keystore_change_passphrase(store, wrong, fresh, &p->diag));
    assert_err(SLK_ERR_INPUT, slk_keystore_change_passphrase(store, right, none, &p->diag));
    assert_ok(slk_keystore_change_passphrase(store, right, fresh, &p->diag), p->diag);
    slk_keystore_close(store);

    store = open_store(p);
    assert_err(SLK_ERR_PERM, slk_keystore_unlock(store, right, &p->diag));
    assert_ok(slk_keystore_unlock(store, fresh, &p->diag), p->diag);
    slk_keystore_close(store);

    /* As if it had been killed before one file: the same call finishes it. */
    spill(path, before, len, 0600);
    store = open_store(p);
    assert_err(SLK_ERR_PERM, slk_keystore_unlock(store, fresh, &p->diag));
    assert_true(can_sign(store, &keys[0]) && can_sign(store, &keys[2]));
    assert_false(can_sign(store, &keys[1]));
    assert_ok(slk_keystore_change_passphrase(store, right, fresh, &p->diag), p->diag);
    slk_keystore_close(store);
    store = open_store(p);
    assert_ok(slk_keystore_unlock(store, fresh, &p->diag), p->diag);
    slk_keystore_close(store);
}

/* One character changed anywhere: no key comes out, whatever it was. */
static void test_tampering(void **state)
{
    (void)state;
    slk_diag_t diag = {""};
    slk_key_t key, back;
    slk_key_file_t file;
    char text[SLK_KEY_FILE_SZ];
    assert_ok(slk_key_generate(&key, SLK_KEY_BLS, &diag), diag);
    assert_ok(slk_key_file_seal(&file, &key, right, WORK, &diag), diag);
    slk_key_file_format(text, &file);
    size_t len = strlen(text), opened = 0;
    assert_ok(slk_key_file_parse(&file, text, len, &diag), diag);
    assert_ok(slk_key_file_open(&back, &file, right, &diag), diag);
    assert_memory_equal(&back, &key, sizeof key);
    for (size_t at = 0; at < len; at++) {
        char kept = text[at];
        text[at] = kept == '1' ? '2' : kept == '"' ? ' ' : '1';
        if (slk_key_file_parse(&file, text, len, NULL) == SLK_OK &&
            slk_key_file_open(&back, &file, right, NULL) == SLK_OK)
            opened++;
        text[at] = kept;
    }
    assert_int_equal(opened, 0);
    /* Each member of a second file in this one. */
    slk_key_file_t other, mixed;
    assert_ok(slk_key_file_parse(&file, text, len, &diag), diag);
    assert_ok(slk_key_file_seal(&other, &key, right, WORK + 1, &diag), diag);
    mixed = file;
    mixed.n = other.n;
    assert_err(SLK_ERR_PERM, slk_key_file_open(&back, &mixed, right, &diag));
    mixed = file;
    memcpy(mixed.nonce, other.nonce, sizeof mixed.nonce);
    assert_err(SLK_ERR_PERM, slk_key_file_open(&back, &mixed, right, &diag));
    mixed = file;
    memcpy(mixed.box, other.box, sizeof mixed.box);
    assert_err(SLK_ERR_PERM, slk_key_file_open(&back, &mixed, right, &diag));
    mixed = file;
    mixed.address = slk_address_bls((const uint8_t[48]){1});
    assert_err(SLK_ERR_PERM, slk_key_file_open(&back, &mixed, right, &diag));
}

static void test_key_file_refused(void **state)
{
    (void)state;
#define HEAD                                                                                       \
    "{\"selkie-key\":1,\"address\":\"f1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy\","                 \
    "\"type\":\"secp256k1\""
#define SALT  "\"salt\":\"1111111111111111111111111111111111111111111111111111111111111111\""
#define NONCE "\"nonce\":\"222222222222222222222222\""
#define BOX                                                                                        \
    "\"box\":\"333333333333333333333333333333333333333333333333"                                   \
    "333333333333333333333333333333333333333333333333\""
#define KDF(n, r, p)                                                                               \
    ",\"kdf\":\"scrypt\",\"n\":" n ",\"r\":" r ",\"p\":" p "," SALT                                \
    ",\"cipher\":\"chacha20-poly1305\"," NONCE "," BOX "}"
    static const struct {
        const char *text;
        slk_err_t err;
    } cases[] = {
        {HEAD KDF("1024", "8", "1"), SLK_OK},
        {HEAD KDF("1023", "8", "1"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("512", "8", "1"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("2097152", "1", "1"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("1048576", "16", "1"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("1048576", "8", "8"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("1024", "0", "1"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("1024", "8", "0"), SLK_ERR_UNSUPPORTED},
        {HEAD KDF("1024", "99", "1"), SLK_ERR_FORMAT},
        {HEAD KDF("99999999999999999999999", "8", "1"), SLK_ERR_FORMAT},
        {HEAD KDF("01024", "8", "1"), SLK_ERR_FORMAT},
        {HEAD KDF("-1024", "8", "1"), SLK_ERR_FORMAT},
        {HEAD KDF("\"1024\"", "8", "1"), SLK_ERR_FORMAT},
        {HEAD ",\"cipher\":\"none\"}", SLK_ERR_FORMAT},
        {HEAD ",\"cipher\":\"none\",\"secret\":\"00\"}", SLK_ERR_FORMAT},
        {HEAD ",\"cipher\":\"none\"," BOX "}", SLK_ERR_FORMAT},
        {HEAD ",\"cipher\":\"rot13\",\"secret\":\"00\"}", SLK_ERR_UNSUPPORTED},
        {"{\"selkie-key\":2,\"address\":\"\",\"type\":\"\",\"cipher\":\"\"}", SLK_ERR_UNSUPPORTED},
        {"{\"selkie-key\":1,\"address\":\"f01\",\"type\":\"bls\",\"cipher\":\"none\"}",
         SLK_ERR_FORMAT},
        {"{\"selkie-key\":1,\"address\":\"\",\"type\":\"bls\",\"cipher\":\"none\"}",
         SLK_ERR_FORMAT},
        {"{\"selkie-key\":1,\"address\":\"f1aaaqeayeaudaocajbifqydiob4ibceqt2oc2pvy\","
         "\"type\":\"bls\",\"cipher\":\"none\"}",
         SLK_ERR_FORMAT},
    };
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        slk_key_file_t file;
        slk_diag_t diag = {""};
        assert_err(cases[i].err,
                   slk_key_file_parse(&file, cases[i].text, strlen(cases[i].text), &diag));
        assert_int_equal(diag.text[0] != 0, cases[i].err != SLK_OK);
    }
}

/* --- Passphrases ------------------------------------------------------------------------------------ */

static slk_err_t answer(void *user, const char *question, char *out, size_t cap, size_t *len,
                        slk_diag_t *diag)
{
    (void)question;
    (void)diag;
    *len = strlen(user);
    assert_true(*len < cap);
    memcpy(out, user, *len);
    return SLK_OK;
}

static void test_passphrase_sources(void **state)
{
    place_t *p = place(state);
    slk_passphrase_buf_t buf;
    char path[128];
    snprintf(path, sizeof path, "%s/passphrase", p->dir);
    spill(path, "s3cret\r\nmore\n", 13, 0600);
    slk_passphrase_source_t file = {.file = path};
    assert_ok(slk_passphrase_get(&buf, &file, "", &p->diag), p->diag);
    assert_string_equal(buf.text, "s3cret");
    chmod(path, 0644);
    assert_err(SLK_ERR_PERM, slk_passphrase_get(&buf, &file, "", &p->diag));
    spill(path, "\n", 1, 0600);
    assert_err(SLK_ERR_INPUT, slk_passphrase_get(&buf, &file, "", &p->diag));
    char *much = malloc(SLK_PASSPHRASE_MAX + 1);
    memset(much, 'x', SLK_PASSPHRASE_MAX + 1);
    spill(path, much, SLK_PASSPHRASE_MAX, 0600);
    assert_ok(slk_passphrase_get(&buf, &file, "", &p->diag), p->diag);
    assert_int_equal(buf.len, SLK_PASSPHRASE_MAX);
    spill(path, much, SLK_PASSPHRASE_MAX + 1, 0600);
    assert_err(SLK_ERR_LENGTH, slk_passphrase_get(&buf, &file, "", &p->diag));
    free(much);

    slk_passphrase_source_t variable = {.variable = "SELKIE_TEST_PASSPHRASE"};
    assert_err(SLK_ERR_INPUT, slk_passphrase_get(&buf, &variable, "", &p->diag));
    setenv(variable.variable, "from outside", 1);
    assert_ok(slk_passphrase_get(&buf, &variable, "", &p->diag), p->diag);
    assert_string_equal(buf.text, "from outside");
    assert_null(getenv(variable.variable));

    slk_passphrase_source_t asked = {.ask = answer, .user = "typed\n"};
    assert_ok(slk_passphrase_get(&buf, &asked, "?", &p->diag), p->diag);
    assert_string_equal(buf.text, "typed");
    slk_passphrase_source_t nothing = {0};
    assert_err(SLK_ERR_INPUT, slk_passphrase_get(&buf, &nothing, "?", &p->diag));
    assert_int_equal(buf.text[0], 0);
}

/* --- Lotus ------------------------------------------------------------------------------------------ */

static void lotus_file(const place_t *p, const char *name, const slk_key_t *key, mode_t mode)
{
    char base32[256], path[512], json[SLK_KEY_JSON_SZ];
    slk_base32_encode(base32, (const uint8_t *)name, strlen(name));
    for (char *c = base32; *c; c++)
        *c = (char)toupper(*c);
    snprintf(path, sizeof path, "%s/%s", p->dir, base32);
    slk_key_to_json(json, key);
    spill(path, json, strlen(json), mode);
}

static slk_err_t collect(void *user, const slk_address_t *address)
{
    slk_address_t **next = user;
    *(*next)++ = *address;
    return SLK_OK;
}

static void test_lotus_keystore(void **state)
{
    place_t *p = place(state);
    slk_key_t keys[2], back;
    char name[160], path[256];
    slk_address_t address[2], seen[4], *next = seen, fallback;
    for (int i = 0; i < 2; i++) {
        assert_ok(slk_key_generate(&keys[i], i ? SLK_KEY_BLS : SLK_KEY_SECP256K1, &p->diag),
                  p->diag);
        address[i] = slk_key_address(&keys[i]);
        /* One in each network's letter. */
        snprintf(name, sizeof name, "wallet-%s",
                 slk_address_text(&address[i], i ? SLK_MAINNET : SLK_TESTNET).s);
        lotus_file(p, name, &keys[i], 0600);
    }
    lotus_file(p, "libp2p-host", &keys[0], 0600);
    lotus_file(p, "wallet-nonsense", &keys[0], 0600);
    snprintf(path, sizeof path, "%s/README.txt", p->dir);
    spill(path, "x", 1, 0644);

    assert_ok(slk_lotus_keystore_list(p->dir, collect, &next, &fallback, &p->diag), p->diag);
    assert_int_equal(next - seen, 2);
    assert_false(slk_address_defined(&fallback));
    lotus_file(p, "default", &keys[1], 0600);
    next = seen;
    assert_ok(slk_lotus_keystore_list(p->dir, collect, &next, &fallback, &p->diag), p->diag);
    assert_int_equal(next - seen, 2);
    assert_true(slk_address_eq(&fallback, &address[1]));
    for (int i = 0; i < 2; i++) {
        assert_ok(slk_lotus_keystore_get(&back, p->dir, &address[i], &p->diag), p->diag);
        assert_memory_equal(&back, &keys[i], sizeof back);
    }
    slk_address_t other = slk_address_bls((const uint8_t[48]){1});
    assert_err(SLK_ERR_NOTFOUND, slk_lotus_keystore_get(&back, p->dir, &other, &p->diag));
    lotus_file(p, name, &keys[1], 0640);
    assert_err(SLK_ERR_PERM, slk_lotus_keystore_get(&back, p->dir, &address[1], &p->diag));
    lotus_file(p, name, &keys[0], 0600);
    assert_err(SLK_ERR_MISMATCH, slk_lotus_keystore_get(&back, p->dir, &address[1], &p->diag));
    assert_err(SLK_ERR_NOTFOUND,
               slk_lotus_keystore_list("/nonexistent", collect, &next, NULL, &p->diag));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_life),
        TEST(test_threads),
        TEST(test_plain),
        TEST(test_default),
        TEST(test_modes),
        TEST(test_change_passphrase),
        cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_key_file_refused),
        TEST(test_passphrase_sources),
        TEST(test_lotus_keystore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
