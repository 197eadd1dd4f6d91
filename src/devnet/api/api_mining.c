/* Blocks of miners, and what a node tells of its synchronisation. */

#include "devnet/api/ask.h"

#include "base/assert.h"

static slk_err_t miner_get_base_info(slk_ask_t *ask)
{
    slk_mining_base_info_t info;
    bool is;
    slk_err_t err = slk_mining_base_info(&info, &is, ask->chain, &ask->args[0].address,
                                         ask->args[1].i, ask->args[2].tip, &ask->arena, &ask->diag);
    return err == SLK_OK && is ? slk_ask_record(ask, &slk_mining_base_info_type, &info) : err;
}

static slk_err_t miner_create_block(slk_ask_t *ask)
{
    slk_block_msg_t block;
    slk_err_t err =
        slk_mining_create_block(&block, ask->chain, ask->args[0].record,
                                slk_keystore_signer(ask->net->wallet), &ask->arena, &ask->diag);
    return err == SLK_OK ? slk_ask_record(ask, &slk_block_msg_type, &block) : err;
}

static slk_err_t sync_submit_block(slk_ask_t *ask)
{
    return slk_mining_submit(ask->chain, ask->net->producer, ask->args[0].record, &ask->diag);
}

/* One worker, which has nothing to fetch: the chain is made here. */
static slk_err_t sync_state(slk_ask_t *ask)
{
    static const char never[] = "0001-01-01T00:00:00Z";
    return slk_ask_json(ask,
                        json_pack("{s:[{s:i, s:n, s:n, s:i, s:i, s:s, s:s, s:s}], s:I}",
                                  "ActiveSyncs", "WorkerID", 0, "Base", "Target", "Stage", 0,
                                  "Height", 0, "Start", never, "End", never, "Message", "",
                                  "VMApplied", (json_int_t)slk_chain_stat(ask->chain).executed));
}

static slk_err_t sync_checkpoint(slk_ask_t *ask)
{
    return slk_chain_set_checkpoint(ask->chain, ask->args[0].tip, &ask->diag);
}

const slk_ask_method_t slk_ask_mining[] = {
    {"Filecoin.MinerGetBaseInfo", SLK_PERM_READ, SLK_V01, 0, "aiT", miner_get_base_info},
    {"Filecoin.MinerCreateBlock", SLK_PERM_WRITE, SLK_V01, 0, "t", miner_create_block},
    {"Filecoin.SyncSubmitBlock", SLK_PERM_WRITE, SLK_V01, 0, "B", sync_submit_block},
    {"Filecoin.SyncCheckpoint", SLK_PERM_ADMIN, SLK_V01, 0, "K", sync_checkpoint},
    {"Filecoin.SyncState", SLK_PERM_READ, SLK_V01, 0, "", sync_state},
    {0},
};
