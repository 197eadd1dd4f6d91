#include "app/devnet_run.h"

#include "devnet/api/api.h"

#include <stdio.h>
#include <time.h>

static void log_line(const char *what, const char *detail)
{
    struct tm tm;
    char stamp[32];
    const time_t now = time(NULL);
    if (gmtime_r(&now, &tm) && strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm))
        fprintf(stderr, "%s devnet: %s%s\n", stamp, what, detail);
}

static slk_policy_t policy_of(const slk_devnet_run_t *run)
{
    slk_policy_t policy = *slk_policy_by_name("2k");
    if (run->deadlines)
        policy = slk_policy_scaled(&policy, run->deadlines, run->window);
    policy.sector_sizes |= run->sector_size;
    policy.optimistic_post = run->optimistic;
    return policy;
}

static void watch(slk_devnet_t *net, const slk_job_t *job)
{
    bool stopped = false;
    while (!slk_job_cancelled(job) && !slk_devnet_is_told_to_end(net)) {
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
        const slk_producer_status_t status = slk_producer_status(slk_devnet_producer(net));
        if (status.stopped && !stopped)
            log_line("no more blocks: ", status.why);
        stopped = status.stopped;
    }
}

slk_err_t slk_devnet_run(const slk_devnet_run_t *run, const slk_job_t *job, slk_diag_t *diag)
{
    slk_devnet_t *net;
    const slk_devnet_options_t options = {
        .dir = run->dir,
        .policy = policy_of(run),
        .seed = run->seed,
        .genesis_time = run->genesis_time,
        .threads = run->threads,
        .producer = {.block_ms = run->block_ms,
                     .null_probability = run->null_percent / 100.0,
                     .paused = run->paused},
        .address = run->address,
        .port = run->port,
    };
    slk_err_t err = slk_devnet_open(&net, &options, diag);
    if (err != SLK_OK)
        return err;
    printf("FULLNODE_API_INFO=%s\n", slk_devnet_api_info(net));
    fflush(stdout);
    log_line("serving, folder ", run->dir);
    watch(net, job);
    log_line("stopping", "");
    slk_devnet_close(net);
    return SLK_OK;
}
