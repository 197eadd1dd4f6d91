#ifndef SLK_NET_NET_H
#define SLK_NET_NET_H

/* What everything that opens sockets needs once a process. */

/* Prepare libcurl and let a closed socket be an error, not a SIGPIPE that ends the process.
 * Thread-safe, cheap when repeated; servers and clients call it themselves. */
void slk_net_init(void);

#endif /* SLK_NET_NET_H */
