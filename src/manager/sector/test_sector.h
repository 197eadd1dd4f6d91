#ifndef SLK_MANAGER_SECTOR_TEST_SECTOR_H
#define SLK_MANAGER_SECTOR_TEST_SECTOR_H

/* Records and events with something in every field, for the tests of sectors. Everything follows from a
 * seed. */

#include "test_util.h"

#include "base/assert.h"
#include "manager/sector/step.h"

typedef struct {
    uint64_t x;
} test_random_t;

static inline uint64_t test_next(test_random_t *r)
{
    /* SplitMix64. */
    uint64_t z = r->x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t test_below(test_random_t *r, uint64_t n)
{
    return test_next(r) % n;
}

static inline slk_node_t test_hash(test_random_t *r)
{
    slk_node_t node;
    for (size_t i = 0; i < 4; i++) {
        uint64_t word = test_next(r);
        memcpy(node.b + 8 * i, &word, 8);
    }
    return node;
}

static inline slk_cid_t test_cid(test_random_t *r)
{
    /* dag-cbor, blake2b-256, of nothing in particular. */
    slk_cid_t cid = {.len = 38, .b = {0x01, 0x71, 0xa0, 0xe4, 0x02, 0x20}};
    slk_node_t hash = test_hash(r);
    memcpy(cid.b + 6, hash.b, sizeof hash.b);
    return cid;
}

static inline slk_bytes_t test_bytes(test_random_t *r, size_t len, slk_arena_t *arena)
{
    uint8_t *b = slk_arena_alloc(arena, len);
    assert_non_null(b);
    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)test_next(r);
    return (slk_bytes_t){b, len};
}

static inline slk_bytes_t test_text(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

/* kind 0: a filler; 1: a deal of the market; 2: a piece that no deal of the market stands for. */
static inline slk_sector_piece_t test_piece(test_random_t *r, unsigned kind, slk_arena_t *arena)
{
    slk_sector_piece_t piece = {.piece = {.size = 2048, .piece_cid = test_cid(r)}};
    if (!kind)
        return piece;
    slk_piece_deal_info_t *deal = slk_arena_alloc(arena, sizeof *deal);
    assert_non_null(deal);
    deal->deal_schedule = (slk_deal_schedule_t){100, 600000};
    deal->keep_unsealed = kind == 1;
    if (kind == 1) {
        slk_deal_proposal_t *proposal = slk_arena_alloc(arena, sizeof *proposal);
        assert_non_null(proposal);
        *proposal = (slk_deal_proposal_t){.piece_cid = piece.piece.piece_cid,
                                          .piece_size = 2048,
                                          .verified_deal = true,
                                          .client = slk_address_id(1001),
                                          .provider = slk_address_id(1000),
                                          .label = {.data = test_text("a label")},
                                          .start_epoch = 100,
                                          .end_epoch = 600000,
                                          .storage_price_per_epoch = slk_bigint_u64(7)};
        deal->deal_proposal = proposal;
        deal->publish_cid = test_cid(r);
        deal->deal_id = test_below(r, 1000000);
    } else {
        slk_piece_activation_manifest_t *manifest = slk_arena_alloc(arena, sizeof *manifest);
        slk_verified_allocation_key_t *key = slk_arena_alloc(arena, sizeof *key);
        slk_data_activation_notification_t *notify = slk_arena_alloc(arena, sizeof *notify);
        assert_true(manifest && key && notify);
        *key = (slk_verified_allocation_key_t){1001, test_below(r, 1000)};
        *notify = (slk_data_activation_notification_t){slk_address_id(5), test_bytes(r, 3, arena)};
        *manifest =
            (slk_piece_activation_manifest_t){piece.piece.piece_cid, 2048, key, {notify, 1}};
        deal->piece_activation_manifest = manifest;
    }
    piece.deal_info = deal;
    piece.source = test_text("https://pieces.example/a");
    piece.payload_size = 1999;
    return piece;
}

static inline slk_sector_piece_list_t test_pieces(test_random_t *r, size_t cnt, slk_arena_t *arena)
{
    slk_sector_piece_t *items = slk_arena_array(arena, cnt ? cnt : 1, sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < cnt; i++)
        items[i] = test_piece(r, (unsigned)test_below(r, 3), arena);
    return (slk_sector_piece_list_t){cnt ? items : NULL, cnt};
}

/* A record with something in every field. */
static inline slk_sector_info_t test_record(test_random_t *r, slk_sector_state_t state,
                                            slk_arena_t *arena)
{
    return (slk_sector_info_t){
        .state_name = test_text(slk_sector_state_name(state)),
        .sector_number = 5,
        .sector_type = 5,
        .creation_time = 1700000000,
        .pieces = test_pieces(r, 3, arena),
        .ticket_value = test_hash(r),
        .ticket_epoch = 1000,
        .pre_commit1_out = test_bytes(r, 40, arena),
        .pre_commit1_fails = 2,
        .comm_d = test_cid(r),
        .comm_r = test_cid(r),
        .pre_commit2_fails = 3,
        .pre_commit_deposit = slk_bigint_u64(UINT64_MAX),
        .pre_commit_message = test_cid(r),
        .pre_commit_tipset = test_bytes(r, 38, arena),
        .seed_value = test_hash(r),
        .seed_epoch = 2000,
        .proof = test_bytes(r, 192, arena),
        .commit_message = test_cid(r),
        .invalid_proofs = 4,
        .cc_update = true,
        .cc_pieces = test_pieces(r, 2, arena),
        .update_sealed = test_cid(r),
        .update_unsealed = test_cid(r),
        .replica_update_proof = test_bytes(r, 20, arena),
        .replica_update_message = test_cid(r),
        .fault_report_msg = test_cid(r),
        .return_state = test_text("PreCommitFailed"),
        .terminate_message = test_cid(r),
        .terminated_at = 77,
        .last_err = test_text("what was wrong: \"ünïcode\"\n"),
        .miner = 1000,
        .visit = 12,
        .entered_ms = 1700000001234,
        .assigned = test_pieces(r, 2, arena),
        .start_packing = true,
        .finalized = true,
        .pre_commit_key = test_text("t01000/pre-commit/1"),
        .commit_key = test_text("t01000/commit/1"),
        .terminate_key = test_text("t01000/terminate/1"),
    };
}

/* An event that brings everything, so that what it may bring is there. sector: whose pieces
 * SectorUpdateDealIDs updates. */
static inline slk_event_t test_event(test_random_t *r, slk_event_type_t type,
                                     const slk_sector_info_t *sector, slk_arena_t *arena)
{
    slk_sector_info_t *received = slk_arena_alloc(arena, sizeof *received);
    assert_non_null(received);
    *received = test_record(r, SLK_STATE_UNDEFINED, arena);
    received->return_state = test_text("Proving");
    slk_event_t event = {.type = type,
                         .text = "because",
                         .state = SLK_STATE_PACKING,
                         .miner = 1000,
                         .number = 5,
                         .sector_type = 8,
                         .pieces = test_pieces(r, 1 + test_below(r, 2), arena),
                         .hash = test_hash(r),
                         .epoch = 3000 + (int64_t)test_below(r, 1000),
                         .bytes = test_bytes(r, 1 + test_below(r, 30), arena),
                         .cid = test_cid(r),
                         .key = "t01000/message/2",
                         .comm_d = test_cid(r),
                         .comm_r = test_cid(r),
                         .amount = slk_bigint_u64(test_next(r)),
                         .record = received};
    if (type == SLK_EVENT_UPDATE_DEAL_IDS && sector && sector->pieces.count) {
        slk_sector_piece_t *items = slk_arena_array(arena, sector->pieces.count, sizeof *items);
        assert_non_null(items);
        memcpy(items, sector->pieces.items, sector->pieces.count * sizeof *items);
        for (size_t i = 0; i < sector->pieces.count; i++)
            if (items[i].deal_info) {
                slk_piece_deal_info_t *deal = slk_arena_alloc(arena, sizeof *deal);
                assert_non_null(deal);
                *deal = *items[i].deal_info;
                deal->deal_id += 1000000;
                items[i].deal_info = deal;
            }
        event.pieces = (slk_sector_piece_list_t){items, sector->pieces.count};
    } else if (type == SLK_EVENT_UPDATE_DEAL_IDS) {
        event.pieces = (slk_sector_piece_list_t){0};
    }
    return event;
}

/* The record as JSON; json_decref it. */
static inline json_t *test_json(const slk_sector_info_t *sector)
{
    slk_diag_t diag;
    json_t *json = NULL;
    assert_ok(slk_record_to_json(&json, &slk_sector_info_type, sector, SLK_MAINNET, &diag), diag);
    return json;
}

#endif /* SLK_MANAGER_SECTOR_TEST_SECTOR_H */
