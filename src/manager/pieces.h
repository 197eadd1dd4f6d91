#ifndef SLK_MANAGER_PIECES_H
#define SLK_MANAGER_PIECES_H

/* The piece store: a folder in which each piece of data lies under the text of its CID, as damocles' piece
 * stores have it ("<cid>" or "<cid>.car"), served to workers as GET /piecestore/<cid>. What we put there
 * is complete and has the commitment that its name says; files that others put there are checked by the
 * worker that reads them. Any number of processes and threads. */

#include "net/http_server.h"
#include "selkie/cid.h"
#include "selkie/piece.h"

typedef struct {
    char cid[SLK_CID_STR_SZ];
    slk_piece_t piece;
    uint64_t raw; /* bytes of data; zeros behind them up to the padded size */
} slk_stored_piece_t;

/* Copy the data of fd, from its present position to its end, into the store. padded: the piece's size, 0 the
 * smallest that holds it. A piece that is there already is not written again. SLK_ERR_LENGTH: does not fit;
 * SLK_ERR_INPUT: no data. */
SLK_CHECK_RESULT slk_err_t slk_pieces_put(slk_stored_piece_t *out, const char *dir, int fd,
                                          const char *path, uint64_t padded, const slk_job_t *job,
                                          slk_diag_t *diag);

/* The route of the store; dir is borrowed for ever. Any valid token will do. */
slk_http_route_t slk_pieces_route(const char *dir);

#endif /* SLK_MANAGER_PIECES_H */
