#ifndef SLK_DEVNET_API_TEST_FORGE_H
#define SLK_DEVNET_API_TEST_FORGE_H

/* For tests of what the API shows of miners: states that would take long to come about. A made-up tipset on top of
 * the head has the state that a machine of tests left behind. */

#include "codec/base64.h"
#include "devnet/actors/miner/test_miner.h"
#include "devnet/api/test_devnet.h"

static inline json_t *test_message_json(const char *from, const char *to, const char *value,
                                        int method, const char *params)
{
    return json_pack("{s:i, s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:i, s:s?}", "Version", 0, "To", to,
                     "From", from, "Nonce", 0, "Value", value, "GasLimit", 0, "GasFeeCap", "0",
                     "GasPremium", "0", "Method", method, "Params", params);
}

static inline char *test_base64(const slk_buf_t *buf)
{
    char *text = malloc(SLK_BASE64_LEN(buf->len) + 1);
    assert_non_null(text);
    slk_base64_encode(text, buf->bytes, buf->len);
    return text;
}

/* By a message of its owner, who is its worker; its id. */
static inline uint64_t test_create_miner(test_devnet_t *t, const char *owner_text)
{
    slk_buf_t buf = {0};
    slk_address_t owner;
    assert_ok(slk_address_from_text(&owner, owner_text, &t->diag), t->diag);
    const uint8_t peer[38] = {0x00, 0x24, 0x08, 0x01, 0x12, 0x20, 1};
    slk_create_miner_params_t params = {
        .owner = owner, .worker = owner, .window_post_proof_type = 10, .peer = {peer, sizeof peer}};
    assert_ok(slk_record_encode(&buf, &slk_create_miner_params_type, &params, &t->diag), t->diag);
    char *text = test_base64(&buf);
    json_t *lookup = test_send_and_wait(
        t, test_message_json(owner_text, "t04", "1000000000000000000000", 2, text));
    const char *id =
        json_string_value(json_object_get(json_object_get(lookup, "ReturnDec"), "IDAddress"));
    assert_non_null(id);
    const uint64_t number = strtoull(id + 2, NULL, 10);
    json_decref(lookup);
    slk_buf_free(&buf);
    free(text);
    return number;
}

/* A machine on the state of the head; what it does becomes the state of the tipset that _end puts in. */
static inline slk_tip_t *test_forge_begin(test_devnet_t *t, test_machine_t *tm)
{
    slk_chain_t *chain = slk_devnet_chain(t->net);
    slk_tip_t *head = slk_chain_head(chain);
    *tm = (test_machine_t){.policy = *slk_chain_policy(chain), .store = *slk_chain_store(chain)};
    tm->env = (slk_machine_env_t){.draw = test_draw,
                                  .store = &tm->store,
                                  .policy = &tm->policy,
                                  .epoch = head->height,
                                  .base_fee = slk_bigint_u64(100)};
    slk_arena_init(&tm->arena, (size_t)1 << 30);
    assert_ok(slk_machine_new(&tm->machine, &tm->env, &head->state, &t->diag), t->diag);
    return head;
}

static inline void test_forge_end(test_devnet_t *t, test_machine_t *tm, slk_tip_t *head)
{
    slk_chain_t *chain = slk_devnet_chain(t->net);
    slk_tip_t *forged;
    slk_block_header_t block = head->tipset.blocks.items[0];
    assert_ok(slk_machine_flush(tm->machine, &block.parent_state_root, &t->diag), t->diag);
    block.parents = head->key.cids;
    block.parent_weight = head->weight;
    block.parent_message_receipts = head->receipts;
    block.parent_base_fee = head->base_fee;
    block.height = head->height + 1;
    block.timestamp += 4;
    slk_chain_lock(chain);
    assert_ok(slk_chain_put(&forged, chain, &block, 1, &t->diag), t->diag);
    assert_ok(slk_chain_set_head(chain, forged, &t->diag), t->diag);
    slk_chain_unlock(chain);
    slk_tip_unref(forged);
    slk_tip_unref(head);
    slk_machine_free(tm->machine);
    slk_arena_free(&tm->arena);
}

#endif /* SLK_DEVNET_API_TEST_FORGE_H */
