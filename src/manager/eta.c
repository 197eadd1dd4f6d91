#include "manager/api.h"

#include "manager/job/job_store.h"

/* The tasks that a state has before it, the seal's delays, in the order of a sector's life. A sector in a state
 * has to do what its row and all later rows name. */
typedef struct {
    slk_sector_state_t state;
    int task;       /* of slk_task_t, or -1 */
    int64_t epochs; /* that pass in this state, about */
} step_t;

#define NO_TASK (-1)

static const step_t steps[] = {
    {SLK_STATE_ADD_PIECE, SLK_TASK_AP, 0},
    {SLK_STATE_PACKING, NO_TASK, 0},
    {SLK_STATE_GET_TICKET, NO_TASK, 0},
    {SLK_STATE_PRE_COMMIT1, SLK_TASK_PC1, 0},
    {SLK_STATE_PRE_COMMIT2, SLK_TASK_PC2, 0},
    {SLK_STATE_SUBMIT_PRE_COMMIT_BATCH, NO_TASK, 0},
    {SLK_STATE_PRE_COMMIT_BATCH_WAIT, NO_TASK, 7},
    {SLK_STATE_WAIT_SEED, NO_TASK, 0}, /* until the epoch that the row waits for */
    {SLK_STATE_COMMITTING, SLK_TASK_C1, 0},
    {SLK_STATE_COMMITTING, SLK_TASK_C2, 0},
    {SLK_STATE_COMMIT_FINALIZE, NO_TASK, 0},
    {SLK_STATE_SUBMIT_COMMIT_AGGREGATE, NO_TASK, 0},
    {SLK_STATE_COMMIT_AGGREGATE_WAIT, NO_TASK, 7},
    {SLK_STATE_FINALIZE_SECTOR, SLK_TASK_FIN, 0},
    {SLK_STATE_FINALIZE_SECTOR, SLK_TASK_GET, 0},
    {SLK_STATE_PROVING, NO_TASK, 0},
};

#define STEP_CNT (sizeof steps / sizeof *steps)

static size_t first_step(slk_sector_state_t state)
{
    size_t i = 0;
    while (i < STEP_CNT && steps[i].state != state)
        i++;
    return i;
}

/* What is left of a state's first task, when its job runs. */
static bool running_ms(slk_db_t *db, const slk_sector_row_t *row, int64_t typical, int64_t now_ms,
                       slk_task_t task, int64_t *ms)
{
    slk_job_view_t job = {0};
    slk_diag_t ignored;
    *ms = typical;
    if (!*row->wait_job || slk_job_find(db, row->wait_job, &job, &ignored) != SLK_OK)
        return true;
    if (job.task == task && job.state == SLK_JOB_RUNNING && job.started_ms)
        *ms = typical - (now_ms - job.started_ms) > 0 ? typical - (now_ms - job.started_ms) : 0;
    json_decref(job.result);
    return job.task == task;
}

bool slk_sector_eta(slk_db_t *db, const slk_sector_row_t *row, int64_t seal_proof, int64_t block_ms,
                    int64_t now_ms, int64_t *seconds)
{
    int64_t total = 0;
    const size_t first = first_step(row->state);
    if (first == STEP_CNT)
        return false;
    for (size_t i = first; i < STEP_CNT; i++) {
        int64_t typical = 0, left;
        bool found = true;
        slk_diag_t ignored;
        total += steps[i].epochs * block_ms;
        if (steps[i].task == NO_TASK)
            continue;
        /* Trimming and moving is nothing beside the rest, and need not happen. */
        bool light = steps[i].task == SLK_TASK_FIN || steps[i].task == SLK_TASK_GET;
        if (slk_job_typical(db, (slk_task_t)steps[i].task, seal_proof, &found, &typical,
                            &ignored) != SLK_OK ||
            (!found && !light))
            return false;
        if (steps[i].state != row->state)
            total += typical;
        else if (running_ms(db, row, typical, now_ms, (slk_task_t)steps[i].task, &left))
            total += left;
    }
    *seconds = total / 1000;
    return true;
}
