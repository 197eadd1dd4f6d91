#include "manager/seal/world_node.h"

#include "base/assert.h"
#include "chain/message_store.h"
#include "crypto/election/randomness.h"
#include "manager/seal/world_cache.h"
#include "manager/seal/world_net.h"

#include <stdlib.h>
#include <string.h>

#define CALL_ARENA_MAX ((size_t)64 << 20)

struct slk_world_node {
    slk_world_node_opts_t opts;
    slk_api_t api;
    slk_api_last_t last;
    slk_arena_t arena; /* of one call */
    slk_world_cache_t *cache;

    bool has_policy;
    slk_policy_t policy;
    int64_t block_ms;
    bool scaled;

    bool fresh; /* the head was taken since the last view */
    slk_head_t head;
    int64_t head_seen_ms; /* now_ms of the view in which it was new */
    int64_t now_ms;
};

/* What was asked, for the cache. */
typedef enum {
    ASK_TICKET,
    ASK_SEED,
    ASK_MINER,
    ASK_PRE_COMMIT,
    ASK_ON_CHAIN,
    ASK_ALLOCATED,
    ASK_LOCATION,
    ASK_DEADLINE,
    ASK_PARTITIONS,
    ASK_DEAL,
    ASK_ALLOCATION,
    ASK_DEAL_ALLOCATION,
    ASK_AVAILABLE
} ask_t;

/* --- Calls --------------------------------------------------------------------------------- */

/* Of a call that did not give a value: memory is ours, everything else the world's. */
static slk_look_t failed(slk_err_t err)
{
    return err == SLK_ERR_NOMEM ? SLK_LOOK_BROKEN : SLK_LOOK_TROUBLE;
}

/* The node answered with an error whose text has one of these words: it is not there. */
static bool says(const slk_world_node_t *n, const char *const *words, size_t cnt)
{
    for (size_t i = 0; n->last.answered && n->last.code && i < cnt; i++)
        if (strstr(n->last.text, words[i]))
            return true;
    return false;
}

#define SAYS(n, ...)                                                                               \
    says(n, (const char *const[]){__VA_ARGS__},                                                    \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static slk_look_t take_head(slk_world_node_t *n, slk_diag_t *diag)
{
    slk_head_t head;
    if (n->fresh)
        return SLK_LOOK_FOUND;
    if (n->opts.head) {
        if (!n->opts.head(n->opts.head_ctx, &head)) {
            slk_fail(diag, SLK_ERR_IO, "the chain is not followed at present");
            return SLK_LOOK_TROUBLE;
        }
    } else {
        slk_tipset_t tipset;
        slk_buf_t key = {0};
        slk_arena_free(&n->arena);
        slk_err_t err = slk_api_ChainHead(&n->api, &n->arena, &tipset, diag);
        if (err == SLK_OK && !tipset.blocks.count)
            err = slk_fail(diag, SLK_ERR_FORMAT, "ChainHead answered a tipset without blocks");
        if (err == SLK_OK) {
            slk_tipset_cids_bytes(&key, &(slk_tipset_cids_t){.cids = tipset.cids});
            err = slk_buf_check(&key, diag);
        }
        head = (slk_head_t){.height = tipset.height};
        if (err == SLK_OK)
            err = slk_tipset_key_from_bytes(&head.key, key.bytes, key.len, diag);
        if (err == SLK_OK)
            head.timestamp = (int64_t)tipset.blocks.items[0].timestamp;
        slk_buf_free(&key);
        if (err != SLK_OK)
            return failed(err);
    }
    if (!slk_tipset_key_eq(&head.key, &n->head.key)) {
        slk_world_cache_clear(n->cache);
        n->head_seen_ms = n->now_ms;
    }
    n->head = head;
    n->fresh = true;
    return SLK_LOOK_FOUND;
}

static slk_look_t take_policy(slk_world_node_t *n, slk_diag_t *diag)
{
    slk_node_answer_t answer = {0};
    const slk_node_call_t call = {.method = "Filecoin.StateGetNetworkParams",
                                  .kind = SLK_CALL_READ,
                                  .node = n->api.node,
                                  .job = n->api.job};
    slk_err_t err = SLK_OK;
    if (n->has_policy)
        return SLK_LOOK_FOUND;
    SLK_TRY(slk_nodes_call(n->api.nodes, &call, &answer, diag));
    SLK_TRY(slk_node_answer_check(&answer, "StateGetNetworkParams", diag));
    SLK_TRY(slk_world_policy(&n->policy, &n->block_ms, &n->scaled, answer.rpc.result, diag));
    n->has_policy = true;
out:
    slk_node_answer_free(&answer);
    return err == SLK_OK ? SLK_LOOK_FOUND : failed(err);
}

static slk_look_t node_net(void *ctx, slk_world_net_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    slk_look_t look = take_head(n, diag);
    if (look == SLK_LOOK_FOUND)
        look = take_policy(n, diag);
    if (look != SLK_LOOK_FOUND)
        return look;
    /* Where epochs pass at another speed than blocks say, when we saw it is all there is. */
    *out = (slk_world_net_t){.height = n->head.height,
                             .head_ms = n->scaled ? n->head_seen_ms : n->head.timestamp * 1000,
                             .key = n->head.key,
                             .policy = n->policy,
                             .block_ms = n->block_ms};
    return SLK_LOOK_FOUND;
}

/* --- Cached ones --------------------------------------------------------------------------- */

typedef struct {
    slk_world_node_t *n;
    const slk_tipset_key_t *key;
    slk_address_t miner;
    uint64_t a, b;
    void *out;
    slk_diag_t *diag;
} query_t;

/* Ask: *there is true beforehand; memory is q->n->arena's. */
typedef slk_err_t fetch_fn_t(query_t *q, bool *there);

static slk_look_t ask(slk_world_node_t *n, ask_t what, uint64_t a, uint64_t b,
                      const slk_type_t *type, fetch_fn_t *fetch, slk_arena_t *arena, void *out,
                      slk_diag_t *diag)
{
    slk_look_t look = take_head(n, diag);
    bool there = true;
    if (look != SLK_LOOK_FOUND ||
        slk_world_cache_get(n->cache, what, a, b, type, arena, out, &look))
        return look;
    slk_arena_free(&n->arena);
    n->last = (slk_api_last_t){0};
    query_t q = {n, &n->head.key, slk_address_id(a), a, b, out, diag};
    const slk_err_t err = fetch(&q, &there);
    if (err != SLK_OK)
        return failed(err);
    look = there ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
    slk_world_cache_put(n->cache, what, a, b, type, out, look);
    if (there && arena && type) {
        /* From the call's memory into the caller's. */
        void *copy = slk_arena_alloc(arena, type->size);
        if (!copy || slk_record_copy(copy, type, out, arena, diag) != SLK_OK) {
            slk_fail(diag, SLK_ERR_NOMEM, "no memory for an answer of the chain");
            return SLK_LOOK_BROKEN;
        }
        memcpy(out, copy, type->size);
    }
    return look;
}

/* Of an answer that is a pointer or null. */
#define FETCH_OPT(name_, type_, opt_, call_)                                                       \
    static slk_err_t name_(query_t *q, bool *there)                                                \
    {                                                                                              \
        opt_ answer;                                                                               \
        slk_err_t err = call_;                                                                     \
        *there = err == SLK_OK && answer.v;                                                        \
        if (*there)                                                                                \
            *(type_ *)q->out = *answer.v;                                                          \
        return err;                                                                                \
    }

FETCH_OPT(fetch_pre_commit, slk_sector_pre_commit_on_chain_info_t, slk_api_opt_pre_commit_t,
          slk_api_StateSectorPreCommitInfo(&q->n->api, &q->miner, q->b, q->key, &q->n->arena,
                                           &answer, q->diag))
FETCH_OPT(fetch_on_chain, slk_sector_on_chain_info_t, slk_api_opt_sector_t,
          slk_api_StateSectorGetInfo(&q->n->api, &q->miner, q->b, q->key, &q->n->arena, &answer,
                                     q->diag))
FETCH_OPT(fetch_allocation, slk_allocation_t, slk_api_opt_allocation_t,
          slk_api_StateGetAllocation(&q->n->api, &q->miner, q->b, q->key, &q->n->arena, &answer,
                                     q->diag))

static slk_err_t draw(query_t *q, bool *there, bool beacon)
{
    uint8_t entropy[SLK_ENTROPY_MAX];
    const slk_bytes_t with = {entropy, slk_miner_entropy(entropy, q->a)};
    const int64_t epoch = (int64_t)q->b;
    slk_api_bytes_t drawn;
    slk_err_t err =
        beacon ? slk_api_StateGetRandomnessFromBeacon(&q->n->api, SLK_TAG_SEAL_SEED, epoch, with,
                                                      q->key, &q->n->arena, &drawn, q->diag)
               : slk_api_StateGetRandomnessFromTickets(&q->n->api, SLK_TAG_SEAL, epoch, with,
                                                       q->key, &q->n->arena, &drawn, q->diag);
    if (err == SLK_OK && drawn.v.len != sizeof(slk_node_t))
        err =
            slk_fail(q->diag, SLK_ERR_FORMAT, "randomness of %zu bytes instead of 32", drawn.v.len);
    if (err == SLK_OK)
        memcpy(((slk_api_hash_t *)q->out)->v.b, drawn.v.b, sizeof(slk_node_t));
    *there = err == SLK_OK;
    return SAYS(q->n, "randomness from the future") ? SLK_OK : err;
}

static slk_err_t fetch_ticket(query_t *q, bool *there)
{
    return draw(q, there, false);
}

static slk_err_t fetch_seed(query_t *q, bool *there)
{
    return draw(q, there, true);
}

static slk_err_t fetch_miner(query_t *q, bool *there)
{
    *there = true;
    return slk_api_StateMinerInfo(&q->n->api, &q->miner, q->key, &q->n->arena, q->out, q->diag);
}

static slk_err_t fetch_allocated(query_t *q, bool *there)
{
    slk_api_flag_t flag;
    const slk_err_t err = slk_api_StateMinerSectorAllocated(&q->n->api, &q->miner, q->b, q->key,
                                                            &q->n->arena, &flag, q->diag);
    *there = err == SLK_OK && flag.v;
    return err;
}

static slk_err_t fetch_location(query_t *q, bool *there)
{
    const slk_err_t err = slk_api_StateSectorPartition(&q->n->api, &q->miner, q->b, q->key,
                                                       &q->n->arena, q->out, q->diag);
    *there = err == SLK_OK;
    return SAYS(q->n, "not due at any deadline", "not found") ? SLK_OK : err;
}

static slk_err_t fetch_deadline(query_t *q, bool *there)
{
    *there = true;
    return slk_api_StateMinerProvingDeadline(&q->n->api, &q->miner, q->key, &q->n->arena, q->out,
                                             q->diag);
}

static slk_err_t fetch_partitions(query_t *q, bool *there)
{
    *there = true;
    return slk_api_StateMinerPartitions(&q->n->api, &q->miner, q->b, q->key, &q->n->arena, q->out,
                                        q->diag);
}

static slk_err_t fetch_deal(query_t *q, bool *there)
{
    const slk_err_t err =
        slk_api_StateMarketStorageDeal(&q->n->api, q->a, q->key, &q->n->arena, q->out, q->diag);
    *there = err == SLK_OK;
    return SAYS(q->n, "not found") ? SLK_OK : err;
}

static slk_err_t fetch_deal_allocation(query_t *q, bool *there)
{
    slk_api_u64_t *id = q->out;
    const slk_err_t err = slk_api_StateGetAllocationIdForPendingDeal(&q->n->api, q->a, q->key,
                                                                     &q->n->arena, id, q->diag);
    *there = err == SLK_OK && id->v;
    return SAYS(q->n, "not found") ? SLK_OK : err;
}

static slk_err_t fetch_available(query_t *q, bool *there)
{
    *there = true;
    return slk_api_StateMinerAvailableBalance(&q->n->api, &q->miner, q->key, &q->n->arena, q->out,
                                              q->diag);
}

static slk_look_t draw_cached(slk_world_node_t *n, ask_t what, uint64_t miner, int64_t epoch,
                              fetch_fn_t *fetch, slk_node_t *out, slk_diag_t *diag)
{
    slk_api_hash_t hash;
    const slk_look_t look =
        ask(n, what, miner, (uint64_t)epoch, &slk_api_hash_type, fetch, NULL, &hash, diag);
    if (look == SLK_LOOK_FOUND)
        *out = hash.v;
    return look;
}

static slk_look_t node_ticket(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                              slk_diag_t *diag)
{
    return draw_cached(ctx, ASK_TICKET, miner, epoch, fetch_ticket, out, diag);
}

static slk_look_t node_seed(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                            slk_diag_t *diag)
{
    return draw_cached(ctx, ASK_SEED, miner, epoch, fetch_seed, out, diag);
}

static slk_look_t node_miner_info(void *ctx, uint64_t miner, slk_arena_t *arena,
                                  slk_api_miner_info_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_MINER, miner, 0, &slk_api_miner_info_type, fetch_miner, arena, out, diag);
}

static slk_look_t node_pre_commit(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                                  slk_sector_pre_commit_on_chain_info_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_PRE_COMMIT, miner, number, &slk_sector_pre_commit_on_chain_info_type,
               fetch_pre_commit, arena, out, diag);
}

static slk_look_t node_on_chain(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                                slk_sector_on_chain_info_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_ON_CHAIN, miner, number, &slk_sector_on_chain_info_type, fetch_on_chain,
               arena, out, diag);
}

static slk_look_t node_allocated(void *ctx, uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    return ask(ctx, ASK_ALLOCATED, miner, number, NULL, fetch_allocated, NULL, NULL, diag);
}

static slk_look_t node_location(void *ctx, uint64_t miner, uint64_t number,
                                slk_api_sector_location_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_LOCATION, miner, number, &slk_api_sector_location_type, fetch_location,
               NULL, out, diag);
}

static slk_look_t node_deadline(void *ctx, uint64_t miner, slk_api_deadline_info_t *out,
                                slk_diag_t *diag)
{
    return ask(ctx, ASK_DEADLINE, miner, 0, &slk_api_deadline_info_type, fetch_deadline, NULL, out,
               diag);
}

static slk_look_t node_partitions(void *ctx, uint64_t miner, uint64_t deadline, slk_arena_t *arena,
                                  slk_api_partitions_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_PARTITIONS, miner, deadline, &slk_api_partitions_type, fetch_partitions,
               arena, out, diag);
}

static slk_look_t node_deal(void *ctx, uint64_t id, slk_arena_t *arena, slk_market_deal_t *out,
                            slk_diag_t *diag)
{
    return ask(ctx, ASK_DEAL, id, 0, &slk_market_deal_type, fetch_deal, arena, out, diag);
}

static slk_look_t node_allocation(void *ctx, uint64_t client, uint64_t id, slk_arena_t *arena,
                                  slk_allocation_t *out, slk_diag_t *diag)
{
    return ask(ctx, ASK_ALLOCATION, client, id, &slk_allocation_type, fetch_allocation, arena, out,
               diag);
}

static slk_look_t node_deal_allocation(void *ctx, uint64_t deal, uint64_t *id, slk_diag_t *diag)
{
    slk_api_u64_t answer = {0};
    const slk_look_t look = ask(ctx, ASK_DEAL_ALLOCATION, deal, 0, &slk_api_u64_type,
                                fetch_deal_allocation, NULL, &answer, diag);
    *id = answer.v;
    return look;
}

static slk_look_t node_available(void *ctx, uint64_t miner, slk_bigint_t *out, slk_diag_t *diag)
{
    slk_api_bigint_t answer = {0};
    const slk_look_t look = ask(ctx, ASK_AVAILABLE, miner, 0, &slk_api_bigint_type, fetch_available,
                                NULL, &answer, diag);
    *out = answer.v;
    return look;
}

/* --- Not cached ---------------------------------------------------------------------------- */

static slk_look_t begin(slk_world_node_t *n, slk_diag_t *diag)
{
    const slk_look_t look = take_head(n, diag);
    slk_arena_free(&n->arena);
    n->last = (slk_api_last_t){0};
    return look;
}

static slk_look_t node_search(void *ctx, const slk_cid_t *cid, slk_arena_t *arena,
                              slk_msg_lookup_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    slk_api_opt_lookup_t answer;
    const slk_look_t look = begin(n, diag);
    if (look != SLK_LOOK_FOUND)
        return look;
    const slk_err_t err =
        slk_api_StateSearchMsg(&n->api, &n->head.key, cid, -1, true, arena, &answer, diag);
    if (err != SLK_OK)
        return failed(err);
    if (!answer.v)
        return SLK_LOOK_NONE;
    *out = *answer.v;
    return SLK_LOOK_FOUND;
}

static slk_look_t node_deposit(void *ctx, uint64_t miner, const slk_sector_pre_commit_info_t *info,
                               slk_bigint_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    slk_api_bigint_t answer;
    const slk_address_t address = slk_address_id(miner);
    const slk_look_t look = begin(n, diag);
    if (look != SLK_LOOK_FOUND)
        return look;
    const slk_err_t err = slk_api_StateMinerPreCommitDepositForPower(
        &n->api, &address, info, &n->head.key, &n->arena, &answer, diag);
    if (err != SLK_OK)
        return failed(err);
    *out = answer.v;
    return SLK_LOOK_FOUND;
}

static slk_look_t node_pledge(void *ctx, int64_t epochs, uint64_t sector_size,
                              uint64_t verified_bytes, slk_bigint_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    slk_api_bigint_t answer;
    const slk_look_t look = begin(n, diag);
    if (look != SLK_LOOK_FOUND)
        return look;
    const slk_err_t err = slk_api_StateMinerInitialPledgeForSector(
        &n->api, epochs, sector_size, verified_bytes, &n->head.key, &n->arena, &answer, diag);
    if (err != SLK_OK)
        return failed(err);
    *out = answer.v;
    return SLK_LOOK_FOUND;
}

static slk_err_t has_key(slk_world_node_t *n, const slk_address_t *key, bool *has, slk_diag_t *diag)
{
    slk_api_flag_t flag = {0};
    if (n->opts.signer.ops)
        return slk_signer_has(n->opts.signer, key, has, diag);
    const slk_err_t err = slk_api_WalletHas(&n->api, key, &n->arena, &flag, diag);
    *has = flag.v;
    return err;
}

static slk_look_t node_sender(void *ctx, const slk_address_t *address, slk_address_t *id,
                              slk_bigint_t *balance, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    slk_api_address_t found, key;
    slk_api_bigint_t has;
    bool ours = false;
    slk_err_t err = SLK_OK;
    const slk_look_t look = begin(n, diag);
    if (look != SLK_LOOK_FOUND)
        return look;
    SLK_TRY(slk_api_StateLookupID(&n->api, address, &n->head.key, &n->arena, &found, diag));
    SLK_TRY(slk_api_StateAccountKey(&n->api, &found.v, &n->head.key, &n->arena, &key, diag));
    SLK_TRY(has_key(n, &key.v, &ours, diag));
    SLK_TRY(slk_api_WalletBalance(&n->api, &key.v, &n->arena, &has, diag));
    *id = found.v;
    *balance = has.v;
out:
    if (err == SLK_OK)
        return ours ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
    return SAYS(n, "actor not found", "is not account") ? SLK_LOOK_NONE : failed(err);
}

/* "(exit=[ErrForbidden(18)], ...": the number; 0: there is none. */
static int64_t exit_code_of(const char *text)
{
    const char *at = strstr(text, "exit=[");
    const char *open = at ? strchr(at, '(') : NULL, *end = at ? strchr(at, ']') : NULL;
    return open && end && open < end ? strtoll(open + 1, NULL, 10) : 0;
}

static slk_look_t node_estimate(void *ctx, const slk_message_want_t *want, slk_world_gas_t *out,
                                slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
    const slk_message_t message = {
        .to = want->to,
        .from = want->from,
        .value = want->value,
        .method = want->method,
        .params = {want->params, want->params_len},
    };
    const slk_message_send_spec_t spec = {
        .max_fee = want->max_fee, .msg_uuid = {(const uint8_t *)no_uuid, sizeof no_uuid - 1}};
    slk_message_t answer;
    const slk_look_t look = begin(n, diag);
    *out = (slk_world_gas_t){0};
    if (look != SLK_LOOK_FOUND)
        return look;
    const slk_err_t err = slk_api_GasEstimateMessageGas(&n->api, &message, &spec, &n->head.key,
                                                        &n->arena, &answer, diag);
    if (err == SLK_OK) {
        out->gas = (slk_gas_t){.gas_limit = answer.gas_limit,
                               .fee_cap = answer.gas_fee_cap,
                               .premium = answer.gas_premium};
        return SLK_LOOK_FOUND;
    }
    if (!n->last.answered || !n->last.code)
        return failed(err);
    out->exit_code = exit_code_of(n->last.text);
    out->out_of_gas = n->last.code == 2 || out->exit_code == 7;
    return out->out_of_gas || n->last.code == 3 || SAYS(n, "message execution failed")
               ? SLK_LOOK_NONE
               : SLK_LOOK_TROUBLE;
}

/* --- Ours ---------------------------------------------------------------------------------- */

static slk_look_t node_message(void *ctx, const char *key, slk_message_row_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    const slk_err_t err = slk_message_find(n->opts.db, key, out, diag);
    return err == SLK_OK             ? SLK_LOOK_FOUND
           : err == SLK_ERR_NOTFOUND ? SLK_LOOK_NONE
                                     : SLK_LOOK_BROKEN;
}

static slk_look_t node_job(void *ctx, const char *key, slk_job_view_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    if (slk_job_find(n->opts.db, key, out, diag) != SLK_OK)
        return SLK_LOOK_BROKEN;
    return out->state == SLK_JOB_NONE ? SLK_LOOK_NONE : SLK_LOOK_FOUND;
}

static slk_look_t node_typical(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                               slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    if (!n->opts.typical)
        return SLK_LOOK_NONE;
    return n->opts.typical(n->opts.typical_ctx, task, seal_proof, ms, diag);
}

static slk_look_t node_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                               slk_world_holders_t *out, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    return n->opts.holders(n->opts.holders_ctx, miner, number, arena, out, diag);
}

static slk_look_t node_verify(void *ctx, const slk_seal_claim_t *claim, const void *proof,
                              size_t len, slk_diag_t *diag)
{
    slk_world_node_t *n = ctx;
    bool ok = false;
    const slk_err_t err =
        slk_seal_verify(&ok, claim, proof, len, n->opts.params_dir, n->opts.api.job, diag);
    /* Commitments that can be none are a claim that does not hold. */
    if (err != SLK_OK && err != SLK_ERR_FIELD && err != SLK_ERR_INPUT)
        return failed(err);
    return ok ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
}

static const slk_world_ops_t node_ops = {
    .net = node_net,
    .ticket = node_ticket,
    .seed = node_seed,
    .miner_info = node_miner_info,
    .pre_commit = node_pre_commit,
    .on_chain = node_on_chain,
    .allocated = node_allocated,
    .location = node_location,
    .deadline = node_deadline,
    .partitions = node_partitions,
    .deal = node_deal,
    .allocation = node_allocation,
    .deal_allocation = node_deal_allocation,
    .search = node_search,
    .deposit = node_deposit,
    .pledge = node_pledge,
    .available = node_available,
    .sender = node_sender,
    .estimate = node_estimate,
    .message = node_message,
    .job = node_job,
    .typical = node_typical,
    .holders = node_holders,
    .verify = node_verify,
};

/* --- Life ---------------------------------------------------------------------------------- */

slk_err_t slk_world_node_new(slk_world_node_t **node, const slk_world_node_opts_t *opts,
                             slk_diag_t *diag)
{
    SLK_ASSERT(opts->api.nodes && opts->db && opts->holders);
    *node = calloc(1, sizeof **node);
    slk_world_cache_t *cache = slk_world_cache_new();
    if (!*node || !cache) {
        slk_world_cache_free(cache);
        free(*node);
        *node = NULL;
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to look at the chain");
    }
    (*node)->opts = *opts;
    (*node)->api = opts->api;
    (*node)->api.last = &(*node)->last;
    (*node)->cache = cache;
    slk_arena_init(&(*node)->arena, CALL_ARENA_MAX);
    return SLK_OK;
}

void slk_world_node_free(slk_world_node_t *node)
{
    if (!node)
        return;
    slk_world_cache_free(node->cache);
    slk_arena_free(&node->arena);
    free(node);
}

slk_world_t slk_world_node_view(slk_world_node_t *node, const slk_miner_config_t *config,
                                int64_t now_ms, unsigned troubles)
{
    node->fresh = false;
    node->now_ms = now_ms;
    return (slk_world_t){.ops = &node_ops,
                         .ctx = node,
                         .config = config,
                         .now_ms = now_ms,
                         .troubles = troubles,
                         .nonces = node->opts.nonces};
}
