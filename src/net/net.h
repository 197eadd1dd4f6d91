#ifndef SLK_NET_NET_H
#define SLK_NET_NET_H

/* What everything that opens sockets needs once a process. */

/* Prepare libcurl and let a closed socket be an error, not a SIGPIPE that ends the process.
 * Thread-safe, cheap when repeated; servers and clients call it themselves. */
void slk_net_init(void);

/* Have the sockets of a libcurl handle closed in child processes. */
void slk_net_close_on_exec(void *curl_easy);

#endif /* SLK_NET_NET_H */
