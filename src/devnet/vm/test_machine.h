#ifndef SLK_DEVNET_VM_TEST_MACHINE_H
#define SLK_DEVNET_VM_TEST_MACHINE_H

/* For tests of actors: a machine on a genesis in memory, with accounts that can pay for
 * everything.
 *
 *     test_machine_t tm;
 *     test_machine_open(&tm, NULL);                      the 2k network; or another policy
 *     assert_int_equal(test_send(&tm, 0, to, method, &params, &params_type, value), SLK_EXIT_OK);
 *     tm.applied ...                                     what became of the last message
 *     test_ticks(&tm, 10);                               cron of 10 epochs
 *     test_read_state(&tm, id, &state, &slk_miner_state_type);
 *     test_machine_close(&tm);
 *
 * Account i has id 100 + i and TEST_FIL FIL; 0 to 3 have BLS keys, 4 and 5 secp256k1 keys.
 * f080, the verified registry's root, has the key of tm.root. Randomness is draw() of spec
 * chain.md 5 with base = test_bytes32("beacon <epoch>") or ("ticket <epoch>"). Records that are
 * read lie in tm.arena until test_machine_close. */

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "crypto/election/randomness.h"
#include "crypto/keys/key.h"
#include "devnet/actors/genesis.h"
#include "devnet/actors/supply.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/machine.h"
#include "test_util.h"

#include <inttypes.h>

#define TEST_ACCOUNTS  6u
#define TEST_FIL       UINT64_C(1000000)
#define TEST_GAS_LIMIT INT64_C(5000000000)

typedef struct {
    slk_policy_t policy;
    slk_memory_store_t *memory;
    slk_blockstore_t store;
    slk_machine_env_t env;
    slk_machine_t *machine;
    slk_key_t keys[TEST_ACCOUNTS], root_key;
    slk_address_t accounts[TEST_ACCOUNTS], root; /* key addresses */
    slk_arena_t arena;
    slk_diag_t diag;
    slk_applied_t applied;
} test_machine_t;

static inline slk_bigint_t test_fil(uint64_t whole)
{
    return slk_bigint_mul(slk_bigint_u64(whole), slk_bigint_u64(UINT64_C(1000000000000000000)));
}

static inline slk_bigint_t test_atto(const char *decimal)
{
    slk_bigint_t v;
    slk_diag_t diag;
    assert_ok(slk_bigint_from_text(&v, decimal, &diag), diag);
    return v;
}

#define assert_bigint(got, want)                                                                   \
    do {                                                                                           \
        slk_bigint_t assert_bigint_a = (got), assert_bigint_b = (want);                            \
        assert_string_equal(slk_bigint_text(&assert_bigint_a).s,                                   \
                            slk_bigint_text(&assert_bigint_b).s);                                  \
    } while (0)

/* --- The machine ------------------------------------------------------------------------------ */

/* The base of a draw: also for tests that make proofs. */
static inline slk_node_t test_draw_base(bool beacon, int64_t epoch)
{
    char name[64];
    snprintf(name, sizeof name, "%s %" PRId64, beacon ? "beacon" : "ticket", epoch);
    return test_bytes32(name);
}

static inline slk_err_t test_draw(void *ctx, slk_node_t *out, bool beacon, int64_t tag,
                                  int64_t epoch, const void *entropy, size_t len, slk_diag_t *diag)
{
    slk_node_t base = test_draw_base(beacon, epoch);
    (void)ctx;
    (void)diag;
    *out = slk_draw(base.b, sizeof base.b, (slk_tag_t)tag, epoch, entropy, len);
    return SLK_OK;
}

static inline void test_key(slk_key_t *key, slk_key_type_t type, const char *name)
{
    slk_diag_t diag;
    slk_node_t secret = test_bytes32(name);
    secret.b[0] = 1; /* below the orders of both groups, in either byte order */
    secret.b[31] = 1;
    assert_ok(slk_key_from_secret(key, type, secret.b, &diag), diag);
}

static inline void test_machine_keys(test_machine_t *tm, slk_genesis_account_t *accounts)
{
    for (unsigned i = 0; i < TEST_ACCOUNTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "account %u", i);
        test_key(&tm->keys[i], i < 4 ? SLK_KEY_BLS : SLK_KEY_SECP256K1, name);
        tm->accounts[i] = slk_key_address(&tm->keys[i]);
        accounts[i] = (slk_genesis_account_t){tm->accounts[i], test_fil(TEST_FIL)};
    }
    test_key(&tm->root_key, SLK_KEY_SECP256K1, "root");
    tm->root = slk_key_address(&tm->root_key);
}

/* policy NULL: the 2k network. */
static inline void test_machine_open(test_machine_t *tm, const slk_policy_t *policy)
{
    slk_genesis_account_t accounts[TEST_ACCOUNTS];
    slk_cid_t root;
    slk_supply_t supply;
    *tm = (test_machine_t){.policy = *(policy ? policy : slk_policy_by_name("2k"))};
    tm->memory = slk_memory_store_new();
    assert_non_null(tm->memory);
    tm->store = slk_memory_store_blocks(tm->memory);
    slk_arena_init(&tm->arena, (size_t)1 << 30);
    test_machine_keys(tm, accounts);
    slk_genesis_t genesis = {"selkie-test", accounts, TEST_ACCOUNTS, tm->root};
    assert_ok(slk_genesis_state(&root, &genesis, &tm->store, &tm->diag), tm->diag);
    tm->env = (slk_machine_env_t){.draw = test_draw,
                                  .store = &tm->store,
                                  .policy = &tm->policy,
                                  .base_fee = slk_bigint_u64(100)};
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
    assert_ok(
        slk_circulating_supply(&supply, slk_machine_tree(tm->machine), &tm->store, 0, &tm->diag),
        tm->diag);
    tm->env.supply = supply.circulating;
    slk_machine_free(tm->machine);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
}

static inline void test_machine_close(test_machine_t *tm)
{
    slk_machine_free(tm->machine);
    slk_arena_free(&tm->arena);
    slk_memory_store_free(tm->memory);
}

/* Another circulating supply; what is on the state is kept. */
static inline void test_set_supply(test_machine_t *tm, slk_bigint_t supply)
{
    slk_cid_t root;
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    slk_machine_free(tm->machine);
    tm->env.supply = supply;
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &root, &tm->diag), tm->diag);
}

/* The epoch of the next message; cron of those between does not run. */
static inline void test_set_epoch(test_machine_t *tm, int64_t epoch)
{
    tm->env.epoch = epoch;
    slk_machine_set_epoch(tm->machine, epoch);
}

/* Cron of this epoch, then the next epoch begins; n times. */
static inline void test_ticks(test_machine_t *tm, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        assert_ok(slk_machine_apply_implicit(tm->machine, SLK_ID_SYSTEM, SLK_ID_CRON, 2,
                                             (slk_bytes_t){0}, slk_bigint_u64(0), &tm->applied,
                                             &tm->diag),
                  tm->diag);
        for (size_t k = 0; k < tm->applied.call_cnt; k++)
            if (tm->applied.calls[k].exit != SLK_EXIT_OK)
                fail_msg("cron of epoch %" PRId64 ": f0%" PRIu64 " method %" PRIu64 ": exit %d",
                         tm->env.epoch, tm->applied.calls[k].to, tm->applied.calls[k].method,
                         tm->applied.calls[k].exit);
        test_set_epoch(tm, tm->env.epoch + 1);
    }
}

/* --- State ------------------------------------------------------------------------------------ */

static inline slk_actor_state_t test_actor(test_machine_t *tm, uint64_t id)
{
    slk_actor_state_t actor;
    bool found;
    assert_ok(slk_state_tree_get(slk_machine_tree(tm->machine), id, &actor, &found, &tm->diag),
              tm->diag);
    if (!found)
        fail_msg("there is no actor f0%" PRIu64, id);
    return actor;
}

static inline slk_bigint_t test_balance(test_machine_t *tm, uint64_t id)
{
    return test_actor(tm, id).balance;
}

static inline void test_read_object(test_machine_t *tm, const slk_cid_t *cid, void *record,
                                    const slk_type_t *type)
{
    assert_ok(slk_object_get(record, type, &tm->store, cid, &tm->arena, &tm->diag), tm->diag);
}

static inline void test_read_state(test_machine_t *tm, uint64_t id, void *record,
                                   const slk_type_t *type)
{
    slk_actor_state_t actor = test_actor(tm, id);
    test_read_object(tm, &actor.head, record, type);
}

static inline void test_write_state(test_machine_t *tm, uint64_t id, const void *record,
                                    const slk_type_t *type)
{
    slk_actor_state_t actor = test_actor(tm, id);
    assert_ok(slk_object_put(&actor.head, type, record, &tm->store, &tm->diag), tm->diag);
    assert_ok(slk_state_tree_set(slk_machine_tree(tm->machine), id, &actor, &tm->diag), tm->diag);
}

static inline void test_read_return(test_machine_t *tm, void *record, const slk_type_t *type)
{
    assert_ok(slk_record_decode(record, type, tm->applied.ret.b, tm->applied.ret.len, &tm->arena,
                                &tm->diag),
              tm->diag);
}

static inline slk_err_t test_add_balance(void *ctx, uint64_t id, const slk_actor_state_t *actor,
                                         slk_diag_t *diag)
{
    slk_bigint_t *sum = ctx;
    (void)id;
    (void)diag;
    *sum = slk_bigint_add(*sum, actor->balance);
    return SLK_OK;
}

/* Of all actors: 2e9 FIL between messages, whatever happened. */
static inline slk_bigint_t test_all_balances(test_machine_t *tm)
{
    slk_bigint_t sum = slk_bigint_u64(0);
    slk_cid_t root;
    assert_ok(slk_machine_flush(tm->machine, &root, &tm->diag), tm->diag);
    assert_ok(
        slk_state_tree_foreach(slk_machine_tree(tm->machine), test_add_balance, &sum, &tm->diag),
        tm->diag);
    return sum;
}

/* --- Messages --------------------------------------------------------------------------------- */

static inline slk_message_t test_message(test_machine_t *tm, const slk_address_t *from,
                                         slk_address_t to, uint64_t method, slk_bytes_t params,
                                         slk_bigint_t value)
{
    uint64_t id;
    bool found;
    assert_ok(slk_state_tree_resolve(slk_machine_tree(tm->machine), from, &id, &found, &tm->diag),
              tm->diag);
    assert_true(found);
    return (slk_message_t){.to = to,
                           .from = *from,
                           .nonce = test_actor(tm, id).nonce,
                           .value = value,
                           .gas_limit = TEST_GAS_LIMIT,
                           .gas_fee_cap = slk_bigint_u64(200),
                           .gas_premium = slk_bigint_u64(50),
                           .method = method,
                           .params = params};
}

static inline slk_exit_t test_apply(test_machine_t *tm, const slk_message_t *message)
{
    slk_buf_t buf = {0};
    assert_ok(slk_record_encode(&buf, &slk_message_type, message, &tm->diag), tm->diag);
    assert_ok(slk_machine_apply(tm->machine, message, buf.len, &tm->applied, &tm->diag), tm->diag);
    slk_buf_free(&buf);
    return tm->applied.exit;
}

static inline slk_exit_t test_send_bytes(test_machine_t *tm, const slk_address_t *from,
                                         slk_address_t to, uint64_t method, slk_bytes_t params,
                                         slk_bigint_t value)
{
    slk_message_t message = test_message(tm, from, to, method, params, value);
    return test_apply(tm, &message);
}

/* From an account by its key, with a record as parameters (NULL: none). */
static inline slk_exit_t test_send_from(test_machine_t *tm, const slk_address_t *from,
                                        slk_address_t to, uint64_t method, const void *params,
                                        const slk_type_t *type, slk_bigint_t value)
{
    slk_buf_t buf = {0};
    if (params)
        assert_ok(slk_record_encode(&buf, type, params, &tm->diag), tm->diag);
    slk_exit_t exit =
        test_send_bytes(tm, from, to, method, (slk_bytes_t){buf.bytes, buf.len}, value);
    slk_buf_free(&buf);
    return exit;
}

/* From account i to an actor's id. */
static inline slk_exit_t test_send(test_machine_t *tm, unsigned account, uint64_t to,
                                   uint64_t method, const void *params, const slk_type_t *type,
                                   slk_bigint_t value)
{
    return test_send_from(tm, &tm->accounts[account], slk_address_id(to), method, params, type,
                          value);
}

/* As another actor, without gas: what only actors may call. */
static inline slk_exit_t test_call_as(test_machine_t *tm, uint64_t from, uint64_t to,
                                      uint64_t method, const void *params, const slk_type_t *type,
                                      slk_bigint_t value)
{
    slk_buf_t buf = {0};
    if (params)
        assert_ok(slk_record_encode(&buf, type, params, &tm->diag), tm->diag);
    assert_ok(slk_machine_apply_implicit(tm->machine, from, to, method,
                                         (slk_bytes_t){buf.bytes, buf.len}, value, &tm->applied,
                                         &tm->diag),
              tm->diag);
    slk_buf_free(&buf);
    return tm->applied.exit;
}

#endif /* SLK_DEVNET_VM_TEST_MACHINE_H */
