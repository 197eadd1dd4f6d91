#ifndef SLK_APP_PARAMS_RECORD_H
#define SLK_APP_PARAMS_RECORD_H

/* Which files of a folder had the right digest, so that `params fetch` need not read 47 GiB again
 * to see that there is nothing to do: selkie-verified.json, {"NAME": {"digest", "bytes", "mtime",
 * "inode"}}. A file that was changed since is not known any more. `params verify` never believes
 * it. */

#include "app/params_check.h"

#include <jansson.h>

/* The record of a folder; an empty one when there is none, or no good one. json_decref it. */
json_t *slk_params_record_load(const char *dir);

/* Whether a file is as it was when its digest was the one of its row. */
bool slk_params_record_knows(const json_t *record, const slk_params_check_t *check);

/* Note that it is right now, as published. */
void slk_params_record_add(json_t *record, const slk_params_check_t *check);

/* A folder that may not be written to goes without. */
void slk_params_record_save(const json_t *record, const char *dir);

#endif /* SLK_APP_PARAMS_RECORD_H */
