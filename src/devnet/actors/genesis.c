#include "devnet/actors/genesis.h"

#include "base/assert.h"
#include "codec/ipld/object.h"
#include "devnet/actors/first_state.h"
#include "devnet/vm/basic_state.h"
#include "devnet/vm/runtime.h"
#include "devnet/vm/state_tree.h"

#include <string.h>

#define ALL_FIL     UINT64_C(2000000000)
#define REWARD_FIL  UINT64_C(1100000000)
#define ATTO        UINT64_C(1000000000000000000)
#define ID_ROOT_KEY 80u
#define INIT_WIDTH  5u

typedef struct {
    slk_state_tree_t *tree;
    const slk_blockstore_t *store;
    slk_diag_t *diag;
    slk_bigint_t given; /* attoFIL so far */
    slk_init_state_t init;
} birth_t;

static slk_bigint_t fil(uint64_t whole)
{
    return slk_bigint_mul(slk_bigint_u64(whole), slk_bigint_u64(ATTO));
}

static slk_err_t add_actor(birth_t *birth, uint64_t id, slk_actor_kind_t kind,
                           const slk_cid_t *head, slk_bigint_t balance)
{
    const slk_actor_state_t actor = {
        .code = slk_actor_devnet_code(kind), .head = *head, .balance = balance};
    birth->given = slk_bigint_add(birth->given, balance);
    return slk_state_tree_set(birth->tree, id, &actor, birth->diag);
}

static slk_err_t add_account(birth_t *birth, uint64_t id, const slk_address_t *address,
                             slk_bigint_t balance)
{
    slk_err_t err;
    slk_cid_t head;
    const slk_account_state_t state = {*address};
    SLK_TRY(slk_object_put(&head, &slk_account_state_type, &state, birth->store, birth->diag));
    SLK_TRY(add_actor(birth, id, SLK_ACTOR_ACCOUNT, &head, balance));
out:
    return err;
}

/* --- Singletons ------------------------------------------------------------------------------- */

typedef slk_err_t first_state_t(slk_cid_t *head, const slk_blockstore_t *store, slk_diag_t *diag);

static const struct {
    uint64_t id;
    slk_actor_kind_t kind;
    first_state_t *state;
    uint64_t balance; /* FIL */
} singletons[] = {
    {SLK_ID_SYSTEM, SLK_ACTOR_SYSTEM, slk_first_system_state, 0},
    {SLK_ID_REWARD, SLK_ACTOR_REWARD, slk_first_reward_state, REWARD_FIL},
    {SLK_ID_CRON, SLK_ACTOR_CRON, slk_first_cron_state, 0},
    {SLK_ID_POWER, SLK_ACTOR_POWER, slk_first_power_state, 0},
    {SLK_ID_MARKET, SLK_ACTOR_MARKET, slk_first_market_state, 0},
    {SLK_ID_DATACAP, SLK_ACTOR_DATACAP, slk_first_datacap_state, 0},
};

static slk_err_t add_singletons(birth_t *birth)
{
    slk_err_t err;
    slk_cid_t head;
    const slk_address_t root_key = slk_address_id(ID_ROOT_KEY);
    const slk_address_t burnt = slk_address_id(SLK_ID_BURNT);
    for (size_t i = 0; i < SLK_COUNT(singletons); i++) {
        SLK_TRY(singletons[i].state(&head, birth->store, birth->diag));
        SLK_TRY(add_actor(birth, singletons[i].id, singletons[i].kind, &head,
                          fil(singletons[i].balance)));
    }
    SLK_TRY(slk_first_verifreg_state(&head, &root_key, birth->store, birth->diag));
    SLK_TRY(add_actor(birth, SLK_ID_VERIFREG, SLK_ACTOR_VERIFREG, &head, slk_bigint_u64(0)));
    SLK_TRY(add_account(birth, SLK_ID_BURNT, &burnt, slk_bigint_u64(0)));
out:
    return err;
}

/* --- Accounts --------------------------------------------------------------------------------- */

/* Init counts the ids up; that of the registry's root key is set by hand. */
static slk_err_t map_account(birth_t *birth, uint64_t id, const slk_address_t *address,
                             slk_bigint_t balance)
{
    slk_err_t err;
    uint64_t mapped;
    if (!slk_address_is_key(address) || slk_bigint_sign(&balance) < 0)
        return slk_fail(birth->diag, SLK_ERR_INPUT,
                        "genesis: account %s with %s attoFIL: neither a key address nor an amount "
                        "of 0 or more may be missing",
                        slk_address_text(address, SLK_TESTNET).s, slk_bigint_text(&balance).s);
    birth->init.next_id = id;
    SLK_TRY(slk_init_map_address(&birth->init, &mapped, address, birth->store, birth->diag));
    SLK_TRY(add_account(birth, id, address, balance));
out:
    return err;
}

static slk_err_t add_accounts(birth_t *birth, const slk_genesis_t *genesis)
{
    slk_err_t err = SLK_OK;
    if (genesis->account_cnt > SLK_GENESIS_ACCOUNTS_MAX)
        return slk_fail(birth->diag, SLK_ERR_INPUT, "genesis: %zu accounts; at most %d can be had",
                        genesis->account_cnt, SLK_GENESIS_ACCOUNTS_MAX);
    for (size_t i = 0; i < genesis->account_cnt; i++)
        SLK_TRY(map_account(birth, SLK_FIRST_USER_ID + i, &genesis->accounts[i].address,
                            genesis->accounts[i].balance));
    const slk_address_t nobody = slk_address_id(ID_ROOT_KEY);
    if (slk_address_defined(&genesis->verifreg_root))
        SLK_TRY(map_account(birth, ID_ROOT_KEY, &genesis->verifreg_root, slk_bigint_u64(0)));
    else
        SLK_TRY(add_account(birth, ID_ROOT_KEY, &nobody, slk_bigint_u64(0)));
out:
    return err;
}

/* What is left of all FIL. */
static slk_err_t add_reserve(birth_t *birth)
{
    const slk_address_t reserve = slk_address_id(SLK_ID_RESERVE);
    slk_bigint_t left = slk_bigint_sub(fil(ALL_FIL), birth->given);
    if (slk_bigint_sign(&left) < 0)
        return slk_fail(birth->diag, SLK_ERR_INPUT,
                        "genesis: the accounts have %s attoFIL more than there is; there are 9e26",
                        slk_bigint_text(&left).s + 1);
    return add_account(birth, SLK_ID_RESERVE, &reserve, left);
}

/* --- All together ----------------------------------------------------------------------------- */

slk_err_t slk_genesis_state(slk_cid_t *root, const slk_genesis_t *genesis,
                            const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_err_t err;
    slk_cid_t head;
    birth_t birth = {.store = store, .diag = diag};
    birth.init.network_name =
        (slk_bytes_t){(const uint8_t *)genesis->network_name, strlen(genesis->network_name)};
    SLK_TRY(slk_state_tree_new(&birth.tree, store, diag));
    SLK_TRY(slk_empty_map(&birth.init.address_map, INIT_WIDTH, store, diag));
    SLK_TRY(add_singletons(&birth));
    SLK_TRY(add_accounts(&birth, genesis));
    SLK_TRY(add_reserve(&birth));
    birth.init.next_id = SLK_FIRST_MINER_ID;
    SLK_TRY(slk_object_put(&head, &slk_init_state_type, &birth.init, store, diag));
    SLK_TRY(add_actor(&birth, SLK_ID_INIT, SLK_ACTOR_INIT, &head, slk_bigint_u64(0)));
    SLK_TRY(slk_state_tree_flush(birth.tree, root, diag));
out:
    slk_state_tree_free(birth.tree);
    return err;
}
