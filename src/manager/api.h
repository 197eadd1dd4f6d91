#ifndef SLK_MANAGER_API_H
#define SLK_MANAGER_API_H

/* What operators ask of a manager, over JSON-RPC at /rpc/v0 and /rpc/v1.
 *
 * Filecoin.*: as lotus-miner answers them (spec lotus-miner.md section 8), of the first miner where Lotus
 *   knows only one:
 *   Version AuthVerify AuthNew Shutdown ActorAddress ActorSectorSize PledgeSector SectorsList
 *   SectorsListInStates SectorsSummary SectorsUpdate SectorRemove SectorTerminate SectorStartSealing
 *   SectorPreCommitPending SectorCommitPending SectorTerminatePending
 * Selkie.*: what the commands print. A miner parameter of null is the only one, or the first.
 *   SectorsPledge(count, miner)            SectorsStatus(number, miner, log)
 *   SectorsList({States, Classes, Miner, After, Max}): those of any of these states and classes (staging,
 *     sealing, proving, failed, ending), of all without either; with Max at most 512 of them, behind the sector
 *     After, {Miner, Number}, in the order of both. Of a page the node is not asked which are active: null.
 *   SectorsAddPiece({Source, Size, KeepUnsealed, Miner})                    SectorsSeal(number, miner)
 *   SectorsUpdateState(number, miner, state)  SectorsRemove(number, miner)  SectorsTerminate(number, miner)
 *   SectorsNumbers(verb, name, count, miner)  Batching(flush, miner)        Summary()
 *   Jobs({Max})  JobAbort(id)  Workers()  WorkerPause(w)  WorkerResume(w)  WorkerDrain(w)  SchedDiag()
 *   WorkerForget(w)  StorageForget(id)  StorageList()  StorageFind(number, miner)
 *   TokenNew(name, right)  TokenList()  TokenRevoke(id)
 * Workers speak by cluster/protocol.h on the same paths.
 *
 * GET /health and /metrics need no token; /piecestore/ and /jobs/ID/output any, or a worker's. */

#include "manager/manager_impl.h"

/* In one transaction each method sees and changes what it does. ctx of all is the manager. */
#define SLK_MANAGER_RPC(X)                                                                         \
    X("Filecoin.Version", NONE, 0, 0, version)                                                     \
    X("Filecoin.AuthVerify", NONE, 1, 1, auth_verify)                                              \
    X("Filecoin.AuthNew", ADMIN, 1, 1, auth_new)                                                   \
    X("Filecoin.Shutdown", ADMIN, 0, 0, shutdown)                                                  \
    X("Filecoin.ActorAddress", READ, 0, 0, actor_address)                                          \
    X("Filecoin.ActorSectorSize", READ, 1, 1, actor_sector_size)                                   \
    X("Filecoin.PledgeSector", WRITE, 0, 0, pledge_sector)                                         \
    X("Filecoin.SectorsList", READ, 0, 0, sector_numbers)                                          \
    X("Filecoin.SectorsListInStates", READ, 1, 1, sector_numbers)                                  \
    X("Filecoin.SectorsSummary", READ, 0, 0, sector_summary)                                       \
    X("Filecoin.SectorsUpdate", ADMIN, 2, 2, lotus_update)                                         \
    X("Filecoin.SectorRemove", ADMIN, 1, 1, lotus_remove)                                          \
    X("Filecoin.SectorTerminate", ADMIN, 1, 1, lotus_terminate)                                    \
    X("Filecoin.SectorStartSealing", WRITE, 1, 1, lotus_start)                                     \
    X("Filecoin.SectorPreCommitPending", ADMIN, 0, 0, pending_pre_commit)                          \
    X("Filecoin.SectorCommitPending", ADMIN, 0, 0, pending_commit)                                 \
    X("Filecoin.SectorTerminatePending", ADMIN, 0, 0, pending_terminate)                           \
    X("Selkie.SectorsPledge", WRITE, 1, 2, pledge)                                                 \
    X("Selkie.SectorsList", READ, 0, 1, sectors_list)                                              \
    X("Selkie.SectorsStatus", READ, 1, 3, sectors_status)                                          \
    X("Selkie.SectorsAddPiece", ADMIN, 1, 1, add_piece)                                            \
    X("Selkie.SectorsSeal", WRITE, 1, 2, seal)                                                     \
    X("Selkie.SectorsUpdateState", ADMIN, 3, 3, update_state)                                      \
    X("Selkie.SectorsRemove", ADMIN, 1, 2, remove)                                                 \
    X("Selkie.SectorsTerminate", ADMIN, 1, 2, terminate)                                           \
    X("Selkie.SectorsNumbers", ADMIN, 4, 4, numbers)                                               \
    X("Selkie.Batching", ADMIN, 2, 2, batching)                                                    \
    X("Selkie.Summary", READ, 0, 0, summary)                                                       \
    X("Selkie.Jobs", READ, 0, 1, jobs)                                                             \
    X("Selkie.JobAbort", ADMIN, 1, 1, job_abort)                                                   \
    X("Selkie.Workers", READ, 0, 0, workers)                                                       \
    X("Selkie.WorkerPause", ADMIN, 1, 1, worker_pause)                                             \
    X("Selkie.WorkerResume", ADMIN, 1, 1, worker_resume)                                           \
    X("Selkie.WorkerDrain", ADMIN, 1, 1, worker_drain)                                             \
    X("Selkie.WorkerForget", ADMIN, 1, 1, worker_forget)                                           \
    X("Selkie.SchedDiag", READ, 0, 0, sched_diag)                                                  \
    X("Selkie.StorageList", READ, 0, 0, storage_list)                                              \
    X("Selkie.StorageForget", ADMIN, 1, 1, storage_forget)                                         \
    X("Selkie.StorageFind", READ, 1, 2, storage_find)                                              \
    X("Selkie.ProvingInfo", READ, 0, 1, proving_info)                                              \
    X("Selkie.ProvingDeadlines", READ, 0, 1, proving_deadlines)                                    \
    X("Selkie.ProvingDeadline", READ, 1, 2, proving_deadline)                                      \
    X("Selkie.ProvingPartitions", READ, 0, 1, proving_partitions)                                  \
    X("Selkie.ProvingFaults", READ, 0, 1, proving_faults)                                          \
    X("Selkie.ProvingWindowed", READ, 1, 2, proving_windowed)                                      \
    X("Selkie.TokenNew", ADMIN, 2, 2, token_new)                                                   \
    X("Selkie.TokenList", ADMIN, 0, 0, token_list)                                                 \
    X("Selkie.TokenRevoke", ADMIN, 1, 1, token_revoke)

#define SLK_X(name, need, min, max, fn) slk_rpc_fn_t slk_manager_rpc_##fn;
SLK_MANAGER_RPC(SLK_X)
#undef SLK_X

/* --- What the methods share ------------------------------------------------------------------------- */

/* The error as the call's answer: the sentence, Lotus' code 1. */
void slk_api_fail(slk_rpc_call_t *call, slk_err_t err, const slk_diag_t *diag);

/* The miner that parameter i names: null or absent, the first. False: the answer says why. */
bool slk_api_miner(slk_manager_t *manager, slk_rpc_call_t *call, size_t i, uint64_t *miner);
bool slk_api_number(slk_rpc_call_t *call, size_t i, uint64_t *number);
const char *slk_api_word(slk_rpc_call_t *call, size_t i); /* NULL: answered */

/* Text, or null when empty. */
json_t *slk_api_text(const char *text);

/* The files of a sector, a row each, as `store find` has them; a new reference, *err as it went. */
json_t *slk_api_files(slk_manager_t *manager, slk_db_t *db, const slk_sector_id_t *sector,
                      slk_err_t *err, slk_diag_t *diag);

/* An event for a sector from a person, in a transaction of its own. False: answered with the reason. */
bool slk_api_event(slk_manager_t *manager, slk_rpc_call_t *call, uint64_t miner, uint64_t number,
                   const slk_event_t *event, slk_sector_outcome_t *outcome);

/* --- Seconds to go ------------------------------------------------------------------------------------ */

/* How long a sector in this state still takes until it is Proving, from measured durations of the tasks ahead
 * and the network's delays. False: a task ahead was never measured, or the state leads nowhere. */
bool slk_sector_eta(slk_db_t *db, const slk_sector_row_t *row, int64_t seal_proof, int64_t block_ms,
                    int64_t now_ms, int64_t *seconds);

#endif /* SLK_MANAGER_API_H */
