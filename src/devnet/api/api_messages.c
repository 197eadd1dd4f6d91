/* Messages on the chain: of blocks and tipsets, receipts, searching and waiting for one, calls. */

#include "devnet/api/ask.h"

#include "base/assert.h"
#include "codec/actors/method.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- Of blocks and tipsets ------------------------------------------------------------------------------------- */

static slk_err_t load_block(slk_ask_t *ask, slk_block_header_t *header)
{
    return slk_chain_block(header, ask->chain, &ask->args[0].cid, &ask->arena, &ask->diag);
}

static slk_err_t chain_get_block_messages(slk_ask_t *ask)
{
    slk_block_header_t header;
    slk_chain_message_list_t all;
    slk_block_messages_t out = {0};
    slk_err_t err = load_block(ask, &header);
    if (err == SLK_OK)
        err = slk_chain_block_messages(&all, ask->chain, &header, &ask->arena, &ask->diag);
    if (err != SLK_OK)
        return err;
    out.bls_messages.items =
        slk_arena_array(&ask->arena, all.count + 1, sizeof *out.bls_messages.items);
    out.secpk_messages.items =
        slk_arena_array(&ask->arena, all.count + 1, sizeof *out.secpk_messages.items);
    out.cids.items = slk_arena_array(&ask->arena, all.count + 1, sizeof *out.cids.items);
    if (!out.bls_messages.items || !out.secpk_messages.items || !out.cids.items)
        return slk_ask_json(ask, NULL);
    for (size_t i = 0; i < all.count; i++) {
        const slk_chain_message_t *m = &all.items[i];
        out.cids.items[out.cids.count++] = m->cid;
        if (m->signature.type)
            out.secpk_messages.items[out.secpk_messages.count++] =
                (slk_signed_message_t){m->message, m->signature};
        else
            out.bls_messages.items[out.bls_messages.count++] = m->message;
    }
    return slk_ask_record(ask, &slk_block_messages_type, &out);
}

static slk_err_t chain_get_message(slk_ask_t *ask)
{
    slk_chain_message_t m;
    slk_err_t err = slk_chain_message(&m, ask->chain, &ask->args[0].cid, &ask->arena, &ask->diag);
    return err == SLK_OK ? slk_ask_record(ask, &slk_message_type, &m.message) : err;
}

/* null where there are none. */
static slk_err_t show_messages(slk_ask_t *ask, const slk_tip_t *tip)
{
    slk_chain_message_list_t all;
    slk_err_t err = slk_chain_messages(&all, ask->chain, tip, &ask->arena, &ask->diag);
    if (err == SLK_OK && all.count)
        err = slk_ask_json(ask, json_array());
    for (size_t i = 0; err == SLK_OK && i < all.count; i++) {
        const slk_message_of_tipset_t row = {all.items[i].cid, all.items[i].message};
        err = slk_ask_put(ask, ask->result, NULL, &slk_message_of_tipset_type, &row);
    }
    return err;
}

static slk_err_t chain_get_messages_in_tipset(slk_ask_t *ask)
{
    return show_messages(ask, ask->args[0].tip);
}

static slk_err_t chain_get_parent_messages(slk_ask_t *ask)
{
    slk_block_header_t header;
    slk_tip_t *parent = NULL;
    slk_err_t err = load_block(ask, &header);
    if (err != SLK_OK || header.height == 0)
        return err;
    const slk_tipset_cids_t key = {header.parents};
    err = slk_chain_tip(&parent, ask->chain, &key, &ask->diag);
    if (err == SLK_OK)
        err = show_messages(ask, parent);
    slk_tip_unref(parent);
    return err;
}

static slk_err_t chain_get_parent_receipts(slk_ask_t *ask)
{
    slk_block_header_t header;
    slk_receipt_list_t receipts = {0};
    slk_err_t err = load_block(ask, &header);
    if (err != SLK_OK || header.height == 0)
        return err;
    err = slk_chain_receipts(&receipts, ask->chain, &header.parent_message_receipts, &ask->arena,
                             &ask->diag);
    if (err == SLK_OK && receipts.count)
        err = slk_ask_json(ask, json_array());
    for (size_t i = 0; err == SLK_OK && i < receipts.count; i++)
        err = slk_ask_put(ask, ask->result, NULL, &slk_receipt_type, &receipts.items[i]);
    return err;
}

/* --- Lists --------------------------------------------------------------------------------------------------------- */

/* What a message must have: To, From or both, as ids. */
typedef struct {
    bool to, from;
    uint64_t to_id, from_id;
} match_t;

static slk_err_t read_match(slk_ask_t *ask, const slk_tip_t *tip, match_t *match)
{
    slk_state_tree_t *tree = NULL;
    const struct {
        const char *name;
        bool *wanted;
        uint64_t *id;
    } sides[] = {{"To", &match->to, &match->to_id}, {"From", &match->from, &match->from_id}};
    slk_err_t err = slk_chain_state(&tree, ask->chain, &tip->state, &ask->diag);
    for (size_t i = 0; err == SLK_OK && i < SLK_COUNT(sides); i++) {
        slk_api_address_t address;
        bool found = true;
        json_t *json = json_object_get(ask->args[0].json, sides[i].name);
        *sides[i].wanted = false;
        if (!json || json_is_null(json))
            continue;
        err = slk_record_from_json(&address, &slk_api_address_type, json, &ask->arena, &ask->diag);
        if (err != SLK_OK || !slk_address_defined(&address.v))
            continue;
        *sides[i].wanted = true;
        err = slk_state_tree_resolve(tree, &address.v, sides[i].id, &found, &ask->diag);
        if (err == SLK_OK && !found)
            err = slk_ask_fail(ask, SLK_RPC_ERROR, "actor not found");
    }
    slk_state_tree_free(tree);
    if (err == SLK_OK && !match->to && !match->from)
        err =
            slk_ask_fail(ask, SLK_RPC_ERROR, "must specify at least To or From in message filter");
    return err;
}

static slk_err_t list_matching(slk_ask_t *ask, const slk_tip_t *tip, const match_t *match)
{
    slk_arena_t arena;
    slk_chain_message_list_t all;
    slk_state_tree_t *tree = NULL;
    slk_arena_init(&arena, (size_t)256 << 20);
    slk_err_t err = slk_chain_messages(&all, ask->chain, tip, &arena, &ask->diag);
    if (err == SLK_OK && all.count)
        err = slk_chain_state(&tree, ask->chain, &tip->state, &ask->diag);
    for (size_t i = 0; err == SLK_OK && i < all.count; i++) {
        uint64_t to = 0, from = 0;
        bool has_to, has_from;
        const slk_message_t *m = &all.items[i].message;
        err = slk_state_tree_resolve(tree, &m->to, &to, &has_to, &ask->diag);
        if (err == SLK_OK)
            err = slk_state_tree_resolve(tree, &m->from, &from, &has_from, &ask->diag);
        if (err != SLK_OK || (match->to && (!has_to || to != match->to_id)) ||
            (match->from && (!has_from || from != match->from_id)))
            continue;
        if (!ask->result)
            err = slk_ask_json(ask, json_array());
        if (err == SLK_OK)
            err = slk_ask_put(ask, ask->result, NULL, &slk_api_cid_type,
                              &(slk_api_cid_t){all.items[i].cid});
    }
    slk_state_tree_free(tree);
    slk_arena_free(&arena);
    return err;
}

/* ({To, From}, tipset, height): from the tipset down to the height, newest tipset first; null where there are none. */
static slk_err_t state_list_messages(slk_ask_t *ask)
{
    match_t match;
    slk_tip_t *tip = slk_tip_ref(ask->args[1].tip);
    const int64_t lowest = ask->args[2].i;
    slk_err_t err = read_match(ask, tip, &match);
    while (err == SLK_OK && tip->height >= lowest && !slk_rpc_gone(ask->rpc)) {
        slk_tip_t *parent = NULL;
        err = list_matching(ask, tip, &match);
        if (err != SLK_OK || tip->height == 0)
            break;
        err = slk_chain_parent(&parent, ask->chain, tip, &ask->diag);
        slk_tip_unref(tip);
        tip = parent;
    }
    slk_tip_unref(tip);
    return err;
}

/* --- Searching and waiting ---------------------------------------------------------------------------------------- */

/* The return in JSON by the receiver's table of methods, null where it has none or failed. */
static json_t *decode_return(slk_ask_t *ask, const slk_found_t *found)
{
    slk_chain_message_t m;
    slk_actor_state_t actor;
    slk_actor_kind_t kind;
    bool there = false;
    json_t *json = NULL;
    const slk_receipt_t *receipt = &found->receipt;
    if (receipt->exit_code || !receipt->ret.len ||
        slk_chain_message(&m, ask->chain, &found->message, &ask->arena, NULL) != SLK_OK ||
        slk_chain_actor(&actor, NULL, &there, ask->chain, slk_tip_parent_state(found->tip),
                        &m.message.to, NULL) != SLK_OK ||
        !there || !slk_actor_from_devnet_code(&kind, &actor.code))
        return NULL;
    const slk_method_t *method = slk_method_by_number(kind, m.message.method);
    if (!method || slk_method_return_to_json(&json, method, receipt->ret, slk_ask_network(ask),
                                             NULL) != SLK_OK)
        return NULL;
    return json;
}

static slk_err_t show_found(slk_ask_t *ask, const slk_found_t *found)
{
    json_t *decoded = decode_return(ask, found);
    const slk_msg_lookup_t lookup = {.message = found->message,
                                     .receipt = found->receipt,
                                     .tipset = found->tip->key,
                                     .height = found->tip->height};
    slk_err_t err = slk_ask_record(ask, &slk_msg_lookup_type, &lookup);
    if (err == SLK_OK && decoded && json_object_set(ask->result, "ReturnDec", decoded))
        err = slk_ask_json(ask, NULL);
    json_decref(decoded);
    return err;
}

static slk_err_t search(slk_ask_t *ask, slk_tip_t *from, const slk_cid_t *cid, int64_t limit,
                        bool replaced)
{
    slk_found_t found = {0};
    bool is_found = false;
    slk_err_t err = slk_chain_search(&found, &is_found, ask->chain, from, cid, limit, replaced,
                                     false, &ask->arena, &ask->diag);
    if (err == SLK_OK && is_found)
        err = show_found(ask, &found);
    slk_found_free(&found);
    return err;
}

static slk_err_t state_search_msg(slk_ask_t *ask)
{
    return search(ask, ask->args[0].tip, &ask->args[1].cid, ask->args[2].i, ask->args[3].flag);
}

static slk_err_t search_from_head(slk_ask_t *ask, int64_t limit)
{
    slk_tip_t *head = slk_chain_head(ask->chain);
    slk_err_t err = search(ask, head, &ask->args[0].cid, limit, true);
    slk_tip_unref(head);
    return err;
}

static slk_err_t state_search_msg_v0(slk_ask_t *ask)
{
    return search_from_head(ask, -1);
}

static slk_err_t state_search_msg_limited(slk_ask_t *ask)
{
    return search_from_head(ask, ask->args[1].i);
}

/* Whether the client is still there is looked at between rounds of a second. */
typedef struct {
    slk_ask_t *ask;
    atomic_bool gone, done;
} watch_t;

static void *watch(void *ctx)
{
    watch_t *w = ctx;
    while (!atomic_load(&w->done) && !slk_rpc_gone(w->ask->rpc))
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    atomic_store(&w->gone, true);
    return NULL;
}

typedef slk_err_t wait_fn_t(slk_ask_t *ask, const atomic_bool *cancel);

/* Calls that wait for the chain, until they are wanted no more. */
static slk_err_t wait_while_wanted(slk_ask_t *ask, wait_fn_t *fn)
{
    watch_t w = {.ask = ask};
    pthread_t thread;
    if (slk_net_thread(&thread, watch, &w))
        return slk_fail(&ask->diag, SLK_ERR_NOMEM, "no thread to wait with");
    slk_err_t err = fn(ask, &w.gone);
    atomic_store(&w.done, true);
    pthread_join(thread, NULL);
    return err;
}

static slk_err_t wait_for(slk_ask_t *ask, const atomic_bool *cancel, int64_t limit, bool replaced)
{
    slk_found_t found = {0};
    slk_err_t err = slk_chain_wait(&found, ask->chain, &ask->args[0].cid, ask->args[1].u, limit,
                                   replaced, cancel, &ask->arena, &ask->diag);
    if (err == SLK_OK)
        err = show_found(ask, &found);
    slk_found_free(&found);
    return err;
}

static slk_err_t wait_v1(slk_ask_t *ask, const atomic_bool *cancel)
{
    return wait_for(ask, cancel, ask->args[2].i, ask->args[3].flag);
}

static slk_err_t wait_v0(slk_ask_t *ask, const atomic_bool *cancel)
{
    return wait_for(ask, cancel, -1, true);
}

static slk_err_t wait_limited(slk_ask_t *ask, const atomic_bool *cancel)
{
    return wait_for(ask, cancel, ask->args[2].i, true);
}

static slk_err_t state_wait_msg(slk_ask_t *ask)
{
    return wait_while_wanted(ask, wait_v1);
}

static slk_err_t state_wait_msg_v0(slk_ask_t *ask)
{
    return wait_while_wanted(ask, wait_v0);
}

static slk_err_t state_wait_msg_limited(slk_ask_t *ask)
{
    return wait_while_wanted(ask, wait_limited);
}

/* The entry is known before the epoch; the node answers when the epoch has come. */
static slk_err_t wait_entry(slk_ask_t *ask, const atomic_bool *cancel)
{
    slk_beacon_entry_t entry;
    slk_err_t err = slk_chain_wait_height(ask->chain, ask->args[0].i, cancel, &ask->diag);
    if (err == SLK_OK)
        err = slk_chain_beacon_entry(&entry, ask->args[0].i, &ask->arena, &ask->diag);
    return err == SLK_OK ? slk_ask_record(ask, &slk_beacon_entry_type, &entry) : err;
}

static slk_err_t get_beacon_entry(slk_ask_t *ask)
{
    return wait_while_wanted(ask, wait_entry);
}

const slk_ask_method_t slk_ask_messages[] = {
    {"Filecoin.ChainGetBlockMessages", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_block_messages},
    {"Filecoin.ChainGetMessage", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_message},
    {"Filecoin.ChainGetMessagesInTipset", SLK_PERM_READ, SLK_V01, 0, "T",
     chain_get_messages_in_tipset},
    {"Filecoin.ChainGetParentMessages", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_parent_messages},
    {"Filecoin.ChainGetParentReceipts", SLK_PERM_READ, SLK_V01, 0, "c", chain_get_parent_receipts},
    {"Filecoin.StateListMessages", SLK_PERM_READ, SLK_V01, 0, "jTi", state_list_messages},
    {"Filecoin.StateSearchMsg", SLK_PERM_READ, SLK_V1, 0, "Tcib", state_search_msg},
    {"Filecoin.StateSearchMsg", SLK_PERM_READ, SLK_V0, 0, "c", state_search_msg_v0},
    {"Filecoin.StateSearchMsgLimited", SLK_PERM_READ, SLK_V0, 0, "ci", state_search_msg_limited},
    {"Filecoin.StateWaitMsg", SLK_PERM_READ, SLK_V1, SLK_RPC_WAITS, "cuib", state_wait_msg},
    {"Filecoin.StateWaitMsg", SLK_PERM_READ, SLK_V0, SLK_RPC_WAITS, "cu", state_wait_msg_v0},
    {"Filecoin.StateWaitMsgLimited", SLK_PERM_READ, SLK_V0, SLK_RPC_WAITS, "cui",
     state_wait_msg_limited},
    {"Filecoin.StateGetBeaconEntry", SLK_PERM_READ, SLK_V1, SLK_RPC_WAITS, "i", get_beacon_entry},
    {"Filecoin.BeaconGetEntry", SLK_PERM_READ, SLK_V0, SLK_RPC_WAITS, "i", get_beacon_entry},
    {0},
};
