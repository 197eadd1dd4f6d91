#include "manager/sector/test_sector.h"

/* The table of spec lotus-miner.md 1.2 as it was read for this test: each state with what it takes, by Lotus'
 * names without "Sector". "=" behind an event: it stays; "?": to the state in Return. */
static const struct {
    const char *state, *takes;
} spec[] = {
    {"", "Start>WaitDeals StartCC>Packing Receive>ReceiveSector"},
    {"ReceiveSector", "Received>?"},
    {"Empty", "AddPiece>AddPiece StartPacking>Packing"},
    {"WaitDeals", "AddPiece>AddPiece StartPacking>Packing"},
    {"AddPiece", "PieceAdded>WaitDeals AddPieceFailed>AddPieceFailed StartPacking>= AddPiece>="},
    {"Packing", "Packed>GetTicket"},
    {"GetTicket", "Ticket>PreCommit1 CommitFailed>CommitFailed"},
    {"PreCommit1",
     "PreCommit1>PreCommit2 SealPreCommit1Failed>SealPreCommit1Failed DealsExpired>DealsExpired "
     "InvalidDealIDs>RecoverDealIDs OldTicket>GetTicket"},
    {"PreCommit2", "PreCommit2>SubmitPreCommitBatch SealPreCommit2Failed>SealPreCommit2Failed "
                   "SealPreCommit1Failed>SealPreCommit1Failed"},
    {"PreCommitting",
     "PreCommitBatch>SubmitPreCommitBatch PreCommitted>PreCommitWait "
     "SealPreCommit1Failed>SealPreCommit1Failed ChainPreCommitFailed>PreCommitFailed "
     "PreCommitLanded>WaitSeed DealsExpired>DealsExpired InvalidDealIDs>RecoverDealIDs"},
    {"SubmitPreCommitBatch",
     "PreCommitBatchSent>PreCommitBatchWait SealPreCommit1Failed>SealPreCommit1Failed "
     "ChainPreCommitFailed>PreCommitFailed PreCommitLanded>WaitSeed DealsExpired>DealsExpired "
     "InvalidDealIDs>RecoverDealIDs"},
    {"PreCommitBatchWait", "PreCommitLanded>WaitSeed ChainPreCommitFailed>PreCommitFailed "
                           "RetryPreCommit>PreCommitting"},
    {"PreCommitWait", "PreCommitLanded>WaitSeed ChainPreCommitFailed>PreCommitFailed "
                      "RetryPreCommit>PreCommitting"},
    {"WaitSeed", "SeedReady>Committing ChainPreCommitFailed>PreCommitFailed"},
    {"Committing",
     "Committed>SubmitCommitAggregate ProofReady>CommitFinalize SeedReady>Committing "
     "ComputeProofFailed>ComputeProofFailed RemoteCommit1Failed>RemoteCommitFailed "
     "RemoteCommit2Failed>RemoteCommitFailed SealPreCommit1Failed>SealPreCommit1Failed "
     "CommitFailed>CommitFailed RetryCommitWait>CommitWait"},
    {"CommitFinalize", "Finalized>SubmitCommitAggregate FinalizedAvailable>SubmitCommitAggregate "
                       "FinalizeFailed>CommitFinalizeFailed"},
    {"SubmitCommit", "CommitSubmitted>CommitWait SubmitCommitAggregate>SubmitCommitAggregate "
                     "CommitFailed>CommitFailed"},
    {"SubmitCommitAggregate", "CommitAggregateSent>CommitAggregateWait CommitFailed>CommitFailed "
                              "RetrySubmitCommit>SubmitCommit"},
    {"CommitWait",
     "Proving>FinalizeSector CommitFailed>CommitFailed RetrySubmitCommit>SubmitCommit"},
    {"CommitAggregateWait",
     "Proving>FinalizeSector CommitFailed>CommitFailed RetrySubmitCommit>SubmitCommit"},
    {"FinalizeSector",
     "Finalized>Proving FinalizedAvailable>Available FinalizeFailed>FinalizeFailed"},
    {"Proving", "Faulty>Faulty FaultReported>FaultReported MarkForUpdate>Available"},
    {"Available", "StartCCUpdate>SnapDealsWaitDeals AbortUpgrade>Proving"},

    {"SnapDealsWaitDeals", "AddPiece>SnapDealsAddPiece StartPacking>SnapDealsPacking "
                           "AbortUpgrade>AbortUpgrade"},
    {"SnapDealsAddPiece", "PieceAdded>SnapDealsWaitDeals AddPieceFailed>SnapDealsAddPieceFailed "
                          "StartPacking>= AddPiece>= AbortUpgrade>AbortUpgrade"},
    {"SnapDealsPacking", "Packed>UpdateReplica AbortUpgrade>AbortUpgrade"},
    {"UpdateReplica", "ReplicaUpdate>ProveReplicaUpdate UpdateReplicaFailed>ReplicaUpdateFailed "
                      "DealsExpired>SnapDealsDealsExpired InvalidDealIDs>SnapDealsRecoverDealIDs "
                      "AbortUpgrade>AbortUpgrade"},
    {"ProveReplicaUpdate",
     "ProveReplicaUpdate>FinalizeReplicaUpdate ProveReplicaUpdateFailed>ReplicaUpdateFailed "
     "DealsExpired>SnapDealsDealsExpired InvalidDealIDs>SnapDealsRecoverDealIDs "
     "AbortUpgrade>AbortUpgrade"},
    {"FinalizeReplicaUpdate",
     "Finalized>SubmitReplicaUpdate FinalizeFailed>FinalizeReplicaUpdateFailed"},
    {"SubmitReplicaUpdate",
     "ReplicaUpdateSubmitted>ReplicaUpdateWait SubmitReplicaUpdateFailed>ReplicaUpdateFailed "
     "DeadlineImmutable>WaitMutable"},
    {"WaitMutable", "DeadlineMutable>SubmitReplicaUpdate AbortUpgrade>AbortUpgrade"},
    {"ReplicaUpdateWait",
     "ReplicaUpdateLanded>UpdateActivating SubmitReplicaUpdateFailed>ReplicaUpdateFailed "
     "AbortUpgrade>AbortUpgrade"},
    {"UpdateActivating", "UpdateActive>ReleaseSectorKey"},
    {"ReleaseSectorKey", "KeyReleased>Proving ReleaseKeyFailed>ReleaseSectorKeyFailed"},

    {"AddPieceFailed", "RetryWaitDeals>WaitDeals StartPacking>= AddPiece>="},
    {"SnapDealsAddPieceFailed", "RetryWaitDeals>SnapDealsWaitDeals StartPacking>= AddPiece>= "
                                "AbortUpgrade>AbortUpgrade"},
    {"SealPreCommit1Failed", "RetrySealPreCommit1>PreCommit1"},
    {"SealPreCommit2Failed", "RetrySealPreCommit1>PreCommit1 RetrySealPreCommit2>PreCommit2"},
    {"PreCommitFailed",
     "RetryPreCommit>PreCommitting RetryPreCommitWait>PreCommitWait RetryWaitSeed>WaitSeed "
     "SealPreCommit1Failed>SealPreCommit1Failed PreCommitLanded>WaitSeed DealsExpired>DealsExpired "
     "InvalidDealIDs>RecoverDealIDs"},
    {"ComputeProofFailed",
     "RetryComputeProof>Committing SealPreCommit1Failed>SealPreCommit1Failed"},
    {"RemoteCommitFailed", "RetryComputeProof>Committing"},
    {"CommitFailed",
     "SealPreCommit1Failed>SealPreCommit1Failed RetryWaitSeed>WaitSeed "
     "RetryComputeProof>Committing RetryInvalidProof>Committing RetryPreCommitWait>PreCommitWait "
     "ChainPreCommitFailed>PreCommitFailed RetryPreCommit>PreCommitting "
     "RetryCommitWait>CommitWait RetrySubmitCommit>SubmitCommit DealsExpired>DealsExpired "
     "InvalidDealIDs>RecoverDealIDs TicketExpired>Removing"},
    {"CommitFinalizeFailed", "RetryFinalize>CommitFinalize"},
    {"FinalizeFailed", "RetryFinalize>FinalizeSector"},
    {"FinalizeReplicaUpdateFailed", "RetryFinalize>FinalizeReplicaUpdate"},
    {"PackingFailed", ""},
    {"DealsExpired", ""},
    {"RecoverDealIDs", "UpdateDealIDs>?"},
    {"SnapDealsRecoverDealIDs", "UpdateDealIDs>SubmitReplicaUpdate AbortUpgrade>AbortUpgrade"},
    {"SnapDealsDealsExpired", "AbortUpgrade>AbortUpgrade"},
    {"ReplicaUpdateFailed",
     "RetrySubmitReplicaUpdateWait>ReplicaUpdateWait "
     "RetrySubmitReplicaUpdate>SubmitReplicaUpdate RetryReplicaUpdate>UpdateReplica "
     "RetryProveReplicaUpdate>ProveReplicaUpdate InvalidDealIDs>SnapDealsRecoverDealIDs "
     "DealsExpired>SnapDealsDealsExpired AbortUpgrade>AbortUpgrade"},
    {"ReleaseSectorKeyFailed", "UpdateActive>ReleaseSectorKey"},
    {"AbortUpgrade", "RevertUpgradeToProving>Proving"},
    {"Faulty", "FaultReported>FaultReported"},
    {"FaultReported", "FaultedFinal>FaultedFinal"}, /* ours: step.h */
    {"FaultedFinal", ""},
    {"FailedUnrecoverable", ""},
    {"Terminating", "Terminating>TerminateWait TerminateFailed>TerminateFailed"},
    {"TerminateWait", "Terminated>TerminateFinality TerminateFailed>TerminateFailed"},
    {"TerminateFinality", "TerminateFailed>TerminateFailed"},
    {"TerminateFailed", ""},
    {"Removing", "Removed>Removed RemoveFailed>RemoveFailed"},
    {"RemoveFailed", ""},
    {"Removed", "Remove>Removing"}, /* ours: step.h */
};

enum { NONE = -1, STAYS = -2, RETURNS = -3, NAMED = -4 };
static int expected[SLK_STATE_CNT][SLK_EVENT_CNT];

static slk_sector_state_t state_of(const char *name)
{
    slk_sector_state_t state = SLK_STATE_CNT;
    if (!slk_sector_state_from_name(&state, name))
        fail_msg("no state %s", name);
    return state;
}

static slk_event_type_t event_of(const char *name)
{
    char full[64];
    slk_event_type_t type = SLK_EVENT_CNT;
    snprintf(full, sizeof full, "Sector%s", name);
    if (!slk_event_from_name(&type, full))
        fail_msg("no event %s", full);
    return type;
}

static int read_spec(void **unused)
{
    (void)unused;
    for (unsigned s = 0; s < SLK_STATE_CNT; s++)
        for (unsigned e = 0; e < SLK_EVENT_CNT; e++)
            expected[s][e] = NONE;
    assert_int_equal(SLK_COUNT(spec), SLK_STATE_CNT);
    for (size_t i = 0; i < SLK_COUNT(spec); i++) {
        char line[1024], *rest = line, *word;
        int *row = expected[state_of(spec[i].state)];
        snprintf(line, sizeof line, "%s", spec[i].takes);
        while ((word = strtok_r(rest, " ", &rest))) {
            char *to = strchr(word, '>');
            *to++ = 0;
            row[event_of(word)] = *to == '=' ? STAYS : *to == '?' ? RETURNS : (int)state_of(to);
        }
        if (strcmp(spec[i].state, "Removed") == 0)
            continue;
        row[SLK_EVENT_RESTART] = row[SLK_EVENT_FATAL_ERROR] = STAYS;
        row[SLK_EVENT_FORCE_STATE] = NAMED;
        row[SLK_EVENT_TERMINATE] = SLK_STATE_TERMINATING;
        row[SLK_EVENT_REMOVE] = SLK_STATE_REMOVING;
    }
    return 0;
}

static bool ignored(unsigned state, unsigned event)
{
    if (state == SLK_STATE_REMOVED)
        return event != SLK_EVENT_FORCE_STATE && event != SLK_EVENT_TERMINATE;
    return event == SLK_EVENT_START_PACKING || state == SLK_STATE_REMOVING ||
           state == SLK_STATE_ABORT_UPGRADE;
}

static void test_edges(void **unused)
{
    (void)unused;
    for (unsigned s = 0; s < SLK_STATE_CNT; s++)
        for (unsigned e = 0; e < SLK_EVENT_CNT; e++) {
            slk_sector_state_t to = SLK_STATE_CNT;
            int want = expected[s][e];
            bool taken = slk_sector_edge((slk_sector_state_t)s, (slk_event_type_t)e, &to);
            slk_sector_state_t want_to = want == STAYS ? (slk_sector_state_t)s
                                         : want >= 0   ? (slk_sector_state_t)want
                                                       : SLK_STATE_CNT;
            if (taken != (want != NONE) || (taken && to != want_to))
                fail_msg("%s in %s: %d to %d, expected %d", slk_event_name((slk_event_type_t)e),
                         slk_sector_state_name((slk_sector_state_t)s), taken, to, want);
        }
}

/* All pairs, with a record that has something everywhere and an event that brings everything. */
static void test_pairs(void **unused)
{
    (void)unused;
    test_random_t random = {1};
    for (unsigned s = 0; s < SLK_STATE_CNT; s++)
        for (unsigned e = 0; e < SLK_EVENT_CNT; e++) {
            slk_arena_t arena;
            slk_diag_t why = {""};
            slk_step_t step;
            slk_arena_init(&arena, 1 << 20);
            slk_sector_info_t record = test_record(&random, (slk_sector_state_t)s, &arena);
            slk_event_t event = test_event(&random, (slk_event_type_t)e, &record, &arena);
            const slk_sector_info_t before = record;
            json_t *before_json = test_json(&record);
            int want = expected[s][e];
            assert_ok(slk_sector_step(&record, &event, 42, &arena, &step, &why), why);
            json_t *after_json = test_json(&record);
            const char *where = slk_sector_state_name((slk_sector_state_t)s);
            if (want == NONE) {
                assert_int_equal(step, ignored(s, e) ? SLK_STEP_IGNORED : SLK_STEP_REFUSED);
                assert_true(step == SLK_STEP_IGNORED || strstr(why.text, where));
                assert_memory_equal(&record, &before, sizeof record);
                assert_true(json_equal(before_json, after_json));
            } else {
                slk_sector_state_t to = want == STAYS     ? (slk_sector_state_t)s
                                        : want == RETURNS ? SLK_STATE_PRE_COMMIT_FAILED
                                        : want == NAMED   ? SLK_STATE_PACKING
                                                          : (slk_sector_state_t)want;
                if (step != SLK_STEP_TAKEN)
                    fail_msg("%s in %s: %s", slk_event_name(event.type), where, why.text);
                assert_int_equal(slk_sector_state(&record), to);
                assert_int_equal(record.visit, want == STAYS ? 12 : 13);
                assert_int_equal(record.entered_ms, want == STAYS ? 1700000001234 : 42);
                assert_int_equal(record.miner, 1000);
                assert_int_equal(record.sector_number, 5);
            }
            json_decref(before_json);
            json_decref(after_json);
            slk_arena_free(&arena);
        }
}

/* Which fields events write besides State, Visit and EnteredMs, wherever they are taken, from a record that has
 * something in all of them; those that are not here write nothing. A state of Return clears that as well. */
static const struct {
    const char *event, *fields;
} effects[] = {
    {"FatalError", "LastErr"},
    {"Start", "SectorType"},
    {"StartCC", "SectorType"},
    {"AddPiece", "Assigned"},
    {"PieceAdded", "Pieces"},
    {"AddPieceFailed", "LastErr"},
    {"StartPacking", "StartPacking"},
    {"Packed", "Pieces Assigned"},
    {"Ticket", "TicketValue TicketEpoch"},
    {"PreCommit1", "PreCommit1Out PreCommit2Fails Finalized"},
    {"PreCommit2", "CommD CommR Finalized"},
    {"PreCommitBatchSent", "PreCommitMessage PreCommitKey PreCommitDeposit"},
    {"PreCommitted", "PreCommitMessage PreCommitKey PreCommitDeposit"},
    {"PreCommitLanded", "PreCommitTipSet PreCommitMessage"},
    {"SeedReady", "SeedValue SeedEpoch"},
    {"Committed", "Proof"},
    {"ProofReady", "Proof"},
    {"CommitAggregateSent", "CommitMessage CommitKey"},
    {"CommitSubmitted", "CommitMessage CommitKey"},
    {"Proving", "CommitMessage"},
    {"Finalized", "Finalized"},
    {"FinalizedAvailable", "Finalized"},
    {"FinalizeFailed", "LastErr"},
    {"SealPreCommit1Failed", "InvalidProofs PreCommit2Fails PreCommit1Fails LastErr"},
    {"SealPreCommit2Failed", "InvalidProofs PreCommit2Fails LastErr"},
    {"ChainPreCommitFailed", "LastErr"},
    {"ComputeProofFailed", "LastErr"},
    {"RemoteCommit1Failed", "LastErr"},
    {"RemoteCommit2Failed", "LastErr"},
    {"CommitFailed", "LastErr"},
    {"DealsExpired", "LastErr"},
    {"TicketExpired", "LastErr"},
    {"InvalidDealIDs", "Return LastErr"},
    {"UpdateDealIDs", "Pieces"},
    {"RetryComputeProof", "InvalidProofs"},
    {"RetryInvalidProof", "InvalidProofs"},
    {"FaultReported", "FaultReportMsg"},
    {"Terminating", "TerminateMessage TerminateKey"},
    {"Terminated", "TerminatedAt"},
    {"TerminateFailed", "LastErr"},
    {"RemoveFailed", "LastErr"},
    {"StartCCUpdate", "CCUpdate CCPieces Pieces CreationTime StartPacking"},
    {"ReplicaUpdate", "UpdateSealed UpdateUnsealed Finalized"},
    {"UpdateReplicaFailed", "LastErr"},
    {"ProveReplicaUpdate", "ReplicaUpdateProof"},
    {"ProveReplicaUpdateFailed", "LastErr"},
    {"ReplicaUpdateSubmitted", "ReplicaUpdateMessage"},
    {"SubmitReplicaUpdateFailed", "LastErr"},
    {"ReleaseKeyFailed", "LastErr"},
    {"AbortUpgrade", "LastErr"},
    {"RevertUpgradeToProving",
     "CCUpdate UpdateSealed UpdateUnsealed ReplicaUpdateProof ReplicaUpdateMessage Pieces CCPieces "
     "CreationTime Assigned StartPacking Finalized"},
};

static const char *fields_of(slk_event_type_t event)
{
    for (size_t i = 0; i < SLK_COUNT(effects); i++)
        if (event_of(effects[i].event) == event)
            return effects[i].fields;
    return "";
}

static bool listed(const char *fields, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = fields; (at = strstr(at, name)); at += len)
        if ((at == fields || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

/* The other of what the event leaves in a flag. */
static void set_flags(slk_sector_info_t *record, slk_event_type_t event, int edge)
{
    record->finalized = event != SLK_EVENT_FINALIZED && event != SLK_EVENT_FINALIZED_AVAILABLE &&
                        event != SLK_EVENT_REVERT_UPGRADE_TO_PROVING;
    record->start_packing = event != SLK_EVENT_START_PACKING || edge != STAYS;
    record->cc_update = event != SLK_EVENT_START_CC_UPDATE;
}

static void check_effects(test_random_t *random, slk_sector_state_t state, slk_event_type_t type)
{
    slk_arena_t arena;
    slk_diag_t why = {""};
    slk_step_t step;
    const char *name;
    json_t *value;
    slk_arena_init(&arena, 1 << 20);
    slk_sector_info_t record = test_record(random, state, &arena);
    record.pieces.items[0] = test_piece(random, 1, &arena); /* one with a deal */
    set_flags(&record, type, expected[state][type]);
    slk_event_t event = test_event(random, type, &record, &arena);
    json_t *before = test_json(&record);
    assert_ok(slk_sector_step(&record, &event, 42, &arena, &step, &why), why);
    assert_int_equal(step, SLK_STEP_TAKEN);
    json_t *after = test_json(&record);
    json_object_foreach(after, name, value)
    {
        bool changed = !json_equal(value, json_object_get(before, name));
        bool wanted = listed(fields_of(type), name) ||
                      (expected[state][type] == RETURNS && strcmp(name, "Return") == 0);
        if (!listed("State Visit EnteredMs", name) && changed != wanted)
            fail_msg("%s in %s: %s %s", slk_event_name(type), slk_sector_state_name(state), name,
                     changed ? "changed" : "did not change");
    }
    json_decref(before);
    json_decref(after);
    slk_arena_free(&arena);
}

static void test_effects(void **unused)
{
    (void)unused;
    test_random_t random = {2};
    for (unsigned s = 0; s < SLK_STATE_CNT; s++)
        for (unsigned e = 0; e < SLK_EVENT_CNT; e++)
            if (expected[s][e] != NONE && e != SLK_EVENT_RECEIVE) /* which replaces all */
                check_effects(&random, (slk_sector_state_t)s, (slk_event_type_t)e);
}

/* --- Values, from a life --------------------------------------------------------------------------- */

typedef struct {
    slk_arena_t arena;
    test_random_t random;
    slk_sector_info_t record;
    slk_diag_t why;
} life_t;

static slk_step_t send(life_t *life, slk_event_t event)
{
    slk_step_t step;
    assert_ok(slk_sector_step(&life->record, &event, 1234567, &life->arena, &step, &life->why),
              life->why);
    return step;
}

#define SEND(life, ...) assert_int_equal(send(life, (slk_event_t){__VA_ARGS__}), SLK_STEP_TAKEN)

static void begin(life_t *life)
{
    *life = (life_t){.random = {3}};
    slk_arena_init(&life->arena, 1 << 20);
}

static void test_life(void **unused)
{
    (void)unused;
    life_t life, *l = &life;
    begin(l);
    slk_sector_info_t *r = &l->record;
    slk_sector_piece_list_t deals = test_pieces(&l->random, 2, &l->arena);
    deals.items[0] = test_piece(&l->random, 1, &l->arena);
    deals.items[1] = deals.items[0]; /* the same data twice, as two deals may have */
    slk_sector_piece_t filler = test_piece(&l->random, 0, &l->arena);
    slk_sector_piece_t written[] = {filler, deals.items[0]};
    slk_node_t hash = test_hash(&l->random);
    slk_cid_t cid = test_cid(&l->random), other = test_cid(&l->random);

    SEND(l, .type = SLK_EVENT_START, .miner = 1000, .number = 9, .sector_type = 5);
    assert_int_equal(r->visit, 1);
    SEND(l, .type = SLK_EVENT_ADD_PIECE, .pieces = {deals.items, 1});
    assert_int_equal(r->creation_time, 1234);
    SEND(l, .type = SLK_EVENT_ADD_PIECE, .pieces = {deals.items + 1, 1});
    SEND(l, .type = SLK_EVENT_START_PACKING);
    assert_true(r->start_packing);
    assert_int_equal(r->assigned.count, 2);
    assert_int_equal(r->visit, 2);
    SEND(l, .type = SLK_EVENT_PIECE_ADDED, .pieces = {written, 2});
    assert_int_equal(r->pieces.count, 2);
    assert_int_equal(r->assigned.count, 1); /* one of the two was written */
    assert_true(r->start_packing);
    SEND(l, .type = SLK_EVENT_START_PACKING);
    assert_false(r->start_packing);
    SEND(l, .type = SLK_EVENT_PACKED, .pieces = {&filler, 1});
    assert_int_equal(r->pieces.count, 3);
    assert_null(r->pieces.items[2].deal_info);
    assert_int_equal(r->assigned.count, 0);
    SEND(l, .type = SLK_EVENT_TICKET, .hash = hash, .epoch = 100);
    SEND(l, .type = SLK_EVENT_OLD_TICKET);
    assert_int_equal(r->ticket_epoch, 100); /* until there is another */
    SEND(l, .type = SLK_EVENT_TICKET, .hash = hash, .epoch = 200);
    assert_int_equal(r->ticket_epoch, 200);
    for (uint64_t i = 1; i <= 5; i++) {
        SEND(l, .type = SLK_EVENT_SEAL_PRE_COMMIT1_FAILED, .text = "bad \xff\xc3\xa4");
        assert_int_equal(r->pre_commit1_fails, i);
        SEND(l, .type = SLK_EVENT_RETRY_SEAL_PRE_COMMIT1);
    }
    assert_int_equal(r->last_err.len, 7);
    assert_memory_equal(r->last_err.b, "bad ?\xc3\xa4", 7);
    SEND(l, .type = SLK_EVENT_PRE_COMMIT1, .bytes = test_text("out"));
    SEND(l, .type = SLK_EVENT_SEAL_PRE_COMMIT2_FAILED);
    assert_int_equal(r->pre_commit2_fails, 1);
    assert_int_equal(r->last_err.len, 0); /* not that of another failure */
    SEND(l, .type = SLK_EVENT_RETRY_SEAL_PRE_COMMIT2);
    SEND(l, .type = SLK_EVENT_PRE_COMMIT2, .comm_d = cid, .comm_r = other);
    assert_true(slk_cid_eq(&r->comm_d, &cid) && slk_cid_eq(&r->comm_r, &other));
    SEND(l, .type = SLK_EVENT_PRE_COMMIT_BATCH_SENT, .key = "k1", .amount = slk_bigint_u64(7));
    assert_false(slk_cid_defined(&r->pre_commit_message)); /* not known yet */
    SEND(l, .type = SLK_EVENT_PRE_COMMIT_LANDED, .bytes = test_text("tipset"), .cid = cid);
    assert_true(slk_cid_eq(&r->pre_commit_message, &cid));
    SEND(l, .type = SLK_EVENT_SEED_READY, .hash = hash, .epoch = 350);
    assert_int_equal(
        send(l, (slk_event_t){.type = SLK_EVENT_SEED_READY, .hash = hash, .epoch = 350}),
        SLK_STEP_IGNORED);
    uint64_t visit = r->visit;
    SEND(l, .type = SLK_EVENT_SEED_READY, .hash = hash, .epoch = 351);
    assert_int_equal(r->visit, visit + 1);
    for (uint64_t i = 1; i <= 3; i++) {
        SEND(l, .type = SLK_EVENT_COMPUTE_PROOF_FAILED);
        SEND(l, .type = SLK_EVENT_RETRY_COMPUTE_PROOF);
        assert_int_equal(r->invalid_proofs, i);
    }
    SEND(l, .type = SLK_EVENT_PROOF_READY, .bytes = test_text("proof"));
    SEND(l, .type = SLK_EVENT_FINALIZED);
    assert_true(r->finalized);
    SEND(l, .type = SLK_EVENT_COMMIT_AGGREGATE_SENT, .key = "k2");
    SEND(l, .type = SLK_EVENT_PROVING);
    assert_false(slk_cid_defined(&r->commit_message)); /* nobody said which landed */
    SEND(l, .type = SLK_EVENT_FINALIZED);
    assert_int_equal(slk_sector_state(r), SLK_STATE_PROVING);

    visit = r->visit;
    SEND(l, .type = SLK_EVENT_RESTART);
    assert_int_equal(r->visit, visit); /* jobs of this visit are still wanted */
    SEND(l, .type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING);
    assert_int_equal(r->visit, visit + 1);
    SEND(l, .type = SLK_EVENT_TERMINATE);
    SEND(l, .type = SLK_EVENT_TERMINATING);
    assert_false(slk_cid_defined(&r->terminate_message));
    SEND(l, .type = SLK_EVENT_TERMINATED, .epoch = 999);
    SEND(l, .type = SLK_EVENT_REMOVE);
    SEND(l, .type = SLK_EVENT_REMOVED);
    assert_int_equal(slk_sector_state(r), SLK_STATE_REMOVED);
    assert_int_equal(r->terminated_at, 999);
    slk_arena_free(&l->arena);
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct {
        slk_sector_state_t from;
        slk_event_t event;
        const char *why;
    } rows[] = {
        {SLK_STATE_PACKING, {.type = SLK_EVENT_FORCE_STATE}, "names no state"},
        {SLK_STATE_PACKING,
         {.type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_CNT},
         "names no state"},
        {SLK_STATE_PRE_COMMIT1, {.type = SLK_EVENT_INVALID_DEAL_IDS}, "names no state"},
        {SLK_STATE_PRE_COMMIT2, {.type = SLK_EVENT_PRE_COMMIT2}, "no CommD or no CommR"},
        {SLK_STATE_COMMITTING, {.type = SLK_EVENT_COMMITTED}, "brings no proof"},
        {SLK_STATE_RECOVER_DEAL_IDS,
         {.type = SLK_EVENT_UPDATE_DEAL_IDS},
         "not those of the sector"},
        {SLK_STATE_UNDEFINED, {.type = SLK_EVENT_RECEIVE}, "brings no record"},
        {SLK_STATE_UNDEFINED, {.type = SLK_EVENT_START, .number = UINT64_MAX}, "below 2^63"},
        {SLK_STATE_REMOVED,
         {.type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING},
         "was removed"},
        {SLK_STATE_PROVING, {.type = SLK_EVENT_TICKET}, "not in this state"},
    };
    life_t life, *l = &life;
    begin(l);
    for (size_t i = 0; i < SLK_COUNT(rows); i++) {
        l->record = test_record(&l->random, rows[i].from, &l->arena);
        const slk_sector_info_t before = l->record;
        assert_int_equal(send(l, rows[i].event), SLK_STEP_REFUSED);
        if (!strstr(l->why.text, rows[i].why))
            fail_msg("%s: expected %s", l->why.text, rows[i].why);
        assert_memory_equal(&l->record, &before, sizeof before);
    }
    /* Return is checked where it counts. */
    l->record = test_record(&l->random, SLK_STATE_RECEIVE_SECTOR, &l->arena);
    l->record.return_state = (slk_bytes_t){0};
    assert_int_equal(send(l, (slk_event_t){.type = SLK_EVENT_RECEIVED}), SLK_STEP_REFUSED);
    slk_sector_info_t received = test_record(&l->random, SLK_STATE_PROVING, &l->arena);
    received.return_state = test_text("CommitWait");
    l->record = (slk_sector_info_t){0};
    assert_int_equal(send(l, (slk_event_t){.type = SLK_EVENT_RECEIVE, .record = &received}),
                     SLK_STEP_REFUSED);
    slk_arena_free(&l->arena);
}

/* No memory anywhere in a step: the record is as it was. */
static void test_no_memory(void **unused)
{
    (void)unused;
    life_t life, *l = &life;
    begin(l);
    const slk_sector_info_t before = test_record(&l->random, SLK_STATE_ADD_PIECE, &l->arena);
    slk_event_t event = test_event(&l->random, SLK_EVENT_PIECE_ADDED, &before, &l->arena);
    bool taken = false;
    for (size_t room = 0; !taken; room += 16) {
        slk_arena_t arena;
        slk_step_t step;
        slk_sector_info_t record = before;
        slk_arena_init(&arena, room);
        slk_err_t err = slk_sector_step(&record, &event, 1, &arena, &step, NULL);
        taken = err == SLK_OK;
        if (!taken) {
            assert_int_equal(err, SLK_ERR_NOMEM);
            assert_memory_equal(&record, &before, sizeof before);
        }
        slk_arena_free(&arena);
        assert_true(room < 1 << 20);
    }
    slk_arena_free(&l->arena);
}

/* --- Random walks ---------------------------------------------------------------------------------- */

static void check_record(life_t *life, uint64_t visit)
{
    slk_arena_t arena;
    slk_sector_info_t again;
    char *text = NULL, *text_again = NULL;
    slk_arena_init(&arena, 1 << 24);
    assert_true(life->record.visit >= visit);
    assert_int_equal(life->record.miner, 1000);
    assert_int_equal(life->record.sector_number, 5);
    assert_ok(slk_sector_info_to_text(&text, &life->record, &life->why), life->why);
    assert_ok(slk_sector_info_from_text(&again, text, strlen(text), &arena, &life->why), life->why);
    assert_ok(slk_sector_info_to_text(&text_again, &again, &life->why), life->why);
    assert_string_equal(text, text_again);
    /* Go on with what was read: a record that lives in a database. */
    slk_arena_free(&life->arena);
    life->arena = arena;
    life->record = again;
    free(text);
    free(text_again);
}

/* An event that the state takes, or in one of ten any. */
static slk_event_type_t choose(life_t *life)
{
    slk_event_type_t takes[SLK_EVENT_CNT];
    size_t cnt = 0;
    const int *row = expected[slk_sector_state(&life->record)];
    for (unsigned e = 0; e < SLK_EVENT_CNT; e++)
        if (row[e] != NONE && e != SLK_EVENT_REMOVE && e != SLK_EVENT_TERMINATE &&
            e != SLK_EVENT_FORCE_STATE)
            takes[cnt++] = (slk_event_type_t)e;
    if (!cnt || test_below(&life->random, 10) == 0)
        return (slk_event_type_t)test_below(&life->random, SLK_EVENT_CNT);
    return takes[test_below(&life->random, cnt)];
}

static void walk(uint64_t seed, int steps)
{
    life_t life;
    begin(&life);
    life.random.x = seed;
    bool seen[SLK_STATE_CNT] = {false};
    for (int i = 0; i < steps; i++) {
        slk_sector_state_t from = slk_sector_state(&life.record);
        if (from == SLK_STATE_REMOVED && test_below(&life.random, 4) == 0)
            life.record = (slk_sector_info_t){0};
        uint64_t visit = life.record.visit;
        slk_event_t event = test_event(&life.random, choose(&life), &life.record, &life.arena);
        event.state = (slk_sector_state_t)test_below(&life.random, SLK_STATE_CNT);
        slk_sector_info_t before = life.record;
        slk_step_t step = send(&life, event);
        seen[slk_sector_state(&life.record)] = true;
        if (step != SLK_STEP_TAKEN)
            assert_memory_equal(&life.record, &before, sizeof before);
        else
            assert_int_equal(life.record.visit - visit,
                             expected[slk_sector_state(&before)][event.type] != STAYS);
        if (life.record.pieces.count > 20 || life.record.assigned.count > 20)
            life.record.pieces.count = life.record.assigned.count = 0;
        if (life.record.visit && i % 50 == 0)
            check_record(&life, visit);
    }
    slk_arena_free(&life.arena);
    for (unsigned s = 1; steps >= 50000 && s < SLK_STATE_CNT; s++)
        if (!seen[s])
            fail_msg("seed %llu never was in %s", (unsigned long long)seed,
                     slk_sector_state_name((slk_sector_state_t)s));
}

static void test_walks(void **unused)
{
    (void)unused;
    walk(11, 100000);
    for (uint64_t seed = 100; seed < 110; seed++)
        walk(seed, 1000);
}

/* Names of update-state, spec 1.2. */
static void test_forcible(void **unused)
{
    (void)unused;
    life_t life, *l = &life;
    begin(l);
    unsigned cnt = 0;
    for (unsigned s = 0; s < SLK_STATE_CNT; s++) {
        l->record = test_record(&l->random, SLK_STATE_PROVING, &l->arena);
        cnt += send(l, (slk_event_t){.type = SLK_EVENT_FORCE_STATE,
                                     .state = (slk_sector_state_t)s}) == SLK_STEP_TAKEN;
    }
    assert_int_equal(cnt, 63);
    slk_arena_free(&l->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),    cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_effects),  cmocka_unit_test(test_life),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_walks),    cmocka_unit_test(test_forcible),
    };
    return cmocka_run_group_tests(tests, read_spec, NULL);
}
