#ifndef SLK_DEVNET_MINER_SECTOR_MAP_H
#define SLK_DEVNET_MINER_SECTOR_MAP_H

/* Sets of sectors by partition, and those by deadline: what a message declares, put in order. */

#include "devnet/actors/miner/array.h"

typedef struct {
    uint64_t partition;
    slk_bitfield_t sectors;
} slk_partition_sectors_t;

/* Ascending by partition, none twice. */
typedef struct {
    slk_partition_sectors_t *items;
    size_t cnt, cap;
} slk_partition_map_t;

/* Join with what the partition has. */
slk_exit_t slk_partition_map_add(slk_rt_t *rt, slk_partition_map_t *map, uint64_t partition,
                                 const slk_bitfield_t *sectors);

typedef struct {
    uint64_t deadline;
    slk_partition_map_t partitions;
} slk_deadline_sectors_t;

/* Ascending by deadline. Zeroed, it is empty. */
typedef struct {
    slk_deadline_sectors_t *items;
    size_t cnt;
} slk_sector_map_t;

/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: no such deadline. */
slk_exit_t slk_sector_map_add(slk_rt_t *rt, slk_sector_map_t *map, uint64_t deadline,
                              uint64_t partition, const slk_bitfield_t *sectors);

/* SLK_EXIT_USR_ILLEGAL_ARGUMENT: more partitions or sectors than a message may address. */
slk_exit_t slk_sector_map_check(slk_rt_t *rt, const slk_sector_map_t *map);

#endif /* SLK_DEVNET_MINER_SECTOR_MAP_H */
