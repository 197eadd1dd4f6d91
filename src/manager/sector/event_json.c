#include "manager/sector/event.h"

#include "base/assert.h"

#include <string.h>

/* An event with what the codec has no kind for made into texts. */
typedef struct {
    slk_event_t event;
    slk_bytes_t state, key;
} view_t;

#define FIELD(type, kind, member, ...)                                                             \
    {SLK_EVENT_##type, SLK_ROW(view_t, kind, event.member, __VA_ARGS__)},
#define TEXT(type, member, name) {SLK_EVENT_##type, SLK_ROW(view_t, TEXT, member, name)},

static const struct {
    slk_event_type_t event;
    slk_row_t row;
} fields[] = {
    /* clang-format off */
    TEXT(FORCE_STATE, state, "State")
    FIELD(START, U64, number, "ID")
    FIELD(START, I64, sector_type, "SectorType")
    FIELD(START_CC, U64, number, "ID")
    FIELD(START_CC, I64, sector_type, "SectorType")
    FIELD(ADD_PIECE, LIST, pieces, "NewPieces", slk_sector_piece)
    FIELD(PIECE_ADDED, LIST, pieces, "NewPieces", slk_sector_piece)
    FIELD(PACKED, LIST, pieces, "FillerPieces", slk_sector_piece)
    FIELD(TICKET, HASH, hash, "TicketValue")
    FIELD(TICKET, I64, epoch, "TicketEpoch")
    FIELD(PRE_COMMIT1, BYTES, bytes, "PreCommit1Out")
    FIELD(PRE_COMMIT2, CID, comm_r, "Sealed")
    FIELD(PRE_COMMIT2, CID, comm_d, "Unsealed")
    FIELD(PRE_COMMIT_BATCH_SENT, OPT_CID, cid, "Message")
    TEXT(PRE_COMMIT_BATCH_SENT, key, "Key")
    FIELD(PRE_COMMIT_BATCH_SENT, BIGINT, amount, "PreCommitDeposit")
    FIELD(PRE_COMMITTED, OPT_CID, cid, "Message")
    TEXT(PRE_COMMITTED, key, "Key")
    FIELD(PRE_COMMITTED, BIGINT, amount, "PreCommitDeposit")
    FIELD(PRE_COMMIT_LANDED, BYTES, bytes, "TipSet")
    FIELD(PRE_COMMIT_LANDED, OPT_CID, cid, "Message")
    FIELD(SEED_READY, HASH, hash, "SeedValue")
    FIELD(SEED_READY, I64, epoch, "SeedEpoch")
    FIELD(COMMITTED, BYTES, bytes, "Proof")
    FIELD(PROOF_READY, BYTES, bytes, "Proof")
    FIELD(COMMIT_AGGREGATE_SENT, OPT_CID, cid, "Message")
    TEXT(COMMIT_AGGREGATE_SENT, key, "Key")
    FIELD(COMMIT_SUBMITTED, OPT_CID, cid, "Message")
    TEXT(COMMIT_SUBMITTED, key, "Key")
    FIELD(PROVING, OPT_CID, cid, "Message")
    TEXT(INVALID_DEAL_IDS, state, "Return")
    FIELD(UPDATE_DEAL_IDS, LIST, pieces, "Updates", slk_sector_piece)
    FIELD(FAULT_REPORTED, OPT_CID, cid, "Message")
    FIELD(TERMINATING, OPT_CID, cid, "Message")
    TEXT(TERMINATING, key, "Key")
    FIELD(TERMINATED, I64, epoch, "TerminatedAt")
    FIELD(REPLICA_UPDATE, CID, comm_r, "NewSealed")
    FIELD(REPLICA_UPDATE, CID, comm_d, "NewUnsealed")
    FIELD(PROVE_REPLICA_UPDATE, BYTES, bytes, "Proof")
    FIELD(REPLICA_UPDATE_SUBMITTED, OPT_CID, cid, "Message")
    FIELD(RECEIVE, OPT, record, "State", slk_sector_info)
    /* clang-format on */
};

static slk_bytes_t text_of(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, text ? strlen(text) : 0};
}

slk_err_t slk_event_to_json(json_t **json, const slk_event_t *event, slk_diag_t *diag)
{
    enum { FIELDS_MAX = 4 };
    slk_row_t rows[FIELDS_MAX];
    slk_type_t type = {
        .name = slk_event_name(event->type), .size = sizeof(view_t), .form = SLK_FORM_OBJECT};
    view_t view = {.event = *event, .key = text_of(event->key)};
    json_t *user = NULL;
    if (event->state < SLK_STATE_CNT)
        view.state = text_of(slk_sector_state_name(event->state));
    for (size_t i = 0; i < SLK_COUNT(fields); i++) {
        if (fields[i].event != event->type)
            continue;
        SLK_ASSERT(type.row_cnt < FIELDS_MAX);
        rows[type.row_cnt++] = fields[i].row;
    }
    type.rows = rows;
    *json = NULL;
    slk_err_t err = slk_record_to_json(&user, &type, &view, SLK_MAINNET, diag);
    if (err != SLK_OK)
        return err;
    *json = json_pack("{s:o}", "User", user);
    return *json ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a log entry");
}
