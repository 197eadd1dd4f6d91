/* The MSM of one group: included by msm_g1.c and msm_g2.c, which define
 *
 *   FIELD, AFFINE, POINT   blst's types of a coordinate and of points
 *   F(op), P(op)           blst's functions on them
 *   NAME(x)                our names
 *   GROUP                  what slk_msm_plan wants to know of it
 *   IMAGE(out, in)         if scalars may be cut in two: *out = x^2 *in
 *   PAIRS_FN, PAIRS_FAST   of msm_pairs.h: the type of a faster back end, what chooses one
 */

#include "crypto/msm/msm_plan.h"

#include "base/assert.h"
#include "crypto/msm/pairs_impl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    AFFINE *points;        /* MSM_BATCH: sums on the way to buckets */
    FIELD *prefix, *diffs; /* MSM_PAIRS each, together; the scratch of pairs_fast, too */
    msm_pair_t *pairs;     /* MSM_PAIRS */
    uint32_t pair_cnt;
    PAIRS_FN *pairs_fast; /* NULL: there is none */

    const AFFINE **terms; /* MSM_BATCH: gathered, still to be added */
    uint32_t *keys;       /* bucket of a term, MSM_KEY_NEGATIVE: take the negative */
    uint16_t *next;       /* term of the same bucket */
    uint32_t *touched;    /* buckets */
    uint32_t *starts;     /* in points, of what is on the way to a touched bucket */
    uint16_t *lens, *order;
    uint32_t term_cnt;
    uint16_t *heads; /* a bucket's last term, MSM_NONE */

    msm_entry_t *entries; /* MSM_SPAN */
    AFFINE *ones;         /* MSM_LANES: part of the sum of points with scalar 1 */
    AFFINE *rows, *cols;
    void *memory;
} workspace_t;

#define MSM_KEY_NEGATIVE UINT32_C(0x80000000)
#define MSM_NONE         UINT16_C(0xffff)

struct NAME() {
    msm_plan_t plan;
    const slk_job_t *job;
    AFFINE *buckets; /* windows * plan.buckets */
    msm_entry_t *entries;
    AFFINE *images;  /* of the points of entries; NULL: scalars are not cut */
    uint64_t *ranks; /* of the spans of a round */
    POINT *sums;     /* of the windows */
    workspace_t *spaces;
    workspace_t **idle;
    unsigned space_cnt, idle_cnt;
    pthread_mutex_t lock; /* guards idle */

    /* The present round. */
    const AFFINE *points;
    const slk_msm_scalars_t *scalars;
    uint64_t begin, end;
    uint64_t slices; /* tasks a window */
    _Atomic uint64_t entry_cnt;
};

typedef struct NAME() msm_t;

static void pairs_flush(workspace_t *ws)
{
    uint32_t cnt = ws->pair_cnt;
    ws->pair_cnt = 0;
    if (cnt >= MSM_PAIRS_FAST_MIN && ws->pairs_fast)
        cnt = ws->pairs_fast(ws->pairs, cnt, ws->prefix);
    pairs_sum(ws->pairs, cnt, ws->prefix, ws->diffs);
}

/* --- Sums by bucket -------------------------------------------------------------------------- */

#define AHEAD 12u /* buckets: long enough for memory to answer */

static inline void fetch(const AFFINE *point)
{
    __builtin_prefetch(point);
    __builtin_prefetch((const char *)point + sizeof *point - 1);
}

static inline void pair_add(workspace_t *ws, AFFINE *out, const AFFINE *left, const AFFINE *right,
                            uint32_t flags)
{
    ws->pairs[ws->pair_cnt++] = (msm_pair_t){out, left, right, flags};
    if (ws->pair_cnt == MSM_PAIRS)
        pairs_flush(ws);
}

/* Chain the terms of each bucket. Returns the number of touched buckets. */
static uint32_t terms_sort(workspace_t *ws)
{
    uint32_t touched = 0;
    for (uint32_t i = 0; i < ws->term_cnt; i++) {
        uint32_t key = ws->keys[i] & ~MSM_KEY_NEGATIVE;
        if (ws->heads[key] == MSM_NONE)
            ws->touched[touched++] = key;
        ws->next[i] = ws->heads[key];
        ws->heads[key] = (uint16_t)i;
    }
    return touched;
}

static inline bool term_negative(const workspace_t *ws, uint16_t term)
{
    return ws->keys[term] & MSM_KEY_NEGATIVE;
}

/* Add up neighbours of a bucket's value and its terms, from where they are. If that leaves more than one sum, they
 * are in ws->points from *pos on, which moves; returns their number. */
static uint16_t bucket_begin(workspace_t *ws, AFFINE *bucket, uint16_t term, uint32_t *pos)
{
    const AFFINE *left = bucket;
    bool negative = false;
    if (is_identity(bucket)) {
        left = ws->terms[term];
        negative = term_negative(ws, term);
        term = ws->next[term];
        if (term == MSM_NONE) {
            copy_signed(bucket, left, negative);
            return 0;
        }
    }
    uint32_t start = *pos;
    bool last = ws->next[term] == MSM_NONE;
    AFFINE *out = last ? bucket : &ws->points[start];
    for (;;) {
        pair_add(ws, out, left, ws->terms[term],
                 (negative ? MSM_LEFT_NEGATIVE : 0) |
                     (term_negative(ws, term) ? MSM_RIGHT_NEGATIVE : 0));
        if (last)
            return 0;
        out++;
        term = ws->next[term];
        if (term == MSM_NONE)
            break;
        left = ws->terms[term];
        negative = term_negative(ws, term);
        term = ws->next[term];
        if (term == MSM_NONE) {
            copy_signed(out++, left, negative);
            break;
        }
    }
    *pos = (uint32_t)(out - ws->points);
    return (uint16_t)(*pos - start);
}

/* Add the gathered terms to the buckets of table: first neighbours, then sums of them at distance 1, 2, 4, ... */
static void terms_flush(workspace_t *ws, AFFINE *table)
{
    uint32_t touched = terms_sort(ws), active = 0, pos = 0;
    for (uint32_t t = 0; t < touched; t++) {
        uint32_t key = ws->touched[t];
        if (t + AHEAD < touched)
            fetch(&table[ws->touched[t + AHEAD]]);
        ws->starts[t] = pos;
        ws->lens[t] = bucket_begin(ws, &table[key], ws->heads[key], &pos);
        ws->heads[key] = MSM_NONE;
        if (ws->lens[t])
            ws->order[active++] = (uint16_t)t;
    }
    pairs_flush(ws);
    uint32_t unfinished = active;
    for (uint32_t stride = 1; active; stride *= 2) {
        uint32_t left = 0;
        for (uint32_t a = 0; a < active; a++) {
            uint32_t t = ws->order[a], len = ws->lens[t];
            AFFINE *p = &ws->points[ws->starts[t]];
            for (uint32_t i = 0; i + stride < len; i += 2 * stride)
                pair_add(ws, p + i, p + i, p + i + stride, 0);
            if (2 * stride < len)
                ws->order[left++] = (uint16_t)t;
        }
        pairs_flush(ws);
        active = left;
    }
    for (uint32_t t = 0; unfinished && t < touched; t++) {
        if (ws->lens[t])
            table[ws->touched[t]] = ws->points[ws->starts[t]];
    }
    ws->term_cnt = 0;
}

static inline void term_add(workspace_t *ws, AFFINE *table, uint32_t key, const AFFINE *point,
                            bool negative)
{
    fetch(point);
    fetch(&table[key]);
    ws->terms[ws->term_cnt] = point;
    ws->keys[ws->term_cnt] = key | (negative ? MSM_KEY_NEGATIVE : 0);
    if (++ws->term_cnt == MSM_BATCH)
        terms_flush(ws, table);
}

/* --- Rounds ---------------------------------------------------------------------------------- */

static workspace_t *space_take(msm_t *msm)
{
    pthread_mutex_lock(&msm->lock);
    SLK_ASSERT(msm->idle_cnt);
    workspace_t *ws = msm->idle[--msm->idle_cnt];
    pthread_mutex_unlock(&msm->lock);
    return ws;
}

static void space_give(msm_t *msm, workspace_t *ws)
{
    pthread_mutex_lock(&msm->lock);
    msm->idle[msm->idle_cnt++] = ws;
    pthread_mutex_unlock(&msm->lock);
}

/* One span of scalars: points with 1 and -1 summed, other scalars made entries. */
static void span_scan(void *ctx, uint64_t first, uint64_t last)
{
    msm_t *msm = ctx;
    SLK_ASSERT(last == first + 1);
    if (slk_job_cancelled(msm->job))
        return;
    workspace_t *ws = space_take(msm);
    uint64_t begin = msm->begin + first * MSM_SPAN, end = begin + MSM_SPAN, cnt = 0,
             rank = msm->ranks[first];
    if (end > msm->end)
        end = msm->end;
    for (uint64_t i = begin; i < end; i++) {
        if (!msm_takes_part(msm->scalars, i))
            continue;
        uint64_t at = msm->scalars->points_full ? i : rank++;
        const slk_fr_t *scalar = &msm->scalars->scalars[i];
        msm_scalar_kind_t kind = slk_msm_scalar_kind(scalar);
        if (kind == MSM_OTHER)
            slk_msm_entry(&ws->entries[cnt++], &msm->plan, scalar, at);
        else if (kind != MSM_ZERO)
            term_add(ws, ws->ones, (uint32_t)(i % MSM_LANES), &msm->points[at],
                     kind == MSM_MINUS_ONE);
    }
    terms_flush(ws, ws->ones);
    uint64_t pos = atomic_fetch_add(&msm->entry_cnt, cnt);
    SLK_ASSERT(pos + cnt <= msm->plan.entry_cap);
    memcpy(msm->entries + pos, ws->entries, cnt * sizeof *ws->entries);
#ifdef IMAGE
    for (uint64_t i = 0; msm->images && i < cnt; i++)
        IMAGE(&msm->images[pos + i], &msm->points[MSM_POINT(ws->entries[i].ref)]);
#endif
    space_give(msm, ws);
}

/* One slice of the buckets of one window: add the points of all entries that belong there. */
static void slice_add(void *ctx, uint64_t first, uint64_t last)
{
    msm_t *msm = ctx;
    SLK_ASSERT(last == first + 1);
    if (slk_job_cancelled(msm->job))
        return;
    workspace_t *ws = space_take(msm);
    const msm_plan_t *plan = &msm->plan;
    unsigned window = (unsigned)(first / msm->slices);
    uint64_t slice = first % msm->slices;
    uint64_t all = msm_window_buckets(plan, window);
    uint32_t begin = (uint32_t)(all * slice / msm->slices),
             end = (uint32_t)(all * (slice + 1) / msm->slices);
    AFFINE *table = msm->buckets + (uint64_t)window * plan->buckets + begin;
    uint64_t cnt = atomic_load_explicit(&msm->entry_cnt, memory_order_relaxed);
    for (uint64_t i = 0; i < cnt; i++) {
        const msm_entry_t *entry = &msm->entries[i];
        for (unsigned h = 0; h < plan->halves; h++) {
            int32_t digit = msm_digit(plan, entry->s + 2 * h, window);
            uint32_t bucket = (uint32_t)abs(digit) - 1; /* far out for digit 0 */
            if (bucket - begin < end - begin)
                term_add(ws, table, bucket - begin,
                         h ? &msm->images[i] : &msm->points[MSM_POINT(entry->ref)],
                         (digit < 0) != !!(entry->ref & MSM_NEGATIVE(h)));
        }
    }
    terms_flush(ws, table);
    space_give(msm, ws);
}

static void entries_flush(msm_t *msm)
{
    unsigned threads = slk_pool_threads(slk_job_pool(msm->job));
    if (!atomic_load(&msm->entry_cnt))
        return;
    msm->slices = threads == 1 ? 1 : (4 * threads + msm->plan.windows - 1) / msm->plan.windows;
    slk_pool_for(slk_job_pool(msm->job), msm->plan.windows * msm->slices, 1, slice_add, msm);
    atomic_store(&msm->entry_cnt, 0);
}

slk_err_t NAME(_feed)(msm_t *msm, const AFFINE *points, const slk_msm_scalars_t *scalars,
                      slk_diag_t *diag)
{
    slk_pool_t *pool = slk_job_pool(msm->job);
    uint64_t rank = 0;
    msm->points = points;
    msm->scalars = scalars;
    for (uint64_t pos = 0; pos < scalars->cnt; pos = msm->end) {
        uint64_t room = msm->plan.entry_cap - atomic_load(&msm->entry_cnt);
        if (room < msm->plan.entry_cap / 4) {
            entries_flush(msm);
            room = msm->plan.entry_cap;
        }
        msm->begin = pos;
        msm->end = scalars->cnt - pos < room ? scalars->cnt : pos + room;
        uint64_t spans = 0;
        for (uint64_t at = pos; at < msm->end; at += MSM_SPAN) {
            uint64_t end = msm->end - at < MSM_SPAN ? msm->end : at + MSM_SPAN;
            msm->ranks[spans++] = rank;
            rank += scalars->density ? slk_msm_rank(scalars->density, at, end) : end - at;
        }
        slk_pool_for(pool, spans, 1, span_scan, msm);
        if (slk_job_cancelled(msm->job))
            break;
    }
    entries_flush(msm);
    msm->points = NULL;
    msm->scalars = NULL;
    return slk_job_cancelled(msm->job)
               ? slk_fail(diag, SLK_ERR_CANCELLED, "multi-scalar multiplication interrupted")
               : SLK_OK;
}

/* --- The end --------------------------------------------------------------------------------- */

/* Sum of (i + first) * table[i]. */
static void weighted_sum(POINT *out, const AFFINE *table, uint32_t cnt, unsigned first)
{
    POINT run;
    memset(&run, 0, sizeof run);
    memset(out, 0, sizeof *out);
    for (uint32_t i = cnt; i-- > 0;) {
        if (i == 0 && first == 0)
            break;
        P(add_or_double_affine)(&run, &run, &table[i]);
        P(add_or_double)(out, out, &run);
    }
}

/* The sum of a window: bucket i counts i + 1 times. With i = high * 2^k + low, sums over equal high and over
 * equal low part are plain ones; only they have to be weighted. */
static void window_sum(void *ctx, uint64_t first, uint64_t last)
{
    msm_t *msm = ctx;
    SLK_ASSERT(last == first + 1);
    workspace_t *ws = space_take(msm);
    unsigned low_bits = msm->plan.bits / 2;
    uint32_t cnt = msm_window_buckets(&msm->plan, (unsigned)first);
    uint32_t low = 1u << low_bits, rows = (cnt + low - 1) / low;
    const AFFINE *table = msm->buckets + first * msm->plan.buckets;
    POINT high_sum;
    memset(ws->rows, 0, rows * sizeof *ws->rows);
    memset(ws->cols, 0, low * sizeof *ws->cols);
    for (uint32_t i = 0; i < cnt; i++)
        if (!is_identity(&table[i]))
            term_add(ws, ws->rows, i >> low_bits, &table[i], false);
    terms_flush(ws, ws->rows);
    for (uint32_t i = 0; i < cnt; i++)
        if (!is_identity(&table[i]))
            term_add(ws, ws->cols, i & (low - 1), &table[i], false);
    terms_flush(ws, ws->cols);
    weighted_sum(&high_sum, ws->rows, rows, 0);
    for (unsigned i = 0; i < low_bits; i++)
        P(double)(&high_sum, &high_sum);
    weighted_sum(&msm->sums[first], ws->cols, low, 1);
    P(add_or_double)(&msm->sums[first], &msm->sums[first], &high_sum);
    space_give(msm, ws);
}

slk_err_t NAME(_finish)(msm_t *msm, POINT *out, slk_diag_t *diag)
{
    if (slk_job_cancelled(msm->job))
        return slk_fail(diag, SLK_ERR_CANCELLED, "multi-scalar multiplication interrupted");
    slk_pool_for(slk_job_pool(msm->job), msm->plan.windows, 1, window_sum, msm);
    memset(out, 0, sizeof *out);
    for (unsigned w = msm->plan.windows; w-- > 0;) {
        for (unsigned i = 0; i < msm_window_bits(&msm->plan, w); i++)
            P(double)(out, out);
        P(add_or_double)(out, out, &msm->sums[w]);
    }
    for (unsigned s = 0; s < msm->space_cnt; s++)
        for (unsigned i = 0; i < MSM_LANES; i++)
            P(add_or_double_affine)(out, out, &msm->spaces[s].ones[i]);
    AFFINE affine;
    P(to_affine)(&affine, out);
    P(from_affine)(out, &affine);
    return SLK_OK;
}

/* --- Life ------------------------------------------------------------------------------------ */

static void *carve(char **at, size_t len)
{
    void *p = *at;
    *at += (len + 63) / 64 * 64;
    return p;
}

/* cnt identities. They are met in no order: in huge pages, where the system has some, addresses are found sooner. */
static AFFINE *buckets_new(size_t cnt)
{
    size_t len = cnt * sizeof(AFFINE), page = (size_t)sysconf(_SC_PAGESIZE);
    char *buckets = calloc(cnt, sizeof(AFFINE));
    size_t before = -(uintptr_t)buckets % page;
    if (buckets && len > before)
        madvise(buckets + before, (len - before) / page * page, MADV_HUGEPAGE);
    return (AFFINE *)(void *)buckets;
}

static bool space_init(workspace_t *ws, const msm_plan_t *plan)
{
    size_t len = slk_msm_workspace_bytes(plan, sizeof(AFFINE)) / 64 * 64;
    *ws = (workspace_t){.memory = aligned_alloc(64, len)};
    if (!ws->memory)
        return false;
    char *at = ws->memory;
    ws->points = carve(&at, MSM_BATCH * sizeof *ws->points);
    ws->ones = carve(&at, MSM_LANES * sizeof *ws->ones);
    ws->rows = carve(&at, (1u << plan->bits / 2) * sizeof *ws->rows);
    ws->cols = carve(&at, (1u << plan->bits / 2) * sizeof *ws->cols);
    ws->prefix = carve(&at, 2 * MSM_PAIRS * sizeof *ws->prefix);
    ws->diffs = ws->prefix + MSM_PAIRS;
    ws->pairs = carve(&at, MSM_PAIRS * sizeof *ws->pairs);
    ws->terms = carve(&at, MSM_BATCH * sizeof *ws->terms);
    ws->keys = carve(&at, MSM_BATCH * sizeof *ws->keys);
    ws->starts = carve(&at, MSM_BATCH * sizeof *ws->starts);
    ws->touched = carve(&at, MSM_BATCH * sizeof *ws->touched);
    ws->next = carve(&at, MSM_BATCH * sizeof *ws->next);
    ws->lens = carve(&at, MSM_BATCH * sizeof *ws->lens);
    ws->order = carve(&at, MSM_BATCH * sizeof *ws->order);
    size_t heads = plan->buckets > MSM_LANES ? plan->buckets : MSM_LANES;
    ws->heads = carve(&at, heads * sizeof *ws->heads);
    ws->entries = carve(&at, MSM_SPAN * sizeof *ws->entries);
    ws->pairs_fast = PAIRS_FAST();
    SLK_ASSERT((size_t)(at - (char *)ws->memory) <= len);
    memset(ws->heads, 0xff, heads * sizeof *ws->heads);
    memset(ws->ones, 0, MSM_LANES * sizeof *ws->ones);
    return true;
}

uint64_t NAME(_memory)(uint64_t expected, unsigned threads, uint64_t memory)
{
    msm_plan_t plan;
    return slk_msm_plan(&plan, expected, threads, GROUP, memory)
               ? slk_msm_plan_bytes(&plan, threads, sizeof(AFFINE))
               : 0;
}

static slk_err_t too_low(unsigned threads, uint64_t memory, slk_diag_t *diag)
{
    msm_plan_t plan;
    uint64_t least = 1;
    while (!slk_msm_plan(&plan, 0, threads, GROUP, least))
        least *= 2;
    return slk_fail(
        diag, SLK_ERR_INPUT,
        "multi-scalar multiplication: %llu bytes of memory are too few for %u threads; expected at "
        "least %llu; allow more or use fewer threads",
        (unsigned long long)memory, threads,
        (unsigned long long)slk_msm_plan_bytes(&plan, threads, sizeof(AFFINE)));
}

slk_err_t NAME(_new)(msm_t **out, uint64_t expected, uint64_t memory, const slk_job_t *job,
                     slk_diag_t *diag)
{
    unsigned threads = slk_pool_threads(slk_job_pool(job));
    msm_plan_t plan;
    *out = NULL;
    if (!slk_msm_plan(&plan, expected, threads, GROUP, memory))
        return too_low(threads, memory, diag);
    msm_t *msm = calloc(1, sizeof *msm);
    if (!msm)
        return slk_fail(diag, SLK_ERR_NOMEM, "multi-scalar multiplication: out of memory");
    msm->plan = plan;
    msm->job = job;
    pthread_mutex_init(&msm->lock, NULL);
    msm->buckets = buckets_new((size_t)plan.windows * plan.buckets);
    msm->entries = malloc(plan.entry_cap * sizeof *msm->entries);
    msm->ranks = malloc((plan.entry_cap / MSM_SPAN + 1) * sizeof *msm->ranks);
    msm->sums = malloc(plan.windows * sizeof *msm->sums);
    msm->spaces = calloc(threads, sizeof *msm->spaces);
    msm->idle = calloc(threads, sizeof *msm->idle);
    if (plan.halves == 2)
        msm->images = malloc(plan.entry_cap * sizeof *msm->images);
    bool ok = (plan.halves == 1 || msm->images) && msm->buckets && msm->entries && msm->ranks &&
              msm->sums && msm->spaces && msm->idle;
    for (unsigned i = 0; ok && i < threads; i++) {
        ok = space_init(&msm->spaces[i], &plan);
        msm->idle[i] = &msm->spaces[i];
        msm->space_cnt = msm->idle_cnt = i + 1;
    }
    if (!ok) {
        NAME(_free)(msm);
        return slk_fail(
            diag, SLK_ERR_NOMEM,
            "multi-scalar multiplication: no memory for %llu bytes; free some or allow less",
            (unsigned long long)slk_msm_plan_bytes(&plan, threads, sizeof(AFFINE)));
    }
    *out = msm;
    return SLK_OK;
}

void NAME(_free)(msm_t *msm)
{
    if (!msm)
        return;
    for (unsigned i = 0; i < msm->space_cnt; i++)
        free(msm->spaces[i].memory);
    free(msm->buckets);
    free(msm->entries);
    free(msm->images);
    free(msm->ranks);
    free(msm->sums);
    free(msm->spaces);
    free(msm->idle);
    pthread_mutex_destroy(&msm->lock);
    free(msm);
}

slk_err_t NAME()(POINT *out, const AFFINE *points, const slk_msm_scalars_t *scalars,
                 uint64_t memory, const slk_job_t *job, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    msm_t *msm;
    SLK_TRY(NAME(_new)(&msm, slk_msm_count_others(scalars, slk_job_pool(job)), memory, job, diag));
    SLK_TRY(NAME(_feed)(msm, points, scalars, diag));
    SLK_TRY(NAME(_finish)(msm, out, diag));
out:
    NAME(_free)(msm);
    return err;
}
