/* Chain...: tipsets, blocks, objects, the way from one tipset to another. */

#include "devnet/api/ask.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static slk_err_t show_tip(slk_ask_t *ask, const slk_tip_t *tip)
{
    return slk_ask_record(ask, &slk_tipset_type, &tip->tipset);
}

/* Shows a tipset that was got, and gives it back. */
static slk_err_t show_got(slk_ask_t *ask, slk_err_t err, slk_tip_t *tip)
{
    if (err == SLK_OK)
        err = show_tip(ask, tip);
    slk_tip_unref(tip);
    return err;
}

static slk_err_t chain_head(slk_ask_t *ask)
{
    return show_got(ask, SLK_OK, slk_chain_head(ask->chain));
}

static slk_err_t chain_get_genesis(slk_ask_t *ask)
{
    return show_got(ask, SLK_OK, slk_chain_genesis(ask->chain));
}

static slk_err_t chain_get_tipset(slk_ask_t *ask)
{
    return show_tip(ask, ask->args[0].tip);
}

static slk_err_t at_height(slk_ask_t *ask, bool after)
{
    slk_tip_t *tip = NULL;
    slk_err_t err =
        slk_chain_at(&tip, ask->chain, ask->args[1].tip, ask->args[0].i, after, &ask->diag);
    return show_got(ask, err, tip);
}

static slk_err_t chain_get_tipset_by_height(slk_ask_t *ask)
{
    return at_height(ask, false);
}

static slk_err_t chain_get_tipset_after_height(slk_ask_t *ask)
{
    return at_height(ask, true);
}

static slk_err_t chain_get_path(slk_ask_t *ask)
{
    slk_step_t *steps = NULL;
    size_t cnt = 0;
    slk_err_t err =
        slk_chain_path(&steps, &cnt, ask->chain, ask->args[0].tip, ask->args[1].tip, &ask->diag);
    if (err == SLK_OK && cnt)
        err = slk_ask_json(ask, json_array());
    for (size_t i = 0; i < cnt && err == SLK_OK; i++) {
        const char *type = steps[i].revert ? "revert" : "apply";
        const slk_head_change_t change = {{(const uint8_t *)type, strlen(type)},
                                          steps[i].tip->tipset};
        err = slk_ask_put(ask, ask->result, NULL, &slk_head_change_type, &change);
    }
    slk_steps_free(steps, cnt);
    return err;
}

static slk_err_t chain_tipset_weight(slk_ask_t *ask)
{
    return slk_ask_amount(ask, ask->args[0].tip->weight);
}

/* By the steps of the chain itself, so that listeners see them. No checkpoint holds it back. */
static slk_err_t chain_set_head(slk_ask_t *ask)
{
    slk_err_t err;
    slk_chain_lock(ask->chain);
    if (slk_producer_epoch(ask->net->producer) - ask->args[0].tip->height >= SLK_NULLS_MAX)
        err = slk_ask_fail(ask, SLK_RPC_ERROR,
                           "cannot go back so far: more than %d null rounds would follow",
                           SLK_NULLS_MAX);
    else
        err = slk_chain_set_checkpoint(ask->chain, NULL, &ask->diag);
    if (err == SLK_OK)
        err = slk_chain_set_head(ask->chain, ask->args[0].tip, &ask->diag);
    slk_chain_unlock(ask->chain);
    return err;
}

/* --- Blocks and objects --------------------------------------------------------------------------------------- */

static slk_err_t chain_get_block(slk_ask_t *ask)
{
    slk_block_header_t header;
    slk_err_t err =
        slk_chain_block(&header, ask->chain, &ask->args[0].cid, &ask->arena, &ask->diag);
    return err == SLK_OK ? slk_ask_record(ask, &slk_block_header_type, &header) : err;
}

static slk_err_t chain_read_obj(slk_ask_t *ask)
{
    uint8_t *bytes;
    size_t len;
    slk_err_t err =
        slk_block_get(slk_chain_store(ask->chain), &bytes, &len, &ask->args[0].cid, &ask->diag);
    if (err == SLK_ERR_NOTFOUND)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "blockstore get: ipld: could not find %s",
                            slk_cid_text(&ask->args[0].cid).s);
    if (err != SLK_OK)
        return err;
    err = slk_ask_bytes(ask, bytes, len);
    free(bytes);
    return err;
}

static slk_err_t chain_has_obj(slk_ask_t *ask)
{
    bool has;
    slk_err_t err = slk_block_has(slk_chain_store(ask->chain), &has, &ask->args[0].cid, &ask->diag);
    return err == SLK_OK ? slk_ask_json(ask, json_boolean(has)) : err;
}

/* --- Version 2: a tipset by what one wants of it ---------------------------------------------------------------- */

/* {"Tag"}: latest; safe and finalized are as far below it as Lotus' without fast finality has them. */
static slk_err_t by_tag(slk_ask_t *ask, const char *tag, slk_tip_t **tip)
{
    static const struct {
        const char *tag;
        int64_t below;
    } tags[] = {{"latest", 0}, {"safe", 200}, {"finalized", SLK_CHAIN_FINALITY}};
    for (size_t i = 0; i < SLK_COUNT(tags); i++)
        if (!strcmp(tags[i].tag, tag)) {
            slk_tip_t *head = slk_chain_head(ask->chain);
            const int64_t epoch = head->height - tags[i].below;
            slk_err_t err =
                slk_chain_at(tip, ask->chain, head, epoch < 0 ? 0 : epoch, false, &ask->diag);
            slk_tip_unref(head);
            return err;
        }
    return slk_fail(&ask->diag, SLK_ERR_INPUT, "unknown tag: %s", tag);
}

/* {"Height": {"At", "Previous"}}: there, or with Previous the nearest below. */
static slk_err_t by_height(slk_ask_t *ask, json_t *height, slk_tip_t **tip)
{
    const int64_t at = json_integer_value(json_object_get(height, "At"));
    slk_tip_t *head = slk_chain_head(ask->chain);
    slk_err_t err = slk_chain_at(tip, ask->chain, head, at, false, &ask->diag);
    slk_tip_unref(head);
    if (err == SLK_OK && (*tip)->height != at && !json_is_true(json_object_get(height, "Previous")))
        return slk_ask_fail(ask, 12, "null round: %lld", (long long)at);
    return err;
}

static slk_err_t select_tipset(slk_ask_t *ask)
{
    slk_tip_t *tip = NULL;
    slk_tipset_cids_t key;
    json_t *by = ask->args[0].json, *part;
    slk_err_t err;
    if (!json_is_object(by) || !json_object_size(by))
        err = slk_fail(&ask->diag, SLK_ERR_INPUT, "selector needs one of Key, Height, Tag");
    else if ((part = json_object_get(by, "Tag")) && json_is_string(part))
        err = by_tag(ask, json_string_value(part), &tip);
    else if ((part = json_object_get(by, "Height")) && json_is_object(part))
        err = by_height(ask, part, &tip);
    else {
        err = slk_record_from_json(&key, &slk_tipset_cids_type, json_object_get(by, "Key"),
                                   &ask->arena, &ask->diag);
        if (err == SLK_OK)
            err = slk_chain_tip(&tip, ask->chain, &key, &ask->diag);
    }
    return show_got(ask, err, tip);
}

const slk_ask_method_t slk_ask_chain[] = {
    {"Filecoin.ChainHead", SLK_PERM_READ, SLK_VALL, 0, "", chain_head},
    {"Filecoin.ChainGetGenesis", SLK_PERM_READ, SLK_V01, 0, "", chain_get_genesis},
    {"Filecoin.ChainGetTipSet", SLK_PERM_READ, SLK_V01, 0, "K", chain_get_tipset},
    {"Filecoin.ChainGetTipSet", SLK_PERM_READ, SLK_V2, 0, "j", select_tipset},
    {"Filecoin.ChainGetTipSetByHeight", SLK_PERM_READ, SLK_V01, 0, "iT",
     chain_get_tipset_by_height},
    {"Filecoin.ChainGetTipSetAfterHeight", SLK_PERM_READ, SLK_V01, 0, "iT",
     chain_get_tipset_after_height},
    {"Filecoin.ChainGetPath", SLK_PERM_READ, SLK_V01, 0, "KK", chain_get_path},
    {"Filecoin.ChainTipSetWeight", SLK_PERM_READ, SLK_V01, 0, "T", chain_tipset_weight},
    {"Filecoin.ChainSetHead", SLK_PERM_ADMIN, SLK_V01, 0, "K", chain_set_head},
    {"Filecoin.ChainGetBlock", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_block},
    {"Filecoin.ChainReadObj", SLK_PERM_READ, SLK_V01, 0, "c", chain_read_obj},
    {"Filecoin.ChainHasObj", SLK_PERM_READ, SLK_V01, 0, "c", chain_has_obj},
    {0},
};
