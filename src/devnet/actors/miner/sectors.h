#ifndef SLK_DEVNET_MINER_SECTORS_H
#define SLK_DEVNET_MINER_SECTORS_H

/* A miner's proven sectors: AMT[number] of SectorOnChainInfo, and the arithmetic of their power. */

#include "codec/actors/miner_state.h"
#include "devnet/actors/miner/array.h"

/* --- Power ------------------------------------------------------------------------------------------- */

bool slk_power_is_zero(const slk_power_pair_t *power);
bool slk_power_equal(const slk_power_pair_t *a, const slk_power_pair_t *b);
slk_power_pair_t slk_power_sub(const slk_power_pair_t *a, const slk_power_pair_t *b);
void slk_power_add_to(slk_power_pair_t *sum, const slk_power_pair_t *part);
void slk_power_sub_from(slk_power_pair_t *sum, const slk_power_pair_t *part);

/* Amounts, in place. */
void slk_amount_add_to(slk_bigint_t *sum, const slk_bigint_t *part);
void slk_amount_sub_from(slk_bigint_t *sum, const slk_bigint_t *part);

/* Of a sector of this many bytes. Expiration is after PowerBaseEpoch. */
slk_bigint_t slk_sector_qa_power(uint64_t sector_size, const slk_sector_on_chain_info_t *sector);
slk_power_pair_t slk_sector_power(uint64_t sector_size, const slk_sector_on_chain_info_t *sector);

/* --- Lists ------------------------------------------------------------------------------------------- */

/* Sectors ascending by number, none twice, in slk_rt_arena. */
typedef struct {
    slk_sector_on_chain_info_t **items;
    size_t cnt;
} slk_sector_refs_t;

slk_power_pair_t slk_sectors_power(uint64_t sector_size, slk_sector_refs_t sectors);

/* The sector of this number; NULL: not in the list. Binary search. */
slk_sector_on_chain_info_t *slk_sectors_find(slk_sector_refs_t sectors, uint64_t number);

/* Those of the list that are in the set. SLK_EXIT_USR_ILLEGAL_STATE: the set has others. */
slk_exit_t slk_sectors_select(slk_rt_t *rt, slk_sector_refs_t *out, slk_sector_refs_t sectors,
                              const slk_bitfield_t *set);

/* --- The tree ---------------------------------------------------------------------------------------- */

typedef struct {
    slk_rt_t *rt;
    slk_amt_t *amt;
} slk_sectors_t;

/* Zeroed before; close allowed also where open failed. */
slk_exit_t slk_sectors_open(slk_sectors_t *sectors, slk_rt_t *rt, const slk_cid_t *root);
void slk_sectors_close(slk_sectors_t *sectors);
slk_exit_t slk_sectors_flush(slk_sectors_t *sectors, slk_cid_t *root);

/* One sector, into *info; *found false where there is none. */
slk_exit_t slk_sectors_get(slk_sectors_t *sectors, uint64_t number,
                           slk_sector_on_chain_info_t *info, bool *found);

/* All of a set. SLK_EXIT_USR_NOT_FOUND at the first that is missing. The set may come from outside: no
 * more memory is taken than for sectors that exist. */
slk_exit_t slk_sectors_load(slk_sectors_t *sectors, const slk_bitfield_t *set,
                            slk_sector_refs_t *out);

slk_exit_t slk_sectors_store(slk_sectors_t *sectors, slk_sector_refs_t infos);

/* SLK_EXIT_USR_NOT_FOUND at the first that is missing. */
slk_exit_t slk_sectors_delete(slk_sectors_t *sectors, const slk_bitfield_t *set);

/* The sectors of a window PoSt, ascending: those of `proven` that are not ignored. The real actor puts
 * the first good one in the place of each ignored one; proofs know a sector that comes several times
 * once, so that the two are the same. None if all are ignored. */
slk_exit_t slk_sectors_for_proof(slk_sectors_t *sectors, const slk_bitfield_t *proven,
                                 const slk_bitfield_t *ignored, slk_post_sector_t **out,
                                 size_t *cnt);

#endif /* SLK_DEVNET_MINER_SECTORS_H */
