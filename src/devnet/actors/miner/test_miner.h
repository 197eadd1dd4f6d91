#ifndef SLK_DEVNET_MINER_TEST_MINER_H
#define SLK_DEVNET_MINER_TEST_MINER_H

/* For tests of the miner: a miner made by a message, and a door to the functions behind its methods.
 *
 *     test_new_miner(&tm, 0, 10)                     account 0 is owner and worker; its id
 *     slk_rt_t rt = test_rt(&tm, id);                runs as that miner; what it reads lives until the
 *     assert_rt(&rt, slk_miner_load(&rt, &st));      next message
 */

#include "devnet/actors/miner/deadline_post.h"
#include "devnet/actors/miner/miner.h"
#include "devnet/vm/machine_impl.h"
#include "devnet/vm/test_machine.h"

#define assert_rt(rt, call)                                                                        \
    do {                                                                                           \
        slk_exit_t assert_rt_exit = (call);                                                        \
        if (assert_rt_exit != SLK_EXIT_OK)                                                         \
            fail_msg("%s: exit %d, %s%s", #call, assert_rt_exit, (rt)->text,                       \
                     (rt)->machine->fatal.text);                                                   \
    } while (0)

static inline slk_rt_t test_rt(test_machine_t *tm, uint64_t miner)
{
    return (slk_rt_t){.machine = tm->machine, .receiver = miner, .caller = miner};
}

/* window_post: 10 for 2KiB, 11 for 8MiB. The network's pledge does not count the creation deposit, but
 * falls when that vests: the first miner would bring it below zero, so there is some from elsewhere. */
static inline uint64_t test_new_miner(test_machine_t *tm, unsigned account, int64_t window_post)
{
    slk_create_miner_params_t params = {.owner = tm->accounts[account],
                                        .worker = tm->accounts[account],
                                        .window_post_proof_type = window_post,
                                        .peer = {(const uint8_t *)"peer", 4}};
    slk_create_miner_return_t ret;
    uint64_t id;
    if (test_send(tm, account, SLK_ID_POWER, 2, &params, &slk_create_miner_params_type,
                  test_fil(1000)) != SLK_EXIT_OK)
        fail_msg("CreateMiner: exit %d, %s", tm->applied.exit, tm->applied.text);
    test_read_return(tm, &ret, &slk_create_miner_return_type);
    assert_true(slk_address_to_id(&ret.id_address, &id));
    const slk_value_bigint_t pledge = {test_fil(1)};
    assert_int_equal(
        test_call_as(tm, id, SLK_ID_POWER, 6, &pledge, &slk_value_bigint_type, slk_bigint_u64(0)),
        SLK_EXIT_OK);
    return id;
}

/* Have the deadlines' cron begin, as the first pre-commit does. */
static inline void test_start_cron(test_machine_t *tm, uint64_t miner)
{
    slk_rt_t rt = test_rt(tm, miner);
    slk_miner_state_t st;
    assert_rt(&rt, slk_miner_load(&rt, &st));
    slk_deadline_info_t dl = slk_miner_deadline(&rt, &st);
    st.deadline_cron_active = true;
    st.proving_period_start = dl.period_start;
    st.current_deadline = dl.index;
    assert_rt(&rt, slk_miner_save(&rt, &st));
    const uint8_t payload[] = {0x81, SLK_CRON_PROVING_DEADLINE};
    slk_enroll_cron_event_params_t params = {slk_deadline_last(&dl), {payload, sizeof payload}};
    assert_int_equal(test_call_as(tm, miner, SLK_ID_POWER, 4, &params,
                                  &slk_enroll_cron_event_params_type, slk_bigint_u64(0)),
                     SLK_EXIT_OK);
}

/* Put sectors where newly proven ones go, and lock their pledge. */
static inline void test_add_sectors(test_machine_t *tm, uint64_t miner,
                                    slk_sector_on_chain_info_t *infos, size_t cnt)
{
    slk_rt_t rt = test_rt(tm, miner);
    slk_miner_state_t st;
    slk_miner_info_t info;
    slk_sector_on_chain_info_list_t list = {infos, cnt};
    assert_rt(&rt, slk_miner_load(&rt, &st));
    assert_rt(&rt, slk_miner_load_info(&rt, &st, &info));
    assert_rt(&rt, slk_miner_put_sectors(&rt, &st, list));
    assert_rt(&rt, slk_miner_assign_sectors(&rt, &st, &info, list));
    slk_value_bigint_t pledge = {0};
    for (size_t i = 0; i < cnt; i++)
        slk_amount_add_to(&pledge.value, &infos[i].initial_pledge);
    slk_amount_add_to(&st.initial_pledge, &pledge.value);
    assert_rt(&rt, slk_miner_save(&rt, &st));
    assert_int_equal(test_call_as(tm, miner, SLK_ID_POWER, 6, &pledge, &slk_value_bigint_type,
                                  slk_bigint_u64(0)),
                     SLK_EXIT_OK);
}

#endif /* SLK_DEVNET_MINER_TEST_MINER_H */
