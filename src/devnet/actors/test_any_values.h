#ifndef SLK_DEVNET_TEST_ANY_VALUES_H
#define SLK_DEVNET_TEST_ANY_VALUES_H

/* Random parameters for tests of actors: well-formed records of any type, their values often at the edges. */

#include "devnet/vm/test_machine.h"

#define DEPTH_MAX 4u

static uint64_t seed = 88172645463325252u;

static inline uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* --- Values: often the edges ------------------------------------------------------------------ */

static inline uint64_t some_uint(void)
{
    static const uint64_t edges[] = {0,    1,    2,         99,         100,           102,
                                     1000, 2048, INT64_MAX, UINT64_MAX, UINT64_MAX - 1};
    return chance(4) ? edges[chance(SLK_COUNT(edges))] : chance(UINT64_MAX);
}

static inline int64_t some_int(void)
{
    static const int64_t edges[] = {0, -1, 1, 10, 100, 518400, 600000, INT64_MAX, INT64_MIN, 86400};
    return chance(4) ? edges[chance(SLK_COUNT(edges))] : (int64_t)chance(UINT64_MAX);
}

static inline void put_noise(slk_buf_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        slk_buf_put_byte(buf, (uint8_t)chance(256));
}

static inline void put_address(test_machine_t *tm, slk_buf_t *buf)
{
    static const uint64_t ids[] = {0,   4,   5,   6,   7,    80,   99,
                                   100, 101, 102, 103, 1000, 1001, INT64_MAX};
    slk_address_t a = slk_address_id(ids[chance(SLK_COUNT(ids))]);
    if (!chance(3))
        a = tm->accounts[chance(TEST_ACCOUNTS)];
    if (!chance(20))
        a = slk_address_actor(&a, sizeof a);
    slk_cbor_put_address(buf, &a);
}

static inline void put_bigint(slk_buf_t *buf)
{
    uint8_t bytes[SLK_BIGINT_BYTES_MAX];
    static const size_t lens[] = {2, 3, 8, 9, 12, 16, 32, SLK_BIGINT_BYTES_MAX};
    size_t len = lens[chance(SLK_COUNT(lens))];
    bytes[0] = !chance(5);
    for (size_t i = 1; i < len; i++)
        bytes[i] = (uint8_t)(i == 1 ? 1 + chance(255) : chance(256));
    slk_cbor_put_bytes(buf, bytes, chance(4) ? len : 0);
}

static inline void put_cid(slk_buf_t *buf)
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

static inline void put_bitfield(test_machine_t *tm, slk_buf_t *buf)
{
    slk_bitfield_t set;
    const uint64_t first = chance(4) ? chance(10) : some_uint() / 4;
    assert_ok(slk_bitfield_from_range(&set, first, 1 + chance(chance(8) ? 10 : 5000), &tm->arena),
              tm->diag);
    assert_ok(slk_cbor_put_bitfield(buf, &set, &tm->diag), tm->diag);
}

static inline void put_bytes(slk_buf_t *buf)
{
    slk_buf_t inner = {0};
    if (chance(2))
        slk_cbor_put_uint(&inner, chance(3)); /* the id of a deal, perhaps */
    else
        put_noise(&inner, chance(40));
    slk_cbor_put_bytes(buf, inner.bytes, inner.len);
    slk_buf_free(&inner);
}

/* --- Values by the name of their field: such as get past the first checks ---------------------- */

/* True: a number to put, of cnt from first on. 2 KiB sectors, or their number, places and times. */
static inline bool hint(test_machine_t *tm, int64_t *value, const char *name)
{
    const slk_policy_t *policy = &tm->policy;
    const int64_t now = tm->env.epoch, soonest = now + policy->min_sector_expiration;
    const uint64_t range = (uint64_t)(policy->max_sector_extension - policy->min_sector_expiration);
    const struct {
        const char *name;
        int64_t first;
        uint64_t cnt;
    } rows[] = {
        {"SealProof", 5, 1},
        {"SealProofType", 15, 1},
        {"AggregateProofType", 1, 1},
        {"UpdateProofsType", 5, 1},
        {"WindowPoStProofType", 10, 1},
        {"PoStProof", 10, 1},
        {"Deadline", 0, policy->deadlines},
        {"ProvingDeadline", 0, policy->deadlines},
        {"Index", 0, 2},
        {"Partition", 0, 2},
        {"PoStIndex", 0, 2},
        {"Sector", 0, 20},
        {"SectorNumber", 0, 20},
        {"SealerID", 1000, 2},
        {"Status", 0, 4},
        {"ChainCommitEpoch", now - 3, 4},
        {"SealRandEpoch", now - 20, 20},
        {"Expiration", soonest, range},
        {"NewExpiration", soonest, range},
    };
    for (size_t i = 0; name && i < SLK_COUNT(rows); i++)
        if (!strcmp(rows[i].name, name)) {
            *value = rows[i].first + (int64_t)chance(rows[i].cnt);
            return chance(6);
        }
    return false;
}

/* Randomness for the epoch that was put before it; no aggregate, often. */
static inline bool put_hinted_bytes(slk_buf_t *buf, const char *name, int64_t epoch)
{
    const slk_node_t base = test_draw_base(false, epoch);
    const slk_node_t drawn = slk_draw(base.b, sizeof base.b, SLK_TAG_POST_COMMIT, epoch, NULL, 0);
    if (!strcmp(name, "ChainCommitRand") && chance(6))
        slk_cbor_put_bytes(buf, drawn.b, sizeof drawn.b);
    else if (!strcmp(name, "AggregateProof") && chance(2))
        slk_cbor_put_bytes(buf, NULL, 0);
    else
        return false;
    return true;
}

/* True: it was put. */
static inline bool put_hinted(test_machine_t *tm, slk_buf_t *buf, const slk_row_t *row)
{
    static int64_t value;
    const bool number = row->kind == SLK_KIND_U64 || row->kind == SLK_KIND_I64;
    if (number && hint(tm, &value, row->name)) {
        slk_cbor_put_int(buf, value);
        return true;
    }
    if (row->kind == SLK_KIND_BYTES && row->name)
        return put_hinted_bytes(buf, row->name, value);
    if (row->kind != SLK_KIND_CID || !row->name || !strstr(row->name, "SealedCID") || !chance(6))
        return false;
    slk_node_t comm = test_bytes32("sealed");
    comm.b[31] &= 0x3f;
    const slk_cid_t cid = slk_cid_of_commitment(SLK_CID_SEALED, &comm);
    slk_cbor_put_cid(buf, &cid);
    return true;
}

static inline void put_record(test_machine_t *tm, slk_buf_t *buf, const slk_type_t *type,
                              unsigned depth);

static inline void put_value(test_machine_t *tm, slk_buf_t *buf, const slk_row_t *row,
                             unsigned depth)
{
    static const uint8_t signature[97] = {2};
    if (put_hinted(tm, buf, row))
        return;
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
        put_address(tm, buf);
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
        put_bitfield(tm, buf);
        return;
    case SLK_KIND_LABEL:
    case SLK_KIND_TEXT:
        slk_cbor_put_text(buf, "label", chance(6));
        return;
    case SLK_KIND_RECORD:
        put_record(tm, buf, row->type, depth + 1);
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

static inline void put_row(test_machine_t *tm, slk_buf_t *buf, const slk_row_t *row, unsigned depth)
{
    const bool list = row->shape == SLK_SHAPE_LIST || row->shape == SLK_SHAPE_ARRAY;
    if (!list && row->shape != SLK_SHAPE_ONE && chance(2)) {
        slk_cbor_put_null(buf);
        return;
    }
    const bool none =
        depth == DEPTH_MAX || (row->name && !strcmp(row->name, "DealIDs") && chance(6));
    const size_t cnt = !list ? 1 : none ? 0 : chance(3) ? 1 : chance(4);
    if (list)
        slk_cbor_put_array(buf, cnt);
    for (size_t i = 0; i < cnt; i++)
        put_value(tm, buf, row, depth);
}

static inline void put_record(test_machine_t *tm, slk_buf_t *buf, const slk_type_t *type,
                              unsigned depth)
{
    if (type->form == SLK_FORM_TUPLE)
        slk_cbor_put_array(buf, type->row_cnt);
    for (size_t i = 0; i < type->row_cnt; i++)
        put_row(tm, buf, &type->rows[i], depth);
}

#endif /* SLK_DEVNET_TEST_ANY_VALUES_H */
