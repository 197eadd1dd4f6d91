#include "manager/sim_simulated.h"

/* What decisions look at: the simulated chain by a node that may be away, and the simulated
 * tables. */

#define ASK(sim, diag)                                                                             \
    do {                                                                                           \
        if (!sim_node(sim, diag))                                                                  \
            return SLK_LOOK_TROUBLE;                                                               \
    } while (0)

static slk_look_t yes(bool so)
{
    return so ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
}

static slk_look_t net(void *ctx, slk_world_net_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    ASK(sim, diag);
    *out = (slk_world_net_t){.height = sim->height,
                             .head_ms =
                                 SIM_START_MS + (sim->height - SIM_EPOCH_0) * (int64_t)SIM_BLOCK_MS,
                             .key = sim_tipset_key(sim_tipset_at(sim, sim->height)),
                             .policy = sim->policy,
                             .block_ms = SIM_BLOCK_MS};
    return SLK_LOOK_FOUND;
}

static slk_look_t ticket(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                         slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    *out = sim_ticket_of(sim, epoch);
    return yes(epoch <= sim->height);
}

static slk_look_t seed(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    *out = sim_seed_of(sim, epoch);
    return yes(epoch <= sim->height);
}

static slk_look_t miner_info(void *ctx, uint64_t miner, slk_arena_t *arena,
                             slk_api_miner_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    ASK(sim, diag);
    (void)arena;
    SIM_CHECK(sim, UINT64_MAX, miner == SIM_MINER, "miner f0%" PRIu64 " is asked for", miner);
    *out = (slk_api_miner_info_t){.owner = slk_address_id(SIM_OWNER),
                                  .worker = slk_address_id(SIM_SENDER),
                                  .sector_size = SIM_SECTOR_SZ};
    return SLK_LOOK_FOUND;
}

static sim_actor_t *actor_of(sim_t *sim, uint64_t number)
{
    SIM_CHECK(sim, UINT64_MAX, number < sim->next_number, "sector %" PRIu64 " is asked for",
              number);
    return &sim->actors[number];
}

static slk_look_t pre_commit(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                             slk_sector_pre_commit_on_chain_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    const sim_actor_t *a = actor_of(sim, number);
    (void)miner;
    (void)arena;
    ASK(sim, diag);
    *out = (slk_sector_pre_commit_on_chain_info_t){.info = {.seal_proof = SIM_PROOF,
                                                            .sector_number = number,
                                                            .sealed_cid = a->sealed_cid,
                                                            .seal_rand_epoch = a->seal_rand_epoch,
                                                            .expiration = a->expiration},
                                                   .pre_commit_deposit = slk_bigint_u64(a->deposit),
                                                   .pre_commit_epoch = a->pre_commit_epoch};
    return yes(a->pre_committed);
}

static slk_look_t on_chain(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                           slk_sector_on_chain_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    const sim_actor_t *a = actor_of(sim, number);
    (void)miner;
    (void)arena;
    ASK(sim, diag);
    *out = (slk_sector_on_chain_info_t){
        .sector_number = number, .sealed_cid = a->sealed_cid, .expiration = a->expiration};
    return yes(a->proven);
}

static slk_look_t allocated(void *ctx, uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    return yes(actor_of(sim, number)->allocated);
}

static slk_api_sector_location_t place_of(uint64_t number)
{
    return (slk_api_sector_location_t){.deadline = number % 48, .partition = number % 3};
}

static slk_look_t location(void *ctx, uint64_t miner, uint64_t number,
                           slk_api_sector_location_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    *out = place_of(number);
    return yes(actor_of(sim, number)->proven);
}

static slk_look_t deadline(void *ctx, uint64_t miner, slk_api_deadline_info_t *out,
                           slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    const int64_t window = sim->policy.challenge_window;
    *out = (slk_api_deadline_info_t){.index = (uint64_t)(sim->height / window) % 48,
                                     .close = (sim->height / window + 1) * window,
                                     .wpost_period_deadlines = 48};
    return SLK_LOOK_FOUND;
}

static slk_look_t partitions(void *ctx, uint64_t miner, uint64_t at, slk_arena_t *arena,
                             slk_api_partitions_t *out, slk_diag_t *diag)
{
    enum { PARTITIONS = 3 };
    sim_t *sim = ctx;
    (void)miner;
    ASK(sim, diag);
    slk_api_partition_t *items = slk_arena_array(arena, PARTITIONS, sizeof *items);
    for (uint64_t p = 0; p < PARTITIONS; p++) {
        uint64_t live[SIM_LIVES_MAX];
        size_t cnt = 0;
        for (uint64_t n = 0; n < sim->next_number; n++)
            if (sim->actors[n].live && place_of(n).deadline == at && place_of(n).partition == p)
                live[cnt++] = n;
        assert_int_equal(slk_bitfield_from_bits(&items[p].live_sectors, live, cnt, arena), SLK_OK);
    }
    out->v = (slk_api_partition_list_t){items, PARTITIONS};
    return SLK_LOOK_FOUND;
}

/* --- No market: pieces are those of direct data onboarding ---------------------------------- */

static slk_look_t deal(void *ctx, uint64_t id, slk_arena_t *arena, slk_market_deal_t *out,
                       slk_diag_t *diag)
{
    (void)id;
    (void)arena;
    (void)out;
    ASK(ctx, diag);
    return SLK_LOOK_NONE;
}

static slk_look_t allocation(void *ctx, uint64_t client, uint64_t id, slk_arena_t *arena,
                             slk_allocation_t *out, slk_diag_t *diag)
{
    (void)client;
    (void)id;
    (void)arena;
    (void)out;
    ASK(ctx, diag);
    return SLK_LOOK_NONE;
}

static slk_look_t deal_allocation(void *ctx, uint64_t id, uint64_t *out, slk_diag_t *diag)
{
    (void)id;
    (void)out;
    ASK(ctx, diag);
    return SLK_LOOK_NONE;
}

static slk_look_t search(void *ctx, const slk_cid_t *cid, slk_arena_t *arena, slk_msg_lookup_t *out,
                         slk_diag_t *diag)
{
    (void)cid;
    (void)arena;
    (void)out;
    ASK(ctx, diag);
    return SLK_LOOK_NONE;
}

/* --- Money ---------------------------------------------------------------------------------- */

static slk_look_t deposit(void *ctx, uint64_t miner, const slk_sector_pre_commit_info_t *info,
                          slk_bigint_t *out, slk_diag_t *diag)
{
    (void)miner;
    (void)info;
    ASK(ctx, diag);
    *out = slk_bigint_u64(770);
    return SLK_LOOK_FOUND;
}

static slk_look_t pledge(void *ctx, int64_t epochs, uint64_t size, uint64_t verified,
                         slk_bigint_t *out, slk_diag_t *diag)
{
    (void)epochs;
    (void)size;
    (void)verified;
    ASK(ctx, diag);
    *out = slk_bigint_u64(1000);
    return SLK_LOOK_FOUND;
}

static slk_look_t available(void *ctx, uint64_t miner, slk_bigint_t *out, slk_diag_t *diag)
{
    (void)miner;
    ASK(ctx, diag);
    *out = slk_bigint_u64(500);
    return SLK_LOOK_FOUND;
}

static slk_look_t sender(void *ctx, const slk_address_t *address, slk_address_t *id,
                         slk_bigint_t *balance, slk_diag_t *diag)
{
    uint64_t number = 0;
    ASK(ctx, diag);
    if (!slk_address_to_id(address, &number) || number != SIM_SENDER)
        return SLK_LOOK_NONE;
    *id = *address;
    *balance = slk_bigint_u64(1000000000);
    return SLK_LOOK_FOUND;
}

static slk_look_t estimate(void *ctx, const slk_message_want_t *want, slk_world_gas_t *out,
                           slk_diag_t *diag)
{
    sim_t *sim = ctx;
    uint64_t bad;
    ASK(sim, diag);
    sim_message_t message = {.row = {.method = want->method,
                                     .params = (uint8_t *)(uintptr_t)want->params,
                                     .params_len = want->params_len}};
    slk_arena_init(&message.arena, (size_t)1 << 20);
    SIM_CHECK(sim, UINT64_MAX, sim_decode(&message), "parameters of %s cannot be read", want->key);
    *out = (slk_world_gas_t){.gas = {.gas_limit = 1}};
    out->out_of_gas = message.cnt > 40;
    if (!out->out_of_gas)
        out->exit_code = sim_exit_of(sim, &message, &bad);
    slk_arena_free(&message.arena);
    if (!out->out_of_gas && !out->exit_code)
        return SLK_LOOK_FOUND;
    slk_fail(diag, SLK_ERR_STATE, "message execution failed: %s (%" PRId64 ")",
             out->out_of_gas ? "out of gas" : "exit code", out->exit_code);
    return SLK_LOOK_NONE;
}

/* --- Ours ----------------------------------------------------------------------------------- */

static slk_look_t message(void *ctx, const char *key, slk_message_row_t *out, slk_diag_t *diag)
{
    const sim_message_t *found = sim_message_find(ctx, key);
    (void)diag;
    if (!found)
        return SLK_LOOK_NONE;
    *out = found->row;
    out->params = out->result = NULL;
    return SLK_LOOK_FOUND;
}

static slk_look_t job(void *ctx, const char *key, slk_job_view_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    const uint32_t at = sim_job_find(sim, key);
    (void)diag;
    if (at == UINT32_MAX)
        return SLK_LOOK_NONE;
    *out = sim->jobs[at].view;
    json_incref(out->result);
    return SLK_LOOK_FOUND;
}

static slk_look_t typical(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                          slk_diag_t *diag)
{
    (void)seal_proof;
    (void)diag;
    *ms = sim_typical(ctx, task);
    return yes(*ms != 0);
}

static slk_look_t holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                          slk_world_holders_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    const sim_row_t *row = &sim->rows[number];
    (void)miner;
    (void)diag;
    *out = (slk_world_holders_t){0};
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        slk_holder_t *at = slk_arena_array(arena, row->file_cnt + 1, sizeof *at);
        const char **workers = slk_arena_array(arena, row->file_cnt + 1, sizeof *workers);
        size_t cnt = 0;
        for (size_t f = 0; f < row->file_cnt; f++) {
            const sim_store_t *store = &sim->stores[row->files[f].store];
            if (row->files[f].type != SLK_FT_AT(i))
                continue;
            at[cnt] = (slk_holder_t){.id = store->id,
                                     .can_seal = store->can_seal,
                                     .can_store = store->can_store,
                                     .can_final = store->can_final,
                                     .primary = store->can_store};
            workers[cnt++] = sim->workers[store->worker].id;
        }
        out->by[i] = (slk_holders_t){at, cnt};
        out->workers[i] = workers;
    }
    return SLK_LOOK_FOUND;
}

static slk_look_t verify(void *ctx, const slk_seal_claim_t *claim, const void *proof, size_t len,
                         slk_diag_t *diag)
{
    (void)ctx;
    if (sim_proof_holds(claim, proof, len))
        return SLK_LOOK_FOUND;
    slk_fail(diag, SLK_ERR_PROOF, "the pairing does not hold");
    return SLK_LOOK_NONE;
}

static const slk_world_ops_t ops = {
    .net = net,
    .ticket = ticket,
    .seed = seed,
    .miner_info = miner_info,
    .pre_commit = pre_commit,
    .on_chain = on_chain,
    .allocated = allocated,
    .location = location,
    .deadline = deadline,
    .partitions = partitions,
    .deal = deal,
    .allocation = allocation,
    .deal_allocation = deal_allocation,
    .search = search,
    .deposit = deposit,
    .pledge = pledge,
    .available = available,
    .sender = sender,
    .estimate = estimate,
    .message = message,
    .job = job,
    .typical = typical,
    .holders = holders,
    .verify = verify,
};

slk_world_t sim_world(sim_t *sim, unsigned troubles)
{
    return (slk_world_t){.ops = &ops,
                         .ctx = sim,
                         .config = &sim->config,
                         .now_ms = sim->now_ms,
                         .troubles = troubles,
                         .nonces = SLK_OWN_NONCE};
}
