#include "proofs/vanilla/node_memory.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/poseidon/poseidon.h"

#include <stdlib.h>

#define ARITY_MAX 8u

typedef struct {
    slk_node_t children[ARITY_MAX];
    slk_node_t digest;
    uint32_t arity;   /* 0: empty */
    uint32_t pending; /* 1 + its place in the queue while the digest is not known */
} slot_t;

typedef struct {
    slk_node_t *digest; /* where to */
    size_t queued;      /* from where */
} question_t;

struct slk_node_memory {
    size_t slot_mask, ask_max;
    slot_t *slots;
    unsigned arity;
    slk_node_t *queue;   /* children to hash, arity nodes each; then their digests */
    slot_t **queue_slot; /* which slot waits for it */
    size_t queue_cnt;
    question_t *questions; /* not answered on the spot */
    size_t question_cnt;
    size_t hashed;
};

slk_err_t slk_node_memory_new(slk_node_memory_t **out, size_t slots, size_t ask_max,
                              slk_diag_t *diag)
{
    SLK_ASSERT(slots && (slots & (slots - 1)) == 0);
    slk_node_memory_t *memory = calloc(1, sizeof *memory);
    *out = memory;
    if (!memory)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
    memory->slot_mask = slots - 1;
    memory->ask_max = ask_max;
    memory->slots = calloc(slots, sizeof *memory->slots);
    memory->queue = calloc(ask_max * ARITY_MAX, sizeof *memory->queue);
    memory->queue_slot = calloc(ask_max, sizeof *memory->queue_slot);
    memory->questions = calloc(ask_max, sizeof *memory->questions);
    if (memory->slots && memory->queue && memory->queue_slot && memory->questions)
        return SLK_OK;
    slk_node_memory_free(memory);
    *out = NULL;
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory to verify vanilla proofs");
}

void slk_node_memory_free(slk_node_memory_t *memory)
{
    if (!memory)
        return;
    free(memory->slots);
    free(memory->queue);
    free(memory->queue_slot);
    free(memory->questions);
    free(memory);
}

void slk_node_memory_begin(slk_node_memory_t *memory, unsigned arity)
{
    SLK_ASSERT(arity <= ARITY_MAX && !memory->question_cnt);
    memory->arity = arity;
    memory->queue_cnt = 0;
}

void slk_node_memory_ask(slk_node_memory_t *memory, uint64_t place, const slk_node_t *children,
                         slk_node_t *digest)
{
    SLK_ASSERT(memory->question_cnt < memory->ask_max);
    size_t len = memory->arity * sizeof *children;
    slot_t *slot = &memory->slots[place * UINT64_C(0x9e3779b97f4a7c15) >> 32 & memory->slot_mask];
    if (slot->arity != memory->arity || memcmp(slot->children, children, len) != 0) {
        memcpy(slot->children, children, len);
        memcpy(memory->queue + memory->queue_cnt * memory->arity, children, len);
        memory->queue_slot[memory->queue_cnt] = slot;
        slot->arity = memory->arity;
        slot->pending = (uint32_t)++memory->queue_cnt;
    }
    if (slot->pending)
        memory->questions[memory->question_cnt++] = (question_t){digest, slot->pending - 1};
    else
        *digest = slot->digest;
}

void slk_node_memory_answer(slk_node_memory_t *memory)
{
    size_t nodes = memory->queue_cnt * memory->arity;
    size_t hashed =
        slk_poseidon_rows(memory->queue, memory->queue, memory->queue_cnt, memory->arity);
    SLK_ASSERT(hashed == nodes);
    memory->hashed += memory->queue_cnt;
    for (size_t i = 0; i < memory->queue_cnt; i++) {
        slot_t *slot = memory->queue_slot[i];
        if (slot->pending != i + 1)
            continue; /* another node took the slot meanwhile */
        slot->digest = memory->queue[i];
        slot->pending = 0;
    }
    for (size_t i = 0; i < memory->question_cnt; i++)
        *memory->questions[i].digest = memory->queue[memory->questions[i].queued];
    memory->question_cnt = 0;
    memory->queue_cnt = 0;
}

size_t slk_node_memory_hashed(const slk_node_memory_t *memory)
{
    return memory->hashed;
}
