#include "devnet/chain/producer.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/election/randomness.h"
#include "crypto/keys/vrf.h"
#include "devnet/chain/chain_impl.h"
#include "devnet/chain/draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_LIMIT ((size_t)1 << 30)
/* What a command makes before it waits for the disk and asks whether to go on. */
#define AT_ONCE    32u  /* epochs */
#define AT_ONCE_MS 250u /* more when one takes longer */

struct slk_producer {
    slk_chain_t *chain;
    slk_mpool_t *pool;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t turn; /* held by whoever makes blocks: the thread's tick, a command */
    slk_key_t key;        /* turn */

    pthread_mutex_t lock; /* of what follows; inside of turn */
    pthread_cond_t wake;
    slk_producer_status_t status;
    uint64_t nulls;   /* rounds to leave out */
    unsigned waiting; /* commands that want their turn */
    uint64_t pauses;  /* so far */
    struct timespec due;
    bool quit;
};

static void add_ms(struct timespec *at, uint32_t ms)
{
    at->tv_nsec += (long)(ms % 1000) * 1000000;
    at->tv_sec += ms / 1000 + at->tv_nsec / 1000000000;
    at->tv_nsec %= 1000000000;
}

static bool is_past(const struct timespec *at)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > at->tv_sec || (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

/* --- The branch ------------------------------------------------------------------------------- */

static slk_err_t read_branch(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t *branch = ctx;
    slk_db_rows_t *rows = NULL;
    bool more;
    SLK_TRY(
        slk_db_query(&rows, db, "SELECT value FROM meta WHERE name = 'branch'", SLK_NO_VALS, diag));
    SLK_TRY(slk_db_rows_next(rows, &more, diag));
    if (more)
        *branch = strtoull(slk_db_rows_text(rows, 0, NULL), NULL, 10);
out:
    slk_db_rows_close(rows);
    return err;
}

static slk_err_t write_branch(slk_db_t *db, void *ctx, slk_diag_t *diag)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, *(uint64_t *)ctx);
    return slk_db_run(db,
                      "INSERT INTO meta (name, value) VALUES ('branch', ?1) "
                      "ON CONFLICT (name) DO UPDATE SET value = ?1",
                      SLK_VALS(slk_val_text(text)), NULL, diag);
}

/* Another key from now on. */
static slk_err_t next_branch(slk_producer_t *p, slk_diag_t *diag)
{
    slk_err_t err;
    uint64_t branch = p->status.branch + 1;
    SLK_TRY(slk_chain_write(p->chain, write_branch, &branch, diag));
    SLK_TRY(slk_producer_key(&p->key, p->chain, branch, diag));
    pthread_mutex_lock(&p->lock);
    p->status.branch = branch;
    pthread_mutex_unlock(&p->lock);
out:
    return err;
}

/* --- One block -------------------------------------------------------------------------------- */

/* Sign into the arena. */
static slk_err_t sign(slk_signature_t *out, const slk_key_t *key, const void *bytes, size_t len,
                      slk_arena_t *arena, slk_diag_t *diag)
{
    slk_key_sig_t sig;
    slk_err_t err = slk_key_sign(&sig, key, bytes, len, diag);
    if (err != SLK_OK)
        return err;
    *out = (slk_signature_t){(uint8_t)sig.type, {slk_arena_copy(arena, sig.b, sig.len), sig.len}};
    return out->data.b ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a signature");
}

static slk_err_t make_ticket(slk_ticket_t *ticket, slk_producer_t *p, const slk_tip_t *parent,
                             const slk_beacon_entry_t *entry, int64_t epoch, slk_arena_t *arena,
                             slk_diag_t *diag)
{
    slk_signature_t sig;
    const slk_bytes_t before = parent->tipset.blocks.items[0].ticket->vrf_proof;
    const slk_node_t input = slk_ticket_input(entry->data.b, entry->data.len, epoch,
                                              SLK_PRODUCER_ID, before.b, before.len);
    slk_err_t err = sign(&sig, &p->key, input.b, sizeof input.b, arena, diag);
    ticket->vrf_proof = sig.data;
    return err;
}

static slk_err_t finish_block(slk_block_header_t *block, slk_producer_t *p, slk_arena_t *arena,
                              slk_diag_t *diag)
{
    slk_err_t err;
    slk_buf_t buf = {0};
    SLK_TRY(slk_block_unsigned(&buf, block, diag));
    SLK_TRY(slk_buf_check(&buf, diag));
    SLK_TRY(sign(&block->block_sig, &p->key, buf.bytes, buf.len, arena, diag));
out:
    slk_buf_free(&buf);
    return err;
}

/* A tipset of one block on top of another. */
static slk_err_t build(slk_tip_t **tip, slk_producer_t *p, const slk_tip_t *parent, int64_t epoch,
                       bool with_messages, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_ticket_t ticket = {{0}};
    slk_pending_list_t list = {0};
    slk_cid_list_t bls, secpk;
    slk_block_header_t block = {.miner = slk_address_id(SLK_PRODUCER_ID), .ticket = &ticket};
    slk_arena_init(&arena, BLOCK_LIMIT);
    SLK_TRY(slk_draft_beacon(&block.beacon_entries, parent->height, epoch, &arena, diag));
    SLK_TRY(make_ticket(&ticket, p, parent,
                        &block.beacon_entries.items[block.beacon_entries.count - 1], epoch, &arena,
                        diag));
    if (with_messages)
        SLK_TRY(slk_mpool_select(&list, p->pool, parent, &arena, diag));
    SLK_TRY(slk_draft_fill(&block, &bls, &secpk, p->chain, parent, epoch,
                           list.count ? &list.items[0].message : NULL, sizeof *list.items,
                           list.count, &arena, diag));
    SLK_TRY(finish_block(&block, p, &arena, diag));
    SLK_TRY(slk_chain_put(tip, p->chain, &block, 1, diag));
out:
    slk_arena_free(&arena);
    return err;
}

/* --- One epoch -------------------------------------------------------------------------------- */

/* Whether chance, which is the seed's, wants no block. */
static bool by_chance(slk_producer_t *p, int64_t epoch)
{
    const slk_node_t node =
        slk_chain_secret(p->chain, "null", (uint64_t)epoch ^ p->status.branch << 40);
    return (double)(slk_load_le64(node.b) >> 11) * 0x1p-53 < p->status.null_probability;
}

/* The epoch that is due, and whether it is to be left out. */
static int64_t next_epoch(slk_producer_t *p, const slk_tip_t *head, bool *is_null)
{
    pthread_mutex_lock(&p->lock);
    const int64_t epoch = p->status.epoch + 1;
    *is_null = p->nulls > 0 || p->status.external || head->height >= epoch || by_chance(p, epoch);
    if (p->nulls > 0)
        p->nulls--;
    if (epoch - head->height >= SLK_NULLS_MAX && !p->status.external)
        *is_null = false;
    pthread_mutex_unlock(&p->lock);
    return epoch;
}

static void set_epoch(slk_producer_t *p, int64_t epoch)
{
    pthread_mutex_lock(&p->lock);
    if (p->status.epoch < epoch)
        p->status.epoch = epoch;
    pthread_mutex_unlock(&p->lock);
}

/* Put a block on *tip, or nothing. */
static slk_err_t one_epoch(slk_producer_t *p, slk_tip_t **tip, slk_diag_t *diag)
{
    bool is_null;
    slk_tip_t *next = NULL;
    const int64_t epoch = next_epoch(p, *tip, &is_null);
    if (is_null && epoch - (*tip)->height >= SLK_NULLS_MAX)
        return SLK_OK; /* the clock waits for a block from elsewhere */
    if (!is_null) {
        slk_err_t err = build(&next, p, *tip, epoch, true, diag);
        if (err != SLK_OK)
            return err;
        slk_tip_unref(*tip);
        *tip = next;
    }
    set_epoch(p, epoch);
    return SLK_OK;
}

/* Up to so many epochs, until `until`, in one change of the head; *done: how many. With the turn. */
static slk_err_t tick(slk_producer_t *p, uint64_t n, const struct timespec *until, uint64_t *done,
                      slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_diag_t other;
    slk_chain_lock(p->chain);
    slk_tip_t *tip = slk_chain_head(p->chain);
    *done = 0;
    do {
        err = one_epoch(p, &tip, diag);
        ++*done;
    } while (*done < n && err == SLK_OK && !is_past(until));
    slk_err_t moved = slk_chain_set_head(p->chain, tip, err == SLK_OK ? diag : &other);
    slk_chain_unlock(p->chain);
    slk_tip_unref(tip);
    return err == SLK_OK ? moved : err;
}

/* --- The thread ------------------------------------------------------------------------------- */

/* Count the next epoch from now. With the lock held. */
static void restart_clock(slk_producer_t *p)
{
    clock_gettime(CLOCK_MONOTONIC, &p->due);
    add_ms(&p->due, p->status.block_ms);
    pthread_cond_broadcast(&p->wake);
}

/* Until an epoch is due; false: the end. A clock that fell behind does not catch up. */
static bool wait_due(slk_producer_t *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        if (p->status.paused || p->status.stopped || p->waiting)
            pthread_cond_wait(&p->wake, &p->lock);
        else if (!is_past(&p->due))
            pthread_cond_timedwait(&p->wake, &p->lock, &p->due);
        else
            break;
    }
    bool go_on = !p->quit;
    add_ms(&p->due, p->status.block_ms);
    if (is_past(&p->due))
        restart_clock(p);
    pthread_mutex_unlock(&p->lock);
    return go_on;
}

static void *produce(void *ctx)
{
    slk_producer_t *p = ctx;
    slk_diag_t diag;
    while (wait_due(p)) {
        pthread_mutex_lock(&p->turn);
        uint64_t done;
        slk_err_t err = tick(p, 1, &(struct timespec){0}, &done, &diag);
        pthread_mutex_unlock(&p->turn);
        if (err == SLK_OK)
            continue;
        pthread_mutex_lock(&p->lock);
        p->status.stopped = true;
        snprintf(p->status.why, sizeof p->status.why, "%s", diag.text);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* --- Life ------------------------------------------------------------------------------------- */

static void init(slk_producer_t *p, const slk_producer_options_t *options)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&p->turn, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    p->status = (slk_producer_status_t){
        .block_ms = options->block_ms ? options->block_ms
                                      : 1000 * slk_chain_policy(p->chain)->block_delay_s,
        .null_probability = options->null_probability,
        .paused = options->paused,
        .external = options->external,
    };
    restart_clock(p);
}

slk_err_t slk_producer_new(slk_producer_t **out, slk_chain_t *chain, slk_mpool_t *pool,
                           const slk_producer_options_t *options, slk_diag_t *diag)
{
    slk_err_t err;
    *out = NULL;
    slk_producer_t *p = calloc(1, sizeof *p);
    if (!p)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a producer of blocks");
    p->chain = chain;
    p->pool = pool;
    init(p, options);
    slk_tip_t *head = slk_chain_head(chain);
    p->status.epoch = head->height;
    slk_tip_unref(head);
    SLK_TRY(slk_chain_read(chain, read_branch, &p->status.branch, diag));
    SLK_TRY(slk_producer_key(&p->key, chain, p->status.branch, diag));
    p->has_thread = pthread_create(&p->thread, NULL, produce, p) == 0;
    if (!p->has_thread) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "no thread for a producer of blocks");
        goto out;
    }
    *out = p;
    return SLK_OK;
out:
    slk_producer_free(p);
    return err;
}

void slk_producer_free(slk_producer_t *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->has_thread)
        pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->turn);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    slk_key_wipe(&p->key);
    free(p);
}

/* --- Settings --------------------------------------------------------------------------------- */

void slk_producer_pause(slk_producer_t *p)
{
    pthread_mutex_lock(&p->lock);
    p->status.paused = true;
    p->pauses++;
    pthread_mutex_unlock(&p->lock);
}

void slk_producer_resume(slk_producer_t *p)
{
    pthread_mutex_lock(&p->lock);
    p->status.paused = false;
    restart_clock(p);
    pthread_mutex_unlock(&p->lock);
}

void slk_producer_set_block_ms(slk_producer_t *p, uint32_t block_ms)
{
    pthread_mutex_lock(&p->lock);
    p->status.block_ms = block_ms ? block_ms : 1;
    restart_clock(p);
    pthread_mutex_unlock(&p->lock);
}

void slk_producer_set_external(slk_producer_t *p, bool external)
{
    pthread_mutex_lock(&p->lock);
    p->status.external = external;
    pthread_mutex_unlock(&p->lock);
}

void slk_producer_set_null_probability(slk_producer_t *p, double probability)
{
    pthread_mutex_lock(&p->lock);
    p->status.null_probability = probability;
    pthread_mutex_unlock(&p->lock);
}

void slk_producer_null(slk_producer_t *p, uint64_t n)
{
    pthread_mutex_lock(&p->lock);
    p->nulls += n;
    pthread_mutex_unlock(&p->lock);
}

slk_producer_status_t slk_producer_status(slk_producer_t *p)
{
    pthread_mutex_lock(&p->lock);
    slk_producer_status_t status = p->status;
    pthread_mutex_unlock(&p->lock);
    return status;
}

int64_t slk_producer_epoch(slk_producer_t *p)
{
    return slk_producer_status(p).epoch;
}

/* --- Commands --------------------------------------------------------------------------------- */

static void take_turn(slk_producer_t *p)
{
    pthread_mutex_lock(&p->lock);
    p->waiting++;
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_lock(&p->turn);
}

static void give_turn(slk_producer_t *p)
{
    pthread_mutex_unlock(&p->turn);
    pthread_mutex_lock(&p->lock);
    p->waiting--;
    restart_clock(p);
    pthread_mutex_unlock(&p->lock);
}

/* Says how far it is; whether somebody paused since `pauses`. */
static bool tell_mined(slk_producer_t *p, uint64_t mined, uint64_t to_mine, uint64_t pauses)
{
    pthread_mutex_lock(&p->lock);
    p->status.mined = mined;
    p->status.to_mine = to_mine;
    const bool paused = p->pauses != pauses;
    pthread_mutex_unlock(&p->lock);
    return paused;
}

static slk_err_t mine(slk_producer_t *p, uint64_t n, uint64_t pauses, slk_mine_stop_t *stop,
                      void *ctx, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (uint64_t done = 0, more; done < n && err == SLK_OK; done += more) {
        const bool paused = tell_mined(p, done, n, pauses);
        if (paused || (stop && stop(ctx)))
            return slk_fail(diag, SLK_ERR_CANCELLED, "%s after %" PRIu64 " of %" PRIu64 " epochs",
                            paused ? "paused" : "interrupted", done, n);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        add_ms(&until, AT_ONCE_MS);
        err = tick(p, n - done < AT_ONCE ? n - done : AT_ONCE, &until, &more, diag);
    }
    return err;
}

slk_err_t slk_producer_mine(slk_producer_t *p, uint64_t n, slk_mine_stop_t *stop, void *ctx,
                            slk_diag_t *diag)
{
    pthread_mutex_lock(&p->lock);
    const uint64_t pauses = p->pauses;
    pthread_mutex_unlock(&p->lock);
    take_turn(p);
    slk_err_t err = mine(p, n, pauses, stop, ctx, diag);
    tell_mined(p, 0, 0, pauses);
    give_turn(p);
    return err;
}

/* n tipsets below the head. */
static slk_err_t go_back(slk_tip_t **tip, slk_producer_t *p, uint64_t n, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    *tip = slk_chain_head(p->chain);
    for (uint64_t i = 0; i < n; i++) {
        slk_tip_t *parent = NULL;
        if (!(*tip)->height) {
            err = slk_fail(diag, SLK_ERR_INPUT,
                           "cannot go back by %" PRIu64 " tipsets: there are %" PRIu64
                           " above the genesis",
                           n, i);
            goto out;
        }
        SLK_TRY(slk_chain_parent(&parent, p->chain, *tip, diag));
        slk_tip_unref(*tip);
        *tip = parent;
    }
out:
    if (err != SLK_OK) {
        slk_tip_unref(*tip);
        *tip = NULL;
    }
    return err;
}

/* Forget the messages of tipsets that were left. */
static slk_err_t lose(slk_producer_t *p, const slk_step_t *steps, size_t cnt, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_arena_t arena;
    slk_chain_message_list_t list;
    slk_arena_init(&arena, BLOCK_LIMIT);
    for (size_t i = 0; i < cnt; i++) {
        if (!steps[i].revert)
            continue;
        SLK_TRY(slk_chain_messages(&list, p->chain, steps[i].tip, &arena, diag));
        for (size_t k = 0; k < list.count; k++) {
            err = slk_mpool_forget(p->pool, &list.items[k].cid, diag);
            if (err != SLK_OK && err != SLK_ERR_NOTFOUND)
                goto out;
            err = SLK_OK;
        }
    }
out:
    slk_arena_free(&arena);
    return err;
}

/* With the turn and the chain's lock. */
static slk_err_t reorg(slk_producer_t *p, uint64_t n, slk_reorg_t messages, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *base = NULL, *tip = NULL, *next = NULL;
    slk_step_t *steps = NULL;
    size_t cnt = 0;
    slk_tip_t *head = slk_chain_head(p->chain);
    SLK_TRY(go_back(&base, p, n, diag));
    SLK_TRY(next_branch(p, diag));
    tip = slk_tip_ref(base);
    for (uint64_t i = 0; i <= n; i++) {
        SLK_TRY(build(&next, p, tip, tip->height + 1, messages == SLK_REORG_AGAIN, diag));
        slk_tip_unref(tip);
        tip = next;
        next = NULL;
    }
    SLK_TRY(slk_chain_path(&steps, &cnt, p->chain, head, base, diag));
    SLK_TRY(slk_chain_set_head(p->chain, tip, diag));
    set_epoch(p, tip->height);
    if (messages == SLK_REORG_LOSE)
        SLK_TRY(lose(p, steps, cnt, diag));
out:
    slk_steps_free(steps, cnt);
    slk_tip_unref(head);
    slk_tip_unref(base);
    slk_tip_unref(tip);
    return err;
}

slk_err_t slk_producer_reorg(slk_producer_t *p, uint64_t n, slk_reorg_t messages, slk_diag_t *diag)
{
    take_turn(p);
    slk_chain_lock(p->chain);
    slk_err_t err = reorg(p, n, messages, diag);
    slk_chain_unlock(p->chain);
    give_turn(p);
    return err;
}

slk_err_t slk_producer_rewind(slk_producer_t *p, uint64_t n, slk_diag_t *diag)
{
    slk_err_t err;
    slk_tip_t *base = NULL;
    take_turn(p);
    slk_chain_lock(p->chain);
    SLK_TRY(go_back(&base, p, n, diag));
    if (slk_producer_epoch(p) - base->height >= SLK_NULLS_MAX) {
        err =
            slk_fail(diag, SLK_ERR_INPUT,
                     "cannot go back by %" PRIu64 " tipsets: more than %d null rounds would follow",
                     n, SLK_NULLS_MAX);
        goto out;
    }
    SLK_TRY(next_branch(p, diag));
    SLK_TRY(slk_chain_set_head(p->chain, base, diag));
out:
    slk_chain_unlock(p->chain);
    give_turn(p);
    slk_tip_unref(base);
    return err;
}
