#include "app/test_run.h"

/* The sealing commands, from the shell, against what the reference answers (tests/vectors/seal). */

static const char *const cases[] = {
    "2k-cc-v1",    "2k-cc-v1_1",    "2k-data-v1_1", "2k-far-v1_1",
    "2k-cc-synth", "2k-data-synth", "2k-cc-ni",
};

static char options[256]; /* --size ... --dir d of the case at hand */
static char name[64];     /* s-t01000-1 */

static json_t *start_case(const char *which)
{
    char file[96];
    snprintf(file, sizeof file, "seal/%s.json", which);
    json_t *life = test_vectors(file);
    const char *miner = text_of(life, "miner"), *sector = text_of(life, "sector");
    snprintf(options, sizeof options, "--size %s --porep %s --miner f0%s --sector %s --dir d",
             text_of(life, "size"), text_of(life, "feature"), miner, sector);
    snprintf(name, sizeof name, "s-t0%s-%s", miner, sector);
    sh("rm -rf d");
    return life;
}

static json_t *ok_json(void)
{
    assert_status(0);
    return test_json();
}

static void assert_same(const json_t *got, const json_t *life, const char *field)
{
    assert_string_equal(text_of(got, field), text_of(life, field));
}

static void assert_sha256(const char *path, const char *want)
{
    sh("sha256sum <%s | cut -c1-64", path);
    assert_status(0);
    last.out[strcspn(last.out, "\n")] = '\0';
    if (strcmp(last.out, want) != 0)
        fail_msg("%s: %s, expected %s", path, last.out, want);
}

/* Files of the cache folder as the vectors list them; t_aux holds a path. */
static void assert_files(const json_t *files)
{
    const char *file;
    json_t *row;
    char path[256];
    assert_true(json_object_size(files) >= 3);
    json_object_foreach((json_t *)files, file, row)
    {
        if (strcmp(file, "t_aux") == 0)
            continue;
        snprintf(path, sizeof path, "d/cache/%s/%s", name, file);
        assert_sha256(path, text_of(row, "sha256"));
    }
}

static void to_pc2(const json_t *life, const char *which)
{
    char data_name[96], path[128];
    if (strcmp(text_of(life, "data"), "zeros") != 0) {
        uint8_t data[2032];
        snprintf(data_name, sizeof data_name, "%s data", which);
        test_data(data, sizeof data, data_name);
        write_bytes("data", data, sizeof data);
        sh("\"$S\" seal add-piece --json %s data", options);
        json_t *got = ok_json();
        assert_int_equal(num_of(got, "offset"), 0);
        assert_int_equal(num_of(got, "padded_size"), 2048);
        assert_int_equal(json_array_size(json_object_get(got, "pieces")), 1);
        json_decref(got);
    }
    sh("\"$S\" seal pc1 --json %s --ticket %s", options, text_of(life, "ticket"));
    json_t *got = ok_json();
    assert_same(got, life, "comm_d");
    assert_same(got, life, "replica_id");
    assert_int_equal(num_of(got, "labels_resumed_from"), 0);
    json_decref(got);
    assert_files(json_object_get(life, "files_after_pc1"));
    sh("test -s d/cache/%s/pc1out.json", name);
    assert_status(0);
    snprintf(path, sizeof path, "d/unsealed/%s", name);
    const json_t *files = json_object_get(life, "sector_files");
    assert_sha256(path, text_of(json_object_get(files, "unsealed"), "sha256"));

    sh("\"$S\" seal pc2 --json %s", options);
    got = ok_json();
    assert_same(got, life, "comm_d");
    assert_same(got, life, "comm_r");
    assert_memory_equal(text_of(got, "unsealed_cid"), "baga6ea4seaq", 12);
    assert_memory_equal(text_of(got, "sealed_cid"), "bagboea4b5abc", 13);
    json_decref(got);
    assert_files(json_object_get(life, "files_after_pc2"));
    snprintf(path, sizeof path, "d/sealed/%s", name);
    assert_sha256(path, text_of(json_object_get(files, "sealed"), "sha256"));
}

static void assert_check(bool ok, const char *flags)
{
    sh("\"$S\" seal check --json %s %s", flags, options);
    assert_status(ok ? 0 : 1);
    json_t *got = test_json();
    assert_true(json_is_boolean(json_object_get(got, "ok")));
    assert_int_equal(json_is_true(json_object_get(got, "ok")), ok);
    assert_int_equal(json_array_size(json_object_get(got, "problems")) == 0, ok);
    json_decref(got);
}

static void test_life(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *life = start_case(cases[i]);
        const char *ticket = text_of(life, "ticket");
        to_pc2(life, cases[i]);
        assert_check(true, "");
        assert_check(true, "--quick");

        sh("\"$S\" seal c1 --json %s --ticket %s --seed %s --out c1.json", options, ticket,
           text_of(life, "seed"));
        json_t *got = ok_json();
        assert_true(num_of(got, "challenges") > 0);
        assert_true(num_of(got, "partitions") > 0);
        json_decref(got);
        assert_sha256("c1.json", text_of(life, "c1out_sha256"));

        /* the data, whole and a part, with the labels computed again */
        bool zeros = strcmp(text_of(life, "data"), "zeros") == 0;
        if (zeros)
            sh("head -c 2032 /dev/zero >data");
        sh("rm d/cache/%s/sc-02-data-layer-*; \"$S\" seal unseal --json %s --ticket %s --comm-d "
           "%s --out back && cmp back data >&2",
           name, options, ticket, text_of(life, "comm_d"));
        got = ok_json();
        assert_int_equal(num_of(got, "bytes"), 2032);
        json_decref(got);
        sh("\"$S\" seal unseal --json %s --ticket %s --comm-d %s --out part --offset 1001 "
           "--length 500 && tail -c +1002 data | head -c 500 | cmp part - >&2",
           options, ticket, text_of(life, "comm_d"));
        got = ok_json();
        assert_int_equal(num_of(got, "bytes"), 500);
        json_decref(got);

        sh("\"$S\" seal finalize --json %s", options);
        got = ok_json();
        assert_true(json_array_size(json_object_get(got, "removed")) >= 3);
        json_decref(got);
        sh("\"$S\" seal finalize --json %s", options);
        got = ok_json();
        assert_int_equal(json_array_size(json_object_get(got, "removed")), 0);
        json_decref(got);
        assert_check(true, "");
        json_decref(life);
    }
}

/* What pc1 was told of the variant the later steps know; another one is refused. */
static void test_variant(void **state)
{
    (void)state;
    static const char *const begun[] = {"2k-cc-v1", "2k-cc-synth", "2k-cc-ni"};
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        json_t *life = start_case(begun[i]);
        const char *ticket = text_of(life, "ticket"), *seed = text_of(life, "seed");
        sh("\"$S\" seal pc1 --json %s --ticket %s", options, ticket);
        assert_status(0);
        snprintf(options, sizeof options, "--size 2KiB --miner f0%s --sector %s --dir d",
                 text_of(life, "miner"), text_of(life, "sector"));
        sh("\"$S\" seal pc1 --json %s --ticket %s", options, ticket);
        json_t *got = ok_json();
        assert_same(got, life, "replica_id");
        json_decref(got);
        sh("\"$S\" seal pc2 --json --porep v1_1 %s", options);
        assert_failed(1, "field porep is ");
        sh("\"$S\" seal pc2 --json %s", options);
        got = ok_json();
        assert_same(got, life, "comm_r");
        json_decref(got);
        assert_check(true, "");
        sh("\"$S\" seal check --porep v1_1 %s", options);
        assert_failed(1, "field porep is ");
        sh("\"$S\" seal c1 %s --ticket %s --seed %s --out c1.json", options, ticket, seed);
        assert_status(0);
        assert_sha256("c1.json", text_of(life, "c1out_sha256"));
        sh("\"$S\" seal finalize --porep v1_1 %s", options);
        assert_status(1);
        sh("\"$S\" seal finalize %s", options);
        assert_status(0);
        json_decref(life);
    }
}

/* All forms of a miner's address name the same files, and --dir may end with a slash. */
static void test_names(void **state)
{
    (void)state;
    static const char *const forms[] = {"f01000", "t01000", "1000"};
    for (size_t i = 0; i < 3; i++) {
        sh("head -c 127 /dev/zero | \"$S\" seal add-piece --json --size 2KiB --miner %s --sector "
           "7 --dir deep/er/d/// -",
           forms[i]);
        json_t *got = ok_json();
        assert_int_equal(json_array_size(json_object_get(got, "pieces")), i + 1);
        assert_int_equal(num_of(got, "offset"), 128 * i);
        json_decref(got);
    }
    sh("find deep -type f -name 's-*'; ls deep/er/d/cache");
    assert_string_equal(last.out, "deep/er/d/unsealed/s-t01000-7\ns-t01000-7\n");
}

static void test_limit(void **state)
{
    (void)state;
    json_t *life = start_case("2k-cc-v1_1");
    sh("head -c 5000 /dev/zero >big; \"$S\" seal add-piece --json %s big", options);
    assert_status(1);
    assert_string_equal(last.out, "");
    assert_has(last.err, "selkie seal add-piece: ");
    sh("\"$S\" seal add-piece --json %s --limit 2032 big", options);
    json_t *got = ok_json();
    assert_int_equal(num_of(got, "raw_size"), 2032);
    json_decref(got);
    json_decref(life);
}

static void test_refusals(void **state)
{
    (void)state;
    json_t *life = start_case("2k-data-v1_1");
    const char *ticket = text_of(life, "ticket"), *comm_d = text_of(life, "comm_d");
    static const char *const too_early[] = {"pc2", "finalize"};
    for (size_t i = 0; i < 2; i++) {
        sh("\"$S\" seal %s --json %s", too_early[i], options);
        assert_failed(1, "selkie seal ");
        sh("test ! -e d"); /* and no folder was made */
        assert_status(0);
    }
    sh("\"$S\" seal add-piece --json %s nowhere", options);
    assert_failed(1, "selkie seal add-piece: cannot open nowhere");
    to_pc2(life, "2k-data-v1_1");

    sh("\"$S\" seal pc1 --json %s --ticket %064d", options, 1);
    assert_failed(1, "selkie seal pc1: ");
    sh("\"$S\" seal add-piece --json %s data", options);
    assert_failed(1, "selkie seal add-piece: ");
    sh("\"$S\" seal unseal --json %s --ticket %s --comm-d %064d --out x; test ! -e x && exit 1",
       options, ticket, 7);
    assert_failed(1, "selkie seal unseal: ");
    sh("\"$S\" seal c1 --json %s --ticket %064d --seed %064d --out x; test ! -e x && exit 1",
       options, 1, 2);
    assert_failed(1, "selkie seal c1: ");
    sh("flock d/cache/%s \"$S\" seal check --json %s", name, options);
    assert_failed(1, "selkie seal check: ");
    assert_check(true, "");

    sh("printf x | dd of=d/sealed/%s bs=1 seek=77 conv=notrunc", name);
    assert_check(false, "");
    sh("\"$S\" seal check %s", options);
    assert_status(1);
    assert_has(last.out, "ok        no\n");
    sh("\"$S\" seal unseal --json %s --ticket %s --comm-d %s --out x; test ! -e x && exit 1",
       options, ticket, comm_d);
    assert_failed(1, "selkie seal unseal: ");
    sh("truncate -s 100 d/cache/%s/p_aux", name);
    assert_check(false, "--quick");
    json_decref(life);
}

/* A result never replaces what the sector consists of, nor anything that is no file. */
static void test_results(void **state)
{
    (void)state;
    json_t *life = start_case("2k-cc-v1_1");
    char c1[400], unseal[400];
    snprintf(c1, sizeof c1, "\"$S\" seal c1 --json %s --ticket %s --seed %s", options,
             text_of(life, "ticket"), text_of(life, "seed"));
    snprintf(unseal, sizeof unseal, "\"$S\" seal unseal --json %s --ticket %s --comm-d %s", options,
             text_of(life, "ticket"), text_of(life, "comm_d"));
    to_pc2(life, "2k-cc-v1_1");
    static const char *const own[] = {"sealed/%s", "unsealed/%s", "cache/%s/p_aux",
                                      "cache/%s/t_aux", "cache/%s/selkie-sector.json"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char file[128];
        snprintf(file, sizeof file, own[i], name);
        sh("%s --out d/%s", i % 2 ? c1 : unseal, file);
        assert_failed(1, "is one of the sector's own files");
        sh("cd d/cache && %s --out ../%s", i % 2 ? c1 : unseal, file);
        assert_status(1);
    }
    sh("ln -s d/sealed/%s link; %s --out link", name, c1);
    assert_failed(1, "is one of the sector's own files");
    sh("mkdir folder; %s --out folder", c1);
    assert_failed(1, "folder: is a folder");
    sh("mkfifo fifo; %s --out fifo", unseal);
    assert_failed(1, "fifo: is not a regular file");
    sh("test -p fifo && echo old >old && ln -sf old link && %s --out link >&2 && test -L link && "
       "test $(stat -c %%s old) = 2032",
       unseal);
    assert_status(0);
    assert_files(json_object_get(life, "files_after_pc2"));
    assert_check(true, "");
    json_decref(life);
}

/* Damage that only a whole look finds, and that finalize must not make final. */
static void test_damage(void **state)
{
    (void)state;
    static const char *const kept[] = {"cache/%s/p_aux", "cache/%s/sc-02-data-tree-r-last.dat"};
    json_t *life = start_case("2k-cc-synth");
    char file[128];
    to_pc2(life, "2k-cc-synth");
    sh("cp -a d whole");
    for (size_t i = 0; i < 2; i++) {
        snprintf(file, sizeof file, kept[i], name);
        sh("printf xy | dd of=d/%s bs=1 seek=7 conv=notrunc; ls d/*/* >before", file);
        sh("\"$S\" seal finalize --json %s", options);
        assert_failed(1, file);
        sh("ls d/*/* | cmp - before && rm -rf d && cp -a whole d");
        assert_status(0);
    }
    sh("printf x | dd of=d/unsealed/%s bs=1 seek=77 conv=notrunc", name);
    assert_check(false, "");
    sh("cp -a whole/unsealed d; rm d/cache/%s/syn*", name);
    assert_check(false, "--quick");
    sh("\"$S\" seal pc2 %s && rm d/cache/%s/t_aux", options, name);
    assert_check(false, "--quick");
    sh("\"$S\" seal pc2 %s", options);
    assert_status(0);
    assert_check(true, "");
    sh("\"$S\" seal pc2 --json %s --ticket %064d", options, 1);
    assert_failed(1, "field ticket is ");
    /* every synthetic proof damaged, the header not */
    sh("F=$(echo d/cache/%s/syn*); cp $F syn; tr '\\0' '\\1' <syn | tail -c +97 >tail; (head -c 96 "
       "syn; cat tail) >$F; \"$S\" seal c1 --json %s --ticket %s --seed %064d --out x",
       name, options, text_of(life, "ticket"), 3);
    assert_failed(1, "remove it and run PC2 again");
    sh("rm d/cache/%s/syn*; \"$S\" seal pc2 %s && cmp syn d/cache/%s/syn*", name, options, name);
    assert_status(0);

    static const char *const steps[] = {"pc1 --ticket %s", "pc2 --ticket %s",
                                        "c1 --ticket %s --out x --seed %064d"};
    sh("\"$S\" seal finalize %s", options);
    for (size_t i = 0; i < 3; i++) {
        char step[256];
        snprintf(step, sizeof step, steps[i], text_of(life, "ticket"), 1);
        sh("\"$S\" seal %s --json %s", step, options);
        assert_failed(1, "sealed and finalized");
    }
    json_decref(life);
}

/* A piece counts when it is complete: PC1 after a killed add-piece seals what was there before. */
static void test_killed_piece(void **state)
{
    (void)state;
    json_t *life = start_case("2k-cc-v1_1");
    sh("head -c 200 /dev/zero | tr '\\0' x | \"$S\" seal add-piece --json %s -", options);
    json_t *piece = ok_json();
    sh("\"$S\" piece commd --size 2KiB --json %s:256", text_of(piece, "piece_cid"));
    json_t *want = ok_json();
    /* what the kill leaves: the mark in the record, and bytes behind the pieces */
    sh("mkfifo data; \"$S\" seal add-piece %s --piece-size 512 data & P=$!; exec 7>data; "
       "printf yyyyyyyy >&7; for i in $(seq 100); do grep -q adding d/cache/*/selkie-sector.json "
       "&& break; sleep 0.05; done; kill -9 $P; wait $P; head -c 333 /dev/zero | tr '\\0' z "
       ">>d/unsealed/%s; grep adding d/cache/*/selkie-sector.json",
       options, name);
    assert_status(0);
    sh("\"$S\" seal pc1 --json %s --ticket %s", options, text_of(life, "ticket"));
    json_t *got = ok_json();
    assert_same(got, want, "comm_d");
    json_decref(got);
    json_decref(want);
    json_decref(piece);
    sh("grep -c adding d/cache/*/selkie-sector.json");
    assert_string_equal(last.out, "0\n");

    sh("rm -rf d; head -c 600 /dev/zero >big; \"$S\" seal add-piece --json %s --piece-size 512 big",
       options);
    assert_failed(1, "big: 600 bytes");
    json_decref(life);
}

/* SIGTERM ends a command that waits for a pipe on which nothing comes. */
static void test_silent_pipe(void **state)
{
    (void)state;
    json_t *life = start_case("2k-cc-v1_1");
    char add[300];
    snprintf(add, sizeof add, "seal add-piece %s", options);
    const char *const commands[] = {"piece commp", add};
    for (size_t i = 0; i < 2; i++) {
        sh("rm -f pipe; mkfifo pipe; exec 7<>pipe; \"$S\" %s --json - <pipe & P=$!; sleep 0.5; "
           "kill -TERM $P; (sleep 5; kill -9 $P) 2>&- & wait $P",
           commands[i]);
        assert_failed(1, "interrupted");
    }
    json_decref(life);
}

/* Names that JSON cannot hold. */
static void test_bytes(void **state)
{
    (void)state;
    sh("D=$(printf 'a\\377'); \"$S\" seal pc1 --json --size 2KiB --miner 1000 --sector 1 --ticket "
       "%064d --dir \"$D\"",
       1);
    assert_failed(1, "not UTF-8");
    json_t *life = start_case("2k-cc-v1_1");
    to_pc2(life, "2k-cc-v1_1");
    sh("O=$(printf 'a\\377'); \"$S\" seal c1 --json %s --ticket %s --seed %s --out \"$O\" && test "
       "-s "
       "\"$O\"",
       options, text_of(life, "ticket"), text_of(life, "seed"));
    json_t *got = ok_json();
    assert_string_equal(text_of(got, "out"), "a?");
    json_decref(got);
    json_decref(life);
}

/* SIGTERM in PC1 of 8 MiB: a sentence, status 1, and the next call goes on where it was. */
static void test_interrupt(void **state)
{
    (void)state;
    json_t *life = start_case("8m-cc-v1_1");
    const char *ticket = text_of(life, "ticket");
    uint64_t kept = 0;
    for (unsigned tries = 0; tries < 50 && !kept; tries++) {
        /* a little later with each try, until some labels were done */
        sh("\"$S\" seal pc1 --json %s --ticket %s & P=$!; sleep %u.%u; kill -TERM $P; wait $P",
           options, ticket, tries / 10, tries % 10);
        if (last.status == 0)
            break;
        assert_true(last.status == 1 || last.status == 128 + 15); /* 15: before it listened */
        if (last.status == 1)
            assert_failed(1, "run the same command again to go on");
        sh("\"$S\" seal pc1 --json %s --ticket %s", options, ticket);
        json_t *got = ok_json();
        kept = num_of(got, "labels_resumed_from");
        assert_same(got, life, "replica_id");
        json_decref(got);
        if (!kept)
            sh("rm -rf d");
    }
    assert_true(kept > 0);
    assert_files(json_object_get(life, "files_after_pc1"));
    json_decref(life);
}

static void test_bench(void **state)
{
    (void)state;
    sh("FIL_PROOFS_PARAMETER_CACHE=none \"$S\" seal bench --json && ls -A | grep -v '^.out$' | "
       "grep -v '^.err$' >&2");
    json_error_t error;
    json_t *got = json_loads(last.out, 0, &error), *row;
    size_t at;
    assert_string_equal(last.err, ""); /* nothing is left in the folder */
    assert_non_null(got);
    assert_int_equal(json_array_size(got), 5);
    json_array_foreach(got, at, row)
    {
        assert_true(strlen(text_of(row, "name")) > 0);
        assert_string_equal(text_of(row, "unit"), "s");
        assert_true(json_number_value(json_object_get(row, "value")) > 0);
        assert_non_null(json_object_get(row, "limit"));
        assert_non_null(json_object_get(row, "share"));
    }
    json_decref(got);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, test_dir_setup, test_dir_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_life),        TEST(test_variant), TEST(test_names),     TEST(test_limit),
        TEST(test_refusals),    TEST(test_results), TEST(test_damage),    TEST(test_killed_piece),
        TEST(test_silent_pipe), TEST(test_bytes),   TEST(test_interrupt), TEST(test_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
