#include "proofs/piece/subtree.h"

#include "base/assert.h"
#include "crypto/sha256/sha256.h"

#include <pthread.h>

void slk_subtree_join(slk_node_t *out, const slk_node_t *left, const slk_node_t *right)
{
    slk_node_t pair[2] = {*left, *right};
    slk_sha256_pairs(out, pair, 1);
}

static slk_node_t zeros[SLK_SUBTREE_LEVELS];
static pthread_once_t zeros_once = PTHREAD_ONCE_INIT;

static void zeros_make(void)
{
    for (unsigned k = 1; k < SLK_SUBTREE_LEVELS; k++)
        slk_subtree_join(&zeros[k], &zeros[k - 1], &zeros[k - 1]);
}

const slk_node_t *slk_subtree_zero(unsigned level)
{
    SLK_ASSERT(level < SLK_SUBTREE_LEVELS);
    pthread_once(&zeros_once, zeros_make);
    return &zeros[level];
}

void slk_subtree_reduce(slk_node_t *nodes, size_t cnt, unsigned from, unsigned to)
{
    for (unsigned level = from; level < to; level++) {
        if (cnt % 2)
            nodes[cnt] = *slk_subtree_zero(level);
        cnt = (cnt + 1) / 2;
        slk_sha256_pairs(nodes, nodes, cnt);
    }
    SLK_ASSERT(cnt == 1);
}

void slk_subtree_push(slk_subtree_stack_t *stack, const slk_node_t *root, unsigned level)
{
    slk_node_t acc = *root;
    uint64_t leaves = UINT64_C(1) << level;
    SLK_ASSERT(level < SLK_SUBTREE_LEVELS && stack->leaves % leaves == 0);
    for (; stack->leaves & UINT64_C(1) << level; level++)
        slk_subtree_join(&acc, &stack->node[level], &acc);
    SLK_ASSERT(level < SLK_SUBTREE_LEVELS);
    stack->node[level] = acc;
    stack->leaves += leaves;
}

void slk_subtree_root(slk_node_t *out, const slk_subtree_stack_t *stack, unsigned level)
{
    SLK_ASSERT(level < SLK_SUBTREE_LEVELS && stack->leaves <= UINT64_C(1) << level);
    if (stack->leaves == 0) {
        *out = *slk_subtree_zero(level);
        return;
    }
    /* From the last finished subtree upwards: beside it on the left what waits there, or zeros on
     * its right. */
    unsigned k = (unsigned)__builtin_ctzll(stack->leaves);
    uint64_t waiting = stack->leaves & (stack->leaves - 1);
    slk_node_t acc = stack->node[k];
    for (; k < level; k++) {
        if (waiting >> k & 1)
            slk_subtree_join(&acc, &stack->node[k], &acc);
        else
            slk_subtree_join(&acc, &acc, slk_subtree_zero(k));
    }
    *out = acc;
}
