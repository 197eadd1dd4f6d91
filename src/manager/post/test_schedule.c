#include "test_util.h"

#include "manager/post/schedule.h"

#include <string.h>

/* A network whose windows have so many epochs; the rest is scaled as the development network does. The
 * present deadline is 1 of 4, and opens at epoch 1000. */
static slk_api_deadline_info_t network(int64_t window)
{
    const int64_t lookback = (20 * window + 59) / 60, cutoff = (70 * window + 59) / 60;
    return (slk_api_deadline_info_t){
        .current_epoch = 1000,
        .period_start = 1000 - window,
        .index = 1,
        .open = 1000,
        .close = 1000 + window,
        .challenge = 1000 - lookback,
        .fault_cutoff = 1000 - cutoff,
        .wpost_period_deadlines = 4,
        .wpost_proving_period = 4 * window,
        .wpost_challenge_window = window,
        .wpost_challenge_lookback = lookback,
        .fault_declaration_cutoff = cutoff,
    };
}

static const slk_post_wishes_t wishes = {10, 4, 5, 0};

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        int64_t window, challenge, submit, message, gather;
    } rows[] = {
        {60, 10, 4, 5, 7}, {30, 5, 3, 5, 3}, {20, 3, 2, 5, 2}, {8, 1, 1, 2, 1}, {4, 1, 0, 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const slk_api_deadline_info_t info = network(rows[i].window);
        const slk_post_rules_t rules = slk_post_rules(&wishes, &info, 2349);
        assert_int_equal(rules.challenge_confidence, rows[i].challenge);
        assert_int_equal(rules.submit_confidence, rows[i].submit);
        assert_int_equal(rules.message_confidence, rows[i].message);
        assert_int_equal(rules.gather, rows[i].gather);
        assert_int_equal(rules.max_partitions, 3);
    }
    const slk_api_deadline_info_t info = network(60);
    const slk_post_wishes_t two = {10, 4, 5, 2};
    assert_int_equal(slk_post_rules(&two, &info, 2349).max_partitions, 2);
    assert_int_equal(slk_post_rules(&wishes, &info, 12500).max_partitions, 2);
    assert_int_equal(slk_post_rules(&wishes, &info, 30000).max_partitions, 1);
}

static void test_windows(void **state)
{
    (void)state;
    const slk_api_deadline_info_t info = network(60);
    slk_post_window_t w = slk_post_window(&info, 0);
    assert_int_equal(w.index, 1);
    assert_int_equal(w.open, 1000);
    assert_int_equal(w.close, 1060);
    w = slk_post_window(&info, 2);
    assert_int_equal(w.index, 3);
    assert_int_equal(w.challenge, 1100);
    assert_int_equal(w.period_start, 940);
    w = slk_post_window(&info, 3); /* of the next period */
    assert_int_equal(w.index, 0);
    assert_int_equal(w.open, 1180);
    assert_int_equal(w.period_start, 1180);
    /* Recoveries: the cutoff of the deadline after the next is 70 epochs before it opens at 1120. */
    w = slk_post_window(&info, 2);
    assert_true(slk_post_may_recover(&w, 1048));
    assert_false(slk_post_may_recover(&w, 1049));
}

/* --- One partition ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t head;
    slk_post_fact_t fact;
    slk_post_do_t what;
    int64_t delay, retry;
} cases[] = {
#define NO_MESSAGE .message = SLK_MESSAGE_STATE_CNT
    {"before the confidence", 989, {.to_prove = 5, NO_MESSAGE}, SLK_POST_DO_WAIT, 0, 0},
    {"at the confidence", 990, {.to_prove = 5, NO_MESSAGE}, SLK_POST_DO_ASK, 0, 0},
    {"no sectors", 990, {.to_prove = 0, NO_MESSAGE}, SLK_POST_DO_WAIT, 0, 0},
    {"away until late", 1055, {.to_prove = 5, NO_MESSAGE}, SLK_POST_DO_ASK, 0, 0},
    {"too late", 1059, {.to_prove = 5, NO_MESSAGE}, SLK_POST_DO_WAIT, 0, 0},
    {"closed", 1060, {.to_prove = 5, NO_MESSAGE}, SLK_POST_DO_MISSED, 0, 0},
    {"nothing can be read",
     990,
     {.to_prove = 5, .skipped = 5, NO_MESSAGE},
     SLK_POST_DO_EMPTY,
     0,
     1000},
    {"empty, pause",
     999,
     {.to_prove = 5, .skipped = 5, .state = SLK_POST_EMPTY, .retry_epoch = 1000, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"empty, again",
     1000,
     {.to_prove = 5, .skipped = 5, .state = SLK_POST_EMPTY, .retry_epoch = 1000, NO_MESSAGE},
     SLK_POST_DO_ANEW,
     0,
     0},
    {"queued",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_QUEUED, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"running",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_RUNNING, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"answered",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_DONE, NO_MESSAGE},
     SLK_POST_DO_TAKE,
     0,
     0},
    {"answered at the last epoch",
     1059,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_DONE, NO_MESSAGE},
     SLK_POST_DO_TAKE,
     0,
     0},
    {"failed",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_FAILED, NO_MESSAGE},
     SLK_POST_DO_ASK,
     0,
     0},
    {"failed for the fourth time",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_FAILED, .tries = 3, NO_MESSAGE},
     SLK_POST_DO_ASK,
     4,
     0},
    {"failed very often",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_FAILED, .tries = 99, NO_MESSAGE},
     SLK_POST_DO_ASK,
     7,
     0},
    {"its job is gone",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_NONE, NO_MESSAGE},
     SLK_POST_DO_ASK,
     0,
     0},
    {"aborted by a person",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .job = SLK_JOB_DROPPED, NO_MESSAGE},
     SLK_POST_DO_ASK,
     0,
     0},
    {"reorganization while it is proven",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .stale = true, .job = SLK_JOB_RUNNING, NO_MESSAGE},
     SLK_POST_DO_ANEW,
     0,
     0},
    {"reorganization, and its answer is for the old one",
     995,
     {.to_prove = 5, .state = SLK_POST_ASKED, .stale = true, .job = SLK_JOB_DONE, NO_MESSAGE},
     SLK_POST_DO_ANEW,
     0,
     0},
    {"reorganization when proven",
     1010,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .stale = true, NO_MESSAGE},
     SLK_POST_DO_ANEW,
     0,
     0},
    {"reorganization when sent",
     1010,
     {.to_prove = 5, .state = SLK_POST_SENT, .stale = true, .message = SLK_MESSAGE_PENDING},
     SLK_POST_DO_ANEW,
     0,
     0},
    {"head went back below the challenge",
     985,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .stale = true, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"proven, not open",
     999,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"proven, just open",
     1003,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"proven, to be sent",
     1004,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_SEND,
     0,
     0},
    {"proven, at the last moment",
     1058,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_SEND,
     0,
     0},
    {"proven, too late",
     1059,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"proven, missed",
     1060,
     {.to_prove = 5, .state = SLK_POST_PROVEN, NO_MESSAGE},
     SLK_POST_DO_MISSED,
     0,
     0},
    {"proven, pause after a message that failed",
     1010,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .sends = 2, .retry_epoch = 1012, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"three messages failed: another proof",
     1010,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .sends = 3, .retry_epoch = 1010, NO_MESSAGE},
     SLK_POST_DO_ASK,
     0,
     0},
    {"that other proof is sent",
     1012,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .sends = 3, NO_MESSAGE},
     SLK_POST_DO_SEND,
     0,
     0},
    {"sent by somebody else",
     1010,
     {.to_prove = 5, .state = SLK_POST_PROVEN, .posted = true, NO_MESSAGE},
     SLK_POST_DO_DONE,
     0,
     0},
    {"sent by somebody else before we began",
     1010,
     {.to_prove = 5, .posted = true, NO_MESSAGE},
     SLK_POST_DO_DONE,
     0,
     0},
    {"pending",
     1010,
     {.to_prove = 5, .state = SLK_POST_SENT, .message = SLK_MESSAGE_PENDING},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"landed",
     1010,
     {.to_prove = 5, .state = SLK_POST_SENT, .posted = true, .message = SLK_MESSAGE_LANDED},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"final",
     1015,
     {.to_prove = 5, .state = SLK_POST_SENT, .posted = true, .message = SLK_MESSAGE_DONE},
     SLK_POST_DO_DONE,
     0,
     0},
    {"final after it closed",
     1062,
     {.to_prove = 5, .state = SLK_POST_SENT, .message = SLK_MESSAGE_DONE},
     SLK_POST_DO_DONE,
     0,
     0},
    {"not final when it closed",
     1061,
     {.to_prove = 5, .state = SLK_POST_SENT, .message = SLK_MESSAGE_LANDED},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"failed after it closed",
     1062,
     {.to_prove = 5, .state = SLK_POST_SENT, .message = SLK_MESSAGE_FAILED},
     SLK_POST_DO_MISSED,
     0,
     0},
    {"failed on chain",
     1015,
     {.to_prove = 5, .state = SLK_POST_SENT, .message = SLK_MESSAGE_FAILED},
     SLK_POST_DO_RESEND,
     0,
     1015},
    {"refused for the second time",
     1015,
     {.to_prove = 5, .state = SLK_POST_SENT, .sends = 2, .message = SLK_MESSAGE_REFUSED},
     SLK_POST_DO_RESEND,
     0,
     1017},
    {"its message is gone",
     1015,
     {.to_prove = 5, .state = SLK_POST_SENT, NO_MESSAGE},
     SLK_POST_DO_RESEND,
     0,
     1015},
    {"done",
     1020,
     {.to_prove = 5, .state = SLK_POST_DONE, .posted = true, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"done, and the chain lost it",
     1020,
     {.to_prove = 5, .state = SLK_POST_DONE, NO_MESSAGE},
     SLK_POST_DO_RESEND,
     0,
     0},
    {"done and closed",
     1060,
     {.to_prove = 5, .state = SLK_POST_DONE, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
    {"missed and closed",
     1060,
     {.to_prove = 5, .state = SLK_POST_MISSED, NO_MESSAGE},
     SLK_POST_DO_WAIT,
     0,
     0},
};

static void test_one(void **state)
{
    (void)state;
    const slk_api_deadline_info_t info = network(60);
    const slk_post_rules_t rules = slk_post_rules(&wishes, &info, 2349);
    const slk_post_window_t window = slk_post_window(&info, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        slk_post_action_t action;
        uint32_t batches;
        slk_post_schedule(&action, &batches, &window, &rules, cases[i].head, &cases[i].fact, 1);
        if (action.what != cases[i].what || action.delay != cases[i].delay ||
            action.retry_epoch != cases[i].retry)
            fail_msg("%s: %d, delay %d, retry %d (%s)", cases[i].name, (int)action.what,
                     (int)action.delay, (int)action.retry_epoch, action.why);
        assert_int_equal(batches, cases[i].what == SLK_POST_DO_SEND);
        assert_true(*action.why);
    }
}

static void test_names(void **state)
{
    (void)state;
    slk_post_state_t found;
    for (unsigned i = 0; i < SLK_POST_STATE_CNT; i++) {
        assert_true(slk_post_state_from_name(&found, slk_post_state_name((slk_post_state_t)i)));
        assert_int_equal(found, i);
    }
    assert_false(slk_post_state_from_name(&found, "sealed"));
}

/* --- Messages ---------------------------------------------------------------------------------- */

/* Letters of partitions: p proven and full, s proven and short, a asked, f proven after a failed message, d
 * done. The digits are their messages; . is not sent. */
static const struct {
    int64_t head;
    const char *partitions, *messages;
    uint32_t batches;
} gathered[] = {
    {1004, "ppp", "000", 1},   {1004, "pppp", "0001", 2},   {1004, "pppppps", "0001112", 3},
    {1004, "pspp", "0011", 2}, {1004, "ppa", "...", 0},     {1011, "ppa", "00.", 1},
    {1004, "pppa", "000.", 1}, {1004, "ppppa", "000..", 1}, {1004, "ppsa", "000.", 1},
    {1004, "pfp", "101", 2},   {1004, "ffa", "01.", 2},     {1004, "fpa", "0..", 1},
    {1004, "dppd", ".00.", 1}, {1004, "sss", "012", 3},     {1004, "aaa", "...", 0},
    {1003, "ppp", "...", 0},
};

static void test_gather(void **state)
{
    (void)state;
    const slk_api_deadline_info_t info = network(60);
    const slk_post_rules_t rules = slk_post_rules(&wishes, &info, 2349);
    const slk_post_window_t window = slk_post_window(&info, 0);
    for (size_t i = 0; i < sizeof gathered / sizeof *gathered; i++) {
        slk_post_fact_t facts[8];
        slk_post_action_t actions[8];
        char found[9] = "";
        uint32_t batches;
        const size_t cnt = strlen(gathered[i].partitions);
        for (size_t p = 0; p < cnt; p++) {
            const char c = gathered[i].partitions[p];
            facts[p] = (slk_post_fact_t){.index = p,
                                         .to_prove = 10,
                                         .posted = c == 'd',
                                         .state = c == 'a'   ? SLK_POST_ASKED
                                                  : c == 'd' ? SLK_POST_DONE
                                                             : SLK_POST_PROVEN,
                                         .sends = c == 'f',
                                         .job = SLK_JOB_RUNNING,
                                         .message = SLK_MESSAGE_STATE_CNT,
                                         .full = c != 's',
                                         .first = 10 * p,
                                         .last = 10 * p + 9};
        }
        slk_post_schedule(actions, &batches, &window, &rules, gathered[i].head, facts, cnt);
        for (size_t p = 0; p < cnt; p++)
            found[p] = actions[p].what == SLK_POST_DO_SEND ? (char)('0' + actions[p].batch) : '.';
        assert_string_equal(found, gathered[i].messages);
        assert_int_equal(batches, gathered[i].batches);
    }
}

/* Sectors in another order than their partitions: the proofs are not one. */
static void test_order(void **state)
{
    (void)state;
    const slk_api_deadline_info_t info = network(60);
    const slk_post_rules_t rules = slk_post_rules(&wishes, &info, 2349);
    const slk_post_window_t window = slk_post_window(&info, 0);
    slk_post_fact_t facts[2] = {
        {.to_prove = 2, .state = SLK_POST_PROVEN, .full = true, .first = 50, .last = 60},
        {.index = 1,
         .to_prove = 2,
         .state = SLK_POST_PROVEN,
         .full = true,
         .first = 55,
         .last = 56}};
    slk_post_action_t actions[2];
    uint32_t batches;
    slk_post_schedule(actions, &batches, &window, &rules, 1010, facts, 2);
    assert_int_equal(batches, 2);
    facts[1].first = 61;
    facts[1].last = 70;
    slk_post_schedule(actions, &batches, &window, &rules, 1010, facts, 2);
    assert_int_equal(batches, 1);
}

/* --- Whole windows ----------------------------------------------------------------------------- */

typedef struct {
    slk_post_fact_t fact;
    int64_t job_ends, lands; /* epochs */
    bool fails;              /* its jobs do */
    int64_t landed;          /* 0: not */
} sim_partition_t;

/* What the runner does, with jobs of `job` epochs and messages that land after two. */
static void sim_do(sim_partition_t *p, const slk_post_action_t *action, int64_t head, int64_t job)
{
    slk_post_fact_t *f = &p->fact;
    switch (action->what) {
    case SLK_POST_DO_ASK:
    case SLK_POST_DO_ANEW:
        f->tries += f->state == SLK_POST_ASKED;
        f->state = SLK_POST_ASKED;
        f->job = SLK_JOB_RUNNING;
        f->stale = false;
        f->retry_epoch = 0;
        p->job_ends = head + action->delay + job;
        break;
    case SLK_POST_DO_TAKE:
        f->state = SLK_POST_PROVEN;
        break;
    case SLK_POST_DO_SEND:
        f->state = SLK_POST_SENT;
        f->message = SLK_MESSAGE_PENDING;
        p->lands = head + 2;
        break;
    case SLK_POST_DO_DONE:
        f->state = SLK_POST_DONE;
        break;
    case SLK_POST_DO_MISSED:
        f->state = SLK_POST_MISSED;
        break;
    case SLK_POST_DO_WAIT:
    case SLK_POST_DO_EMPTY:
    case SLK_POST_DO_RESEND:
        break;
    }
}

static void sim_world(sim_partition_t *p, const slk_post_window_t *w, int64_t head)
{
    slk_post_fact_t *f = &p->fact;
    if (f->state == SLK_POST_ASKED && f->job == SLK_JOB_RUNNING && head >= p->job_ends)
        f->job = p->fails ? SLK_JOB_FAILED : SLK_JOB_DONE;
    if (f->state == SLK_POST_SENT && f->message == SLK_MESSAGE_PENDING && head >= p->lands) {
        f->message = SLK_MESSAGE_DONE;
        f->posted = head < w->close;
        if (!p->landed)
            p->landed = p->lands;
    }
}

/* Partition 1 never gets a proof. away_from to away_to: nobody looks. */
static void sim(int64_t window_sz, int64_t job, int64_t away_from, int64_t away_to,
                sim_partition_t *parts, size_t cnt, slk_post_window_t *window)
{
    const slk_api_deadline_info_t info = network(window_sz);
    const slk_post_rules_t rules = slk_post_rules(&wishes, &info, 10);
    slk_post_action_t actions[4];
    uint32_t batches;
    *window = slk_post_window(&info, 0);
    for (size_t i = 0; i < cnt; i++)
        parts[i] = (sim_partition_t){.fact = {.index = i,
                                              .to_prove = 10,
                                              .full = true,
                                              .first = 10 * i,
                                              .last = 10 * i + 9,
                                              .message = SLK_MESSAGE_STATE_CNT},
                                     .fails = i == 1};
    for (int64_t head = window->challenge - 2; head < window->close + 4; head++) {
        for (size_t i = 0; i < cnt; i++)
            sim_world(&parts[i], window, head);
        if (head >= away_from && head < away_to)
            continue;
        for (bool again = true; again;) { /* what is proven may be sent at once */
            slk_post_fact_t facts[4];
            for (size_t i = 0; i < cnt; i++)
                facts[i] = parts[i].fact;
            slk_post_schedule(actions, &batches, window, &rules, head, facts, cnt);
            again = false;
            for (size_t i = 0; i < cnt; i++) {
                sim_do(&parts[i], &actions[i], head, job);
                again |= actions[i].what == SLK_POST_DO_TAKE;
            }
        }
    }
}

/* In windows of any size all that can be proven lands in time, however long one of them fails. */
static void test_lives(void **state)
{
    (void)state;
    for (int64_t size = 4; size <= 60; size++) {
        sim_partition_t parts[4];
        slk_post_window_t w;
        sim(size, size > 8 ? 2 : 1, 0, 0, parts, 4, &w);
        for (size_t i = 0; i < 4; i++) {
            if (parts[i].landed == 0 || parts[i].landed >= w.close)
                assert_int_equal(i, 1);
            assert_int_equal(parts[i].fact.state, i == 1 ? SLK_POST_MISSED : SLK_POST_DONE);
        }
    }
}

static void test_away(void **state)
{
    (void)state;
    for (int64_t size = 8; size <= 60; size++) {
        sim_partition_t parts[4];
        slk_post_window_t w;
        sim(size, 1, 990 - size, 1000 + size / 2, parts, 4, &w);
        assert_int_equal(parts[0].fact.state, SLK_POST_DONE);
        assert_true(parts[0].landed < w.close);
        assert_int_equal(parts[3].fact.state, SLK_POST_DONE);
        assert_int_equal(parts[1].fact.state, SLK_POST_MISSED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules), cmocka_unit_test(test_windows), cmocka_unit_test(test_one),
        cmocka_unit_test(test_names), cmocka_unit_test(test_gather),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_lives), cmocka_unit_test(test_away)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
