#ifndef SLK_CHAIN_NODE_HEALTH_H
#define SLK_CHAIN_NODE_HEALTH_H

/* Which of several nodes to use. Pure: what was seen of each goes in, the choice comes out.
 *
 * A node is up until a call fails for a reason that is not the call's, then down for 1 s, 2 s, ... 60 s
 * after each failure in a row. Among nodes that are up, one whose head is SLK_NODE_BEHIND epochs or more
 * below the highest that any of them has is not used. The present node is kept while it is good; else
 * the first good one of the list is taken. Nobody is good: the present or first one that is up and only
 * behind; all down: none until one may be tried again. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLK_NODE_BEHIND 3

typedef struct {
    bool refused;      /* wrong network or version: never used */
    unsigned failures; /* in a row */
    int64_t retry_ms;  /* down until then */
    int64_t height;    /* of its head as last seen; -1: not seen yet */
} slk_node_health_t;

void slk_node_health_init(slk_node_health_t *health);
void slk_node_succeeded(slk_node_health_t *health);
void slk_node_failed(slk_node_health_t *health, int64_t now_ms);

/* The node to use, or -1; *wait_ms is then how long until one may be tried, -1 when all are refused.
 * present: the one in use, -1 none. */
int slk_node_choose(const slk_node_health_t *nodes, size_t cnt, int present, int64_t now_ms,
                    int64_t *wait_ms);

#endif /* SLK_CHAIN_NODE_HEALTH_H */
