#ifndef SLK_NET_DOWNLOAD_GET_H
#define SLK_NET_DOWNLOAD_GET_H

/* One request of a download: what is missing of a file, from one mirror. */

#include "selkie/job.h"

typedef struct {
    int fd;
    const char *path; /* of fd, for messages */
    uint64_t have;    /* bytes that are in the file; grows */
    uint64_t len;     /* of the whole, or UINT64_MAX, then set when the mirror says it */
    double stall_seconds;
    const slk_job_t *job;
} slk_get_file_t;

typedef enum {
    SLK_GET_DONE,    /* have == len */
    SLK_GET_LATER,   /* the mirror failed, and may do better later */
    SLK_GET_REFUSED, /* this mirror will not do */
    SLK_GET_FAILED   /* our side: the error is in *err */
} slk_get_t;

/* diag says why, unless done. A mirror that ignores the range is read over what is there. */
slk_get_t slk_get_rest(slk_get_file_t *file, const char *url, slk_err_t *err, slk_diag_t *diag);

/* The URL without user and password. */
void slk_url_show(char *out, size_t cap, const char *url);

#endif /* SLK_NET_DOWNLOAD_GET_H */
