#ifndef SLK_STORE_PG_TEXT_H
#define SLK_STORE_PG_TEXT_H

/* What goes to PostgreSQL and comes from it, without a connection: URLs, SQL, values. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Check a postgresql:// URL and give the one that messages may show: user, hosts, ports and database,
 * no password and no options; *name to be freed. A URL with an @ that might belong to a password is
 * refused, because libpq would take a part of the password for the host and name it in messages. No
 * message of this function repeats anything of the URL. */
SLK_CHECK_RESULT slk_err_t slk_pg_name(char **name, const char *url, slk_diag_t *diag);

/* ?1, ?2, ... -> $1, $2, ... in place, outside of literals, quoted names and comments. Gives the
 * highest number. A ? without a number from 1 to 9999 asserts. */
size_t slk_pg_params(char *sql);

/* A value of the type numeric in the binary form of the protocol (sums of 64-bit integers have this
 * type): false when it is no whole number of 64 bits or malformed. */
bool slk_pg_numeric(int64_t *num, const uint8_t *bytes, size_t len);

#endif /* SLK_STORE_PG_TEXT_H */
