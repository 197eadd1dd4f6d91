#include "manager/sim_simulated.h"

/* Messages on their way: the real machine of chain/message.h, each of its effects done on the
 * simulated pool. What it made is in the table only after the whole effect: a death in between
 * forgets it. */

sim_message_t *sim_message_find(sim_t *sim, const char *key)
{
    for (size_t i = sim->message_cnt; i-- > 0;)
        if (!strcmp(sim->messages[i]->row.key, key))
            return sim->messages[i];
    return NULL;
}

/* No other message that may still be executed is for one of these. */
static void check_alone(sim_t *sim, const sim_message_t *m)
{
    for (size_t i = sim->message_open; i < sim->message_cnt; i++) {
        const sim_message_t *other = sim->messages[i];
        if (other->row.method != m->row.method || slk_message_state_final(other->row.state))
            continue;
        for (size_t a = 0; a < m->cnt; a++)
            for (size_t b = 0; b < other->cnt; b++)
                SIM_CHECK(sim, m->numbers[a], m->numbers[a] != other->numbers[b],
                          "%s and %s are for the same", m->row.key, other->row.key);
    }
}

void sim_message_add(sim_t *sim, const slk_message_want_t *want)
{
    SIM_CHECK(sim, UINT64_MAX, !sim_message_find(sim, want->key), "%s is sent twice", want->key);
    sim_message_t *m = calloc(1, sizeof *m);
    assert_non_null(m);
    if (sim->message_cnt == sim->message_cap) {
        sim->message_cap = sim->message_cap ? 2 * sim->message_cap : 64;
        sim->messages = realloc(sim->messages, sim->message_cap * sizeof *sim->messages);
        assert_non_null(sim->messages);
    }
    slk_arena_init(&m->arena, (size_t)4 << 20);
    m->row = (slk_message_row_t){.id = (int64_t)sim->message_cnt + 1,
                                 .from = want->from,
                                 .to = want->to,
                                 .value = want->value,
                                 .method = want->method,
                                 .params = malloc(want->params_len),
                                 .params_len = want->params_len,
                                 .mode = want->mode,
                                 .max_fee = want->max_fee,
                                 .confidence = want->confidence,
                                 .stuck_epochs = want->stuck_epochs};
    assert_non_null(m->row.params);
    snprintf(m->row.key, sizeof m->row.key, "%s", want->key);
    memcpy(m->row.params, want->params, want->params_len);
    SIM_CHECK(sim, UINT64_MAX, sim_decode(m), "parameters of %s cannot be read", want->key);
    check_alone(sim, m);
    if (sim_chance(sim, sim->trouble.out_of_gas))
        m->fate = SIM_OUT_OF_GAS;
    else if (sim_chance(sim, sim->trouble.loses_nonce))
        m->fate = SIM_LOSES_NONCE;
    sim->messages[sim->message_cnt++] = m;
    sim->counts.messages++;
    sim->send_ms = sim->now_ms;
}

/* --- Effects -------------------------------------------------------------------------------- */

static slk_cid_t cid_of(const slk_message_row_t *row)
{
    char text[SLK_MESSAGE_KEY_MAX + 32];
    const int len = snprintf(text, sizeof text, "%s#%" PRId64, row->key, row->attempts);
    return slk_cid_of_cbor(text, (size_t)len);
}

static void sign(sim_t *sim, const sim_message_t *m, slk_message_result_t *r)
{
    if (m->row.state == SLK_MESSAGE_QUEUED && sim_chance(sim, sim->trouble.refused)) {
        r->outcome = SLK_OUT_REFUSED;
        slk_fail(&r->diag, SLK_ERR_STATE, "simulated: the estimate failed");
        return;
    }
    r->nonce = m->row.has_nonce ? m->row.nonce : sim->next_nonce;
    r->cid = cid_of(&m->row);
    r->signer = m->row.from;
    r->gas.gas_limit = 1;
}

static void push(sim_t *sim, sim_message_t *m, slk_message_result_t *r)
{
    if (sim->nonce > m->row.nonce) {
        r->outcome = SLK_OUT_TOO_LOW;
        return;
    }
    r->outcome = m->in_pool ? SLK_OUT_KNOWN : SLK_OUT_OK;
    if (!sim_chance(sim, sim->trouble.lost)) {
        m->in_pool = true;
        if (m->lands_at <= sim->height)
            m->lands_at =
                sim->height + (sim_chance(sim, sim->trouble.late) ? sim_between(sim, 10, 200)
                                                                  : sim_between(sim, 1, 3));
    }
    if (sim_chance(sim, sim->trouble.no_answer))
        r->outcome = SLK_OUT_NO_ANSWER;
}

static void search(const sim_t *sim, const sim_message_t *m, slk_message_result_t *r)
{
    r->outcome = m->landed ? SLK_OUT_FOUND : m->other_landed ? SLK_OUT_OTHER : SLK_OUT_NOT_FOUND;
    if (!m->landed)
        return;
    r->cid = m->row.cid;
    r->height = m->landed_height;
    r->tipset = sim_tipset_key(sim_tipset_at(sim, m->landed_height));
    r->exit_code = m->exit_code;
}

static void act(sim_t *sim, sim_message_t *m, slk_message_effect_t effect, slk_message_result_t *r)
{
    if (!sim_node(sim, &r->diag)) {
        r->outcome = SLK_OUT_RETRY;
        return;
    }
    switch (effect) {
    case SLK_DO_SIGN:
    case SLK_DO_REPRICE:
        sign(sim, m, r);
        break;
    case SLK_DO_PUSH:
        push(sim, m, r);
        break;
    case SLK_DO_SEARCH:
    case SLK_DO_CONFIRM:
        search(sim, m, r);
        break;
    case SLK_DO_NOTHING:
    case SLK_DO_BIND:
    case SLK_DO_HAND:
        sim_broken(sim, UINT64_MAX, "%s: an effect that is not for own nonces", m->row.key);
    }
}

/* --- One message ---------------------------------------------------------------------------- */

static void store(sim_t *sim, sim_message_t *m, bool had_nonce)
{
    if (!had_nonce && m->row.has_nonce) {
        SIM_CHECK(sim, UINT64_MAX, m->row.nonce == sim->next_nonce && sim->next_nonce < 65535,
                  "%s has nonce %" PRIu64, m->row.key, m->row.nonce);
        sim->by_nonce[sim->next_nonce++] = (size_t)(m->row.id - 1);
    }
    if (!slk_message_state_final(m->row.state))
        return;
    SIM_CHECK(sim, m->numbers[0],
              sim->trouble.deep_reorg || m->landed == (m->row.state == SLK_MESSAGE_DONE ||
                                                       m->row.state == SLK_MESSAGE_FAILED),
              "%s is %s, which it is not on chain", m->row.key,
              slk_message_state_text(m->row.state));
    sim_wake_message(sim, m);
}

/* False: the manager died. */
static bool go_on(sim_t *sim, sim_message_t *m, const slk_message_view_t *view)
{
    for (unsigned turns = 0; !slk_message_state_final(m->row.state); turns++) {
        const slk_message_effect_t effect = slk_message_next(&m->row, view);
        slk_message_result_t result = {.outcome = SLK_OUT_OK};
        const bool had_nonce = m->row.has_nonce;
        if (effect == SLK_DO_NOTHING)
            return true;
        SIM_CHECK(sim, UINT64_MAX, turns < 40, "%s goes round and round in %s", m->row.key,
                  slk_message_state_text(m->row.state));
        act(sim, m, effect, &result);
        if (sim_dies(sim)) {
            slk_message_result_free(&result);
            return false;
        }
        slk_message_took(&m->row, effect, &result, view);
        store(sim, m, had_nonce);
        slk_message_result_free(&result);
        if (result.outcome == SLK_OUT_RETRY)
            return true;
    }
    return true;
}

void sim_send(sim_t *sim)
{
    const slk_message_view_t view = {.height = sim->seen_height,
                                     .know_nonce = !sim->node_away,
                                     .chain_nonce = sim->nonce,
                                     .now_ms = sim->now_ms};
    sim->send_ms = SIM_NEVER;
    for (size_t i = sim->message_open; i < sim->message_cnt; i++) {
        sim_message_t *m = sim->messages[i];
        if (!go_on(sim, m, &view))
            return;
        if (!slk_message_state_final(m->row.state) && m->row.retry_ms > sim->now_ms &&
            m->row.retry_ms < sim->send_ms)
            sim->send_ms = m->row.retry_ms;
    }
    while (sim->message_open < sim->message_cnt &&
           slk_message_state_final(sim->messages[sim->message_open]->row.state))
        sim->message_open++;
}

/* --- The head ------------------------------------------------------------------------------- */

bool sim_node(sim_t *sim, slk_diag_t *diag)
{
    if (!sim->node_away && !sim_chance(sim, sim->trouble.node_trouble))
        return true;
    slk_fail(diag, SLK_ERR_IO, "simulated: the node does not answer");
    return false;
}

void sim_follow(sim_t *sim)
{
    if (sim->node_away)
        return;
    const int64_t to = sim->reverted_to;
    sim->reverted_to = SIM_NEVER;
    if (to < sim->seen_height) {
        for (size_t i = 0; i < sim->message_cnt; i++)
            for (int64_t h = sim->seen_height; h > to; h--)
                slk_message_reverted(&sim->messages[i]->row, h);
        sim_wake_reverted(sim);
    } else if (sim->seen_height == sim->height) {
        return;
    }
    sim->seen_height = sim->height;
    sim_wake_epoch(sim, sim->height);
    sim->send_ms = sim->now_ms;
}
