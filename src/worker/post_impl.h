#ifndef SLK_WORKER_POST_IMPL_H
#define SLK_WORKER_POST_IMPL_H

/* Vanilla proofs of sectors for window proofs: from own paths, from other workers, and for them.
 *
 *   post.c         the task WDP: read all, prove in a processor, verify
 *   post_read.c    which holder is asked when; own paths (selkie/post.h)
 *   post_remote.c  other workers, by POST <base>/vanilla/single: Lotus' body and answer
 *   post_serve.c   that route here
 *   post_ask.c     its body
 *
 * What cannot be read costs its own sector only. A disk that hangs holds threads of slk_post_vanilla, which
 * are left behind, and never those of jobs or of the server; whoever does not answer is not asked again for
 * each of its sectors. */

#include "selkie/post.h"
#include "worker/worker_impl.h"

#define SLK_VANILLA_ROUTE    "/remote/vanilla/single"
#define SLK_VANILLA_BODY_MAX 16384u /* bytes of a request; 66 challenges take a tenth */

/* Bounds of the time that a sector may take; ms. */
#define SLK_VANILLA_READ_MS   60000u
#define SLK_VANILLA_SECTOR_MS 120000u
#define SLK_VANILLA_MAX_MS    1800000u

/* --- A request (post_ask.c) ------------------------------------------------------------------ */

/* Which leaves of which sector. */
typedef struct {
    slk_sector_id_t sector;
    slk_post_t post;
    slk_node_t comm_r;
    bool update; /* update and update-cache instead of sealed and cache */
    uint32_t leaf_cnt;
    uint64_t leaves[SLK_POST_CHALLENGES_MAX];
} slk_vanilla_ask_t;

/* The body; malloc'ed. NULL: out of memory. */
char *slk_vanilla_ask_text(const slk_vanilla_ask_t *ask);

/* SLK_ERR_INPUT names the member and what was expected: numbers in range, as many challenges as the proof
 * type has, leaves of its size, sizes of both proof types equal. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_ask_parse(slk_vanilla_ask_t *ask, const char *text,
                                                 size_t len, slk_diag_t *diag);

/* --- Reading (post_read.c, post_remote.c) ----------------------------------------------------- */

/* Who has the files. */
typedef struct {
    char store[SLK_STORAGE_ID_MAX];
    char url[320]; /* base of its /remote; empty: not known */
    bool own;      /* the path is attached here */
} slk_vanilla_holder_t;

/* A sector to be read and how that went. */
typedef struct {
    slk_vanilla_ask_t ask;
    uint32_t position; /* among the sectors of the proof */
    slk_vanilla_holder_t *holders;
    size_t holder_cnt;
    /* --- */
    uint8_t *proof; /* NULL: not read */
    size_t len;
    slk_diag_t why;
    bool absent; /* why: its files are not there */
    char sealed[SLK_SECTOR_PATH_MAX],
        cache[SLK_SECTOR_PATH_MAX]; /* own files that it is of, or "" */
} slk_vanilla_sector_t;

typedef struct {
    slk_worker_t *w;
    slk_post_t post;
    slk_node_t randomness; /* after slk_post_randomness */
    slk_vanilla_sector_t *sectors;
    size_t cnt;
    uint32_t read_ms, sector_ms; /* not 0 */
    const slk_job_t *job;
} slk_vanilla_run_t;

/* Read all. SLK_OK whatever became of them; SLK_ERR_CANCELLED, NOMEM: nothing is known of some. Takes as many
 * times sector_ms as the sector with most holders that do not answer has of these. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_read(slk_vanilla_run_t *run, slk_diag_t *diag);

/* Note why a holder did not give it. */
void slk_vanilla_failed(slk_vanilla_sector_t *sector, bool absent, const char *why);

/* Ask holder `turn` of each sector that is not read yet and has one, where that is another worker. Proofs that
 * come are verified. Several threads, all of which have ended when it returns. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_remote(slk_vanilla_run_t *run, size_t turn,
                                              slk_diag_t *diag);

/* The files of a sector below the roots of the paths that hold them. */
SLK_CHECK_RESULT slk_err_t slk_vanilla_files(char sealed[SLK_SECTOR_PATH_MAX],
                                             char cache[SLK_SECTOR_PATH_MAX],
                                             const char *sealed_root, const char *cache_root,
                                             const slk_vanilla_ask_t *ask, slk_diag_t *diag);

/* --- Serving (post_serve.c) ------------------------------------------------------------------- */

/* Requests that are being served, and which paths did not answer (its type: worker_impl.h). */
SLK_CHECK_RESULT slk_err_t slk_vanilla_server_new(slk_vanilla_server_t **server, slk_worker_t *w,
                                                  slk_diag_t *diag);
/* After the HTTP server that has the route was freed. NULL is a no-op. */
void slk_vanilla_server_free(slk_vanilla_server_t *server);

/* The route; to stand before that of the files. With Lotus' body and answer:
 *   200  the proof
 *   400  malformed   404  the files are not here   500  they are not right
 *   503  busy: ask again   504  the disk does not respond
 * and in the query, all optional: store=ID to look in that path first, read_ms and sector_ms as in
 * slk_post_limits_t. */
slk_http_route_t slk_vanilla_route(slk_vanilla_server_t *server);

#endif /* SLK_WORKER_POST_IMPL_H */
