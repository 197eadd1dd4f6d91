/* Every recorded call of a real node is made to a development network, with parameters that name things of its own,
 * and the answers are compared in shape: the same fields, types, null, [] and {} in the same places; errors with the
 * same code, status and text.
 *
 * What is not compared stands in one table, with the reason. The network has a miner with two proven sectors and
 * a pre-commit, which a made-up tipset put into the state, for proofs take too long here. */

#include "codec/base64.h"
#include "devnet/actors/miner/precommit.h"
#include "devnet/actors/miner/test_miner.h"
#include "devnet/api/test_forge.h"

#include <ctype.h>
#include <dirent.h>

#define OWNER_RECORDED                                                                             \
    "t3qrpy5mkkap2otojwpwu7tymhfcm44vloczjghcbpez7qhhupsqjgmsledp37kmdv2xpoxnzi6hyprbcyg3jq"
#define SECP_RECORDED  "t1k7fdz4yr6zxm4sjb6rbwa53ugipneccr5bmil6i"
#define UNKNOWN_CID    "bafy2bzacebbpdegvr3i4cosewthysg5xkxpqfn2wfcz6mv2hmoktwbdxkax4s"
#define EPOCHS         40
#define SECTOR_EXPIRES 1549539

/* --- The network --------------------------------------------------------------------------------------------- */

typedef struct {
    test_devnet_t t;
    char owner[128], secp[128], miner[32];
    uint64_t miner_id;
    json_t *bls_cid, *secp_cid;      /* of messages on the chain */
    json_t *bls_block, *child_block; /* a block that has the second one, and a block on it */
    json_t *events_root, *events_key, *pending, *replaced, *failed;
    json_int_t first_push;
    int compared, skipped, wrong;
} world_t;

/* Sectors 0 and 1 with power, 2 pre-committed. */
static void add_sectors(test_machine_t *tm, uint64_t miner)
{
    slk_node_t comm_r = test_bytes32("comm_r");
    slk_sector_on_chain_info_t infos[2];
    for (unsigned i = 0; i < 2; i++)
        infos[i] = (slk_sector_on_chain_info_t){.sector_number = i,
                                                .seal_proof = 5,
                                                .sealed_cid =
                                                    slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
                                                .activation = 1,
                                                .expiration = SECTOR_EXPIRES,
                                                .initial_pledge = slk_bigint_u64(1000),
                                                .power_base_epoch = 1,
                                                .flags = SLK_SECTOR_SIMPLE_QA_POWER};
    comm_r.b[31] = 0;
    test_add_sectors(tm, miner, infos, 2);

    slk_rt_t rt = test_rt(tm, miner);
    slk_miner_state_t st;
    slk_deadlines_t all;
    slk_deadline_t deadline;
    slk_partition_t partition;
    slk_amt_t *amt;
    uint64_t number, index;
    bool found;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_miner_allocate_numbers(
                       &rt, &st, &(slk_bitfield_t){(slk_bit_run_t[]){{0, 3}}, 1}, false));
    assert_rt(&rt, slk_deadlines_load(&rt, &all, &st.deadlines));
    assert_rt(&rt, slk_deadlines_find(&rt, &all, 0, &number, &index, &found));
    assert_true(found);
    assert_rt(&rt, slk_deadlines_get(&rt, &all, number, &deadline));
    assert_rt(&rt, slk_deadline_partition(&rt, &deadline, index, &partition));
    slk_power_pair_t power = slk_partition_activate_unproven(&partition);
    assert_rt(&rt, slk_array_load(&rt, &amt, SLK_WIDTH_PARTITIONS, &deadline.partitions));
    assert_rt(&rt, slk_array_set(&rt, amt, index, &partition, &slk_partition_type));
    assert_rt(&rt, slk_array_flush(&rt, amt, &deadline.partitions));
    slk_amt_free(amt);
    assert_rt(&rt, slk_deadlines_put(&rt, &all, number, &deadline));
    assert_rt(&rt, slk_deadlines_save(&rt, &all, &st.deadlines));
    const slk_sector_pre_commit_on_chain_info_t pre = {.info = {.seal_proof = 5,
                                                                .sector_number = 2,
                                                                .sealed_cid = infos[0].sealed_cid,
                                                                .seal_rand_epoch = 1,
                                                                .expiration = SECTOR_EXPIRES},
                                                       .pre_commit_deposit = slk_bigint_u64(5),
                                                       .pre_commit_epoch = 3};
    assert_rt(&rt, slk_precommits_put(&rt, &st, &pre, 1));
    assert_rt(&rt, slk_miner_save(&rt, &st));
    const slk_update_claimed_power_params_t delta = {power.raw, power.qa};
    assert_int_equal(test_call_as(tm, miner, SLK_ID_POWER, 3, &delta,
                                  &slk_update_claimed_power_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
}

static void forge_sectors(world_t *w)
{
    test_machine_t tm;
    slk_tip_t *head = test_forge_begin(&w->t, &tm);
    add_sectors(&tm, w->miner_id);
    test_forge_end(&w->t, &tm, head);
}

/* A message with its event. */
static void pre_commit(world_t *w)
{
    slk_buf_t buf = {0};
    slk_diag_t *diag = &w->t.diag;
    const slk_node_t comm_r = {.b = {1}};
    slk_sector_pre_commit_info_t info = {
        .seal_proof = 5,
        .sector_number = 50,
        .sealed_cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm_r),
        .seal_rand_epoch = 1,
        .expiration = 86410 + 518400 + 10000,
    };
    const slk_pre_commit_sector_batch2_params_t params = {{&info, 1}};
    assert_ok(slk_record_encode(&buf, &slk_pre_commit_sector_batch2_params_type, &params, diag),
              *diag);
    char *text = test_base64(&buf);
    json_t *lookup =
        test_send_and_wait(&w->t, test_message_json(w->owner, w->miner, "0", 28, text));
    json_t *receipt = json_object_get(lookup, "Receipt");
    assert_int_equal(json_integer_value(json_object_get(receipt, "ExitCode")), 0);
    w->events_root = json_incref(json_object_get(receipt, "EventsRoot"));
    assert_true(json_is_object(w->events_root));
    json_t *tip = test_result(&w->t, "Filecoin.ChainGetTipSet",
                              json_pack("[O]", json_object_get(lookup, "TipSet")));
    w->events_key =
        json_incref(json_object_get(json_array_get(json_object_get(tip, "Blocks"), 0), "Parents"));
    json_decref(tip);
    json_decref(lookup);
    slk_buf_free(&buf);
    free(text);
}

/* Sign and push as it is, without asking whether it will do; its CID. */
static json_t *push_raw(world_t *w, json_t *message, int later, const char *premium)
{
    json_t *nonce = test_result(&w->t, "Filecoin.MpoolGetNonce", json_pack("[s]", w->owner));
    json_object_set_new(message, "Nonce", json_integer(json_integer_value(nonce) + later));
    json_object_set_new(message, "GasLimit", json_integer(50000000));
    json_object_set_new(message, "GasFeeCap", json_string("100000000"));
    json_object_set_new(message, "GasPremium", json_string(premium));
    json_decref(nonce);
    json_t *signed_message =
        test_result(&w->t, "Filecoin.WalletSignMessage", json_pack("[s, o]", w->owner, message));
    return test_result(&w->t, "Filecoin.MpoolPush", json_pack("[o]", signed_message));
}

/* One message that another takes the nonce of, and one that fails. */
static void replace_message(world_t *w)
{
    w->replaced = push_raw(w, test_message_json(w->owner, w->secp, "1", 0, NULL), 0, "100000");
    json_decref(push_raw(w, test_message_json(w->owner, w->secp, "1", 0, NULL), -1, "200000"));
    w->failed = push_raw(w, test_message_json(w->owner, w->miner, "0", 28, "gYA="), 0, "100000");
    test_mine(&w->t, 2);
}

static void make_world(world_t *w)
{
    json_t *json;
    *w = (world_t){0};
    test_devnet_open(&w->t);
    test_mine(&w->t, EPOCHS);
    json = test_result(&w->t, "Filecoin.WalletDefaultAddress", json_array());
    snprintf(w->owner, sizeof w->owner, "%s", json_string_value(json));
    json_decref(json);
    json = test_result(&w->t, "Filecoin.WalletNew", json_pack("[s]", "secp256k1"));
    snprintf(w->secp, sizeof w->secp, "%s", json_string_value(json));
    json_decref(json);
    w->miner_id = test_create_miner(&w->t, w->owner);
    snprintf(w->miner, sizeof w->miner, "t0%" PRIu64, w->miner_id);
    json = test_send_and_wait(&w->t,
                              test_message_json(w->owner, w->secp, "5000000000000000000", 0, NULL));
    w->bls_cid = json_incref(json_object_get(json, "Message"));
    json_decref(json);
    json = test_send_and_wait(&w->t,
                              test_message_json(w->secp, w->owner, "1000000000000000000", 0, NULL));
    w->secp_cid = json_incref(json_object_get(json, "Message"));
    /* Its tipset carries the receipt; the parent has the message. */
    json_t *tip = test_result(&w->t, "Filecoin.ChainGetTipSet",
                              json_pack("[O]", json_object_get(json, "TipSet")));
    json_t *block = json_array_get(json_object_get(tip, "Blocks"), 0);
    w->bls_block = json_incref(json_array_get(json_object_get(block, "Parents"), 0));
    w->child_block = json_incref(json_array_get(json_object_get(tip, "Cids"), 0));
    json_decref(tip);
    json_decref(json);
    test_mine(&w->t, 2);
    pre_commit(w);
    replace_message(w);
    w->pending = push_raw(w, test_message_json(w->owner, w->secp, "1", 0, NULL), 1, "300000");
    forge_sectors(w);
}

static void end_world(world_t *w)
{
    json_decref(w->bls_cid);
    json_decref(w->secp_cid);
    json_decref(w->bls_block);
    json_decref(w->child_block);
    json_decref(w->events_root);
    json_decref(w->events_key);
    json_decref(w->pending);
    json_decref(w->replaced);
    json_decref(w->failed);
    test_devnet_close(&w->t);
}

/* --- What differs, and why -------------------------------------------------------------------------------------- */

/* First row that matches counts. note: part of the recording's note, NULL: all of the method. params: what to ask
 * instead, with names ($HEAD is a key, $BLOCK the CID of its block ...: from_template); NULL: the recorded ones with
 * names exchanged. except: fields that are not compared, TEXT: of an error the text; NOT: the call is not made. */
static const struct {
    const char *method, *note, *params, *except, *why;
} rows[] = {
    /* Cannot be had here. */
    {"MinerCreateBlock", NULL, NULL, "NOT",
     "no miner of this network is old enough to win: devnet/chain tests it"},
    {"MinerGetBaseInfo", "next round", NULL, "NOT", "the same"},
    {"MinerGetBaseInfo", "two null rounds", NULL, "NOT", "the same"},
    {"StateGetClaim", "presealed", NULL, "NOT",
     "nothing is presealed, so that there are no claims"},
    {"StateGetClaims", "one claim", NULL, "NOT", "the same"},
    {"StateMarketStorageDeal", "presealed", NULL, "NOT", "the same of deals"},
    {"StateComputeDataCID", "deal 0", NULL, "TEXT",
     "deal 0 never was; there it was activated already"},
    {"MpoolPushMessage", "TerminateSectors", NULL, "NOT", "sectors and epochs of that chain"},
    {"MpoolPushMessage", "PreCommit", NULL, "NOT", "the same"},
    {"MpoolPushMessage", "ProveCommit", NULL, "NOT", "the same"},
    {"MpoolPushMessage", "Extend", NULL, "NOT", "the same"},
    {"MpoolPushMessage", "Declare", NULL, "NOT", "the same"},

    /* Other words. */
    {"GasEstimateMessageGas", "more than the balance", NULL, "TEXT",
     "the machine's words for a transfer"},
    {"MpoolPushMessage", "balance too low", NULL, "TEXT", "the same"},

    /* Other things than the recorded ones. */
    {"ChainGetBlockMessages", "secp", "[$WITH]", "", NULL},
    {"ChainGetEvents", NULL, "[$EVENTS]", "", NULL},
    {"GetActorEventsRaw", NULL, "[{\"tipsetKey\": $EVENTSKEY}]", "", NULL},
    {"ChainGetMessage", "bls", "[$BLS]", "", NULL},
    {"ChainGetMessage", "secp", "[$SECP]", "", NULL},
    {"ChainReadObj", "secp", "[$SECP]", "", NULL},
    {"ChainReadObj", "bls", "[$BLS]", "", NULL},
    {"ChainGetParentMessages", NULL, "[$CHILD]", "", NULL},
    {"ChainGetParentReceipts", NULL, "[$CHILD]", "", NULL},
    {"ChainGetPath", "path over", "[[$PARENT], $HEAD]", "", NULL},
    {"ChainGetPath", "reverts", "[$HEAD, [$PARENT]]", "", NULL},
    {"ChainGetRandomnessFromBeacon", NULL, "[$HEAD, 6, 20, \"QwDoBw==\"]", "", NULL},
    {"ChainGetRandomnessFromTickets", NULL, "[$HEAD, 5, 20, \"QwDoBw==\"]", "", NULL},
    {"StateGetRandomnessFromBeacon", "future", "[6, 100000, \"QwDoBw==\", $HEAD]", "", NULL},
    {"StateGetRandomnessFromTickets", "future", "[6, 100000, \"QwDoBw==\", $HEAD]", "", NULL},
    {"StateGetRandomnessFromBeacon", "null key", "[6, 20, \"QwDoBw==\", null]", "", NULL},
    {"MinerGetBaseInfo", "unknown", "[\"t09999\", $ROUND, $HEAD]", "", NULL},
    {"MinerGetBaseInfo", "just created", "[$MINER, $ROUND, $HEAD]", "", NULL},
    {"MpoolSelect", NULL, NULL, "Params", "null or empty as it was pushed"},
    {"MpoolPending", NULL, NULL, "Params", "the same"},
    {"MpoolPushMessage", NULL, NULL, "Params", "the same"},
    {"StateMinerPartitions", "empty", "[$MINER, 7, null]", "", NULL},
    {"StateMinerPartitions", "error", NULL, "", NULL},
    {"StateMinerPartitions", NULL, "[$MINER, 0, null]", "", NULL},
    {"StateSectorExpiration", "unknown", NULL, "", NULL},
    {"StateSectorExpiration", "sector 3 terminated", "[$MINER, 77, null]", "", NULL},
    {"StateSectorExpiration", NULL, "[$MINER, 0, null]", "", NULL},
    {"StateSectorPartition", "unknown", NULL, "", NULL},
    {"StateSectorPartition", NULL, "[$MINER, 0, null]", "", NULL},
    {"StateSectorGetInfo", "unknown", NULL, "", NULL},
    {"StateSectorGetInfo", "precommitted", NULL, "", NULL},
    {"StateSectorGetInfo", "snap", "[$MINER, 0, null]", "SectorKeyCID", "no sector was snapped"},
    {"StateSectorGetInfo", NULL, "[$MINER, 0, null]", "", NULL},
    {"StateSectorPreCommitInfo", "sector 2 precommitted", NULL, "", NULL},
    {"StateSectorPreCommitInfo", NULL, "[$MINER, 0, null]", "", NULL},
    {"StateSearchMsg", "not on chain", "[null, $PENDING, -1, true]", "", NULL},
    {"StateSearchMsg", "found", "[null, $BLS, -1, true]", "", NULL},
    {"StateSearchMsg", "limit 0", "[null, $BLS, 0, true]", "", NULL},
    {"StateSearchMsg", "v0", "[$BLS]", "", NULL},
    {"StateSearchMsg", "not allowed", "[null, $REPLACED, -1, false]", "", NULL},
    {"StateSearchMsg", "allowed", "[null, $REPLACED, -1, true]", "", NULL},
    {"StateWaitMsg", "waits", "[$BLS, 2, -1, true]", "", NULL},
    {"StateWaitMsg", "confidence", "[$BLS, 901, -1, true]", "", NULL},
    {"StateWaitMsg", "secp", "[$SECP, 0, -1, true]", "", NULL},
    {"StateWaitMsg", "not allowed", "[$REPLACED, 0, -1, false]", "", NULL},
    {"StateWaitMsg", "allowed", "[$REPLACED, 0, -1, true]", "", NULL},
    {"StateWaitMsg", "failed", "[$FAILED, 0, -1, true]", "", NULL},
    {"SyncCheckpoint", NULL, "[$HEAD]", "", NULL},
    {"SyncSubmitBlock", NULL, "[{\"Header\": $HEADER, \"BlsMessages\": [], \"SecpkMessages\": []}]",
     "", NULL},
};

/* Fields that are not compared in any answer: blocks of the built-in producer have no proofs, other messages have
 * events, gas charges and accesses to state are not told one by one. */
static const char *const everywhere[] = {"ElectionProof", "WinPoStProof", "EventsRoot",
                                         "GasCharges", "IpldOps"};

/* --- Comparing ------------------------------------------------------------------------------------------------------ */

static bool excepted(const char *list, const char *name)
{
    const size_t len = strlen(name);
    for (size_t i = 0; i < SLK_COUNT(everywhere); i++)
        if (!strcmp(name, everywhere[i]))
            return true;
    for (const char *at = list; at && (at = strstr(at, name)); at += len)
        if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    return false;
}

static const char *word_of(const json_t *json)
{
    if (!json)
        return "nothing";
    if (json_is_boolean(json))
        return "a bool";
    if (json_is_number(json))
        return "a number";
    return json_is_null(json)     ? "null"
           : json_is_string(json) ? "a string"
           : json_is_array(json)  ? "an array"
                                  : "an object";
}

/* False and the place in `where`. Fields of ours that begin with "Selkie" may be there. */
static bool same_shape(const json_t *theirs, const json_t *ours, const char *except, char *where,
                       size_t cap)
{
    const char *name;
    json_t *value;
    const size_t len = strlen(where);
    if (strcmp(word_of(theirs), word_of(ours))) {
        snprintf(where + len, cap - len, ": %s, the node has %s", word_of(ours), word_of(theirs));
        return false;
    }
    json_object_foreach((json_t *)theirs, name, value)
    {
        snprintf(where + len, cap - len, ".%s", name);
        if (!excepted(except, name) &&
            !same_shape(value, json_object_get(ours, name), except, where, cap))
            return false;
    }
    json_object_foreach((json_t *)ours, name, value)
    {
        snprintf(where + len, cap - len, ".%s: not of the node", name);
        if (!json_object_get(theirs, name) && strncmp(name, "Selkie", 6) && !excepted(except, name))
            return false;
    }
    where[len] = 0;
    if (json_is_array(theirs) && json_array_size(theirs) && json_array_size(ours)) {
        snprintf(where + len, cap - len, "[0]");
        if (!same_shape(json_array_get(theirs, 0), json_array_get(ours, 0), except, where, cap))
            return false;
        where[len] = 0;
    }
    return true;
}

/* Names and numbers out of a text. */
static void normal_text(char *out, size_t cap, const char *text)
{
    size_t len = 0;
    while (*text && len + 2 < cap) {
        size_t word = 0, digits = 0;
        while (isalnum((unsigned char)text[word])) {
            digits += isdigit((unsigned char)text[word]) != 0;
            word++;
        }
        if (word > 30 || (word && digits == word) || (digits && word == digits + 1)) {
            out[len++] = '#';
            text += word;
        } else if (word) {
            while (word-- && len + 2 < cap)
                out[len++] = *text++;
        } else {
            out[len++] = *text++;
        }
    }
    out[len] = 0;
}

static bool same_text(const char *a, const char *b)
{
    char x[2048], y[2048];
    normal_text(x, sizeof x, a);
    normal_text(y, sizeof y, b);
    return !strcmp(x, y);
}

/* --- Asking ---------------------------------------------------------------------------------------------------------- */

/* A token with the rights of the recorded one. */
static json_t *new_token(world_t *w, const char *perm)
{
    const slk_perms_t perms = slk_perms_upto(slk_perm_from_name(perm));
    json_t *list = json_array(), *token, *bytes;
    char text[SLK_TOKEN_TEXT_MAX];
    size_t len;
    for (unsigned i = 0; i < SLK_PERM_CNT; i++)
        if (perms & (1u << i))
            json_array_append_new(list, json_string(slk_perm_name(1u << i)));
    bytes = test_result(&w->t, "Filecoin.AuthNew", json_pack("[o]", list));
    const char *base64 = json_string_value(bytes);
    assert_true(slk_base64_decode((uint8_t *)text, &len, base64, strlen(base64)));
    token = json_stringn(text, len);
    json_decref(bytes);
    return token;
}

/* Keys of tipsets become that of the head, names of that chain those of this one. */
static json_t *exchange(world_t *w, json_t *json, json_t *head_key)
{
    const char *text = json_string_value(json), *name;
    json_t *value, *out;
    size_t i;
    if (text) {
        if (!strcmp(text, OWNER_RECORDED))
            return json_string(w->owner);
        if (!strcmp(text, SECP_RECORDED))
            return json_string(w->secp);
        if (!strcmp(text, "t01000") || !strcmp(text, "t01004"))
            return json_string(w->miner);
        if (!strncmp(text, "<token with perm ", 17)) {
            char perm[16];
            snprintf(perm, sizeof perm, "%.*s", (int)strcspn(text + 17, ">"), text + 17);
            return new_token(w, perm);
        }
    }
    if (json_is_array(json) && json_object_get(json_array_get(json, 0), "/"))
        return json_incref(head_key);
    if (json_is_array(json)) {
        out = json_array();
        json_array_foreach(json, i, value) json_array_append_new(out, exchange(w, value, head_key));
        return out;
    }
    if (json_is_object(json)) {
        out = json_object();
        json_object_foreach(json, name, value)
            json_object_set_new(out, name, exchange(w, value, head_key));
        return out;
    }
    return json_incref(json);
}

/* The same of a call's parameters, where a CID alone is that of a block. */
static json_t *exchange_params(world_t *w, json_t *params, json_t *head_key)
{
    size_t i;
    json_t *param, *out = json_array();
    json_array_foreach(params, i, param)
    {
        const char *cid = json_string_value(json_object_get(param, "/"));
        json_array_append_new(out, cid && strcmp(cid, UNKNOWN_CID) && strcmp(cid, "zzz")
                                       ? json_incref(json_array_get(head_key, 0))
                                       : exchange(w, param, head_key));
    }
    return out;
}

/* A recorded message with our nonces, which were around 7 there, and signed. */
static json_t *signed_anew(world_t *w, json_t *params)
{
    json_t *message =
        exchange(w, json_object_get(json_array_get(params, 0), "Message"), json_null());
    json_t *next = test_result(&w->t, "Filecoin.MpoolGetNonce", json_pack("[s]", w->owner));
    const json_int_t nonce = json_integer_value(json_object_get(message, "Nonce"));
    if (!w->first_push)
        w->first_push = json_integer_value(next);
    json_object_set_new(message, "Nonce", json_integer(nonce ? nonce - 7 + w->first_push : 0));
    json_decref(next);
    return json_pack("[o]", test_result(&w->t, "Filecoin.WalletSignMessage",
                                        json_pack("[s, o]", w->owner, message)));
}

static void put_name(char *text, size_t cap, const char *name, json_t *value)
{
    char *with = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    for (char *at; (at = strstr(text, name));) {
        char rest[4096];
        snprintf(rest, sizeof rest, "%s", at + strlen(name));
        snprintf(at, cap - (size_t)(at - text), "%s%s", with, rest);
    }
    free(with);
}

static json_t *from_template(world_t *w, const char *form, json_t *head)
{
    char text[8192];
    json_t *key = json_object_get(head, "Cids");
    json_t *block = json_array_get(json_object_get(head, "Blocks"), 0);
    json_t *round = json_integer(json_integer_value(json_object_get(head, "Height")) + 1);
    json_t *miner = json_string(w->miner), *owner = json_string(w->owner);
    snprintf(text, sizeof text, "%s", form);
    put_name(text, sizeof text, "$HEADER", block);
    put_name(text, sizeof text, "$HEAD", key);
    put_name(text, sizeof text, "$BLOCK", json_array_get(key, 0));
    put_name(text, sizeof text, "$PARENT", json_array_get(json_object_get(block, "Parents"), 0));
    put_name(text, sizeof text, "$WITH", w->bls_block);
    put_name(text, sizeof text, "$CHILD", w->child_block);
    put_name(text, sizeof text, "$EVENTSKEY", w->events_key);
    put_name(text, sizeof text, "$EVENTS", w->events_root);
    put_name(text, sizeof text, "$PENDING", w->pending);
    put_name(text, sizeof text, "$REPLACED", w->replaced);
    put_name(text, sizeof text, "$FAILED", w->failed);
    put_name(text, sizeof text, "$BLS", w->bls_cid);
    put_name(text, sizeof text, "$SECP", w->secp_cid);
    put_name(text, sizeof text, "$ROUND", round);
    put_name(text, sizeof text, "$MINER", miner);
    put_name(text, sizeof text, "$OWNER", owner);
    json_t *json = json_loads(text, 0, NULL);
    if (!json)
        fail_msg("no JSON: %s", text);
    json_decref(round);
    json_decref(miner);
    json_decref(owner);
    return json;
}

/* --- One call ---------------------------------------------------------------------------------------------------------- */

static void compare(world_t *w, const char *method, json_t *call, const char *except,
                    json_t *params)
{
    char where[1024], name[96];
    const char *note = json_string_value(json_object_get(call, "note"));
    const char *endpoint = json_string_value(json_object_get(call, "endpoint"));
    const char *perm = json_string_value(json_object_get(call, "token"));
    json_t *theirs = json_object_get(call, "response");
    json_t *error = json_object_get(theirs, "error");
    json_t *token = !perm || !strcmp(perm, "none") ? NULL : new_token(w, perm);
    snprintf(name, sizeof name, "Filecoin.%s", method);
    snprintf(where, sizeof where, "%s (%s)", method, note);
    slk_rpc_answer_t ours =
        test_ask(&w->t, strrchr(endpoint, '/') + 1, json_string_value(token), name, params);
    w->compared++;
    if (ours.failed != (error != NULL)) {
        print_error("%s: %s, the node %s\n", where, ours.failed ? ours.message : "a result",
                    error ? json_string_value(json_object_get(error, "message")) : "has a result");
        w->wrong++;
    } else if (error) {
        const char *text = json_string_value(json_object_get(error, "message"));
        if (ours.code != json_integer_value(json_object_get(error, "code")) ||
            ours.status != json_integer_value(json_object_get(call, "status")) ||
            (!strstr(except, "TEXT") && !same_text(text, ours.message)) ||
            !json_object_get(error, "data") != !ours.data) {
            print_error("%s: status %d code %lld %s\n  the node: %s\n", where, ours.status,
                        (long long)ours.code, ours.message, text);
            w->wrong++;
        }
    } else if (!same_shape(json_object_get(theirs, "result"), ours.result, except, where,
                           sizeof where)) {
        print_error("%s\n", where);
        w->wrong++;
    }
    slk_rpc_answer_free(&ours);
    json_decref(token);
}

static void one_call(world_t *w, const char *method, json_t *call)
{
    const char *form = NULL, *except = "";
    const char *note = json_string_value(json_object_get(call, "note"));
    json_t *request = json_object_get(call, "request");
    json_t *head = test_result(&w->t, "Filecoin.ChainHead", json_array());
    for (size_t i = 0; i < SLK_COUNT(rows); i++)
        if (!strcmp(rows[i].method, method) && (!rows[i].note || strstr(note, rows[i].note))) {
            form = rows[i].params;
            except = rows[i].except;
            break;
        }
    if (!strcmp(method, "MpoolSelect") && strstr(note, "empty"))
        test_do(&w->t, "Filecoin.MpoolClear", json_pack("[b]", 1));
    if (!strcmp(method, "MpoolSelect") && strstr(note, "one pending"))
        test_do(&w->t, "Filecoin.MpoolPushMessage",
                json_pack("[o, n]", test_message_json(w->owner, w->secp, "1", 0, NULL)));
    if (!strcmp(method, "MpoolPush") && !strstr(note, "signature"))
        compare(w, method, call, except, signed_anew(w, json_object_get(request, "params")));
    else if (strcmp(except, "NOT"))
        compare(w, method, call, except,
                form ? from_template(w, form, head)
                     : exchange_params(w, json_object_get(request, "params"),
                                       json_object_get(head, "Cids")));
    else
        w->skipped++;
    json_decref(head);
}

static int is_method(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".json") && isupper((unsigned char)entry->d_name[0]) &&
           strncmp(entry->d_name, "ChainNotify", 11);
}

static void test_recordings(void **state)
{
    world_t w;
    struct dirent **names;
    (void)state;
    make_world(&w);
    const int cnt = scandir(SLK_VECTORS "/lotus-rpc", &names, is_method, alphasort);
    assert_true(cnt > 90);
    for (int i = 0; i < cnt; i++) {
        char path[320];
        size_t k;
        json_t *call;
        snprintf(path, sizeof path, "lotus-rpc/%s", names[i]->d_name);
        json_t *file = test_vectors(path);
        const char *method = json_string_value(json_object_get(file, "method"));
        json_array_foreach(json_object_get(file, "calls"), k, call)
            one_call(&w, method + strlen("Filecoin."), call);
        json_decref(file);
        free(names[i]);
    }
    free(names);
    print_message("%d calls compared, %d not made, %d wrong\n", w.compared, w.skipped, w.wrong);
    assert_int_equal(w.wrong, 0);
    assert_true(w.compared > 250);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recordings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
