#ifndef SLK_MANAGER_SECTOR_NUMBERS_H
#define SLK_MANAGER_SECTOR_NUMBERS_H

/* Sector numbers of each miner (spec lotus-miner.md 7.4): which ones we have given out ever, and which ones
 * are kept for something by name. A number is given out in the transaction that makes its sector
 * (sector_store.h), so that no crash loses or repeats one; it is never given out again, also not after
 * the sector was removed. The tables are made by slk_sector_migrate. */

#include "codec/bitfield.h"
#include "store/db.h"

#define SLK_NUMBER_NAME_MAX 64 /* of a reservation; letters, digits, _ and - */

/* The lowest number that is not below min and neither ours, nor reserved, nor in `chain` (StateMinerAllocated;
 * required, as numbers of other programs are only there) becomes ours. In a transaction. SLK_ERR_LENGTH: the
 * set has too many gaps to be kept. SLK_ERR_NOSPACE: no number is left. */
SLK_CHECK_RESULT slk_err_t slk_numbers_allocate(slk_db_t *db, uint64_t miner, uint64_t min,
                                                const slk_bitfield_t *chain, uint64_t *number,
                                                slk_diag_t *diag);

/* This number is ours from now on, if it is not already: of an imported sector, reserved or not. In a
 * transaction; slk_sector_create does it. */
SLK_CHECK_RESULT slk_err_t slk_numbers_claim(slk_db_t *db, uint64_t miner, uint64_t number,
                                             slk_diag_t *diag);

/* Keep numbers for something else. SLK_ERR_INPUT: not a name. SLK_ERR_MISMATCH: the name is taken, or one of
 * the numbers is ours or reserved and not `force`. */
SLK_CHECK_RESULT slk_err_t slk_numbers_reserve(slk_db_t *db, uint64_t miner, const char *name,
                                               const slk_bitfield_t *numbers, bool force,
                                               slk_diag_t *diag);
/* The cnt lowest free ones from min on; *numbers in the arena. */
SLK_CHECK_RESULT slk_err_t slk_numbers_reserve_count(slk_db_t *db, uint64_t miner, const char *name,
                                                     uint64_t min, uint64_t cnt,
                                                     const slk_bitfield_t *chain,
                                                     slk_arena_t *arena, slk_bitfield_t *numbers,
                                                     slk_diag_t *diag);
/* SLK_ERR_NOTFOUND: no such name. Numbers that another reservation holds as well stay reserved. */
SLK_CHECK_RESULT slk_err_t slk_numbers_free(slk_db_t *db, uint64_t miner, const char *name,
                                            slk_diag_t *diag);

typedef struct {
    const char *name;
    slk_bitfield_t numbers;
} slk_number_reservation_t;
/* In the order of names' bytes. */
SLK_CHECK_RESULT slk_err_t slk_numbers_reservations(slk_db_t *db, uint64_t miner,
                                                    slk_arena_t *arena,
                                                    slk_number_reservation_t **rows, size_t *cnt,
                                                    slk_diag_t *diag);

typedef struct {
    slk_bitfield_t reserved, allocated; /* allocated: ours */
    slk_bitfield_t in_use;              /* both and the chain's */
    uint64_t next;                      /* what slk_numbers_allocate would give now */
} slk_numbers_meta_t;
SLK_CHECK_RESULT slk_err_t slk_numbers_meta(slk_db_t *db, uint64_t miner, uint64_t min,
                                            const slk_bitfield_t *chain, slk_arena_t *arena,
                                            slk_numbers_meta_t *meta, slk_diag_t *diag);

#endif /* SLK_MANAGER_SECTOR_NUMBERS_H */
