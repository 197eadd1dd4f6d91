#include "base/assert.h"
#include "manager/sector/sector_store.h"
#include "store/migrate.h"

/* The records, which are long and change only with steps, stand apart from what changes with each decision
 * and wake and is looked through. urgency: the order of slk_sector_due. */
static const char *const tables[] = {
    "CREATE TABLE sector ("
    "miner {i64} NOT NULL, number {i64} NOT NULL, state TEXT NOT NULL, urgency {i64} NOT NULL, "
    "visit {i64} NOT NULL, version {i64} NOT NULL, "
    "created_ms {i64} NOT NULL, updated_ms {i64} NOT NULL, "
    "due_ms {i64}, wait_epoch {i64}, wait_job TEXT, "
    "batch {i64}, batch_cutoff {i64}, batch_since_ms {i64}, "
    "trouble {i64} NOT NULL, log_cnt {i64} NOT NULL, why TEXT NOT NULL, "
    "PRIMARY KEY (miner, number)) {strict}",
    "CREATE INDEX sector_state ON sector (state, miner, number)",
    "CREATE INDEX sector_due ON sector (urgency, miner, due_ms, number) WHERE due_ms IS NOT NULL",
    "CREATE INDEX sector_next_due ON sector (due_ms) WHERE due_ms IS NOT NULL",
    "CREATE INDEX sector_wait_epoch ON sector (wait_epoch) WHERE wait_epoch IS NOT NULL",
    "CREATE INDEX sector_wait_job ON sector (wait_job) WHERE wait_job IS NOT NULL",
    "CREATE INDEX sector_batch ON sector (batch, miner, number) WHERE batch IS NOT NULL",

    "CREATE TABLE sector_record (miner {i64} NOT NULL, number {i64} NOT NULL, record TEXT NOT "
    "NULL, "
    "PRIMARY KEY (miner, number)) {strict}",

    "CREATE TABLE sector_message (key TEXT NOT NULL, miner {i64} NOT NULL, number {i64} NOT NULL, "
    "PRIMARY KEY (key, miner, number)) {strict}",

    "CREATE TABLE sector_log (id {serial}, miner {i64} NOT NULL, number {i64} NOT NULL, "
    "at_ms {i64} NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL, from_state TEXT NOT NULL, "
    "to_state TEXT NOT NULL, message TEXT NOT NULL, trace TEXT NOT NULL) {strict}",
    "CREATE INDEX sector_log_sector ON sector_log (miner, number, id)",

    "CREATE TABLE sector_number (miner {i64} NOT NULL, name TEXT NOT NULL, bits {blob} NOT NULL, "
    "PRIMARY KEY (miner, name)) {strict}",
    NULL};

slk_err_t slk_sector_migrate(slk_db_t *db, slk_diag_t *diag)
{
    static const slk_migration_t rows[] = {{1, "sectors, their log, sector numbers", tables, NULL}};
    return slk_db_migrate(db, "sector", rows, SLK_COUNT(rows), diag);
}
