/* Blocks of real miners: what they are told, blocks of their templates, what is refused and why,
 * tipsets of several blocks.
 *
 * The miner is the one of a recorded 2k network: its id, the sectors 0 and 1, and the winning PoSt of
 * epoch 1000, whose challenge is the same here because beacon and id are. They are put into the state
 * by hand, in the place of the built-in producer's account. */

#include "codec/actors/miner_state.h"
#include "codec/actors/power.h"
#include "codec/actors/reward.h"
#include "codec/ipld/amt.h"
#include "codec/ipld/hamt.h"
#include "codec/ipld/object.h"
#include "crypto/election/randomness.h"
#include "crypto/election/win_count.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/chain/draft.h"
#include "devnet/chain/mining.h"
#include "devnet/chain/submit.h"
#include "devnet/chain/test_node.h"

#define CREATED  UINT64_C(1001) /* the actor that becomes MINER */
#define MINER    UINT64_C(1000)
#define RECORDED INT64_C(1000) /* epoch of the proof */
#define POWER    UINT64_C(4096)

static node_t node;
static slk_arena_t arena;
static slk_address_t miner;

/* --- A miner with power ----------------------------------------------------------------------- */

static void create_miner(void)
{
    slk_buf_t buf = {0};
    slk_found_t found;
    const slk_create_miner_params_t params = {.owner = node.accounts[0],
                                              .worker = node.accounts[0],
                                              .window_post_proof_type = 10,
                                              .peer = {(const uint8_t *)"peer", 4}};
    assert_ok(slk_record_encode(&buf, &slk_create_miner_params_type, &params, &node.diag),
              node.diag);
    slk_message_t m = node_transfer(&node, 0, 0, 0, 1000);
    m.to = slk_address_id(SLK_ID_POWER);
    m.method = 2;
    m.value = fil(100);
    m.gas_limit = 200000000;
    m.params = (slk_bytes_t){buf.bytes, buf.len};
    slk_cid_t cid = node_push(&node, 0, m);
    node_mine(&node, 2);
    assert_true(node_search(&node, &cid, &found));
    assert_int_equal(found.receipt.exit_code, 0);
    slk_found_free(&found);
    slk_buf_free(&buf);
    miner = slk_address_id(MINER);
}

static void set_array(slk_cid_t *root, unsigned width, uint64_t index, const void *record,
                      const slk_type_t *type)
{
    slk_amt_t *amt;
    slk_buf_t buf = {0};
    assert_ok(slk_amt_load(&amt, slk_chain_store(node.chain), SLK_AMT_V3, width, root, &node.diag),
              node.diag);
    assert_ok(slk_record_encode(&buf, type, record, &node.diag), node.diag);
    assert_ok(slk_amt_set(amt, index, (slk_bytes_t){buf.bytes, buf.len}, &node.diag), node.diag);
    assert_ok(slk_amt_flush(amt, root, &node.diag), node.diag);
    slk_amt_free(amt);
    slk_buf_free(&buf);
}

static void read_actor(slk_state_tree_t *tree, uint64_t id, slk_actor_state_t *actor, void *state,
                       const slk_type_t *type)
{
    bool found;
    assert_ok(slk_state_tree_get(tree, id, actor, &found, &node.diag), node.diag);
    assert_true(found);
    assert_ok(
        slk_object_get(state, type, slk_chain_store(node.chain), &actor->head, &arena, &node.diag),
        node.diag);
}

static void write_actor(slk_state_tree_t *tree, uint64_t id, slk_actor_state_t *actor,
                        const void *state, const slk_type_t *type)
{
    assert_ok(slk_object_put(&actor->head, type, state, slk_chain_store(node.chain), &node.diag),
              node.diag);
    assert_ok(slk_state_tree_set(tree, id, actor, &node.diag), node.diag);
}

/* The recorded winning PoSt of an epoch: its sector, and the proof. */
static slk_bytes_t recorded(int64_t epoch, slk_challenged_sector_t *sector)
{
    json_t *blocks = test_vectors("lotus-rpc/blocks.json"), *block;
    slk_bytes_t proof = {0};
    slk_block_header_t header;
    size_t i;
    json_array_foreach(blocks, i, block)
    {
        if (json_integer_value(json_object_get(block, "height")) != epoch)
            continue;
        json_t *post = json_object_get(block, "winning_post");
        assert_ok(
            slk_record_from_json(sector, &slk_challenged_sector_type,
                                 json_array_get(json_object_get(post, "challenged_sectors"), 0),
                                 &arena, &node.diag),
            node.diag);
        assert_ok(slk_record_from_json(&header, &slk_block_header_type,
                                       json_object_get(block, "header"), &arena, &node.diag),
                  node.diag);
        proof = header.win_post_proof.items[0].proof_bytes;
    }
    json_decref(blocks);
    assert_true(proof.len == 192);
    return proof;
}

static void give_sectors(slk_state_tree_t *tree)
{
    const slk_blockstore_t *store = slk_chain_store(node.chain);
    slk_actor_state_t actor;
    slk_miner_state_t state;
    slk_deadlines_t deadlines;
    slk_deadline_t deadline;
    slk_partition_t part = {0};
    const uint64_t numbers[] = {0, 1};
    read_actor(tree, CREATED, &actor, &state, &slk_miner_state_type);
    for (uint64_t n = 0; n < 2; n++) {
        slk_challenged_sector_t sector;
        recorded(n ? 500 : RECORDED, &sector);
        assert_int_equal(sector.sector_number, n);
        const slk_sector_on_chain_info_t info = {.sector_number = n,
                                                 .seal_proof = sector.seal_proof,
                                                 .sealed_cid = sector.sealed_cid,
                                                 .expiration = 1000000};
        set_array(&state.sectors, 5, n, &info, &slk_sector_on_chain_info_type);
    }
    assert_ok(slk_object_get(&deadlines, &slk_deadlines_type, store, &state.deadlines, &arena,
                             &node.diag),
              node.diag);
    slk_cid_t *due = &deadlines.due.items[7];
    assert_ok(slk_object_get(&deadline, &slk_deadline_type, store, due, &arena, &node.diag),
              node.diag);
    part.expirations_epochs = part.early_terminated = deadline.partitions;
    assert_ok(slk_bitfield_from_bits(&part.sectors, numbers, 2, &arena), node.diag);
    set_array(&deadline.partitions, 3, 0, &part, &slk_partition_type);
    assert_ok(slk_object_put(due, &slk_deadline_type, &deadline, store, &node.diag), node.diag);
    assert_ok(slk_object_put(&state.deadlines, &slk_deadlines_type, &deadlines, store, &node.diag),
              node.diag);
    write_actor(tree, MINER, &actor, &state, &slk_miner_state_type);
}

static void give_power(slk_state_tree_t *tree)
{
    slk_actor_state_t actor;
    slk_power_state_t power;
    slk_hamt_t *claims;
    slk_buf_t buf = {0};
    const slk_bigint_t size = slk_bigint_u64(POWER);
    const slk_power_claim_t claim = {10, size, size};
    read_actor(tree, SLK_ID_POWER, &actor, &power, &slk_power_state_type);
    assert_ok(slk_hamt_load(&claims, slk_chain_store(node.chain), 5, &power.claims, &node.diag),
              node.diag);
    assert_ok(slk_record_encode(&buf, &slk_power_claim_type, &claim, &node.diag), node.diag);
    assert_ok(slk_hamt_set(claims, (slk_bytes_t){miner.b, miner.len},
                           (slk_bytes_t){buf.bytes, buf.len}, &node.diag),
              node.diag);
    assert_ok(slk_hamt_flush(claims, &power.claims, &node.diag), node.diag);
    slk_hamt_free(claims);
    slk_buf_free(&buf);
    power.total_raw_byte_power = power.total_quality_adj_power = size;
    power.total_bytes_committed = power.total_qa_bytes_committed = size;
    power.miner_above_min_power_count = 1;
    write_actor(tree, SLK_ID_POWER, &actor, &power, &slk_power_state_type);
}

/* The state after the head becomes another one. */
static void forge(void)
{
    slk_state_tree_t *tree;
    slk_tip_t *head = slk_chain_head(node.chain);
    assert_ok(slk_chain_state(&tree, node.chain, &head->state, &node.diag), node.diag);
    give_sectors(tree);
    give_power(tree);
    assert_ok(slk_state_tree_flush(tree, &head->state, &node.diag), node.diag);
    slk_state_tree_free(tree);
    slk_tip_unref(head);
}

/* --- A worker --------------------------------------------------------------------------------- */

static slk_err_t has_key(void *self, const slk_address_t *address, bool *has, slk_diag_t *diag)
{
    (void)self;
    (void)diag;
    *has = slk_address_eq(address, &node.accounts[0]);
    return SLK_OK;
}

static slk_err_t sign_with(void *self, const slk_address_t *address,
                           const slk_sign_request_t *request, slk_key_sig_t *sig, slk_diag_t *diag)
{
    (void)self;
    (void)address;
    return slk_key_sign(sig, &node.keys[0], request->bytes, request->len, diag);
}

static const slk_signer_ops_t worker_ops = {.has = has_key, .sign = sign_with};
static const slk_signer_t worker = {&worker_ops, NULL};

static slk_bytes_t vrf(const slk_node_t *input)
{
    slk_key_sig_t sig;
    assert_ok(slk_key_sign(&sig, &node.keys[0], input->b, 32, &node.diag), node.diag);
    return (slk_bytes_t){slk_arena_copy(&arena, sig.b, sig.len), sig.len};
}

/* A block at the next epoch on a tipset, with messages of the pool. */
static void make_block(slk_block_msg_t *block, const slk_tip_t *base, int64_t epoch)
{
    slk_pending_list_t list;
    slk_block_template_t form = {.miner = miner, .parents = base->key.cids, .epoch = epoch};
    slk_post_proof_t *post = slk_arena_alloc(&arena, sizeof *post);
    form.ticket = slk_arena_alloc(&arena, sizeof *form.ticket);
    form.eproof = slk_arena_alloc(&arena, sizeof *form.eproof);
    slk_challenged_sector_t sector;
    post->proof_bytes = recorded(RECORDED, &sector); /* valid for that epoch alone */
    form.winning_post_proof = (slk_post_proof_list_t){post, 1};
    assert_ok(slk_draft_beacon(&form.beacon_values, base->height, epoch, &arena, &node.diag),
              node.diag);
    const slk_bytes_t beacon = form.beacon_values.items[form.beacon_values.count - 1].data;
    const slk_bytes_t before = base->tipset.blocks.items[0].ticket->vrf_proof;
    const slk_node_t ticket =
        slk_ticket_input(beacon.b, beacon.len, epoch, MINER, before.b, before.len);
    const slk_node_t election = slk_election_input(beacon.b, beacon.len, epoch, MINER);
    const slk_bigint_t power = slk_bigint_u64(POWER);
    form.ticket->vrf_proof = vrf(&ticket);
    form.eproof->vrf_proof = vrf(&election);
    form.eproof->win_count =
        slk_win_count(form.eproof->vrf_proof.b, form.eproof->vrf_proof.len, &power, &power);
    assert_true(form.eproof->win_count > 0); /* all of the network's power: five on average */
    form.timestamp = slk_draft_timestamp(node.chain, epoch);
    assert_ok(slk_mpool_select(&list, node.pool, base, &arena, &node.diag), node.diag);
    form.messages.items = slk_arena_array(&arena, list.count, sizeof *form.messages.items);
    form.messages.count = list.count;
    for (size_t i = 0; i < list.count; i++)
        form.messages.items[i] = list.items[i].message;
    assert_ok(slk_mining_create_block(block, node.chain, &form, worker, &arena, &node.diag),
              node.diag);
}

/* --- Tests ------------------------------------------------------------------------------------ */

static int setup(void **state)
{
    (void)state;
    node_open(&node);
    slk_arena_init(&arena, (size_t)1 << 28);
    node_mine(&node, 1);
    create_miner();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    slk_arena_free(&arena);
    node_close(&node);
    return 0;
}

static void base_info(void **state)
{
    (void)state;
    slk_mining_base_info_t info;
    bool is;
    slk_tip_t *head = slk_chain_head(node.chain);
    /* Just made, and not there 900 epochs ago. */
    assert_ok(slk_mining_base_info(&info, &is, node.chain, &miner, head->height + 1, head, &arena,
                                   &node.diag),
              node.diag);
    assert_false(is);
    const slk_address_t nobody = slk_address_id(7777);
    assert_err(SLK_ERR_NOTFOUND, slk_mining_base_info(&info, &is, node.chain, &nobody,
                                                      head->height + 1, head, &arena, &node.diag));
    assert_string_equal(node.diag.text, "loading miner in current state: actor not found");
    slk_tip_unref(head);
    forge();
    node_mine(&node, 898);
    head = slk_chain_head(node.chain);
    assert_ok(slk_mining_base_info(&info, &is, node.chain, &miner, head->height + 1, head, &arena,
                                   &node.diag),
              node.diag);
    assert_false(is); /* the sector would be 899 epochs old */
    slk_tip_unref(head);
    node_mine(&node, 2);
    head = slk_chain_head(node.chain);
    assert_ok(slk_mining_base_info(&info, &is, node.chain, &miner, head->height + 2, head, &arena,
                                   &node.diag),
              node.diag);
    assert_true(is);
    assert_int_equal(info.sectors.count, 1);
    assert_string_equal(slk_bigint_text(&info.miner_power).s, "4096");
    assert_string_equal(slk_bigint_text(&info.network_power).s, "4096");
    assert_true(slk_address_eq(&info.worker_key, &node.accounts[0]));
    assert_int_equal(info.sector_size, 2048);
    assert_int_equal(info.beacon_entries.count, 2);
    assert_int_equal(info.prev_beacon_entry.round, head->height + 100);
    assert_true(info.eligible_for_mining);
    assert_err(SLK_ERR_INPUT, slk_mining_base_info(&info, &is, node.chain, &miner, INT64_MAX, head,
                                                   &arena, &node.diag));
    slk_tip_unref(head);
    /* The same sector is challenged as on the recorded chain. */
    slk_challenged_sector_t sector;
    recorded(RECORDED, &sector);
    node_mine(&node, (uint64_t)(RECORDED - 1 - node_height(&node)));
    head = slk_chain_head(node.chain);
    assert_ok(
        slk_mining_base_info(&info, &is, node.chain, &miner, RECORDED, head, &arena, &node.diag),
        node.diag);
    assert_int_equal(info.sectors.items[0].sector_number, sector.sector_number);
    assert_true(slk_cid_eq(&info.sectors.items[0].sealed_cid, &sector.sealed_cid));
    slk_tip_unref(head);
}

static void refuse(slk_block_msg_t block, bool sign, const char *text)
{
    slk_buf_t buf = {0};
    slk_key_sig_t sig;
    if (sign) {
        assert_ok(slk_block_unsigned(&buf, &block.header, &node.diag), node.diag);
        assert_ok(slk_key_sign(&sig, &node.keys[0], buf.bytes, buf.len, &node.diag), node.diag);
        block.header.block_sig = slk_key_sig_view(&sig);
        slk_buf_free(&buf);
    }
    assert_err(SLK_ERR_INPUT, slk_mining_submit(node.chain, node.producer, &block, &node.diag));
    if (!strstr(node.diag.text, text))
        fail_msg("'%s' is not in '%s'", text, node.diag.text);
}

static void refuse_headers(const slk_block_msg_t *good)
{
    slk_block_msg_t b = *good;
    const slk_bigint_t one = slk_bigint_u64(1);
    b.header.election_proof = NULL;
    refuse(b, true, "block cannot have nil election proof");
    b = *good;
    b.header.ticket = NULL;
    refuse(b, true, "block cannot have nil ticket");
    b = *good;
    b.header.block_sig.type = 0;
    refuse(b, false, "block had nil signature");
    b = *good;
    slk_cid_t no_block = good->header.messages;
    b.header.parents.items = &no_block;
    refuse(b, true, "load parent tipset failed");
    b = *good;
    b.header.height--;
    refuse(b, true, "block height not greater than parent height");
    b = *good;
    b.header.timestamp++;
    refuse(b, true, "block has wrong timestamp");
    b = *good;
    b.header.parent_weight = slk_bigint_add(b.header.parent_weight, one);
    refuse(b, true, "parent weight different");
    b = *good;
    b.header.parent_base_fee = slk_bigint_add(b.header.parent_base_fee, one);
    refuse(b, true, "base fee doesn't match");
    b = *good;
    b.header.parent_state_root = b.header.messages;
    refuse(b, true, "parent state root did not match computed state");
    b = *good;
    b.header.parent_message_receipts = b.header.messages;
    refuse(b, true, "parent receipts root did not match computed value");
    b = *good;
    b.header.beacon_entries.count = 0;
    refuse(b, true, "failed to validate blocks random beacon values");
    b = *good;
    b.header.miner = slk_address_id(1002);
    refuse(b, true, "miner isn't valid");
    b = *good;
    b.header.messages = b.header.parent_state_root;
    refuse(b, true, "messages didn't match message root in header");
    b = *good;
    b.header.fork_signaling = 1;
    refuse(b, false, "block signature verification failed");
}

static void refuse_claims(const slk_block_msg_t *good)
{
    slk_block_msg_t b = *good;
    slk_election_proof_t election = *good->header.election_proof;
    slk_ticket_t ticket = {good->header.election_proof->vrf_proof};
    b.header.election_proof = &election;
    election.win_count = 0;
    refuse(b, true, "block is not claiming to be a winner");
    election.win_count = good->header.election_proof->win_count + 1;
    refuse(b, true, "miner claims wrong number of wins");
    election = *good->header.election_proof;
    election.vrf_proof = good->header.ticket->vrf_proof;
    refuse(b, true, "validating block election proof failed: vrf was invalid");
    b = *good;
    b.header.ticket = &ticket;
    refuse(b, true, "validating block tickets failed: vrf was invalid");
    /* Messages: not signed for, out of order. */
    b = *good;
    b.header.bls_aggregate.data.b = good->header.block_sig.data.b;
    refuse(b, true, "bls aggregate signature was invalid");
    b = *good;
    b.secpk_messages.items++; /* without the first of two of one sender */
    b.secpk_messages.count--;
    assert_ok(slk_message_root(&b.header.messages, slk_chain_store(node.chain), &b.bls_messages,
                               &b.secpk_messages, &node.diag),
              node.diag);
    refuse(b, true, "wrong nonce (exp: 0, got: 1)");
    b = *good;
    slk_post_proof_t post = good->header.win_post_proof.items[0];
    uint8_t bytes[192];
    memcpy(bytes, post.proof_bytes.b, sizeof bytes);
    bytes[100] ^= 1;
    post.proof_bytes.b = bytes;
    b.header.win_post_proof.items = &post;
    refuse(b, true, "invalid election post: winning post was invalid");
    post = good->header.win_post_proof.items[0];
    post.post_proof = 1;
    refuse(b, true, "invalid election post: winning post was invalid");
    b.header.win_post_proof.count = 0;
    refuse(b, true, "invalid election post: winning post was invalid");
}

static void submit(void **state)
{
    (void)state;
    slk_block_msg_t block, early;
    slk_tip_t *head = slk_chain_head(node.chain);
    node_push(&node, 2, node_transfer(&node, 4, 0, 7, 1000));
    node_push(&node, 3, node_transfer(&node, 4, 0, 7, 1000));
    node_push(&node, 3, node_transfer(&node, 4, 1, 7, 1000));
    make_block(&block, head, head->height + 1);
    assert_int_equal(block.bls_messages.count, 1);
    assert_int_equal(block.secpk_messages.count, 2);
    refuse_headers(&block);
    refuse_claims(&block);
    make_block(&early, head, head->height + 2);
    refuse(early, false, "block was from the future");
    /* And the good one becomes the head. */
    assert_ok(slk_mining_submit(node.chain, node.producer, &block, &node.diag), node.diag);
    slk_tip_t *with = slk_chain_head(node.chain);
    assert_int_equal(with->height, RECORDED);
    slk_cid_t cid;
    assert_ok(slk_block_cid(&cid, &block.header, &node.diag), node.diag);
    assert_true(slk_cid_eq(&with->key.cids.items[0], &cid));
    assert_int_equal(slk_mpool_count(node.pool), 0);
    assert_int_equal(node_actor(&node, 3).nonce, 2);
    slk_tip_unref(with);
    node_mine(&node, 3);
    slk_tip_unref(head);
}

/* As slk_mining_submit without the checks, for epochs that there is no proof of. */
static void join(const slk_block_msg_t *block, slk_tip_t *base)
{
    slk_submit_t s = {.chain = node.chain,
                      .block = block,
                      .header = &block->header,
                      .base = base,
                      .head = slk_chain_head(node.chain),
                      .diag = &node.diag};
    slk_arena_init(&s.arena, (size_t)1 << 24);
    slk_chain_lock(node.chain);
    assert_ok(slk_submit_join(&s), node.diag);
    slk_chain_unlock(node.chain);
    slk_tip_unref(s.head);
    slk_arena_free(&s.arena);
}

static slk_bigint_t mined(void)
{
    slk_supply_t supply;
    slk_tip_t *head = slk_chain_head(node.chain);
    assert_ok(slk_chain_supply(&supply, node.chain, &head->state, head->height, &node.diag),
              node.diag);
    slk_tip_unref(head);
    return supply.mined;
}

static void one_step(void *ctx, const slk_step_t *steps, size_t cnt)
{
    char *seen = ctx;
    for (size_t i = 0; i < cnt; i++)
        strcat(seen, steps[i].revert ? "-" : "+");
}

/* The built-in producer's block and the miner's are one tipset; messages that are in both run
 * once; the miner is paid. */
static void tipset_of_two(void **state)
{
    (void)state;
    slk_block_msg_t block;
    char seen[16] = "";
    slk_tip_t *base = slk_chain_head(node.chain);
    const slk_bigint_t before = mined();
    node_push(&node, 2, node_transfer(&node, 4, 1, 7, 1000));
    node_push(&node, 3, node_transfer(&node, 4, 2, 7, 1000));
    node_push(&node, 3, node_transfer(&node, 4, 3, 7, 1000));
    make_block(&block, base, base->height + 1);
    node_mine(&node, 1);
    slk_tip_t *single = slk_chain_head(node.chain);
    assert_int_equal(node_actor(&node, 3).nonce, 4);
    const uint64_t id = slk_chain_subscribe(node.chain, one_step, seen, NULL);
    join(&block, base);
    slk_tip_t *head = slk_chain_head(node.chain);
    assert_string_equal(seen, "-+");
    assert_int_equal(head->height, single->height);
    assert_int_equal(head->tipset.blocks.count, 2);
    assert_true(slk_bigint_cmp(&head->weight, &single->weight) > 0);
    assert_int_equal(node_actor(&node, 3).nonce, 4);
    slk_chain_message_list_t list;
    assert_ok(slk_chain_messages(&list, node.chain, head, &arena, &node.diag), node.diag);
    assert_int_equal(list.count, 3);
    const slk_bigint_t after = mined();
    assert_true(slk_bigint_cmp(&after, &before) > 0);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    /* Known now: nothing happens. */
    assert_ok(slk_mining_submit(node.chain, node.producer, &block, &node.diag), node.diag);
    node_mine(&node, 2);
    assert_int_equal(node_height(&node), head->height + 2);
    slk_chain_unsubscribe(node.chain, id);
    slk_tip_unref(head);
    slk_tip_unref(single);
    slk_tip_unref(base);
}

/* Without the built-in producer the miner's block is the tipset of its epoch; one that comes too
 * late for a head is kept beside it. */
static void alone_and_late(void **state)
{
    (void)state;
    slk_block_msg_t block;
    slk_tip_t *base = slk_chain_head(node.chain), *head;
    make_block(&block, base, base->height + 1);
    join(&block, base);
    head = slk_chain_head(node.chain);
    assert_int_equal(head->height, base->height + 1);
    assert_false(slk_block_is_builtin(&head->tipset.blocks.items[0]));
    node_mine(&node, 1); /* the clock reaches the block's epoch: nothing is added */
    assert_int_equal(node_height(&node), head->height);
    node_mine(&node, 3);
    slk_tip_unref(base);
    base = head;
    make_block(&block, base, base->height + 1);
    const int64_t height = node_height(&node);
    head = slk_chain_head(node.chain);
    join(&block, base);
    slk_tip_t *same = slk_chain_head(node.chain);
    assert_true(same == head && same->height == height);
    slk_tip_unref(same);
    slk_tip_unref(head);
    slk_tip_unref(base);
}

/* A heavier tipset beside the checkpoint is kept, but not taken. */
static void not_from_checkpoint(void **state)
{
    (void)state;
    slk_block_msg_t block;
    slk_tip_t *base = slk_chain_head(node.chain);
    make_block(&block, base, base->height + 1);
    node_mine(&node, 1);
    slk_tip_t *single = slk_chain_head(node.chain);
    assert_int_equal(single->height, base->height + 1);
    assert_ok(slk_chain_set_checkpoint(node.chain, single, &node.diag), node.diag);
    join(&block, base);
    slk_tip_t *head = slk_chain_head(node.chain);
    assert_true(head == single);
    slk_tip_unref(head);
    assert_ok(slk_chain_set_checkpoint(node.chain, NULL, &node.diag), node.diag);
    join(&block, base);
    head = slk_chain_head(node.chain);
    assert_int_equal(head->height, single->height);
    assert_int_equal(head->tipset.blocks.count, 2);
    slk_tip_unref(head);
    slk_tip_unref(single);
    slk_tip_unref(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_info),           cmocka_unit_test(submit),
        cmocka_unit_test(tipset_of_two),       cmocka_unit_test(alone_and_late),
        cmocka_unit_test(not_from_checkpoint),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
