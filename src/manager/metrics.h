#ifndef SLK_MANAGER_METRICS_H
#define SLK_MANAGER_METRICS_H

/* GET /metrics: the manager in the text form of Prometheus. Names of lotus-miner where it has them
 * (lotus_sealing_states), selkie_* for the rest. ctx is the manager. */

#include "net/http_server.h"

slk_http_handler_t slk_manager_metrics;

#endif /* SLK_MANAGER_METRICS_H */
