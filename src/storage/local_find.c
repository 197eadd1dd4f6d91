/* Finding files of sectors in storage paths, and places for new ones. */
#include "storage/local_impl.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Scan ---------------------------------------------------------------------------------- */

typedef struct {
    slk_file_types_t type;
    slk_err_t (*found)(void *ctx, const slk_found_t *found, slk_diag_t *diag);
    void *ctx;
} scan_t;

static slk_err_t scan_entry(void *ctx, const slk_dir_t *dir, const char *name, slk_diag_t *diag)
{
    const scan_t *scan = ctx;
    slk_sector_id_t sector;
    slk_entry_t entry;
    slk_found_t found = {.type = scan->type, .name = name};
    bool folder = slk_file_type_is_folder(scan->type);
    if (!strcmp(name, "fetching"))
        return SLK_OK;
    slk_err_t err = slk_dir_entry(&entry, NULL, dir, name, diag);
    if (err != SLK_OK || entry == SLK_ENTRY_NONE)
        return err;
    if (!slk_sector_name_parse(&sector, name, strlen(name)))
        found.why = "not the name of a sector's file (s-t0<miner>-<number>)";
    else if (entry == SLK_ENTRY_OTHER)
        found.why = "neither file nor folder; symbolic links are not followed";
    else if (folder != (entry == SLK_ENTRY_FOLDER))
        found.why = folder ? "a file where a folder belongs" : "a folder where a file belongs";
    else
        found.sector = &sector;
    return scan->found(scan->ctx, &found, diag);
}

slk_err_t slk_local_scan(slk_local_paths_t *paths, const char *id,
                         slk_err_t (*found)(void *ctx, const slk_found_t *found, slk_diag_t *diag),
                         void *ctx, slk_diag_t *diag)
{
    slk_local_path_t *path;
    slk_dir_t root, dir;
    scan_t scan = {.found = found, .ctx = ctx};
    slk_err_t err = slk_local_take(&path, paths, id, diag);
    if (err != SLK_OK)
        return err;
    err = slk_dir_open(&root, path->root, diag);
    for (unsigned i = 0; err == SLK_OK && i < SLK_FT_CNT; i++) {
        scan.type = SLK_FT_AT(i);
        err = slk_dir_sub(&dir, &root, slk_file_type_name(scan.type), false, diag);
        if (err == SLK_OK)
            err = slk_dir_each(&dir, scan_entry, &scan, diag);
        else if (err == SLK_ERR_NOTFOUND)
            err = SLK_OK; /* a path attached read-only, which never had this type */
        slk_dir_close(&dir);
    }
    slk_dir_close(&root);
    slk_local_give(path);
    return err;
}

/* --- Find ---------------------------------------------------------------------------------- */

static bool root_has(const char *path, const slk_sector_id_t *sector, slk_file_types_t type)
{
    slk_dir_t root, dir = SLK_DIR_NONE;
    slk_entry_t entry = SLK_ENTRY_NONE;
    char name[SLK_SECTOR_NAME_MAX];
    if (slk_dir_open(&root, path, NULL) != SLK_OK)
        return false;
    if (slk_dir_sub(&dir, &root, slk_file_type_name(type), false, NULL) != SLK_OK ||
        slk_dir_entry(&entry, NULL, &dir, slk_sector_name(name, sector), NULL) != SLK_OK)
        entry = SLK_ENTRY_NONE;
    slk_dir_close(&dir);
    slk_dir_close(&root);
    return entry == (slk_file_type_is_folder(type) ? SLK_ENTRY_FOLDER : SLK_ENTRY_FILE);
}

bool slk_local_has(slk_local_paths_t *paths, const char *id, const slk_sector_id_t *sector,
                   slk_file_types_t type, char path[SLK_SECTOR_PATH_MAX])
{
    slk_local_path_t *p;
    if (slk_local_take(&p, paths, id, NULL) != SLK_OK)
        return false;
    bool has = root_has(p->root, sector, type) &&
               slk_sector_path(path, p->root, type, sector, NULL) == SLK_OK;
    slk_local_give(p);
    return has;
}

/* A disk that hangs is not asked for what another may have. */
static bool is_hung(const slk_local_view_t *view)
{
    return view->checking_since > 0 && view->error[0];
}

static slk_err_t find_in(char id[SLK_STORAGE_ID_MAX], char path[SLK_SECTOR_PATH_MAX],
                         slk_local_paths_t *paths, const slk_local_view_t *views, size_t cnt,
                         const slk_sector_id_t *sector, slk_file_types_t type, slk_diag_t *diag)
{
    char name[SLK_SECTOR_NAME_MAX];
    size_t hung = 0;
    for (size_t i = 0; i < cnt; i++) {
        if (is_hung(&views[i])) {
            hung++;
        } else if (slk_local_has(paths, views[i].id, sector, type, path)) {
            strcpy(id, views[i].id);
            return SLK_OK;
        }
    }
    return slk_fail(diag, SLK_ERR_NOTFOUND, "%s: no %s in any of the %zu storage paths here%s",
                    slk_sector_name(name, sector), slk_file_type_name(type), cnt,
                    hung ? " (a disk that does not answer was not asked)" : "");
}

slk_err_t slk_local_find(char id[SLK_STORAGE_ID_MAX], char path[SLK_SECTOR_PATH_MAX],
                         slk_local_paths_t *paths, const slk_sector_id_t *sector,
                         slk_file_types_t type, slk_diag_t *diag)
{
    slk_local_view_t *views;
    size_t cnt;
    slk_err_t err = slk_local_list(&views, &cnt, paths, diag);
    if (err != SLK_OK)
        return err;
    err = find_in(id, path, paths, views, cnt, sector, type, diag);
    free(views);
    return err;
}

/* --- Places for new files ------------------------------------------------------------------ */

typedef struct {
    const char *id;
    long double score;
} place_t;

typedef struct {
    slk_local_paths_t *paths;
    const slk_acquire_t *want;
    slk_acquired_t *out;
    slk_local_view_t *views;
    size_t cnt;
    place_t *places;
    slk_diag_t reasons; /* why each path was not taken */
} acquire_t;

static void add_reason(acquire_t *a, const char *root, const char *why)
{
    size_t len = strlen(a->reasons.text);
    snprintf(a->reasons.text + len, sizeof a->reasons.text - len, "%s%.200s: %.300s",
             len ? "; " : "", root, why);
}

/* NULL: the path may take these types. */
static const char *objection(acquire_t *a, const slk_local_view_t *view, slk_file_types_t types)
{
    static const char *const uses[] = {"not for sealing (CanSeal)",
                                       "not for long-term storage (CanStore)",
                                       "no final place (CanFinal)"};
    const bool can[] = {view->can_seal, view->can_store, view->can_final};
    const char *why = NULL;
    pthread_mutex_lock(&a->paths->lock);
    const slk_local_path_t *path = a->paths->first;
    while (path && strcmp(path->id, view->id) != 0)
        path = path->next;
    if (!path)
        why = "detached meanwhile";
    else if (!can[a->want->use])
        why = uses[a->want->use];
    else if (!slk_path_meta_miner_ok(&path->meta, a->want->sector.miner))
        why = "not for this miner (AllowMiners, DenyMiners)";
    else if (slk_path_meta_types(&path->meta, types) != types)
        why = "not for these types (AllowTypes, DenyTypes)";
    else if (!slk_local_is_well(path, slk_clock_seconds()))
        why = "has errors or does not answer";
    pthread_mutex_unlock(&a->paths->lock);
    return why;
}

static int by_score(const void *x, const void *y)
{
    const place_t *a = x, *b = y;
    return (a->score < b->score) - (a->score > b->score);
}

/* The paths that may take these types, best first. */
static size_t rank(acquire_t *a, slk_file_types_t types)
{
    size_t cnt = 0;
    for (size_t i = 0; i < a->cnt; i++) {
        slk_path_stat_t stat;
        slk_diag_t diag;
        const char *why = objection(a, &a->views[i], types);
        if (!why && slk_local_stat(&stat, a->paths, a->views[i].id, &diag) != SLK_OK)
            why = diag.text;
        if (why)
            add_reason(a, a->views[i].root, why);
        else
            a->places[cnt++] =
                (place_t){a->views[i].id, (long double)stat.available * a->views[i].weight};
    }
    qsort(a->places, cnt, sizeof *a->places, by_score);
    return cnt;
}

static const char *root_of(const acquire_t *a, const char *id)
{
    size_t i = 0;
    while (strcmp(a->views[i].id, id) != 0)
        i++;
    return a->views[i].root;
}

/* Reserve in one path; each type gets a reservation of its own. */
static slk_err_t take_place(acquire_t *a, const char *id, slk_file_types_t types, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_reservation_t *taken[SLK_FT_CNT] = {0};
    const slk_acquire_t *w = a->want;
    for (unsigned t = 0; err == SLK_OK && t < SLK_FT_CNT; t++) {
        if (types & SLK_FT_AT(t))
            err = slk_local_reserve(&taken[t], a->paths, id, &w->sector, SLK_FT_AT(t), w->table,
                                    w->sector_sz, diag);
    }
    for (unsigned t = 0; err == SLK_OK && t < SLK_FT_CNT; t++) {
        if (types & SLK_FT_AT(t))
            err = slk_sector_path(a->out->path[t], root_of(a, id), SLK_FT_AT(t), &w->sector, diag);
    }
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        if (err != SLK_OK) {
            slk_local_release(taken[t]);
        } else if (types & SLK_FT_AT(t)) {
            a->out->reservations[t] = taken[t];
            strcpy(a->out->id[t], id);
            a->out->types |= SLK_FT_AT(t);
        }
    }
    return err;
}

static slk_err_t allocate(acquire_t *a, slk_file_types_t types, slk_diag_t *diag)
{
    slk_err_t err = SLK_ERR_NOSPACE;
    slk_diag_t why;
    size_t cnt = rank(a, types);
    for (size_t i = 0; err == SLK_ERR_NOSPACE && i < cnt; i++) {
        err = take_place(a, a->places[i].id, types, &why);
        if (err == SLK_ERR_NOSPACE)
            add_reason(a, a->places[i].id, why.text);
    }
    if (err != SLK_OK && err != SLK_ERR_NOSPACE)
        slk_fail(diag, err, "%s", why.text);
    return err;
}

/* A path that has the file already, if it may keep it. */
static bool reuse(acquire_t *a, slk_file_types_t type, slk_err_t *err, slk_diag_t *diag)
{
    char path[SLK_SECTOR_PATH_MAX];
    for (size_t i = 0; i < a->cnt; i++) {
        const slk_local_view_t *view = &a->views[i];
        if (is_hung(view) || objection(a, view, type) ||
            !slk_local_has(a->paths, view->id, &a->want->sector, type, path))
            continue;
        *err = take_place(a, view->id, type, diag);
        return true;
    }
    return false;
}

static slk_err_t acquire(acquire_t *a, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_file_types_t fresh = 0;
    char name[SLK_SECTOR_NAME_MAX], types[SLK_FILE_TYPES_TEXT];
    for (unsigned t = 0; err == SLK_OK && t < SLK_FT_CNT; t++) {
        if (a->want->existing & SLK_FT_AT(t)) {
            a->out->types |= SLK_FT_AT(t);
            err = find_in(a->out->id[t], a->out->path[t], a->paths, a->views, a->cnt,
                          &a->want->sector, SLK_FT_AT(t), diag);
            if (err == SLK_OK && a->want->allocate & SLK_FT_AT(t))
                err = take_place(a, a->out->id[t], SLK_FT_AT(t), diag);
        } else if (a->want->allocate & SLK_FT_AT(t) && !reuse(a, SLK_FT_AT(t), &err, diag)) {
            fresh |= SLK_FT_AT(t);
        }
    }
    if (err != SLK_OK || !fresh)
        return err;
    err = allocate(a, fresh, diag);
    if (err == SLK_ERR_NOSPACE && (fresh & (fresh - 1))) {
        a->reasons.text[0] = 0;
        err = SLK_OK;
        for (unsigned t = 0; err == SLK_OK && t < SLK_FT_CNT; t++) {
            if (fresh & SLK_FT_AT(t))
                err = allocate(a, SLK_FT_AT(t), diag);
        }
    }
    if (err == SLK_ERR_NOSPACE)
        slk_fail(diag, err, "%s: no storage path for %s: %.1200s",
                 slk_sector_name(name, &a->want->sector), slk_file_types_text(types, fresh),
                 a->cnt ? a->reasons.text : "none is attached");
    return err;
}

slk_err_t slk_local_acquire(slk_acquired_t *acquired, slk_local_paths_t *paths,
                            const slk_acquire_t *want, slk_diag_t *diag)
{
    acquire_t a = {.paths = paths, .want = want, .out = acquired};
    memset(acquired, 0, sizeof *acquired);
    slk_err_t err = slk_local_list(&a.views, &a.cnt, paths, diag);
    if (err != SLK_OK)
        return err;
    a.places = calloc(a.cnt + 1, sizeof *a.places);
    err = a.places ? acquire(&a, diag) : slk_fail(diag, SLK_ERR_NOMEM, "no memory");
    if (err != SLK_OK)
        slk_local_acquired_free(acquired);
    free(a.places);
    free(a.views);
    return err;
}

void slk_local_acquired_free(slk_acquired_t *acquired)
{
    for (unsigned t = 0; t < SLK_FT_CNT; t++) {
        slk_local_release(acquired->reservations[t]);
        acquired->reservations[t] = NULL;
    }
}
