#ifndef SLK_STORE_TEST_ENGINES_H
#define SLK_STORE_TEST_ENGINES_H

/* Run the same tests against SQLite, then against a PostgreSQL server of our own: a fresh cluster in
 * a temporary folder, reached by a unix socket there, run as another user where we are root, ended
 * with us. Tests ask test_where for a database of theirs. */

#include "test_util.h"

#include <sys/types.h>

/* True while the tests of PostgreSQL run. */
extern bool test_on_server;

/* test_tmp_dir, and a schema of this name on the server. */
void test_new(char dir[64]);

/* What slk_db_open takes: a file in dir, or the schema that belongs to dir. */
enum { TEST_WHERE = 256 };
void test_where(char where[TEST_WHERE], const char *dir);

/* A URL of the server: user:password, database and options, as they stand in it. */
void test_server_url(char where[TEST_WHERE], const char *user, const char *rest);

/* Kill the server (SIGKILL, or SIGINT: an orderly end) and start it again, with one more -c (NULL:
 * none). */
void test_server_kill(int signal);
void test_server_start(const char *setting);

/* Wait until no session but ours is left on the server: what a dead client asked for is then done or
 * undone. Nothing to wait for with SQLite. */
void test_settle(void);

/* Run tests with SQLite, both with PostgreSQL, or say that its server programs are not installed.
 * Gives what main returns. */
int test_engines(const struct CMUnitTest *sqlite, size_t sqlite_cnt,
                 const struct CMUnitTest *postgresql, size_t postgresql_cnt);

#endif /* SLK_STORE_TEST_ENGINES_H */
