/* Questions about a state. */

#include "devnet/chain/chain_impl.h"

#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"

#define STATE_LIMIT ((size_t)1 << 16)

slk_err_t slk_chain_state(slk_state_tree_t **tree, slk_chain_t *c, const slk_cid_t *root,
                          slk_diag_t *diag)
{
    return slk_state_tree_load(tree, &c->store, root, diag);
}

slk_err_t slk_chain_actor(slk_actor_state_t *actor, uint64_t *id, bool *found, slk_chain_t *c,
                          const slk_cid_t *root, const slk_address_t *address, slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t number = 0;
    slk_state_tree_t *tree = NULL;
    *found = false;
    SLK_TRY(slk_state_tree_load(&tree, &c->store, root, diag));
    SLK_TRY(slk_state_tree_resolve(tree, address, &number, found, diag));
    if (*found)
        SLK_TRY(slk_state_tree_get(tree, number, actor, found, diag));
    if (id)
        *id = number;
out:
    slk_state_tree_free(tree);
    return err;
}

slk_err_t slk_chain_account_key(slk_address_t *key, bool *found, slk_chain_t *c,
                                const slk_cid_t *root, const slk_address_t *address,
                                slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_actor_state_t actor;
    slk_account_state_t state;
    *key = *address;
    *found = slk_address_is_key(address);
    if (*found)
        return SLK_OK;
    slk_arena_init(&arena, STATE_LIMIT);
    SLK_TRY(slk_chain_actor(&actor, NULL, found, c, root, address, diag));
    *found = *found && slk_actor_kind_of_code(&actor.code) == SLK_ACTOR_ACCOUNT;
    if (!*found)
        goto out;
    SLK_TRY(slk_object_get(&state, &slk_account_state_type, &c->store, &actor.head, &arena, diag));
    *key = state.address;
    *found = slk_address_is_key(key);
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_chain_supply(slk_supply_t *supply, slk_chain_t *c, const slk_cid_t *root,
                           int64_t epoch, slk_diag_t *diag)
{
    slk_state_tree_t *tree;
    slk_err_t err = slk_state_tree_load(&tree, &c->store, root, diag);
    if (err != SLK_OK)
        return err;
    err = slk_circulating_supply(supply, tree, &c->store, epoch, diag);
    slk_state_tree_free(tree);
    return err;
}
