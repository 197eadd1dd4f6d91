#ifndef SLK_WEB_PAGE_H
#define SLK_WEB_PAGE_H

/* The operator's page: one file, without a word from elsewhere, that asks the manager's API with the token that
 * its reader types in. */

#include "net/http_server.h"

/* GET /: needs no token itself, since it holds nothing. */
slk_http_route_t slk_web_route(void);

#endif /* SLK_WEB_PAGE_H */
