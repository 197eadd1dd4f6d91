#ifndef SLK_STORE_MIGRATE_H
#define SLK_STORE_MIGRATE_H

/* Schemas that grow: each module owns tables and a list of numbered migrations, append only.
 *
 * The table schema_version holds one row a module: the number of its last migration. slk_db_migrate
 * brings a database forward, each migration in a transaction together with its number, so that
 * kill -9 at any time leaves a whole schema of some number. A database that already held the module
 * is copied first to <path>.before-<module>-<number of its first new migration> (a copy of this
 * name that is there already, from a try that failed, is kept and no second one is made). A server's
 * database (PostgreSQL) is not copied: its operator runs pg_dump before starting a newer program, as
 * whole migrations can only be taken back with such a copy. */

#include "store/db.h"

typedef struct {
    int64_t number;         /* 1, 2, 3, ... without gaps */
    const char *name;       /* a few words for messages and the table */
    const char *const *sql; /* statements, NULL at the end; may be NULL */
    slk_db_fn_t *fn; /* after the statements, in the same transaction, ctx NULL; may be NULL */
} slk_migration_t;

/* Bring the tables of `module` to the last migration of rows. A database of a newer program is
 * SLK_ERR_STATE. Any number of processes may do it at once. */
SLK_CHECK_RESULT slk_err_t slk_db_migrate(slk_db_t *db, const char *module,
                                          const slk_migration_t *rows, size_t cnt,
                                          slk_diag_t *diag);

#endif /* SLK_STORE_MIGRATE_H */
