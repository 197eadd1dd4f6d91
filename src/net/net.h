#ifndef SLK_NET_NET_H
#define SLK_NET_NET_H

/* What everything that opens sockets needs: set-up once a process, clock, threads. */

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Prepare libcurl and let a closed socket be an error, not a SIGPIPE that ends the process.
 * Thread-safe, cheap when repeated; servers and clients call it themselves. */
void slk_net_init(void);

/* Milliseconds of the monotonic clock. */
uint64_t slk_net_now_ms(void);

/* The same instant `ms` from now, for the conditions below. */
struct timespec slk_net_after_ms(uint64_t ms);

/* A condition whose timed waits go by the monotonic clock. */
void slk_net_cond_init(pthread_cond_t *cond);

/* A joinable thread with all signals blocked, so that they go to the program's own threads; 0 or an
 * errno. */
int slk_net_thread(pthread_t *thread, void *(*fn)(void *ctx), void *ctx);

/* Have the sockets of a libcurl handle closed in child processes. */
void slk_net_close_on_exec(void *curl_easy);

/* Let a libcurl handle speak HTTP and HTTPS alone, also when it is redirected. */
void slk_net_http_only(void *curl_easy);

#endif /* SLK_NET_NET_H */
