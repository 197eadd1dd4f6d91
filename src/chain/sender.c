#include "chain/sender.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT = 50, IDS = 64 };

typedef struct {
    const slk_sender_opts_t *opts;
    slk_db_t *db;
    const slk_head_t *head;
    int64_t now_ms;
    slk_sender_memory_t *memory;
} turn_t;

/* --- Effects ------------------------------------------------------------------------------- */

static slk_err_t choose_nonce(turn_t *turn, slk_message_result_t *result, slk_diag_t *diag)
{
    bool found;
    uint64_t last;
    slk_err_t err = turn->opts->ops->next_nonce(turn->opts->ctx, result);
    if (err != SLK_OK || result->outcome != SLK_OUT_OK)
        return err;
    err = slk_message_last_nonce(turn->db, &result->signer, &found, &last, diag);
    if (err == SLK_OK && found && last >= result->nonce)
        result->nonce = last + 1;
    return err;
}

static slk_err_t do_sign(turn_t *turn, const slk_message_row_t *row, slk_message_result_t *result,
                         slk_diag_t *diag)
{
    const slk_sender_ops_t *ops = turn->opts->ops;
    void *ctx = turn->opts->ctx;
    bool found;
    int64_t in_flight;
    unsigned max = turn->opts->in_flight_max ? turn->opts->in_flight_max : IN_FLIGHT;
    slk_err_t err = SLK_OK;
    SLK_TRY(ops->resolve(ctx, row, result));
    if (result->outcome != SLK_OUT_OK)
        return SLK_OK;
    SLK_TRY(slk_db_get_i64(
        turn->db,
        "SELECT count(*) FROM message WHERE signer = ?1 AND state IN ('Signed', 'Pending')",
        SLK_VALS(slk_val_blob(result->signer.b, result->signer.len)), &found, &in_flight, diag));
    if (in_flight >= max) {
        result->outcome = SLK_OUT_RETRY;
        slk_fail(&result->diag, SLK_OK, "%lld messages of this sender are on their way already",
                 (long long)in_flight);
        return SLK_OK;
    }
    SLK_TRY(ops->estimate(ctx, row, result));
    if (result->outcome != SLK_OUT_OK)
        return SLK_OK;
    if (!slk_gas_cap(&result->gas, &row->max_fee)) {
        result->outcome = SLK_OUT_REFUSED;
        slk_fail(&result->diag, SLK_OK,
                 "gas limit %lld: even the lowest price costs more than the allowed %s attoFIL",
                 (long long)result->gas.gas_limit, slk_bigint_text(&row->max_fee).s);
        return SLK_OK;
    }
    SLK_TRY(choose_nonce(turn, result, diag));
    if (result->outcome == SLK_OUT_OK)
        SLK_TRY(ops->sign(ctx, row, result));
out:
    return err;
}

static slk_err_t do_reprice(turn_t *turn, const slk_message_row_t *row,
                            slk_message_result_t *result)
{
    const slk_sender_ops_t *ops = turn->opts->ops;
    result->signer = row->signer;
    result->nonce = row->nonce;
    slk_err_t err = ops->estimate(turn->opts->ctx, row, result);
    if (err != SLK_OK || result->outcome != SLK_OUT_OK)
        return err;
    slk_gas_t gas;
    if (!slk_gas_replace(&gas, &row->gas, &result->gas, &row->max_fee)) {
        slk_bigint_t cost = slk_gas_max_cost(&gas);
        result->outcome = SLK_OUT_LIMIT;
        slk_fail(&result->diag, SLK_OK,
                 "stuck: to replace it up to %s attoFIL would have to be offered, allowed are %s; "
                 "replace it with a higher limit",
                 slk_bigint_text(&cost).s, slk_bigint_text(&row->max_fee).s);
        return SLK_OK;
    }
    result->gas = gas;
    return ops->sign(turn->opts->ctx, row, result);
}

static slk_err_t do_push(turn_t *turn, const slk_message_row_t *row, slk_message_result_t *result,
                         slk_diag_t *diag)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    slk_err_t err = slk_message_attempt(turn->db, row->id, row->attempts, &bytes, &len, diag);
    if (err == SLK_OK)
        err = turn->opts->ops->push(turn->opts->ctx, bytes, len, result);
    free(bytes);
    return err;
}

static slk_err_t do_search(turn_t *turn, const slk_message_row_t *row, slk_message_result_t *result,
                           slk_diag_t *diag)
{
    slk_cid_t cids[SLK_MESSAGE_ATTEMPTS_MAX];
    size_t cnt;
    slk_err_t err = slk_message_cids(turn->db, row->id, cids, &cnt, diag);
    if (err == SLK_OK)
        err = turn->opts->ops->search(turn->opts->ctx, turn->head, cids, cnt, result);
    return err;
}

/* All that a sender has on its way goes through one node: two would choose the same nonces. */
static slk_err_t do_bind(turn_t *turn, const slk_message_row_t *row, slk_message_result_t *result,
                         slk_diag_t *diag)
{
    slk_db_rows_t *rows = NULL;
    bool more = false;
    slk_err_t err = slk_db_query(&rows, turn->db,
                                 "SELECT node FROM message WHERE sender = ?1 AND node <> '' AND "
                                 "state IN ('Handing', 'Signed', 'Pending', 'Landed') LIMIT 1",
                                 SLK_VALS(slk_val_blob(row->from.b, row->from.len)), diag);
    if (err != SLK_OK)
        return err;
    err = slk_db_rows_next(rows, &more, diag);
    if (err == SLK_OK && more) {
        result->outcome = SLK_OUT_OK;
        memccpy(result->node, slk_db_rows_text(rows, 0, NULL), 0, sizeof result->node - 1);
    }
    slk_db_rows_close(rows);
    if (err == SLK_OK && !more)
        err = turn->opts->ops->bind(turn->opts->ctx, result);
    return err;
}

static slk_err_t do_effect(turn_t *turn, slk_message_effect_t effect, const slk_message_row_t *row,
                           slk_message_result_t *result, slk_diag_t *diag)
{
    switch (effect) {
    case SLK_DO_SIGN:
        return do_sign(turn, row, result, diag);
    case SLK_DO_BIND:
        return do_bind(turn, row, result, diag);
    case SLK_DO_HAND:
        return turn->opts->ops->hand(turn->opts->ctx, row, result);
    case SLK_DO_PUSH:
        return do_push(turn, row, result, diag);
    case SLK_DO_REPRICE:
        return do_reprice(turn, row, result);
    case SLK_DO_SEARCH:
    case SLK_DO_CONFIRM:
        return do_search(turn, row, result, diag);
    case SLK_DO_NOTHING:
        break;
    }
    return SLK_OK;
}

/* --- Results ------------------------------------------------------------------------------- */

typedef struct {
    turn_t *turn;
    const slk_message_row_t *before; /* the row that the effect was done for */
    slk_message_effect_t effect;
    slk_message_result_t *result;
    const slk_message_view_t *view;
} taking_t;

/* What was looked up from a head that was reverted meanwhile says nothing. */
static slk_err_t outdated(const taking_t *taking, slk_db_t *db, bool *dropped, slk_diag_t *diag)
{
    const slk_sender_opts_t *opts = taking->turn->opts;
    bool still = true;
    slk_err_t err = SLK_OK;
    if (opts->still && (taking->effect == SLK_DO_SEARCH || taking->effect == SLK_DO_CONFIRM))
        err = opts->still(opts->still_ctx, db, taking->turn->head, &still, diag);
    *dropped = !still;
    return err;
}

/* The row is read anew: somebody may have taken it back or changed its limits meanwhile. */
static slk_err_t store_result(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const taking_t *taking = ctx;
    const slk_sender_opts_t *opts = taking->turn->opts;
    slk_message_row_t row;
    slk_err_t err = slk_message_load(db, taking->before->id, &row, diag);
    if (err != SLK_OK)
        return err;
    bool dropped = row.state != taking->before->state || row.attempts != taking->before->attempts;
    if (!dropped)
        SLK_TRY(outdated(taking, db, &dropped, diag));
    if (dropped)
        goto out;
    /* A copy: a transaction may be repeated, and the machine takes the return value out. */
    slk_message_result_t result = *taking->result;
    uint8_t *value = NULL;
    if (result.outcome == SLK_OUT_FOUND && result.bytes_len) {
        value = malloc(result.bytes_len);
        if (!value) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a message's result");
            goto out;
        }
        memcpy(value, result.bytes, result.bytes_len);
    }
    if (result.outcome == SLK_OUT_FOUND)
        result.bytes = value;
    bool attempt = slk_message_took(&row, taking->effect, &result, taking->view);
    if (result.outcome == SLK_OUT_FOUND)
        free(result.bytes);
    SLK_TRY(slk_message_save(db, &row, attempt ? taking->result->bytes : NULL,
                             taking->result->bytes_len, taking->turn->now_ms, diag));
    if (slk_message_state_final(row.state) && opts->final)
        SLK_TRY(opts->final(opts->final_ctx, db, &row, diag));
out:
    slk_message_row_free(&row);
    return err;
}

/* --- A turn -------------------------------------------------------------------------------- */

/* An answer that did not come is not asked for again in this turn. */
static slk_err_t chain_nonce(turn_t *turn, const slk_address_t *signer, slk_message_view_t *view)
{
    slk_sender_memory_t *memory = turn->memory;
    size_t i = 0;
    while (i < memory->cnt && !slk_address_eq(&memory->signers[i].signer, signer))
        i++;
    if (i == memory->cnt) {
        slk_message_result_t result = {.outcome = SLK_OUT_RETRY};
        slk_err_t err = turn->opts->ops->chain_nonce(turn->opts->ctx, turn->head, signer, &result);
        if (err != SLK_OK)
            return err;
        i = memory->cnt < SLK_SENDER_SIGNERS ? memory->cnt++ : 0;
        memory->signers[i].signer = *signer;
        memory->signers[i].nonce = result.nonce;
        memory->signers[i].known = result.outcome == SLK_OUT_OK;
        slk_message_result_free(&result);
    }
    view->know_nonce = memory->signers[i].known;
    view->chain_nonce = memory->signers[i].nonce;
    return SLK_OK;
}

static slk_err_t view_of(turn_t *turn, const slk_message_row_t *row, slk_message_view_t *view)
{
    *view = (slk_message_view_t){.height = turn->head->height, .now_ms = turn->now_ms};
    if (row->state != SLK_MESSAGE_SIGNED && row->state != SLK_MESSAGE_PENDING)
        return SLK_OK;
    return chain_nonce(turn, &row->signer, view);
}

/* What is known of this head; unanswered questions may be asked again. */
static void prepare_memory(slk_sender_memory_t *memory, const slk_head_t *head)
{
    bool complete = slk_tipset_key_eq(&memory->head, &head->key);
    for (size_t i = 0; i < memory->cnt; i++)
        complete = complete && memory->signers[i].known;
    if (!complete)
        memory->cnt = 0;
    memory->head = head->key;
}

static slk_err_t one_message(turn_t *turn, int64_t id, bool *busy, slk_diag_t *diag)
{
    slk_message_row_t row;
    slk_message_view_t view;
    slk_message_result_t result = {.outcome = SLK_OUT_RETRY};
    slk_err_t err = slk_message_load(turn->db, id, &row, diag);
    if (err != SLK_OK)
        return err;
    SLK_TRY(view_of(turn, &row, &view));
    slk_message_effect_t effect = slk_message_next(&row, &view);
    if (effect == SLK_DO_NOTHING)
        goto out;
    SLK_TRY(do_effect(turn, effect, &row, &result, diag));
    taking_t taking = {
        .turn = turn, .before = &row, .effect = effect, .result = &result, .view = &view};
    err = slk_db_transact(turn->db, store_result, &taking, diag);
    if (err == SLK_ERR_MISMATCH && (effect == SLK_DO_SIGN || effect == SLK_DO_HAND)) {
        /* Another row got the nonce meanwhile: choose again, next time. */
        result.outcome = effect == SLK_DO_SIGN ? SLK_OUT_RETRY : SLK_OUT_NO_ANSWER;
        if (diag)
            result.diag = *diag;
        err = slk_db_transact(turn->db, store_result, &taking, diag);
    }
    *busy = *busy || err == SLK_OK;
out:
    slk_message_result_free(&result);
    slk_message_row_free(&row);
    return err;
}

slk_err_t slk_sender_turn(const slk_sender_opts_t *opts, slk_db_t *db, const slk_head_t *head,
                          int64_t now_ms, bool *busy, slk_diag_t *diag)
{
    slk_sender_memory_t own = {0};
    turn_t turn = {.opts = opts,
                   .db = db,
                   .head = head,
                   .now_ms = now_ms,
                   .memory = opts->memory ? opts->memory : &own};
    prepare_memory(turn.memory, head);
    int64_t ids[IDS], after = 0;
    size_t cnt;
    slk_err_t err = SLK_OK;
    *busy = false;
    do {
        SLK_TRY(slk_message_ids(db, true, after, ids, IDS, &cnt, diag));
        for (size_t i = 0; i < cnt; i++) {
            SLK_TRY(one_message(&turn, ids[i], busy, diag));
            after = ids[i];
        }
    } while (cnt == IDS);
out:
    return err;
}
