/* Whatever well-formed parameters somebody sends to the network's actors, their methods end with
 * an exit code: no assertion, no end of the chain, and money stays. */

#include "codec/actors/market.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/actors/verifreg.h"
#include "devnet/actors/datacap_state.h"
#include "devnet/vm/test_machine.h"

#define MESSAGES  6000u
#define GAS_LIMIT INT64_C(200000000)
#define DEPTH_MAX 4u

static test_machine_t tm;
static uint64_t seed = 88172645463325252u;

static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* --- Values: often the edges ------------------------------------------------------------------ */

static uint64_t some_uint(void)
{
    static const uint64_t edges[] = {0,    1,    2,         99,         100,           102,
                                     1000, 2048, INT64_MAX, UINT64_MAX, UINT64_MAX - 1};
    return chance(4) ? edges[chance(SLK_COUNT(edges))] : chance(UINT64_MAX);
}

static int64_t some_int(void)
{
    static const int64_t edges[] = {0, -1, 1, 10, 100, 518400, 600000, INT64_MAX, INT64_MIN, 86400};
    return chance(4) ? edges[chance(SLK_COUNT(edges))] : (int64_t)chance(UINT64_MAX);
}

static void put_noise(slk_buf_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        slk_buf_put_byte(buf, (uint8_t)chance(256));
}

static void put_address(slk_buf_t *buf)
{
    static const uint64_t ids[] = {0,   4,   5,   6,   7,    80,   99,
                                   100, 101, 102, 103, 1000, 1001, INT64_MAX};
    slk_address_t a = slk_address_id(ids[chance(SLK_COUNT(ids))]);
    if (!chance(3))
        a = tm.accounts[chance(TEST_ACCOUNTS)];
    if (!chance(20))
        a = slk_address_actor(&a, sizeof a);
    slk_cbor_put_address(buf, &a);
}

static void put_bigint(slk_buf_t *buf)
{
    uint8_t bytes[SLK_BIGINT_BYTES_MAX];
    static const size_t lens[] = {2, 3, 8, 9, 12, 16, 32, SLK_BIGINT_BYTES_MAX};
    size_t len = lens[chance(SLK_COUNT(lens))];
    bytes[0] = !chance(5);
    for (size_t i = 1; i < len; i++)
        bytes[i] = (uint8_t)(i == 1 ? 1 + chance(255) : chance(256));
    slk_cbor_put_bytes(buf, bytes, chance(4) ? len : 0);
}

static void put_cid(slk_buf_t *buf)
{
    slk_node_t comm = test_bytes32("piece");
    comm.b[31] &= 0x3f;
    comm.b[0] = (uint8_t)chance(2);
    slk_cid_t cid =
        chance(8) ? slk_cid_of_commitment(SLK_CID_UNSEALED, &comm) : slk_cid_of_cbor("\x80", 1);
    if (!chance(8))
        cid = slk_actor_devnet_code(SLK_ACTOR_MINER);
    slk_cbor_put_cid(buf, &cid);
}

static void put_bitfield(slk_buf_t *buf)
{
    slk_bitfield_t set;
    const uint64_t first = chance(4) ? chance(10) : some_uint() / 4;
    assert_ok(slk_bitfield_from_range(&set, first, 1 + chance(chance(8) ? 10 : 5000), &tm.arena),
              tm.diag);
    assert_ok(slk_cbor_put_bitfield(buf, &set, &tm.diag), tm.diag);
}

static void put_bytes(slk_buf_t *buf)
{
    slk_buf_t inner = {0};
    if (chance(2))
        slk_cbor_put_uint(&inner, chance(3)); /* the id of a deal, perhaps */
    else
        put_noise(&inner, chance(40));
    slk_cbor_put_bytes(buf, inner.bytes, inner.len);
    slk_buf_free(&inner);
}

static void put_record(slk_buf_t *buf, const slk_type_t *type, unsigned depth);

static void put_value(slk_buf_t *buf, const slk_row_t *row, unsigned depth)
{
    static const uint8_t signature[97] = {2};
    switch ((slk_kind_t)row->kind) {
    case SLK_KIND_U64:
        slk_cbor_put_uint(buf, some_uint());
        return;
    case SLK_KIND_I64:
        slk_cbor_put_int(buf, some_int());
        return;
    case SLK_KIND_BOOL:
        slk_cbor_put_bool(buf, chance(2));
        return;
    case SLK_KIND_ADDRESS:
        put_address(buf);
        return;
    case SLK_KIND_BIGINT:
        put_bigint(buf);
        return;
    case SLK_KIND_CID:
        put_cid(buf);
        return;
    case SLK_KIND_SIGNATURE:
        slk_cbor_put_bytes(buf, signature, sizeof signature);
        return;
    case SLK_KIND_BITFIELD:
        put_bitfield(buf);
        return;
    case SLK_KIND_LABEL:
    case SLK_KIND_TEXT:
        slk_cbor_put_text(buf, "label", chance(6));
        return;
    case SLK_KIND_RECORD:
        put_record(buf, row->type, depth + 1);
        return;
    case SLK_KIND_BYTES:
    case SLK_KIND_HASH:
    case SLK_KIND_PEER_ID:
    case SLK_KIND_DOUBLE:
    case SLK_KIND_ANY:
    case SLK_KIND_COUNT:
        break;
    }
    put_bytes(buf);
}

static void put_row(slk_buf_t *buf, const slk_row_t *row, unsigned depth)
{
    const bool list = row->shape == SLK_SHAPE_LIST || row->shape == SLK_SHAPE_ARRAY;
    if (!list && row->shape != SLK_SHAPE_ONE && chance(2)) {
        slk_cbor_put_null(buf);
        return;
    }
    const size_t cnt = !list ? 1 : depth < DEPTH_MAX ? chance(4) : 0;
    if (list)
        slk_cbor_put_array(buf, cnt);
    for (size_t i = 0; i < cnt; i++)
        put_value(buf, row, depth);
}

static void put_record(slk_buf_t *buf, const slk_type_t *type, unsigned depth)
{
    if (type->form == SLK_FORM_TUPLE)
        slk_cbor_put_array(buf, type->row_cnt);
    for (size_t i = 0; i < type->row_cnt; i++)
        put_row(buf, &type->rows[i], depth);
}

/* --- Methods ---------------------------------------------------------------------------------- */

/* caller 0: an account by a message; else this actor, which passes on what others say. */
static const struct {
    uint64_t actor, method, caller;
    const slk_type_t *params;
} methods[] = {
    {SLK_ID_POWER, 2, 0, &slk_create_miner_params_type},
    {SLK_ID_POWER, 3, 0, &slk_update_claimed_power_params_type},
    {SLK_ID_POWER, 3753401894, 0, &slk_value_u64_type},
    {SLK_ID_POWER, 36284446, 0, &slk_value_u64_type},
    {SLK_ID_REWARD, 2, 0, &slk_award_block_reward_params_type},
    {SLK_ID_MARKET, 2, 0, &slk_value_address_type},
    {SLK_ID_MARKET, 3, 0, &slk_market_withdraw_balance_params_type},
    {SLK_ID_MARKET, 4, 0, &slk_publish_storage_deals_params_type},
    {SLK_ID_MARKET, 7, 1000, &slk_on_miner_sectors_terminate_params_type},
    {SLK_ID_MARKET, 726108461, 0, &slk_value_address_type},
    {SLK_ID_MARKET, 2611213344, 0, &slk_value_u64_type},
    {SLK_ID_MARKET, 1900091594, 0, &slk_value_bitfield_type},
    {SLK_ID_MARKET, 2034386435, 1000, &slk_sector_content_changed_params_type},
    {SLK_ID_VERIFREG, 2, 80, &slk_verifier_params_type},
    {SLK_ID_VERIFREG, 3, 80, &slk_value_address_type},
    {SLK_ID_VERIFREG, 4, 0, &slk_verifier_params_type},
    {SLK_ID_VERIFREG, 8, 0, &slk_remove_expired_allocations_params_type},
    {SLK_ID_VERIFREG, 9, 1000, &slk_claim_allocations_params_type},
    {SLK_ID_VERIFREG, 10, 0, &slk_claims_params_type},
    {SLK_ID_VERIFREG, 11, 0, &slk_extend_claim_terms_params_type},
    {SLK_ID_VERIFREG, 12, 0, &slk_claims_params_type},
    {SLK_ID_VERIFREG, 3726118371, 7, &slk_universal_receiver_params_type},
    {SLK_ID_DATACAP, 80475954, 0, &slk_transfer_params_type},
    {SLK_ID_DATACAP, 3621052141, 0, &slk_transfer_from_params_type},
    {SLK_ID_DATACAP, 3621052141, 5, &slk_transfer_from_params_type},
    {SLK_ID_DATACAP, 1434719642, 0, &slk_value_bigint_type},
    {SLK_ID_DATACAP, 3261979605, 0, &slk_value_address_type},
    {SLK_ID_INIT, 2, 0, &slk_exec_params_type},
    {100, 2643134072, 0, &slk_authenticate_message_params_type},
};

/* Allocations in the transfer, often. */
static void put_params(slk_buf_t *buf, const slk_type_t *type)
{
    slk_buf_clear(buf);
    if (type != &slk_transfer_params_type || chance(2)) {
        put_record(buf, type, 0);
        return;
    }
    slk_buf_t requests = {0};
    put_record(&requests, &slk_allocation_requests_type, 0);
    slk_cbor_put_array(buf, 3);
    put_address(buf);
    put_bigint(buf);
    slk_cbor_put_bytes(buf, requests.bytes, requests.len);
    slk_buf_free(&requests);
}

static void send(uint64_t to, uint64_t method, slk_bytes_t params, slk_bigint_t value)
{
    slk_message_t message = test_message(&tm, &tm.accounts[chance(TEST_ACCOUNTS)],
                                         slk_address_id(to), method, params, value);
    message.gas_limit = GAS_LIMIT;
    test_apply(&tm, &message);
}

static void test_any(void **state)
{
    (void)state;
    slk_buf_t buf = {0};
    unsigned good = 0, unreadable = 0;
    const slk_create_miner_params_t miner = {
        .owner = tm.accounts[0], .worker = tm.accounts[1], .window_post_proof_type = 10};
    assert_int_equal(
        test_send(&tm, 0, SLK_ID_POWER, 2, &miner, &slk_create_miner_params_type, test_fil(1)),
        SLK_EXIT_OK);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const size_t k = chance(SLK_COUNT(methods));
        const slk_bigint_t value = slk_bigint_u64(chance(3) ? 0 : chance(UINT64_MAX));
        put_params(&buf, methods[k].params);
        const slk_bytes_t params = {buf.bytes, buf.len};
        if (methods[k].caller)
            assert_ok(slk_machine_apply_implicit(tm.machine, methods[k].caller, methods[k].actor,
                                                 methods[k].method, params, slk_bigint_u64(0),
                                                 &tm.applied, &tm.diag),
                      tm.diag);
        else
            send(methods[k].actor, methods[k].method, params, value);
        good += tm.applied.exit == SLK_EXIT_OK;
        unreadable += tm.applied.exit == SLK_EXIT_USR_SERIALIZATION;
        if (i % 1000 == 0)
            test_set_epoch(&tm, tm.env.epoch + (int64_t)chance(100));
    }
    assert_bigint(test_all_balances(&tm), test_fil(2000000000));
    if (good < MESSAGES / 10 || unreadable > MESSAGES / 10)
        fail_msg("of %u messages %u good, %u not readable", MESSAGES, good, unreadable);
    slk_buf_free(&buf);
}

static int setup(void **state)
{
    (void)state;
    test_machine_open(&tm, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_machine_close(&tm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
