/* Challenges of a PoRep: spec/proofs-vanilla-2.md section 7. */

#include "proofs/vanilla/challenge.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/chacha/chacha.h"
#include "crypto/sha256/sha256.h"
#include "selkie/vanilla.h"

#include <blake2.h>

static const char generation_key[] = "filecoin.io|PoRep|1|Synthetic|1|Generation";
static const char selection_key[] = "filecoin.io|PoRep|1|Synthetic|1|Selection";
static const char ni_tag[] = "filecoin.io|PoRep|1|NonInteractive|1";
static const uint8_t synth_nonce[12] = "synth-porep"; /* 11 letters and a zero */

/* A 256-bit little-endian number to a node in [1, N): (h mod (N - 1)) + 1. */
static uint64_t reduce(const slk_node_t *h, uint64_t nodes)
{
    uint64_t mod = nodes - 1, rem = 0;
    for (int i = 7; i >= 0; i--)
        rem = (rem << 32 | slk_load_le32(h->b + 4 * i)) % mod;
    return rem + 1;
}

/* Key of a keystream: BLAKE2b-256 of replica_id || other. */
static void synth_key(uint8_t key[32], const char *tag, size_t tag_len,
                      const slk_node_t *replica_id, const slk_node_t *other)
{
    blake2b_state state;
    bool ok = blake2b_init_key(&state, 32, tag, tag_len) == 0 &&
              blake2b_update(&state, replica_id->b, 32) == 0 &&
              blake2b_update(&state, other->b, 32) == 0 && blake2b_final(&state, key, 32) == 0;
    SLK_ASSERT(ok);
}

uint64_t slk_synth_cnt(const slk_porep_t *porep)
{
    uint64_t nodes = porep->size->nodes;
    return nodes < SLK_SYNTH_CHALLENGES_MAX ? nodes : SLK_SYNTH_CHALLENGES_MAX;
}

void slk_synth_challenges(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                          const slk_node_t *comm_r, uint64_t first, uint64_t cnt)
{
    SLK_ASSERT(first <= slk_synth_cnt(porep) && cnt <= slk_synth_cnt(porep) - first);
    uint8_t key[32];
    synth_key(key, generation_key, sizeof generation_key - 1, replica_id, comm_r);
    slk_node_t stream[64];
    for (uint64_t done = 0; done < cnt;) {
        uint64_t n = cnt - done < SLK_COUNT(stream) ? cnt - done : SLK_COUNT(stream);
        slk_chacha_stream(stream[0].b, n * 32, (first + done) * 32, key, synth_nonce, 20);
        for (uint64_t i = 0; i < n; i++)
            out[done + i] = reduce(&stream[i], porep->size->nodes);
        done += n;
    }
}

void slk_synth_select(uint64_t *out, const slk_node_t *replica_id, const slk_node_t *seed,
                      uint64_t set_cnt, uint64_t first, uint64_t cnt)
{
    uint8_t key[32], word[4];
    synth_key(key, selection_key, sizeof selection_key - 1, replica_id, seed);
    for (uint64_t i = 0; i < cnt; i++) {
        slk_chacha_stream(word, sizeof word, (first + i) * 4, key, synth_nonce, 20);
        out[i] = slk_load_le32(word) % set_cnt;
    }
}

void slk_synth_indexes(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                       const slk_node_t *seed, uint32_t k)
{
    SLK_ASSERT(k < porep->partitions);
    slk_synth_select(out, replica_id, seed, slk_synth_cnt(porep), (uint64_t)k * porep->challenges,
                     porep->challenges);
}

static void interactive(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                        const slk_node_t *comm_r, const slk_node_t *seed, uint32_t k)
{
    (void)comm_r;
    uint8_t msg[68];
    memcpy(msg, replica_id->b, 32);
    memcpy(msg + 32, seed->b, 32);
    for (uint32_t i = 0; i < porep->challenges; i++) {
        slk_node_t h;
        slk_store_le32(msg + 64, k * porep->challenges + i);
        slk_sha256(&h, msg, sizeof msg);
        out[i] = reduce(&h, porep->size->nodes);
    }
}

static void synthetic(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                      const slk_node_t *comm_r, const slk_node_t *seed, uint32_t k)
{
    slk_synth_indexes(out, porep, replica_id, seed, k);
    for (uint32_t i = 0; i < porep->challenges; i++)
        slk_synth_challenges(&out[i], porep, replica_id, comm_r, out[i], 1);
}

static void non_interactive(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                            const slk_node_t *comm_r, const slk_node_t *seed, uint32_t k)
{
    (void)seed;
    enum { TAG = sizeof ni_tag - 1 };
    uint8_t msg[TAG + 68];
    memcpy(msg, ni_tag, TAG);
    memcpy(msg + TAG, replica_id->b, 32);
    memcpy(msg + TAG + 32, comm_r->b, 32);
    for (uint32_t i = 0; i < porep->challenges; i++) {
        slk_node_t h;
        slk_store_le32(msg + TAG + 64, k * porep->challenges + i);
        slk_sha256(&h, msg, sizeof msg);
        out[i] = reduce(&h, porep->size->nodes);
    }
}

void slk_challenges(uint64_t *out, const slk_porep_t *porep, const slk_node_t *replica_id,
                    const slk_node_t *comm_r, const slk_node_t *seed, uint32_t k)
{
    static void (*const rules[])(uint64_t *, const slk_porep_t *, const slk_node_t *,
                                 const slk_node_t *, const slk_node_t *, uint32_t) = {
        [SLK_FEATURE_NONE] = interactive,
        [SLK_FEATURE_SYNTH] = synthetic,
        [SLK_FEATURE_NI] = non_interactive,
    };
    SLK_ASSERT(k < porep->partitions);
    rules[porep->feature](out, porep, replica_id, comm_r, seed, k);
}
