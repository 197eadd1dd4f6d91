#include "manager/sim_simulated.h"

#include "manager/seal/pieces.h"

/* Rows of sectors as manager/sector/sector_store.h says they behave, and the operator. */

slk_sector_state_t sim_state(const sim_row_t *row)
{
    return row->state;
}

/* --- Steps ---------------------------------------------------------------------------------- */

static void remember(sim_t *sim, sim_row_t *row, slk_sector_state_t from, const slk_event_t *event,
                     slk_step_t step)
{
    if (!(row->log_cnt & (row->log_cnt - 1))) {
        row->log = realloc(row->log, (row->log_cnt ? 2 * row->log_cnt : 1) * sizeof *row->log);
        assert_non_null(row->log);
    }
    sim_log_t *entry = &row->log[row->log_cnt++];
    *entry = (sim_log_t){.ms = sim->now_ms,
                         .height = sim->height,
                         .from = (uint8_t)from,
                         .to = (uint8_t)sim_state(row),
                         .event = (uint8_t)event->type,
                         .step = (uint8_t)step};
    snprintf(entry->text, sizeof entry->text, "%s", event->text ? event->text : "");
    if (sim->tell)
        fprintf(stderr, "%9.2f h %6" PRId64 " sector %" PRIu64 ": %s -> %s (%s) %s\n",
                (double)(sim->now_ms - SIM_START_MS) / (double)SIM_HOUR_MS, sim->height,
                row->info.sector_number, slk_sector_state_name(from),
                slk_sector_state_name(sim_state(row)), slk_event_name(event->type), entry->text);
}

void sim_reread(sim_t *sim, sim_row_t *row)
{
    char *text = NULL, *again = NULL;
    slk_diag_t diag;
    slk_arena_t arena;
    slk_sector_info_t info;
    slk_arena_init(&arena, SLK_SECTOR_ROOM);
    assert_ok(slk_sector_info_to_text(&text, &row->info, &diag), diag);
    assert_ok(slk_sector_info_from_text(&info, text, strlen(text), &arena, &diag), diag);
    assert_ok(slk_sector_info_to_text(&again, &info, &diag), diag);
    SIM_CHECK(sim, row->info.sector_number, !strcmp(text, again),
              "its record is read as %s\nnot %s", again, text);
    slk_arena_free(&row->arena);
    row->arena = arena;
    row->info = info;
    free(text);
    free(again);
}

static bool is_end(const sim_row_t *row)
{
    const slk_sector_state_t state = sim_state(row);
    return state == SLK_STATE_REMOVED ||
           ((state == SLK_STATE_PROVING || state == SLK_STATE_AVAILABLE) && !row->will_terminate);
}

/* What the test must know of an event. */
static void note_event(sim_t *sim, sim_row_t *row, const slk_event_t *event)
{
    sim->counts.steps++;
    sim->counts.states[sim_state(row)]++;
    if (event->type == SLK_EVENT_TICKET)
        row->pc1_may_begin = true;
    if (event->type == SLK_EVENT_TICKET_EXPIRED) {
        sim->counts.expired++;
        row->expired = true;
    }
    row->over = is_end(row);
    row->for_person = false;
    if (row->turns_ms != sim->now_ms)
        row->turns = 0;
    row->turns_ms = sim->now_ms;
    SIM_CHECK(sim, row->info.sector_number, ++row->turns < 60,
              "it goes round and round without time passing");
}

slk_step_t sim_step(sim_t *sim, sim_row_t *row, const slk_event_t *event)
{
    slk_step_t step;
    slk_diag_t why;
    const slk_sector_state_t from = sim_state(row);
    const uint64_t visit = row->info.visit;
    assert_ok(slk_sector_step(&row->info, event, sim->now_ms, &row->arena, &step, &why), why);
    row->state = slk_sector_state(&row->info);
    remember(sim, row, from, event, step);
    if (step != SLK_STEP_TAKEN)
        return step;
    row->version++;
    row->due_ms = sim->now_ms;
    note_event(sim, row, event);
    if (row->info.visit == visit)
        return step;
    row->wait_epoch = 0;
    row->wait_job[0] = 0;
    row->batch = SLK_SECTOR_NO_BATCH;
    row->batch_cutoff = row->batch_since_ms = row->trouble = 0;
    sim_job_drop_all(sim, row->info.sector_number);
    if (row->arena.used > (size_t)64 << 10)
        sim_reread(sim, row);
    return step;
}

/* A piece of direct data onboarding that fills half of the sector or all of it. */
static void assign_piece(sim_t *sim, sim_row_t *row, int64_t start)
{
    slk_piece_activation_manifest_t manifest = {0};
    slk_piece_deal_info_t info = {.piece_activation_manifest = &manifest,
                                  .deal_schedule = {start, start + 600000}};
    slk_sector_piece_t piece = {.piece.size = SIM_SECTOR_SZ >> sim_draw(sim, 2),
                                .deal_info = &info};
    const slk_node_t comm_p = sim_node_of("piece", row->info.sector_number, 0, sim->seed);
    piece.piece.piece_cid = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_p);
    piece.source = (slk_bytes_t){(const uint8_t *)"/pieces/a", 9};
    piece.payload_size = 100;
    manifest.cid = piece.piece.piece_cid;
    manifest.size = piece.piece.size;
    const slk_event_t add = {.type = SLK_EVENT_ADD_PIECE, .pieces = {&piece, 1}};
    SIM_CHECK(sim, row->info.sector_number, sim_step(sim, row, &add) == SLK_STEP_TAKEN,
              "it takes no piece");
}

void sim_create(sim_t *sim, sim_row_t *row)
{
    const uint64_t number = sim->next_number;
    if (sim_dies(sim))
        return; /* the transaction is taken back: number and row */
    sim->next_number++;
    SIM_CHECK(sim, number, row == &sim->rows[number] && !row->made,
              "its number was given out twice");
    slk_arena_init(&row->arena, SLK_SECTOR_ROOM);
    row->made = true;
    row->batch = SLK_SECTOR_NO_BATCH;
    const slk_event_t start = {.type = row->with_piece ? SLK_EVENT_START : SLK_EVENT_START_CC,
                               .miner = SIM_MINER,
                               .number = number,
                               .sector_type = SIM_PROOF,
                               .text = "begun"};
    SIM_CHECK(sim, number, sim_step(sim, row, &start) == SLK_STEP_TAKEN, "it cannot begin");
    if (row->with_piece)
        assign_piece(sim, row, sim->height + sim_between(sim, 2000, 12000));
}

/* --- Waits and wakes ------------------------------------------------------------------------ */

void sim_store_wait(sim_t *sim, sim_row_t *row, const slk_sector_wait_t *wait)
{
    const int64_t now = sim->now_ms;
    row->trouble = wait->trouble && !wait->rest ? row->trouble + 1 : 0;
    if (row->batch != wait->batch)
        row->batch_since_ms = now;
    row->batch = wait->batch;
    row->batch_cutoff = wait->batch_cutoff;
    row->version++;
    row->wait_epoch = wait->rest ? 0 : wait->until_epoch;
    snprintf(row->wait_job, sizeof row->wait_job, "%s", wait->job && !wait->rest ? wait->job : "");
    row->due_ms = SLK_SECTOR_NEVER;
    if (wait->rest)
        return;
    row->due_ms = now + SLK_SECTOR_LOOK_AGAIN_MS;
    if (wait->until_ms && wait->until_ms < row->due_ms)
        row->due_ms = wait->until_ms;
    if (row->trouble) {
        const int64_t again = now + slk_sector_back_off_ms(row->trouble, row->info.sector_number);
        row->due_ms = wait->until_ms > again ? row->due_ms : again;
    }
}

void sim_wake(sim_t *sim, sim_row_t *row)
{
    row->version++;
    if (row->due_ms > sim->now_ms)
        row->due_ms = sim->now_ms;
}

void sim_wake_epoch(sim_t *sim, int64_t height)
{
    for (uint64_t n = 0; n < sim->next_number; n++) {
        if (!sim->rows[n].wait_epoch || sim->rows[n].wait_epoch > height)
            continue;
        sim_wake(sim, &sim->rows[n]);
        sim->rows[n].wait_epoch = 0;
    }
}

void sim_wake_reverted(sim_t *sim)
{
    for (uint64_t n = 0; n < sim->next_number; n++)
        if (sim->rows[n].wait_epoch)
            sim_wake(sim, &sim->rows[n]);
}

void sim_wake_job(sim_t *sim, const sim_job_t *job)
{
    sim_row_t *row = &sim->rows[job->view.number];
    if (!strcmp(row->wait_job, job->view.key))
        sim_wake(sim, row);
}

void sim_wake_message(sim_t *sim, const sim_message_t *message)
{
    for (size_t i = 0; i < message->cnt; i++)
        sim_wake(sim, &sim->rows[message->numbers[i]]);
}

void sim_wake_all(sim_t *sim)
{
    for (uint64_t n = 0; n < sim->next_number; n++)
        if (sim->rows[n].due_ms != SLK_SECTOR_NEVER &&
            sim_state(&sim->rows[n]) != SLK_STATE_REMOVED)
            sim_wake(sim, &sim->rows[n]);
}

/* --- The operator --------------------------------------------------------------------------- */

static void person(sim_t *sim, sim_row_t *row, slk_event_t event)
{
    event.text = "an operator";
    row->ends_by_person = true;
    row->pc1_may_begin = true;
    sim_step(sim, row, &event);
}

void sim_person_decides(sim_t *sim, sim_row_t *row)
{
    const sim_actor_t *a = &sim->actors[row->info.sector_number];
    row->for_person = false;
    if (a->live && sim_state(row) == SLK_STATE_FINALIZE_FAILED)
        person(sim, row, (slk_event_t){.type = SLK_EVENT_TERMINATE});
    else if (a->live)
        person(sim, row, (slk_event_t){.type = SLK_EVENT_FORCE_STATE, .state = SLK_STATE_PROVING});
    else
        person(sim, row, (slk_event_t){.type = SLK_EVENT_REMOVE});
}

/* One that is on its way; often one with a message under way, which lasts for minutes only. */
static sim_row_t *some_row(sim_t *sim)
{
    const bool sent = sim_draw(sim, 2);
    sim_row_t *row = NULL;
    for (unsigned tries = 0; tries < 100; tries++) {
        row = &sim->rows[sim_draw(sim, sim->next_number)];
        if (sent ? row->state == SLK_STATE_PRE_COMMIT_BATCH_WAIT ||
                       row->state == SLK_STATE_COMMIT_AGGREGATE_WAIT
                 : !row->over)
            break;
    }
    return row;
}

void sim_person_meddles(sim_t *sim)
{
    static const slk_event_type_t what[] = {SLK_EVENT_RESTART,     SLK_EVENT_RESTART,
                                            SLK_EVENT_REMOVE,      SLK_EVENT_FORCE_STATE,
                                            SLK_EVENT_FORCE_STATE, SLK_EVENT_TERMINATE};
    static const slk_sector_state_t to[] = {
        SLK_STATE_GET_TICKET,    SLK_STATE_PRE_COMMIT1,     SLK_STATE_PRE_COMMITTING,
        SLK_STATE_WAIT_SEED,     SLK_STATE_COMMITTING,      SLK_STATE_SUBMIT_COMMIT,
        SLK_STATE_COMMIT_FAILED, SLK_STATE_FINALIZE_SECTOR, SLK_STATE_PRE_COMMIT_FAILED};
    if (!sim->next_number)
        return;
    sim_row_t *row = some_row(sim);
    const slk_event_type_t type = what[sim_draw(sim, SLK_COUNT(what))];
    const slk_sector_state_t state = to[sim_draw(sim, SLK_COUNT(to))];
    if (sim_state(row) == SLK_STATE_REMOVED)
        return;
    if (type == SLK_EVENT_RESTART) {
        sim_step(sim, row, &(slk_event_t){.type = type, .text = "an operator"});
        return;
    }
    person(sim, row, (slk_event_t){.type = type, .state = state});
}
