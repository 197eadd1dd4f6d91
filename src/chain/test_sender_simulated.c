#include "store/test_engines.h"

#include "base/assert.h"
#include "chain/sender.h"

#include <sys/stat.h>

/* The sender against a simulated network: two nodes with pools of their own, a chain with prices and
 * reorgs, another program that uses the same addresses, answers that are lost, and a sender that dies
 * between any effect and the database. */

static slk_diag_t diag;
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static bool luck(unsigned percent)
{
    return random_below(100) < percent;
}

enum { MESSAGES = 24, POOL = 256, CHAIN = 4000, SENDERS = 3, CONFIDENCE = 5, FOREIGN = 1000 };

/* What travels as SignedMessage: key is the method, unique a wanted message; FOREIGN + n is another
 * program's. */
typedef struct {
    uint64_t sender, nonce, key, premium;
} wire_t;

typedef struct {
    wire_t pool[POOL];
    size_t cnt;
    uint64_t next[SENDERS]; /* the wallet's own memory of nonces */
    bool down;
    struct {
        uint64_t key;
        wire_t wire;
    } uuids[POOL]; /* MsgUuid -> what was pushed */
    size_t uuid_cnt;
} sim_node_t;

typedef struct {
    sim_node_t nodes[2];
    int active;
    struct {
        wire_t wires[POOL];
        size_t cnt;
        uint64_t name; /* differs between forks */
    } blocks[CHAIN];
    int64_t height; /* of the head; blocks[0] is empty */
    int64_t highest;
    wire_t said[4 * POOL]; /* all that any pool ever took */
    size_t said_cnt;
    uint64_t names, price;
    bool trouble, dies;
    uint64_t foreign;
    uint64_t nonce_of[MESSAGES]; /* the one nonce that a key was seen with, + 1 */
    bool pushed[MESSAGES];       /* was in a pool */
    unsigned deaths, reorgs, replaced_fees, lost;
} sim_t;

static sim_t sim;
static unsigned all_reorgs; /* of this run */

static slk_address_t sender_address(uint64_t sender)
{
    return slk_address_id(100 + sender);
}

static slk_address_t signer_address(uint64_t sender)
{
    char name[16];
    snprintf(name, sizeof name, "key %llu", (unsigned long long)sender);
    return slk_address_actor(name, strlen(name));
}

static uint64_t sender_of(const slk_address_t *signer)
{
    for (uint64_t s = 0; s < SENDERS; s++) {
        slk_address_t address = signer_address(s), id = sender_address(s);
        if (slk_address_eq(&address, signer) || slk_address_eq(&id, signer))
            return s;
    }
    fail_msg("unknown signer");
    return 0;
}

static slk_cid_t cid_of(const wire_t *wire)
{
    return slk_cid_of_cbor(wire, sizeof *wire);
}

/* Nonce in the state of `height`: messages of that tipset itself not executed yet. */
static uint64_t state_nonce(uint64_t sender, int64_t height)
{
    uint64_t nonce = 0;
    for (int64_t h = 0; h < height; h++)
        for (size_t i = 0; i < sim.blocks[h].cnt; i++)
            nonce += sim.blocks[h].wires[i].sender == sender;
    return nonce;
}

static slk_head_t head_at(int64_t height)
{
    slk_head_t head = {.height = height};
    slk_cid_t cid = slk_cid_of_cbor(&sim.blocks[height].name, sizeof sim.blocks[height].name);
    memcpy(head.key.b, cid.b, cid.len);
    head.key.len = cid.len;
    return head;
}

/* --- Pools --------------------------------------------------------------------------------- */

static wire_t *in_pool(sim_node_t *node, uint64_t sender, uint64_t nonce)
{
    for (size_t i = 0; i < node->cnt; i++)
        if (node->pool[i].sender == sender && node->pool[i].nonce == nonce)
            return &node->pool[i];
    return NULL;
}

static uint64_t pool_nonce(sim_node_t *node, uint64_t sender)
{
    uint64_t nonce = state_nonce(sender, sim.height + 1);
    while (in_pool(node, sender, nonce))
        nonce++;
    return nonce;
}

/* What the node's wallet chooses: it remembers what it chose although the pool may forget. */
static uint64_t wallet_nonce(sim_node_t *node, uint64_t sender)
{
    uint64_t nonce = pool_nonce(node, sender);
    if (nonce < node->next[sender])
        nonce = node->next[sender];
    while (in_pool(node, sender, nonce))
        nonce++;
    node->next[sender] = nonce + 1;
    return nonce;
}

/* A key is never signed with two nonces. */
static void note_seen(const wire_t *wire)
{
    if (wire->key >= FOREIGN)
        return;
    assert_true(sim.nonce_of[wire->key] == 0 || sim.nonce_of[wire->key] == wire->nonce + 1);
    sim.nonce_of[wire->key] = wire->nonce + 1;
    sim.pushed[wire->key] = true;
}

static slk_message_outcome_t pool_add(sim_node_t *node, const wire_t *wire)
{
    wire_t *old = in_pool(node, wire->sender, wire->nonce);
    if (wire->nonce < state_nonce(wire->sender, sim.height + 1))
        return SLK_OUT_TOO_LOW;
    if (old && memcmp(old, wire, sizeof *wire) == 0)
        return SLK_OUT_KNOWN;
    if (old && wire->premium < old->premium * 110 / 100 + 1)
        return SLK_OUT_TAKEN;
    note_seen(wire);
    if (sim.said_cnt < SLK_COUNT(sim.said))
        sim.said[sim.said_cnt++] = *wire;
    if (old)
        sim.replaced_fees++;
    else
        assert_true(node->cnt < POOL);
    if (old)
        *old = *wire;
    else
        node->pool[node->cnt++] = *wire;
    return SLK_OUT_OK;
}

static void gossip(void)
{
    for (int n = 0; n < 2; n++)
        for (size_t i = 0; i < sim.nodes[n].cnt; i++)
            if (luck(70))
                pool_add(&sim.nodes[1 - n], &sim.nodes[n].pool[i]);
}

/* After a reorg a node says again what it had said before and what is no longer on chain. */
static void say_again(void)
{
    for (size_t i = 0; i < sim.said_cnt; i++)
        if (luck(50))
            pool_add(&sim.nodes[random_below(2)], &sim.said[i]);
}

static void drop_used(sim_node_t *node)
{
    for (size_t i = 0; i < node->cnt;)
        if (node->pool[i].nonce < state_nonce(node->pool[i].sender, sim.height + 1) ||
            (sim.trouble && node->pool[i].key < FOREIGN && luck(1)))
            node->pool[i] = node->pool[--node->cnt];
        else
            i++;
}

/* --- The chain ----------------------------------------------------------------------------- */

static void mine(void)
{
    sim_node_t *node = &sim.nodes[random_below(2)];
    int64_t h = ++sim.height;
    assert_true(h + 1 < CHAIN);
    if (h > sim.highest)
        sim.highest = h;
    sim.blocks[h].cnt = 0;
    sim.blocks[h].name = ++sim.names;
    for (uint64_t s = 0; s < SENDERS; s++) {
        wire_t *wire;
        while ((wire = in_pool(node, s, state_nonce(s, h + 1))) && wire->premium >= sim.price &&
               !luck(30))
            sim.blocks[h].wires[sim.blocks[h].cnt++] = *wire;
    }
    drop_used(&sim.nodes[0]);
    drop_used(&sim.nodes[1]);
    gossip();
    if (luck(10))
        sim.price = 50 + random_below(sim.trouble ? 2000 : 50);
}

static slk_err_t revert_height(slk_db_t *db, void *ctx, slk_diag_t *d)
{
    return slk_message_revert_all(db, *(int64_t *)ctx, 0, d);
}

static void reorg(slk_db_t *db)
{
    int64_t depth = 1 + (int64_t)random_below(CONFIDENCE);
    sim.reorgs++;
    all_reorgs++;
    /* What has its confidence stays. */
    while (depth-- && sim.height > 1 && sim.height > sim.highest - CONFIDENCE) {
        assert_ok(slk_db_transact(db, revert_height, &sim.height, &diag), diag);
        int64_t h = sim.height--;
        for (size_t i = 0; i < sim.blocks[h].cnt; i++)
            for (int n = 0; n < 2; n++)
                if (luck(80) || sim.blocks[h].wires[i].key >= FOREIGN)
                    pool_add(&sim.nodes[n], &sim.blocks[h].wires[i]);
    }
    say_again();
}

/* Another program sends from an address of ours, by the same node's wallet; it looks after its messages
 * itself, so that they are not lost. */
static void foreign_push(uint64_t sender)
{
    sim_node_t *node = &sim.nodes[sim.active];
    wire_t wire = {.sender = sender,
                   .nonce = wallet_nonce(node, sender),
                   .key = FOREIGN + sim.foreign++,
                   .premium = sim.price + random_below(100)};
    pool_add(node, &wire);
}

/* --- The outside --------------------------------------------------------------------------- */

/* Sometimes the sender dies: what was done is done, and nobody hears of it. */
static slk_err_t done(slk_message_result_t *result, slk_message_outcome_t outcome)
{
    result->outcome = outcome;
    if (outcome != SLK_OUT_OK)
        slk_fail(&result->diag, SLK_OK, "simulated trouble");
    if (sim.dies && luck(8)) {
        sim.deaths++;
        return SLK_ERR_CANCELLED;
    }
    return SLK_OK;
}

static bool unreachable(void)
{
    return sim.nodes[sim.active].down || (sim.trouble && luck(10));
}

static slk_err_t sim_bind(void *ctx, slk_message_result_t *result)
{
    (void)ctx;
    snprintf(result->node, sizeof result->node, "%d", sim.active);
    return done(result, SLK_OUT_OK);
}

static slk_err_t sim_resolve(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    result->signer = signer_address(sender_of(&row->from));
    return done(result, unreachable() ? SLK_OUT_RETRY : SLK_OUT_OK);
}

static slk_err_t sim_estimate(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    if (unreachable())
        return done(result, SLK_OUT_RETRY);
    if (row->method % 8 == 7)
        return done(result, SLK_OUT_REFUSED);
    result->gas.gas_limit = 1000;
    result->gas.premium = slk_bigint_u64(sim.price + random_below(20));
    result->gas.fee_cap = slk_bigint_u64(100000);
    return done(result, SLK_OUT_OK);
}

static slk_err_t sim_next_nonce(void *ctx, slk_message_result_t *result)
{
    (void)ctx;
    result->nonce = pool_nonce(&sim.nodes[sim.active], sender_of(&result->signer));
    return done(result, unreachable() ? SLK_OUT_RETRY : SLK_OUT_OK);
}

static void give_wire(slk_message_result_t *result, const wire_t *wire)
{
    result->bytes = malloc(sizeof *wire);
    assert_non_null(result->bytes);
    memcpy(result->bytes, wire, sizeof *wire);
    result->bytes_len = sizeof *wire;
    result->cid = cid_of(wire);
}

static slk_err_t sim_sign(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    wire_t wire = {
        .sender = sender_of(&result->signer), .nonce = result->nonce, .key = row->method};
    assert_true(slk_bigint_to_u64(&result->gas.premium, &wire.premium));
    give_wire(result, &wire);
    return done(result, SLK_OUT_OK);
}

static slk_err_t sim_push(void *ctx, const void *bytes, size_t len, slk_message_result_t *result)
{
    (void)ctx;
    wire_t wire;
    assert_int_equal(len, sizeof wire);
    memcpy(&wire, bytes, len);
    if (unreachable())
        return done(result, SLK_OUT_RETRY);
    slk_message_outcome_t outcome = pool_add(&sim.nodes[sim.active], &wire);
    if (sim.trouble && luck(20)) {
        sim.lost++;
        outcome = SLK_OUT_NO_ANSWER;
    }
    return done(result, outcome);
}

static slk_err_t sim_hand(void *ctx, const slk_message_row_t *row, slk_message_result_t *result)
{
    (void)ctx;
    sim_node_t *node = &sim.nodes[atoi(row->node)];
    if (node->down)
        return done(result, SLK_OUT_RETRY);
    wire_t wire = {.sender = sender_of(&row->from), .key = row->method};
    bool known = false;
    for (size_t i = 0; i < node->uuid_cnt; i++) {
        if (node->uuids[i].key == row->method) {
            wire = node->uuids[i].wire;
            known = true;
        }
    }
    if (!known && row->method % 8 == 7)
        return done(result, SLK_OUT_REFUSED);
    if (!known) {
        wire.nonce = wallet_nonce(node, wire.sender);
        wire.premium = sim.price + random_below(20);
        assert_int_equal(pool_add(node, &wire), SLK_OUT_OK);
        node->uuids[node->uuid_cnt].key = row->method;
        node->uuids[node->uuid_cnt++].wire = wire;
    }
    if (sim.trouble && luck(20)) {
        sim.lost++;
        return done(result, SLK_OUT_NO_ANSWER);
    }
    result->signer = signer_address(wire.sender);
    result->nonce = wire.nonce;
    result->gas = (slk_gas_t){.gas_limit = 1000,
                              .fee_cap = slk_bigint_u64(100000),
                              .premium = slk_bigint_u64(wire.premium)};
    give_wire(result, &wire);
    return done(result, SLK_OUT_OK);
}

static slk_err_t sim_search(void *ctx, const slk_head_t *head, const slk_cid_t *cids, size_t cnt,
                            slk_message_result_t *result)
{
    (void)ctx;
    slk_head_t now = head_at(sim.height);
    assert_true(slk_tipset_key_eq(&head->key, &now.key));
    if (unreachable())
        return done(result, SLK_OUT_RETRY);
    for (int64_t h = 0; h < head->height; h++) {
        for (size_t i = 0; i < sim.blocks[h].cnt; i++) {
            slk_cid_t cid = cid_of(&sim.blocks[h].wires[i]);
            for (size_t c = 0; c < cnt; c++) {
                if (!slk_cid_eq(&cids[c], &cid))
                    continue;
                result->cid = cid;
                result->height = h + 1;
                result->tipset = head_at(h + 1).key;
                result->exit_code = sim.blocks[h].wires[i].key % 8 == 6 ? 16 : 0;
                result->bytes = malloc(1);
                result->bytes[0] = 0x80;
                result->bytes_len = 1;
                return done(result, SLK_OUT_FOUND);
            }
        }
    }
    return done(result, luck(50) ? SLK_OUT_OTHER : SLK_OUT_NOT_FOUND);
}

static slk_err_t sim_chain_nonce(void *ctx, const slk_head_t *head, const slk_address_t *signer,
                                 slk_message_result_t *result)
{
    (void)ctx;
    result->nonce = state_nonce(sender_of(signer), head->height);
    return done(result, unreachable() ? SLK_OUT_RETRY : SLK_OUT_OK);
}

static const slk_sender_ops_t sim_ops = {.bind = sim_bind,
                                         .resolve = sim_resolve,
                                         .estimate = sim_estimate,
                                         .next_nonce = sim_next_nonce,
                                         .sign = sim_sign,
                                         .hand = sim_hand,
                                         .push = sim_push,
                                         .search = sim_search,
                                         .chain_nonce = sim_chain_nonce};

/* --- One life ------------------------------------------------------------------------------ */

static unsigned finals[MESSAGES];

static slk_err_t on_final(void *ctx, slk_db_t *db, const slk_message_row_t *row, slk_diag_t *d)
{
    (void)ctx;
    (void)d;
    assert_true(slk_db_in_transaction(db));
    finals[row->method]++;
    return SLK_OK;
}

static slk_db_t *open_db(const char *path)
{
    slk_db_t *db = NULL;
    assert_ok(slk_db_open(&db, path, &diag), diag);
    assert_ok(slk_message_migrate(db, &diag), diag);
    return db;
}

static int64_t add_message(slk_db_t *db, uint64_t key, slk_nonce_mode_t mode)
{
    char name[32];
    int64_t id = 0;
    snprintf(name, sizeof name, "test/%llu", (unsigned long long)key);
    slk_message_want_t want = {.key = name,
                               .from = sender_address(key % SENDERS),
                               .to = slk_address_id(1000),
                               .value = slk_bigint_u64(key),
                               .method = key,
                               .params = "\x81\x05",
                               .params_len = 2,
                               .mode = mode,
                               .max_fee = slk_bigint_u64(1000000000),
                               .confidence = CONFIDENCE,
                               .stuck_epochs = 3};
    assert_ok(slk_message_add(db, &want, 1, &id, &diag), diag);
    return id;
}

static slk_db_t *turn(slk_db_t *db, const char *path, int64_t now_ms)
{
    slk_sender_opts_t opts = {.ops = &sim_ops, .final = on_final, .in_flight_max = 6};
    slk_head_t head = head_at(sim.height);
    bool busy;
    slk_err_t err = slk_sender_turn(&opts, db, &head, now_ms, &busy, &diag);
    if (err == SLK_ERR_CANCELLED) { /* died; started again */
        slk_db_close(db);
        return open_db(path);
    }
    assert_ok(err, diag);
    return db;
}

static unsigned executions(uint64_t key)
{
    unsigned cnt = 0;
    for (int64_t h = 0; h < sim.height; h++)
        for (size_t i = 0; i < sim.blocks[h].cnt; i++)
            cnt += sim.blocks[h].wires[i].key == key;
    return cnt;
}

static void check_all(slk_db_t *db, unsigned counts[SLK_MESSAGE_STATE_CNT])
{
    for (uint64_t key = 0; key < MESSAGES; key++) {
        slk_message_row_t row;
        char name[32];
        snprintf(name, sizeof name, "test/%llu", (unsigned long long)key);
        assert_ok(slk_message_find(db, name, &row, &diag), diag);
        unsigned executed = executions(key);
        if (!slk_message_state_final(row.state))
            fail_msg("seed %llu: %s is %s: %s", (unsigned long long)seed, name,
                     slk_message_state_text(row.state), row.error);
        counts[row.state]++;
        assert_int_equal(finals[key], 1);
        assert_int_equal(executed,
                         row.state == SLK_MESSAGE_DONE || row.state == SLK_MESSAGE_FAILED);
        if (row.state == SLK_MESSAGE_DONE || row.state == SLK_MESSAGE_FAILED) {
            assert_int_equal(row.state == SLK_MESSAGE_FAILED, key % 8 == 6);
            assert_int_equal(row.exit_code, key % 8 == 6 ? 16 : 0);
            assert_int_equal(row.result_len, 1);
            slk_head_t head = head_at(row.landed_height);
            assert_true(slk_tipset_key_eq(&head.key, &row.landed_tipset));
        }
        if (row.state == SLK_MESSAGE_REFUSED) {
            assert_int_equal(key % 8, 7);
            assert_false(sim.pushed[key]);
        }
        slk_message_row_free(&row);
    }
}

typedef struct {
    slk_nonce_mode_t mode;
    bool trouble, dies, foreign, reorgs;
} life_t;

static void live(uint64_t number, life_t life, unsigned counts[SLK_MESSAGE_STATE_CNT])
{
    char dir[64] = "/dev/shm/selkie-test-XXXXXX", path[TEST_WHERE];
    if (test_on_server || !mkdtemp(dir))
        test_new(dir);
    test_where(path, dir);
    unsigned deaths = sim.deaths, reorgs = sim.reorgs, fees = sim.replaced_fees, lost = sim.lost;
    memset(&sim, 0, sizeof sim);
    memset(finals, 0, sizeof finals);
    sim.deaths = deaths;
    sim.reorgs = reorgs;
    sim.replaced_fees = fees;
    sim.lost = lost;
    sim.price = 100;
    sim.height = 1;
    seed = number;
    slk_db_t *db = open_db(path);
    uint64_t added = 0;
    for (int step = 0; step < 900; step++) {
        bool calm = step > 500; /* in the end the network gets well */
        sim.trouble = life.trouble && !calm;
        sim.dies = life.dies && !calm;
        sim.nodes[0].down = sim.trouble && luck(10);
        sim.nodes[1].down = sim.trouble && luck(10);
        if (sim.trouble && luck(5))
            sim.active = 1 - sim.active;
        while (added < MESSAGES && luck(40))
            add_message(db, added++, life.mode);
        if (life.foreign && !calm && luck(15))
            foreign_push(random_below(SENDERS));
        if (luck(60))
            mine();
        if (life.reorgs && !calm && luck(6))
            reorg(db);
        db = turn(db, path, 1000 + step * 5000);
    }
    check_all(db, counts);
    slk_db_close(db);
    test_rm_dir(dir);
}

static int lives = 12; /* of each kind with trouble; more in the slow suite */

static void live_many(int cnt, life_t life, unsigned counts[SLK_MESSAGE_STATE_CNT])
{
    memset(&sim, 0, sizeof sim);
    memset(counts, 0, SLK_MESSAGE_STATE_CNT * sizeof *counts);
    for (int i = 0; i < cnt; i++)
        live((uint64_t)i + 1, life, counts);
}

static void test_calm(void **state)
{
    (void)state;
    unsigned counts[SLK_MESSAGE_STATE_CNT];
    live_many(2, (life_t){.mode = SLK_OWN_NONCE}, counts);
    assert_int_equal(counts[SLK_MESSAGE_REFUSED], 2 * MESSAGES / 8);
    assert_int_equal(counts[SLK_MESSAGE_FAILED], 2 * MESSAGES / 8);
    assert_int_equal(counts[SLK_MESSAGE_DONE], 2 * MESSAGES * 6 / 8);
    live_many(2, (life_t){.mode = SLK_NODE_NONCE}, counts);
    assert_int_equal(counts[SLK_MESSAGE_DONE], 2 * MESSAGES * 6 / 8);
}

static void test_own_nonce(void **state)
{
    (void)state;
    unsigned counts[SLK_MESSAGE_STATE_CNT];
    live_many(lives, (life_t){.mode = SLK_OWN_NONCE, .trouble = true, .dies = true, .reorgs = true},
              counts);
    print_message("own nonce: %u deaths, %u reorgs, %u lost answers, %u fees raised; %u done\n",
                  sim.deaths, sim.reorgs, sim.lost, sim.replaced_fees, counts[SLK_MESSAGE_DONE]);
    assert_true(sim.deaths > 200 && sim.reorgs > 200 && sim.lost > 50 && sim.replaced_fees > 30);
    /* Nobody else uses the addresses: all are executed. */
    assert_int_equal(counts[SLK_MESSAGE_REPLACED], 0);
}

static void test_own_nonce_shared(void **state)
{
    (void)state;
    unsigned counts[SLK_MESSAGE_STATE_CNT];
    live_many(
        lives,
        (life_t){
            .mode = SLK_OWN_NONCE, .trouble = true, .dies = true, .reorgs = true, .foreign = true},
        counts);
    print_message("own nonce, shared address: %u done, %u replaced\n", counts[SLK_MESSAGE_DONE],
                  counts[SLK_MESSAGE_REPLACED]);
    assert_true(counts[SLK_MESSAGE_REPLACED] > 0 && counts[SLK_MESSAGE_DONE] > 80);
    print_message("%u reorgs in all\n", all_reorgs);
    assert_true(all_reorgs >= 1000);
}

static void test_node_nonce(void **state)
{
    (void)state;
    unsigned counts[SLK_MESSAGE_STATE_CNT];
    live_many(
        lives,
        (life_t){
            .mode = SLK_NODE_NONCE, .trouble = true, .dies = true, .reorgs = true, .foreign = true},
        counts);
    print_message("node nonce: %u done, %u replaced\n", counts[SLK_MESSAGE_DONE],
                  counts[SLK_MESSAGE_REPLACED]);
    assert_true(counts[SLK_MESSAGE_DONE] > 100);
}

/* Each write is on a disk here, not in memory: a few lives only. */
static void test_server(void **state)
{
    (void)state;
    unsigned counts[SLK_MESSAGE_STATE_CNT];
    live_many(2, (life_t){.mode = SLK_OWN_NONCE, .trouble = true, .dies = true, .reorgs = true},
              counts);
    assert_true(sim.deaths > 20 && sim.reorgs > 20);
    assert_int_equal(counts[SLK_MESSAGE_REPLACED], 0);
    live_many(1, (life_t){.mode = SLK_NODE_NONCE, .trouble = true, .dies = true, .reorgs = true},
              counts);
    assert_true(counts[SLK_MESSAGE_DONE] > 8);
}

/* --- The table ----------------------------------------------------------------------------- */

static void test_add(void **state)
{
    (void)state;
    char dir[64], path[TEST_WHERE];
    test_new(dir);
    test_where(path, dir);
    slk_db_t *db = open_db(path);
    int64_t id = add_message(db, 1, SLK_OWN_NONCE), other;
    assert_true(add_message(db, 1, SLK_OWN_NONCE) == id);
    slk_message_want_t want = {.key = "test/1",
                               .from = sender_address(1),
                               .to = slk_address_id(1000),
                               .value = slk_bigint_u64(2),
                               .method = 1,
                               .params = "\x81\x05",
                               .params_len = 2,
                               .confidence = 5};
    assert_err(SLK_ERR_MISMATCH, slk_message_add(db, &want, 1, &other, &diag));
    assert_non_null(strstr(diag.text, "stands for another message (Queued)"));
    want.key = "test/mode";
    want.mode = SLK_NODE_NONCE;
    assert_err(SLK_ERR_MISMATCH, slk_message_add(db, &want, 1, &other, &diag));
    assert_non_null(strstr(diag.text, "other nonce mode"));
    want.confidence = 0;
    assert_err(SLK_ERR_INPUT, slk_message_add(db, &want, 1, &other, &diag));

    slk_message_row_t row;
    assert_ok(slk_message_load(db, id, &row, &diag), diag);
    assert_string_equal(row.key, "test/1");
    assert_int_equal(row.state, SLK_MESSAGE_QUEUED);
    assert_false(row.has_nonce);
    assert_int_equal(row.params_len, 2);
    assert_memory_equal(row.params, "\x81\x05", 2);
    slk_message_row_free(&row);
    assert_err(SLK_ERR_STATE, slk_message_replace(db, id, NULL, &diag));
    const slk_bigint_t more = slk_bigint_u64(UINT64_C(123456789012345678));
    assert_ok(slk_message_replace(db, id, &more, &diag), diag);
    assert_ok(slk_message_load(db, id, &row, &diag), diag);
    assert_int_equal(slk_bigint_cmp(&row.max_fee, &more), 0);
    slk_message_row_free(&row);
    assert_ok(slk_message_cancel(db, id, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_message_replace(db, id, &more, &diag));
    assert_err(SLK_ERR_STATE, slk_message_cancel(db, id, &diag));
    assert_ok(slk_message_load(db, id, &row, &diag), diag);
    assert_int_equal(row.state, SLK_MESSAGE_REFUSED);
    assert_string_equal(row.error, "taken back");
    slk_message_row_free(&row);
    assert_err(SLK_ERR_NOTFOUND, slk_message_load(db, 77, &row, &diag));
    slk_db_close(db);
    test_rm_dir(dir);
}

static void test_states(void **state)
{
    (void)state;
    for (int i = 0; i < SLK_MESSAGE_STATE_CNT; i++) {
        slk_message_state_t back;
        assert_true(slk_message_state_from_text(&back, slk_message_state_text(i)));
        assert_int_equal(back, i);
    }
    slk_message_state_t none;
    assert_false(slk_message_state_from_text(&none, "Lost"));
}

int main(int argc, char **argv)
{
    if (argc > 1)
        lives = atoi(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),     cmocka_unit_test(test_add),
        cmocka_unit_test(test_calm),       cmocka_unit_test(test_own_nonce),
        cmocka_unit_test(test_node_nonce), cmocka_unit_test(test_own_nonce_shared),
    };
    const struct CMUnitTest postgresql[] = {cmocka_unit_test(test_add),
                                            cmocka_unit_test(test_server)};
    return test_engines(tests, SLK_COUNT(tests), postgresql, SLK_COUNT(postgresql));
}
