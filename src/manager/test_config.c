#include "manager/config.h"

#include "base/assert.h"
#include "test_util.h"

#include <unistd.h>

/* A configuration file of this text, read. */
static slk_err_t load(slk_manager_config_t *config, const char *text, slk_diag_t *diag)
{
    char path[] = "/tmp/selkie-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    slk_err_t err = slk_config_load(config, path, diag);
    unlink(path);
    return err;
}

static slk_manager_config_t *new_config(void)
{
    slk_manager_config_t *config = malloc(sizeof(*config));
    assert_non_null(config);
    slk_config_defaults(config);
    return config;
}

/* spec lotus-miner.md 6. */
static void test_defaults(void **state)
{
    (void)state;
    slk_manager_config_t *config = new_config();
    const slk_miner_config_t *miner = &config->defaults;
    slk_bigint_t hundredth = slk_bigint_u64(10000000000000000);
    slk_bigint_t pre_commit = slk_bigint_mul(hundredth, slk_bigint_u64(2));
    slk_bigint_t commit = slk_bigint_mul(hundredth, slk_bigint_u64(3));
    slk_bigint_t terminate = slk_bigint_mul(hundredth, slk_bigint_u64(50));
    assert_string_equal(config->listen_address, "127.0.0.1:2345");
    assert_string_equal(config->log_format, "text");
    assert_int_equal(config->beat_ms, 3000);
    assert_int_equal(config->lease_ms, 60000);
    assert_int_equal(miner->max_wait_deals_sectors, 2);
    assert_int_equal(miner->wait_deals_delay_ms, 6 * 3600000);
    assert_int_equal(miner->start_epoch_sealing_buffer, 480);
    assert_int_equal(miner->committed_capacity_lifetime_epochs, 540 * 2880);
    assert_int_equal(miner->max_pre_commit_batch, 256);
    assert_int_equal(miner->pre_commit_batch_wait_ms, 24 * 3600000);
    assert_int_equal(miner->pre_commit_batch_slack_ms, 3 * 3600000);
    assert_int_equal(miner->max_commit_batch, 819);
    assert_int_equal(miner->commit_batch_wait_ms, 24 * 3600000);
    assert_int_equal(miner->commit_batch_slack_ms, 3600000);
    assert_int_equal(miner->terminate_batch_min, 1);
    assert_int_equal(miner->terminate_batch_max, 100);
    assert_int_equal(miner->terminate_batch_wait_ms, 300000);
    assert_int_equal(miner->message_confidence, 5);
    assert_int_equal(miner->retry_cooldown_ms, 60000);
    assert_true(miner->enabled && miner->always_keep_unsealed_copy);
    assert_false(miner->finalize_early || miner->use_synthetic_porep ||
                 miner->collateral_from_miner_balance || miner->disable_owner_fallback);
    assert_int_equal(slk_bigint_cmp(&miner->max_pre_commit_batch_gas_fee.per_sector, &pre_commit),
                     0);
    assert_int_equal(slk_bigint_cmp(&miner->max_commit_batch_gas_fee.per_sector, &commit), 0);
    assert_int_equal(slk_bigint_cmp(&miner->max_terminate_gas_fee, &terminate), 0);
    assert_int_equal(slk_bigint_sign(&miner->max_commit_batch_gas_fee.base), 0);
    assert_int_equal(config->miner_cnt, 0);
    free(config);
}

/* A miner has what is said for all, and what it says itself. */
static void test_inherits(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_manager_config_t *config = new_config();
    assert_ok(
        load(
            config,
            "[[Miners]]\nActor = \"t01000\"\n\n[[Miners]]\nActor = \"f02000\"\nEnabled = false\n"
            "[Miners.Sealing]\nAutopledge = 3\nFinalizeEarly = false\n"
            "[Miners.Addresses]\nCommitControl = [\"t01005\"]\n"
            "[Miners.Fees.MaxCommitBatchGasFee]\nBase = \"1 FIL\"\n"
            "[Sealing]\nFinalizeEarly = true\nAutopledge = 1\n[API]\nListenAddress = \"[::1]:0\"\n",
            &diag),
        diag);
    assert_int_equal(config->miner_cnt, 2);
    const slk_miner_config_t *one = slk_config_miner(config, 1000);
    const slk_miner_config_t *two = slk_config_miner(config, 2000);
    assert_non_null(one);
    assert_non_null(two);
    assert_null(slk_config_miner(config, 3000));
    assert_true(one->enabled && one->finalize_early);
    assert_int_equal(one->autopledge, 1);
    assert_false(two->enabled || two->finalize_early);
    assert_int_equal(two->autopledge, 3);
    assert_string_equal(two->commit_control[0], "t01005");
    assert_string_equal(two->commit_control[1], "");
    slk_bigint_t fil = slk_bigint_u64(1000000000000000000);
    assert_int_equal(slk_bigint_cmp(&two->max_commit_batch_gas_fee.base, &fil), 0);
    assert_string_equal(config->listen_address, "[::1]:0");
    free(config);
}

static void test_text_reads_back(void **state)
{
    (void)state;
    slk_diag_t diag;
    slk_manager_config_t *config = new_config(), *again = new_config();
    char *text = slk_config_text(config);
    assert_non_null(text);
    /* The default file says nothing but what is default, each key with its sentence. */
    for (char *at = text, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        assert_non_null(end);
        if (*at != '#' && *at != '[' && at != end)
            fail_msg("not a comment: %.60s", at);
        assert_true(end - at <= 100);
    }
    assert_non_null(strstr(text,
                           "\n# So many pre-commits at most in one message.\n# A whole number "
                           "from 1 to 256. Default: 256.\n#MaxPreCommitBatch = 256\n"));
    assert_ok(load(again, text, &diag), diag);
    assert_memory_equal(again, config, sizeof(*config));
    free(text);
    assert_ok(
        load(config,
             "[Sealing]\nAutopledge = 1\nPreCommitBatchWait = \"1h\"\n[Chain]\nOwnNonces = true\n"
             "[[Miners]]\nActor = \"t01\"\n[[Miners]]\nActor = \"t02\"\nEnabled = false\n"
             "[Miners.Sealing]\nAutopledge = 0\n",
             &diag),
        diag);
    text = slk_config_text(config);
    assert_ok(load(again, text, &diag), diag);
    assert_memory_equal(again, config, sizeof(*config));
    assert_non_null(strstr(text, "\n[[Miners]]\nActor = \"t01\"\n\n[[Miners]]\nActor = \"t02\"\n"
                                 "Enabled = false\n\n[Miners.Sealing]\nAutopledge = 0\n"));
    free(text);
    free(config);
    free(again);
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[Sealing]\nMaxPreCommitBach = 3",
         ":2: Sealing.MaxPreCommitBach is not known; is Sealing.MaxPreCommitBatch meant?"},
        {"[Fees]\nMaxTerminateGasFee = 1",
         ":2: Fees.MaxTerminateGasFee: expected an amount such as \"0.05 FIL\"; found 1"},
        {"[Sealing]\nMaxCommitBatch = 820",
         ":2: Sealing.MaxCommitBatch: expected a whole number from 1 to 819; found 820"},
        {"[[Miners]]\nActor = \"t01\"\n[Miners.Sealing]\nWaitDealsDelay = \"1x\"",
         ":4: Miners.Sealing.WaitDealsDelay: expected a duration such as \"1h30m\" from 0s to "
         "10000h; "
         "found \"1x\""},
        {"[[Miners]]\nEnabled = true",
         ":1: Miners.Actor is missing; expected an actor such as \"t01000\""},
        {"[[Miners]]\nActor = \"t01\"\n[[Miners]]\nActor = \"f01\"",
         ":3: Miners.Actor: t01 is there already"},
        {"[Miners]\nActor = \"t01\"",
         ":1: Miners: expected tables that begin with [[Miners]]; found a table"},
        {"Miners = [1]", ":1: Miners: expected tables; found a whole number"},
        {"[[Miners]]\nActor = \"t01\"\n[Miners.API]",
         ":3: Miners.API is not known: see `selkie config default`"},
        {"[Addresses]\nCommitControl = [\"me\"]",
         ":2: Addresses.CommitControl: expected the addresses of senders, such as [\"t3abc...\", "
         "\"t01005\"]; found a list"},
        {"[API]\nListenAddress = \"2345\"",
         ":2: API.ListenAddress: expected an address and a port, such as \"127.0.0.1:2345\" or "
         "\"[::1]:2345\"; found \"2345\""},
        {"[API]\nTLSKey = \"key\"", ": API.TLSKey is given without API.TLSCert"},
        {"[Workers]\nBeatInterval = \"1m\"",
         ": Workers.LeaseDuration: expected at least three times BeatInterval, 180000 ms; found "
         "60000 ms"},
        {"[Sealing]\nTerminateBatchMin = 200", ":1: Sealing.TerminateBatchMin: expected at most "
                                               "TerminateBatchMax, which is 100; found 200"},
        {"[Logging]\nFormat = \"xml\"",
         ":2: Logging.Format: expected one of \"text\" \"json\"; found \"xml\""},
        {"a = 1\nb", ":2: expected '=' after b"},
    };
    slk_manager_config_t *config = new_config();
    for (size_t i = 0; i < SLK_COUNT(cases); i++) {
        slk_diag_t diag;
        if (load(config, cases[i][0], &diag) != SLK_ERR_FORMAT)
            fail_msg("read: %s", cases[i][0]);
        const char *sentence = strchr(diag.text, ':');
        if (!sentence || strcmp(sentence, cases[i][1]) != 0)
            fail_msg("%s\ngives  %s\nexpect %s", cases[i][0], diag.text, cases[i][1]);
    }
    slk_diag_t diag;
    assert_err(SLK_ERR_NOTFOUND, slk_config_load(config, "/tmp/selkie-no-such-file.toml", &diag));
    free(config);
}

static void test_changes(void **state)
{
    (void)state;
    slk_diag_t diag;
    char out[128];
    slk_manager_config_t *now = new_config(), *wanted = new_config();
    slk_config_fixed_changes(out, sizeof(out), now, wanted);
    assert_string_equal(out, "");
    assert_ok(load(wanted,
                   "[Sealing]\nAutopledge = 9\n[API]\nListenAddress = \"0.0.0.0:1\"\n"
                   "[Workers]\nBeatInterval = \"1s\"\n[[Miners]]\nActor = \"t01\"\n",
                   &diag),
              diag);
    slk_config_fixed_changes(out, sizeof(out), now, wanted);
    assert_string_equal(out, "API.ListenAddress, Workers.BeatInterval");
    slk_config_fixed_changes(out, 8, now, wanted);
    assert_string_equal(out, "API.Lis");
    free(now);
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),        cmocka_unit_test(test_inherits),
        cmocka_unit_test(test_text_reads_back), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
