#include "app/test_run.h"

#define H32    "a6526eddfd5e24d6102fd56b0ec4c3457d673ccde6e8f18b26771570c9c0bce4"
#define SECTOR "--size 2KiB --miner f01000 --sector 1 --dir d"

/* --- Usage ---------------------------------------------------------------------------------- */

static void test_wrong_usage(void **state)
{
    (void)state;
    static const struct {
        const char *args, *reason;
    } rows[] = {
        {"sael", "did you mean seal?"},
        {"xyzzy", "there is no command 'xyzzy'\n"},
        {"--bogus", "there is no command '--bogus'"},
        {"seal pc11 " SECTOR, "did you mean pc1?"},
        {"seal pc1 " SECTOR, "missing: --ticket HEX"},
        {"seal pc1 --json",
         "missing: --size SIZE, --miner ID, --sector N, --dir DIR, --ticket HEX"},
        {"seal pc1 " SECTOR " --tikcet " H32, "did you mean --ticket?"},
        {"seal pc1 " SECTOR " --frobnicate=3", "there is no option --frobnicate here\n"},
        {"seal pc1 -x", "there is no option -x here"},
        {"seal pc1 " SECTOR " --ticket", "--ticket needs its HEX"},
        {"seal pc1 " SECTOR " --json=1 --ticket " H32, "--json takes no value"},
        {"seal pc1 " SECTOR " --ticket 00ff", "--ticket '00ff': expected 32 bytes in hex"},
        {"seal pc1 " SECTOR " --ticket " H32 "00", "expected 32 bytes in hex"},
        {"seal pc1 " SECTOR " --ticket " H32 " --ticket " H32, "--ticket is given twice"},
        {"seal pc1 " SECTOR " --ticket " H32 " surplus", "'surplus' is one argument too many"},
        {"seal pc1 " SECTOR " --ticket " H32 " --checkpoint-seconds 0", "seconds above 0"},
        {"seal pc1 " SECTOR " --ticket " H32 " --checkpoint-seconds 1s", "seconds above 0"},
        {"seal pc1 " SECTOR " --ticket " H32 " --checkpoint-seconds nan", "seconds above 0"},
        {"seal pc1 " SECTOR " --ticket " H32 " --threads 0", "from 1 to 1024"},
        {"seal pc1 " SECTOR " --ticket " H32 " --threads 1025", "from 1 to 1024"},
        {"seal pc1 " SECTOR " --ticket " H32 " --porep v2", "expected one of v1, v1_1, synth, ni"},
        {"seal pc1 " SECTOR " --ticket " H32 " --porep 'v1 v1_1'", "expected one of v1"},
        {"seal pc1 " SECTOR " --ticket " H32 " --layers tape", "expected one of auto, ram, disk"},
        {"seal finalize --size 4KiB --miner 1 --sector 1 --dir d", "one of 2KiB, 8MiB, 512MiB"},
        {"seal finalize --size 2kib --miner 1 --sector 1 --dir d", "one of 2KiB, 8MiB, 512MiB"},
        {"seal finalize --size 2KiB --miner f1abc --sector 1 --dir d",
         "--miner 'f1abc': expected an ID"},
        {"seal finalize --size 2KiB --miner f0 --sector 1 --dir d", "expected an ID address"},
        {"seal finalize --size 2KiB --miner -5 --sector 1 --dir d", "expected an ID address"},
        {"seal finalize --size 2KiB --miner 9223372036854775808 --sector 1 --dir d",
         "an ID address"},
        {"seal finalize --size 2KiB --miner 1 --sector 18446744073709551616 --dir d", "--sector"},
        {"seal finalize --size 2KiB --miner 1 --sector 0x10 --dir d", "expected a whole number"},
        {"seal finalize --size 2KiB --miner 1 --sector +1 --dir d", "expected a whole number"},
        {"seal finalize --size 2KiB --miner 1 --sector '' --dir d", "expected a whole number"},
        {"seal finalize --size 2KiB --miner 1 --sector 1 --dir ''",
         "expected the name of a folder"},
        {"seal add-piece " SECTOR, "FILE is missing"},
        {"seal add-piece " SECTOR " --piece-size 127 f", "expected a power of two from 128"},
        {"seal add-piece " SECTOR " --piece-size 64 f", "expected a power of two from 128"},
        {"seal add-piece " SECTOR " --piece-size 128GiB f", "expected a power of two from 128"},
        {"seal unseal " SECTOR " --ticket " H32 " --comm-d " H32 " --out o --offset -1",
         "number of bytes"},
        {"seal unseal " SECTOR " --ticket " H32 " --comm-d " H32 " --out o --length 16777216TiB",
         "number of bytes"},
        {"piece commp", "FILE is missing"},
        {"piece commp a b", "'b' is one argument too many"},
        {"piece commd baga:128", "missing: --size SIZE"},
        {"piece commd --size 2KiB baga", "expected CID:PADDED_SIZE"},
        {"piece commd --size 2KiB baga:127", "behind the colon: expected a power of two"},
        {"piece commd --size 2KiB baga:128", "baga:128"},
        {"completion fish", "expected one of bash, zsh"},
        {"completion", "SHELL is missing"},
        {"help nothing", "there is no command 'nothing'"},
        {"help seal nothing", "there is no command 'seal nothing'"},
        {"help --man completion", "has no page of its own"},
        {"bench everything", "there is no command 'everything'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sh("\"$S\" %s", rows[i].args);
        if (last.status != 2)
            fail_msg("selkie %s: status %d, expected 2: %s", rows[i].args, last.status, last.err);
        assert_failed(2, rows[i].reason);
        assert_has(last.err, "\nsee selkie");
        assert_has(last.err, "--help\n");
    }
    /* none of that made anything */
    assert_int_equal(sh("ls"), 0);
    assert_string_equal(last.out, "");
}

/* Options before and behind words, with blank or =, a word behind --, and not as POSIXLY_CORRECT
 * wants it. */
static void test_order(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\"$S\" piece commp --json --piece-size 256 zeros",
        "\"$S\" piece commp zeros --piece-size=256 --json",
        "\"$S\" piece commp --piece-size 256 zeros --json",
        "POSIXLY_CORRECT=1 \"$S\" piece commp zeros --json --piece-size 256",
        "\"$S\" piece commp --json --piece-size=256B -- zeros",
        "\"$S\" piece commp --json --piece-size 256 -- --zeros",
        "\"$S\" piece commp --piece-size 256 --json - <zeros",
    };
    static char want[sizeof last.out];
    sh("head -c 127 /dev/zero >zeros; cp zeros ./--zeros");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        sh("%s", lines[i]);
        assert_status(0);
        if (i == 0)
            strcpy(want, last.out);
        assert_string_equal(last.out, want);
    }
    assert_has(want, "\"padded_size\":256");
}

/* --- Help, man pages, completion -------------------------------------------------------------- */

static const char *const commands[] = {
    "seal add-piece", "seal pc1",   "seal pc2",    "seal c1",     "seal unseal",  "seal finalize",
    "seal check",     "seal bench", "piece commp", "piece commd", "bench limits", "bench sha",
    "bench poseidon", "bench pc1",  "bench pc2",   "bench commp", "completion",   "help",
};

static void test_help(void **state)
{
    (void)state;
    static char page[sizeof last.out];
    sh("\"$S\"");
    assert_status(0);
    strcpy(page, last.out);
    sh("\"$S\" --help && \"$S\" -h && \"$S\" help");
    assert_status(0);
    for (size_t i = 0, len = strlen(page); i < 3; i++)
        assert_memory_equal(last.out + i * len, page, len);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char usage[64];
        snprintf(usage, sizeof usage, "usage: selkie %s", commands[i]);
        assert_has(page, commands[i]);
        sh("\"$S\" %s --help", commands[i]);
        assert_status(0);
        assert_memory_equal(last.out, usage, strlen(usage));
        assert_has(last.out, "--help");
        assert_string_equal(last.err, "");
    }
    sh("\"$S\" seal; \"$S\" seal --help; \"$S\" help seal");
    assert_status(0);
    assert_has(last.out, "finalize");
    /* --help wins over what is missing, and nothing is done */
    sh("\"$S\" seal pc1 --help --size 2KiB");
    assert_status(0);
    sh("\"$S\" help seal pc1");
    assert_has(last.out, "--checkpoint-seconds");
    assert_has(last.out, "(default 30)");
    assert_has(last.out, "labels_resumed_from");
    sh("\"$S\" --version");
    assert_status(0);
    assert_memory_equal(last.out, "selkie ", 7);
}

static void test_man_pages(void **state)
{
    (void)state;
    bool groff = sh("command -v groff") == 0;
    if (!groff)
        print_message("no groff: the pages are not checked for warnings\n");
    static const char *const nouns[] = {"", "seal", "piece", "bench"};
    for (size_t i = 0; i < 4; i++) {
        sh("\"$S\" help --man %s", nouns[i]);
        assert_status(0);
        assert_has(last.out, ".TH ");
        assert_has(last.out, ".SH SYNOPSIS");
        assert_has(last.out, ".SH EXIT STATUS");
        sh("! \"$S\" help --man %s | grep -n '[^\\\\]--'", nouns[i]); /* each minus is escaped */
        assert_status(0);
        if (!groff)
            continue;
        sh("\"$S\" help --man %s | groff -ww -man -Tutf8 >/dev/null", nouns[i]);
        assert_status(0);
        assert_string_equal(last.err, "");
    }
}

/* What bash would offer behind a command line whose last word is being typed. */
static void complete(const char *words, const char *wants)
{
    sh("\"$S\" completion bash >c; cat >t <<'EOF'\n"
       "source ./c\ncompopt() { :; }\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - "
       "1))\n_selkie\n"
       "echo \"${COMPREPLY[*]}\"\nEOF\nbash t",
       words);
    assert_status(0);
    assert_string_equal(last.err, "");
    last.out[strcspn(last.out, "\n")] = '\0';
    assert_string_equal(last.out, wants);
}

static void test_completion(void **state)
{
    (void)state;
    sh("\"$S\" completion zsh >z");
    assert_status(0);
    if (sh("command -v zsh") == 0) {
        sh("zsh -n z");
        assert_status(0);
    }
    if (sh("command -v bash") != 0) {
        print_message("no bash: its completion is not tried\n");
        return;
    }
    sh("\"$S\" completion bash >c && bash -n c");
    assert_status(0);
    sh("touch 'x y.car' && mkdir x.dir");
    complete("selkie pie", "piece");
    complete("selkie piece ''", "commp commd --help");
    complete("selkie seal unseal --o", "--out --offset");
    complete("selkie seal pc1 --size ''", "2KiB 8MiB 512MiB 32GiB 64GiB");
    complete("selkie seal pc1 --porep = s", "synth");
    complete("selkie seal pc1 --layers =", "auto ram disk");
    complete("selkie seal pc1 --dir x", "x.dir");
    complete("selkie seal add-piece --json x\\ ", "x y.car");
    complete("selkie seal pc1 --miner ''", "");
    complete("selkie params r1cs --size 4", "4KiB"); /* a test size, which sealing does not offer */
    complete("selkie bench sha --dir x", "");        /* no option of that command */
    complete("selkie bench sha ''", "--seconds --json --quiet --help");
    complete("selkie completion ''", "bash zsh");
    complete("selkie help pie", "piece");
}

/* --- Output and environment ------------------------------------------------------------------ */

static void test_output_errors(void **state)
{
    (void)state;
    sh("head -c 127 /dev/zero >zeros");
    sh("\"$S\" piece commp --json zeros >/dev/full");
    assert_failed(1, "selkie: cannot write standard output: No space left on device");
    sh("\"$S\" help >/dev/full");
    assert_failed(1, "cannot write standard output");
    sh("\"$S\" piece commp --json zeros >&-");
    assert_failed(1, "cannot write standard output");
    /* a reader that has gone: the pipe is closed before the program is started */
    sh("{ sleep 0.2; \"$S\" help; echo $? >status; } | true; cat status");
    assert_string_equal(last.out, "1\n");
    sh("\"$S\" piece commp - <&-");
    assert_failed(1, "selkie piece commp: cannot read standard input");
}

static void test_environment(void **state)
{
    (void)state;
    sh("head -c 127 /dev/zero >zeros");
    sh("SELKIE_CPU=z80 \"$S\" piece commp zeros");
    assert_failed(1, "SELKIE_CPU=z80: unknown back end; expected one of portable");
    sh("SELKIE_CPU=portable \"$S\" piece commp --json zeros");
    assert_status(0);
    sh("SELKIE_CPU=z80 \"$S\" piece commp --help"); /* help is always to be had */
    assert_status(0);
}

static void test_unreadable(void **state)
{
    (void)state;
    sh("\"$S\" piece commp --json nowhere");
    assert_failed(1, "selkie piece commp: cannot open nowhere: No such file or directory");
    sh("mkdir d; \"$S\" piece commp d");
    assert_status(1);
    assert_has(last.err, "selkie piece commp: ");
}

/* --- piece ---------------------------------------------------------------------------------- */

static void test_commp_vectors(void **state)
{
    (void)state;
    json_t *vectors = test_vectors("commp.json"), *row;
    size_t at;
    json_array_foreach(vectors, at, row)
    {
        size_t len = (size_t)json_integer_value(json_object_get(row, "unpadded_bytes"));
        const char *data = json_string_value(json_object_get(row, "data"));
        uint8_t *bytes = calloc(1, len);
        char name[64];
        assert_non_null(bytes);
        if (sscanf(data, "data('%63[^']'", name) == 1)
            test_data(bytes, len, name);
        write_bytes("data", bytes, len);
        free(bytes);
        sh("\"$S\" piece commp --json data");
        assert_status(0);
        json_t *got = test_json();
        assert_string_equal(text_of(got, "comm_p"),
                            json_string_value(json_object_get(row, "comm_p")));
        assert_int_equal(num_of(got, "raw_size"), len);
        assert_int_equal(num_of(got, "padded_size"), len / 127 * 128);
        assert_memory_equal(text_of(got, "piece_cid"), "baga6ea4seaq", 12);
        assert_int_equal(json_object_size(got), 4);
        json_decref(got);
    }
    json_decref(vectors);
}

static void test_commp_people(void **state)
{
    (void)state;
    sh("head -c 4000 /dev/zero | \"$S\" piece commp -");
    assert_status(0);
    assert_has(last.out, "padded_size  4096 (4.00 KiB)\n");
    assert_has(last.err, "3.91 KiB in "); /* the stage's last line */
    sh("head -c 4000 /dev/zero | \"$S\" piece commp --quiet -");
    assert_string_equal(last.err, "");
    sh("\"$S\" piece commp --json --piece-size 128 - </dev/null"); /* an empty piece of zeros */
    assert_has(last.out,
               "\"comm_p\":\"3731bb99ac689f66eef5973e4a94da188f4ddcae580724fc6f3fd60dfd488333\"");
    sh("head -c 128 /dev/zero | \"$S\" piece commp --piece-size 128 --json -");
    assert_status(1);
    assert_string_equal(last.out, "");
}

static void test_commd(void **state)
{
    (void)state;
    json_t *life = test_vectors("seal/2k-data-v1_1.json");
    uint8_t data[2032];
    test_data(data, sizeof data, "2k-data-v1_1 data");
    write_bytes("data", data, sizeof data);
    sh("C=$(\"$S\" piece commp --quiet data | sed -n 's/^piece_cid *//p')\n"
       "\"$S\" piece commd --size 2KiB --json $C:2048 && echo $C >cid");
    assert_status(0);
    json_t *got = test_json();
    assert_string_equal(text_of(got, "comm_d"), text_of(life, "comm_d"));
    sh("cat cid");
    last.out[strcspn(last.out, "\n")] = '\0';
    assert_string_equal(text_of(got, "unsealed_cid"),
                        last.out); /* one piece that is all of the sector */
    json_decref(got);
    json_decref(life);

    /* no pieces: committed capacity, as in vectors/seal/2k-cc-v1.json */
    life = test_vectors("seal/2k-cc-v1.json");
    sh("\"$S\" piece commd --json --size 2KiB");
    got = test_json();
    assert_string_equal(text_of(got, "comm_d"), text_of(life, "comm_d"));
    json_decref(got);
    json_decref(life);

    sh("\"$S\" piece commd --json --size 2KiB $(cat cid):2048 $(cat cid):128");
    assert_status(1);
    assert_string_equal(last.out, "");
    sh("\"$S\" piece commd --json --size 2KiB $(cat cid)a:2048");
    assert_status(2);
    sh("\"$S\" piece commd --json --size 2KiB "
       "bagboea4b5abcatlxechwbp7kjpjguna6r6q7ejrhe6mdp3lf34pmswn27pkkiekz:"
       "2048"); /* the CID of a sealed sector */
    assert_status(2);
}

/* --- bench ---------------------------------------------------------------------------------- */

static void bench(const char *what)
{
    sh("\"$S\" bench %s --json --seconds 0.001 && ls -A | grep -v '^.out$' | grep -v '^.err$' >&2",
       what);
    assert_string_equal(last.err, ""); /* nothing is left in the folder */
    json_error_t error;
    json_t *got = json_loads(last.out, 0, &error), *row;
    size_t at;
    assert_true(json_array_size(got) > 1);
    json_array_foreach(got, at, row)
    {
        assert_true(strlen(text_of(row, "name")) > 0);
        assert_true(strlen(text_of(row, "unit")) > 0);
        assert_true(json_number_value(json_object_get(row, "value")) > 0);
        assert_true(json_number_value(json_object_get(row, "limit")) > 0);
        assert_true(json_number_value(json_object_get(row, "share")) > 0);
    }
    json_decref(got);
}

static void test_bench(void **state)
{
    (void)state;
    bench("sha");
    sh("\"$S\" bench sha --seconds 0.001");
    assert_memory_equal(last.out, "name  ", 6); /* a table */
    assert_has(last.out, ", portable  ");
}

static void test_bench_all(void **state)
{
    (void)state;
    static const char *const all[] = {"limits", "sha",   "poseidon", "pc1",
                                      "pc2",    "commp", "msm",      "ntt"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bench(all[i]);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_usage),  TEST(test_order),      TEST(test_help),
        TEST(test_man_pages),    TEST(test_completion), TEST(test_output_errors),
        TEST(test_environment),  TEST(test_unreadable), TEST(test_commp_vectors),
        TEST(test_commp_people), TEST(test_commd),      TEST(test_bench),
    };
    const struct CMUnitTest slow[] = {TEST(test_bench_all)};
    if (argc > 1 && strcmp(argv[1], "slow") == 0)
        return cmocka_run_group_tests(slow, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
