#include "storage/local_impl.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_HANGS_S 30.0 /* a disk whose health check takes so long is taken for hung */

slk_err_t slk_local_paths_new(slk_local_paths_t **paths, slk_diag_t *diag)
{
    slk_local_paths_t *p = *paths = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the list of storage paths");
    pthread_mutex_init(&p->lock, NULL);
    return SLK_OK;
}

static void free_path(slk_local_path_t *path)
{
    slk_path_meta_free(&path->meta);
    pthread_mutex_destroy(&path->space);
    free(path);
}

void slk_local_paths_free(slk_local_paths_t *paths)
{
    if (!paths)
        return;
    while (paths->first) {
        slk_local_path_t *path = paths->first;
        SLK_ASSERT(path->refs == 0 && path->reservations == 0);
        paths->first = path->next;
        free_path(path);
    }
    pthread_mutex_destroy(&paths->lock);
    free(paths);
}

static slk_local_path_t **find_link(slk_local_paths_t *paths, const char *id)
{
    slk_local_path_t **link = &paths->first;
    while (*link && strcmp((*link)->id, id) != 0)
        link = &(*link)->next;
    return link;
}

static slk_err_t not_attached(const char *id, slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOTFOUND, "storage path %s: not attached here", id);
}

slk_err_t slk_local_take(slk_local_path_t **path, slk_local_paths_t *paths, const char *id,
                         slk_diag_t *diag)
{
    pthread_mutex_lock(&paths->lock);
    *path = *find_link(paths, id);
    if (*path)
        (*path)->refs++;
    pthread_mutex_unlock(&paths->lock);
    return *path ? SLK_OK : not_attached(id, diag);
}

void slk_local_give(slk_local_path_t *path)
{
    pthread_mutex_lock(&path->paths->lock);
    path->refs--;
    pthread_mutex_unlock(&path->paths->lock);
}

bool slk_local_is_well(const slk_local_path_t *path, double now)
{
    return !path->error[0] &&
           !(path->checking_since > 0 && now - path->checking_since > CHECK_HANGS_S);
}

slk_err_t slk_sector_path(char out[SLK_SECTOR_PATH_MAX], const char *root, slk_file_types_t type,
                          const slk_sector_id_t *sector, slk_diag_t *diag)
{
    char name[SLK_SECTOR_NAME_MAX];
    int n = snprintf(out, SLK_SECTOR_PATH_MAX, "%s/%s/%s", root, slk_file_type_name(type),
                     slk_sector_name(name, sector));
    return n < 0 || n >= SLK_SECTOR_PATH_MAX
               ? slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", root)
               : SLK_OK;
}

/* --- Making, attaching, detaching ---------------------------------------------------------- */

static slk_err_t make_folders(const char *root, slk_diag_t *diag)
{
    slk_dir_t dir, sub;
    slk_err_t err = slk_dir_open(&dir, root, diag);
    for (unsigned i = 0; err == SLK_OK && i < SLK_FT_CNT; i++) {
        err = slk_dir_sub(&sub, &dir, slk_file_type_name(SLK_FT_AT(i)), true, diag);
        slk_dir_close(&sub);
    }
    slk_dir_close(&dir);
    return err;
}

slk_err_t slk_local_init(const char *root, slk_path_meta_t *meta, slk_diag_t *diag)
{
    char file[4096];
    bool found;
    uint64_t len;
    slk_err_t err = slk_make_dirs(root, diag);
    if (err == SLK_OK)
        err = slk_path_join(file, sizeof file, root, SLK_PATH_META_FILE, diag);
    if (err == SLK_OK)
        err = slk_file_len(&found, &len, file, diag);
    if (err == SLK_OK && found)
        return slk_fail(diag, SLK_ERR_STATE,
                        "%s: exists: this is a storage path already; attach it as it is", file);
    if (err == SLK_OK && !meta->id[0])
        err = slk_storage_id_new(meta->id, diag);
    if (err == SLK_OK)
        err = make_folders(root, diag);
    /* Last: with it the folder is a storage path. */
    return err == SLK_OK ? slk_path_meta_write(meta, root, diag) : err;
}

static slk_err_t new_path(slk_local_path_t **path, const char *root, slk_diag_t *diag)
{
    struct stat st;
    size_t len = strlen(root);
    *path = NULL;
    if (root[0] != '/' || len >= SLK_ROOT_MAX)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "%s: a storage path is given as an absolute path of at most %d bytes", root,
                        SLK_ROOT_MAX - 1);
    if (stat(root, &st))
        return slk_fail_errno(diag, "attach storage path", root);
    slk_local_path_t *p = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to attach %s", root);
    pthread_mutex_init(&p->space, NULL);
    strcpy(p->root, root);
    while (len > 1 && p->root[len - 1] == '/')
        p->root[--len] = 0;
    p->dev = st.st_dev;
    p->ino = st.st_ino;
    slk_err_t err = slk_path_meta_read(&p->meta, root, diag);
    if (err == SLK_ERR_NOTFOUND)
        err = slk_fail(diag, err,
                       "%s: has no " SLK_PATH_META_FILE
                       ": mount the disk, or make the folder a storage path first",
                       root);
    if (err != SLK_OK) {
        free_path(p);
        return err;
    }
    strcpy(p->id, p->meta.id);
    *path = p;
    return SLK_OK;
}

/* With the lock held. What is to be freed is left in *path. */
static slk_err_t enter(slk_local_paths_t *paths, slk_local_path_t **path, slk_diag_t *diag)
{
    slk_local_path_t *fresh = *path, **link = &paths->first;
    for (; *link; link = &(*link)->next) {
        slk_local_path_t *old = *link;
        bool place = old->dev == fresh->dev && old->ino == fresh->ino;
        bool same = !strcmp(old->id, fresh->id);
        if (place && same) {
            slk_path_meta_t meta = old->meta;
            old->meta = fresh->meta;
            fresh->meta = meta;
            return SLK_OK;
        }
        if (same)
            return slk_fail(diag, SLK_ERR_MISMATCH,
                            "%s: has the ID %s of %s, which is attached; a copied "
                            "sectorstore.json needs an ID of its own, a second mount of one disk "
                            "is attached once",
                            fresh->root, fresh->id, old->root);
        if (place)
            return slk_fail(diag, SLK_ERR_MISMATCH,
                            "%s: attached with the ID %s, its sectorstore.json says %s now; "
                            "detach it first",
                            fresh->root, old->id, fresh->id);
    }
    fresh->paths = paths;
    *link = fresh;
    *path = NULL;
    return SLK_OK;
}

slk_err_t slk_local_attach(char id[SLK_STORAGE_ID_MAX], slk_local_paths_t *paths, const char *root,
                           slk_diag_t *diag)
{
    slk_local_path_t *path;
    slk_diag_t trouble = {0};
    slk_err_t err = new_path(&path, root, diag);
    if (err != SLK_OK)
        return err;
    slk_err_t made = make_folders(root, &trouble);
    if (made == SLK_ERR_STATE) {
        free_path(path);
        return slk_fail(diag, made, "%s", trouble.text);
    }
    strcpy(id, path->id);
    pthread_mutex_lock(&paths->lock);
    err = enter(paths, &path, diag);
    pthread_mutex_unlock(&paths->lock);
    if (path)
        free_path(path);
    if (err != SLK_OK)
        return err;
    /* A disk that cannot be written may still be read: it is attached, and gets no new files. */
    (void)!slk_local_check(paths, id, NULL);
    if (made != SLK_OK)
        slk_local_note_error(paths, id, trouble.text);
    return SLK_OK;
}

slk_err_t slk_local_detach(slk_local_paths_t *paths, const char *id, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&paths->lock);
    slk_local_path_t **link = find_link(paths, id), *path = *link;
    if (!path)
        err = not_attached(id, diag);
    else if (path->reservations || path->refs)
        err =
            slk_fail(diag, SLK_ERR_BUSY,
                     "%s (%s): in use, with %u reservations of space; wait for the jobs that work "
                     "there or stop them",
                     path->root, id, path->reservations);
    else
        *link = path->next;
    pthread_mutex_unlock(&paths->lock);
    if (err == SLK_OK)
        free_path(path);
    return err;
}

/* --- What there is ------------------------------------------------------------------------- */

static void view_path(slk_local_view_t *view, const slk_local_path_t *path)
{
    *view = (slk_local_view_t){.weight = path->meta.weight,
                               .can_seal = path->meta.can_seal,
                               .can_store = path->meta.can_store,
                               .can_final = path->meta.can_final,
                               .error_at = path->error_at,
                               .checked_at = path->checked_at,
                               .checking_since = path->checking_since,
                               .reservations = path->reservations};
    strcpy(view->id, path->id);
    strcpy(view->root, path->root);
    double hung = path->checking_since > 0 ? slk_clock_seconds() - path->checking_since : 0;
    if (hung > CHECK_HANGS_S)
        snprintf(view->error, sizeof view->error,
                 "the disk has not answered for %.0f s; see the kernel's log and the way to it",
                 hung);
    else
        strcpy(view->error, path->error);
}

slk_err_t slk_local_list(slk_local_view_t **views, size_t *cnt, slk_local_paths_t *paths,
                         slk_diag_t *diag)
{
    size_t all = 0;
    *cnt = 0;
    pthread_mutex_lock(&paths->lock);
    for (const slk_local_path_t *p = paths->first; p; p = p->next)
        all++;
    *views = calloc(all + 1, sizeof **views);
    for (const slk_local_path_t *p = paths->first; *views && p; p = p->next)
        view_path(&(*views)[(*cnt)++], p);
    pthread_mutex_unlock(&paths->lock);
    return *views ? SLK_OK
                  : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a list of %zu paths", all);
}

slk_err_t slk_local_view(slk_local_view_t *view, slk_local_paths_t *paths, const char *id,
                         slk_diag_t *diag)
{
    pthread_mutex_lock(&paths->lock);
    const slk_local_path_t *path = *find_link(paths, id);
    if (path)
        view_path(view, path);
    pthread_mutex_unlock(&paths->lock);
    return path ? SLK_OK : not_attached(id, diag);
}

static slk_err_t copy_meta(slk_path_meta_t *to, const slk_path_meta_t *from, slk_diag_t *diag)
{
    slk_err_t err;
    *to = *from;
    to->groups = to->allow_to = to->allow_types = to->deny_types = to->allow_miners =
        to->deny_miners = (slk_names_t){0};
    to->kept = from->kept ? json_deep_copy(from->kept) : NULL;
#define COPY_NAMES(list)                                                                           \
    SLK_TRY(slk_names_set(&to->list, (const char *const *)from->list.at, from->list.cnt, diag))
    COPY_NAMES(groups);
    COPY_NAMES(allow_to);
    COPY_NAMES(allow_types);
    COPY_NAMES(deny_types);
    COPY_NAMES(allow_miners);
    COPY_NAMES(deny_miners);
#undef COPY_NAMES
    if (from->kept && !to->kept)
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a copy of " SLK_PATH_META_FILE);
out:
    if (err != SLK_OK)
        slk_path_meta_free(to);
    return err;
}

slk_err_t slk_local_meta(slk_path_meta_t *meta, slk_local_paths_t *paths, const char *id,
                         slk_diag_t *diag)
{
    memset(meta, 0, sizeof *meta);
    pthread_mutex_lock(&paths->lock);
    const slk_local_path_t *path = *find_link(paths, id);
    slk_err_t err = path ? copy_meta(meta, &path->meta, diag) : not_attached(id, diag);
    pthread_mutex_unlock(&paths->lock);
    return err;
}

slk_err_t slk_local_set_meta(slk_local_paths_t *paths, const slk_path_meta_t *meta,
                             slk_diag_t *diag)
{
    slk_local_path_t *path;
    slk_path_meta_t copy;
    slk_err_t err = slk_local_take(&path, paths, meta->id, diag);
    if (err != SLK_OK)
        return err;
    err = copy_meta(&copy, meta, diag);
    if (err == SLK_OK) {
        err = slk_path_meta_write(meta, path->root, diag);
        if (err == SLK_OK) {
            pthread_mutex_lock(&paths->lock);
            slk_path_meta_t old = path->meta;
            path->meta = copy;
            copy = old;
            pthread_mutex_unlock(&paths->lock);
        }
        slk_path_meta_free(&copy);
    }
    slk_local_give(path);
    return err;
}

void slk_local_note_error(slk_local_paths_t *paths, const char *id, const char *what)
{
    pthread_mutex_lock(&paths->lock);
    slk_local_path_t *path = *find_link(paths, id);
    if (path) {
        snprintf(path->error, sizeof path->error, "%s", what[0] ? what : "failed");
        path->error_at = slk_clock_seconds();
    }
    pthread_mutex_unlock(&paths->lock);
}
