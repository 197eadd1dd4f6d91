/* What files a path holds, as its worker tells after looking through it: gathered part by part,
 * then compared with what is known, and the differences written. */
#include "manager/job/dispatch_impl.h"

#include "base/log.h"
#include "net/jsonrpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTORS_MAX   ((size_t)4 << 20) /* of one path */
#define WRITE_AT_ONCE 2000

/* there: it was named, or came meanwhile. gone: it went meanwhile, whatever was named. */
typedef struct {
    slk_sector_id_t id;
    slk_file_types_t there, gone;
} named_t;

struct slk_declaration {
    slk_declaration_t *next;
    char store[SLK_STORAGE_ID_TEXT];
    char worker[SLK_JOB_WORKER_MAX];
    slk_pair_map_t sectors; /* of named_t */
};

static void free_declaration(slk_declaration_t *decl)
{
    size_t at = 0;
    void *value;
    while ((value = slk_pair_next(&decl->sectors, &at)))
        free(value);
    slk_pair_free(&decl->sectors);
    free(decl);
}

void slk_declarations_free(slk_dispatch_t *d)
{
    while (d->declarations) {
        slk_declaration_t *next = d->declarations->next;
        free_declaration(d->declarations);
        d->declarations = next;
    }
}

static slk_declaration_t **find(slk_dispatch_t *d, const char *store)
{
    slk_declaration_t **at = &d->declarations;
    while (*at && strcmp((*at)->store, store))
        at = &(*at)->next;
    return at;
}

static void forget(slk_dispatch_t *d, const char *store)
{
    slk_declaration_t **at = find(d, store), *decl = *at;
    if (!decl)
        return;
    *at = decl->next;
    free_declaration(decl);
}

static named_t *sector_of(slk_declaration_t *decl, const slk_sector_id_t *id)
{
    named_t *named = slk_pair_get(&decl->sectors, id->miner, id->number);
    if (named || decl->sectors.used >= SECTORS_MAX)
        return named;
    named = calloc(1, sizeof *named);
    if (!named)
        return NULL;
    named->id = *id;
    if (slk_pair_put(&decl->sectors, id->miner, id->number, named))
        return named;
    free(named);
    return NULL;
}

void slk_declaration_note(slk_dispatch_t *d, const char *store, const slk_sector_id_t *sector,
                          slk_file_types_t type, bool there)
{
    slk_declaration_t *decl = *find(d, store);
    named_t *named = decl ? sector_of(decl, sector) : NULL;
    if (!decl)
        return;
    if (!named) {
        /* It cannot be completed truthfully: its worker is told to begin anew. */
        forget(d, store);
        return;
    }
    named->there = there ? named->there | type : named->there & ~type;
    named->gone = there ? named->gone & ~type : named->gone | type;
}

/* --- Parts ------------------------------------------------------------------------------------ */

static bool begin(slk_dispatch_t *d, const char *store, const char *worker, slk_refusal_t *no)
{
    const slk_pic_worker_t *w = slk_pic_worker(&d->pic, worker, NULL);
    if (!w || !slk_pic_mount(w, slk_pic_store(&d->pic, store)))
        return slk_refuse(
            no, SLK_RPC_ERROR,
            "path %s was not reported by worker %s: name it in a beat before it is declared", store,
            worker);
    forget(d, store);
    slk_declaration_t *decl = calloc(1, sizeof *decl);
    if (!decl)
        return slk_refuse(no, SLK_RPC_ERROR, "out of memory for the files of path %s", store);
    strcpy(decl->store, store);
    strcpy(decl->worker, worker);
    decl->next = d->declarations;
    d->declarations = decl;
    return true;
}

static bool take_part(slk_declaration_t *decl, const slk_declare_t *part, slk_refusal_t *no)
{
    for (size_t i = 0; i < part->sectors.count; i++) {
        const slk_declared_t *s = &part->sectors.items[i];
        if (s->types & ~(uint64_t)SLK_FT_ALL)
            return slk_refuse(no, SLK_RPC_PARSE, "Sectors[%zu].Types: no such types", i);
        named_t *named = sector_of(decl, &(slk_sector_id_t){s->miner, s->number});
        if (!named)
            return slk_refuse(no, SLK_RPC_ERROR, "too many sectors in path %s", decl->store);
        named->there |= (slk_file_types_t)s->types & ~named->gone;
    }
    return true;
}

/* --- The comparison --------------------------------------------------------------------------- */

typedef struct {
    slk_sector_id_t sector;
    slk_file_types_t types;
    bool add;
    slk_storage_rank_t rank;
} change_t;

typedef struct {
    slk_dispatch_t *d;
    const char *store;
    bool primary;
    bool *mounted; /* slk_pic_mounted */
    change_t *of;
    size_t cnt, cap, from, to;
} changes_t;

static bool push(changes_t *c, const slk_sector_id_t *sector, slk_file_types_t types, bool add,
                 slk_storage_rank_t rank)
{
    if (!types)
        return true;
    if (c->cnt == c->cap) {
        const size_t cap = c->cap ? 2 * c->cap : 256;
        change_t *more = realloc(c->of, cap * sizeof *more);
        if (!more)
            return false;
        c->of = more;
        c->cap = cap;
    }
    c->of[c->cnt++] = (change_t){*sector, types, add, rank};
    return true;
}

static slk_file_types_t known_there(const slk_pic_sector_t *sector, uint32_t store)
{
    for (uint32_t i = 0; sector && i < sector->cnt; i++)
        if (sector->places[i].store == store)
            return sector->places[i].types;
    return 0;
}

/* What nobody knew of, while another path has one, may be what is left of a job that was taken away. */
static bool push_new(changes_t *c, const slk_sector_id_t *id, const slk_pic_sector_t *sector,
                     slk_file_types_t types)
{
    const slk_file_types_t elsewhere = types & slk_pic_good(sector, c->mounted);
    return push(c, id, elsewhere, true, SLK_RANK_STALE) &&
           push(c, id, types & ~elsewhere, true, c->primary ? SLK_RANK_PRIMARY : SLK_RANK_COPY);
}

static bool compare(changes_t *c, const slk_declaration_t *decl, uint32_t store)
{
    const slk_picture_t *pic = &c->d->pic;
    size_t at = 0;
    bool ok = true;
    const named_t *named;
    const slk_pic_sector_t *sector;
    while (ok && (named = slk_pair_next(&decl->sectors, &at))) {
        sector = slk_pic_sector(pic, &named->id);
        ok = push_new(c, &named->id, sector, named->there & ~known_there(sector, store));
    }
    at = 0;
    while (ok && (sector = slk_pair_next(&pic->sectors, &at))) {
        named = slk_pair_get(&decl->sectors, sector->id.miner, sector->id.number);
        ok = push(c, &sector->id, known_there(sector, store) & ~(named ? named->there : 0), false,
                  SLK_RANK_COPY);
    }
    return ok;
}

static slk_err_t write_changes(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const changes_t *c = ctx;
    const int64_t now_ms = slk_dispatch_now(c->d);
    slk_err_t err = SLK_OK;
    for (size_t i = c->from; err == SLK_OK && i < c->to; i++)
        for (unsigned t = 0; err == SLK_OK && t < SLK_FT_CNT; t++)
            if (c->of[i].types & SLK_FT_AT(t))
                err = c->of[i].add
                          ? slk_storage_add(db, &c->of[i].sector, SLK_FT_AT(t), c->store,
                                            c->of[i].rank, now_ms, diag)
                          : slk_storage_drop(db, &c->of[i].sector, SLK_FT_AT(t), c->store, diag);
    return err;
}

static slk_err_t apply(changes_t *c, uint32_t store, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (c->from = 0; err == SLK_OK && c->from < c->cnt; c->from = c->to) {
        c->to = c->cnt - c->from > WRITE_AT_ONCE ? c->from + WRITE_AT_ONCE : c->cnt;
        err = slk_dispatch_transact(c->d, write_changes, c, diag);
        pthread_mutex_lock(&c->d->lock);
        for (size_t i = c->from; err == SLK_OK && i < c->to; i++)
            if (!c->of[i].add)
                slk_pic_file_drop(&c->d->pic, &c->of[i].sector, c->of[i].types, store);
            else if (!slk_pic_file_add(&c->d->pic, &c->of[i].sector, c->of[i].types, store,
                                       c->of[i].rank))
                c->d->reload = true;
        slk_dispatch_stir(c->d);
        pthread_mutex_unlock(&c->d->lock);
    }
    return err;
}

static bool complete(slk_dispatch_t *d, const slk_declaration_t *decl, slk_refusal_t *no)
{
    slk_diag_t diag;
    const uint32_t store = slk_pic_store(&d->pic, decl->store);
    changes_t c = {.d = d, .store = decl->store};
    if (store == SLK_PIC_NONE)
        return slk_refuse(no, SLK_RPC_STALE, "path %s was forgotten: declare it anew", decl->store);
    c.primary = d->pic.stores[store]->can_store;
    c.mounted = slk_pic_mounted(&d->pic);
    slk_err_t err = c.mounted && compare(&c, decl, store)
                        ? apply(&c, store, &diag)
                        : slk_fail(&diag, SLK_ERR_NOMEM, "out of memory for the files of a path");
    if (err == SLK_OK)
        slk_log(SLK_LOG_INFO, SLK_LOG_DISPATCH, "path %s: %zu sectors, %zu differences",
                decl->store, decl->sectors.used, c.cnt);
    free(c.mounted);
    free(c.of);
    return err == SLK_OK || slk_refuse_err(no, err, &diag);
}

bool slk_dispatch_declare(slk_dispatch_t *d, const slk_declare_t *part, slk_refusal_t *no)
{
    char store[SLK_STORAGE_ID_TEXT], worker[SLK_JOB_WORKER_MAX];
    if (!slk_storage_id_text(store, &part->store) ||
        !slk_text_of(worker, sizeof worker, &part->worker))
        return slk_refuse(no, SLK_RPC_PARSE, "Worker or Store: expected the ID of one");
    pthread_mutex_lock(&d->db_lock);
    bool ok = !part->first || begin(d, store, worker, no);
    slk_declaration_t *decl = ok ? *find(d, store) : NULL;
    if (ok && (!decl || strcmp(decl->worker, worker)))
        ok = slk_refuse(
            no, SLK_RPC_STALE,
            "path %s is not being declared by this worker (the manager was started anew, or "
            "another worker began later): begin anew",
            store);
    if (ok)
        ok = take_part(decl, part, no);
    if (ok && part->last) {
        ok = complete(d, decl, no);
        forget(d, store);
    }
    pthread_mutex_unlock(&d->db_lock);
    return ok;
}
