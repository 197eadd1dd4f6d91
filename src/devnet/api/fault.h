#ifndef SLK_DEVNET_API_FAULT_H
#define SLK_DEVNET_API_FAULT_H

/* Trouble on command: what a client of a node has to live with. One at a time of each kind; any thread. */

#include "net/jsonrpc_server.h"

#include <stdatomic.h>

typedef struct {
    atomic_uint_fast64_t down_until; /* slk_net_now_ms: connections are cut, no answer comes */
    atomic_uint_fast64_t slow_until, slow_ms; /* each call takes that much longer */
    atomic_uint_fast64_t lose;                /* so many pushed messages are forgotten at once */
    atomic_uint_fast64_t fail;                /* so many calls are answered with an error */
    atomic_bool stop;                         /* nobody waits any more */
} slk_fault_t;

/* Before each call; a slk_rpc_api_opts_t.before. Methods of the devnet's own are not touched. */
bool slk_fault_before(slk_fault_t *fault, slk_rpc_call_t *call);

/* Whether the message that was just pushed is to be lost. */
bool slk_fault_take(atomic_uint_fast64_t *count);

#endif /* SLK_DEVNET_API_FAULT_H */
