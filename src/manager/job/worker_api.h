#ifndef SLK_MANAGER_JOB_WORKER_API_H
#define SLK_MANAGER_JOB_WORKER_API_H

/* What workers ask for, over the dispatcher: the methods of cluster/protocol.h for the table of
 * an RPC server (net/jsonrpc_server.h), and the route of outputs. Every caller needs the right
 * "worker" or "admin". */

#include "manager/job/dispatch.h"
#include "net/jsonrpc_server.h"

#define SLK_WORKER_API_METHODS 5

/* Of these methods the ctx that a server of theirs alone has is the dispatcher. Where the table
 * has others too, wrap them: fn(call, dispatch). */
extern const slk_rpc_method_t slk_worker_api[SLK_WORKER_API_METHODS];

/* PUT and GET /jobs/ID/output. A body goes to the output folder as it comes. */
slk_http_route_t slk_worker_output_route(slk_dispatch_t *dispatch);

#endif /* SLK_MANAGER_JOB_WORKER_API_H */
