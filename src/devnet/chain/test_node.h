#ifndef SLK_DEVNET_CHAIN_TEST_NODE_H
#define SLK_DEVNET_CHAIN_TEST_NODE_H

/* For tests: a chain in a folder of its own with accounts that have keys, a pool, a paused
 * producer.
 *
 * Account i has id 100 + i and a million FIL; even ones have BLS keys, odd ones secp256k1 keys. */

#include "base/assert.h"
#include "crypto/keys/key.h"
#include "crypto/keys/signature.h"
#include "devnet/chain/producer.h"
#include "devnet/vm/gas.h"
#include "test_util.h"

#include <inttypes.h>

#define NODE_ACCOUNTS 8u

typedef struct {
    char dir[64];
    slk_chain_t *chain;
    slk_mpool_t *pool;
    slk_producer_t *producer;
    slk_key_t keys[NODE_ACCOUNTS];
    slk_address_t accounts[NODE_ACCOUNTS];
    slk_genesis_account_t rich[NODE_ACCOUNTS];
    slk_chain_options_t options;
    slk_producer_options_t producing;
    slk_diag_t diag;
} node_t;

static inline slk_bigint_t fil(uint64_t whole)
{
    return slk_bigint_mul(slk_bigint_u64(whole), slk_bigint_u64(UINT64_C(1000000000000000000)));
}

static inline void node_keys(node_t *node)
{
    for (unsigned i = 0; i < NODE_ACCOUNTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "node account %u", i);
        slk_node_t secret = test_bytes32(name);
        secret.b[0] = secret.b[31] = 1; /* below both groups' orders */
        assert_ok(slk_key_from_secret(&node->keys[i], i & 1 ? SLK_KEY_SECP256K1 : SLK_KEY_BLS,
                                      secret.b, &node->diag),
                  node->diag);
        node->accounts[i] = slk_key_address(&node->keys[i]);
        node->rich[i] = (slk_genesis_account_t){node->accounts[i], fil(1000000)};
    }
}

static inline void node_start(node_t *node)
{
    assert_ok(slk_chain_open(&node->chain, node->dir, &node->options, &node->diag), node->diag);
    assert_ok(slk_mpool_new(&node->pool, node->chain, &node->diag), node->diag);
    assert_ok(
        slk_producer_new(&node->producer, node->chain, node->pool, &node->producing, &node->diag),
        node->diag);
}

static inline void node_stop(node_t *node)
{
    slk_producer_free(node->producer);
    slk_mpool_free(node->pool);
    slk_chain_close(node->chain);
}

/* A fresh folder, in memory where that can be had: thousands of commits wait for no disk then. */
static inline void node_dir(char dir[64])
{
    strcpy(dir, "/dev/shm/selkie-test-XXXXXX");
    if (!mkdtemp(dir))
        test_tmp_dir(dir);
}

/* In a folder that is there (dir) or a new one (NULL). */
static inline void node_open_seed(node_t *node, const char *dir, const char *seed)
{
    memset(node, 0, sizeof *node);
    if (dir)
        snprintf(node->dir, sizeof node->dir, "%s", dir);
    else
        node_dir(node->dir);
    node_keys(node);
    node->options = (slk_chain_options_t){.policy = slk_policy_by_name("2k"),
                                          .network_name = "selkie-test",
                                          .seed = test_bytes32(seed),
                                          .genesis_time = 1700000000,
                                          .params_dir = SLK_VECTORS "/vk",
                                          .accounts = node->rich,
                                          .account_cnt = NODE_ACCOUNTS};
    node->producing = (slk_producer_options_t){.block_ms = 10, .paused = true};
    node_start(node);
}

static inline void node_open(node_t *node)
{
    node_open_seed(node, NULL, "seed");
}

static inline void node_close(node_t *node)
{
    node_stop(node);
    test_rm_dir(node->dir);
}

static inline void node_mine(node_t *node, uint64_t n)
{
    assert_ok(slk_producer_mine(node->producer, n, NULL, NULL, &node->diag), node->diag);
}

static inline int64_t node_height(node_t *node)
{
    slk_tip_t *head = slk_chain_head(node->chain);
    int64_t height = head->height;
    slk_tip_unref(head);
    return height;
}

/* A signed message; sig is what it borrows. */
static inline slk_signed_message_t node_sign(node_t *node, unsigned from, slk_message_t message,
                                             slk_key_sig_t *sig)
{
    slk_cid_t cid;
    message.from = node->accounts[from];
    assert_ok(slk_message_cid(&cid, &message, &node->diag), node->diag);
    assert_ok(slk_key_sign(sig, &node->keys[from], cid.b, cid.len, &node->diag), node->diag);
    return (slk_signed_message_t){message, slk_key_sig_view(sig)};
}

/* One that sends `atto` to another account. */
static inline slk_message_t node_transfer(node_t *node, unsigned to, uint64_t nonce, uint64_t atto,
                                          uint64_t premium)
{
    return (slk_message_t){.to = node->accounts[to],
                           .nonce = nonce,
                           .value = slk_bigint_u64(atto),
                           .gas_limit = 5000000,
                           .gas_fee_cap = slk_bigint_u64(UINT64_C(1000000000)),
                           .gas_premium = slk_bigint_u64(premium)};
}

static inline slk_err_t node_try_push(node_t *node, unsigned from, slk_message_t message,
                                      slk_push_t how, slk_cid_t *cid)
{
    slk_key_sig_t sig;
    const slk_signed_message_t sm = node_sign(node, from, message, &sig);
    return slk_mpool_push(cid, node->pool, &sm, how, &node->diag);
}

static inline slk_cid_t node_push(node_t *node, unsigned from, slk_message_t message)
{
    slk_cid_t cid;
    assert_ok(node_try_push(node, from, message, SLK_PUSH_LOCAL, &cid), node->diag);
    return cid;
}

static inline uint64_t node_nonce(node_t *node, unsigned from)
{
    uint64_t nonce;
    assert_ok(slk_mpool_nonce(&nonce, node->pool, &node->accounts[from], &node->diag), node->diag);
    return nonce;
}

/* The actor of account i after the head's messages. */
static inline slk_actor_state_t node_actor(node_t *node, unsigned i)
{
    slk_actor_state_t actor;
    bool found;
    slk_tip_t *head = slk_chain_head(node->chain);
    assert_ok(slk_chain_actor(&actor, NULL, &found, node->chain, &head->state, &node->accounts[i],
                              &node->diag),
              node->diag);
    assert_true(found);
    slk_tip_unref(head);
    return actor;
}

/* From the head; a found one is to be freed. */
static inline bool node_search(node_t *node, const slk_cid_t *cid, slk_found_t *found)
{
    bool is;
    slk_arena_t arena;
    slk_arena_init(&arena, (size_t)64 << 20);
    slk_tip_t *head = slk_chain_head(node->chain);
    assert_ok(
        slk_chain_search(found, &is, node->chain, head, cid, -1, true, false, &arena, &node->diag),
        node->diag);
    slk_tip_unref(head);
    slk_arena_free(&arena);
    return is;
}

#endif /* SLK_DEVNET_CHAIN_TEST_NODE_H */
