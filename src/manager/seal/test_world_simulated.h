#ifndef SLK_MANAGER_SEAL_TEST_WORLD_SIMULATED_H
#define SLK_MANAGER_SEAL_TEST_WORLD_SIMULATED_H

/* A simulated world for decisions: a chain of numbers that tests set, jobs and messages in lists. Nothing
 * here is a proof or a real chain: a "proof" repeats the seed it was made for, and holds when it does. */

#include "test_util.h"

#include "base/assert.h"
#include "codec/actors/miner.h"
#include "codec/base64.h"
#include "manager/seal/batch_message.h"
#include "manager/seal/decide.h"
#include "manager/seal/pieces.h"
#include "manager/sector/step.h"

#include <inttypes.h>

enum {
    SIM_SECTORS = 32,
    SIM_MESSAGES = 256,
    SIM_JOBS = 1024,
    SIM_HOLDERS = 64,
    SIM_MINER = 1000,
    SIM_WORKER = 101,
    SIM_OWNER = 100,
    SIM_CONTROL = 102,
    SIM_PROOF = 5, /* StackedDrg2KiBV1_1 */
    SIM_PROOF_SZ = 192
};

typedef struct {
    bool pre_committed, proven, allocated, live;
    slk_sector_pre_commit_on_chain_info_t pre_commit;
    slk_sector_on_chain_info_t on_chain;
    slk_api_sector_location_t at;
} sim_sector_t;

typedef struct {
    slk_message_row_t row;
    int64_t added;     /* height */
    int64_t exit_code; /* with which it will be executed */
} sim_message_t;

typedef struct {
    char key[SLK_JOB_KEY_MAX + 1];
    slk_job_view_t view;
    json_t *params;
    slk_task_t task;
    int64_t not_before_ms, deadline_ms;
    char only_worker[64];
} sim_job_t;

typedef struct {
    uint64_t number;
    slk_file_types_t type;
    slk_holder_t at;
    const char *worker;
} sim_holder_t;

typedef struct {
    slk_miner_config_t config;
    slk_world_net_t net;
    int64_t now_ms;
    unsigned troubles;
    unsigned fork; /* changes randomness */
    bool away;     /* the node does not answer */
    bool broken;   /* our own database fails */
    unsigned calls;
    sim_sector_t sectors[SIM_SECTORS];
    bool has_deal;
    slk_market_deal_t deal; /* every id */
    bool has_allocation;
    slk_allocation_t allocation;
    uint64_t deal_allocation;
    bool has_lookup;
    slk_msg_lookup_t lookup; /* every CID */
    sim_message_t messages[SIM_MESSAGES];
    size_t message_cnt;
    sim_job_t jobs[SIM_JOBS];
    size_t job_cnt;
    int64_t typical[SLK_TASK_CNT];
    sim_holder_t holders[SIM_HOLDERS];
    const char *busy; /* a worker that may still end a job; NULL: none */
    size_t holder_cnt;
    slk_look_t no_vk; /* TROUBLE: proofs cannot be verified */
    slk_api_deadline_info_t deadline;
    /* Money. */
    slk_bigint_t deposit, pledge, available, balance[3]; /* of owner, worker, control */
    bool has_key[3];
    /* What an estimate says: more sectors need too much gas; this one makes it fail. */
    size_t fit_max;
    uint64_t bad_number;
    int64_t bad_exit; /* with which everything fails; 0: not */
    unsigned estimates;
    slk_arena_t arena; /* of answers that live as long as the simulation */
} sim_t;

/* --- Values -------------------------------------------------------------------------------- */

static inline slk_node_t sim_node(const char *what, uint64_t a, int64_t b, unsigned fork)
{
    char text[128];
    slk_node_t node;
    snprintf(text, sizeof text, "%s %" PRIu64 " %" PRId64 " %u", what, a, b, fork);
    slk_sha256(&node, text, strlen(text));
    node.b[31] &= 0x3f;
    return node;
}

static inline slk_bytes_t sim_text(const char *text)
{
    return (slk_bytes_t){(const uint8_t *)text, strlen(text)};
}

static inline slk_cid_t sim_comm_r(uint64_t number, const slk_node_t *ticket)
{
    slk_node_t node = sim_node("comm_r", number, ticket->b[0], ticket->b[1]);
    return slk_cid_of_commitment(SLK_CID_SEALED, &node);
}

static inline slk_cid_t sim_cid(const char *what)
{
    return slk_cid_of_cbor(what, strlen(what));
}

/* --- The functions of the world ------------------------------------------------------------ */

static inline slk_look_t sim_chain(sim_t *sim, slk_diag_t *diag)
{
    sim->calls++;
    if (!sim->away)
        return SLK_LOOK_FOUND;
    slk_fail(diag, SLK_ERR_IO, "node A does not answer");
    return SLK_LOOK_TROUBLE;
}

#define SIM_ASK(sim, diag)                                                                         \
    do {                                                                                           \
        if (sim_chain(sim, diag) != SLK_LOOK_FOUND)                                                \
            return SLK_LOOK_TROUBLE;                                                               \
    } while (0)

static inline slk_look_t sim_yes(bool yes)
{
    return yes ? SLK_LOOK_FOUND : SLK_LOOK_NONE;
}

static slk_look_t sim_net(void *ctx, slk_world_net_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    SIM_ASK(sim, diag);
    *out = sim->net;
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_ticket(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                             slk_diag_t *diag)
{
    sim_t *sim = ctx;
    SIM_ASK(sim, diag);
    *out = sim_node("ticket", miner, epoch, 0);
    return sim_yes(epoch <= sim->net.height);
}

static slk_look_t sim_seed(void *ctx, uint64_t miner, int64_t epoch, slk_node_t *out,
                           slk_diag_t *diag)
{
    sim_t *sim = ctx;
    SIM_ASK(sim, diag);
    *out = sim_node("seed", miner, epoch, sim->fork);
    return sim_yes(epoch <= sim->net.height);
}

static slk_look_t sim_miner_info(void *ctx, uint64_t miner, slk_arena_t *arena,
                                 slk_api_miner_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    SIM_ASK(sim, diag);
    assert_int_equal(miner, SIM_MINER);
    slk_address_t *control = slk_arena_alloc(arena, sizeof *control);
    *control = slk_address_id(SIM_CONTROL);
    *out = (slk_api_miner_info_t){.owner = slk_address_id(SIM_OWNER),
                                  .worker = slk_address_id(SIM_WORKER),
                                  .control_addresses = {control, 1},
                                  .sector_size = 2048};
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_pre_commit(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                                 slk_sector_pre_commit_on_chain_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    (void)arena;
    SIM_ASK(sim, diag);
    *out = sim->sectors[number].pre_commit;
    return sim_yes(sim->sectors[number].pre_committed);
}

static slk_look_t sim_on_chain(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                               slk_sector_on_chain_info_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    (void)arena;
    SIM_ASK(sim, diag);
    *out = sim->sectors[number].on_chain;
    return sim_yes(sim->sectors[number].proven);
}

static slk_look_t sim_allocated(void *ctx, uint64_t miner, uint64_t number, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    SIM_ASK(sim, diag);
    return sim_yes(sim->sectors[number].allocated);
}

static slk_look_t sim_location(void *ctx, uint64_t miner, uint64_t number,
                               slk_api_sector_location_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    SIM_ASK(sim, diag);
    *out = sim->sectors[number].at;
    return sim_yes(sim->sectors[number].proven);
}

static slk_look_t sim_deadline(void *ctx, uint64_t miner, slk_api_deadline_info_t *out,
                               slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    SIM_ASK(sim, diag);
    *out = sim->deadline;
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_partitions(void *ctx, uint64_t miner, uint64_t deadline, slk_arena_t *arena,
                                 slk_api_partitions_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    enum { PARTITIONS = 4 };
    (void)miner;
    SIM_ASK(sim, diag);
    slk_api_partition_t *items = slk_arena_array(arena, PARTITIONS, sizeof *items);
    for (uint64_t p = 0; p < PARTITIONS; p++) {
        uint64_t live[SIM_SECTORS];
        size_t cnt = 0;
        for (uint64_t i = 0; i < SIM_SECTORS; i++)
            if (sim->sectors[i].live && sim->sectors[i].at.deadline == deadline &&
                sim->sectors[i].at.partition == p)
                live[cnt++] = i;
        assert_int_equal(slk_bitfield_from_bits(&items[p].live_sectors, live, cnt, arena), SLK_OK);
    }
    out->v = (slk_api_partition_list_t){items, PARTITIONS};
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_deal(void *ctx, uint64_t id, slk_arena_t *arena, slk_market_deal_t *out,
                           slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)id;
    (void)arena;
    SIM_ASK(sim, diag);
    *out = sim->deal;
    return sim_yes(sim->has_deal);
}

static slk_look_t sim_allocation(void *ctx, uint64_t client, uint64_t id, slk_arena_t *arena,
                                 slk_allocation_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)client;
    (void)id;
    (void)arena;
    SIM_ASK(sim, diag);
    *out = sim->allocation;
    return sim_yes(sim->has_allocation);
}

static slk_look_t sim_deal_allocation(void *ctx, uint64_t deal, uint64_t *id, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)deal;
    SIM_ASK(sim, diag);
    *id = sim->deal_allocation;
    return sim_yes(sim->deal_allocation != 0);
}

static slk_look_t sim_search(void *ctx, const slk_cid_t *cid, slk_arena_t *arena,
                             slk_msg_lookup_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)cid;
    (void)arena;
    SIM_ASK(sim, diag);
    *out = sim->lookup;
    return sim_yes(sim->has_lookup);
}

static slk_look_t sim_deposit(void *ctx, uint64_t miner, const slk_sector_pre_commit_info_t *info,
                              slk_bigint_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    (void)info;
    SIM_ASK(sim, diag);
    *out = sim->deposit;
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_pledge(void *ctx, int64_t epochs, uint64_t size, uint64_t verified,
                             slk_bigint_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    SIM_ASK(sim, diag);
    assert_true(epochs > 0);
    assert_int_equal(size, 2048);
    /* Verified bytes cost ten times as much. */
    *out = verified ? slk_bigint_mul(sim->pledge, slk_bigint_u64(10)) : sim->pledge;
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_available(void *ctx, uint64_t miner, slk_bigint_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    SIM_ASK(sim, diag);
    *out = sim->available;
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_sender(void *ctx, const slk_address_t *address, slk_address_t *id,
                             slk_bigint_t *balance, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    uint64_t number = 0;
    SIM_ASK(sim, diag);
    if (!slk_address_to_id(address, &number) || number < SIM_OWNER || number > SIM_CONTROL)
        return SLK_LOOK_NONE;
    *id = *address;
    *balance = sim->balance[number - SIM_OWNER];
    return sim_yes(sim->has_key[number - SIM_OWNER]);
}

/* The numbers of the sectors of parameters; returns how many. */
static inline size_t sim_numbers(uint64_t method, const void *params, size_t len,
                                 uint64_t out[SIM_SECTORS], slk_arena_t *arena)
{
    slk_diag_t diag = {0};
    size_t cnt = 0;
    if (method == 28) {
        slk_pre_commit_sector_batch2_params_t all;
        assert_ok(slk_record_decode(&all, &slk_pre_commit_sector_batch2_params_type, params, len,
                                    arena, &diag),
                  diag);
        for (size_t i = 0; i < all.sectors.count; i++)
            out[cnt++] = all.sectors.items[i].sector_number;
    } else if (method == 34) {
        slk_prove_commit_sectors3_params_t all;
        assert_ok(slk_record_decode(&all, &slk_prove_commit_sectors3_params_type, params, len,
                                    arena, &diag),
                  diag);
        assert_int_equal(all.sector_activations.count, all.sector_proofs.count);
        for (size_t i = 0; i < all.sector_activations.count; i++)
            out[cnt++] = all.sector_activations.items[i].sector_number;
    } else {
        slk_terminate_sectors_params_t all;
        assert_int_equal(method, 9);
        assert_ok(
            slk_record_decode(&all, &slk_terminate_sectors_params_type, params, len, arena, &diag),
            diag);
        for (size_t i = 0; i < all.terminations.count; i++)
            for (uint64_t n = 0; n < SIM_SECTORS; n++)
                if (slk_bitfield_contains(&all.terminations.items[i].sectors, n))
                    out[cnt++] = n;
    }
    return cnt;
}

static slk_look_t sim_estimate(void *ctx, const slk_message_want_t *want, slk_world_gas_t *out,
                               slk_diag_t *diag)
{
    sim_t *sim = ctx;
    uint64_t numbers[SIM_SECTORS];
    SIM_ASK(sim, diag);
    sim->estimates++;
    *out = (slk_world_gas_t){.gas = {.gas_limit = 1}};
    const size_t cnt =
        sim_numbers(want->method, want->params, want->params_len, numbers, &sim->arena);
    if (cnt > sim->fit_max) {
        out->out_of_gas = true;
        slk_fail(diag, SLK_ERR_STATE, "message execution failed: out of gas");
        return SLK_LOOK_NONE;
    }
    if (sim->bad_exit) {
        out->exit_code = sim->bad_exit;
        slk_fail(diag, SLK_ERR_STATE, "message execution failed (exit=[X(%" PRId64 ")])",
                 sim->bad_exit);
        return SLK_LOOK_NONE;
    }
    for (size_t i = 0; i < cnt; i++) {
        if (numbers[i] != sim->bad_number)
            continue;
        out->exit_code = 16;
        slk_fail(diag, SLK_ERR_STATE, "message execution failed (exit=[ErrIllegalArgument(16)])");
        return SLK_LOOK_NONE;
    }
    return SLK_LOOK_FOUND;
}

static inline sim_message_t *sim_find_message(sim_t *sim, const char *key)
{
    for (size_t i = 0; i < sim->message_cnt; i++)
        if (!strcmp(sim->messages[i].row.key, key))
            return &sim->messages[i];
    return NULL;
}

static slk_look_t sim_message(void *ctx, const char *key, slk_message_row_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    sim_message_t *found = sim_find_message(sim, key);
    if (sim->broken) {
        slk_fail(diag, SLK_ERR_IO, "the database is gone");
        return SLK_LOOK_BROKEN;
    }
    if (found) {
        *out = found->row;
        out->params = NULL;
        out->result = NULL;
    }
    return sim_yes(found != NULL);
}

static inline sim_job_t *sim_find_job(sim_t *sim, const char *key)
{
    for (size_t i = 0; i < sim->job_cnt; i++)
        if (!strcmp(sim->jobs[i].key, key))
            return &sim->jobs[i];
    return NULL;
}

static slk_look_t sim_job(void *ctx, const char *key, slk_job_view_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    sim_job_t *found = sim_find_job(sim, key);
    if (sim->broken) {
        slk_fail(diag, SLK_ERR_IO, "the database is gone");
        return SLK_LOOK_BROKEN;
    }
    if (found) {
        *out = found->view;
        json_incref(out->result);
    }
    return sim_yes(found != NULL);
}

static slk_look_t sim_typical(void *ctx, slk_task_t task, int64_t seal_proof, int64_t *ms,
                              slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)seal_proof;
    (void)diag;
    *ms = sim->typical[task];
    return sim_yes(sim->typical[task] != 0);
}

static slk_look_t sim_holders(void *ctx, uint64_t miner, uint64_t number, slk_arena_t *arena,
                              slk_world_holders_t *out, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    (void)miner;
    (void)diag;
    *out = (slk_world_holders_t){.busy = &sim->busy, .busy_cnt = sim->busy ? 1 : 0};
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        slk_holder_t *at = slk_arena_array(arena, SIM_HOLDERS, sizeof *at);
        const char **workers = slk_arena_array(arena, SIM_HOLDERS, sizeof *workers);
        size_t cnt = 0;
        for (size_t h = 0; h < sim->holder_cnt; h++) {
            if (sim->holders[h].type != SLK_FT_AT(i) || sim->holders[h].number != number)
                continue;
            at[cnt] = sim->holders[h].at;
            workers[cnt++] = sim->holders[h].worker;
        }
        out->by[i] = (slk_holders_t){at, cnt};
        out->workers[i] = workers;
    }
    return SLK_LOOK_FOUND;
}

static slk_look_t sim_verify(void *ctx, const slk_seal_claim_t *claim, const void *proof,
                             size_t len, slk_diag_t *diag)
{
    sim_t *sim = ctx;
    if (sim->no_vk == SLK_LOOK_TROUBLE) {
        slk_fail(diag, SLK_ERR_STATE, "no verifying key");
        return SLK_LOOK_TROUBLE;
    }
    assert_int_equal(claim->miner, SIM_MINER);
    if (len == SIM_PROOF_SZ && !memcmp(proof, claim->seed.b, 32))
        return SLK_LOOK_FOUND;
    slk_fail(diag, SLK_ERR_PROOF, "the pairing does not hold");
    return SLK_LOOK_NONE;
}

static const slk_world_ops_t sim_ops = {
    .net = sim_net,
    .ticket = sim_ticket,
    .seed = sim_seed,
    .miner_info = sim_miner_info,
    .pre_commit = sim_pre_commit,
    .on_chain = sim_on_chain,
    .allocated = sim_allocated,
    .location = sim_location,
    .deadline = sim_deadline,
    .partitions = sim_partitions,
    .deal = sim_deal,
    .allocation = sim_allocation,
    .deal_allocation = sim_deal_allocation,
    .search = sim_search,
    .deposit = sim_deposit,
    .pledge = sim_pledge,
    .available = sim_available,
    .sender = sim_sender,
    .estimate = sim_estimate,
    .message = sim_message,
    .job = sim_job,
    .typical = sim_typical,
    .holders = sim_holders,
    .verify = sim_verify,
};

/* --- Life of the simulation ---------------------------------------------------------------- */

static inline void sim_init(sim_t *sim)
{
    *sim = (sim_t){
        .config = {.actor = SIM_MINER,
                   .enabled = true,
                   .wait_deals_delay_ms = 6 * 3600 * INT64_C(1000),
                   .start_epoch_sealing_buffer = 480,
                   .max_pre_commit_batch = 16,
                   .max_commit_batch = 16,
                   .terminate_batch_min = 1,
                   .terminate_batch_max = 16,
                   .pre_commit_batch_wait_ms = 60000,
                   .pre_commit_batch_slack_ms = 3 * 3600 * INT64_C(1000),
                   .commit_batch_wait_ms = 60000,
                   .commit_batch_slack_ms = 3600 * INT64_C(1000),
                   .terminate_batch_wait_ms = 60000,
                   .require_activation_success = true,
                   .max_pre_commit_batch_gas_fee = {slk_bigint_u64(1000), slk_bigint_u64(10)},
                   .max_commit_batch_gas_fee = {slk_bigint_u64(2000), slk_bigint_u64(20)},
                   .max_terminate_gas_fee = slk_bigint_u64(3000),
                   .message_confidence = 5,
                   .retry_cooldown_ms = 60000},
        .net = {.height = 5000, .policy = *slk_policy_by_name("2k"), .block_ms = 4000},
        .now_ms = INT64_C(1700000000000),
        .no_vk = SLK_LOOK_FOUND,
        .deadline = {.index = 10, .close = 5040, .wpost_period_deadlines = 48},
        .deposit = slk_bigint_u64(700),
        .pledge = slk_bigint_u64(1000),
        .balance = {slk_bigint_u64(1000000), slk_bigint_u64(1000000), slk_bigint_u64(1000000)},
        .has_key = {true, true, true},
        .fit_max = SIM_SECTORS,
        .bad_number = UINT64_MAX,
    };
    sim->net.head_ms = sim->now_ms;
    slk_arena_init(&sim->arena, (size_t)64 << 20);
}

static inline void sim_free(sim_t *sim)
{
    for (size_t i = 0; i < sim->job_cnt; i++) {
        json_decref(sim->jobs[i].view.result);
        json_decref(sim->jobs[i].params);
    }
    for (size_t i = 0; i < sim->message_cnt; i++)
        slk_message_row_free(&sim->messages[i].row);
    slk_arena_free(&sim->arena);
}

static inline slk_world_t sim_world(sim_t *sim)
{
    return (slk_world_t){.ops = &sim_ops,
                         .ctx = sim,
                         .config = &sim->config,
                         .now_ms = sim->now_ms,
                         .troubles = sim->troubles};
}

static inline void sim_epochs(sim_t *sim, int64_t epochs)
{
    sim->net.height += epochs;
    sim->net.head_ms += epochs * sim->net.block_ms;
    sim->now_ms = sim->net.head_ms;
}

/* A path of this worker holds the file. */
static inline void sim_hold(sim_t *sim, uint64_t number, slk_file_types_t type, const char *store,
                            const char *worker, bool final)
{
    assert_true(sim->holder_cnt < SIM_HOLDERS);
    sim->holders[sim->holder_cnt++] = (sim_holder_t){
        number,
        type,
        {.id = store, .can_seal = !final, .can_store = final, .can_final = final, .primary = true},
        worker};
}

/* Add what a decision wants, as the manager would: the same key is the same job, which comes back. */
static inline sim_job_t *sim_add_job(sim_t *sim, const slk_job_want_t *want)
{
    sim_job_t *job = sim_find_job(sim, want->key);
    if (job) {
        assert_true(json_equal(job->params, want->params) || want->task == SLK_TASK_AP);
        return job;
    }
    assert_true(sim->job_cnt < SIM_JOBS);
    job = &sim->jobs[sim->job_cnt++];
    *job = (sim_job_t){.view = {.id = (int64_t)sim->job_cnt, .state = SLK_JOB_QUEUED},
                       .params = json_incref(want->params),
                       .task = want->task,
                       .not_before_ms = want->not_before_ms,
                       .deadline_ms = want->deadline_ms};
    snprintf(job->key, sizeof job->key, "%s", want->key);
    snprintf(job->only_worker, sizeof job->only_worker, "%s",
             want->only_worker ? want->only_worker : "");
    return job;
}

static inline void sim_job_fails(sim_t *sim, sim_job_t *job, slk_failure_t failure)
{
    job->view.state = SLK_JOB_FAILED;
    job->view.failure = failure;
    job->view.ended_ms = sim->now_ms;
    snprintf(job->view.error, sizeof job->view.error, "simulated: %s", slk_failure_name(failure));
}

static inline void sim_job_runs(sim_t *sim, sim_job_t *job)
{
    job->view.state = SLK_JOB_RUNNING;
    job->view.started_ms = sim->now_ms;
    snprintf(job->view.worker, sizeof job->view.worker, "w1");
}

/* result is taken over. */
static inline void sim_job_done(sim_t *sim, sim_job_t *job, json_t *result)
{
    job->view.state = SLK_JOB_DONE;
    job->view.result = result;
    job->view.ended_ms = sim->now_ms;
    snprintf(job->view.worker, sizeof job->view.worker, "w1");
}

static inline json_t *sim_hex(const slk_node_t *node)
{
    return json_string(slk_node_hex(node).s);
}

/* What a worker would answer for this sector. */
static inline json_t *sim_result(const slk_sector_info_t *s, const sim_job_t *job)
{
    slk_node_t comm_d = {0}, comm_r = {0};
    slk_diag_t diag = {0};
    if (job->task == SLK_TASK_AP) {
        json_t *all = json_array();
        json_array_extend(all, json_object_get(job->params, "Existing"));
        json_array_extend(all, json_object_get(job->params, "Add"));
        return json_pack("{s:o}", "Pieces", all);
    }
    if (job->task == SLK_TASK_PC1 || job->task == SLK_TASK_PC2) {
        const slk_cid_t cid = sim_comm_r(s->sector_number, &s->ticket_value);
        assert_ok(slk_sector_comm_d(&comm_d, &s->pieces, 2048, &diag), diag);
        assert_ok(slk_cid_to_commitment(&comm_r, SLK_CID_SEALED, &cid, &diag), diag);
        return job->task == SLK_TASK_PC1
                   ? json_pack("{s:o, s:o, s:s, s:i}", "CommD", sim_hex(&comm_d), "ReplicaID",
                               sim_hex(&comm_r), "Out", "{\"labels\":1}", "LabelsResumedFrom", 0)
                   : json_pack("{s:o, s:o}", "CommD", sim_hex(&comm_d), "CommR", sim_hex(&comm_r));
    }
    if (job->task == SLK_TASK_C2) {
        uint8_t proof[SIM_PROOF_SZ] = {0};
        char text[SLK_BASE64_LEN(SIM_PROOF_SZ) + 1];
        memcpy(proof, s->seed_value.b, 32);
        slk_base64_encode(text, proof, sizeof proof);
        return json_pack("{s:s}", "Proof", text);
    }
    return json_object();
}

/* --- Records ------------------------------------------------------------------------------- */

static inline void sim_enter(sim_t *sim, slk_sector_info_t *s, slk_sector_state_t state)
{
    s->state_name = sim_text(slk_sector_state_name(state));
    s->entered_ms = sim->now_ms;
    s->visit++;
}

/* A committed-capacity sector that has come as far as this state. */
static inline slk_sector_info_t sim_record(sim_t *sim, uint64_t number, slk_sector_state_t state)
{
    slk_diag_t diag = {0};
    slk_node_t comm_d;
    slk_sector_info_t s = {.miner = SIM_MINER,
                           .sector_number = number,
                           .sector_type = SIM_PROOF,
                           .ticket_epoch = sim->net.height - 900,
                           .visit = 10};
    assert_ok(slk_sector_fill(&s.pieces, 0, 2048, &sim->arena, &diag), diag);
    assert_ok(slk_sector_comm_d(&comm_d, &s.pieces, 2048, &diag), diag);
    s.ticket_value = sim_node("ticket", SIM_MINER, s.ticket_epoch, 0);
    s.comm_d = slk_cid_of_commitment(SLK_CID_UNSEALED, &comm_d);
    s.comm_r = sim_comm_r(number, &s.ticket_value);
    sim_enter(sim, &s, state);
    return s;
}

/* Put the pre-commit of a record on the chain. */
static inline void sim_pre_committed(sim_t *sim, const slk_sector_info_t *s, int64_t epoch)
{
    sim_sector_t *c = &sim->sectors[s->sector_number];
    c->pre_committed = c->allocated = true;
    c->pre_commit =
        (slk_sector_pre_commit_on_chain_info_t){.info = {.seal_proof = s->sector_type,
                                                         .sector_number = s->sector_number,
                                                         .sealed_cid = s->comm_r,
                                                         .seal_rand_epoch = s->ticket_epoch,
                                                         .expiration = epoch + 700000},
                                                .pre_commit_deposit = sim->deposit,
                                                .pre_commit_epoch = epoch};
}

/* Give a record the seed and proof that its pre-commit needs. */
static inline void sim_prove(sim_t *sim, slk_sector_info_t *s)
{
    uint8_t *proof = slk_arena_alloc(&sim->arena, SIM_PROOF_SZ);
    s->seed_epoch = sim->sectors[s->sector_number].pre_commit.pre_commit_epoch + 10;
    s->seed_value = sim_node("seed", SIM_MINER, s->seed_epoch, sim->fork);
    memcpy(proof, s->seed_value.b, 32);
    s->proof = (slk_bytes_t){proof, SIM_PROOF_SZ};
}

/* A message in the list, in that state. */
static inline sim_message_t *sim_add_message(sim_t *sim, const char *key, slk_message_state_t state)
{
    assert_true(sim->message_cnt < SIM_MESSAGES);
    sim_message_t *m = &sim->messages[sim->message_cnt++];
    *m = (sim_message_t){.added = sim->net.height};
    snprintf(m->row.key, sizeof m->row.key, "%s", key);
    m->row.state = state;
    m->row.confidence = 5;
    m->row.landed_height = sim->net.height - 10;
    m->row.landed_cid = sim_cid(key);
    m->row.landed_tipset = (slk_tipset_key_t){.len = 3, .b = "abc"};
    return m;
}

static inline void sim_decide(sim_t *sim, const slk_sector_info_t *s, slk_arena_t *arena,
                              slk_decision_t *d)
{
    slk_diag_t diag = {0};
    const slk_world_t world = sim_world(sim);
    assert_ok(slk_decide(&world, s, arena, d, &diag), diag);
    assert_true(*d->why);
}

#endif /* SLK_MANAGER_SEAL_TEST_WORLD_SIMULATED_H */
