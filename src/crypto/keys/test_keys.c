/* Keys, signatures and VRFs: those of a recorded chain verify, and nothing else does. */
#include "codec/base64.h"
#include "codec/cid.h"
#include "crypto/keys/bls.h"
#include "crypto/keys/key_text.h"
#include "crypto/keys/signature.h"
#include "crypto/keys/vrf.h"

#include "base/assert.h"
#include "test_util.h"

#define FLIPS                                                                                      \
    12 /* random places of each signature, message and key; a BLS verification takes 1 ms */

static const char *text_of(json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));
    if (!text)
        fail_msg("no text in field %s", field);
    return text;
}

static size_t base64_of(uint8_t *out, size_t cap, const char *text)
{
    size_t len = 0;
    assert_true(SLK_BASE64_ROOM(strlen(text)) <= cap);
    assert_true(slk_base64_decode(out, &len, text, strlen(text)));
    return len;
}

static size_t hex_of(uint8_t *out, size_t cap, json_t *object, const char *field)
{
    const char *text = text_of(object, field);
    assert_true(strlen(text) / 2 <= cap && slk_hex_decode(out, strlen(text) / 2, text));
    return strlen(text) / 2;
}

static slk_address_t address_of(const char *text)
{
    slk_address_t address;
    slk_diag_t diag = {""};
    assert_ok(slk_address_from_text(&address, text, &diag), diag);
    return address;
}

static bool verify(const slk_address_t *signer, unsigned type, const void *sig, size_t sig_len,
                   const void *msg, size_t len)
{
    bool ok = true;
    slk_diag_t diag = {""};
    assert_ok(slk_sig_verify(&ok, signer, type, sig, sig_len, msg, len, &diag), diag);
    return ok;
}

/* Where the next bit is flipped: the same places in every run. */
static uint64_t place_state = 88172645463325252u;

static size_t place(size_t bits)
{
    place_state ^= place_state << 13;
    place_state ^= place_state >> 7;
    place_state ^= place_state << 17;
    return (size_t)(place_state % bits);
}

static void flip(uint8_t *bytes, size_t bit)
{
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* It verifies, and with one bit changed anywhere it does not. */
static void check_signature(const slk_address_t *signer, unsigned type, const uint8_t *sig,
                            size_t sig_len, const uint8_t *msg, size_t len)
{
    uint8_t s[SLK_KEY_SIG_MAX], *m = malloc(len);
    slk_address_t a = *signer;
    assert_non_null(m);
    memcpy(s, sig, sig_len);
    memcpy(m, msg, len);
    assert_true(verify(signer, type, sig, sig_len, msg, len));
    for (int i = 0; i < FLIPS; i++) {
        size_t bit = place(8 * sig_len);
        flip(s, bit);
        assert_false(verify(signer, type, s, sig_len, msg, len));
        flip(s, bit);
        bit = place(8 * len);
        flip(m, bit);
        assert_false(verify(signer, type, sig, sig_len, m, len));
        flip(m, bit);
        bit = place(8 * (size_t)(a.len - 1));
        flip(a.b + 1, bit);
        assert_false(verify(&a, type, sig, sig_len, msg, len));
        flip(a.b + 1, bit);
    }
    assert_false(verify(signer, type, sig, sig_len - 1, msg, len));
    assert_false(verify(signer, 3 - type, sig, sig_len, msg, len));
    assert_false(verify(signer, 3, sig, sig_len, msg, len));
    assert_false(verify(signer, type, sig, sig_len, msg, len - 1));
    free(m);
}

/* --- Recorded --------------------------------------------------------------------------------------- */

static void test_wallet_answers(void **state)
{
    (void)state;
    json_t *json = test_vectors("lotus-rpc/WalletVerify.json"), *call;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(json, "calls"), i, call)
    {
        json_t *params = json_object_get(json_object_get(call, "request"), "params");
        json_t *result = json_object_get(json_object_get(call, "response"), "result");
        json_t *sig = json_array_get(params, 2);
        slk_address_t signer = address_of(json_string_value(json_array_get(params, 0)));
        uint8_t msg[64], bytes[128];
        size_t len = base64_of(msg, sizeof msg, json_string_value(json_array_get(params, 1)));
        size_t sig_len = base64_of(bytes, sizeof bytes, text_of(sig, "Data"));
        unsigned type = (unsigned)json_integer_value(json_object_get(sig, "Type"));
        assert_int_equal(verify(&signer, type, bytes, sig_len, msg, len), json_is_true(result));
        if (json_is_true(result))
            check_signature(&signer, type, bytes, sig_len, msg, len);
        seen++;
    }
    assert_int_equal(seen, 2);
    json_decref(json);

    json = test_vectors("lotus-rpc/WalletSignMessage.json");
    call = json_array_get(json_object_get(json, "calls"), 0);
    json_t *result = json_object_get(json_object_get(call, "response"), "result");
    json_t *message = json_object_get(result, "Message");
    slk_address_t from = address_of(text_of(message, "From"));
    slk_cid_t cid;
    uint8_t sig[128];
    slk_diag_t diag = {""};
    assert_ok(slk_cid_from_text(&cid, text_of(json_object_get(message, "CID"), "/"), &diag), diag);
    size_t len = base64_of(sig, sizeof sig, text_of(json_object_get(result, "Signature"), "Data"));
    check_signature(&from, SLK_KEY_BLS, sig, len, cid.b, cid.len);
    json_decref(json);
}

/* Messages of the chain that keep their signature are those by secp256k1. */
static void test_secp_messages(void **state)
{
    (void)state;
    static const char *const names[] = {"Send-1",
                                        "Send-2",
                                        "Send-3",
                                        "Send-4",
                                        "Send-5",
                                        "Send-6",
                                        "SubmitWindowedPoSt-1",
                                        "SubmitWindowedPoSt-2",
                                        "SubmitWindowedPoSt-3"};
    size_t seen = 0;
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "lotus-rpc/messages/%s.json", names[i]);
        json_t *json = test_vectors(path), *sig = json_object_get(json, "signature");
        if (json_is_object(sig)) {
            slk_address_t from = address_of(text_of(json_object_get(json, "message"), "From"));
            uint8_t bytes[128], cbor[4096];
            size_t len = base64_of(bytes, sizeof bytes, text_of(sig, "Data"));
            assert_int_equal(json_integer_value(json_object_get(sig, "Type")), SLK_KEY_SECP256K1);
            /* SignedMessage: 82, the message, the signature as a byte string of 66. */
            size_t all = hex_of(cbor, sizeof cbor, json, "raw_cbor_hex");
            assert_int_equal(cbor[0], 0x82);
            slk_cid_t cid = slk_cid_of_cbor(cbor + 1, all - 1 - 68);
            check_signature(&from, SLK_KEY_SECP256K1, bytes, len, cid.b, cid.len);
            seen++;
        }
        json_decref(json);
    }
    assert_true(seen >= 1);
}

/* Of each block: ticket, election proof, header. */
static void test_block_signatures(void **state)
{
    (void)state;
    json_t *blocks = test_vectors("lotus-rpc/blocks.json"), *block;
    size_t i;
    json_array_foreach(blocks, i, block)
    {
        static const char *const vrfs[] = {"ticket", "election"};
        slk_address_t worker = address_of(text_of(block, "worker_key"));
        for (size_t k = 0; k < SLK_COUNT(vrfs); k++) {
            json_t *vrf = json_object_get(block, vrfs[k]);
            slk_node_t draw = node_from_hex(text_of(vrf, "vrf_input_hex"));
            uint8_t proof[128];
            size_t len = hex_of(proof, sizeof proof, vrf, "vrf_proof_hex");
            assert_true(slk_vrf_verify(&worker, &draw, proof, len));
            size_t bit = place(8 * len);
            flip(proof, bit);
            assert_false(slk_vrf_verify(&worker, &draw, proof, len));
            flip(proof, bit);
            flip(draw.b, place(256));
            assert_false(slk_vrf_verify(&worker, &draw, proof, len));
        }
        uint8_t header[4096], sig[128];
        size_t len = hex_of(header, sizeof header, block, "unsigned_header_cbor_hex");
        json_t *field = json_object_get(json_object_get(block, "header"), "BlockSig");
        size_t sig_len = base64_of(sig, sizeof sig, text_of(field, "Data"));
        assert_true(verify(&worker, SLK_KEY_BLS, sig, sig_len, header, len));
        flip(header, place(8 * len));
        assert_false(verify(&worker, SLK_KEY_BLS, sig, sig_len, header, len));
    }
    assert_int_equal(json_array_size(blocks), 14);
    json_decref(blocks);
}

/* BLSAggregate of each block over the CIDs of its messages. */
static void test_block_aggregates(void **state)
{
    (void)state;
    json_t *blocks = test_vectors("lotus-rpc/blocks.json"), *block, *message;
    size_t i, k, with_messages = 0;
    slk_diag_t diag = {""};
    json_array_foreach(blocks, i, block)
    {
        json_t *list = json_object_get(json_object_get(block, "messages"), "BlsMessages");
        json_t *field = json_object_get(json_object_get(block, "header"), "BLSAggregate");
        enum { MAX = 8 };
        slk_cid_t cids[MAX];
        slk_address_t from[MAX];
        slk_bls_claim_t claims[MAX];
        size_t cnt = json_array_size(list);
        uint8_t sig[128];
        assert_int_equal(base64_of(sig, sizeof sig, text_of(field, "Data")), SLK_BLS_SIG_SZ);
        assert_true(cnt <= MAX);
        json_array_foreach(list, k, message)
        {
            const char *cid = text_of(json_object_get(message, "CID"), "/");
            assert_ok(slk_cid_from_text(&cids[k], cid, &diag), diag);
            from[k] = address_of(text_of(message, "From"));
            claims[k] = (slk_bls_claim_t){from[k].b + 1, cids[k].b, cids[k].len};
        }
        bool ok;
        assert_ok(slk_bls_verify_aggregate(&ok, sig, claims, cnt, &diag), diag);
        assert_true(ok);
        if (cnt > 0) {
            with_messages++;
            flip(cids[0].b, place(8 * (size_t)cids[0].len));
            assert_ok(slk_bls_verify_aggregate(&ok, sig, claims, cnt, &diag), diag);
            assert_false(ok);
        } else {
            uint8_t none[SLK_BLS_SIG_SZ];
            assert_ok(slk_bls_aggregate(none, NULL, 0, &diag), diag);
            assert_memory_equal(none, sig, sizeof none);
        }
    }
    assert_true(with_messages >= 1);
    json_decref(blocks);
}

/* --- Own keys --------------------------------------------------------------------------------------- */

static void test_generators(void **state)
{
    (void)state;
    slk_diag_t diag = {""};
    slk_key_t key;
    uint8_t secret[32] = {1}, public_key[SLK_KEY_PUBLIC_MAX];
    char hex[2 * SLK_KEY_PUBLIC_MAX + 1];
    assert_ok(slk_key_from_secret(&key, SLK_KEY_BLS, secret, &diag), diag);
    slk_hex_encode(hex, public_key, slk_key_public(public_key, &key));
    assert_string_equal(hex, "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
                             "6c55e83ff97a1aeffb3af00adb22c6bb");
    memset(secret, 0, sizeof secret);
    secret[31] = 1;
    assert_ok(slk_key_from_secret(&key, SLK_KEY_SECP256K1, secret, &diag), diag);
    slk_hex_encode(hex, public_key, slk_key_public(public_key, &key));
    assert_string_equal(hex, "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                             "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
}

static void test_secret_range(void **state)
{
    (void)state;
    slk_key_t key;
    uint8_t zero[32] = {0}, order[32];
    assert_err(SLK_ERR_FIELD, slk_key_from_secret(&key, SLK_KEY_BLS, zero, NULL));
    assert_err(SLK_ERR_FIELD, slk_key_from_secret(&key, SLK_KEY_SECP256K1, zero, NULL));
    slk_hex_decode(order, 32, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    assert_err(SLK_ERR_FIELD, slk_key_from_secret(&key, SLK_KEY_SECP256K1, order, NULL));
    order[31]--;
    assert_err(SLK_OK, slk_key_from_secret(&key, SLK_KEY_SECP256K1, order, NULL));
    slk_hex_decode(order, 32, "01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73");
    assert_err(SLK_ERR_FIELD, slk_key_from_secret(&key, SLK_KEY_BLS, order, NULL));
    order[0]--;
    assert_err(SLK_OK, slk_key_from_secret(&key, SLK_KEY_BLS, order, NULL));
    slk_key_sig_t sig;
    slk_key_wipe(&key);
    assert_err(SLK_ERR_FIELD, slk_key_sign(&sig, &key, "x", 1, NULL));
}

static void test_sign_and_verify(void **state)
{
    (void)state;
    slk_diag_t diag = {""};
    for (slk_key_type_t type = SLK_KEY_SECP256K1; type <= SLK_KEY_BLS; type++) {
        slk_key_t key, other;
        slk_key_sig_t sig, again;
        uint8_t msg[100];
        test_data(msg, sizeof msg, "message");
        assert_ok(slk_key_generate(&key, type, &diag), diag);
        assert_ok(slk_key_generate(&other, type, &diag), diag);
        assert_memory_not_equal(key.secret, other.secret, sizeof key.secret);
        slk_address_t address = slk_key_address(&key), wrong = slk_key_address(&other);
        assert_ok(slk_key_sign(&sig, &key, msg, sizeof msg, &diag), diag);
        assert_ok(slk_key_sign(&again, &key, msg, sizeof msg, &diag), diag);
        assert_memory_equal(&sig, &again, sizeof sig);
        check_signature(&address, sig.type, sig.b, sig.len, msg, sizeof msg);
        slk_signature_t view = slk_key_sig_view(&sig);
        bool ok;
        assert_ok(slk_signature_verify(&ok, &address, &view, msg, sizeof msg, &diag), diag);
        assert_true(ok);
        assert_ok(slk_signature_verify(&ok, &wrong, &view, msg, sizeof msg, &diag), diag);
        assert_false(ok);
        /* Also of nothing. */
        assert_ok(slk_key_sign(&sig, &key, "", 0, &diag), diag);
        assert_true(verify(&address, sig.type, sig.b, sig.len, "", 0));
    }
}

static void test_other_addresses(void **state)
{
    (void)state;
    slk_diag_t diag = {""};
    uint8_t sig[65] = {0};
    bool ok;
    slk_address_t a = slk_address_delegated(10, sig, 20);
    assert_err(SLK_ERR_UNSUPPORTED, slk_sig_verify(&ok, &a, 3, sig, 65, "", 0, &diag));
    assert_non_null(strstr(diag.text, "not supported"));
    a = slk_address_id(1000);
    assert_err(SLK_ERR_INPUT, slk_sig_verify(&ok, &a, 1, sig, 65, "", 0, &diag));
    memset(&a, 0, sizeof a);
    assert_err(SLK_ERR_INPUT, slk_sig_verify(&ok, &a, 1, sig, 65, "", 0, &diag));
    assert_false(ok);
}

static void test_aggregate(void **state)
{
    (void)state;
    enum { CNT = 20 };
    slk_diag_t diag = {""};
    uint8_t sigs[CNT][SLK_BLS_SIG_SZ], keys[CNT][SLK_KEY_PUBLIC_MAX], sum[SLK_BLS_SIG_SZ];
    uint32_t msgs[CNT];
    slk_bls_claim_t claims[CNT];
    for (uint32_t i = 0; i < CNT; i++) {
        slk_key_t key;
        slk_key_sig_t sig;
        msgs[i] = CNT - i;
        assert_ok(slk_key_generate(&key, SLK_KEY_BLS, &diag), diag);
        slk_key_public(keys[i], &key);
        assert_ok(slk_key_sign(&sig, &key, &msgs[i], sizeof msgs[i], &diag), diag);
        memcpy(sigs[i], sig.b, sizeof sigs[i]);
        claims[i] = (slk_bls_claim_t){keys[i], &msgs[i], sizeof msgs[i]};
    }
    bool ok;
    assert_ok(slk_bls_aggregate(sum, (const uint8_t(*)[SLK_BLS_SIG_SZ])sigs, CNT, &diag), diag);
    assert_ok(slk_bls_verify_aggregate(&ok, sum, claims, CNT, &diag), diag);
    assert_true(ok);
    assert_ok(slk_bls_verify_aggregate(&ok, sum, claims, CNT - 1, &diag), diag);
    assert_false(ok);
    assert_ok(slk_bls_verify_aggregate(&ok, sum, claims, 0, &diag), diag);
    assert_false(ok);
    flip(sum, place(8 * sizeof sum));
    assert_ok(slk_bls_verify_aggregate(&ok, sum, claims, CNT, &diag), diag);
    assert_false(ok);
    /* Two of the same message. */
    memcpy(sigs[1], sigs[0], sizeof sigs[0]);
    slk_bls_claim_t twice[2] = {claims[0], claims[0]};
    assert_ok(slk_bls_aggregate(sum, (const uint8_t(*)[SLK_BLS_SIG_SZ])sigs, 2, &diag), diag);
    assert_ok(slk_bls_verify_aggregate(&ok, sum, twice, 2, &diag), diag);
    assert_false(ok);
    memset(sigs[7], 0xff, sizeof sigs[7]);
    assert_err(SLK_ERR_FORMAT,
               slk_bls_aggregate(sum, (const uint8_t(*)[SLK_BLS_SIG_SZ])sigs, CNT, &diag));
    assert_non_null(strstr(diag.text, "signature 8 of 20"));
}

/* --- Text ------------------------------------------------------------------------------------------- */

static void test_export_import(void **state)
{
    (void)state;
    slk_diag_t diag = {""};
    slk_key_t key = {.type = SLK_KEY_BLS, .secret = {1}}, back;
    char json[SLK_KEY_JSON_SZ], hex[SLK_KEY_EXPORT_SZ];
    slk_key_to_json(json, &key);
    assert_string_equal(json, "{\"Type\":\"bls\","
                              "\"PrivateKey\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}");
    slk_key_export(hex, &key);
    assert_int_equal(strncmp(hex, "7b2254797065223a22626c73222c22507269766174654b6579223a22", 56),
                     0);
    for (slk_key_type_t type = SLK_KEY_SECP256K1; type <= SLK_KEY_BLS; type++) {
        assert_ok(slk_key_generate(&key, type, &diag), diag);
        slk_key_to_json(json, &key);
        slk_key_export(hex, &key);
        assert_ok(slk_key_import(&back, json, strlen(json), &diag), diag);
        assert_memory_equal(&back, &key, sizeof key);
        strcat(hex, "\n");
        memset(&back, 0, sizeof back);
        assert_ok(slk_key_import(&back, hex, strlen(hex), &diag), diag);
        assert_memory_equal(&back, &key, sizeof key);
    }
    static const char *const other = "{ \"PrivateKey\" : "
                                     "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\n "
                                     "\"Type\" : \"bls\" }";
    assert_ok(slk_key_import(&back, other, strlen(other), &diag), diag);
    assert_int_equal(back.secret[0], 1);
}

static void test_import_refused(void **state)
{
    (void)state;
#define SECRET "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    static const struct {
        const char *text;
        slk_err_t err;
    } cases[] = {
        {"", SLK_ERR_FORMAT},
        {"  ", SLK_ERR_FORMAT},
        {"{}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\"}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"" SECRET "\"", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"" SECRET "\"}x", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"" SECRET "\",}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"Type\":\"bls\",\"PrivateKey\":\"" SECRET "\"}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"" SECRET "\",\"X\":\"\"}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":1}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"AQAAAA==\"}", SLK_ERR_FORMAT},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"\\u0041QAA\"}", SLK_ERR_FORMAT},
        {"{\"Type\":\"delegated\",\"PrivateKey\":\"" SECRET "\"}", SLK_ERR_UNSUPPORTED},
        {"{\"Type\":\"libp2p-host\",\"PrivateKey\":\"" SECRET "\"}", SLK_ERR_UNSUPPORTED},
        {"{\"Type\":\"bls\",\"PrivateKey\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
         SLK_ERR_FIELD},
        {"7b2", SLK_ERR_FORMAT},
        {"zz", SLK_ERR_FORMAT},
        {"7b7d", SLK_ERR_FORMAT},
    };
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        slk_key_t key;
        slk_diag_t diag = {""};
        assert_err(cases[i].err, slk_key_import(&key, cases[i].text, strlen(cases[i].text), &diag));
        assert_true(diag.text[0]);
        assert_null(strstr(diag.text, "AQAA"));
    }
    char *longer = calloc(1, SLK_KEY_TEXT_MAX + 2);
    slk_key_t key;
    memset(longer, '0', SLK_KEY_TEXT_MAX + 1);
    assert_err(SLK_ERR_FORMAT, slk_key_import(&key, longer, SLK_KEY_TEXT_MAX + 1, NULL));
    assert_err(SLK_ERR_FORMAT, slk_key_import(&key, longer, SLK_KEY_TEXT_MAX, NULL));
    free(longer);
}

/* --- A signer far away ------------------------------------------------------------------------------ */

static slk_err_t far_list(void *self, slk_signer_each_t each, void *user, slk_diag_t *diag)
{
    (void)diag;
    slk_address_t address = slk_key_address(self);
    return each(user, &address);
}

static slk_err_t far_has(void *self, const slk_address_t *address, bool *has, slk_diag_t *diag)
{
    (void)diag;
    slk_address_t own = slk_key_address(self);
    *has = slk_address_eq(address, &own);
    return SLK_OK;
}

/* Signs with its key, whatever address it is asked for. */
static slk_err_t far_sign(void *self, const slk_address_t *address,
                          const slk_sign_request_t *request, slk_key_sig_t *sig, slk_diag_t *diag)
{
    (void)address;
    return slk_key_sign(sig, self, request->bytes, request->len, diag);
}

static slk_err_t count(void *user, const slk_address_t *address)
{
    assert_true(slk_address_is_key(address));
    ++*(int *)user;
    return SLK_OK;
}

static void test_signer(void **state)
{
    (void)state;
    static const slk_signer_ops_t ops = {.list = far_list, .has = far_has, .sign = far_sign};
    slk_diag_t diag = {""};
    slk_key_t key, other, secp;
    assert_ok(slk_key_generate(&key, SLK_KEY_BLS, &diag), diag);
    assert_ok(slk_key_generate(&other, SLK_KEY_BLS, &diag), diag);
    assert_ok(slk_key_generate(&secp, SLK_KEY_SECP256K1, &diag), diag);
    slk_signer_t signer = {&ops, &key};
    slk_address_t own = slk_key_address(&key), wrong = slk_key_address(&other);
    slk_address_t secp_address = slk_key_address(&secp);
    int keys = 0;
    bool has;
    assert_ok(slk_signer_list(signer, count, &keys, &diag), diag);
    assert_int_equal(keys, 1);
    assert_ok(slk_signer_has(signer, &wrong, &has, &diag), diag);
    assert_false(has);
    slk_sign_request_t request = {SLK_SIGN_MESSAGE, "cid", 3, NULL, 0};
    slk_key_sig_t sig;
    assert_ok(slk_signer_sign(signer, &own, &request, &sig, &diag), diag);
    assert_err(SLK_ERR_MISMATCH, slk_signer_sign(signer, &wrong, &request, &sig, &diag));

    slk_node_t draw = test_bytes32("draw");
    uint8_t proof[SLK_VRF_SZ];
    assert_ok(slk_vrf_compute(proof, signer, &own, &draw, &diag), diag);
    assert_true(slk_vrf_verify(&own, &draw, proof, sizeof proof));
    assert_false(slk_vrf_verify(&wrong, &draw, proof, sizeof proof));
    assert_false(slk_vrf_verify(&secp_address, &draw, proof, sizeof proof));
    assert_false(slk_vrf_verify(&own, &draw, proof, sizeof proof - 1));
    assert_err(SLK_ERR_INPUT, slk_vrf_compute(proof, signer, &secp_address, &draw, &diag));
    assert_string_equal(slk_sign_kind_text(SLK_SIGN_MESSAGE), "message");
    assert_string_equal(slk_sign_kind_text(SLK_SIGN_DEAL), "dealproposal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wallet_answers),   cmocka_unit_test(test_secp_messages),
        cmocka_unit_test(test_block_signatures), cmocka_unit_test(test_block_aggregates),
        cmocka_unit_test(test_generators),       cmocka_unit_test(test_secret_range),
        cmocka_unit_test(test_sign_and_verify),  cmocka_unit_test(test_other_addresses),
        cmocka_unit_test(test_aggregate),        cmocka_unit_test(test_export_import),
        cmocka_unit_test(test_import_refused),   cmocka_unit_test(test_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
