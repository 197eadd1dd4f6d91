#include "chain/node_health.h"

enum { DOWN_MS = 1000, DOWN_MAX_MS = 60000 };

void slk_node_health_init(slk_node_health_t *health)
{
    *health = (slk_node_health_t){.height = -1};
}

void slk_node_succeeded(slk_node_health_t *health)
{
    health->failures = 0;
    health->retry_ms = 0;
}

void slk_node_failed(slk_node_health_t *health, int64_t now_ms)
{
    int64_t wait = DOWN_MS;
    for (unsigned i = 0; i < health->failures && wait < DOWN_MAX_MS; i++)
        wait *= 2;
    health->failures++;
    health->retry_ms = now_ms + (wait < DOWN_MAX_MS ? wait : DOWN_MAX_MS);
}

static bool up(const slk_node_health_t *node, int64_t now_ms)
{
    return !node->refused && node->retry_ms <= now_ms;
}

int slk_node_choose(const slk_node_health_t *nodes, size_t cnt, int present, int64_t now_ms,
                    int64_t *wait_ms)
{
    int64_t highest = -1;
    int good = -1, behind = -1;
    *wait_ms = -1;
    for (size_t i = 0; i < cnt; i++)
        if (up(&nodes[i], now_ms) && nodes[i].height > highest)
            highest = nodes[i].height;
    for (size_t i = 0; i < cnt; i++) {
        int64_t wait = nodes[i].retry_ms - now_ms;
        if (!nodes[i].refused && wait > 0 && (*wait_ms < 0 || wait < *wait_ms))
            *wait_ms = wait;
        if (!up(&nodes[i], now_ms))
            continue;
        bool is_behind = nodes[i].height >= 0 && nodes[i].height <= highest - SLK_NODE_BEHIND;
        int *slot = is_behind ? &behind : &good;
        if (*slot < 0 || (int)i == present)
            *slot = (int)i;
    }
    int chosen = good >= 0 ? good : behind;
    if (chosen >= 0)
        *wait_ms = 0;
    return chosen;
}
