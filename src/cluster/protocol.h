#ifndef SLK_CLUSTER_PROTOCOL_H
#define SLK_CLUSTER_PROTOCOL_H

/* What a worker and its manager say to each other: JSON-RPC at the manager's /rpc/v0, always
 * called by the worker, with a token of right "worker" (or admin). Durations travel, never times
 * of day, so that wrong clocks do no harm.
 *
 *   Selkie.WorkerRegister(slk_register) -> slk_registered
 *       first, and again when the manager says "unknown session"
 *   Selkie.WorkerBeat(slk_beat) -> slk_orders
 *       every BeatMs and whenever something changed: renews the leases of the jobs it names, brings
 *       progress and free space, takes new jobs, hears which to stop. May be answered late (WaitMs)
 *       when there is nothing to do
 *   Selkie.JobDone(slk_job_done) -> bool
 *       until answered; true: taken (now or before); false: nobody wants it any more, forget it
 *   Selkie.JobFailed(slk_job_failed) -> bool
 *       the same
 *   Selkie.StorageDeclare(slk_declare) -> null
 *       what sector files a path holds
 *   PUT /jobs/ID/output?lease=N, GET /jobs/ID/output
 *       the output of a C1 job; header Digest: sha-256=<hex>
 *
 * A job is held by a lease: a number that grows with each assignment of that job. What comes
 * with an older number is not taken. A worker that was away goes on naming its jobs in beats:
 * the manager lets it continue (the same lease again) while the job is still unassigned or its
 * own, else the job's id is in Cancel.
 *
 * Answers get lost: a job of the worker that its beat does not name is in Start again, with the
 * same ID and Lease; a worker that has it already takes no notice. An ID that it has with an
 * older Lease goes on under the new one. So a worker names each job from when it got it until
 * JobDone or JobFailed was answered.
 *
 * Space: the manager promises the space of a job before it assigns it and takes it off Available
 * itself, until a beat names the job with Reserved: from then on the worker has taken it off.
 *
 * StorageDeclare: the part with First (its list may be empty) is sent before the path is looked
 * through, so that what comes and goes meanwhile is not mistaken for what was there. A path must
 * be reported in a beat or at registration before it is declared.
 *
 * Errors beyond those of JSON-RPC: SLK_RPC_UNKNOWN_SESSION (register, then ask again),
 * SLK_RPC_WRONG_PROTOCOL (give up), SLK_RPC_STALE (a part of a declaration that somebody began
 * anew: begin anew), SLK_RPC_NO_OUTPUT (JobDone before the output: send it), 1 (trouble of the
 * manager's: again later), -32700 (malformed: a bug). Versions: Protocol must be equal; the
 * sentence of the refusal says which side is older. */

#include "cluster/task.h"
#include "codec/record.h"

#define SLK_CLUSTER_PROTOCOL    1
#define SLK_RPC_UNKNOWN_SESSION 1001
#define SLK_RPC_WRONG_PROTOCOL  1002
#define SLK_RPC_STALE           1003
#define SLK_RPC_NO_OUTPUT       1004
#define SLK_JOB_OUTPUT_MAX      ((uint64_t)1 << 30) /* bytes of a C1 output */

/* A storage path of a worker: sectorstore.json and how full it is. Bytes. */
#define SLK_STORE_REPORT_ROWS(F, T)                                                                \
    F(T, TEXT, id, "ID")                                                                           \
    F(T, TEXT, path, "Path")                                                                       \
    F(T, U64, weight, "Weight")                                                                    \
    F(T, BOOL, can_seal, "CanSeal")                                                                \
    F(T, BOOL, can_store, "CanStore")                                                              \
    F(T, BOOL, can_final, "CanFinal")                                                              \
    F(T, U64, max_storage, "MaxStorage")                                                           \
    F(T, ANY, groups, "Groups") /* list of texts, or null */                                       \
    F(T, ANY, allow_to, "AllowTo")                                                                 \
    F(T, U64, allow_types, "AllowTypes") /* sets of file types; 0: all */                          \
    F(T, U64, deny_types, "DenyTypes")                                                             \
    F(T, LIST_U64, allow_miners, "AllowMiners")                                                    \
    F(T, LIST_U64, deny_miners, "DenyMiners")                                                      \
    F(T, U64, capacity, "Capacity")                                                                \
    F(T, U64, available, "Available") /* reservations of running jobs are taken off */             \
    F(T, U64, used, "Used")                                                                        \
    F(T, TEXT, error, "Err") /* empty: healthy */
SLK_RECORD(slk_store_report, SLK_STORE_REPORT_ROWS);

/* What a worker takes: jobs of this task at a time. */
#define SLK_TASK_LIMIT_ROWS(F, T)                                                                  \
    F(T, TEXT, task, "Task")                                                                       \
    F(T, U64, limit, "Limit")
SLK_RECORD(slk_task_limit, SLK_TASK_LIMIT_ROWS);

#define SLK_REGISTER_ROWS(F, T)                                                                    \
    F(T, U64, protocol, "Protocol")                                                                \
    F(T, TEXT, version, "Version") /* of the program */                                            \
    F(T, TEXT, worker, "Worker")   /* UUID, made once and kept */                                  \
    F(T, TEXT, session, "Session") /* UUID of this run */                                          \
    F(T, TEXT, name, "Name")                                                                       \
    F(T, TEXT, url, "URL")         /* where its /remote is */                                      \
    F(T, I64, clock_ms, "ClockMs") /* its clock, to tell people when it is wrong */                \
    F(T, U64, cores, "Cores")                                                                      \
    F(T, U64, memory, "Memory") /* bytes */                                                        \
    F(T, U64, numa_nodes, "NUMANodes")                                                             \
    F(T, LIST, tasks, "Tasks", slk_task_limit)                                                     \
    F(T, LIST_U64, miners, "Miners") /* empty: all */                                              \
    F(T, LIST, stores, "Stores", slk_store_report)
SLK_RECORD(slk_register, SLK_REGISTER_ROWS);

#define SLK_REGISTERED_ROWS(F, T)                                                                  \
    F(T, U64, protocol, "Protocol")                                                                \
    F(T, TEXT, version, "Version")                                                                 \
    F(T, U64, beat_ms, "BeatMs")                                                                   \
    F(T, U64, lease_ms, "LeaseMs")                                                                 \
    F(T, TEXT, transfer_key, "TransferKey") /* base64; secret that signs tokens for /remote */     \
    F(T, I64, clock_ms, "ClockMs")                                                                 \
    F(T, U64, trash_grace_ms,                                                                      \
      "TrashGraceMs") /* where the worker's settings say nothing; 0: nor here */
SLK_RECORD(slk_registered, SLK_REGISTERED_ROWS);

#define SLK_JOB_PROGRESS_ROWS(F, T)                                                                \
    F(T, U64, id, "ID")                                                                            \
    F(T, U64, lease, "Lease")                                                                      \
    F(T, TEXT, stage, "Stage") /* "fetch", "PC1 layer 3 of 11", "done" while unacknowledged */     \
    F(T, TEXT, unit, "Unit")                                                                       \
    F(T, U64, done, "Done")                                                                        \
    F(T, U64, total, "Total")                                                                      \
    F(T, BOOL, reserved, "Reserved") /* its space is taken off in the Stores of this beat */
SLK_RECORD(slk_job_progress, SLK_JOB_PROGRESS_ROWS);

#define SLK_BEAT_ROWS(F, T)                                                                        \
    F(T, TEXT, worker, "Worker")                                                                   \
    F(T, TEXT, session, "Session")                                                                 \
    F(T, LIST, jobs, "Jobs", slk_job_progress)                                                     \
    F(T, LIST, stores, "Stores", slk_store_report)                                                 \
    F(T, U64, free_memory, "FreeMemory")                                                           \
    F(T, U64, load_millis, "LoadMillis") /* load average, 1/1000 */                                \
    F(T, BOOL, leaving, "Leaving")       /* it is told to end: give it nothing new */              \
    F(T, U64, wait_ms, "WaitMs")
SLK_RECORD(slk_beat, SLK_BEAT_ROWS);

/* A URL of the peer's sector file, "http://host:port/remote/sealed/s-t01000-5". */
#define SLK_FILE_SOURCE_ROWS(F, T)                                                                 \
    F(T, TEXT, store, "Store")                                                                     \
    F(T, TEXT, url, "URL")
SLK_RECORD(slk_file_source, SLK_FILE_SOURCE_ROWS);

/* Where a file of the sector is or goes. Use: "existing" it is in Store of this worker; "make"
 * the task makes it in Store; "fetch" first bring it into Store from Sources (other workers), or
 * move it there from From (another path of this worker). Move: then remove it where it came
 * from. */
#define SLK_JOB_FILE_ROWS(F, T)                                                                    \
    F(T, TEXT, type, "Type") /* "sealed" */                                                        \
    F(T, TEXT, use, "Use")                                                                         \
    F(T, TEXT, store, "Store")                                                                     \
    F(T, TEXT, from, "From")                                                                       \
    F(T, LIST, sources, "Sources", slk_file_source)                                                \
    F(T, BOOL, move, "Move")
SLK_RECORD(slk_job_file, SLK_JOB_FILE_ROWS);

#define SLK_ASSIGNMENT_ROWS(F, T)                                                                  \
    F(T, U64, id, "ID")                                                                            \
    F(T, U64, lease, "Lease")                                                                      \
    F(T, TEXT, task, "Task")                                                                       \
    F(T, U64, miner, "Miner")                                                                      \
    F(T, U64, number, "Number")                                                                    \
    F(T, I64, seal_proof, "SealProof") /* registered number */                                     \
    F(T, U64, threads, "Threads")      /* 0: all it is given */                                    \
    F(T, U64, memory, "Memory")                                                                    \
    F(T, ANY, params, "Params")                                                                    \
    F(T, LIST, files, "Files", slk_job_file)
SLK_RECORD(slk_assignment, SLK_ASSIGNMENT_ROWS);

#define SLK_ORDERS_ROWS(F, T)                                                                      \
    F(T, LIST, start, "Start", slk_assignment)                                                     \
    F(T, LIST_U64, cancel, "Cancel") /* jobs of the beat that are not the worker's any more */     \
    F(T, BOOL, paused, "Paused")                                                                   \
    F(T, BOOL, draining, "Draining")
SLK_RECORD(slk_orders, SLK_ORDERS_ROWS);

/* A file and the path that holds it. */
#define SLK_HELD_FILE_ROWS(F, T)                                                                   \
    F(T, TEXT, type, "Type")                                                                       \
    F(T, TEXT, store, "Store")
SLK_RECORD(slk_held_file, SLK_HELD_FILE_ROWS);

#define SLK_JOB_DONE_ROWS(F, T)                                                                    \
    F(T, TEXT, worker, "Worker")                                                                   \
    F(T, U64, id, "ID")                                                                            \
    F(T, U64, lease, "Lease")                                                                      \
    F(T, ANY, result, "Result")                                                                    \
    F(T, LIST, made, "Made", slk_held_file)                                                        \
    F(T, LIST, gone, "Gone", slk_held_file) /* of other workers too, after a move */               \
    F(T, U64, seconds, "Seconds")
SLK_RECORD(slk_job_done, SLK_JOB_DONE_ROWS);

#define SLK_JOB_FAILED_ROWS(F, T)                                                                  \
    F(T, TEXT, worker, "Worker")                                                                   \
    F(T, U64, id, "ID")                                                                            \
    F(T, U64, lease, "Lease")                                                                      \
    F(T, TEXT, class, "Class") /* slk_failure_name */                                              \
    F(T, TEXT, error, "Error")                                                                     \
    F(T, TEXT, stderr_tail, "Stderr")                                                              \
    F(T, LIST, made, "Made", slk_held_file) /* files that stay, for a next try */
SLK_RECORD(slk_job_failed, SLK_JOB_FAILED_ROWS);

#define SLK_DECLARED_ROWS(F, T)                                                                    \
    F(T, U64, miner, "Miner")                                                                      \
    F(T, U64, number, "Number")                                                                    \
    F(T, U64, types, "Types") /* set of file types */
SLK_RECORD(slk_declared, SLK_DECLARED_ROWS);

/* All files of a path: those not named are gone. In parts: First and Last mark the ends. */
#define SLK_DECLARE_ROWS(F, T)                                                                     \
    F(T, TEXT, worker, "Worker")                                                                   \
    F(T, TEXT, store, "Store")                                                                     \
    F(T, BOOL, first, "First")                                                                     \
    F(T, BOOL, last, "Last")                                                                       \
    F(T, LIST, sectors, "Sectors", slk_declared)
SLK_RECORD(slk_declare, SLK_DECLARE_ROWS);

#endif /* SLK_CLUSTER_PROTOCOL_H */
