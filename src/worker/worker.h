#ifndef SLK_WORKER_WORKER_H
#define SLK_WORKER_WORKER_H

/* A worker: takes jobs of a manager (cluster/protocol.h), does them, keeps the results until they are
 * acknowledged. Knows neither database nor chain.
 *
 *   <repo>/worker.json    {"ID": UUID}, made once
 *   <repo>/config.toml    settings, see slk_worker_config_load; may be absent
 *   <repo>/storage.json   attached paths, as Lotus writes it; read again when it changes
 *   <repo>/jobs/<id>/     assignment.json, c1.json, proof.json ..., and result.json once the job has ended
 *   <repo>/token, api     while it serves: an admin token for its own API, and where that is
 *
 * What is told to the manager is on the disk before. Killed at any moment and started again, the worker
 * reports what was finished, and goes on with what was not (PC1 from its checkpoint) unless the manager
 * has given it to another meanwhile; sector files stay in any case.
 *
 * Its server has /remote (storage/remote_server.h), /remote/vanilla/single (post_impl.h), and /rpc/v0 with
 * Selkie.WorkerInfo (slk_worker_info), Selkie.WorkerReload and Selkie.WorkerStop, all with tokens that the
 * manager's transfer key signed. */

#include "storage/path_meta.h"
#include "worker/processor.h"

/* At most so many jobs of this task at a time; others wait. */
typedef struct {
    const char *task; /* "PC1" */
    unsigned limit;   /* 0: none at all */
} slk_worker_limit_t;

/* Zero: the default. Strings are borrowed for the call. */
typedef struct {
    const char *repo;       /* folder of the worker; made when it is not there */
    const char *manager;    /* "http://host:port/rpc/v0" */
    const char *token;      /* right "worker" or "admin"; a secret */
    const char *token_file; /* read at each attempt to register when token is NULL */
    const char *name;       /* default: the host's */
    const char *listen;     /* address; default 127.0.0.1 */
    uint16_t port;          /* 0: any */
    const char *url;        /* where others reach its server; default: from address and port, of
                             * all addresses the one towards the manager */
    const char *version;    /* of the program, for people */

    const slk_worker_limit_t *limits; /* tasks that are not named: see slk_worker_default_limit */
    size_t limit_cnt;
    bool no_default;        /* AP, PC1, PC2, C2 are taken only when they are named, as in Lotus */
    const uint64_t *miners; /* take jobs of these alone */
    size_t miner_cnt;
    const char *cpus; /* "0-7" that jobs share; default: all of this process */
    uint64_t memory;  /* bytes that jobs may use together; default: the machine's */

    const slk_processor_kind_t *processors; /* by stage; others: this program itself */
    size_t processor_cnt;
    const char *program;     /* of processors that name none; default: this program */
    const char *params_dir;  /* of proof parameters; default as selkie/setup.h */
    const char *piece_token; /* bearer token for http(s) sources of pieces; a secret */

    unsigned fetch_parallel; /* files at a time; 0: 4 */
    uint64_t
        trash_grace_s; /* age at which removed files are deleted; 0: as the manager says, else one day */
    uint32_t stop_s;       /* bound of a stop, checkpoints included; 0: 60 */
    uint32_t retry_max_ms; /* longest pause between attempts to reach the manager; 0: 30,000 */
    /* Read storage.json again when it becomes true (SIGHUP); set to false then. May be NULL. */
    atomic_bool *reload;
} slk_worker_opts_t;

/* Limit of a task that nobody named: 1 of the heavy ones (AP, PC1, PC2, C1, C2, WDP), 4 of the others. */
unsigned slk_worker_default_limit(const char *task);

/* Serve until *stop becomes true; then running jobs are told to stop (PC1 writes its checkpoint), the
 * manager hears that the worker leaves, and it returns SLK_OK within stop_s and a few seconds. Retries
 * for ever where the manager cannot be reached.
 *
 * SLK_ERR_BUSY: another worker has this repo, or the port is in use. SLK_ERR_PERM: the manager refuses
 * the token; SLK_ERR_UNSUPPORTED: it speaks another protocol, the sentence says who is older.
 * SLK_ERR_FORMAT: worker.json, storage.json malformed. */
SLK_CHECK_RESULT slk_err_t slk_worker_run(const slk_worker_opts_t *opts, const atomic_bool *stop,
                                          slk_diag_t *diag);

/* --- Settings ------------------------------------------------------------------------------- */

/* Options with what they point to. */
typedef struct {
    slk_worker_opts_t opts;
    void *memory;
} slk_worker_config_t;

/* Read <repo>/config.toml over the defaults; absent: defaults. Keys, all optional:
 *   Name, Manager, TokenFile, Listen, Port, URL, CPUs, Memory, ParamsDir, PieceTokenFile, Program,
 *   Tasks {"PC1": 2}, NoDefault, Miners [1000], FetchParallel, TrashGraceHours, StopSeconds,
 *   Processors {"c2": {"Program", "Args", "Envs", "ClearEnv", "CPUs", "Cgroup", "CgroupCPUs",
 *                      "NUMANode", "ReadySeconds", "QuietSeconds", "StallSeconds",
 *                      "TotalSeconds", "GraceSeconds"}}
 * SLK_ERR_FORMAT: an unknown key, a wrong kind or range; names the key. */
SLK_CHECK_RESULT slk_err_t slk_worker_config_load(slk_worker_config_t *config, const char *repo,
                                                  slk_diag_t *diag);
void slk_worker_config_free(slk_worker_config_t *config);

/* --- Paths, for operators -------------------------------------------------------------------- */

/* Make `root` a path for sealing or for storage and attach it. meta: weight, groups and so on; NULL:
 * weight 10, CanSeal or CanStore and CanFinal by `store`. id receives its ID. A worker that runs
 * notices within seconds. SLK_ERR_STATE: root is a path already (attach it). */
SLK_CHECK_RESULT slk_err_t slk_worker_path_init(char id[SLK_STORAGE_ID_MAX], const char *repo,
                                                const char *root, bool store, slk_path_meta_t *meta,
                                                slk_diag_t *diag);

/* Put a path into storage.json, or take it out (by root or ID); files stay. Twice is once.
 * SLK_ERR_NOTFOUND: it is none, or not attached. */
SLK_CHECK_RESULT slk_err_t slk_worker_path_attach(char id[SLK_STORAGE_ID_MAX], const char *repo,
                                                  const char *root, slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_worker_path_detach(const char *repo, const char *root_or_id,
                                                  slk_diag_t *diag);

/* [{"ID","Path","Weight","CanSeal","CanStore","CanFinal","Capacity","Available","Used","Err"}]; the
 * caller's. Works whether the worker runs or not. */
SLK_CHECK_RESULT slk_err_t slk_worker_path_list(json_t **list, const char *repo, slk_diag_t *diag);

/* --- What a running worker does --------------------------------------------------------------- */

/* Selkie.WorkerInfo of the worker of this repo, over its API:
 *   {"Worker","Name","Session","Manager","Connected","Paused","Draining","Leaving","Version","URL",
 *    "Uptime": s, "Cores","Memory","FreeMemory",
 *    "Jobs":[{"ID","Lease","Task","Miner","Number","State","Stage","Unit","Done","Total","Seconds",
 *             "Pid","CPUs","Error"}],
 *    "Stores":[slk_store_report]}
 * The caller's. SLK_ERR_STATE: no worker runs here. */
SLK_CHECK_RESULT slk_err_t slk_worker_info(json_t **info, const char *repo, slk_diag_t *diag);

#endif /* SLK_WORKER_WORKER_H */
