/* What a tipset's messages do (spec chain.md 6.4). */

#include "devnet/chain/chain_impl.h"

#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/ipld/object.h"
#include "devnet/vm/gas.h"

#include <inttypes.h>
#include <stdlib.h>

#define MESSAGES_LIMIT  ((size_t)1 << 30)
#define METHOD_AWARD    2u
#define METHOD_TICK     2u
#define BLOCKS_EXPECTED 5

/* --- Machines --------------------------------------------------------------------------------- */

static slk_err_t draw(void *ctx, slk_node_t *out, bool beacon, int64_t tag, int64_t epoch,
                      const void *entropy, size_t len, slk_diag_t *diag)
{
    const slk_draw_ctx_t *d = ctx;
    return slk_chain_draw(out, d->chain, d->from, beacon, tag, epoch, entropy, len, diag);
}

slk_err_t slk_machine_on(slk_machine_t **machine, slk_draw_ctx_t *ctx, const slk_cid_t *root,
                         int64_t epoch, const slk_bigint_t *base_fee, const slk_blockstore_t *store,
                         const slk_job_t *job, slk_diag_t *diag)
{
    slk_supply_t supply;
    *machine = NULL;
    slk_err_t err = slk_chain_supply(&supply, ctx->chain, root, epoch, diag);
    if (err != SLK_OK)
        return err;
    const slk_machine_env_t env = {
        .draw = draw,
        .draw_ctx = ctx,
        .store = store,
        .policy = &ctx->chain->policy,
        .params_dir = ctx->chain->params_dir,
        .job = job,
        .epoch = epoch,
        .base_fee = *base_fee,
        .supply = supply.circulating,
    };
    return slk_machine_new(machine, &env, root, diag);
}

/* What the chain itself calls must not fail. */
static slk_err_t apply_own(slk_machine_t *machine, uint64_t to, uint64_t method, slk_bytes_t params,
                           const char *what, int64_t epoch, slk_diag_t *diag)
{
    slk_applied_t applied;
    slk_err_t err = slk_machine_apply_implicit(machine, SLK_ID_SYSTEM, to, method, params,
                                               slk_bigint_u64(0), &applied, diag);
    if (err == SLK_OK && applied.exit != SLK_EXIT_OK)
        return slk_fail(diag, SLK_ERR_STATE, "%s of epoch %" PRId64 " ended with exit code %d: %s",
                        what, epoch, (int)applied.exit, applied.text);
    return err;
}

static slk_err_t tick(slk_machine_t *machine, int64_t epoch, slk_diag_t *diag)
{
    return apply_own(machine, SLK_ID_CRON, METHOD_TICK, (slk_bytes_t){0}, "cron", epoch, diag);
}

slk_err_t slk_machine_begin(slk_machine_t **machine, slk_draw_ctx_t *ctx,
                            const slk_blockstore_t *store, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *parent = NULL;
    const slk_tip_t *tip = ctx->from;
    *machine = NULL;
    SLK_TRY(slk_chain_parent(&parent, ctx->chain, tip, diag));
    SLK_TRY(slk_machine_on(machine, ctx, slk_tip_parent_state(tip), tip->height,
                           &tip->tipset.blocks.items[0].parent_base_fee, store, job, diag));
    for (int64_t epoch = parent->height + 1; epoch < tip->height; epoch++) {
        slk_machine_set_epoch(*machine, epoch);
        SLK_TRY(tick(*machine, epoch, diag));
    }
    slk_machine_set_epoch(*machine, tip->height);
out:
    slk_tip_unref(parent);
    if (err != SLK_OK) {
        slk_machine_free(*machine);
        *machine = NULL;
    }
    return err;
}

/* --- Messages --------------------------------------------------------------------------------- */

/* One tipset at work. */
typedef struct {
    slk_chain_t *chain;
    slk_tip_t *tip;
    slk_machine_t *machine;
    slk_chain_message_list_t messages;
    slk_receipt_t *receipts;
    slk_gas_paid_t *paid;
    slk_bigint_t penalty, tips; /* of the block at hand */
    slk_arena_t arena;
    slk_diag_t *diag;
} run_t;

/* What it pays a block: Lotus' effective premium. */
static slk_bigint_t effective_premium(const slk_message_t *message, const slk_bigint_t *base_fee)
{
    slk_bigint_t above = slk_bigint_sub(message->gas_fee_cap, *base_fee);
    above = slk_bigint_max(above, slk_bigint_u64(0));
    return slk_bigint_min(message->gas_premium, above);
}

static slk_err_t apply(run_t *run, size_t i)
{
    slk_err_t err;
    slk_applied_t applied;
    const slk_chain_message_t *m = &run->messages.items[i];
    slk_receipt_t *receipt = &run->receipts[i];
    SLK_TRY(slk_machine_apply(run->machine, &m->message, m->len, &applied, run->diag));
    *receipt = (slk_receipt_t){.exit_code = applied.exit, .gas_used = applied.gas_used};
    receipt->ret.len = applied.ret.len;
    if (applied.ret.len) {
        receipt->ret.b = slk_arena_copy(&run->arena, applied.ret.b, applied.ret.len);
        if (!receipt->ret.b) {
            err = slk_fail(run->diag, SLK_ERR_NOMEM, "no memory for the receipts of a tipset");
            goto out;
        }
    }
    SLK_TRY(slk_events_root(&receipt->events_root, &run->chain->store, &applied, run->diag));
    run->penalty = slk_bigint_add(run->penalty, applied.cost.miner_penalty);
    run->tips = slk_bigint_add(run->tips, applied.cost.miner_tip);
    run->paid[i] = (slk_gas_paid_t){
        effective_premium(&m->message, &run->tip->tipset.blocks.items[0].parent_base_fee),
        m->message.gas_limit};
out:
    return err;
}

slk_err_t slk_machine_award(slk_machine_t *machine, const slk_block_header_t *block,
                            const slk_bigint_t *penalty, const slk_bigint_t *tips, slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    if (slk_block_is_builtin(block))
        return SLK_OK;
    const slk_award_block_reward_params_t params = {
        .miner = block->miner,
        .penalty = *penalty,
        .gas_reward = *tips,
        .win_count = block->election_proof->win_count,
    };
    SLK_TRY(slk_record_encode(&buf, &slk_award_block_reward_params_type, &params, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    SLK_TRY(apply_own(machine, SLK_ID_REWARD, METHOD_AWARD, (slk_bytes_t){buf.bytes, buf.len},
                      "the reward of a block", block->height, diag));
out:
    slk_buf_free(&buf);
    return err;
}

static slk_err_t apply_all(run_t *run)
{
    slk_err_t err = SLK_OK;
    const slk_block_header_list_t *blocks = &run->tip->tipset.blocks;
    size_t next = 0;
    for (size_t b = 0; b < blocks->count; b++) {
        run->penalty = run->tips = slk_bigint_u64(0);
        for (; next < run->messages.count && run->messages.items[next].block == b; next++)
            SLK_TRY(apply(run, next));
        SLK_TRY(slk_machine_award(run->machine, &blocks->items[b], &run->penalty, &run->tips,
                                  run->diag));
    }
    SLK_TRY(tick(run->machine, run->tip->height, run->diag));
out:
    return err;
}

/* --- Weight ----------------------------------------------------------------------------------- */

/* log2 of the network's power before the tipset, at least 1 so that chains without power grow,
 * too. */
static slk_err_t log2_power(int64_t *log2, run_t *run)
{
    slk_err_t err;
    slk_actor_state_t actor;
    slk_power_state_t power;
    bool found;
    slk_state_tree_t *tree = NULL;
    const slk_blockstore_t *store = &run->chain->store;
    SLK_TRY(slk_state_tree_load(&tree, store, slk_tip_parent_state(run->tip), run->diag));
    SLK_TRY(slk_state_tree_get(tree, SLK_ID_POWER, &actor, &found, run->diag));
    if (!found) {
        err = slk_fail(run->diag, SLK_ERR_STATE, "the state has no power actor");
        goto out;
    }
    SLK_TRY(
        slk_object_get(&power, &slk_power_state_type, store, &actor.head, &run->arena, run->diag));
    *log2 = (int64_t)slk_bigint_bit_length(&power.total_quality_adj_power) - 1;
    if (*log2 < 1)
        *log2 = 1;
out:
    slk_state_tree_free(tree);
    return err;
}

static slk_err_t weigh(run_t *run)
{
    int64_t log2 = 0, wins = 0;
    const slk_block_header_list_t *blocks = &run->tip->tipset.blocks;
    slk_err_t err = log2_power(&log2, run);
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->items[i].election_proof)
            wins += blocks->items[i].election_proof->win_count;
    const int64_t more = (log2 << 8) + (log2 << 8) * wins / (2 * BLOCKS_EXPECTED);
    run->tip->weight = slk_bigint_add(blocks->items[0].parent_weight, slk_bigint_i64(more));
    return err;
}

/* --- Tipsets ---------------------------------------------------------------------------------- */

/* The genesis has no messages, and its state is what it says. */
static slk_err_t execute_genesis(slk_tip_t *tip)
{
    const slk_block_header_t *block = &tip->tipset.blocks.items[0];
    tip->state = block->parent_state_root;
    tip->receipts = block->parent_message_receipts;
    tip->base_fee = slk_next_base_fee(&block->parent_base_fee, NULL, 0);
    tip->weight = block->parent_weight;
    return SLK_OK;
}

static slk_err_t list_mined(const run_t *run, slk_mined_t **mined, size_t *cnt)
{
    slk_mined_t *rows = calloc(run->messages.count ? run->messages.count : 1, sizeof *rows);
    if (!rows)
        return slk_fail(run->diag, SLK_ERR_NOMEM, "no memory for the messages of a tipset");
    for (size_t i = 0; i < run->messages.count; i++) {
        const slk_chain_message_t *m = &run->messages.items[i];
        rows[i] = (slk_mined_t){m->cid, m->message.from, m->message.nonce};
    }
    *mined = rows;
    *cnt = run->messages.count;
    return SLK_OK;
}

static slk_err_t run_tipset(run_t *run, slk_draw_ctx_t *ctx)
{
    slk_err_t err;
    slk_chain_t *c = run->chain;
    slk_tip_t *tip = run->tip;
    SLK_TRY(slk_chain_messages(&run->messages, c, tip, &run->arena, run->diag));
    run->receipts = slk_arena_array(&run->arena, run->messages.count, sizeof *run->receipts);
    run->paid = slk_arena_array(&run->arena, run->messages.count, sizeof *run->paid);
    if (!run->receipts || !run->paid) {
        err = slk_fail(run->diag, SLK_ERR_NOMEM, "no memory for the receipts of a tipset");
        goto out;
    }
    SLK_TRY(weigh(run));
    SLK_TRY(slk_machine_begin(&run->machine, ctx, &c->store, c->job, run->diag));
    SLK_TRY(apply_all(run));
    SLK_TRY(slk_machine_flush(run->machine, &tip->state, run->diag));
    SLK_TRY(
        slk_receipt_root(&tip->receipts, &c->store, run->receipts, run->messages.count, run->diag));
    tip->base_fee = slk_next_base_fee(&tip->tipset.blocks.items[0].parent_base_fee, run->paid,
                                      run->messages.count);
out:
    return err;
}

slk_err_t slk_tip_execute(slk_chain_t *c, slk_tip_t *tip, slk_mined_t **mined, size_t *mined_cnt,
                          slk_diag_t *diag)
{
    slk_err_t err;
    slk_draw_ctx_t ctx = {c, tip};
    run_t run = {.chain = c, .tip = tip, .diag = diag};
    *mined = NULL;
    *mined_cnt = 0;
    if (!tip->height)
        return execute_genesis(tip);
    double begun = slk_clock_seconds();
    slk_arena_init(&run.arena, MESSAGES_LIMIT);
    SLK_TRY(run_tipset(&run, &ctx));
    SLK_TRY(list_mined(&run, mined, mined_cnt));
    pthread_mutex_lock(&c->lock);
    c->executed++;
    c->execute_seconds += slk_clock_seconds() - begun;
    pthread_mutex_unlock(&c->lock);
out:
    slk_machine_free(run.machine);
    slk_arena_free(&run.arena);
    return err;
}
