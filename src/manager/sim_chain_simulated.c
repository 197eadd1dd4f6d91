#include "manager/sim_simulated.h"

#include "codec/actors/exit_code.h"

/* The chain: a branch of tipsets with null rounds, one miner actor with the rules that messages
 * of ours meet, a pool that executes one sender's messages in the order of their nonces, and
 * reorganisations that take all of that back. */

/* --- Values --------------------------------------------------------------------------------- */

slk_node_t sim_node_of(const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t text[5] = {0, a, b, c, 0};
    slk_node_t node;
    strncpy((char *)text, what, sizeof text[0]);
    slk_sha256(&node, text, sizeof text);
    node.b[31] &= 0x3f;
    return node;
}

uint64_t sim_tipset_at(const sim_t *sim, int64_t height)
{
    int64_t at = height - SIM_EPOCH_0;
    while (at >= 0 && !sim->tipsets[at])
        at--;
    return at < 0 ? 1 : sim->tipsets[at];
}

slk_tipset_key_t sim_tipset_key(uint64_t id)
{
    slk_tipset_key_t key = {.len = sizeof id};
    memcpy(key.b, &id, sizeof id);
    return key;
}

/* Of epochs before the simulation began. */
static uint64_t branch_of(const sim_t *sim, int64_t epoch)
{
    return epoch < SIM_EPOCH_0 || epoch > sim->height ? 1 : sim_tipset_at(sim, epoch);
}

slk_node_t sim_ticket_of(const sim_t *sim, int64_t epoch)
{
    return sim_node_of("ticket", (uint64_t)epoch, branch_of(sim, epoch), sim->seed);
}

slk_node_t sim_seed_of(const sim_t *sim, int64_t epoch)
{
    return sim_node_of("seed", (uint64_t)epoch, branch_of(sim, epoch), sim->seed);
}

/* --- Proofs: what they are for, repeated ---------------------------------------------------- */

void sim_proof_make(uint8_t proof[SIM_PROOF_SZ], const slk_node_t *ticket, const slk_node_t *seed,
                    const slk_node_t *comm_d, const slk_node_t *comm_r, uint64_t number)
{
    uint8_t all[4 * 32 + 8];
    slk_node_t node;
    memcpy(all, ticket->b, 32);
    memcpy(all + 32, seed->b, 32);
    memcpy(all + 64, comm_d->b, 32);
    memcpy(all + 96, comm_r->b, 32);
    memcpy(all + 128, &number, 8);
    slk_sha256(&node, all, sizeof all);
    for (size_t i = 0; i < SIM_PROOF_SZ; i += 32)
        memcpy(proof + i, node.b, 32);
}

bool sim_proof_holds(const slk_seal_claim_t *claim, const void *proof, size_t len)
{
    uint8_t want[SIM_PROOF_SZ];
    sim_proof_make(want, &claim->ticket, &claim->seed, &claim->comm_d, &claim->comm_r,
                   claim->sector);
    return len == sizeof want && !memcmp(proof, want, len);
}

/* --- Messages ------------------------------------------------------------------------------- */

bool sim_decode(sim_message_t *m)
{
    slk_diag_t diag;
    const slk_message_row_t *row = &m->row;
    const void *params = row->params;
    slk_arena_t *arena = &m->arena;
    slk_terminate_sectors_params_t end;
    m->numbers = slk_arena_array(arena, SIM_LIVES_MAX, sizeof *m->numbers);
    m->cnt = 0;
    if (row->method == SIM_PRE_COMMIT_METHOD) {
        if (slk_record_decode(&m->params.pre_commit, &slk_pre_commit_sector_batch2_params_type,
                              params, row->params_len, arena, &diag) != SLK_OK)
            return false;
        for (size_t i = 0; i < m->params.pre_commit.sectors.count; i++)
            m->numbers[m->cnt++] = m->params.pre_commit.sectors.items[i].sector_number;
    } else if (row->method == SIM_COMMIT_METHOD) {
        if (slk_record_decode(&m->params.commit, &slk_prove_commit_sectors3_params_type, params,
                              row->params_len, arena, &diag) != SLK_OK)
            return false;
        for (size_t i = 0; i < m->params.commit.sector_activations.count; i++)
            m->numbers[m->cnt++] = m->params.commit.sector_activations.items[i].sector_number;
    } else {
        if (row->method != SIM_TERMINATE_METHOD ||
            slk_record_decode(&end, &slk_terminate_sectors_params_type, params, row->params_len,
                              arena, &diag) != SLK_OK)
            return false;
        for (size_t i = 0; i < end.terminations.count; i++)
            for (uint64_t n = 0; n < SIM_LIVES_MAX; n++)
                if (slk_bitfield_contains(&end.terminations.items[i].sectors, n))
                    m->numbers[m->cnt++] = n;
    }
    return m->cnt > 0;
}

static bool pre_commit_ok(const sim_t *sim, const slk_sector_pre_commit_info_t *info)
{
    const sim_actor_t *a = &sim->actors[info->sector_number];
    const slk_policy_t *p = &sim->policy;
    const int64_t now = sim->height;
    return !a->allocated && info->seal_rand_epoch < now &&
           info->seal_rand_epoch >= now - p->max_precommit_lookback &&
           info->expiration - (now + p->max_prove_commit_duration) >= p->min_sector_expiration &&
           info->expiration <= now + p->max_sector_extension;
}

static bool commit_ok(const sim_t *sim, const sim_message_t *m, size_t i)
{
    const sim_actor_t *a = &sim->actors[m->numbers[i]];
    const sim_row_t *row = &sim->rows[m->numbers[i]];
    const slk_bytes_t *proof = &m->params.commit.sector_proofs.items[i];
    const int64_t seed_epoch = a->pre_commit_epoch + sim->policy.precommit_challenge_delay;
    uint8_t want[SIM_PROOF_SZ];
    slk_node_t comm_d, comm_r;
    slk_diag_t diag;
    if (!a->pre_committed || sim->height <= seed_epoch ||
        sim->height > a->pre_commit_epoch + sim->policy.max_prove_commit_duration)
        return false;
    const slk_node_t seed = sim_seed_of(sim, seed_epoch),
                     ticket = sim_ticket_of(sim, a->seal_rand_epoch);
    if (slk_cid_to_commitment(&comm_r, SLK_CID_SEALED, &a->sealed_cid, &diag) != SLK_OK ||
        slk_cid_to_commitment(&comm_d, SLK_CID_UNSEALED, &row->info.comm_d, &diag) != SLK_OK)
        return false;
    sim_proof_make(want, &ticket, &seed, &comm_d, &comm_r, m->numbers[i]);
    return proof->len == sizeof want && !memcmp(proof->b, want, sizeof want);
}

int64_t sim_exit_of(sim_t *sim, const sim_message_t *m, uint64_t *bad)
{
    size_t good = 0;
    *bad = UINT64_MAX;
    for (size_t i = 0; i < m->cnt; i++) {
        const bool ok = m->row.method == SIM_PRE_COMMIT_METHOD
                            ? pre_commit_ok(sim, &m->params.pre_commit.sectors.items[i])
                        : m->row.method == SIM_COMMIT_METHOD ? commit_ok(sim, m, i)
                                                             : sim->actors[m->numbers[i]].live;
        good += ok;
        if (!ok)
            *bad = m->numbers[i];
    }
    const bool some =
        m->row.method == SIM_COMMIT_METHOD && !m->params.commit.require_activation_success;
    return good == m->cnt || (some && good) ? 0 : SLK_EXIT_USR_ILLEGAL_ARGUMENT;
}

/* --- Execution ------------------------------------------------------------------------------ */

static sim_undo_t *change(sim_t *sim, uint64_t number)
{
    if (sim->undo_cnt == sim->undo_cap) {
        sim->undo_cap = sim->undo_cap ? 2 * sim->undo_cap : 256;
        sim->undos = realloc(sim->undos, sim->undo_cap * sizeof *sim->undos);
        assert_non_null(sim->undos);
    }
    sim_undo_t *undo = &sim->undos[sim->undo_cnt++];
    *undo = (sim_undo_t){.height = sim->height, .number = number, .before = sim->actors[number]};
    return undo;
}

static void count(sim_t *sim, const sim_undo_t *undo, int by)
{
    sim_row_t *row = &sim->rows[undo->number];
    sim->locked += by * undo->locked;
    sim->released += by * undo->released;
    sim->burnt += by * undo->burnt;
    row->pre_commits += (unsigned)(by * undo->pre_commits);
    row->commits += (unsigned)(by * undo->commits);
    row->terminations += (unsigned)(by * undo->terminations);
}

static void do_pre_commit(sim_t *sim, const slk_sector_pre_commit_info_t *info)
{
    sim_actor_t *a = &sim->actors[info->sector_number];
    sim_undo_t *undo = change(sim, info->sector_number);
    const int64_t expires =
        sim->height + sim->policy.max_prove_commit_duration + sim->policy.expired_precommit_delay;
    *a = (sim_actor_t){.pre_committed = true,
                       .allocated = true,
                       .pre_commit_epoch = sim->height,
                       .seal_rand_epoch = info->seal_rand_epoch,
                       .expiration = info->expiration,
                       .sealed_cid = info->sealed_cid,
                       .deposit = SIM_DEPOSIT};
    undo->pre_commits = 1;
    undo->locked = SIM_DEPOSIT;
    count(sim, undo, 1);
    if (expires < sim->next_expiry)
        sim->next_expiry = expires;
}

static void do_commit(sim_t *sim, uint64_t number)
{
    sim_actor_t *a = &sim->actors[number];
    sim_undo_t *undo = change(sim, number);
    undo->commits = 1;
    undo->locked = -(int64_t)a->deposit;
    undo->released = (int64_t)a->deposit;
    a->pre_committed = false;
    a->proven = a->live = true;
    a->deposit = 0;
    count(sim, undo, 1);
}

static void do_terminate(sim_t *sim, uint64_t number)
{
    sim_undo_t *undo = change(sim, number);
    undo->terminations = 1;
    sim->actors[number].live = false;
    count(sim, undo, 1);
}

/* What went wrong must be something that nobody could know when the message was made. */
static void explain_failure(sim_t *sim, const sim_message_t *m, uint64_t bad)
{
    const sim_actor_t *a = &sim->actors[bad];
    sim->counts.failed_messages++;
    if (sim->trouble.deep_reorg || sim->rows[bad].ends_by_person)
        return;
    if (m->row.method == SIM_PRE_COMMIT_METHOD)
        SIM_CHECK(sim, bad, !a->allocated, "%s pre-commits a number that is used", m->row.key);
    if (m->row.method == SIM_COMMIT_METHOD)
        SIM_CHECK(sim, bad,
                  !a->proven &&
                      (!a->pre_committed ||
                       sim->height > a->pre_commit_epoch + sim->policy.max_prove_commit_duration),
                  "%s proves %s", m->row.key,
                  a->proven ? "what is proven" : "something else than what is there");
}

static void execute(sim_t *sim, sim_message_t *m)
{
    uint64_t bad;
    m->landed = true;
    m->in_pool = false;
    m->landed_height = sim->height;
    sim->counts.landed++;
    m->exit_code = m->fate == SIM_OUT_OF_GAS ? SLK_EXIT_SYS_OUT_OF_GAS : sim_exit_of(sim, m, &bad);
    if (m->exit_code) {
        if (m->fate != SIM_OUT_OF_GAS)
            explain_failure(sim, m, bad);
        return;
    }
    for (size_t i = 0; i < m->cnt; i++) {
        if (m->row.method == SIM_PRE_COMMIT_METHOD)
            do_pre_commit(sim, &m->params.pre_commit.sectors.items[i]);
        else if (m->row.method == SIM_TERMINATE_METHOD)
            do_terminate(sim, m->numbers[i]);
        else if (commit_ok(sim, m, i))
            do_commit(sim, m->numbers[i]);
    }
    for (size_t i = 0; i < m->cnt; i++) {
        const sim_row_t *row = &sim->rows[m->numbers[i]];
        SIM_CHECK(sim, m->numbers[i],
                  row->pre_commits <= 1 && row->commits <= 1 && row->terminations <= 1,
                  "two messages for the same were executed");
    }
}

/* Messages whose turn it is, by nonce. */
static void run_pool(sim_t *sim)
{
    while (sim->nonce < sim->next_nonce) {
        sim_message_t *m = sim->messages[sim->by_nonce[sim->nonce]];
        if (m->fate == SIM_LOSES_NONCE && m->in_pool && m->lands_at <= sim->height) {
            m->other_landed = true;
            m->landed_height = sim->height;
        } else if (m->in_pool && m->lands_at <= sim->height) {
            execute(sim, m);
        } else {
            return;
        }
        sim->nonce++;
    }
}

/* Pre-commits that were not proven in time. */
static void expire(sim_t *sim)
{
    int64_t next = SIM_NEVER;
    for (uint64_t n = 0; n < sim->next_number; n++) {
        sim_actor_t *a = &sim->actors[n];
        const int64_t at = a->pre_commit_epoch + sim->policy.max_prove_commit_duration +
                           sim->policy.expired_precommit_delay;
        if (!a->pre_committed)
            continue;
        if (sim->height < at) {
            next = at < next ? at : next;
            continue;
        }
        sim_undo_t *undo = change(sim, n);
        undo->locked = -(int64_t)a->deposit;
        undo->burnt = (int64_t)a->deposit;
        *a = (sim_actor_t){.allocated = true};
        count(sim, undo, 1);
    }
    sim->next_expiry = next;
}

/* --- Heights -------------------------------------------------------------------------------- */

static void put_tipset(sim_t *sim, int64_t height, bool null)
{
    const size_t at = (size_t)(height - SIM_EPOCH_0);
    if (at >= sim->tipset_cap) {
        sim->tipset_cap = 2 * (at + 512);
        sim->tipsets = realloc(sim->tipsets, sim->tipset_cap * sizeof *sim->tipsets);
        assert_non_null(sim->tipsets);
    }
    sim->tipsets[at] = null ? 0 : ++sim->next_tipset;
    if (at >= sim->tipset_cnt)
        sim->tipset_cnt = at + 1;
    if (!null)
        sim->height = height;
}

/* The last epochs are another branch now; what was executed there has to be again. */
static void reorganise(sim_t *sim, int64_t epochs)
{
    const int64_t head = sim->height, last = head - epochs;
    sim->counts.reorgs++;
    while (sim->undo_cnt && sim->undos[sim->undo_cnt - 1].height > last) {
        const sim_undo_t *undo = &sim->undos[--sim->undo_cnt];
        count(sim, undo, -1);
        sim->actors[undo->number] = undo->before;
    }
    for (size_t i = 0; i < sim->message_cnt; i++) {
        sim_message_t *m = sim->messages[i];
        if ((!m->landed && !m->other_landed) || m->landed_height <= last)
            continue;
        sim->counts.reverted++;
        m->landed = false;
        m->other_landed = false;
        m->in_pool = true;
        m->lands_at = head + sim_between(sim, 0, 4);
        if (m->row.nonce < sim->nonce)
            sim->nonce = m->row.nonce;
    }
    sim->next_expiry = 0;
    for (int64_t h = last + 1; h <= head; h++)
        put_tipset(sim, h, h < head && sim_chance(sim, sim->trouble.null_round));
    if (last < sim->reverted_to)
        sim->reverted_to = last;
}

void sim_chain_begin(sim_t *sim)
{
    sim->by_nonce = calloc((size_t)1 << 16, sizeof *sim->by_nonce);
    assert_non_null(sim->by_nonce);
    sim->next_tipset = 1;
    sim->reverted_to = SIM_NEVER;
    sim->next_expiry = SIM_NEVER;
    put_tipset(sim, SIM_EPOCH_0, false);
    sim->seen_height = sim->height;
    sim->next_epoch_ms = SIM_START_MS + SIM_BLOCK_MS;
}

void sim_chain_epoch(sim_t *sim)
{
    const int64_t height = SIM_EPOCH_0 + (sim->next_epoch_ms - SIM_START_MS) / SIM_BLOCK_MS;
    const bool null = sim_chance(sim, sim->trouble.null_round);
    sim->counts.epochs++;
    sim->next_epoch_ms += SIM_BLOCK_MS;
    put_tipset(sim, height, null);
    if (null)
        return;
    run_pool(sim);
    if (sim->height >= sim->next_expiry)
        expire(sim);
    if (sim->healthy || sim->height < SIM_EPOCH_0 + 20)
        return;
    if (sim_draw(sim, 10000) < sim->trouble.reorg)
        reorganise(sim, sim_between(sim, 1, sim->config.message_confidence));
    else if (sim_draw(sim, 10000) < sim->trouble.deep_reorg)
        reorganise(sim, sim_between(sim, 1, 18));
}
