/* The block that a chain begins with, and keys from its seed. */

#include "devnet/chain/chain_impl.h"

#include "base/bytes.h"
#include "codec/ipld/object.h"
#include "crypto/sha256/sha256.h"
#include "devnet/vm/basic_state.h"

#include <string.h>

#define FIRST_BASE_FEE UINT64_C(100000000)

/* --- Secrets ---------------------------------------------------------------------------------- */

slk_node_t slk_chain_secret(const slk_chain_t *chain, const char *name, uint64_t n)
{
    slk_node_t out;
    uint8_t text[32 + 64 + 8];
    size_t len = strlen(name);
    SLK_ASSERT(len <= 64);
    memcpy(text, chain->seed.b, 32);
    memcpy(text + 32, name, len);
    slk_store_be64(text + 32 + len, n);
    slk_sha256(&out, text, 32 + len + 8);
    return out;
}

slk_err_t slk_producer_key(slk_key_t *key, const slk_chain_t *chain, uint64_t n, slk_diag_t *diag)
{
    slk_node_t secret = slk_chain_secret(chain, "producer", n);
    secret.b[31] &= 0x3f; /* little-endian: below the group's order */
    return slk_key_from_secret(key, SLK_KEY_BLS, secret.b, diag);
}

/* --- State ------------------------------------------------------------------------------------ */

static slk_err_t set_account(slk_state_tree_t *tree, uint64_t id, const slk_address_t *key,
                             const slk_blockstore_t *store, slk_diag_t *diag)
{
    const slk_account_state_t account = {*key};
    slk_actor_state_t actor = {.code = slk_actor_devnet_code(SLK_ACTOR_ACCOUNT)};
    slk_err_t err = slk_object_put(&actor.head, &slk_account_state_type, &account, store, diag);
    return err == SLK_OK ? slk_state_tree_set(tree, id, &actor, diag) : err;
}

/* The built-in producer takes the first id behind those of the genesis. */
static slk_err_t add_producer(slk_state_tree_t *tree, const slk_address_t *key,
                              const slk_blockstore_t *store, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_actor_state_t init;
    slk_init_state_t state;
    uint64_t id;
    bool found;
    SLK_TRY(slk_state_tree_get(tree, SLK_ID_INIT, &init, &found, diag));
    SLK_ASSERT(found);
    SLK_TRY(slk_object_get(&state, &slk_init_state_type, store, &init.head, arena, diag));
    SLK_TRY(slk_init_map_address(&state, &id, key, store, diag));
    SLK_ASSERT(id == SLK_PRODUCER_ID);
    SLK_TRY(slk_object_put(&init.head, &slk_init_state_type, &state, store, diag));
    SLK_TRY(slk_state_tree_set(tree, SLK_ID_INIT, &init, diag));
    SLK_TRY(set_account(tree, id, key, store, diag));
out:
    return err;
}

static slk_err_t first_state(slk_cid_t *root, slk_chain_t *c, const slk_chain_options_t *options,
                             slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    slk_key_t key;
    slk_state_tree_t *tree = NULL;
    const slk_genesis_t genesis = {c->network_name, options->accounts, options->account_cnt,
                                   options->verifreg_root};
    SLK_TRY(slk_producer_key(&key, c, 0, diag));
    const slk_address_t address = slk_key_address(&key);
    SLK_TRY(slk_genesis_state(root, &genesis, &c->store, diag));
    SLK_TRY(slk_state_tree_load(&tree, &c->store, root, diag));
    SLK_TRY(add_producer(tree, &address, &c->store, arena, diag));
    SLK_TRY(slk_state_tree_flush(tree, root, diag));
out:
    slk_state_tree_free(tree);
    slk_key_wipe(&key);
    return err;
}

/* --- The block -------------------------------------------------------------------------------- */

slk_err_t slk_genesis_block(slk_block_header_t *block, slk_chain_t *c,
                            const slk_chain_options_t *options, slk_arena_t *arena,
                            slk_diag_t *diag)
{
    slk_err_t err;
    const slk_cid_list_t none = {0};
    const slk_node_t ticket = slk_chain_secret(c, "ticket", 0), zero = {{0}};
    const size_t name_len = strlen(c->network_name);
    uint8_t *proof = slk_arena_copy(arena, ticket.b, sizeof ticket.b);
    uint8_t *data = slk_arena_copy(arena, zero.b, sizeof zero.b);
    slk_ticket_t *t = slk_arena_alloc(arena, sizeof *t);
    slk_election_proof_t *election = slk_arena_alloc(arena, sizeof *election);
    slk_beacon_entry_t *entry = slk_arena_alloc(arena, sizeof *entry);
    slk_cid_t *parent = slk_arena_alloc(arena, sizeof *parent);
    if (!proof || !data || !t || !election || !entry || !parent)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the genesis block");
    t->vrf_proof = (slk_bytes_t){proof, sizeof ticket.b};
    entry->data = (slk_bytes_t){data, sizeof zero.b};
    *parent = slk_cid_of_cbor(c->network_name, name_len); /* names nothing, as in real chains */
    *block = (slk_block_header_t){
        .miner = slk_address_id(SLK_ID_SYSTEM),
        .ticket = t,
        .election_proof = election,
        .beacon_entries = {entry, 1},
        .parents = {parent, 1},
        .timestamp = c->genesis_time,
        .parent_base_fee = slk_bigint_u64(FIRST_BASE_FEE),
    };
    SLK_TRY(first_state(&block->parent_state_root, c, options, arena, diag));
    SLK_TRY(slk_receipt_root(&block->parent_message_receipts, &c->store, NULL, 0, diag));
    SLK_TRY(slk_message_root(&block->messages, &c->store, &none, &none, diag));
out:
    return err;
}
