#include "codec/economics/vesting.h"

#include "base/assert.h"
#include "codec/economics/pledge.h"

#include <stdlib.h>
#include <string.h>

#define VEST_DAYS    180
#define SCHEDULE_MAX (VEST_DAYS + 1)

static void drop_first(slk_vesting_table_t *table, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        mpz_clear(table->entries[i].amount);
    table->cnt -= cnt;
    memmove(table->entries, table->entries + cnt, table->cnt * sizeof *table->entries);
}

void slk_vesting_clear(slk_vesting_table_t *table)
{
    if (table->entries)
        drop_first(table, table->cnt);
    free(table->entries);
    memset(table, 0, sizeof *table);
}

static slk_err_t make_room(slk_vesting_table_t *table, size_t more, slk_diag_t *diag)
{
    size_t need = table->cnt + more;
    if (need <= table->cap)
        return SLK_OK;
    if (need < 2 * table->cap)
        need = 2 * table->cap;
    slk_vesting_t *entries = realloc(table->entries, need * sizeof *entries);
    if (!entries)
        return slk_fail(diag, SLK_ERR_NOMEM, "vesting table of %zu entries: out of memory", need);
    table->entries = entries;
    table->cap = need;
    return SLK_OK;
}

static void insert(slk_vesting_table_t *table, size_t at, int64_t epoch, mpz_srcptr amount)
{
    slk_vesting_t *entry = table->entries + at;
    memmove(entry + 1, entry, (table->cnt - at) * sizeof *entry);
    table->cnt++;
    entry->epoch = epoch;
    mpz_init_set(entry->amount, amount);
}

slk_err_t slk_vesting_append(slk_vesting_table_t *table, int64_t epoch, mpz_srcptr amount,
                             slk_diag_t *diag)
{
    if (table->cnt > 0 && table->entries[table->cnt - 1].epoch >= epoch)
        return slk_fail(diag, SLK_ERR_FORMAT,
                        "vesting table: epoch %lld does not follow epoch %lld", (long long)epoch,
                        (long long)table->entries[table->cnt - 1].epoch);
    slk_err_t err = make_room(table, 1, diag);
    if (err == SLK_OK)
        insert(table, table->cnt, epoch, amount);
    return err;
}

/* As the actors round: negative distances are cut towards the offset's side of zero. */
static int64_t quantize_up(int64_t epoch, int64_t unit, int64_t offset_seed)
{
    int64_t offset = offset_seed % unit;
    int64_t quotient = (epoch - offset) / unit;
    if ((epoch - offset) % unit != 0 && epoch >= offset)
        quotient++;
    return unit * quotient + offset;
}

slk_err_t slk_vesting_lock(slk_vesting_table_t *table, int64_t now, mpz_srcptr amount,
                           int64_t period_start, slk_diag_t *diag)
{
    return slk_vesting_lock_days(table, now, amount, period_start, SLK_EPOCHS_IN_DAY, diag);
}

slk_err_t slk_vesting_lock_days(slk_vesting_table_t *table, int64_t now, mpz_srcptr amount,
                                int64_t period_start, int64_t day, slk_diag_t *diag)
{
    SLK_ASSERT(mpz_sgn(amount) > 0 && day >= 2);
    const int64_t vest_epochs = VEST_DAYS * day;
    slk_err_t err = make_room(table, SCHEDULE_MAX, diag);
    if (err != SLK_OK)
        return err;
    mpz_t so_far, target, share;
    mpz_inits(so_far, target, share, NULL);
    size_t at = 0;
    for (int64_t epoch = now + day; mpz_cmp(so_far, amount) < 0; epoch += day) {
        int64_t vest = quantize_up(epoch, day / 2, period_start);
        if (vest - now < vest_epochs) {
            mpz_mul_si(target, amount, vest - now);
            mpz_fdiv_q_ui(target, target, (unsigned long)vest_epochs);
        } else {
            mpz_set(target, amount);
        }
        mpz_sub(share, target, so_far);
        mpz_set(so_far, target);
        while (at < table->cnt && table->entries[at].epoch < vest)
            at++;
        if (at < table->cnt && table->entries[at].epoch == vest)
            mpz_add(table->entries[at].amount, table->entries[at].amount, share);
        else
            insert(table, at, vest, share);
    }
    mpz_clears(so_far, target, share, NULL);
    return SLK_OK;
}

void slk_vesting_unlock(mpz_t out, slk_vesting_table_t *table, int64_t now)
{
    size_t cnt = 0;
    mpz_set_ui(out, 0);
    while (cnt < table->cnt && table->entries[cnt].epoch < now)
        mpz_add(out, out, table->entries[cnt++].amount);
    if (cnt > 0)
        drop_first(table, cnt);
}

void slk_vesting_seize(mpz_t out, slk_vesting_table_t *table, mpz_srcptr target)
{
    size_t cnt = 0;
    mpz_t left;
    mpz_init_set(left, target);
    while (cnt < table->cnt && mpz_cmp(table->entries[cnt].amount, left) < 0) {
        mpz_sub(left, left, table->entries[cnt].amount);
        cnt++;
    }
    if (cnt < table->cnt) {
        mpz_sub(table->entries[cnt].amount, table->entries[cnt].amount, left);
        mpz_set_ui(left, 0);
    }
    mpz_sub(out, target, left);
    if (cnt > 0)
        drop_first(table, cnt);
    mpz_clear(left);
}
