/* selkie processor: whole lives of sectors through real children, against what the reference
 * answers (tests/vectors/seal); kills, cancelling, ends; tasks as damocles' worker sends them. */

#include "app/test_run.h"

#include "codec/base64.h"
#include "proofs/porep/record.h"
#include "selkie/groth16.h"
#include "worker/processor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static slk_processor_result_t result;
static slk_diag_t diag;
static char said[65536]; /* by the children */

static void note(void *ctx, const char *stage, const char *line)
{
    (void)ctx;
    size_t len = strlen(said);
    snprintf(said + len, sizeof said - len, "%s: %s\n", stage, line);
}

/* A child of `selkie processor STAGE`. env: another variable, "" for none. */
static slk_processor_t *processor_of(const char *stage, const char *env)
{
    slk_processor_t *processor;
    char keys[128];
    snprintf(keys, sizeof keys, "FIL_PROOFS_PARAMETER_CACHE=%s/keys", test_dir);
    const char *const args[] = {"processor", stage, "--threads", "2", NULL};
    const char *const envs[] = {keys, *env ? env : "NONE=1", NULL};
    slk_processor_kind_t kind = {.stage = stage,
                                 .program = SLK_BINARY,
                                 .args = args,
                                 .envs = envs,
                                 .grace_seconds = 30,
                                 .log = note};
    *said = '\0';
    assert_ok(slk_processor_new(&processor, &kind, &diag), diag);
    return processor;
}

static slk_err_t call(slk_processor_t *processor, const json_t *task)
{
    char *text = json_dumps(task, JSON_COMPACT);
    slk_processor_result_fini(&result);
    slk_err_t err = slk_processor_call(
        processor, &(slk_processor_call_t){.task = text, .task_len = strlen(text)}, &result, &diag);
    free(text);
    return err;
}

/* One task in a child of its own; the output, which is to be json_decref'ed. Takes task. */
static json_t *run_stage(const char *stage, json_t *task)
{
    slk_processor_t *processor = processor_of(stage, "");
    assert_ok(call(processor, task), diag);
    json_t *output = json_loadb(result.output, result.output_len, JSON_DECODE_ANY, NULL);
    assert_non_null(output);
    slk_processor_free(processor);
    json_decref(task);
    return output;
}

/* The same of a task that fails. */
static void refuse_stage(const char *stage, slk_err_t err, const char *why, json_t *task)
{
    slk_processor_t *processor = processor_of(stage, "");
    assert_err(err, call(processor, task));
    assert_int_equal(result.end, SLK_PROCESSOR_REFUSED);
    assert_has(diag.text, why);
    slk_processor_free(processor);
    json_decref(task);
}

/* --- Values in damocles' form ------------------------------------------------------------------- */

static json_t *bytes_json(const uint8_t *bytes, size_t len)
{
    json_t *list = json_array();
    for (size_t i = 0; i < len; i++)
        json_array_append_new(list, json_integer(bytes[i]));
    return list;
}

static json_t *hex_json(const json_t *life, const char *field)
{
    slk_node_t node = node_from_hex(text_of(life, field));
    return bytes_json(node.b, sizeof node.b);
}

static void assert_hex(const json_t *object, const char *field, const char *hex)
{
    json_t *list = json_object_get(object, field);
    slk_node_t node;
    assert_int_equal(json_array_size(list), 32);
    for (size_t i = 0; i < 32; i++)
        node.b[i] = (uint8_t)json_integer_value(json_array_get(list, i));
    assert_node_hex(&node, hex);
}

static json_t *path_json(const char *name)
{
    return json_sprintf("%s/%s", test_dir, name);
}

/* prover_id, sector_id and registered_proof of a vector. */
static json_t *sector_task(const json_t *life)
{
    slk_node_t prover;
    slk_prover_id(&prover, strtoull(text_of(life, "miner"), NULL, 10));
    const char *variant = text_of(life, "feature");
    return json_pack("{s:o, s:I, s:o}", "prover_id", bytes_json(prover.b, 32), "sector_id",
                     (json_int_t)strtoll(text_of(life, "sector"), NULL, 10), "registered_proof",
                     json_sprintf("StackedDrg%s%s", text_of(life, "size"),
                                  strcmp(variant, "v1") == 0     ? "V1"
                                  : strcmp(variant, "v1_1") == 0 ? "V1_1"
                                  : strcmp(variant, "synth") == 0
                                      ? "V1_1_Feat_SyntheticPoRep"
                                      : "V1_2_Feat_NonInteractivePoRep"));
}

static json_t *pc1_task(const json_t *life, json_t *pieces)
{
    json_t *task = sector_task(life);
    json_object_set_new(task, "cache_path", path_json("cache"));
    json_object_set_new(task, "in_path", path_json("unsealed"));
    json_object_set_new(task, "out_path", path_json("sealed"));
    json_object_set_new(task, "ticket", hex_json(life, "ticket"));
    json_object_set_new(task, "piece_infos", pieces);
    return task;
}

static json_t *c1_task(const json_t *life)
{
    json_t *task = sector_task(life);
    json_object_set_new(task, "cache_path", path_json("cache"));
    json_object_set_new(task, "replica_path", path_json("sealed"));
    json_object_set_new(task, "ticket", hex_json(life, "ticket"));
    json_object_set_new(task, "seed", hex_json(life, "seed"));
    json_object_set_new(task, "pre_commit",
                        json_pack("{s:o, s:o}", "comm_r", hex_json(life, "comm_r"), "comm_d",
                                  hex_json(life, "comm_d")));
    return task;
}

/* --- A life ------------------------------------------------------------------------------------- */

static json_t *add_pieces(const json_t *life, const char *which)
{
    json_t *pieces = json_array();
    if (strcmp(text_of(life, "data"), "zeros") != 0) {
        uint8_t data[2032];
        char name[96];
        snprintf(name, sizeof name, "%s data", which);
        test_data(data, sizeof data, name);
        write_bytes("data", data, sizeof data);
        json_array_append_new(pieces,
                              json_pack("{s:{s:o}, s:i, s:i, s:o}", "piece_file", "local",
                                        path_json("data"), "payload_size", 2032, "piece_size", 2032,
                                        "commitment", hex_json(life, "comm_d")));
    }
    json_t *task = sector_task(life);
    json_object_set(task, "seal_proof_type", json_object_get(task, "registered_proof"));
    json_object_set_new(task, "staged_filepath", path_json("unsealed"));
    json_object_set_new(task, "pieces", pieces);
    json_t *infos = run_stage("add_pieces", task);
    assert_int_equal(json_array_size(infos), 1);
    const json_t *info = json_array_get(infos, 0);
    assert_hex(info, "commitment", text_of(life, "comm_d"));
    assert_int_equal(json_integer_value(json_object_get(info, "size")), 2032);
    return infos;
}

static void assert_sha256(const char *name, const char *want)
{
    sh("sha256sum <%s | cut -c1-64 | tr -d '\\n'", name);
    assert_string_equal(last.out, want);
}

/* pc2 with what pc1 answered; output of pc2 is checked. */
static void run_pc2(const json_t *life, const json_t *pc1out, const char *sealed)
{
    json_t *out = run_stage("pc2", json_pack("{s:O, s:o, s:o}", "pc1out", pc1out, "cache_dir",
                                             path_json("cache"), "sealed_file", path_json(sealed)));
    assert_hex(out, "comm_d", text_of(life, "comm_d"));
    assert_hex(out, "comm_r", text_of(life, "comm_r"));
    assert_string_equal(json_string_value(json_object_get(out, "registered_proof")),
                        json_string_value(json_object_get(pc1out, "registered_proof")));
    json_decref(out);
    assert_sha256(sealed, text_of(json_object_get(json_object_get(life, "sector_files"), "sealed"),
                                  "sha256"));
}

static void seal(const json_t *life, const char *which)
{
    sh("rm -rf cache sealed unsealed");
    json_t *infos = add_pieces(life, which);
    json_t *done = run_stage(
        "tree_d", json_pack("{s:s, s:o, s:o}", "registered_proof", "StackedDrg2KiBV1_1",
                            "staged_file", path_json("unsealed"), "cache_dir", path_json("cache")));
    assert_true(json_is_true(done));
    json_decref(done);
    assert_sha256(
        "cache/sc-02-data-tree-d.dat",
        text_of(json_object_get(json_object_get(life, "files_after_pc1"), "sc-02-data-tree-d.dat"),
                "sha256"));
    json_t *task = pc1_task(life, json_incref(infos));
    json_t *plain = run_stage("pc1", json_incref(task));
    assert_null(json_object_get(plain, "selkie"));
    assert_hex(plain, "comm_d", text_of(life, "comm_d"));
    json_object_set_new(task, "selkie", json_object());
    json_t *again = run_stage("pc1", task);
    assert_hex(json_object_get(again, "selkie"), "replica_id", text_of(life, "replica_id"));
    assert_int_equal(json_integer_value(
                         json_object_get(json_object_get(again, "selkie"), "labels_resumed_from")),
                     128);
    /* PC1's output is the reference's: pc2 takes it back. */
    run_pc2(life, plain, "sealed");
    json_decref(plain);
    json_decref(again);
    json_decref(infos);
}

static void test_life(void **state)
{
    (void)state;
    static const char *const cases[] = {"2k-cc-v1", "2k-data-v1_1", "2k-data-synth", "2k-cc-ni"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char file[64];
        snprintf(file, sizeof file, "seal/%s.json", cases[i]);
        json_t *life = test_vectors(file);
        seal(life, cases[i]);
        /* within the answer */
        json_decref(run_stage("c1", c1_task(life)));
        slk_node_t sha256;
        slk_sha256(&sha256, result.output, result.output_len);
        assert_node_hex(&sha256, text_of(life, "c1out_sha256"));
        sh("ls cache | grep tmp");
        assert_string_equal(last.out, "");
        /* in a file */
        json_t *task = c1_task(life);
        json_object_set_new(task, "selkie",
                            json_pack("{s:o}", "output_path", path_json("c1.json")));
        json_t *out = run_stage("c1", task);
        assert_hex(json_object_get(out, "selkie"), "comm_r", text_of(life, "comm_r"));
        assert_sha256("c1.json", text_of(life, "c1out_sha256"));
        json_decref(out);
        json_decref(life);
    }
}

/* The last life's files stay for these. */
static json_t *sealed_life(void)
{
    json_t *life = test_vectors("seal/2k-data-v1_1.json");
    seal(life, "2k-data-v1_1");
    return life;
}

static void test_back(void **state)
{
    (void)state;
    json_t *life = sealed_life();
    json_t *task = sector_task(life);
    json_object_set_new(task, "comm_d", hex_json(life, "comm_d"));
    json_object_set_new(task, "ticket", hex_json(life, "ticket"));
    json_object_set_new(task, "cache_dir", path_json("cache"));
    json_object_set_new(task, "sealed_file", path_json("sealed"));
    json_object_set_new(task, "unsealed_output", path_json("back"));
    json_object_set_new(task, "offset", json_integer(127));
    json_object_set_new(task, "num_bytes", json_integer(1000));
    json_t *out = run_stage("unseal", task);
    assert_int_equal(json_integer_value(out), 1000);
    json_decref(out);
    sh("tail -c +128 data | head -c 1000 | cmp - back");
    assert_status(0);

    task = sector_task(life);
    json_object_set_new(task, "cache_dir", path_json("cache"));
    json_object_set_new(task, "sealed_file", path_json("sealed"));
    json_object_set_new(task, "unsealed_file", path_json("unsealed"));
    out = run_stage("finalize", task);
    assert_true(json_array_size(json_object_get(out, "removed")) >= 5);
    json_decref(out);
    sh("ls cache; ls unsealed");
    assert_string_equal(last.out, "p_aux\nsc-02-data-tree-r-last.dat\nselkie-sector.json\nt_aux\n");
    json_decref(life);
}

/* A sector of another program: no record of ours, and no name to know it by. */
static void test_foreign(void **state)
{
    (void)state;
    json_t *life = test_vectors("seal/2k-data-v1_1.json");
    sh("rm -rf cache sealed unsealed");
    json_t *pc1out = run_stage("pc1", pc1_task(life, add_pieces(life, "2k-data-v1_1")));
    sh("rm cache/selkie-sector.json; mv sealed plain");
    run_pc2(life, pc1out, "plain");
    sh("ls cache/selkie-sector.json");
    assert_status(2);
    json_decref(pc1out);
    json_decref(life);
}

/* --- What is refused ----------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    json_t *life = sealed_life();
    const json_t *none = json_object();
    refuse_stage("pc1", SLK_ERR_INPUT,
                 "task: field registered_proof: expected the name of a seal "
                 "proof as StackedDrg32GiBV1_1, found nothing",
                 json_object());
    json_t *task = pc1_task(life, json_array());
    json_object_set_new(task, "ticket", json_string("6e7a"));
    refuse_stage("pc1", SLK_ERR_INPUT, "field ticket: expected an array of 32 numbers", task);
    /* the data are not those of these pieces, which is found before anything is computed */
    refuse_stage("pc1", SLK_ERR_MISMATCH, "piece_infos", pc1_task(life, json_array()));
    task = c1_task(life);
    json_object_set(json_object_get(task, "pre_commit"), "comm_r",
                    json_object_get(json_object_get(task, "pre_commit"), "comm_d"));
    refuse_stage("c1", SLK_ERR_MISMATCH, "pre_commit", task);
    task = sector_task(life);
    json_object_set_new(task, "miner_id", json_integer(4));
    refuse_stage("c2", SLK_ERR_INPUT, "miner_id is 4", task);
    refuse_stage("c2", SLK_ERR_INPUT, "field c1out", sector_task(life));
    json_t *c1 = run_stage("c1", c1_task(life));
    task = sector_task(life);
    json_object_set(task, "c1out", c1);
    refuse_stage("c2", SLK_ERR_STATE, "/keys/v28-stacked-proof-of-replication", json_incref(task));
    json_object_set_new(task, "sector_id", json_integer(77));
    refuse_stage("c2", SLK_ERR_MISMATCH, "c1out: replica_id is", task);
    json_t *pieces = json_pack("{s:s, s:i, s:i}", "piece_file", "pledge", "payload_size", 127,
                               "piece_size", 128);
    refuse_stage("add_pieces", SLK_ERR_INPUT, "field piece_size: expected 127/128",
                 json_pack("{s:s, s:o, s:[o]}", "seal_proof_type", "StackedDrg2KiBV1_1",
                           "staged_filepath", path_json("u2"), "pieces", pieces));
    sh("ls u2 u2.selkie-tmp");
    assert_status(2);
    json_decref(c1);
    json_decref((json_t *)none);
    json_decref(life);
}

/* --- Pieces -------------------------------------------------------------------------------------- */

/* A market: the first path redirects to the second, which wants a token. Two connections. */
static void *run_market(void *ctx)
{
    const int *listener = ctx;
    for (int i = 0; i < 2; i++) {
        char text[2048] = "";
        size_t len = 0;
        int fd = accept(*listener, NULL, NULL);
        while (len < sizeof text - 1 && !strstr(text, "\r\n\r\n")) {
            ssize_t n = read(fd, text + len, sizeof text - 1 - len);
            if (n <= 0)
                break;
            len += (size_t)n;
            text[len] = '\0';
        }
        const char *answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/data\r\n"
                             "Content-Length: 0\r\nConnection: close\r\n\r\n";
        if (strstr(text, "GET /data ") && strstr(text, "Authorization: Bearer secret\r\n") &&
            strstr(text, "X-VENUS-API-NAMESPACE: v1.IMarket\r\n"))
            answer = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\nConnection: close\r\n\r\n";
        else if (!strstr(text, "GET /piece ") || strstr(text, "Authorization"))
            answer = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        struct sockaddr_in at;
        socklen_t at_len = sizeof at;
        getsockname(*listener, (struct sockaddr *)&at, &at_len);
        dprintf(fd, answer, ntohs(at.sin_port));
        if (strstr(answer, "200"))
            for (int k = 0; k < 200; k++)
                dprintf(fd, "%c", 'a' + k % 26);
        close(fd);
    }
    return NULL;
}

static void test_url(void **state)
{
    (void)state;
    pthread_t thread;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 4), 0);
    getsockname(listener, (struct sockaddr *)&at, &at_len);
    pthread_create(&thread, NULL, run_market, &listener);
    json_t *task = json_pack(
        "{s:s, s:o, s:[{s:{s:o}, s:i, s:i}, {s:s, s:i, s:i}]}", "seal_proof_type",
        "StackedDrg2KiBV1_1", "staged_filepath", path_json("u3"), "pieces", "piece_file", "url",
        json_sprintf("http://127.0.0.1:%d/piece", ntohs(at.sin_port)), "payload_size", 200,
        "piece_size", 254, "piece_file", "pledge", "payload_size", 1016, "piece_size", 1016);
    slk_processor_t *processor = processor_of("add_pieces", "PIECE_FETCHER_TOKEN=secret");
    slk_err_t err = call(processor, task);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    assert_ok(err, diag);
    json_t *infos = json_loads(result.output, 0, NULL);
    slk_processor_free(processor);
    /* the same by hand: the second piece is at 1024, a multiple of its size */
    sh("i=0; while [ $i -lt 8 ]; do printf abcdefghijklmnopqrstuvwxyz; i=$((i+1)); done | "
       "head -c 200 >d3 && \"$S\" piece commp --json --piece-size 256 d3");
    assert_status(0);
    json_t *want = test_json();
    assert_hex(json_array_get(infos, 0), "commitment", text_of(want, "comm_p"));
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/u3", test_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2048);
    /* what is there stays, what a kill left behind it goes */
    json_object_set_new(task, "selkie", json_pack("{s:o}", "existing", infos));
    json_object_set_new(task, "pieces", json_array());
    sh("cp u3 u4; echo more >>u3");
    json_decref(run_stage("add_pieces", task));
    assert_string_equal(result.output ? result.output : "", "[]");
    sh("cmp u3 u4");
    assert_status(0);
    json_decref(want);
}

/* --- Kills and cancelling ------------------------------------------------------------------------ */

static json_t *big_life, *big_task; /* 8MiB, committed capacity */

static void begin_big(void)
{
    big_life = test_vectors("seal/8m-cc-v1_1.json");
    sh("rm -rf cache sealed unsealed");
    big_task = pc1_task(big_life, json_array());
    json_object_set_new(big_task, "selkie",
                        json_pack("{s:f, s:s}", "checkpoint_seconds", 0.02, "layers", "ram"));
}

static void end_big(void)
{
    json_decref(big_task);
    json_decref(big_life);
}

/* The checkpoint says that there are labels on the disk. */
static bool has_labels(void)
{
    char text[4096];
    test_read(text, sizeof text, "cache/" SLK_CHECKPOINT_NAME);
    json_t *json = json_loads(text, 0, NULL);
    bool some = json_integer_value(json_object_get(json, "nodes")) > 0 ||
                json_integer_value(json_object_get(json, "layer")) > 1 ||
                strtoull(json_string_value(json_object_get(json, "nodes"))
                             ? json_string_value(json_object_get(json, "nodes"))
                             : "0",
                         NULL, 10) > 0;
    json_decref(json);
    return some;
}

typedef struct {
    slk_processor_t *processor; /* NULL: set cancel instead of a kill */
    atomic_bool cancel, over;
} disturb_t;

static void *disturb(void *ctx)
{
    disturb_t *d = ctx;
    while (!has_labels() && !atomic_load(&d->over))
        usleep(2000);
    if (d->processor && !atomic_load(&d->over))
        kill(slk_processor_pid(d->processor), SIGKILL);
    atomic_store(&d->cancel, true);
    return NULL;
}

static slk_err_t call_disturbed(slk_processor_t *processor, bool killed)
{
    disturb_t d = {.processor = killed ? processor : NULL};
    pthread_t thread;
    char *text = json_dumps(big_task, JSON_COMPACT);
    assert_ok(slk_processor_start(processor, &diag), diag);
    pthread_create(&thread, NULL, disturb, &d);
    slk_processor_result_fini(&result);
    slk_err_t err = slk_processor_call(processor,
                                       &(slk_processor_call_t){.task = text,
                                                               .task_len = strlen(text),
                                                               .cancel = killed ? NULL : &d.cancel},
                                       &result, &diag);
    atomic_store(&d.over, true);
    pthread_join(thread, NULL);
    free(text);
    return err;
}

/* The same task again: goes on where the other stopped, and has the same result. */
static void assert_resumes(slk_processor_t *processor)
{
    assert_ok(call(processor, big_task), diag);
    json_t *out = json_loads(result.output, 0, NULL);
    const json_t *ours = json_object_get(out, "selkie");
    assert_true(json_integer_value(json_object_get(ours, "labels_resumed_from")) > 0);
    assert_hex(ours, "replica_id", text_of(big_life, "replica_id"));
    json_decref(out);
    const char *name;
    json_t *row;
    json_object_foreach(json_object_get(big_life, "files_after_pc1"), name, row)
    {
        char path[128];
        snprintf(path, sizeof path, "cache/%s", name);
        assert_sha256(path, text_of(row, "sha256"));
    }
}

static void test_kill(void **state)
{
    (void)state;
    slk_processor_t *processor = processor_of("pc1", "");
    for (int tries = 0;; tries++) {
        assert_true(tries < 20); /* it may be done before the kill */
        begin_big();
        slk_err_t err = call_disturbed(processor, true);
        if (err != SLK_OK)
            break;
        end_big();
    }
    assert_int_equal(result.end, SLK_PROCESSOR_DIED);
    assert_int_equal(result.signal, SIGKILL);
    assert_false(result.oom);
    assert_resumes(processor);
    slk_processor_free(processor);
    end_big();
}

static void test_cancel(void **state)
{
    (void)state;
    slk_processor_t *processor = processor_of("pc1", "");
    int pid = 0;
    for (int tries = 0;; tries++) {
        assert_true(tries < 20);
        begin_big();
        slk_err_t err = call_disturbed(processor, false);
        if (err == SLK_ERR_CANCELLED)
            break;
        assert_ok(err, diag);
        end_big();
    }
    pid = slk_processor_pid(processor);
    assert_true(pid > 0); /* the child lives on */
    assert_has(diag.text, "cancelled: interrupted in layer ");
    assert_resumes(processor);
    assert_int_equal(slk_processor_pid(processor), pid);
    slk_processor_free(processor);
    end_big();
}

/* Until a file has a line like that. */
#define AWAIT(like, file)                                                                          \
    "for i in $(seq 1000); do grep -Eqs '" like "' " file " && break; sleep 0.01; done"
#define AWAIT_LABELS                                                                               \
    AWAIT("\"(nodes\": *\"?[1-9]|layer\": *\"?[2-9])", "cache/" SLK_CHECKPOINT_NAME)

/* As another parent has it: end of input and SIGTERM are answered, and leave a checkpoint. */
static void test_ends(void **state)
{
    (void)state;
    static const char *const ends[] = {
        "{ cat req; " AWAIT_LABELS "; } | \"$S\" processor pc1 --threads 1 2>e",
        /* exec: the process of the subshell becomes the processor */
        "mkfifo in; exec 9<>in; { exec \"$S\" processor pc1 --threads 1 <in 9>&- 2>e; } & p=$!; "
        "cat req >&9; " AWAIT_LABELS "; kill -TERM $p; wait $p; c=$?; rm in; exit $c",
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        bool cancelled = false;
        for (int tries = 0; !cancelled; tries++) {
            assert_true(tries < 20);
            begin_big();
            char *text = json_dumps(big_task, JSON_COMPACT);
            char *line = malloc(strlen(text) + 32);
            size_t len = (size_t)sprintf(line, "{\"id\":41,\"task\":%s}\n", text);
            write_bytes("req", line, len);
            free(line);
            free(text);
            sh("%s", ends[i]);
            assert_status(0);
            assert_memory_equal(last.out, "pc1 processor ready\n", 20);
            cancelled = strstr(last.out, "{\"id\":41,\"err_msg\":\"cancelled: interrupted in ") &&
                        strstr(last.out, "\"output\":null}\n");
            if (cancelled) {
                slk_processor_t *processor = processor_of("pc1", "");
                assert_resumes(processor);
                slk_processor_free(processor);
            }
            end_big();
        }
    }
    /* the parent is gone, and somebody else holds the other end of its input */
    sh("mkfifo in; exec 9<>in; sh -c '\"$S\" processor pc1 <in >o 2>e & "
       "for i in $(seq 1000); do test -s o && break; sleep 0.01; done; kill -9 $$'; "
       "for i in $(seq 100); do grep 'is gone' e && exit 0; sleep 0.1; done; exit 1");
    assert_status(0);
}

/* --- Isolation ----------------------------------------------------------------------------------- */

/* CPUs always, the cgroup where that is allowed; it is gone when the child is, however that ended. */
static void test_isolation(void **state)
{
    (void)state;
    slk_processor_t *processor;
    const char *const args[] = {"processor", "transfer", NULL};
    slk_processor_kind_t kind = {.stage = "transfer",
                                 .program = SLK_BINARY,
                                 .args = args,
                                 .cpus = "0",
                                 .cgroup = "selkie-test",
                                 .cgroup_cpus = "0",
                                 .log = note};
    *said = '\0';
    assert_ok(slk_processor_new(&processor, &kind, &diag), diag);
    assert_ok(slk_processor_start(processor, &diag), diag);
    int pid = slk_processor_pid(processor);
    sh("grep Cpus_allowed_list /proc/%d/status | tr '\\t' ' '", pid);
    assert_string_equal(last.out, "Cpus_allowed_list: 0\n");
    sh("grep selkie-test/sub-transfer-%d- /proc/%d/cgroup", (int)getpid(), pid);
    bool joined = last.status == 0;
    kill(pid, SIGKILL);
    for (int i = 0; i < 500 && slk_processor_pid(processor) == pid; i++)
        usleep(10000);
    assert_ok(slk_processor_start(processor, &diag), diag);
    assert_int_not_equal(slk_processor_pid(processor), pid);
    slk_processor_free(processor);
    sh("ls -d /sys/fs/cgroup/selkie-test/*/ /sys/fs/cgroup/cpuset/selkie-test/*/");
    assert_string_equal(last.out, "");
    sh("rmdir /sys/fs/cgroup/selkie-test /sys/fs/cgroup/cpuset/selkie-test");
    if (!joined)
        assert_has(said, "goes on without");
}

/* --- Transfer ------------------------------------------------------------------------------------ */

static json_t *route(const char *src, const char *dest, bool link)
{
    return json_pack("{s:{s:n, s:o}, s:{s:s, s:o}, s:{s:b, s:b}}", "src", "store_name", "uri",
                     path_json(src), "dest", "store_name", "s", "uri", path_json(dest), "opt",
                     "is_dir", 0, "allow_link", link);
}

static void test_transfer(void **state)
{
    (void)state;
    sh("rm -rf a b c; mkdir -p a/x b/a; head -c 100000 /dev/urandom >a/1; echo 2 >a/x/2; "
       "echo old >b/a/old; echo 3 >c");
    json_t *task = json_pack("{s:{s:{s:s, s:n}}, s:[o, o, o]}", "stores", "s", "name", "s", "meta",
                             "routes", route("a", "b/a", false), route("c", "b/new/c", false),
                             route("a", "b/link", true));
    json_t *out = run_stage("transfer", json_incref(task));
    assert_true(json_is_true(out));
    json_decref(out);
    sh("diff -r a b/a && cmp c b/new/c && readlink b/link && ls b");
    assert_status(0);
    assert_has(last.out, "/a\na\nlink\nnew\n");
    json_decref(run_stage("transfer", task)); /* once more */
    sh("diff -r a b/a && cmp c b/new/c && test -L b/link");
    assert_status(0);
    refuse_stage("transfer", SLK_ERR_NOTFOUND, "cannot find source",
                 json_pack("{s:[o]}", "routes", route("nothing", "b/n", false)));
    refuse_stage("transfer", SLK_ERR_INPUT, "is not a folder",
                 json_pack("{s:[o]}", "routes", route("a", "b/new/c", false)));
}

/* --- Proofs of spacetime ------------------------------------------------------------------------- */

static void test_window(void **state)
{
    (void)state;
    json_t *life = sealed_life();
    sh("FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" params generate --size 2KiB --circuit window");
    assert_status(0);
    json_t *replica =
        json_pack("{s:i, s:o, s:o, s:o}", "sector_id", 4, "comm_r", hex_json(life, "comm_r"),
                  "cache_dir", path_json("cache"), "sealed_file", path_json("sealed"));
    json_t *task =
        json_pack("{s:i, s:s, s:[O], s:o}", "miner_id", 127, "proof_type",
                  "StackedDrgWindow2KiBV1_2", "replicas", replica, "seed", hex_json(life, "seed"));
    json_t *out = run_stage("window_post", json_incref(task));
    assert_int_equal(json_array_size(json_object_get(out, "faults")), 0);
    const char *text = json_string_value(json_array_get(json_object_get(out, "proofs"), 0));
    uint8_t proof[SLK_BASE64_ROOM(256)];
    size_t len;
    assert_int_equal(strlen(text), 256);
    assert_true(slk_base64_decode(proof, &len, text, 256));
    assert_int_equal(len, SLK_GROTH16_PROOF_SZ);
    json_decref(out);
    /* `post verify` takes it */
    write_bytes("p", proof, len);
    sh("printf '[{\"sector\":4,\"comm_r\":\"%s\"}]' >list; FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" "
       "post verify --kind window --size 2KiB --randomness %s --replicas list p",
       text_of(life, "comm_r"), text_of(life, "seed"));
    assert_status(0);
    /* from a file with the vanilla proof, without the replica */
    sh("printf '[{\"sector\":4,\"comm_r\":\"%s\",\"cache\":\"cache\",\"sealed\":\"sealed\"}]' "
       ">list; \"$S\" post vanilla --kind window --size 2KiB --randomness %s --replicas list --out "
       ".",
       text_of(life, "comm_r"), text_of(life, "seed"));
    assert_status(0);
    json_t *given =
        json_pack("{s:i, s:s, s:[], s:o, s:{s:o}}", "miner_id", 127, "proof_type",
                  "StackedDrgWindow2KiBV1_2", "replicas", "seed", hex_json(life, "seed"), "selkie",
                  "vanilla_path", path_json("window-4.vanilla"));
    out = run_stage("window_post", json_incref(given));
    assert_int_equal(strlen(json_string_value(json_array_get(json_object_get(out, "proofs"), 0))),
                     256);
    json_decref(out);
    sh("truncate -s -1 window-4.vanilla");
    refuse_stage("window_post", SLK_ERR_LENGTH, "expected vanilla proofs of", json_incref(given));
    json_object_set_new(json_object_get(given, "selkie"), "vanilla_path", path_json("nothing"));
    refuse_stage("window_post", SLK_ERR_STATE, "the file of vanilla proofs is missing", given);
    /* a sector that cannot be read is a fault, and then there is no proof */
    json_t *gone = json_deep_copy(replica);
    json_object_set_new(gone, "sector_id", json_integer(3));
    json_object_set_new(gone, "sealed_file", path_json("nothing"));
    json_array_append_new(json_object_get(task, "replicas"), gone);
    out = run_stage("window_post", task);
    assert_int_equal(json_array_size(json_object_get(out, "proofs")), 0);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(out, "faults"), 0)), 3);
    json_decref(out);
    assert_has(said, "sector 3: ");
    json_decref(replica);
    json_decref(life);
}

/* --- C2: parameters take most of a minute to make ------------------------------------------------ */

static void test_c2(void **state)
{
    (void)state;
    json_t *life = sealed_life();
    sh("FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" params generate --size 2KiB --circuit porep");
    assert_status(0);
    json_t *task = sector_task(life);
    json_object_set_new(task, "miner_id", json_integer(127));
    json_object_set_new(task, "c1out", run_stage("c1", c1_task(life)));
    json_t *out = run_stage("c2", task);
    json_t *list = json_object_get(out, "proof");
    uint8_t proof[SLK_GROTH16_PROOF_SZ];
    assert_int_equal(json_array_size(list), sizeof proof);
    for (size_t i = 0; i < sizeof proof; i++)
        proof[i] = (uint8_t)json_integer_value(json_array_get(list, i));
    write_bytes("p", proof, sizeof proof);
    sh("FIL_PROOFS_PARAMETER_CACHE=keys \"$S\" seal verify --size 2KiB --miner 127 --sector %s "
       "--ticket %s --seed %s --comm-d %s --comm-r %s p",
       text_of(life, "sector"), text_of(life, "ticket"), text_of(life, "seed"),
       text_of(life, "comm_d"), text_of(life, "comm_r"));
    assert_status(0);
    json_decref(out);
    /* from a file */
    task = c1_task(life);
    json_object_set_new(task, "selkie", json_pack("{s:o}", "output_path", path_json("c1.json")));
    json_decref(run_stage("c1", task));
    task = sector_task(life);
    json_object_set_new(task, "selkie",
                        json_pack("{s:o, s:o}", "c1out_path", path_json("c1.json"), "partial_path",
                                  path_json("partial")));
    json_decref(run_stage("c2", task));
    sh("ls partial");
    assert_status(2);
    json_decref(life);
}

static int teardown(void **state)
{
    slk_processor_result_fini(&result);
    return test_dir_teardown(state);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),      cmocka_unit_test(test_back),
        cmocka_unit_test(test_foreign),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_url),       cmocka_unit_test(test_kill),
        cmocka_unit_test(test_isolation), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_ends),      cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_window),
    };
    const struct CMUnitTest slow[] = {cmocka_unit_test(test_c2)};
    if (argc > 1 && strcmp(argv[1], "slow") == 0)
        return cmocka_run_group_tests(slow, test_dir_setup, teardown);
    return cmocka_run_group_tests(tests, test_dir_setup, teardown);
}
