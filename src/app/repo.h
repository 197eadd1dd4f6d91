#ifndef SLK_APP_REPO_H
#define SLK_APP_REPO_H

/* Where everything of a node of the cluster lies (spec cli.md section 2): --repo, else SELKIE_PATH, else
 * ~/.selkie; inside devnet/, manager/, worker/, storage/. */

#include "selkie/err.h"

#include <stddef.h>

/* The folder of a role below it, or the repo itself with role "". given: the text of --repo, may be NULL.
 * Absolute; not made here. */
SLK_CHECK_RESULT slk_err_t slk_repo_dir(char *out, size_t cap, const char *given, const char *role,
                                        slk_diag_t *diag);

#endif /* SLK_APP_REPO_H */
