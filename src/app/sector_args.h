#ifndef SLK_APP_SECTOR_ARGS_H
#define SLK_APP_SECTOR_ARGS_H

/* A sector as --size --porep --miner --sector --dir name it, in Lotus' layout. */

#include "app/app.h"
#include "selkie/seal.h"

#define SLK_PATH_MAX 4096u

typedef struct {
    slk_sector_t sector; /* its strings are the arrays below */
    char cache[SLK_PATH_MAX], sealed[SLK_PATH_MAX], unsealed[SLK_PATH_MAX];
} slk_sector_args_t;

/* The sector of a command line; with `create` its folders are made. Without --porep it has the variant that its
 * record names, if it has one. */
SLK_CHECK_RESULT slk_err_t slk_sector_args(slk_sector_args_t *out, const slk_args_t *args,
                                           bool create, slk_diag_t *diag);

/* The same below another folder: fills the paths of out, whose sector has all but those. */
SLK_CHECK_RESULT slk_err_t slk_sector_place(slk_sector_args_t *out, const char *dir, bool create,
                                            slk_diag_t *diag);

/* --checkpoint-seconds --layers --parent-cache */
slk_pc1_options_t slk_label_args(const slk_args_t *args);

#endif /* SLK_APP_SECTOR_ARGS_H */
