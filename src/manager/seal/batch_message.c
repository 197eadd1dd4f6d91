#include "manager/seal/batch_impl.h"

#include "base/bytes.h"
#include "codec/actors/exit_code.h"
#include "crypto/sha256/sha256.h"
#include "manager/seal/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PARAMS_MAX = SLK_MESSAGE_PARAMS_MAX - 128, /* what Lotus leaves for the rest of the message */
    ESTIMATES_MAX = 64,
    STUCK_EPOCHS = 20
};

/* What is particular to a kind. */
static const struct {
    uint64_t method;
    bool (*prepare)(slk_making_t *m, slk_member_t *member);
    slk_event_type_t sent, refused;
} kinds[SLK_BATCH_CNT] = {
    [SLK_BATCH_PRE_COMMIT] = {28, slk_batch_pre_commit, SLK_EVENT_PRE_COMMIT_BATCH_SENT,
                              SLK_EVENT_CHAIN_PRE_COMMIT_FAILED},
    [SLK_BATCH_COMMIT] = {34, slk_batch_commit, SLK_EVENT_COMMIT_AGGREGATE_SENT,
                          SLK_EVENT_COMMIT_FAILED},
    [SLK_BATCH_TERMINATE] = {9, slk_batch_terminate, SLK_EVENT_TERMINATING,
                             SLK_EVENT_TERMINATE_FAILED},
};

/* --- Outcomes ------------------------------------------------------------------------------ */

void slk_making_no_memory(slk_making_t *m)
{
    m->err = slk_fail(m->diag, SLK_ERR_NOMEM, "no memory for a batch of %ss of miner f0%" PRIu64,
                      slk_batch_kind_name(m->kind), m->miner);
}

static void trouble(slk_making_t *m)
{
    m->out->trouble = true;
    m->out->until_ms = m->world->now_ms + slk_decide_pause_ms(m->world->troubles);
    snprintf(m->out->why, sizeof m->out->why, "%.480s; is tried again", m->said.text);
}

bool slk_making_look(slk_making_t *m, slk_look_t look, bool *there)
{
    if (look == SLK_LOOK_BROKEN) {
        m->err = slk_fail(m->diag, SLK_ERR_IO, "%.1500s", m->said.text);
        return false;
    }
    if (look == SLK_LOOK_TROUBLE || (look == SLK_LOOK_NONE && !there)) {
        trouble(m);
        return false;
    }
    if (there)
        *there = look == SLK_LOOK_FOUND;
    return true;
}

static void add_step(slk_making_t *m, slk_member_t *member, slk_event_t event)
{
    m->out->steps[m->out->step_cnt++] = (slk_batch_step_t){member->index, event};
    member->out = true;
}

void slk_making_exclude(slk_making_t *m, slk_member_t *member, slk_event_type_t type)
{
    const char *text = slk_arena_text(m->arena, m->said.text, strlen(m->said.text));
    add_step(m, member, (slk_event_t){.type = type, .text = text ? text : ""});
}

/* --- One message --------------------------------------------------------------------------- */

/* "t01000/pre-commit/<16 hex digits>": the same sectors in the same visits are the same message. */
static const char *message_key(slk_making_t *m, slk_member_t *const *members, size_t cnt)
{
    char key[SLK_MESSAGE_KEY_MAX + 1], digits[17];
    slk_node_t digest;
    uint64_t *ids = slk_arena_array(m->arena, 2 * cnt, sizeof *ids);
    if (!ids)
        return NULL;
    for (size_t i = 0; i < cnt; i++) {
        ids[2 * i] = members[i]->sector->sector_number;
        ids[2 * i + 1] = members[i]->sector->visit;
    }
    slk_sha256(&digest, ids, 2 * cnt * sizeof *ids);
    slk_hex_encode(digits, digest.b, 8);
    snprintf(key, sizeof key, "t0%" PRIu64 "/%s/%s", m->miner, slk_batch_kind_name(m->kind),
             digits);
    return slk_arena_text(m->arena, key, strlen(key));
}

static slk_bigint_t max_fee(const slk_making_t *m, size_t cnt)
{
    const slk_miner_config_t *config = m->world->config;
    if (m->kind == SLK_BATCH_TERMINATE)
        return config->max_terminate_gas_fee;
    const slk_fee_limit_t *limit = m->kind == SLK_BATCH_PRE_COMMIT
                                       ? &config->max_pre_commit_batch_gas_fee
                                       : &config->max_commit_batch_gas_fee;
    return slk_bigint_add(limit->base, slk_bigint_mul(limit->per_sector, slk_bigint_u64(cnt)));
}

typedef enum { FITS, TOO_MUCH, WOULD_FAIL, SETTLED } fit_t;

/* SLK_EXIT codes that say that money is missing: no fault of any sector. */
static bool is_about_money(int64_t exit_code)
{
    return exit_code == SLK_EXIT_SYS_INSUFFICIENT_FUNDS ||
           exit_code == SLK_EXIT_USR_INSUFFICIENT_FUNDS ||
           exit_code == SLK_EXIT_SYS_SENDER_STATE_INVALID;
}

/* The message for these members, tried on the chain as it is. */
static fit_t make(slk_making_t *m, slk_member_t *const *members, size_t cnt)
{
    const slk_world_t *w = m->world;
    slk_message_want_t *want = &m->out->want;
    slk_bytes_t params;
    slk_bigint_t money = {0}, value = {0};
    slk_world_gas_t gas = {0};
    bool fits;
    for (size_t i = 0; i < cnt; i++)
        money = slk_bigint_add(money, members[i]->money);
    if (!slk_batch_params(m, members, cnt, &params))
        return SETTLED;
    if (params.len > PARAMS_MAX) {
        slk_fail(&m->said, SLK_ERR_LENGTH, "%zu bytes of parameters do not fit into a message",
                 params.len);
        return TOO_MUCH;
    }
    if (slk_bigint_sign(&money) > 0 && !slk_batch_collateral(m, money, &value))
        return SETTLED;
    *want = (slk_message_want_t){
        .key = message_key(m, members, cnt),
        .to = slk_address_id(m->miner),
        .value = value,
        .method = kinds[m->kind].method,
        .params = params.b,
        .params_len = params.len,
        .mode = w->nonces,
        .max_fee = max_fee(m, cnt),
        .confidence = w->config->message_confidence,
        .stuck_epochs = STUCK_EPOCHS,
    };
    if (!want->key) {
        slk_making_no_memory(m);
        return SETTLED;
    }
    const slk_bigint_t funds = slk_bigint_add(want->max_fee, value);
    if (!slk_batch_sender(m, &funds, &want->from) ||
        !slk_making_look(m, w->ops->estimate(w->ctx, want, &gas, &m->said), &fits))
        return SETTLED;
    if (fits)
        return FITS;
    if (!gas.out_of_gas && is_about_money(gas.exit_code)) {
        const slk_diag_t why = m->said;
        slk_fail(&m->said, SLK_ERR_STATE, "%s has too little money for it, send FIL to it: %.*s",
                 slk_address_text(&want->from, SLK_TESTNET).s,
                 (int)(strcspn(why.text, "\n") < 300 ? strcspn(why.text, "\n") : 300), why.text);
        trouble(m);
        return SETTLED;
    }
    return gas.out_of_gas ? TOO_MUCH : WOULD_FAIL;
}

static void sent(slk_making_t *m, slk_member_t *const *members, size_t cnt)
{
    m->out->has_message = true;
    for (size_t i = 0; i < cnt; i++)
        add_step(m, members[i],
                 (slk_event_t){.type = kinds[m->kind].sent,
                               .key = m->out->want.key,
                               .amount = members[i]->money});
    snprintf(m->out->why, sizeof m->out->why, "%zu %s%s in one message", cnt,
             slk_batch_kind_name(m->kind), cnt == 1 ? "" : "s");
}

/* Those that may go, in the order of their numbers. */
static size_t list_going(slk_making_t *m, slk_member_t **going)
{
    size_t cnt = 0;
    for (size_t i = 0; i < m->member_cnt; i++)
        if (!m->members[i].out)
            going[cnt++] = &m->members[i];
    return cnt;
}

/* Halve until it goes; a single one that does not go is what is wrong, and the others try without it. */
static void send_some(slk_making_t *m, slk_member_t **going)
{
    size_t all = list_going(m, going), cnt = all;
    for (unsigned tries = 0; all && tries < ESTIMATES_MAX; tries++) {
        const fit_t fit = make(m, going, cnt);
        if (fit == SETTLED)
            return;
        if (fit == FITS) {
            sent(m, going, cnt);
            break;
        }
        if (cnt > 1) {
            cnt /= 2;
            continue;
        }
        slk_making_exclude(m, going[0], kinds[m->kind].refused);
        all = list_going(m, going);
        cnt = all;
    }
    m->out->rest = list_going(m, going);
}

/* --- All ----------------------------------------------------------------------------------- */

static bool prepare(slk_making_t *m, const slk_sector_info_t *const *sectors, size_t cnt)
{
    const slk_world_t *w = m->world;
    m->members = slk_arena_array(m->arena, cnt, sizeof *m->members);
    m->out->steps = slk_arena_array(m->arena, cnt, sizeof *m->out->steps);
    if (!m->members || !m->out->steps) {
        slk_making_no_memory(m);
        return false;
    }
    m->member_cnt = cnt;
    for (size_t i = 0; i < cnt; i++)
        m->members[i] = (slk_member_t){.index = i, .sector = sectors[i]};
    if (!slk_making_look(m, w->ops->net(w->ctx, &m->net, &m->said), NULL) ||
        !slk_making_look(m, w->ops->miner_info(w->ctx, m->miner, m->arena, &m->info, &m->said),
                         NULL))
        return false;
    for (size_t i = 0; i < cnt; i++)
        if (!kinds[m->kind].prepare(m, &m->members[i]))
            return false;
    return true;
}

slk_err_t slk_batch_message(const slk_world_t *world, slk_batch_kind_t kind,
                            const slk_sector_info_t *const *sectors, size_t cnt, slk_arena_t *arena,
                            slk_batch_message_t *out, slk_diag_t *diag)
{
    SLK_ASSERT(cnt > 0 && kind < SLK_BATCH_CNT);
    slk_making_t m = {.world = world,
                      .kind = kind,
                      .miner = sectors[0]->miner,
                      .arena = arena,
                      .out = out,
                      .diag = diag};
    *out = (slk_batch_message_t){0};
    slk_member_t **going = slk_arena_array(arena, cnt, sizeof *going);
    if (!going)
        slk_making_no_memory(&m);
    else if (prepare(&m, sectors, cnt))
        send_some(&m, going);
    if (!out->has_message && !out->trouble && !*out->why)
        snprintf(out->why, sizeof out->why,
                 out->until_ms ? "their deadlines may not be changed now"
                               : "none of them can be sent");
    return m.err;
}
