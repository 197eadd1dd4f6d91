#ifndef SLK_APP_REPLICA_LIST_H
#define SLK_APP_REPLICA_LIST_H

/* The file of --replicas: [{"sector":1,"comm_r":"..","cache":"..","sealed":".."}, ...], other
 * members ignored. */

#include "selkie/post.h"

#include <jansson.h>

typedef struct {
    slk_post_replica_t
        *rows;    /* ascending by sector, each once; leaves are the caller's to fill in */
    size_t cnt;   /* at least 1 */
    json_t *json; /* owns the strings */
} slk_replica_list_t;

/* Read the file. with_files: cache and sealed are needed, too. Equal rows of a sector count once;
 * different ones are an error, as is anything malformed: the sentence names file, entry and field.
 */
SLK_CHECK_RESULT slk_err_t slk_replica_list_read(slk_replica_list_t *out, const char *path,
                                                 bool with_files, slk_diag_t *diag);

/* The same of text in memory; path is for messages. */
SLK_CHECK_RESULT slk_err_t slk_replica_list_parse(slk_replica_list_t *out, const char *text,
                                                  size_t len, const char *path, bool with_files,
                                                  slk_diag_t *diag);

void slk_replica_list_fini(slk_replica_list_t *list);

#endif /* SLK_APP_REPLICA_LIST_H */
