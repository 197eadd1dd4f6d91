#include "devnet/api/control.h"

#include "devnet/api/ask.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

#define MINE_MOST    1000000u
#define DOWN_MOST_S  86400u
#define SLOW_MOST_MS 600000u
#define COUNT_MOST   1000000u
#define BLOCK_MOST   3600000u

static slk_err_t within(slk_ask_t *ask, uint64_t n, uint64_t most)
{
    return n <= most ? SLK_OK
                     : slk_ask_fail(ask, SLK_RPC_ERROR, "%" PRIu64 " is above %" PRIu64, n, most);
}

static int64_t head_height(slk_ask_t *ask)
{
    slk_tip_t *head = slk_chain_head(ask->chain);
    const int64_t height = head->height;
    slk_tip_unref(head);
    return height;
}

static slk_err_t tell_height(slk_ask_t *ask, slk_err_t err)
{
    return err == SLK_OK ? slk_ask_json(ask, json_integer(head_height(ask))) : err;
}

/* --- Status ------------------------------------------------------------------------------------------------------- */

static json_int_t left_ms(atomic_uint_fast64_t *until)
{
    const uint64_t now = slk_net_now_ms(), end = atomic_load(until);
    return end > now ? (json_int_t)(end - now) : 0;
}

static slk_err_t status(slk_ask_t *ask)
{
    slk_devnet_t *net = ask->net;
    const slk_producer_status_t s = slk_producer_status(net->producer);
    const slk_chain_stat_t stat = slk_chain_stat(ask->chain);
    const slk_policy_t *p = &net->policy;
    return slk_ask_json(
        ask,
        json_pack(
            "{s:s, s:I, s:I, s:I, s:f, s:b, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, "
            "s:{s:I, s:I, s:I, s:I, s:I}}",
            "network", slk_chain_network_name(ask->chain), "height", (json_int_t)head_height(ask),
            "epoch", (json_int_t)s.epoch, "block_ms", (json_int_t)s.block_ms, "null_probability",
            s.null_probability, "paused", s.paused, "external", s.external, "stopped", s.stopped,
            "why", s.why, "branch", (json_int_t)s.branch, "mined", (json_int_t)s.mined, "to_mine",
            (json_int_t)s.to_mine, "pending", (json_int_t)slk_mpool_count(net->pool), "executed",
            (json_int_t)stat.executed, "execute_seconds", stat.execute_seconds, "proving_period",
            (json_int_t)p->proving_period, "deadlines", (json_int_t)p->deadlines, "faults",
            "down_ms", left_ms(&net->fault.down_until), "slow_left_ms",
            left_ms(&net->fault.slow_until), "slow_ms",
            (json_int_t)atomic_load(&net->fault.slow_ms), "lose",
            (json_int_t)atomic_load(&net->fault.lose), "fail",
            (json_int_t)atomic_load(&net->fault.fail)));
}

/* --- Time --------------------------------------------------------------------------------------------------------- */

/* Whoever asked for it is gone, or all ends. */
static bool nobody_waits(void *ctx)
{
    const slk_ask_t *ask = ctx;
    return atomic_load(&ask->net->stopping) || slk_rpc_gone(ask->rpc);
}

static slk_err_t mine(slk_ask_t *ask)
{
    slk_err_t err = within(ask, ask->args[0].u, MINE_MOST);
    if (err == SLK_OK)
        err = slk_producer_mine(ask->net->producer, ask->args[0].u, nobody_waits, ask, &ask->diag);
    return tell_height(ask, err);
}

static slk_err_t pause_chain(slk_ask_t *ask)
{
    slk_producer_pause(ask->net->producer);
    return SLK_OK;
}

static slk_err_t resume_chain(slk_ask_t *ask)
{
    slk_producer_resume(ask->net->producer);
    return SLK_OK;
}

static slk_err_t block_time(slk_ask_t *ask)
{
    slk_err_t err = within(ask, ask->args[0].u, BLOCK_MOST);
    if (err == SLK_OK)
        slk_producer_set_block_ms(ask->net->producer, (uint32_t)ask->args[0].u);
    return err;
}

static slk_err_t null_rounds(slk_ask_t *ask)
{
    slk_err_t err = within(ask, ask->args[0].u, MINE_MOST);
    if (err == SLK_OK)
        slk_producer_null(ask->net->producer, ask->args[0].u);
    return err;
}

static slk_err_t external(slk_ask_t *ask)
{
    slk_producer_set_external(ask->net->producer, ask->args[0].flag);
    return SLK_OK;
}

/* --- Branches ----------------------------------------------------------------------------------------------------- */

static slk_err_t reorg(slk_ask_t *ask)
{
    static const struct {
        const char *word;
        slk_reorg_t messages;
    } words[] = {{"again", SLK_REORG_AGAIN}, {"later", SLK_REORG_LATER}, {"lose", SLK_REORG_LOSE}};
    const char *word = (const char *)ask->args[1].bytes.b;
    for (size_t i = 0; i < SLK_COUNT(words); i++)
        if (!strcmp(word, words[i].word))
            return tell_height(ask, slk_producer_reorg(ask->net->producer, ask->args[0].u,
                                                       words[i].messages, &ask->diag));
    return slk_ask_fail(ask, SLK_RPC_ERROR, "messages: expected again, later or lose, found %s",
                        word);
}

static slk_err_t rewind_head(slk_ask_t *ask)
{
    return tell_height(ask, slk_producer_rewind(ask->net->producer, ask->args[0].u, &ask->diag));
}

/* --- Trouble ------------------------------------------------------------------------------------------------------ */

static slk_err_t down(slk_ask_t *ask)
{
    slk_err_t err = within(ask, ask->args[0].u, DOWN_MOST_S);
    if (err != SLK_OK)
        return err;
    atomic_store(&ask->net->fault.down_until, slk_net_now_ms() + 1000 * ask->args[0].u);
    slk_notify_drop(ask->net->notify);
    return SLK_OK;
}

static slk_err_t slow(slk_ask_t *ask)
{
    slk_err_t err = within(ask, ask->args[0].u, SLOW_MOST_MS);
    if (err == SLK_OK)
        err = within(ask, ask->args[1].u, DOWN_MOST_S);
    if (err != SLK_OK)
        return err;
    atomic_store(&ask->net->fault.slow_ms, ask->args[0].u);
    atomic_store(&ask->net->fault.slow_until, slk_net_now_ms() + 1000 * ask->args[1].u);
    return SLK_OK;
}

static slk_err_t set_count(slk_ask_t *ask, atomic_uint_fast64_t *count)
{
    slk_err_t err = within(ask, ask->args[0].u, COUNT_MOST);
    if (err == SLK_OK)
        atomic_store(count, ask->args[0].u);
    return err;
}

static slk_err_t lose(slk_ask_t *ask)
{
    return set_count(ask, &ask->net->fault.lose);
}

static slk_err_t fail(slk_ask_t *ask)
{
    return set_count(ask, &ask->net->fault.fail);
}

const slk_ask_method_t slk_ask_control[] = {
    {SLK_CONTROL "Status", SLK_PERM_READ, SLK_V01, 0, "", status},
    {SLK_CONTROL "Mine", SLK_PERM_ADMIN, SLK_V01, SLK_RPC_WAITS, "u", mine},
    {SLK_CONTROL "Pause", SLK_PERM_ADMIN, SLK_V01, 0, "", pause_chain},
    {SLK_CONTROL "Resume", SLK_PERM_ADMIN, SLK_V01, 0, "", resume_chain},
    {SLK_CONTROL "BlockTime", SLK_PERM_ADMIN, SLK_V01, 0, "u", block_time},
    {SLK_CONTROL "NullRounds", SLK_PERM_ADMIN, SLK_V01, 0, "u", null_rounds},
    {SLK_CONTROL "External", SLK_PERM_ADMIN, SLK_V01, 0, "b", external},
    {SLK_CONTROL "Reorg", SLK_PERM_ADMIN, SLK_V01, SLK_RPC_WAITS, "us", reorg},
    {SLK_CONTROL "Rewind", SLK_PERM_ADMIN, SLK_V01, 0, "u", rewind_head},
    {SLK_CONTROL "Down", SLK_PERM_ADMIN, SLK_V01, 0, "u", down},
    {SLK_CONTROL "Slow", SLK_PERM_ADMIN, SLK_V01, 0, "uu", slow},
    {SLK_CONTROL "Lose", SLK_PERM_ADMIN, SLK_V01, 0, "u", lose},
    {SLK_CONTROL "Fail", SLK_PERM_ADMIN, SLK_V01, 0, "u", fail},
    {0},
};
