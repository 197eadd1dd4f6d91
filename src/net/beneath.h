#ifndef SLK_NET_BENEATH_H
#define SLK_NET_BENEATH_H

/* Files below a folder, named by somebody outside. */

#include "selkie/err.h"

/* Open the regular file `rel` below the folder `root` for reading. Each part of rel is looked at
 * by itself: empty parts, ".", "..", a leading slash, and symbolic links below root are refused,
 * so that nothing outside root can be reached, whatever else happens to the folders meanwhile.
 * SLK_ERR_NOTFOUND for all of these (a message would tell too much), SLK_ERR_PERM, SLK_ERR_IO. */
SLK_CHECK_RESULT slk_err_t slk_open_beneath(int *fd, const char *root, const char *rel);

#endif /* SLK_NET_BENEATH_H */
