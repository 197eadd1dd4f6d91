#include "manager/intake.h"

#include "base/assert.h"
#include "codec/actors/miner.h"
#include "manager/runner.h"
#include "manager/sector/numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPEN_MAX 64 /* sectors that take pieces, looked at for one piece */

/* --- What the chain says -------------------------------------------------------------------------- */

/* Registered seal proofs: 2KiB 0, 8MiB 1, 512MiB 2, 32GiB 3, 64GiB 4; V1_1 5 more; synthetic 10. */
static slk_err_t seal_proof(int64_t *proof, uint64_t sector_sz, bool synthetic, slk_diag_t *diag)
{
    static const uint64_t sizes[] = {UINT64_C(2) << 10, UINT64_C(8) << 20, UINT64_C(512) << 20,
                                     UINT64_C(32) << 30, UINT64_C(64) << 30};
    for (size_t i = 0; i < SLK_COUNT(sizes); i++) {
        if (sizes[i] == sector_sz) {
            *proof = (int64_t)i + (synthetic ? 10 : 5);
            return SLK_OK;
        }
    }
    return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                    "the miner's sectors have %" PRIu64 " bytes; no proof is known for that size",
                    sector_sz);
}

slk_err_t slk_intake_begin(slk_intake_t *intake, const slk_api_t *api,
                           const slk_miner_config_t *config, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_api_miner_info_t info;
    slk_api_bitfield_t used;
    const slk_address_t miner = slk_address_id(config->actor);
    intake->config = *config;
    SLK_TRY(slk_api_StateMinerInfo(api, &miner, NULL, arena, &info, diag));
    SLK_TRY(slk_api_StateMinerAllocated(api, &miner, NULL, arena, &used, diag));
    intake->sector_sz = info.sector_size;
    intake->used = used.v;
    SLK_TRY(seal_proof(&intake->seal_proof, info.sector_size, config->use_synthetic_porep, diag));
out:
    return err;
}

slk_err_t slk_intake_sealing(slk_db_t *db, uint64_t miner, uint64_t *cnt, slk_diag_t *diag)
{
    uint64_t counts[SLK_STATE_CNT];
    slk_err_t err = slk_sector_counts(db, miner, counts, diag);
    *cnt = 0;
    for (slk_sector_state_t s = 0; s < SLK_STATE_CNT && err == SLK_OK; s++) {
        slk_state_class_t class = slk_sector_state_class(s);
        if (class == SLK_CLASS_STAGING || class == SLK_CLASS_SEALING || class == SLK_CLASS_FAILED)
            *cnt += counts[s];
    }
    return err;
}

static slk_err_t check_limit(slk_db_t *db, const slk_intake_t *intake, uint64_t more,
                             slk_diag_t *diag)
{
    uint64_t sealing, max = intake->config.max_sealing_sectors;
    slk_err_t err = slk_intake_sealing(db, intake->config.actor, &sealing, diag);
    if (err != SLK_OK || !max || sealing + more <= max)
        return err;
    return slk_fail(diag, SLK_ERR_STATE,
                    "too many sectors sealing (curSealing: %" PRIu64 ", max: %" PRIu64
                    "); wait for some, or raise MaxSealingSectors",
                    sealing, max);
}

/* --- Making sectors --------------------------------------------------------------------------------- */

static slk_err_t make_sector(slk_db_t *db, const slk_intake_t *intake, slk_event_type_t type,
                             int64_t now_ms, uint64_t *number, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_sector_outcome_t outcome;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    SLK_TRY(slk_numbers_allocate(db, intake->config.actor, intake->config.min_number, &intake->used,
                                 number, diag));
    const slk_event_t event = {.type = type,
                               .miner = intake->config.actor,
                               .number = *number,
                               .sector_type = intake->seal_proof};
    SLK_TRY(slk_sector_create(db, &event, now_ms, &slk_runner_hooks, &arena, &outcome, diag));
out:
    slk_arena_free(&arena);
    return err;
}

typedef struct {
    const slk_intake_t *intake;
    size_t cnt;
    int64_t now_ms;
    uint64_t *numbers;
} pledge_t;

static slk_err_t pledge(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    pledge_t *p = ctx;
    slk_err_t err = check_limit(db, p->intake, p->cnt, diag);
    for (size_t i = 0; i < p->cnt && err == SLK_OK; i++)
        err = make_sector(db, p->intake, SLK_EVENT_START_CC, p->now_ms, &p->numbers[i], diag);
    return err;
}

slk_err_t slk_intake_pledge(slk_db_t *db, const slk_intake_t *intake, size_t cnt, int64_t now_ms,
                            uint64_t *numbers, slk_diag_t *diag)
{
    pledge_t p = {intake, cnt, now_ms, numbers};
    SLK_ASSERT(cnt <= SLK_PLEDGE_MAX);
    return slk_db_transact(db, pledge, &p, diag);
}

/* --- Pieces ------------------------------------------------------------------------------------------- */

typedef struct {
    const slk_intake_t *intake;
    const slk_stored_piece_t *piece;
    const char *source;
    bool keep_unsealed;
    int64_t now_ms;
    uint64_t *number;
} put_t;

/* Padded bytes that a sector's pieces take, written or not, each at a multiple of its size. */
static uint64_t used_bytes(const slk_sector_info_t *info)
{
    const slk_sector_piece_list_t *lists[] = {&info->pieces, &info->assigned};
    uint64_t used = 0;
    for (size_t k = 0; k < SLK_COUNT(lists); k++)
        for (size_t i = 0; i < lists[k]->count; i++) {
            uint64_t size = lists[k]->items[i].piece.size;
            used = slk_piece_offset(used, size) + size;
        }
    return used;
}

/* An open sector with room: the one that would be fullest with it. */
static slk_err_t find_open(slk_db_t *db, const put_t *put, slk_arena_t *arena, bool *found,
                           uint64_t *number, slk_diag_t *diag)
{
    slk_sector_filter_t filter = {.miner = put->intake->config.actor};
    slk_sector_row_t rows[OPEN_MAX];
    size_t cnt;
    uint64_t best = 0;
    filter.states[SLK_STATE_WAIT_DEALS] = filter.states[SLK_STATE_EMPTY] = true;
    slk_err_t err = slk_sector_list(db, &filter, NULL, OPEN_MAX, arena, rows, &cnt, diag);
    *found = false;
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        const uint64_t size = put->piece->piece.padded;
        const uint64_t end = slk_piece_offset(used_bytes(rows[i].info), size) + size;
        if (rows[i].info->sector_type != put->intake->seal_proof || rows[i].info->start_packing ||
            end > put->intake->sector_sz || end < best)
            continue;
        best = end;
        *number = rows[i].number;
        *found = true;
    }
    return err;
}

static slk_err_t put_piece(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    put_t *put = ctx;
    slk_err_t err;
    slk_arena_t arena;
    slk_sector_outcome_t outcome;
    bool found;
    slk_piece_activation_manifest_t manifest = {.size = put->piece->piece.padded};
    slk_piece_deal_info_t deal = {.piece_activation_manifest = &manifest,
                                  .keep_unsealed = put->keep_unsealed};
    slk_sector_piece_t piece = {
        .piece = {.size = put->piece->piece.padded},
        .deal_info = &deal,
        .source = {(const uint8_t *)put->source, strlen(put->source)},
        .payload_size = put->piece->raw,
    };
    slk_arena_init(&arena, (size_t)OPEN_MAX * SLK_SECTOR_ROOM);
    SLK_TRY(slk_cid_from_text(&manifest.cid, put->piece->cid, diag));
    piece.piece.piece_cid = manifest.cid;
    SLK_TRY(find_open(db, put, &arena, &found, put->number, diag));
    if (!found) {
        SLK_TRY(check_limit(db, put->intake, 1, diag));
        SLK_TRY(make_sector(db, put->intake, SLK_EVENT_START, put->now_ms, put->number, diag));
    }
    const slk_event_t event = {.type = SLK_EVENT_ADD_PIECE, .pieces = {&piece, 1}};
    SLK_TRY(slk_sector_store_step(db, put->intake->config.actor, *put->number,
                                  SLK_SECTOR_ANY_VERSION, &event, put->now_ms, &slk_runner_hooks,
                                  &arena, &outcome, diag));
    if (outcome.step != SLK_STEP_TAKEN)
        err = slk_fail(diag, SLK_ERR_STATE, "sector %" PRIu64 " does not take the piece: %s",
                       *put->number, outcome.why.text);
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_intake_piece(slk_db_t *db, const slk_intake_t *intake,
                           const slk_stored_piece_t *piece, const char *source, bool keep_unsealed,
                           int64_t now_ms, uint64_t *number, slk_diag_t *diag)
{
    put_t put = {intake, piece, source, keep_unsealed, now_ms, number};
    if (piece->piece.padded > intake->sector_sz)
        return slk_fail(diag, SLK_ERR_LENGTH,
                        "the piece has %" PRIu64 " bytes, the miner's sectors have %" PRIu64
                        "; cut the data into smaller pieces",
                        piece->piece.padded, intake->sector_sz);
    return slk_db_transact(db, put_piece, &put, diag);
}
