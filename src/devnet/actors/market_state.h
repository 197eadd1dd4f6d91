#ifndef SLK_DEVNET_ACTORS_MARKET_STATE_H
#define SLK_DEVNET_ACTORS_MARKET_STATE_H

/* The market's state, for the files of the market (builtin-actors v18; spec chain.md 3.5, 9.3):
 *
 *   market_state     the trees of the state, one operation a function
 *   market_money     escrow: what is there and what of it is locked, and for what
 *   market_publish   PublishStorageDeals
 *   market_deal      a deal's life: activation, payments, expiry, termination, cron
 *   market           balances, questions, the table of methods
 *
 * Functions change the record; the method writes it. Proposals in the state have ID addresses. */

#include "codec/actors/market.h"
#include "devnet/actors/batch.h"
#include "devnet/actors/state_map.h"

#define SLK_PROPOSALS_WIDTH 5u
#define SLK_STATES_WIDTH    6u
#define SLK_BALANCES_WIDTH  6u /* escrow and locked; the other maps have SLK_MAP_WIDTH */
#define SLK_NO_EPOCH        (-1)

/* --- Trees ------------------------------------------------------------------------------------ */

slk_exit_t slk_market_find_proposal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                    slk_deal_proposal_t *proposal, bool *found);
/* SLK_EXIT_MARKET_DEAL_EXPIRED: it was there once; SLK_EXIT_USR_NOT_FOUND: it never was. Sets
 * the text. */
slk_exit_t slk_market_get_proposal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                   slk_deal_proposal_t *proposal);
slk_exit_t slk_market_find_deal(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                                slk_deal_state_t *deal, bool *found);
slk_exit_t slk_market_put_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                               const slk_deal_state_t *deal);
/* SLK_EXIT_USR_ILLEGAL_STATE unless it is there. */
slk_exit_t slk_market_remove_proposal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id);
/* Proposal and state, which must be there. */
slk_exit_t slk_market_remove_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t id);

/* Pending: proposals published and not yet looked at by cron, by the CID of the proposal. */
slk_exit_t slk_proposal_cid(slk_rt_t *rt, const slk_deal_proposal_t *proposal, slk_cid_t *cid);
slk_exit_t slk_market_is_pending(slk_rt_t *rt, const slk_market_state_t *st, const slk_cid_t *cid,
                                 bool *pending);
slk_exit_t slk_market_put_pending(slk_rt_t *rt, slk_market_state_t *st, const slk_cid_t *cid);
slk_exit_t slk_market_remove_pending(slk_rt_t *rt, slk_market_state_t *st, const slk_cid_t *cid,
                                     bool *found);

/* Allocations of verified deals that are not activated. */
slk_exit_t slk_market_put_allocation(slk_rt_t *rt, slk_market_state_t *st, uint64_t deal,
                                     uint64_t allocation);
slk_exit_t slk_market_remove_allocation(slk_rt_t *rt, slk_market_state_t *st, uint64_t deal);

/* Deals that cron looks at, by epoch. */
slk_exit_t slk_market_schedule(slk_rt_t *rt, slk_market_state_t *st, int64_t epoch, uint64_t deal);
slk_exit_t slk_market_scheduled(slk_rt_t *rt, const slk_market_state_t *st, int64_t epoch,
                                slk_numbers_t *deals);
slk_exit_t slk_market_unschedule(slk_rt_t *rt, slk_market_state_t *st, int64_t epoch);
/* First epoch from `earliest` on whose place in the interval is the deal's. */
int64_t slk_market_next_update(uint64_t deal, int64_t interval, int64_t earliest);

/* Deals of a provider's sectors. Add joins them with those that are there; remove ignores
 * missing ones; pop takes all of a sector and appends them. */
slk_exit_t slk_market_add_sector_deals(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                       uint64_t sector, const slk_u64_list_t *deals);
slk_exit_t slk_market_remove_sector_deal(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                         uint64_t sector, uint64_t deal);
slk_exit_t slk_market_pop_sector_deals(slk_rt_t *rt, slk_market_state_t *st, uint64_t provider,
                                       uint64_t sector, slk_numbers_t *deals);

/* --- Money ------------------------------------------------------------------------------------ */

typedef enum { SLK_LOCK_CLIENT_COLLATERAL, SLK_LOCK_STORAGE_FEE, SLK_LOCK_PROVIDER } slk_lock_t;

/* Escrow of an actor: all of it, and what is locked. */
slk_exit_t slk_market_escrow(slk_rt_t *rt, const slk_market_state_t *st, uint64_t id,
                             slk_bigint_t *all, slk_bigint_t *locked);
slk_exit_t slk_market_deposit(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                              slk_bigint_t amount);
/* Up to `amount` of what is not locked; *taken says how much. */
slk_exit_t slk_market_take_free(slk_rt_t *rt, slk_market_state_t *st, uint64_t id,
                                slk_bigint_t amount, slk_bigint_t *taken);
/* For a deal, of client and provider; SLK_EXIT_USR_INSUFFICIENT_FUNDS. */
slk_exit_t slk_market_lock(slk_rt_t *rt, slk_market_state_t *st,
                           const slk_deal_proposal_t *proposal);
slk_exit_t slk_market_unlock(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t amount,
                             slk_lock_t why);
/* Out of locked funds: to the other one's free funds, and out of the market. */
slk_exit_t slk_market_pay(slk_rt_t *rt, slk_market_state_t *st, uint64_t from, uint64_t to,
                          slk_bigint_t amount);
slk_exit_t slk_market_slash(slk_rt_t *rt, slk_market_state_t *st, uint64_t id, slk_bigint_t amount,
                            slk_lock_t why);

slk_bigint_t slk_deal_fee(const slk_deal_proposal_t *proposal);          /* of all epochs */
slk_bigint_t slk_deal_client_needs(const slk_deal_proposal_t *proposal); /* fee and collateral */

/* The least collateral of a provider: a hundredth of the supply's share of the piece in `power`,
 * the larger of the network's raw and baseline power. The node's
 * StateDealProviderCollateralBounds adds a tenth. */
slk_bigint_t slk_deal_least_collateral(uint64_t piece_size, slk_bigint_t power,
                                       slk_bigint_t supply);

/* Ids behind ID addresses, which those of stored proposals are. */
uint64_t slk_deal_client(const slk_deal_proposal_t *proposal);
uint64_t slk_deal_provider(const slk_deal_proposal_t *proposal);

slk_exit_t slk_market_event(slk_rt_t *rt, const char *type, uint64_t deal,
                            const slk_deal_proposal_t *proposal);

/* --- Methods ---------------------------------------------------------------------------------- */

slk_actor_fn_t slk_market_publish_storage_deals, slk_market_on_miner_sectors_terminate,
    slk_market_cron_tick, slk_market_sector_content_changed, slk_market_settle_deal_payments;

#endif /* SLK_DEVNET_ACTORS_MARKET_STATE_H */
