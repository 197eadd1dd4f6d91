#include "devnet/chain/block_db.h"

#include "base/assert.h"
#include "store/migrate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024u /* a power of two */

/* A block in memory. Pending ones stay until they are committed, the others as long as there is room,
 * the ones used last longest. */
typedef struct entry {
    struct entry *chain;         /* next of its slot */
    struct entry *older, *newer; /* of those not pending; of the pending ones `older` alone */
    bool pending;
    slk_cid_t cid;
    size_t len;
    uint8_t bytes[];
} entry_t;

struct slk_block_db {
    pthread_mutex_t lock;
    slk_db_t *db;
    entry_t **slots;
    size_t slot_cnt, entry_cnt;
    entry_t *oldest, *newest; /* not pending */
    entry_t *pending;
    size_t pending_cnt, cached_bytes, cached_cnt, cache_max;
    uint64_t hits, reads;
};

static const char *const create[] = {
    "CREATE TABLE block (cid {blob} PRIMARY KEY, bytes {blob} NOT NULL) {strict}", NULL};
static const slk_migration_t migrations[] = {{1, "blocks by CID", create, NULL}};

/* --- Life ---------------------------------------------------------------------------------------------- */

slk_err_t slk_block_db_new(slk_block_db_t **out, slk_db_t *db, size_t cache_bytes, slk_diag_t *diag)
{
    slk_err_t err;
    *out = NULL;
    slk_block_db_t *b = calloc(1, sizeof *b);
    if (b)
        b->slots = calloc(FIRST_SLOTS, sizeof(entry_t *));
    if (!b || !b->slots) {
        free(b);
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for blocks");
    }
    b->slot_cnt = FIRST_SLOTS;
    b->db = db;
    b->cache_max = cache_bytes;
    pthread_mutex_init(&b->lock, NULL);
    SLK_TRY(slk_db_migrate(db, "devnet_block", migrations, SLK_COUNT(migrations), diag));
    *out = b;
    return SLK_OK;
out:
    slk_block_db_free(b);
    return err;
}

void slk_block_db_free(slk_block_db_t *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->slot_cnt; i++)
        for (entry_t *entry = b->slots[i]; entry;) {
            entry_t *next = entry->chain;
            free(entry);
            entry = next;
        }
    free(b->slots);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* --- Memory ---------------------------------------------------------------------------------------------- */

/* The digest is the end of the CID. */
static size_t slot_of(const slk_cid_t *cid, size_t slot_cnt)
{
    uint64_t hash = 0;
    size_t take = cid->len < sizeof hash ? cid->len : sizeof hash;
    memcpy(&hash, cid->b + cid->len - take, take);
    return hash & (slot_cnt - 1);
}

static entry_t *find(const slk_block_db_t *b, const slk_cid_t *cid)
{
    for (entry_t *entry = b->slots[slot_of(cid, b->slot_cnt)]; entry; entry = entry->chain)
        if (slk_cid_eq(&entry->cid, cid))
            return entry;
    return NULL;
}

static void unlink_cached(slk_block_db_t *b, entry_t *entry)
{
    *(entry->older ? &entry->older->newer : &b->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &b->newest) = entry->older;
    b->cached_bytes -= entry->len;
    b->cached_cnt--;
}

static void link_newest(slk_block_db_t *b, entry_t *entry)
{
    entry->pending = false;
    entry->newer = NULL;
    entry->older = b->newest;
    *(b->newest ? &b->newest->newer : &b->oldest) = entry;
    b->newest = entry;
    b->cached_bytes += entry->len;
    b->cached_cnt++;
}

static void forget(slk_block_db_t *b, entry_t *entry)
{
    entry_t **at = &b->slots[slot_of(&entry->cid, b->slot_cnt)];
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    unlink_cached(b, entry);
    b->entry_cnt--;
    free(entry);
}

static void make_room(slk_block_db_t *b)
{
    while (b->cached_bytes > b->cache_max && b->oldest != b->newest)
        forget(b, b->oldest);
}

/* More slots when there are as many entries; without memory chains get longer instead. */
static void grow(slk_block_db_t *b)
{
    size_t cnt = b->slot_cnt * 2;
    entry_t **slots = calloc(cnt, sizeof *slots);
    if (!slots)
        return;
    for (size_t i = 0; i < b->slot_cnt; i++)
        for (entry_t *entry = b->slots[i]; entry;) {
            entry_t *next = entry->chain, **at = &slots[slot_of(&entry->cid, cnt)];
            entry->chain = *at;
            *at = entry;
            entry = next;
        }
    free(b->slots);
    b->slots = slots;
    b->slot_cnt = cnt;
}

static entry_t *insert(slk_block_db_t *b, const slk_cid_t *cid, const void *bytes, size_t len)
{
    entry_t *entry = malloc(sizeof *entry + len);
    if (!entry)
        return NULL;
    if (b->entry_cnt == b->slot_cnt)
        grow(b);
    entry_t **at = &b->slots[slot_of(cid, b->slot_cnt)];
    *entry = (entry_t){.chain = *at, .cid = *cid, .len = len};
    if (len)
        memcpy(entry->bytes, bytes, len);
    *at = entry;
    b->entry_cnt++;
    return entry;
}

/* --- The store --------------------------------------------------------------------------------------------- */

/* A block from the database into memory; *entry NULL: there is none. */
static slk_err_t load(entry_t **entry, slk_block_db_t *b, const slk_cid_t *cid, slk_diag_t *diag)
{
    slk_err_t err;
    slk_db_rows_t *rows = NULL;
    bool more;
    size_t len;
    *entry = NULL;
    SLK_TRY(slk_db_query(&rows, b->db, "SELECT bytes FROM block WHERE cid = ?1",
                         SLK_VALS(slk_val_blob(cid->b, cid->len)), diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more)
        goto out;
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    *entry = insert(b, cid, bytes, len);
    if (!*entry) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block of %zu bytes", len);
        goto out;
    }
    b->reads++;
    link_newest(b, *entry);
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t lookup(entry_t **entry, slk_block_db_t *b, const slk_cid_t *cid, slk_diag_t *diag)
{
    *entry = find(b, cid);
    if (!*entry)
        return load(entry, b, cid, diag);
    b->hits++;
    if (!(*entry)->pending) {
        unlink_cached(b, *entry);
        link_newest(b, *entry);
    }
    return SLK_OK;
}

static slk_err_t get(void *ctx, uint8_t **bytes, size_t *len, const slk_cid_t *cid,
                     slk_diag_t *diag)
{
    slk_block_db_t *b = ctx;
    entry_t *entry;
    *bytes = NULL;
    pthread_mutex_lock(&b->lock);
    slk_err_t err = lookup(&entry, b, cid, diag);
    if (err == SLK_OK && !entry)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "block %s is not in %s", slk_cid_text(cid).s,
                       slk_db_name(b->db));
    if (err == SLK_OK) {
        *bytes = malloc(entry->len ? entry->len : 1);
        if (*bytes)
            memcpy(*bytes, entry->bytes, entry->len);
        else
            err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block of %zu bytes", entry->len);
        *len = entry->len;
    }
    make_room(b);
    pthread_mutex_unlock(&b->lock);
    return err;
}

static slk_err_t put(void *ctx, const slk_cid_t *cid, slk_bytes_t block, slk_diag_t *diag)
{
    slk_block_db_t *b = ctx;
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&b->lock);
    if (!find(b, cid)) {
        entry_t *entry = insert(b, cid, block.b, block.len);
        if (entry) {
            entry->pending = true;
            entry->older = b->pending;
            b->pending = entry;
            b->pending_cnt++;
        } else {
            err = slk_fail(diag, SLK_ERR_NOMEM, "no memory for a block of %zu bytes", block.len);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

static slk_err_t has(void *ctx, bool *there, const slk_cid_t *cid, slk_diag_t *diag)
{
    slk_block_db_t *b = ctx;
    entry_t *entry;
    pthread_mutex_lock(&b->lock);
    slk_err_t err = lookup(&entry, b, cid, diag);
    *there = entry != NULL;
    pthread_mutex_unlock(&b->lock);
    return err;
}

slk_blockstore_t slk_block_db_store(slk_block_db_t *b)
{
    return (slk_blockstore_t){b, get, put, has};
}

/* --- Commit -------------------------------------------------------------------------------------------------- */

typedef struct {
    slk_block_db_t *blocks;
    slk_db_fn_t *more;
    void *ctx;
} commit_t;

static slk_err_t write_pending(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const commit_t *c = ctx;
    for (const entry_t *entry = c->blocks->pending; entry; entry = entry->older)
        SLK_TRY(slk_db_run(
            db, "INSERT INTO block (cid, bytes) VALUES (?1, ?2) ON CONFLICT (cid) DO NOTHING",
            SLK_VALS(slk_val_blob(entry->cid.b, entry->cid.len),
                     slk_val_blob(entry->bytes, entry->len)),
            NULL, diag));
    if (c->more)
        SLK_TRY(c->more(db, c->ctx, diag));
out:
    return err;
}

slk_err_t slk_block_db_commit(slk_block_db_t *b, slk_db_fn_t *more, void *ctx, slk_diag_t *diag)
{
    commit_t commit = {b, more, ctx};
    pthread_mutex_lock(&b->lock);
    slk_err_t err = slk_db_transact(b->db, write_pending, &commit, diag);
    while (err == SLK_OK && b->pending) {
        entry_t *entry = b->pending;
        b->pending = entry->older;
        b->pending_cnt--;
        link_newest(b, entry);
    }
    make_room(b);
    pthread_mutex_unlock(&b->lock);
    return err;
}

slk_err_t slk_block_db_read(slk_block_db_t *b, slk_db_fn_t *fn, void *ctx, slk_diag_t *diag)
{
    pthread_mutex_lock(&b->lock);
    slk_err_t err = fn(b->db, ctx, diag);
    pthread_mutex_unlock(&b->lock);
    return err;
}

slk_block_db_stat_t slk_block_db_stat(slk_block_db_t *b)
{
    pthread_mutex_lock(&b->lock);
    slk_block_db_stat_t stat = {b->cached_bytes, b->cached_cnt, b->pending_cnt, b->hits, b->reads};
    pthread_mutex_unlock(&b->lock);
    return stat;
}
