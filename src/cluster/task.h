#ifndef SLK_CLUSTER_TASK_H
#define SLK_CLUSTER_TASK_H

/* The tasks that a worker does for a manager, by Lotus' short names (spec lotus-miner.md 2.1):
 * which files of the sector each needs and makes. Parameters and results of each are JSON
 * objects:
 *
 * AP   {"Existing":[PIECE], "Add":[PIECE...]}      -> {"Pieces":[{"Size","PieceCID"}]}: all of the sector
 *      Appends pieces; those that are there from an earlier try are not written again. PIECE is
 *      {"Size": padded, "PieceCID": text, "Source": URL, path, or manager:/PATH of the manager, "PayloadSize": bytes}; without Source zeros.
 *      A piece whose data gives another commitment fails with class "input" and is named.
 * PC1  {"Ticket": hex, "Pieces":[{"Size","PieceCID"}]} -> {"CommD","ReplicaID": hex, "Out": pc1out.json as
 *      text, "LabelsResumedFrom": labels}. Without an unsealed file the sector is all zeros.
 * PC2  {"Ticket": hex}                              -> {"CommD","CommR": hex}
 * C1   {"Ticket","Seed","CommD","CommR": hex}       -> {"Challenges","Partitions"}, and an output: the
 *      reference's JSON, which the worker sends to the manager (cluster/protocol.h)
 * C2   {"C1": id of the C1 job, "Ticket","Seed","CommD","CommR": hex}
 *                                                   -> {"Proof": base64}; verified by the worker before
 * FIN  {"KeepUnsealed": bool}                       -> {}: drops what a proven sector does not need
 * GET  {}                                           -> {}: moves files to long-term storage
 * RM   {"Types":[name...], "Files":[{"Type","Store": ID}...]}
 *                                                   -> {}: moves a sector's files on this worker to the
 *      trash: of Types in all its paths, and Files (may be absent), each in this path alone
 * WDP  {"Randomness": hex, "PoStProof": registered number, "Partition": index, "Sectors":[{"Number",
 *      "CommR": hex, "Cache": "cache"|"update-cache", "Sealed": "sealed"|"update",
 *      "Holders":[{"Store","URL": base of the holder's /remote}]}...], "ReadTimeoutMs", "SectorTimeoutMs"}
 *                                                   -> {"Proof": base64, "Skipped":[{"Number","Why"}...]}
 *      The window proof of one partition, read where the replicas lie; the job has no sector of its own.
 *      The worker clears the top two bits of Randomness, as Lotus does. A sector that cannot be read within
 *      its time is in Skipped, and then Proof is "": nothing was proven, and the manager asks again for
 *      those that are good. A proof was verified by the worker before.
 *
 * Every result may have "Fetched": {"Bytes","Ms"}: what came from other workers before, and how long that took.
 */

#include "storage/local_paths.h" /* slk_path_use_t */

#include <stdbool.h>
#include <stddef.h>

/* Identifier, short name, Lotus' type, order (lower is more urgent), needs, makes, may its files
 * be fetched from another worker first, heavy (runs in a processor). Sets of file types as
 * storage/file_type.h. */
#define SLK_TASKS(X)                                                                               \
    X(WDP, "WDP", "post/v0/windowproof", -5, 0, 0, false, true)                                    \
    X(FIN, "FIN", "seal/v0/finalize", -3, SLK_FT_SEALED | SLK_FT_CACHE, 0, false, false)           \
    X(GET, "GET", "seal/v0/fetch", -1, SLK_FT_SEALED | SLK_FT_CACHE, 0, true, false)               \
    X(RM, "RM", "seal/v0/remove", 0, 0, 0, false, false)                                           \
    X(C1, "C1", "seal/v0/commit/1", 2, SLK_FT_SEALED | SLK_FT_CACHE, 0, false, true)               \
    X(C2, "C2", "seal/v0/commit/2", 3, 0, 0, false, true)                                          \
    X(PC2, "PC2", "seal/v0/precommit/2", 4, SLK_FT_SEALED | SLK_FT_CACHE, 0, true, true)           \
    X(PC1, "PC1", "seal/v0/precommit/1", 5, 0, SLK_FT_SEALED | SLK_FT_CACHE, true, true)           \
    X(AP, "AP", "seal/v0/addpiece", 9, 0, SLK_FT_UNSEALED, false, true)

typedef enum {
#define SLK_X(id, name, type, order, needs, makes, fetch, heavy) SLK_TASK_##id,
    SLK_TASKS(SLK_X)
#undef SLK_X
        SLK_TASK_CNT
} slk_task_t;

typedef struct {
    const char *name, *type;
    int order;
    slk_file_types_t needs, makes;
    bool may_fetch, heavy;
} slk_task_row_t;

extern const slk_task_row_t slk_tasks[SLK_TASK_CNT];

/* Its result comes with an output: bytes that go to the manager before JobDone. */
static inline bool slk_task_has_output(slk_task_t task)
{
    return task == SLK_TASK_C1;
}

/* By short name or Lotus' type. False: no such task. */
bool slk_task_from_name(slk_task_t *task, const char *name);
bool slk_task_from_text(slk_task_t *task, const char *text, size_t len);

/* Why a job failed, for whoever decides on the next try. In JSON by name. */
#define SLK_FAILURES(X)                                                                            \
    X(TEMPORARY, "temporary") /* network, busy: the same again */                                  \
    X(NO_SPACE, "no space")   /* the same again, elsewhere or later */                             \
    X(RESTARTED, "restarted") /* the worker or processor died or was told to stop */               \
    X(LOST, "lost")           /* the lease ended and nobody came back */                           \
    X(INPUT, "input")         /* files or data are not what they should be */                      \
    X(PERMANENT, "permanent") /* anything else */                                                  \
    X(CANCELLED, "cancelled") /* nobody wants it any more, or a person aborted it */

typedef enum {
#define SLK_X(id, name) SLK_FAILURE_##id,
    SLK_FAILURES(SLK_X)
#undef SLK_X
        SLK_FAILURE_CNT
} slk_failure_t;

const char *slk_failure_name(slk_failure_t failure);
bool slk_failure_from_name(slk_failure_t *failure, const char *name);
bool slk_failure_from_text(slk_failure_t *failure, const char *text, size_t len);

#endif /* SLK_CLUSTER_TASK_H */
