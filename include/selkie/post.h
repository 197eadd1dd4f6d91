#ifndef SELKIE_POST_H
#define SELKIE_POST_H

/* Proofs of spacetime without the SNARK: which sectors and leaves are challenged, the vanilla proof
 * of each sector, how sectors form partitions, and the check of a partition. Source:
 * spec/proofs-vanilla-2.md sections 8.2 to 8.4 and 9.
 *
 * A vanilla proof is the reference's bytes, the same that other programs exchange:
 *
 *   0    u64 sector
 *   8    comm_r
 *   40   u64 1
 *   48   u64 number of inclusion proofs, then these: Merkle paths of tree_r_last, all of one length
 *   end  comm_c, comm_r_last                                         (all integers little-endian)
 *
 * Randomness is a canonical field element everywhere here: slk_post_randomness makes it one, as
 * every node does before it proves or verifies. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

/* --- Kinds ---------------------------------------------------------------------------------- */

typedef enum { SLK_POST_WINNING, SLK_POST_WINDOW } slk_post_kind_t;

typedef struct {
    const slk_size_t *size;
    slk_post_kind_t kind;
    slk_api_version_t version; /* V1_2: leaves do not depend on the sector's position */
    int registered;            /* registered PoSt proof 0..14, -1 for test sizes */
    char name[40];       /* "StackedDrgWindow32GiBV1_1": of Go and the FFI; "" for test sizes */
    uint32_t sectors;    /* of one partition */
    uint32_t challenges; /* of one sector */
} slk_post_t;

#define SLK_POST_CHALLENGES_MAX 66u

/* Of any size, test sizes included. SLK_ERR_INPUT: winning is V1_0 only, window V1_0 and V1_2. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_make(slk_post_t *out, const slk_size_t *size,
                                                 slk_post_kind_t kind, slk_api_version_t version,
                                                 slk_diag_t *diag);

/* By registered PoSt proof: 0..4 winning, 5..9 window V1_0, 10..14 window V1_2. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_by_id(slk_post_t *out, int registered,
                                                  slk_diag_t *diag);

/* "winning", "window" */
SLK_API const char *slk_post_kind_name(slk_post_kind_t kind);

/* --- Challenges ----------------------------------------------------------------------------- */

/* Clear the two top bits, as every node does with the chain's randomness: always a field element
 * then. */
SLK_API void slk_post_randomness(slk_node_t *randomness);

/* Which of `cnt` eligible sectors (a position in the caller's list) has to win: draw n, 0 for the
 * first. cnt 0 asserts. */
SLK_API uint64_t slk_post_winning_sector(const slk_node_t *prover_id, const slk_node_t *randomness,
                                         uint64_t n, uint64_t cnt);

/* The post->challenges leaves of a sector. position: of the sector in the whole proof, all
 * partitions counted; only V1_0 window proofs depend on it. */
SLK_API void slk_post_leaves(uint64_t *out, const slk_post_t *post, const slk_node_t *randomness,
                             uint64_t sector, uint64_t position);

/* The reference's generate_fallback_sector_challenges: leaves of all sectors. out_sectors (cnt)
 * receives the sectors ascending, a repeated one once (with the leaves of its last position);
 * out_leaves (cnt * post->challenges) their leaves, *out_cnt how many. For winning each sector is
 * drawn as if alone. SLK_ERR_FIELD: randomness; SLK_ERR_INPUT: no sectors. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_sector_challenges(
    uint64_t *out_sectors, uint64_t *out_leaves, size_t *out_cnt, const slk_post_t *post,
    const slk_node_t *randomness, const uint64_t *sectors, size_t cnt, slk_diag_t *diag);

/* --- Bytes of a vanilla proof ---------------------------------------------------------------- */

/* Bytes of the proof of a sector with `cnt` challenges. */
SLK_API size_t slk_post_vanilla_sz(const slk_size_t *size, uint32_t cnt);

/* A parsed vanilla proof; `paths` points into the bytes it was parsed from. */
typedef struct {
    uint64_t sector;
    slk_node_t comm_r, comm_c, comm_r_last;
    uint32_t cnt;         /* inclusion proofs */
    const uint8_t *paths; /* these, back to back */
} slk_post_vanilla_t;

#define SLK_POST_SIBLINGS_MAX 71u /* nine octary levels, a sub and a top tree of 64GiB */

/* One inclusion proof. Siblings go bottom up, level by level, by position with the path's own left
 * out. */
typedef struct {
    uint64_t leaf; /* number, from the positions */
    slk_node_t root, value;
    uint32_t sibling_cnt;
    slk_node_t siblings[SLK_POST_SIBLINGS_MAX];
} slk_post_path_t;

/* Check form and limits: every count, kind and position, every node a canonical field element, no
 * byte left over, 1 to SLK_POST_CHALLENGES_MAX paths. Nothing is hashed. SLK_ERR_LENGTH,
 * SLK_ERR_FORMAT. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_vanilla_parse(slk_post_vanilla_t *out,
                                                          const slk_size_t *size,
                                                          const uint8_t *bytes, size_t len,
                                                          slk_diag_t *diag);

/* Inclusion proof n < cnt of a parsed proof. */
SLK_API void slk_post_vanilla_path(slk_post_path_t *out, const slk_size_t *size,
                                   const slk_post_vanilla_t *proof, uint32_t n);

/* --- Partitions ----------------------------------------------------------------------------- */

/* Partitions of a proof of cnt sectors: at least one. */
SLK_API uint32_t slk_post_partition_cnt(const slk_post_t *post, size_t cnt);

/* Places of one partition as the circuit has them, and inclusion proofs of each place. Window: a
 * place is a sector. Winning: 66 places of one inclusion proof each, all of the one sector. */
SLK_API uint32_t slk_post_place_cnt(const slk_post_t *post);
SLK_API uint32_t slk_post_place_paths(const slk_post_t *post);

typedef struct {
    size_t sector;  /* which of the partition's sectors */
    uint32_t first; /* its first inclusion proof here */
    bool padding;   /* repeats the last one */
} slk_post_place_t;

/* Place i < slk_post_place_cnt of a partition of cnt sectors, 1 <= cnt <= post->sectors. */
SLK_API slk_post_place_t slk_post_place(const slk_post_t *post, size_t cnt, uint32_t i);

/* What the chain knows of a sector. */
typedef struct {
    uint64_t sector;
    slk_node_t comm_r;
} slk_post_public_t;

/* Whether the vanilla proofs of one partition, proofs[i] of sector pub[i], are right: number of
 * proofs, comm_r, leaves, every path hashed to comm_r_last. cnt: sectors of this partition. On "no"
 * diag names the sector and the part. Error only for trouble: SLK_ERR_INPUT, SLK_ERR_FIELD,
 * SLK_ERR_NOMEM. Threads from job. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_vanilla_verify(bool *ok, const slk_post_t *post,
                                                           const slk_node_t *randomness,
                                                           const slk_post_public_t *pub,
                                                           const slk_post_vanilla_t *proofs,
                                                           size_t cnt, uint32_t partition,
                                                           const slk_job_t *job, slk_diag_t *diag);

/* --- Making vanilla proofs from files --------------------------------------------------------- */

/* A sealed sector and the leaves to prove. All is copied before anything is read. */
typedef struct {
    uint64_t sector;
    slk_node_t comm_r;
    const char *cache;  /* folder with p_aux and tree_r_last */
    const char *sealed; /* file */
    const uint64_t *leaves;
    uint32_t leaf_cnt; /* 1 to SLK_POST_CHALLENGES_MAX */
} slk_post_replica_t;

/* How long and how much at once. Zero: the default. */
typedef struct {
    unsigned readers;      /* sectors and paths read at the same time; default 16, at most 256 */
    double read_seconds;   /* one system call may take; default 60 */
    double sector_seconds; /* one sector may take from its first read on; default 300 */
    double total_seconds;  /* all may take; default: no limit */
} slk_post_limits_t;

typedef struct {
    slk_err_t err;  /* SLK_OK: proof is there */
    char *why;      /* otherwise a sentence */
    uint8_t *proof; /* len bytes, checked: every path leads to comm_r_last, which makes comm_r */
    size_t len;
    double seconds; /* from the sector's first read on; 0: it was never begun */
} slk_post_outcome_t;

/* Make the vanilla proofs of cnt sectors of one size; outcomes[i] tells about replicas[i]. No
 * sector can stop or delay another:
 *
 *   - A missing, damaged or foreign file fails its sector only.
 *   - A read that is not answered fails its sector with SLK_ERR_TIMEOUT. Long before that, after at
 * most a second, it no longer counts as one of the readers, so that others go on at full width.
 * When reads below one folder of sealed files time out and no sector there has been finished since,
 * its remaining sectors are not tried, and say so.
 *   - At job->cancel, and after total_seconds, the unfinished sectors fail at once.
 *
 * Reading is done by detached threads of this call's own: a thread that the kernel holds in a dead
 * disk can be neither interrupted nor joined, so it is left behind with everything that it may
 * still touch, and cleans up when the disk answers. The process keeps it until then
 * (slk_post_held), and where the kernel does not allow to kill it, as with a local disk that hangs,
 * the process cannot end before: whoever cannot afford that runs this call in a child process.
 *
 * SLK_OK when the call ran, whatever the outcomes; SLK_ERR_CANCELLED; SLK_ERR_NOMEM. outcomes are
 * filled in any case; free with slk_post_outcomes_fini. Progress from job; its pool is not used. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_post_vanilla(slk_post_outcome_t *outcomes,
                                                    const slk_post_t *post,
                                                    const slk_post_replica_t *replicas, size_t cnt,
                                                    const slk_post_limits_t *limits,
                                                    const slk_job_t *job, slk_diag_t *diag);
SLK_API void slk_post_outcomes_fini(slk_post_outcome_t *outcomes, size_t cnt);

/* Threads of all calls of this process that exist now; between calls: those that a disk holds. */
SLK_API unsigned slk_post_held(void);

#endif /* SELKIE_POST_H */
