#ifndef SLK_BASE_BUF_H
#define SLK_BASE_BUF_H

/* A growing buffer of bytes that one function after the other writes to.
 *
 * {0} is an empty one. Memory that is not to be had is remembered in `failed`: writers go on without
 * effect and the one who takes the bytes asks slk_buf_check once. Not shared between threads. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint8_t *bytes;
    size_t len, cap;
    bool failed;
} slk_buf_t;

/* Append len bytes. */
void slk_buf_put(slk_buf_t *buf, const void *bytes, size_t len);

/* Append one byte. */
void slk_buf_put_byte(slk_buf_t *buf, uint8_t byte);

/* Append len bytes that the caller fills; NULL when memory is not to be had. Valid until the next
 * append. */
uint8_t *slk_buf_extend(slk_buf_t *buf, size_t len);

/* SLK_ERR_NOMEM if an append failed since the buffer was made. */
SLK_CHECK_RESULT slk_err_t slk_buf_check(const slk_buf_t *buf, slk_diag_t *diag);

/* Forget the bytes and keep the memory. */
void slk_buf_clear(slk_buf_t *buf);

/* Give the memory back; the buffer is then empty. */
void slk_buf_free(slk_buf_t *buf);

#endif /* SLK_BASE_BUF_H */
