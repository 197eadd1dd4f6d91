/* A chain's life: folder, database, what it was made with; and its state. */

#include "devnet/chain/chain_impl.h"

#include "base/bytes.h"
#include "base/file.h"
#include "codec/ipld/object.h"
#include "store/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CACHE_BYTES   ((size_t)64 << 20)
#define GENESIS_LIMIT ((size_t)8 << 20)
#define PATH_SZ       4096

static const char *const create[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) {strict}",
    "CREATE TABLE tipset (key {blob} PRIMARY KEY, height {i64} NOT NULL, weight {blob} NOT NULL, "
    "base_fee {blob} NOT NULL, state {blob} NOT NULL, receipts {blob} NOT NULL) {strict}",
    "CREATE INDEX tipset_by_height ON tipset (height)",
    "CREATE TABLE canonical (height {i64} PRIMARY KEY, key {blob} NOT NULL) {strict}",
    "CREATE TABLE mined (cid {blob} NOT NULL, key {blob} NOT NULL, height {i64} NOT NULL, "
    "sender {blob} NOT NULL, nonce {i64} NOT NULL, PRIMARY KEY (cid, key)) {strict}",
    "CREATE INDEX mined_by_sender ON mined (sender, nonce)",
    "CREATE TABLE pool (cid {blob} PRIMARY KEY, sender {blob} NOT NULL, nonce {i64} NOT NULL, "
    "bytes {blob} NOT NULL) {strict}",
    "CREATE INDEX pool_by_sender ON pool (sender, nonce)",
    "CREATE TABLE pushed (uuid TEXT PRIMARY KEY, bytes {blob} NOT NULL) {strict}",
    NULL};
static const slk_migration_t migrations[] = {{1, "tipsets, messages, pool", create, NULL}};

/* --- What it was made with -------------------------------------------------------------------- */

enum { NETWORK, SEED, GENESIS_TIME, POLICY, MADE_WITH };
static const char *const names[MADE_WITH] = {"network name", "seed", "genesis time", "policy"};

typedef struct {
    char text[MADE_WITH][256];
    bool found[MADE_WITH];
} made_with_t;

static made_with_t describe(const slk_chain_t *c)
{
    made_with_t made = {0};
    const slk_policy_t *p = &c->policy;
    snprintf(made.text[NETWORK], sizeof made.text[NETWORK], "%s", c->network_name);
    snprintf(made.text[SEED], sizeof made.text[SEED], "%s", slk_node_hex(&c->seed).s);
    snprintf(made.text[GENESIS_TIME], sizeof made.text[GENESIS_TIME], "%" PRIu64, c->genesis_time);
    snprintf(made.text[POLICY], sizeof made.text[POLICY],
             "%s, %u deadlines of %" PRId64 " epochs in %" PRId64 ", %u s an epoch, %" PRIu64
             " bytes a sector, seed after %" PRId64 ", %s PoSt",
             p->name, p->deadlines, p->challenge_window, p->proving_period, p->block_delay_s,
             p->sector_sizes, p->precommit_challenge_delay,
             p->optimistic_post ? "optimistic" : "strict");
    return made;
}

static slk_err_t read_made_with(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    made_with_t *made = ctx;
    slk_db_rows_t *rows = NULL;
    for (size_t i = 0; i < MADE_WITH; i++) {
        SLK_TRY(slk_db_query(&rows, db, "SELECT value FROM meta WHERE name = ?1",
                             SLK_VALS(slk_val_text(names[i])), diag));
        SLK_TRY(slk_db_rows_next(rows, &made->found[i], diag));
        if (made->found[i])
            snprintf(made->text[i], sizeof made->text[i], "%s", slk_db_rows_text(rows, 0, NULL));
        slk_db_rows_close(rows);
        rows = NULL;
    }
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t write_made_with(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    const made_with_t *made = ctx;
    for (size_t i = 0; i < MADE_WITH; i++)
        SLK_TRY(slk_db_run(db,
                           "INSERT INTO meta (name, value) VALUES (?1, ?2) "
                           "ON CONFLICT (name) DO UPDATE SET value = ?2",
                           SLK_VALS(slk_val_text(names[i]), slk_val_text(made->text[i])), NULL,
                           diag));
out:
    return err;
}

static slk_err_t compare(const slk_chain_t *c, const made_with_t *there, slk_diag_t *diag)
{
    made_with_t here = describe(c);
    for (size_t i = 0; i < MADE_WITH; i++)
        if (strcmp(here.text[i], there->text[i]) != 0)
            return slk_fail(
                diag, SLK_ERR_MISMATCH,
                "chain %s: its %s is '%s', not '%s'; give the same as when it was made, "
                "or take another folder",
                slk_db_name(c->db), names[i], there->text[i], here.text[i]);
    return SLK_OK;
}

/* --- The first and the present head ----------------------------------------------------------- */

static slk_err_t make_genesis(slk_chain_t *c, const slk_chain_options_t *options, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_block_header_t block;
    slk_tip_t *tip = NULL;
    made_with_t made = describe(c);
    slk_arena_init(&arena, GENESIS_LIMIT);
    SLK_TRY(slk_genesis_block(&block, c, options, &arena, diag));
    SLK_TRY(slk_chain_put(&tip, c, &block, 1, diag));
    SLK_TRY(slk_chain_set_head(c, tip, diag));
    SLK_TRY(slk_chain_write(c, write_made_with, &made, diag));
    c->genesis = slk_tip_ref(tip);
out:
    slk_tip_unref(tip);
    slk_arena_free(&arena);
    return err;
}

typedef struct {
    bool lowest;
    slk_buf_t key;
} end_t;

static slk_err_t read_end(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    end_t *end = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    size_t len;
    SLK_TRY(slk_db_query(&rows, db,
                         end->lowest ? "SELECT key FROM canonical ORDER BY height LIMIT 1"
                                     : "SELECT key FROM canonical ORDER BY height DESC LIMIT 1",
                         SLK_NO_VALS, diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (!more) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "%s has no tipset; take another folder",
                       slk_db_name(db));
        goto out;
    }
    const void *bytes = slk_db_rows_blob(rows, 0, &len);
    slk_buf_put(&end->key, bytes, len);
    SLK_TRY(slk_buf_check(&end->key, diag));
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t load_end(slk_tip_t **tip, slk_chain_t *c, bool lowest, slk_diag_t *diag)
{
    slk_err_t err;
    end_t end = {.lowest = lowest};
    SLK_TRY(slk_block_db_read(c->blocks, read_end, &end, diag));
    SLK_TRY(slk_tip_by_key(tip, c, (slk_bytes_t){end.key.bytes, end.key.len}, diag));
out:
    slk_buf_free(&end.key);
    return err;
}

static slk_err_t load_head(slk_chain_t *c, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *head = NULL;
    SLK_TRY(load_end(&c->genesis, c, true, diag));
    SLK_TRY(load_end(&head, c, false, diag));
    slk_walk_publish(c, head, NULL, 0);
out:
    slk_tip_unref(head);
    return err;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static void init_locks(slk_chain_t *c)
{
    pthread_mutexattr_t recursive;
    pthread_condattr_t monotonic;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&c->change, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static slk_err_t make(slk_chain_t **out, const slk_chain_options_t *options, slk_diag_t *diag)
{
    slk_chain_t *c = calloc(1, sizeof *c);
    *out = c;
    if (!c)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a chain");
    init_locks(c);
    c->folder_lock = -1;
    c->policy = *options->policy;
    c->seed = options->seed;
    c->job = options->job;
    c->genesis_time = options->genesis_time;
    c->network_name = strdup(options->network_name);
    if (options->params_dir)
        c->params_dir = strdup(options->params_dir);
    if (!c->network_name || (options->params_dir && !c->params_dir))
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a chain");
    return SLK_OK;
}

static slk_err_t open_files(slk_chain_t *c, const char *dir, size_t cache, slk_diag_t *diag)
{
    slk_err_t err;
    char path[PATH_SZ];
    SLK_TRY(slk_make_dirs(dir, diag));
    SLK_TRY(slk_lock_dir(&c->folder_lock, dir, diag));
    SLK_TRY(slk_path_join(path, sizeof path, dir, "chain.db", diag));
    SLK_TRY(slk_db_open(&c->db, path, diag));
    SLK_TRY(slk_block_db_new(&c->blocks, c->db, cache ? cache : CACHE_BYTES, diag));
    SLK_TRY(slk_db_migrate(c->db, "devnet_chain", migrations, SLK_COUNT(migrations), diag));
    c->store = slk_block_db_store(c->blocks);
out:
    return err;
}

slk_err_t slk_chain_open(slk_chain_t **chain, const char *dir, const slk_chain_options_t *options,
                         slk_diag_t *diag)
{
    slk_err_t err;
    slk_chain_t *c;
    made_with_t made = {0};
    *chain = NULL;
    SLK_TRY(make(&c, options, diag));
    SLK_TRY(open_files(c, dir, options->cache_bytes, diag));
    SLK_TRY(slk_block_db_read(c->blocks, read_made_with, &made, diag));
    if (!made.found[POLICY]) {
        if (!c->genesis_time)
            c->genesis_time = (uint64_t)time(NULL);
        SLK_TRY(make_genesis(c, options, diag));
    } else {
        if (!c->genesis_time)
            c->genesis_time = strtoull(made.text[GENESIS_TIME], NULL, 10);
        SLK_TRY(compare(c, &made, diag));
        SLK_TRY(load_head(c, diag));
        SLK_TRY(slk_chain_load_checkpoint(c, diag));
    }
    *chain = c;
    return SLK_OK;
out:
    slk_chain_close(c);
    return err;
}

void slk_chain_close(slk_chain_t *c)
{
    if (!c)
        return;
    SLK_ASSERT(!c->subscribers);
    slk_fresh_free(c);
    slk_tip_unref(c->head);
    slk_tip_unref(c->genesis);
    slk_tip_unref(c->checkpoint);
    for (size_t i = 0; i < SLK_RING; i++)
        slk_tip_unref(c->ring[i]);
    slk_tips_free(c);
    slk_block_db_free(c->blocks);
    slk_db_close(c->db);
    if (c->folder_lock >= 0)
        close(c->folder_lock);
    pthread_mutex_destroy(&c->change);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->moved);
    free(c->network_name);
    free(c->params_dir);
    free(c);
}

/* --- Questions -------------------------------------------------------------------------------- */

const slk_policy_t *slk_chain_policy(const slk_chain_t *chain)
{
    return &chain->policy;
}

const char *slk_chain_network_name(const slk_chain_t *chain)
{
    return chain->network_name;
}

uint64_t slk_chain_genesis_time(const slk_chain_t *chain)
{
    return chain->genesis_time;
}

const slk_blockstore_t *slk_chain_store(const slk_chain_t *chain)
{
    return &chain->store;
}

slk_err_t slk_chain_write(slk_chain_t *c, slk_db_fn_t *fn, void *ctx, slk_diag_t *diag)
{
    return slk_block_db_commit(c->blocks, fn, ctx, diag);
}

slk_err_t slk_chain_read(slk_chain_t *c, slk_db_fn_t *fn, void *ctx, slk_diag_t *diag)
{
    return slk_block_db_read(c->blocks, fn, ctx, diag);
}

slk_chain_stat_t slk_chain_stat(slk_chain_t *c)
{
    slk_chain_stat_t stat = {.blocks = slk_block_db_stat(c->blocks)};
    pthread_mutex_lock(&c->lock);
    stat.tips = c->tip_cnt;
    stat.executed = c->executed;
    stat.execute_seconds = c->execute_seconds;
    pthread_mutex_unlock(&c->lock);
    return stat;
}
