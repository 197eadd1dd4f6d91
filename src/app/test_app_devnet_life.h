#ifndef SLK_APP_TEST_APP_DEVNET_LIFE_H
#define SLK_APP_TEST_APP_DEVNET_LIFE_H

/* What the life of a sector needs of a running development network: calls, messages that must pass or must be
 * refused, epochs, randomness. */

#include "app/test_run_devnet.h"

#include "base/buf.h"
#include "chain/api.h"
#include "codec/actors/exit_code.h"
#include "codec/actors/miner.h"
#include "codec/actors/power.h"
#include "crypto/election/randomness.h"

#include <inttypes.h>

#define FIL UINT64_C(1000000000000000000)

typedef struct {
    slk_nodes_t *nodes;
    slk_arena_t arena; /* of everything that is read */
    slk_diag_t diag;
    slk_api_last_t answer; /* to the latest call */
    slk_api_t api;
    slk_address_t owner, worker, miner;
    uint64_t miner_id;
    int64_t pre_commit_epoch, expiration; /* of the sector */
    char ticket[65], seed[65], comm_r[65];
    slk_sector_pre_commit_info_t info;
} life_t;

/* CALL(life, Method, parameters ...) into `out`; it must succeed. */
#define CALL(life, method, ...)                                                                    \
    assert_ok(slk_api_##method(&(life)->api, __VA_ARGS__, &(life)->diag), (life)->diag)

static inline void life_mine(life_t *life, int64_t epochs)
{
    (void)life;
    sh("$S devnet mine %" PRId64 " --repo net --json", epochs);
    assert_status(0);
}

static inline int64_t life_height(life_t *life)
{
    slk_tipset_t head;
    CALL(life, ChainHead, &life->arena, &head);
    return head.height;
}

/* A line of the log of the test. */
SLK_PRINTF(2, 3) static inline void life_tell(life_t *life, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    print_message("epoch %" PRId64 ": %s\n", life_height(life), line);
}

/* --- Messages ------------------------------------------------------------------------------------------------ */

/* A message of the worker to the miner. */
static inline slk_message_t life_message(life_t *life, uint64_t method, const slk_type_t *type,
                                         const void *params)
{
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, type, params, &life->diag), life->diag);
    const uint8_t *bytes = slk_arena_copy(&life->arena, buf.bytes, buf.len);
    assert_non_null(bytes);
    const slk_message_t message = {
        .from = life->worker, .to = life->miner, .method = method, .params = {bytes, buf.len}};
    slk_buf_free(&buf);
    return message;
}

/* Push, mine, look. */
static inline slk_msg_lookup_t life_execute(life_t *life, const slk_message_t *message)
{
    slk_signed_message_t pushed;
    slk_msg_lookup_t found;
    slk_cid_t cid;
    CALL(life, MpoolPushMessage, message, NULL, &life->arena, &pushed);
    assert_ok(slk_signed_message_cid(&cid, &pushed, &life->diag), life->diag);
    life_mine(life, 2);
    CALL(life, StateWaitMsg, &cid, 0, -1, true, &life->arena, &found);
    return found;
}

static inline slk_msg_lookup_t life_send(life_t *life, const slk_message_t *message)
{
    slk_msg_lookup_t found = life_execute(life, message);
    if (found.receipt.exit_code)
        fail_msg("method %" PRIu64 ": exit code %" PRId64, message->method,
                 found.receipt.exit_code);
    return found;
}

/* The node's estimate says why it would fail; sent all the same, it is executed and fails. */
static inline void life_refused(life_t *life, const slk_message_t *message, slk_exit_code_t exit,
                                const char *text)
{
    char code[32];
    slk_message_t anyway = *message;
    slk_signed_message_t pushed;
    const slk_err_t err =
        slk_api_MpoolPushMessage(&life->api, message, NULL, &life->arena, &pushed, &life->diag);
    assert_int_equal(err, SLK_ERR_STATE);
    snprintf(code, sizeof code, "(RetCode=%d)", (int)exit);
    assert_has(life->answer.text, code);
    assert_has(life->answer.text, text);
    print_message("refused: %s\n", life->answer.text);
    anyway.gas_limit = 200000000;
    assert_int_equal(life_execute(life, &anyway).receipt.exit_code, exit);
}

/* --- Randomness ------------------------------------------------------------------------------------------------ */

static inline void life_hex(char out[65], const slk_api_bytes_t *drawn)
{
    assert_int_equal(drawn->v.len, 32);
    slk_hex_encode(out, drawn->v.b, 32);
    out[64] = '\0';
}

/* A node draws only as seen from a tipset that is named. */
static inline slk_tipset_key_t life_head(life_t *life)
{
    slk_tipset_t head;
    slk_tipset_key_t key = {0};
    CALL(life, ChainHead, &life->arena, &head);
    const slk_tipset_cids_t cids = slk_tipset_cids_of(&head);
    slk_buf_t buf = {0};
    slk_tipset_cids_bytes(&buf, &cids);
    assert_ok(slk_tipset_key_from_bytes(&key, buf.bytes, buf.len, &life->diag), life->diag);
    slk_buf_free(&buf);
    return key;
}

static inline slk_api_bytes_t life_ticket(life_t *life, slk_tag_t tag, int64_t epoch, bool of_miner)
{
    uint8_t entropy[SLK_ENTROPY_MAX];
    const size_t len = of_miner ? slk_miner_entropy(entropy, life->miner_id) : 0;
    const slk_tipset_key_t head = life_head(life);
    slk_api_bytes_t drawn;
    CALL(life, StateGetRandomnessFromTickets, tag, epoch, ((slk_bytes_t){entropy, len}), &head,
         &life->arena, &drawn);
    return drawn;
}

static inline slk_api_bytes_t life_beacon(life_t *life, slk_tag_t tag, int64_t epoch)
{
    uint8_t entropy[SLK_ENTROPY_MAX];
    const size_t len = slk_miner_entropy(entropy, life->miner_id);
    const slk_tipset_key_t head = life_head(life);
    slk_api_bytes_t drawn;
    CALL(life, StateGetRandomnessFromBeacon, tag, epoch, ((slk_bytes_t){entropy, len}), &head,
         &life->arena, &drawn);
    return drawn;
}

/* --- Start and end --------------------------------------------------------------------------------------------- */

static inline void life_connect(life_t *life, const char *env)
{
    test_devnet_start(env, "--paused");
    sh("head -1 run.out");
    assert_has(last.out, "FULLNODE_API_INFO=");
    char *line_end = strchr(last.out, '\n');
    assert_non_null(line_end);
    *line_end = '\0';
    assert_ok(slk_nodes_new(&life->nodes, strchr(last.out, '=') + 1, &life->diag), life->diag);
    life->api = (slk_api_t){.nodes = life->nodes, .network = SLK_TESTNET, .last = &life->answer};
}

static inline void life_open(life_t *life, const char *env)
{
    *life = (life_t){.info = {.seal_proof = 5}};
    slk_arena_init(&life->arena, (size_t)64 << 20);
    life_connect(life, env);
}

/* The chain ends at any moment and goes on where it was. */
static inline void life_restart(life_t *life, const char *env)
{
    const int64_t before = life_height(life);
    slk_nodes_free(life->nodes);
    test_devnet_kill();
    life_connect(life, env);
    assert_int_equal(life_height(life), before);
    life_tell(life, "killed and started again");
}

static inline void life_close(life_t *life)
{
    slk_nodes_free(life->nodes);
    slk_arena_free(&life->arena);
    test_devnet_kill();
}

#endif /* SLK_APP_TEST_APP_DEVNET_LIFE_H */
