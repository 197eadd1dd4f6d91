#include "manager/job/picture.h"

#include "base/assert.h"
#include "codec/json.h"
#include "selkie/proof_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The map: open addressing, linear probing, never more than half full ---------------------- */

static size_t slot_of(const slk_pair_map_t *map, uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
    return (size_t)(h ^ h >> 32) & (map->cap - 1);
}

static size_t find_slot(const slk_pair_map_t *map, uint64_t a, uint64_t b)
{
    size_t i = slot_of(map, a, b);
    while (map->slots[i].value && (map->slots[i].key.a != a || map->slots[i].key.b != b))
        i = (i + 1) & (map->cap - 1);
    return i;
}

void *slk_pair_get(const slk_pair_map_t *map, uint64_t a, uint64_t b)
{
    return map->cap ? map->slots[find_slot(map, a, b)].value : NULL;
}

static bool grow(slk_pair_map_t *map)
{
    slk_pair_map_t bigger = {.cap = map->cap ? map->cap * 2 : 64};
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].value)
            bigger.slots[find_slot(&bigger, map->slots[i].key.a, map->slots[i].key.b)] =
                map->slots[i];
    bigger.used = map->used;
    free(map->slots);
    *map = bigger;
    return true;
}

bool slk_pair_put(slk_pair_map_t *map, uint64_t a, uint64_t b, void *value)
{
    SLK_ASSERT(value);
    if (map->used * 2 >= map->cap && !grow(map))
        return false;
    slk_pair_slot_t *slot = &map->slots[find_slot(map, a, b)];
    map->used += !slot->value;
    *slot = (slk_pair_slot_t){{a, b}, value};
    return true;
}

void *slk_pair_remove(slk_pair_map_t *map, uint64_t a, uint64_t b)
{
    if (!map->cap)
        return NULL;
    size_t hole = find_slot(map, a, b), i = hole;
    void *value = map->slots[hole].value;
    if (!value)
        return NULL;
    map->used--;
    /* What stands behind the hole and could be found only over it moves into it. */
    for (;;) {
        map->slots[hole].value = NULL;
        size_t home;
        do {
            i = (i + 1) & (map->cap - 1);
            if (!map->slots[i].value)
                return value;
            home = slot_of(map, map->slots[i].key.a, map->slots[i].key.b);
        } while (hole <= i ? hole < home && home <= i : hole < home || home <= i);
        map->slots[hole] = map->slots[i];
        hole = i;
    }
}

void slk_pair_free(slk_pair_map_t *map)
{
    free(map->slots);
    *map = (slk_pair_map_t){0};
}

void *slk_pair_next(const slk_pair_map_t *map, size_t *at)
{
    while (*at < map->cap)
        if (map->slots[(*at)++].value)
            return map->slots[*at - 1].value;
    return NULL;
}

/* --- Lists ------------------------------------------------------------------------------------ */

bool slk_pic_numbers_set(slk_pic_numbers_t *out, const uint64_t *at, size_t cnt)
{
    uint64_t *copy = NULL;
    if (cnt) {
        copy = calloc(cnt, sizeof *copy);
        if (!copy)
            return false;
        memcpy(copy, at, cnt * sizeof *copy);
    }
    free(out->at);
    *out = (slk_pic_numbers_t){copy, cnt};
    return true;
}

bool slk_pic_numbers_json(slk_pic_numbers_t *out, const json_t *list)
{
    const size_t cnt = json_array_size(list);
    uint64_t *at = calloc(cnt ? cnt : 1, sizeof *at);
    if (!at)
        return false;
    free(out->at);
    *out = (slk_pic_numbers_t){at, 0};
    for (size_t i = 0; i < cnt; i++)
        if (json_is_integer(json_array_get(list, i)))
            at[out->cnt++] = (uint64_t)json_integer_value(json_array_get(list, i));
    return true;
}

static void free_texts(slk_pic_texts_t *texts)
{
    for (size_t i = 0; i < texts->cnt; i++)
        free(texts->at[i]);
    free(texts->at);
    *texts = (slk_pic_texts_t){0};
}

bool slk_pic_texts_json(slk_pic_texts_t *out, const json_t *list)
{
    const size_t cnt = json_array_size(list);
    slk_pic_texts_t made = {calloc(cnt ? cnt : 1, sizeof(char *)), 0};
    bool ok = made.at;
    for (size_t i = 0; ok && i < cnt; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text)
            ok = (made.at[made.cnt++] = strdup(text)) != NULL;
    }
    free_texts(ok ? out : &made);
    if (ok)
        *out = made;
    return ok;
}

/* --- Workers and paths ------------------------------------------------------------------------ */

slk_pic_worker_t *slk_pic_worker(const slk_picture_t *pic, const char *id, uint32_t *at)
{
    for (uint32_t i = 0; i < pic->worker_cnt; i++)
        if (!strcmp(pic->workers[i]->id, id)) {
            if (at)
                *at = i;
            return pic->workers[i];
        }
    return NULL;
}

uint32_t slk_pic_worker_add(slk_picture_t *pic, const char *id)
{
    uint32_t at;
    if (slk_pic_worker(pic, id, &at))
        return at;
    slk_pic_worker_t **list = realloc(pic->workers, (pic->worker_cnt + 1) * sizeof *list);
    if (!list)
        return SLK_PIC_NONE;
    pic->workers = list;
    slk_pic_worker_t *worker = calloc(1, sizeof *worker);
    if (!worker)
        return SLK_PIC_NONE;
    snprintf(worker->id, sizeof worker->id, "%s", id);
    list[pic->worker_cnt] = worker;
    return pic->worker_cnt++;
}

uint32_t slk_pic_store(const slk_picture_t *pic, const char *id)
{
    for (uint32_t i = 0; i < pic->store_cnt; i++)
        if (!strcmp(pic->stores[i]->id, id))
            return i;
    return SLK_PIC_NONE;
}

uint32_t slk_pic_store_add(slk_picture_t *pic, const char *id)
{
    const uint32_t at = slk_pic_store(pic, id);
    if (at != SLK_PIC_NONE)
        return at;
    slk_pic_store_t **list = realloc(pic->stores, (pic->store_cnt + 1) * sizeof *list);
    if (!list)
        return SLK_PIC_NONE;
    pic->stores = list;
    slk_pic_store_t *store = calloc(1, sizeof *store);
    if (!store)
        return SLK_PIC_NONE;
    snprintf(store->id, sizeof store->id, "%s", id);
    list[pic->store_cnt] = store;
    return pic->store_cnt++;
}

slk_pic_mount_t *slk_pic_mount(const slk_pic_worker_t *worker, uint32_t store)
{
    for (uint32_t i = 0; i < worker->mount_cnt; i++)
        if (worker->mounts[i].store == store)
            return &worker->mounts[i];
    return NULL;
}

slk_pic_mount_t *slk_pic_mount_add(slk_pic_worker_t *worker, uint32_t store)
{
    slk_pic_mount_t *mount = slk_pic_mount(worker, store);
    if (mount)
        return mount;
    slk_pic_mount_t *list = realloc(worker->mounts, (worker->mount_cnt + 1) * sizeof *list);
    if (!list)
        return NULL;
    worker->mounts = list;
    mount = &list[worker->mount_cnt++];
    *mount = (slk_pic_mount_t){.store = store};
    return mount;
}

void slk_pic_mount_remove(slk_pic_worker_t *worker, uint32_t store)
{
    slk_pic_mount_t *mount = slk_pic_mount(worker, store);
    if (mount)
        *mount = worker->mounts[--worker->mount_cnt];
}

/* --- Files ------------------------------------------------------------------------------------ */

slk_pic_sector_t *slk_pic_sector(const slk_picture_t *pic, const slk_sector_id_t *sector)
{
    return slk_pair_get(&pic->sectors, sector->miner, sector->number);
}

static slk_pic_sector_t *sector_add(slk_picture_t *pic, const slk_sector_id_t *id)
{
    slk_pic_sector_t *sector = slk_pic_sector(pic, id);
    if (sector)
        return sector;
    sector = calloc(1, sizeof *sector);
    if (!sector)
        return NULL;
    sector->id = *id;
    if (slk_pair_put(&pic->sectors, id->miner, id->number, sector))
        return sector;
    free(sector);
    return NULL;
}

static slk_pic_place_t *place_of(slk_pic_sector_t *sector, uint32_t store)
{
    for (uint32_t i = 0; i < sector->cnt; i++)
        if (sector->places[i].store == store)
            return &sector->places[i];
    return NULL;
}

bool slk_pic_file_add(slk_picture_t *pic, const slk_sector_id_t *id, slk_file_types_t types,
                      uint32_t store, slk_storage_rank_t rank)
{
    slk_pic_sector_t *sector = sector_add(pic, id);
    slk_pic_place_t *place = sector ? place_of(sector, store) : NULL;
    if (!sector)
        return false;
    if (!place) {
        if (sector->cnt == sector->cap) {
            const uint32_t cap = sector->cap ? 2 * sector->cap : 2;
            slk_pic_place_t *more = realloc(sector->places, cap * sizeof *more);
            if (!more)
                return false;
            sector->places = more;
            sector->cap = cap;
        }
        place = &sector->places[sector->cnt++];
        *place = (slk_pic_place_t){.store = store};
    }
    if (rank == SLK_RANK_STALE)
        place->stale |= types & ~place->types;
    else
        place->stale &= ~types;
    place->types |= types;
    if (rank == SLK_RANK_PRIMARY)
        place->primary |= types;
    return true;
}

void slk_pic_file_outdate(slk_picture_t *pic, const slk_sector_id_t *id, slk_file_types_t types,
                          uint32_t store)
{
    slk_pic_sector_t *sector = slk_pic_sector(pic, id);
    for (uint32_t i = 0; sector && i < sector->cnt; i++) {
        slk_pic_place_t *place = &sector->places[i];
        if (place->store == store)
            continue;
        place->stale |= place->types & types;
        place->primary &= ~types;
    }
}

bool *slk_pic_mounted(const slk_picture_t *pic)
{
    bool *mounted = calloc(pic->store_cnt + 1, sizeof *mounted);
    for (uint32_t i = 0; mounted && i < pic->worker_cnt; i++)
        for (uint32_t m = 0; m < pic->workers[i]->mount_cnt; m++)
            mounted[pic->workers[i]->mounts[m].store] = true;
    return mounted;
}

slk_file_types_t slk_pic_good(const slk_pic_sector_t *sector, const bool *mounted)
{
    slk_file_types_t good = 0;
    for (uint32_t i = 0; sector && i < sector->cnt; i++)
        if (mounted[sector->places[i].store])
            good |= sector->places[i].types & ~sector->places[i].stale;
    return good;
}

static void free_sector(slk_pic_sector_t *sector)
{
    free(sector->places);
    free(sector);
}

void slk_pic_file_drop(slk_picture_t *pic, const slk_sector_id_t *id, slk_file_types_t types,
                       uint32_t store)
{
    slk_pic_sector_t *sector = slk_pic_sector(pic, id);
    slk_pic_place_t *place = sector ? place_of(sector, store) : NULL;
    if (!place)
        return;
    place->types &= ~types;
    place->primary &= ~types;
    place->stale &= ~types;
    if (!place->types)
        *place = sector->places[--sector->cnt];
    if (!sector->cnt) {
        slk_pair_remove(&pic->sectors, id->miner, id->number);
        free_sector(sector);
    }
}

/* --- Jobs ------------------------------------------------------------------------------------- */

slk_pic_job_t *slk_pic_job(const slk_picture_t *pic, int64_t id)
{
    return slk_pair_get(&pic->jobs, (uint64_t)id, 0);
}

static void leave_worker(slk_picture_t *pic, slk_pic_job_t *job)
{
    if (job->worker == SLK_PIC_NONE)
        return;
    slk_pic_worker_t *worker = pic->workers[job->worker];
    for (uint32_t i = 0; i < worker->job_cnt; i++)
        if (worker->jobs[i] == job) {
            worker->jobs[i] = worker->jobs[--worker->job_cnt];
            worker->news++;
            break;
        }
    job->worker = SLK_PIC_NONE;
}

/* It goes on with it until it hears of that. No memory: nobody waits for it then. */
static void leave_ghost(slk_picture_t *pic, const slk_pic_job_t *job)
{
    slk_pic_worker_t *worker = pic->workers[job->worker];
    if (worker->ghost_cnt == worker->ghost_cap) {
        const uint32_t cap = worker->ghost_cap ? 2 * worker->ghost_cap : 4;
        slk_pic_ghost_t *more = realloc(worker->ghosts, cap * sizeof *more);
        if (!more)
            return;
        worker->ghosts = more;
        worker->ghost_cap = cap;
    }
    worker->ghosts[worker->ghost_cnt++] = (slk_pic_ghost_t){.id = job->id,
                                                            .started_ms = job->started_ms,
                                                            .task = job->task,
                                                            .miner = job->miner,
                                                            .number = job->number,
                                                            .sector_sz = job->sector_sz};
}

bool slk_pic_ghost_drop(slk_pic_worker_t *worker, int64_t id)
{
    const uint32_t before = worker->ghost_cnt;
    for (uint32_t i = 0; i < worker->ghost_cnt;)
        if (worker->ghosts[i].id == id)
            worker->ghosts[i] = worker->ghosts[--worker->ghost_cnt];
        else
            i++;
    return worker->ghost_cnt < before;
}

static bool join_worker(slk_picture_t *pic, slk_pic_job_t *job)
{
    const uint32_t at = slk_pic_worker_add(pic, job->worker_id);
    if (at == SLK_PIC_NONE)
        return false;
    slk_pic_worker_t *worker = pic->workers[at];
    if (worker->job_cnt == worker->job_cap) {
        const uint32_t cap = worker->job_cap ? 2 * worker->job_cap : 8;
        slk_pic_job_t **more = realloc(worker->jobs, cap * sizeof *more);
        if (!more)
            return false;
        worker->jobs = more;
        worker->job_cap = cap;
    }
    worker->jobs[worker->job_cnt++] = job;
    worker->news++;
    job->worker = at;
    return true;
}

static void free_job(slk_pic_job_t *job)
{
    free(job->params);
    free(job->orders);
    free(job->start);
    free(job->promises);
    free(job->why);
    free(job);
}

static void uncount(slk_picture_t *pic, const slk_pic_job_t *job)
{
    *(job->state == SLK_JOB_QUEUED ? &pic->queued_cnt : &pic->running_cnt) -= 1;
}

void slk_pic_job_remove(slk_picture_t *pic, int64_t id)
{
    slk_pic_job_t *job = slk_pair_remove(&pic->jobs, (uint64_t)id, 0);
    if (!job)
        return;
    uncount(pic, job);
    leave_worker(pic, job);
    free_job(job);
}

/* What the kept orders say: promises, and the assignment as it is sent. */
static bool read_orders(slk_picture_t *pic, slk_pic_job_t *job)
{
    json_t *orders = job->orders ? slk_json_load(job->orders, strlen(job->orders), 0, NULL) : NULL;
    json_t *params = slk_json_load(job->params, strlen(job->params), 0, NULL), *item;
    json_t *reserve = json_object_get(orders, "Reserve");
    const size_t cnt = json_array_size(reserve);
    bool ok = orders && params;
    size_t i;
    free(job->promises);
    job->promises = calloc(cnt ? cnt : 1, sizeof *job->promises);
    job->promise_cnt = 0;
    ok = ok && job->promises;
    json_array_foreach(reserve, i, item)
    {
        const char *store = json_string_value(json_object_get(item, "Store"));
        const uint32_t at = ok && store ? slk_pic_store_add(pic, store) : SLK_PIC_NONE;
        if (at == SLK_PIC_NONE)
            ok = false;
        else
            job->promises[job->promise_cnt++] = (slk_pic_promise_t){
                at, (uint64_t)json_integer_value(json_object_get(item, "Bytes"))};
    }
    json_t *start =
        ok ? json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:O, s:O, s:O, s:O}", "ID",
                       (json_int_t)job->id, "Lease", (json_int_t)job->lease, "Task",
                       slk_tasks[job->task].name, "Miner", (json_int_t)job->miner, "Number",
                       (json_int_t)job->number, "SealProof", (json_int_t)job->seal_proof, "Threads",
                       json_object_get(orders, "Threads"), "Memory",
                       json_object_get(orders, "Memory"), "Params", params, "Files",
                       json_object_get(orders, "Files"))
           : NULL;
    free(job->start);
    job->start = start ? slk_json_dump(start, JSON_COMPACT) : NULL;
    json_decref(start);
    json_decref(orders);
    json_decref(params);
    return job->start != NULL;
}

static void copy_row(slk_pic_job_t *job, slk_job_row_t *row)
{
    const slk_job_view_t *v = &row->view;
    slk_porep_t porep;
    snprintf(job->key, sizeof job->key, "%s", v->key);
    job->id = v->id;
    job->state = v->state;
    job->miner = v->miner;
    job->number = v->number;
    job->task = v->task;
    job->seal_proof = v->seal_proof;
    job->sector_sz =
        slk_porep_by_id(&porep, (int)v->seal_proof, NULL) == SLK_OK ? porep.size->bytes : 0;
    job->priority = v->priority;
    job->deadline_ms = v->deadline_ms;
    job->not_before_ms = v->not_before_ms;
    job->created_ms = v->created_ms;
    job->started_ms = v->started_ms;
    job->lease = v->lease;
    job->tries = v->tries;
    snprintf(job->only_worker, sizeof job->only_worker, "%s", row->only_worker);
    snprintf(job->worker_id, sizeof job->worker_id, "%s", v->worker_id);
    free(job->params);
    free(job->orders);
    job->params = row->params;
    job->orders = row->orders;
    row->params = row->orders = NULL;
}

static slk_pic_job_t *job_for(slk_picture_t *pic, const slk_job_row_t *row)
{
    slk_pic_job_t *job = slk_pic_job(pic, row->view.id);
    if (job) {
        uncount(pic, job);
        return job;
    }
    job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->worker = SLK_PIC_NONE;
    job->eta_start_ms = job->eta_end_ms = -1;
    if (slk_pair_put(&pic->jobs, (uint64_t)row->view.id, 0, job))
        return job;
    free(job);
    return NULL;
}

static bool show_running(slk_picture_t *pic, slk_pic_job_t *job, uint64_t lease_until_ms)
{
    job->lease_until_ms = lease_until_ms;
    job->reserved = false;
    job->stage[0] = job->unit[0] = 0;
    job->done = job->total = 0;
    free(job->why);
    job->why = NULL;
    job->why_key = 0;
    return join_worker(pic, job) && read_orders(pic, job);
}

slk_err_t slk_pic_job_show(slk_picture_t *pic, slk_job_row_t *row, uint64_t lease_until_ms,
                           slk_diag_t *diag)
{
    const slk_job_state_t state = row->view.state;
    if (state != SLK_JOB_QUEUED && state != SLK_JOB_RUNNING) {
        const slk_pic_job_t *ended = slk_pic_job(pic, row->view.id);
        const bool unasked =
            state == SLK_JOB_DROPPED ||
            (state == SLK_JOB_FAILED && row->view.failure == SLK_FAILURE_CANCELLED);
        if (ended && ended->worker != SLK_PIC_NONE && unasked)
            leave_ghost(pic, ended);
        slk_pic_job_remove(pic, row->view.id);
        return SLK_OK;
    }
    slk_pic_job_t *job = job_for(pic, row);
    if (!job)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for job %lld", (long long)row->view.id);
    const bool same = job->state == SLK_JOB_RUNNING && state == SLK_JOB_RUNNING &&
                      job->lease == row->view.lease && !strcmp(job->worker_id, row->view.worker_id);
    copy_row(job, row);
    *(state == SLK_JOB_QUEUED ? &pic->queued_cnt : &pic->running_cnt) += 1;
    if (same)
        return SLK_OK;
    leave_worker(pic, job);
    job->back_ms = 0;
    if (state == SLK_JOB_RUNNING && !show_running(pic, job, lease_until_ms))
        return slk_fail(diag, SLK_ERR_NOMEM, "job %lld: its orders cannot be read",
                        (long long)job->id);
    if (state == SLK_JOB_QUEUED)
        job->promise_cnt = 0;
    return SLK_OK;
}

/* --- The end ---------------------------------------------------------------------------------- */

void slk_picture_clear(slk_picture_t *pic)
{
    size_t at = 0;
    void *value;
    while ((value = slk_pair_next(&pic->jobs, &at)))
        free_job(value);
    at = 0;
    while ((value = slk_pair_next(&pic->sectors, &at)))
        free_sector(value);
    slk_pair_free(&pic->jobs);
    slk_pair_free(&pic->sectors);
    pic->queued_cnt = pic->running_cnt = 0;
    for (uint32_t i = 0; i < pic->worker_cnt; i++)
        pic->workers[i]->job_cnt = 0;
}

void slk_picture_free(slk_picture_t *pic)
{
    slk_picture_clear(pic);
    for (uint32_t i = 0; i < pic->worker_cnt; i++) {
        free(pic->workers[i]->miners.at);
        free(pic->workers[i]->mounts);
        free(pic->workers[i]->jobs);
        free(pic->workers[i]->ghosts);
        free(pic->workers[i]);
    }
    for (uint32_t i = 0; i < pic->store_cnt; i++) {
        free_texts(&pic->stores[i]->groups);
        free_texts(&pic->stores[i]->allow_to);
        free(pic->stores[i]->allow_miners.at);
        free(pic->stores[i]->deny_miners.at);
        free(pic->stores[i]);
    }
    free(pic->workers);
    free(pic->stores);
    *pic = (slk_picture_t){0};
}
