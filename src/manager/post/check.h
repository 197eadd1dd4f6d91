#ifndef SLK_MANAGER_POST_CHECK_H
#define SLK_MANAGER_POST_CHECK_H

/* Can a faulty sector be read again? A worker that has it is asked for the vanilla proof of random leaves, the
 * way other workers ask (POST /remote/vanilla/single, spec lotus-miner.md 3.5), and the proof is verified here.
 * So a sector is declared recovered only when it will most likely be proven, as Lotus does (4.2 step 1).
 *
 * One thread beside the one that proves, which a worker that does not answer may hold up without harm. What it
 * found is kept in memory and forgotten after a time. */

#include "manager/storage/storage_index.h"
#include "net/token.h"
#include "selkie/post.h"

typedef struct slk_post_checks slk_post_checks_t;

enum { SLK_POST_CHECK_HOLDERS = 4 };

typedef struct {
    uint64_t miner, number;
    slk_node_t comm_r;
    bool update;    /* read the replica update */
    int registered; /* window proof */
    struct {
        char url[512], store[SLK_STORAGE_ID_TEXT];
    } holders[SLK_POST_CHECK_HOLDERS]; /* who may be asked, url empty: none */
    uint32_t read_ms, sector_ms;       /* limits of the reading */
    int64_t again_ms;                  /* a result is good for so long */
} slk_post_check_t;

typedef enum { SLK_POST_UNCHECKED, SLK_POST_READABLE, SLK_POST_UNREADABLE } slk_post_checked_t;

/* transfer_key: of workers; borrowed. done is called after each check, from the thread. */
SLK_CHECK_RESULT slk_err_t slk_post_checks_new(slk_post_checks_t **checks,
                                               const slk_token_key_t *transfer_key,
                                               void (*done)(void *ctx), void *ctx,
                                               slk_diag_t *diag);
/* NULL is a no-op. */
void slk_post_checks_free(slk_post_checks_t *checks);

/* What is known; where nothing is, it is checked soon. */
slk_post_checked_t slk_post_check(slk_post_checks_t *checks, const slk_post_check_t *want,
                                  int64_t now_ms);

#endif /* SLK_MANAGER_POST_CHECK_H */
