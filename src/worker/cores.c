#include "worker/cores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

slk_err_t slk_cores_init(slk_cores_t *cores, const char *list, slk_diag_t *diag)
{
    cpu_set_t may, wanted;
    memset(cores, 0, sizeof *cores);
    if (sched_getaffinity(0, sizeof may, &may) != 0)
        return slk_fail_errno(diag, "ask for the CPUs of", "this process");
    wanted = may;
    if (list) {
        slk_err_t err = slk_cpu_list_parse(&wanted, list, "CPUs", diag);
        if (err != SLK_OK)
            return err;
        CPU_AND(&wanted, &wanted, &may);
    }
    for (unsigned i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &wanted))
            cores->cpu[cores->cnt++] = (uint16_t)i;
    if (cores->cnt == 0)
        return slk_fail(diag, SLK_ERR_INPUT, "CPUs '%s': this process may use none of them", list);
    pthread_mutex_init(&cores->mutex, NULL);
    return SLK_OK;
}

void slk_cores_fini(slk_cores_t *cores)
{
    if (cores->cnt)
        pthread_mutex_destroy(&cores->mutex);
    cores->cnt = 0;
}

static int by_number(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void write_text(slk_core_share_t *share, const slk_cores_t *cores)
{
    size_t len = 0;
    for (unsigned i = 0; i < share->cnt;) {
        unsigned first = cores->cpu[share->at[i]], last = first;
        for (i++; i < share->cnt && cores->cpu[share->at[i]] == last + 1; i++)
            last++;
        int n = snprintf(share->text + len, sizeof share->text - len,
                         first == last ? "%s%u" : "%s%u-%u", len ? "," : "", first, last);
        len += (size_t)n;
    }
}

void slk_cores_take(slk_core_share_t *share, slk_cores_t *cores, unsigned want)
{
    if (want == 0 || want > cores->cnt)
        want = cores->cnt;
    share->cnt = 0;
    share->text[0] = 0;
    pthread_mutex_lock(&cores->mutex);
    for (unsigned users = 0; share->cnt < want; users++)
        for (unsigned i = 0; i < cores->cnt && share->cnt < want; i++)
            if (cores->users[i] == users)
                share->at[share->cnt++] = (uint16_t)i;
    for (unsigned i = 0; i < share->cnt; i++)
        cores->users[share->at[i]]++;
    pthread_mutex_unlock(&cores->mutex);
    qsort(share->at, share->cnt, sizeof *share->at, by_number);
    write_text(share, cores);
}

void slk_cores_give(slk_core_share_t *share, slk_cores_t *cores)
{
    pthread_mutex_lock(&cores->mutex);
    for (unsigned i = 0; i < share->cnt; i++)
        cores->users[share->at[i]]--;
    pthread_mutex_unlock(&cores->mutex);
    share->cnt = 0;
}
