#ifndef SLK_APP_TEST_RUN_DEVNET_H
#define SLK_APP_TEST_RUN_DEVNET_H

/* Start and end `selkie devnet run` in the folder of a test. */

#include "app/test_run.h"

/* A proving period of four windows. */
#define TEST_DEVNET_WINDOW 10
#define TEST_DEVNET_PERIOD 40
#define TEST_DEVNET        "devnet run --repo net --listen 127.0.0.1:0 --proving-period 4x10 --threads 1"

/* Start it with more options and wait for its first line. env: before the command, as NAME=value. */
static inline void test_devnet_start(const char *env, const char *more)
{
    sh("rm -f run.out code; "
       "(sh -c 'echo $$ >pid; exec env %s \"$S\" " TEST_DEVNET
       " %s >run.out 2>run.err'; echo $? >code) & "
       "for i in $(seq 200); do test -s run.out && exit 0; test -s code && break; sleep 0.05; "
       "done; cat run.err >&2; exit 1",
       env, more);
    if (last.status)
        fail_msg("%s", last.err);
}

/* At once, and wait until it is gone. */
static inline void test_devnet_kill(void)
{
    sh("kill -9 $(cat pid); for i in $(seq 200); do test -s code && exit 0; sleep 0.05; done; "
       "exit 1");
    assert_int_equal(last.status, 0);
}

/* For the end of a test that may have failed. */
static inline int test_devnet_teardown(void **state)
{
    sh("test ! -s pid || test -s code || "
       "{ kill -9 $(cat pid); while ! test -s code; do sleep 0.05; done; }");
    return test_dir_teardown(state);
}

#endif /* SLK_APP_TEST_RUN_DEVNET_H */
