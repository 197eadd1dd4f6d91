#include "store/migrate.h"

#include "base/assert.h"

#include <stdio.h>
#include <unistd.h>

typedef struct {
    const char *module;
    const slk_migration_t *row;
} step_t;

static slk_err_t version_of(slk_db_t *db, const char *module, int64_t *version, slk_diag_t *diag)
{
    bool found;
    *version = 0;
    return slk_db_get_i64(db, "SELECT version FROM schema_version WHERE module = ?1",
                          SLK_VALS(slk_val_text(module)), &found, version, diag);
}

/* One migration; nothing to do where another process was faster. */
static slk_err_t apply(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    const step_t *step = ctx;
    int64_t version;
    slk_err_t err = SLK_OK;
    SLK_TRY(version_of(db, step->module, &version, diag));
    if (version >= step->row->number)
        return SLK_OK;
    SLK_ASSERT(version == step->row->number - 1);
    for (const char *const *sql = step->row->sql; sql && *sql; sql++)
        SLK_TRY(slk_db_run(db, *sql, SLK_NO_VALS, NULL, diag));
    if (step->row->fn)
        SLK_TRY(step->row->fn(db, NULL, diag));
    SLK_TRY(slk_db_run(db,
                       "INSERT INTO schema_version (module, version, name) VALUES (?1, ?2, ?3) "
                       "ON CONFLICT (module) DO UPDATE SET version = excluded.version, "
                       "name = excluded.name",
                       SLK_VALS(slk_val_text(step->module), slk_val_i64(step->row->number),
                                slk_val_text(step->row->name)),
                       NULL, diag));
out:
    return err;
}

static slk_err_t backup(slk_db_t *db, const char *module, int64_t next, slk_diag_t *diag)
{
    char path[4096];
    int len =
        snprintf(path, sizeof path, "%s.before-%s-%lld", slk_db_name(db), module, (long long)next);
    if (len < 0 || (size_t)len >= sizeof path)
        return slk_fail(diag, SLK_ERR_LENGTH, "%s: the path is too long for a backup beside it",
                        slk_db_name(db));
    if (access(path, F_OK) == 0)
        return SLK_OK;
    slk_err_t err = slk_db_backup(db, path, diag);
    /* Another process that migrates was faster; ours would show what it has changed already. */
    return err == SLK_ERR_STATE && access(path, F_OK) == 0 ? SLK_OK : err;
}

/* With the right to change tables. */
static slk_err_t forward(slk_db_t *db, const char *module, const slk_migration_t *rows, size_t cnt,
                         slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    int64_t version;
    SLK_TRY(slk_db_run(db,
                       "CREATE TABLE IF NOT EXISTS schema_version (module TEXT PRIMARY KEY, "
                       "version {i64} NOT NULL, name TEXT NOT NULL) {strict}",
                       SLK_NO_VALS, NULL, diag));
    SLK_TRY(version_of(db, module, &version, diag));
    if (version > (int64_t)cnt)
        return slk_fail(diag, SLK_ERR_STATE,
                        "database %s: its %s tables have version %lld, this program knows %zu; use "
                        "the newer program, or the copy made before it changed them",
                        slk_db_name(db), module, (long long)version, cnt);
    if (version > 0 && version < (int64_t)cnt && slk_db_has_backup(db))
        SLK_TRY(backup(db, module, version + 1, diag));
    for (size_t i = (size_t)version; i < cnt; i++) {
        step_t step = {.module = module, .row = &rows[i]};
        err = slk_db_transact(db, apply, &step, diag);
        if (err != SLK_OK && diag) {
            slk_diag_t why = *diag;
            return slk_fail(diag, err, "migration %zu of %s (%s): %.1200s", i + 1, module,
                            rows[i].name, why.text);
        }
        SLK_TRY(err);
    }
out:
    return err;
}

slk_err_t slk_db_migrate(slk_db_t *db, const char *module, const slk_migration_t *rows, size_t cnt,
                         slk_diag_t *diag)
{
    for (size_t i = 0; i < cnt; i++)
        SLK_ASSERT(rows[i].number == (int64_t)i + 1);
    slk_err_t err = slk_db_lock_schema(db, diag);
    if (err != SLK_OK)
        return err;
    err = forward(db, module, rows, cnt, diag);
    slk_db_unlock_schema(db);
    return err;
}
