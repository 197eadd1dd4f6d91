#include "chain/message.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { REPUSH_EPOCHS = 10, BACKOFF_MS = 1000, BACKOFF_MAX_MS = 60000 };

/* --- States -------------------------------------------------------------------------------- */

static const struct {
    const char *text, *what;
    bool final;
} state_rows[] = {
#define SLK_X(name, text, final, what) {text, what, final},
    SLK_MESSAGE_STATES(SLK_X)
#undef SLK_X
};

const char *slk_message_state_text(slk_message_state_t state)
{
    return state_rows[state].text;
}

const char *slk_message_state_what(slk_message_state_t state)
{
    return state_rows[state].what;
}

bool slk_message_state_final(slk_message_state_t state)
{
    return state_rows[state].final;
}

bool slk_message_state_from_text(slk_message_state_t *state, const char *text)
{
    for (size_t i = 0; i < SLK_COUNT(state_rows); i++) {
        if (strcmp(state_rows[i].text, text) == 0) {
            *state = (slk_message_state_t)i;
            return true;
        }
    }
    return false;
}

void slk_message_row_free(slk_message_row_t *row)
{
    free(row->params);
    free(row->result);
    *row = (slk_message_row_t){0};
}

void slk_message_result_free(slk_message_result_t *result)
{
    free(result->bytes);
    *result = (slk_message_result_t){0};
}

/* --- What to do ---------------------------------------------------------------------------- */

/* The nonce was used on chain, and nobody looked at this head yet what used it. */
static bool should_look(const slk_message_row_t *row, const slk_message_view_t *view)
{
    return view->know_nonce && view->chain_nonce > row->nonce && row->looked < view->height;
}

/* Before a pool had one of ours, a higher fee could only push out somebody else's message. */
static bool should_reprice(const slk_message_row_t *row, const slk_message_view_t *view)
{
    if (!row->acknowledged || row->attempts >= SLK_MESSAGE_ATTEMPTS_MAX ||
        (view->know_nonce && view->chain_nonce > row->nonce))
        return false;
    return row->bump ||
           (row->stuck_epochs && !row->at_limit && view->height >= row->pushed + row->stuck_epochs);
}

slk_message_effect_t slk_message_next(const slk_message_row_t *row, const slk_message_view_t *view)
{
    bool due = row->retry_ms <= view->now_ms;
    switch (row->state) {
    case SLK_MESSAGE_QUEUED:
        return !due ? SLK_DO_NOTHING : row->mode == SLK_OWN_NONCE ? SLK_DO_SIGN : SLK_DO_BIND;
    case SLK_MESSAGE_HANDING:
        return due ? SLK_DO_HAND : SLK_DO_NOTHING;
    case SLK_MESSAGE_SIGNED:
    case SLK_MESSAGE_PENDING:
        if (!due)
            return SLK_DO_NOTHING;
        if (should_look(row, view))
            return SLK_DO_SEARCH;
        if (should_reprice(row, view))
            return SLK_DO_REPRICE;
        if (row->state == SLK_MESSAGE_SIGNED || view->height >= row->pushed + REPUSH_EPOCHS)
            return view->know_nonce && view->chain_nonce > row->nonce ? SLK_DO_NOTHING
                                                                      : SLK_DO_PUSH;
        return SLK_DO_NOTHING;
    case SLK_MESSAGE_LANDED:
        return due && view->height >= row->landed_height + row->confidence ? SLK_DO_CONFIRM
                                                                           : SLK_DO_NOTHING;
    case SLK_MESSAGE_DONE:
    case SLK_MESSAGE_FAILED:
    case SLK_MESSAGE_REPLACED:
    case SLK_MESSAGE_REFUSED:
    case SLK_MESSAGE_STATE_CNT:
        break;
    }
    return SLK_DO_NOTHING;
}

/* --- What a result does -------------------------------------------------------------------- */

enum {
    TAKE_SIGNED = 1 << 0, /* nonce, gas, CID: a new attempt */
    TAKE_NODE = 1 << 1,
    TAKE_FOUND = 1 << 2,
    PUSHED = 1 << 3,    /* a pool has it, at this head */
    BACK_OFF = 1 << 4,  /* keep the sentence and try again later */
    UNCERTAIN = 1 << 5, /* it may have happened */
    LIMIT = 1 << 6,     /* no dearer attempt */
    BUMP = 1 << 7,      /* a dearer attempt, if a pool had ours */
    LOOKED = 1 << 8,    /* looked for at this head */
    OTHER = 1 << 9,     /* the nonce is another's; the end after `confidence` epochs */
    CONFIRM = 1 << 10,  /* the end when it is where it was */
    GONE = 1 << 11,     /* not on chain any more */
    UNLESS_UNCERTAIN = 1 << 12
};

#define KEEP SLK_MESSAGE_STATE_CNT

static const struct {
    slk_message_effect_t effect;
    slk_message_outcome_t outcome;
    slk_message_state_t state;
    unsigned does;
} result_rows[] = {
    {SLK_DO_SIGN, SLK_OUT_OK, SLK_MESSAGE_SIGNED, TAKE_SIGNED},
    {SLK_DO_SIGN, SLK_OUT_REFUSED, SLK_MESSAGE_REFUSED, BACK_OFF},
    {SLK_DO_BIND, SLK_OUT_OK, SLK_MESSAGE_HANDING, TAKE_NODE},
    {SLK_DO_HAND, SLK_OUT_OK, SLK_MESSAGE_PENDING, TAKE_SIGNED | PUSHED},
    {SLK_DO_HAND, SLK_OUT_REFUSED, SLK_MESSAGE_REFUSED, BACK_OFF | UNLESS_UNCERTAIN},
    {SLK_DO_HAND, SLK_OUT_NO_ANSWER, KEEP, BACK_OFF | UNCERTAIN},
    {SLK_DO_PUSH, SLK_OUT_OK, SLK_MESSAGE_PENDING, PUSHED},
    {SLK_DO_PUSH, SLK_OUT_KNOWN, SLK_MESSAGE_PENDING, PUSHED},
    {SLK_DO_PUSH, SLK_OUT_TOO_LOW, KEEP, BACK_OFF},
    {SLK_DO_PUSH, SLK_OUT_TAKEN, SLK_MESSAGE_SIGNED, BACK_OFF | BUMP},
    {SLK_DO_PUSH, SLK_OUT_REFUSED, SLK_MESSAGE_SIGNED, BACK_OFF},
    {SLK_DO_PUSH, SLK_OUT_NO_ANSWER, SLK_MESSAGE_SIGNED, BACK_OFF},
    {SLK_DO_REPRICE, SLK_OUT_OK, SLK_MESSAGE_SIGNED, TAKE_SIGNED},
    {SLK_DO_REPRICE, SLK_OUT_LIMIT, KEEP, BACK_OFF | LIMIT},
    {SLK_DO_SEARCH, SLK_OUT_FOUND, SLK_MESSAGE_LANDED, TAKE_FOUND},
    {SLK_DO_SEARCH, SLK_OUT_NOT_FOUND, KEEP, LOOKED | OTHER},
    {SLK_DO_SEARCH, SLK_OUT_OTHER, KEEP, LOOKED | OTHER},
    {SLK_DO_CONFIRM, SLK_OUT_FOUND, KEEP, TAKE_FOUND | CONFIRM},
    {SLK_DO_CONFIRM, SLK_OUT_NOT_FOUND, SLK_MESSAGE_PENDING, GONE},
    {SLK_DO_CONFIRM, SLK_OUT_OTHER, SLK_MESSAGE_PENDING, GONE},
};

static void back_off(slk_message_row_t *row, const slk_message_result_t *result,
                     const slk_message_view_t *view)
{
    int64_t wait = BACKOFF_MS;
    for (int64_t i = 0; i < row->tries && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    row->tries++;
    row->retry_ms = view->now_ms + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
    row->error_code = result->code;
    memccpy(row->error, result->diag.text, 0, sizeof row->error - 1);
}

static void clear_error(slk_message_row_t *row)
{
    row->tries = row->retry_ms = row->error_code = 0;
    row->error[0] = 0;
}

static void clear_landed(slk_message_row_t *row)
{
    free(row->result);
    row->result = NULL;
    row->result_len = 0;
    row->landed_cid = (slk_cid_t){0};
    row->landed_tipset = (slk_tipset_key_t){0};
    row->landed_height = row->exit_code = row->gas_used = 0;
    row->looked = row->other = 0;
}

static void take_signed(slk_message_row_t *row, const slk_message_result_t *result)
{
    SLK_ASSERT(!row->has_nonce || row->nonce == result->nonce);
    row->has_nonce = true;
    row->nonce = result->nonce;
    row->signer = result->signer;
    row->gas = result->gas;
    row->cid = result->cid;
    row->attempts++;
    row->bump = false;
}

static void take_found(slk_message_row_t *row, slk_message_result_t *result)
{
    clear_landed(row);
    row->landed_cid = result->cid;
    row->landed_tipset = result->tipset;
    row->landed_height = result->height;
    row->exit_code = result->exit_code;
    row->gas_used = result->gas_used;
    row->result = result->bytes;
    row->result_len = result->bytes_len;
    result->bytes = NULL;
    result->bytes_len = 0;
}

static void take(slk_message_row_t *row, unsigned does, slk_message_result_t *result,
                 const slk_message_view_t *view)
{
    if (does & BACK_OFF)
        back_off(row, result, view);
    else
        clear_error(row);
    if (does & UNCERTAIN)
        row->uncertain = true;
    if (does & TAKE_NODE)
        memcpy(row->node, result->node, sizeof row->node);
    if (does & TAKE_SIGNED)
        take_signed(row, result);
    if (does & PUSHED) {
        row->acknowledged = true;
        row->pushed = view->height;
    }
    if (does & LIMIT) {
        row->at_limit = true;
        row->bump = false;
    }
    if (does & BUMP)
        row->bump = row->acknowledged;
    if (does & LOOKED)
        row->looked = view->height;
    if (does & OTHER && !row->other)
        row->other = view->height;
    else if (!(does & (OTHER | BACK_OFF)))
        row->other = 0;
    if (does & GONE)
        clear_landed(row);
}

bool slk_message_took(slk_message_row_t *row, slk_message_effect_t effect,
                      slk_message_result_t *result, const slk_message_view_t *view)
{
    slk_message_state_t state = KEEP;
    unsigned does = BACK_OFF; /* RETRY, and whatever has no row */
    for (size_t i = 0; i < SLK_COUNT(result_rows); i++) {
        if (result_rows[i].effect == effect && result_rows[i].outcome == result->outcome) {
            state = result_rows[i].state;
            does = result_rows[i].does;
        }
    }
    bool confirmed = does & CONFIRM && result->height == row->landed_height &&
                     slk_tipset_key_eq(&result->tipset, &row->landed_tipset);
    take(row, does, result, view);
    if (does & TAKE_FOUND)
        take_found(row, result);
    if (does & UNLESS_UNCERTAIN && row->uncertain)
        state = KEEP;
    if (confirmed)
        state = row->exit_code == 0 ? SLK_MESSAGE_DONE : SLK_MESSAGE_FAILED;
    if (does & OTHER && view->height >= row->other + row->confidence)
        state = SLK_MESSAGE_REPLACED;
    if (state != KEEP)
        row->state = state;
    return does & TAKE_SIGNED;
}

bool slk_message_reverted(slk_message_row_t *row, int64_t height)
{
    if (row->state == SLK_MESSAGE_LANDED && height <= row->landed_height) {
        clear_landed(row);
        row->state = SLK_MESSAGE_PENDING;
        return true;
    }
    if (slk_message_state_final(row->state) || (row->looked < height && row->other < height))
        return false;
    row->looked = row->other = 0;
    return true;
}
