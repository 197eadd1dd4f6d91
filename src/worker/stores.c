#include "worker/stores.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"
#include "storage/trash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_SECONDS  3    /* between two questions for free space */
#define CHECK_SECONDS 30   /* between two tries to write */
#define HANGS_SECONDS 20   /* after which a path counts as ill */
#define PURGE_SECONDS 3600 /* between two looks into the trash */

/* Lives until its thread and the list have left it. */
typedef struct store {
    struct store *next;
    slk_stores_t *all;
    char id[SLK_STORAGE_ID_MAX];
    char root[SLK_ROOT_MAX];
    pthread_t thread;
    bool stop, over; /* the thread shall end, has ended */
    bool suspect;    /* to be declared */
    bool has_stat;
    slk_path_stat_t stat;
    char error[512];
    double asked;    /* since when it owes an answer; 0: it does not */
    double measured; /* when `stat` was asked for */
} store_t;

struct slk_stores {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    slk_local_paths_t *paths;
    char file[SLK_ROOT_MAX + 64];
    _Atomic uint64_t trash_grace_s;
    store_t *list;
    struct timespec read_at; /* of storage.json */
    off_t read_len;
    bool incomplete; /* a path of the file could not be attached */
    unsigned poked;
};

slk_err_t slk_stores_new(slk_stores_t **out, slk_local_paths_t *paths, const char *file,
                         uint64_t trash_grace_s, slk_diag_t *diag)
{
    slk_stores_t *stores = calloc(1, sizeof *stores);
    if (!stores)
        return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for storage paths");
    if (strlen(file) >= sizeof stores->file) {
        free(stores);
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: the path is too long", file);
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&stores->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&stores->mutex, NULL);
    stores->paths = paths;
    stores->trash_grace_s = trash_grace_s;
    stores->read_len = -1;
    strcpy(stores->file, file);
    *out = stores;
    return SLK_OK;
}

void slk_stores_set_grace(slk_stores_t *stores, uint64_t trash_grace_s)
{
    atomic_store(&stores->trash_grace_s, trash_grace_s);
}

/* --- The thread of a path ------------------------------------------------------------------- */

static void ask(store_t *store, bool check)
{
    slk_path_stat_t stat;
    slk_local_view_t view;
    slk_diag_t diag = {""};
    slk_err_t err = SLK_OK;
    double began = slk_clock_seconds();
    if (check)
        err = slk_local_check(store->all->paths, store->id, &diag);
    if (err == SLK_OK)
        err = slk_local_stat(&stat, store->all->paths, store->id, &diag);
    if (err == SLK_OK && slk_local_view(&view, store->all->paths, store->id, &diag) == SLK_OK &&
        view.error[0]) {
        err = SLK_ERR_IO;
        snprintf(diag.text, sizeof diag.text, "%s", view.error);
    }
    pthread_mutex_lock(&store->all->mutex);
    bool was_well = !store->error[0];
    store->asked = 0;
    store->error[0] = 0;
    if (err == SLK_OK) {
        store->stat = stat;
        store->has_stat = true;
        store->measured = began;
    } else
        snprintf(store->error, sizeof store->error, "%s", diag.text);
    pthread_mutex_unlock(&store->all->mutex);
    if (was_well && err != SLK_OK)
        slk_log(SLK_LOG_WARN, "worker", "path %s: %s", store->root, diag.text);
    if (!was_well && err == SLK_OK)
        slk_log(SLK_LOG_INFO, "worker", "path %s is well again", store->root);
}

static void purge(const store_t *store)
{
    slk_diag_t diag;
    uint64_t freed = 0;
    slk_trash_purge_t what = {.grace_s = store->all->trash_grace_s};
    if (slk_trash_purge(&freed, store->root, &what, NULL, &diag) != SLK_OK)
        slk_log(SLK_LOG_WARN, "worker", "trash of %s: %s", store->root, diag.text);
    else if (freed)
        slk_log(SLK_LOG_INFO, "worker", "trash of %s: %" PRIu64 " bytes deleted", store->root,
                freed);
}

static void *watch(void *arg)
{
    store_t *store = arg;
    slk_stores_t *all = store->all;
    double checked = -1e9, purged = slk_clock_seconds();
    pthread_mutex_lock(&all->mutex);
    while (!store->stop) {
        double now = slk_clock_seconds();
        unsigned poked = all->poked;
        bool check = now - checked >= CHECK_SECONDS;
        store->asked = now;
        pthread_mutex_unlock(&all->mutex);
        ask(store, check);
        if (check)
            checked = now;
        if (now - purged >= PURGE_SECONDS) {
            purge(store);
            purged = now;
        }
        pthread_mutex_lock(&all->mutex);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_SECONDS;
        while (!store->stop && all->poked == poked)
            if (pthread_cond_timedwait(&all->cond, &all->mutex, &until) == ETIMEDOUT)
                break;
    }
    store->over = true;
    pthread_cond_broadcast(&all->cond);
    pthread_mutex_unlock(&all->mutex);
    return NULL;
}

/* Wait for the thread of a store that was told to stop, not for ever. Mutex held. */
static bool gone(store_t *store)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5;
    while (!store->over)
        if (pthread_cond_timedwait(&store->all->cond, &store->all->mutex, &until) == ETIMEDOUT)
            break;
    return store->over;
}

/* Take a store out of the list and end its thread. Mutex held. False: the thread is stuck. */
static bool drop(slk_stores_t *stores, store_t **at)
{
    store_t *store = *at;
    *at = store->next;
    store->stop = true;
    pthread_cond_broadcast(&stores->cond);
    if (!gone(store)) {
        slk_log(SLK_LOG_WARN, "worker", "path %s: the disk does not answer", store->root);
        pthread_detach(store->thread);
        return false;
    }
    pthread_mutex_unlock(&stores->mutex);
    pthread_join(store->thread, NULL);
    free(store);
    pthread_mutex_lock(&stores->mutex);
    return true;
}

void slk_stores_free(slk_stores_t *stores)
{
    if (!stores)
        return;
    bool all = true;
    pthread_mutex_lock(&stores->mutex);
    while (stores->list)
        all &= drop(stores, &stores->list);
    pthread_mutex_unlock(&stores->mutex);
    if (!all) /* its thread will look at the mutex when the disk comes back */
        return;
    pthread_cond_destroy(&stores->cond);
    pthread_mutex_destroy(&stores->mutex);
    free(stores);
}

/* --- storage.json --------------------------------------------------------------------------- */

/* Attach one path and start its thread. SLK_OK also when it is attached already. */
static slk_err_t add(slk_stores_t *stores, const char *root, bool *changed, slk_diag_t *diag)
{
    char id[SLK_STORAGE_ID_MAX];
    slk_err_t err = slk_local_attach(id, stores->paths, root, diag);
    if (err != SLK_OK)
        return err;
    pthread_mutex_lock(&stores->mutex);
    store_t **at = &stores->list;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    store_t *store = *at;
    bool is_new = !store;
    if (is_new) {
        store = calloc(1, sizeof *store);
        if (!store) {
            err = slk_fail(diag, SLK_ERR_NOMEM, "%s: out of memory", root);
            goto out;
        }
        store->all = stores;
        store->suspect = true;
        strcpy(store->id, id);
        snprintf(store->root, sizeof store->root, "%s", root);
        if (pthread_create(&store->thread, NULL, watch, store) != 0) {
            free(store);
            err = slk_fail(diag, SLK_ERR_NOMEM, "%s: no thread to be had", root);
            goto out;
        }
        *at = store;
        *changed = true;
    }
out:
    pthread_mutex_unlock(&stores->mutex);
    if (err == SLK_OK && is_new)
        slk_log(SLK_LOG_INFO, "worker", "path %s attached (%s)", root, id);
    return err;
}

/* Detach what storage.json does not name. */
static void remove_others(slk_stores_t *stores, const slk_names_t *roots, bool *changed)
{
    slk_diag_t diag;
    pthread_mutex_lock(&stores->mutex);
    for (store_t **at = &stores->list; *at;) {
        store_t *store = *at;
        if (slk_names_have(roots, store->root)) {
            at = &store->next;
            continue;
        }
        slk_err_t err = slk_local_detach(stores->paths, store->id, &diag);
        if (err != SLK_OK && err != SLK_ERR_NOTFOUND) {
            stores->incomplete = true; /* in use: later */
            at = &store->next;
            continue;
        }
        slk_log(SLK_LOG_INFO, "worker", "path %s detached (%s)", store->root, store->id);
        (void)drop(stores, at);
        at = &stores->list;
        *changed = true;
    }
    pthread_mutex_unlock(&stores->mutex);
}

static bool same_file(slk_stores_t *stores)
{
    struct stat st = {.st_size = 0};
    if (stat(stores->file, &st) != 0)
        memset(&st, 0, sizeof st);
    bool same = st.st_size == stores->read_len && st.st_mtim.tv_sec == stores->read_at.tv_sec &&
                st.st_mtim.tv_nsec == stores->read_at.tv_nsec;
    stores->read_len = st.st_size;
    stores->read_at = st.st_mtim;
    return same;
}

slk_err_t slk_stores_reload(slk_stores_t *stores, bool always, bool *changed, slk_diag_t *diag)
{
    slk_names_t roots = {0};
    slk_diag_t why;
    bool said = stores->incomplete;
    *changed = false;
    if (same_file(stores) && !always && !stores->incomplete)
        return SLK_OK;
    slk_err_t err = slk_storage_list_read(&roots, stores->file, diag);
    if (err != SLK_OK)
        goto out;
    stores->incomplete = false;
    for (size_t i = 0; i < roots.cnt; i++)
        if (add(stores, roots.at[i], changed, &why) != SLK_OK) {
            if (!said)
                slk_log(SLK_LOG_ERROR, "worker", "path %s is not attached: %s", roots.at[i],
                        why.text);
            stores->incomplete = true;
        }
    remove_others(stores, &roots, changed);
out:
    slk_names_free(&roots);
    return err;
}

/* --- Reports -------------------------------------------------------------------------------- */

/* A number such as of "f01000"; false: of another form. */
static bool miner_number(uint64_t *out, const char *text)
{
    char *end;
    if ((text[0] != 'f' && text[0] != 't') || text[1] != '0' || text[2] < '0' || text[2] > '9')
        return false;
    *out = strtoull(text + 2, &end, 10);
    return *end == 0;
}

static slk_err_t put_text(slk_bytes_t *out, const char *text, slk_arena_t *arena)
{
    char *copy = slk_arena_text(arena, text, strlen(text));
    *out = (slk_bytes_t){(const uint8_t *)copy, strlen(text)};
    return copy ? SLK_OK : SLK_ERR_NOMEM;
}

static slk_err_t put_miners(slk_u64_list_t *out, const slk_names_t *names, slk_arena_t *arena)
{
    out->items = slk_arena_array(arena, names->cnt, sizeof *out->items);
    if (!out->items)
        return SLK_ERR_NOMEM;
    for (size_t i = 0; i < names->cnt; i++)
        if (miner_number(&out->items[out->count], names->at[i]))
            out->count++;
    return SLK_OK;
}

static slk_err_t put_names(slk_bytes_t *out, const slk_names_t *names, slk_arena_t *arena)
{
    *out = (slk_bytes_t){0};
    if (names->cnt == 0)
        return SLK_OK;
    json_t *list = json_array();
    for (size_t i = 0; i < names->cnt; i++)
        json_array_append_new(list, json_string(names->at[i]));
    char *text = slk_json_dump(list, JSON_COMPACT);
    json_decref(list);
    slk_err_t err = text ? put_text(out, text, arena) : SLK_ERR_NOMEM;
    free(text);
    return err;
}

static uint64_t type_set(const slk_names_t *names)
{
    uint64_t set = 0;
    for (size_t i = 0; i < names->cnt; i++)
        set |= slk_file_type_from_name(names->at[i], strlen(names->at[i]));
    return set;
}

slk_err_t slk_store_report_make(slk_store_report_t *report, const char *root,
                                const slk_path_meta_t *meta, const slk_path_stat_t *stat,
                                const char *error, slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err;
    *report = (slk_store_report_t){.weight = meta->weight,
                                   .can_seal = meta->can_seal,
                                   .can_store = meta->can_store,
                                   .can_final = meta->can_final,
                                   .max_storage = meta->max_storage,
                                   .allow_types = type_set(&meta->allow_types),
                                   .deny_types = type_set(&meta->deny_types)};
    if (stat) {
        report->capacity = stat->capacity;
        report->available = stat->available;
        report->used =
            stat->capacity > stat->fs_available ? stat->capacity - stat->fs_available : 0;
        if (stat->max)
            report->used = stat->used;
    }
    SLK_TRY(put_text(&report->id, meta->id, arena));
    SLK_TRY(put_text(&report->path, root, arena));
    SLK_TRY(put_text(&report->error, error, arena));
    SLK_TRY(put_names(&report->groups, &meta->groups, arena));
    SLK_TRY(put_names(&report->allow_to, &meta->allow_to, arena));
    SLK_TRY(put_miners(&report->allow_miners, &meta->allow_miners, arena));
    SLK_TRY(put_miners(&report->deny_miners, &meta->deny_miners, arena));
    return SLK_OK;
out:
    return slk_fail(diag, err, "out of memory for a report of %s", root);
}

static slk_err_t report_one(slk_store_report_t *report, slk_stores_t *stores, const store_t *store,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    slk_path_meta_t meta = {0};
    char error[512];
    slk_err_t err;
    snprintf(error, sizeof error, "%s", store->error);
    double since = store->asked > 0 ? slk_clock_seconds() - store->asked : 0;
    if (since > HANGS_SECONDS)
        snprintf(error, sizeof error, "the disk has not answered for %.0f s", since);
    else if (!error[0] && !store->has_stat)
        snprintf(error, sizeof error, "not looked at yet");
    SLK_TRY(slk_local_meta(&meta, stores->paths, store->id, diag));
    err = slk_store_report_make(report, store->root, &meta, store->has_stat ? &store->stat : NULL,
                                error, arena, diag);
out:
    slk_path_meta_free(&meta);
    return err;
}

slk_err_t slk_stores_report(slk_store_report_list_t *reports, slk_stores_t *stores,
                            slk_arena_t *arena, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    size_t cnt = 0;
    pthread_mutex_lock(&stores->mutex);
    for (store_t *store = stores->list; store; store = store->next)
        cnt++;
    *reports = (slk_store_report_list_t){slk_arena_array(arena, cnt, sizeof *reports->items), 0};
    if (!reports->items)
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for a report of paths");
    for (store_t *store = stores->list; err == SLK_OK && store; store = store->next) {
        err = report_one(&reports->items[reports->count], stores, store, arena, diag);
        reports->count++;
    }
    pthread_mutex_unlock(&stores->mutex);
    return err;
}

void slk_stores_poke(slk_stores_t *stores)
{
    pthread_mutex_lock(&stores->mutex);
    stores->poked++;
    pthread_cond_broadcast(&stores->cond);
    pthread_mutex_unlock(&stores->mutex);
}

bool slk_stores_fresh_since(slk_stores_t *stores, double time)
{
    bool fresh = true;
    pthread_mutex_lock(&stores->mutex);
    for (const store_t *store = stores->list; store; store = store->next)
        fresh = fresh && (store->error[0] || store->measured >= time);
    pthread_mutex_unlock(&stores->mutex);
    return fresh;
}

/* --- Declarations --------------------------------------------------------------------------- */

void slk_stores_suspect(slk_stores_t *stores, const char *id)
{
    pthread_mutex_lock(&stores->mutex);
    for (store_t *store = stores->list; store; store = store->next)
        if (!id || !strcmp(store->id, id))
            store->suspect = true;
    pthread_mutex_unlock(&stores->mutex);
}

bool slk_stores_next_suspect(char id[SLK_STORAGE_ID_MAX], slk_stores_t *stores)
{
    bool found = false;
    pthread_mutex_lock(&stores->mutex);
    for (store_t *store = stores->list; store && !found; store = store->next)
        if (store->suspect) {
            store->suspect = false;
            strcpy(id, store->id);
            found = true;
        }
    pthread_mutex_unlock(&stores->mutex);
    return found;
}

typedef struct {
    slk_declared_t *items;
    size_t cnt, room;
    const char *id;
} scan_t;

static slk_err_t found(void *ctx, const slk_found_t *entry, slk_diag_t *diag)
{
    scan_t *scan = ctx;
    if (!entry->sector) {
        slk_log(SLK_LOG_WARN, "worker", "path %s: %s/%s: %s", scan->id,
                slk_file_type_name(entry->type), entry->name, entry->why);
        return SLK_OK;
    }
    if (scan->cnt == scan->room) {
        size_t room = scan->room ? 2 * scan->room : 256;
        slk_declared_t *items = realloc(scan->items, room * sizeof *items);
        if (!items)
            return slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the files of a path");
        scan->items = items;
        scan->room = room;
    }
    scan->items[scan->cnt++] =
        (slk_declared_t){entry->sector->miner, entry->sector->number, entry->type};
    return SLK_OK;
}

static int by_sector(const void *a, const void *b)
{
    const slk_declared_t *x = a, *y = b;
    if (x->miner != y->miner)
        return x->miner < y->miner ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

slk_err_t slk_stores_scan(slk_declared_list_t *sectors, slk_stores_t *stores, const char *id,
                          slk_arena_t *arena, slk_diag_t *diag)
{
    scan_t scan = {.id = id};
    slk_err_t err;
    *sectors = (slk_declared_list_t){0};
    SLK_TRY(slk_local_scan(stores->paths, id, found, &scan, diag));
    if (scan.cnt)
        qsort(scan.items, scan.cnt, sizeof *scan.items, by_sector);
    sectors->items = slk_arena_array(arena, scan.cnt, sizeof *sectors->items);
    if (!sectors->items) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "out of memory for the files of a path");
        goto out;
    }
    for (size_t i = 0; i < scan.cnt; i++) {
        slk_declared_t *last = sectors->count ? &sectors->items[sectors->count - 1] : NULL;
        if (last && by_sector(last, &scan.items[i]) == 0)
            last->types |= scan.items[i].types;
        else
            sectors->items[sectors->count++] = scan.items[i];
    }
out:
    free(scan.items);
    return err;
}
