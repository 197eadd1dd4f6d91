/* StateMinerSectors, StateSector...: what a miner has on the chain, sector by sector. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"
#include "devnet/actors/miner/array.h"
#include "devnet/actors/miner/quantize.h"

#include <inttypes.h>

#define FEW 1024u /* sectors that are not worth a walk over all */

static slk_err_t load(slk_ask_t *ask, size_t tip, slk_view_miner_t *miner)
{
    return slk_view_miner(ask, ask->args[tip].tip, &ask->args[0].address, miner);
}

/* --- Lists ------------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_ask_t *ask;
    const slk_bitfield_t *only; /* NULL: all */
    slk_text_t text;
} list_t;

/* One after the other becomes text: as JSON values a hundred thousand would take 300 MB. */
static slk_err_t show_sector(void *ctx, uint64_t number, slk_bytes_t value, bool *stop,
                             slk_diag_t *diag)
{
    list_t *list = ctx;
    slk_arena_t arena;
    json_t *json = NULL;
    slk_sector_on_chain_info_t sector;
    (void)stop;
    if (list->only && !slk_bitfield_contains(list->only, number))
        return SLK_OK;
    slk_arena_init(&arena, (size_t)1 << 20);
    slk_err_t err = slk_record_decode(&sector, &slk_sector_on_chain_info_type, value.b, value.len,
                                      &arena, diag);
    if (err == SLK_OK)
        err = slk_record_to_json(&json, &slk_sector_on_chain_info_type, &sector,
                                 slk_ask_network(list->ask), diag);
    if (err == SLK_OK) {
        slk_text_add(&list->text, list->text.len > 1 ? "," : "", list->text.len > 1);
        slk_json_write(&list->text, json);
    }
    json_decref(json);
    slk_arena_free(&arena);
    return err;
}

static slk_err_t show_sectors(slk_ask_t *ask, const slk_view_miner_t *miner,
                              const slk_bitfield_t *only)
{
    slk_err_t err = SLK_OK;
    list_t list = {.ask = ask, .only = only};
    slk_text_add(&list.text, "[", 1);
    if (!only || !slk_bitfield_is_empty(only))
        err =
            slk_view_array_each(ask, &miner->state.sectors, SLK_WIDTH_SECTORS, show_sector, &list);
    slk_text_add(&list.text, "]", 1);
    if (err == SLK_OK)
        err = slk_ask_take_text(ask, &list.text);
    slk_text_free(&list.text);
    return err;
}

static slk_err_t state_miner_sectors(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_err_t err = load(ask, 2, &miner);
    return err == SLK_OK ? show_sectors(ask, &miner,
                                        json_is_null(ask->args[1].json) ? NULL : &ask->args[1].bits)
                         : err;
}

static slk_err_t add_active(void *ctx, slk_ask_t *ask, uint64_t deadline, uint64_t index,
                            const slk_partition_t *partition, bool *stop)
{
    slk_bitfield_t active;
    (void)deadline, (void)index, (void)stop;
    slk_err_t err = slk_view_active(ask, partition, &active);
    return err == SLK_OK ? slk_view_sets_add(ask, ctx, &active) : err;
}

static slk_err_t state_miner_active_sectors(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_bitfield_t active = {0};
    slk_view_sets_t sets = {0};
    slk_err_t err = load(ask, 1, &miner);
    if (err == SLK_OK)
        err = slk_view_all_partitions(ask, &miner, add_active, &sets);
    if (err == SLK_OK)
        err = slk_view_sets_union(ask, &sets, &active);
    return err == SLK_OK ? show_sectors(ask, &miner, &active) : err;
}

/* --- One sector ------------------------------------------------------------------------------------------------------ */

static slk_err_t state_sector_get_info(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_sector_on_chain_info_t sector;
    bool found = false;
    slk_err_t err = load(ask, 2, &miner);
    if (err == SLK_OK)
        err = slk_view_array_get(ask, &miner.state.sectors, SLK_WIDTH_SECTORS, ask->args[1].u,
                                 &slk_sector_on_chain_info_type, &sector, &found);
    return err == SLK_OK && found ? slk_ask_record(ask, &slk_sector_on_chain_info_type, &sector)
                                  : err;
}

static slk_err_t state_sector_pre_commit_info(slk_ask_t *ask)
{
    slk_view_miner_t miner;
    slk_sector_pre_commit_on_chain_info_t info;
    slk_hamt_key_room_t room;
    bool found = false;
    slk_err_t err = load(ask, 2, &miner);
    if (err == SLK_OK)
        err = slk_view_map_get(ask, &miner.state.pre_committed_sectors, SLK_MAP_WIDTH,
                               slk_hamt_key_uint(&room, ask->args[1].u),
                               &slk_sector_pre_commit_on_chain_info_type, &info, &found);
    return err == SLK_OK && found
               ? slk_ask_record(ask, &slk_sector_pre_commit_on_chain_info_type, &info)
               : err;
}

/* Where a sector is. */
typedef struct {
    uint64_t sector;
    bool found;
    slk_api_sector_location_t at;
    slk_partition_t partition;
} find_t;

static slk_err_t look(void *ctx, slk_ask_t *ask, uint64_t deadline, uint64_t index,
                      const slk_partition_t *partition, bool *stop)
{
    find_t *find = ctx;
    (void)ask;
    if (!slk_bitfield_contains(&partition->sectors, find->sector))
        return SLK_OK;
    *stop = find->found = true;
    find->at = (slk_api_sector_location_t){deadline, index};
    find->partition = *partition;
    return SLK_OK;
}

static slk_err_t find(slk_ask_t *ask, find_t *out)
{
    slk_view_miner_t miner;
    *out = (find_t){.sector = ask->args[1].u};
    slk_err_t err = load(ask, 2, &miner);
    return err == SLK_OK ? slk_view_all_partitions(ask, &miner, look, out) : err;
}

static slk_err_t state_sector_partition(slk_ask_t *ask)
{
    find_t found;
    slk_err_t err = find(ask, &found);
    if (err != SLK_OK)
        return err;
    if (!found.found)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "sector %" PRIu64 " not due at any deadline",
                            found.sector);
    return slk_ask_record(ask, &slk_api_sector_location_type, &found.at);
}

/* --- Expiration --------------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_ask_t *ask;
    uint64_t sector;
    slk_api_sector_expiration_t out;
} expiry_t;

static slk_err_t look_expiration(void *ctx, uint64_t epoch, slk_bytes_t value, bool *stop,
                                 slk_diag_t *diag)
{
    expiry_t *e = ctx;
    slk_expiration_set_t set;
    slk_arena_t arena;
    slk_arena_init(&arena, (size_t)16 << 20);
    slk_err_t err =
        slk_record_decode(&set, &slk_expiration_set_type, value.b, value.len, &arena, diag);
    if (err == SLK_OK && slk_bitfield_contains(&set.on_time_sectors, e->sector))
        e->out.on_time = (int64_t)epoch;
    if (err == SLK_OK && slk_bitfield_contains(&set.early_sectors, e->sector))
        e->out.early = (int64_t)epoch;
    *stop = e->out.early; /* a sector is in the queue once */
    slk_arena_free(&arena);
    return err;
}

static slk_err_t state_sector_expiration(slk_ask_t *ask)
{
    find_t found;
    slk_err_t err = find(ask, &found);
    expiry_t expiry = {ask, found.sector, {0}};
    if (err == SLK_OK && found.found)
        err = slk_view_array_each(ask, &found.partition.expirations_epochs,
                                  SLK_WIDTH_PARTITION_EXPIRATIONS, look_expiration, &expiry);
    if (err != SLK_OK)
        return err;
    if (!expiry.out.on_time && !expiry.out.early)
        return slk_ask_fail(ask, SLK_RPC_ERROR, "failed to find sector %" PRIu64, found.sector);
    return slk_ask_record(ask, &slk_api_sector_expiration_type, &expiry.out);
}

const slk_ask_method_t slk_ask_sectors[] = {
    {"Filecoin.StateMinerSectors", SLK_PERM_READ, SLK_V01, 0, "afT", state_miner_sectors},
    {"Filecoin.StateMinerActiveSectors", SLK_PERM_READ, SLK_V01, 0, "aT",
     state_miner_active_sectors},
    {"Filecoin.StateSectorGetInfo", SLK_PERM_READ, SLK_V01, 0, "auT", state_sector_get_info},
    {"Filecoin.StateSectorPreCommitInfo", SLK_PERM_READ, SLK_V01, 0, "auT",
     state_sector_pre_commit_info},
    {"Filecoin.StateSectorPartition", SLK_PERM_READ, SLK_V01, 0, "auT", state_sector_partition},
    {"Filecoin.StateSectorExpiration", SLK_PERM_READ, SLK_V01, 0, "auT", state_sector_expiration},
    {0},
};
