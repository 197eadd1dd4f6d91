/* Window proofs: what workers read for themselves and for each other, what they skip, and the proof. */
#include "worker/post_impl.h"
#include "worker/test_worker_life.h"

#include "codec/base64.h"
#include "net/http_client.h"
#include "selkie/cid.h"
#include "selkie/verify.h"

#define WINDOW_2KIB 10 /* StackedDrgWindow2KiBV1_1 */

static slk_http_client_t *client;
static slk_http_answer_t answer;
static life_t life;
static char comm_r[2][80]; /* of the sectors at a and at b */

static const char randomness[] = "1122334455667788990011223344556677889900112233445566778899001ff3";

/* --- Two workers with a sealed sector each ----------------------------------------------------- */

static void seal_one(const node_t *node, uint64_t number, char out[80])
{
    life.number = number;
    sim_wait(&sim, add_pc1(&life, node, NULL), SIM_DONE, 60);
    json_t *end = sim_wait(&sim, add_pc2(&life, node), SIM_DONE, 60);
    snprintf(out, 80, "%s", result_text(end, "CommR"));
}

static int two(void **state)
{
    char more[512];
    setup(state);
    snprintf(more, sizeof more, "\"ParamsDir\":\"%s/keys\"", dir);
    node_make(&a, dir, "a", &sim, more);
    /* b proves with a program of its own, which gets replicas as damocles' do */
    snprintf(more, sizeof more,
             "\"ParamsDir\":\"%s/keys\",\"Processors\":{\"window_post\":{\"Program\":\"%s\"}}", dir,
             SLK_BINARY);
    node_make(&b, dir, "b", &sim, more);
    node_start_known(&a, &sim);
    node_start_known(&b, &sim);
    life = life_of("2k-cc-v1_1", 0);
    seal_one(&a, 4, comm_r[0]);
    seal_one(&b, 9, comm_r[1]);
    assert_ok(slk_http_client_new(&client, NULL, &diag), diag);
    return 0;
}

static int end(void **state)
{
    slk_http_answer_free(&answer);
    slk_http_client_free(client);
    json_decref(life.vector);
    return teardown(state);
}

static const char *url_of(const node_t *node)
{
    for (size_t i = 0; i < sim.worker_cnt; i++)
        if (!strcmp(sim.workers[i].name, node->name))
            return sim.workers[i].url;
    fail_msg("no worker %s", node->name);
    return NULL;
}

/* --- The job ----------------------------------------------------------------------------------- */

static json_t *holder(const char *store, const char *url)
{
    return json_pack("{ss,ss}", "Store", store, "URL", url);
}

/* Takes the holders. */
static json_t *row(uint64_t number, const char *commitment, json_t *holders)
{
    return json_pack("{sI,ss,ss,ss,so}", "Number", (json_int_t)number, "CommR", commitment, "Cache",
                     "cache", "Sealed", "sealed", "Holders", holders);
}

static json_t *row_a(void)
{
    return row(4, comm_r[0], json_pack("[o]", holder(a.seal, url_of(&a))));
}

static json_t *row_b(void)
{
    return row(9, comm_r[1], json_pack("[o]", holder(b.seal, url_of(&b))));
}

/* Takes the sectors; the id of the job. */
static uint64_t add_wdp(const node_t *node, json_t *rows, uint32_t read_ms, uint32_t sector_ms)
{
    json_t *params = json_pack("{ss,si,si,so,si,si}", "Randomness", randomness, "PoStProof",
                               WINDOW_2KIB, "Partition", 0, "Sectors", rows, "ReadTimeoutMs",
                               (int)read_ms, "SectorTimeoutMs", (int)sector_ms);
    return sim_add(&sim, node->id, "WDP", life.miner, INT64_MAX, params, json_array());
}

static json_t *prove_ms(json_t *rows, uint32_t read_ms, uint32_t sector_ms)
{
    uint64_t id = add_wdp(&a, rows, read_ms, sector_ms);
    return json_object_get(sim_wait(&sim, id, SIM_DONE, 60), "Result");
}

static json_t *prove(json_t *rows)
{
    return prove_ms(rows, 2000, 10000);
}

/* Why this sector was skipped; "" when it was not. */
static const char *skipped(const json_t *result, uint64_t number)
{
    const json_t *list = json_object_get(result, "Skipped"), *one;
    size_t i;
    json_array_foreach(
        list, i, one) if (json_integer_value(json_object_get(one, "Number")) ==
                          (json_int_t)number) return json_string_value(json_object_get(one, "Why"));
    return "";
}

static void assert_skipped(const json_t *result, size_t cnt, uint64_t number, const char *why)
{
    assert_string_equal(json_string_value(json_object_get(result, "Proof")), "");
    assert_int_equal(json_array_size(json_object_get(result, "Skipped")), cnt);
    assert_has(skipped(result, number), why);
}

/* --- Files that are put out of the way ---------------------------------------------------------- */

static void move_away(const char *path)
{
    char other[600];
    snprintf(other, sizeof other, "%s.away", path);
    assert_int_equal(rename(path, other), 0);
}

static void move_back(const char *path)
{
    char other[600];
    snprintf(other, sizeof other, "%s.away", path);
    unlink(path);
    assert_int_equal(rename(other, path), 0);
}

/* --- The proof ---------------------------------------------------------------------------------- */

static void test_proof(void **state)
{
    (void)state;
    char cmd[512];
    uint8_t proof[SLK_BASE64_ROOM(256)];
    size_t len;
    slk_post_t post;
    bool ok = false;
    slk_node_t seed = node_from_hex(randomness);
    slk_post_public_t pub[2] = {{4, node_from_hex(comm_r[0])}, {9, node_from_hex(comm_r[1])}};
    snprintf(cmd, sizeof cmd,
             "FIL_PROOFS_PARAMETER_CACHE=%s/keys %s params generate --size 2KiB --circuit window "
             ">/dev/null 2>&1",
             dir, SLK_BINARY);
    assert_int_equal(system(cmd), 0);
    json_t *result = prove(json_pack("[o,o]", row_a(), row_b()));
    assert_int_equal(json_array_size(json_object_get(result, "Skipped")), 0);
    const char *text = json_string_value(json_object_get(result, "Proof"));
    assert_int_equal(strlen(text), 256);
    assert_true(slk_base64_decode(proof, &len, text, 256));
    snprintf(cmd, sizeof cmd, "%s/keys", dir);
    slk_post_randomness(&seed);
    assert_ok(slk_post_by_id(&post, WINDOW_2KIB, &diag), diag);
    assert_ok(slk_post_verify(&ok, &post, &seed, pub, 2, proof, len, cmd, NULL, &diag), diag);
    assert_true(ok);
    /* one that stands for a skipped one */
    result = prove(json_pack("[o,o]", row_a(), row_a()));
    text = json_string_value(json_object_get(result, "Proof"));
    assert_int_equal(strlen(text), 256);
    assert_true(slk_base64_decode(proof, &len, text, 256));
    assert_ok(slk_post_verify(&ok, &post, &seed, pub, 1, proof, len, cmd, NULL, &diag), diag);
    assert_true(ok);
}

/* Sealed file and cache lie in two paths, here and there. */
static void test_split(void **state)
{
    (void)state;
    char from[2][512], to[2][512];
    const node_t *nodes[] = {&a, &b};
    const uint64_t numbers[] = {4, 9};
    for (size_t i = 0; i < 2; i++) {
        node_file(from[i], nodes[i]->seal_root, "cache", life.miner, numbers[i]);
        node_file(to[i], nodes[i]->store_root, "cache", life.miner, numbers[i]);
        assert_int_equal(rename(from[i], to[i]), 0);
    }
    json_t *both_paths =
        json_pack("[o,o]", holder(a.store, url_of(&a)), holder(a.seal, url_of(&a)));
    json_t *result = prove(json_pack("[o,o]", row(4, comm_r[0], both_paths), row_b()));
    assert_int_equal(json_array_size(json_object_get(result, "Skipped")), 0);
    assert_int_equal(strlen(json_string_value(json_object_get(result, "Proof"))), 256);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(rename(to[i], from[i]), 0);
    /* all of it in another path than was said */
    node_file(to[0], a.store_root, "sealed", life.miner, 4);
    node_file(to[1], a.store_root, "cache", life.miner, 4);
    char sealed[512];
    node_file(sealed, a.seal_root, "sealed", life.miner, 4);
    assert_int_equal(rename(sealed, to[0]) | rename(from[0], to[1]), 0);
    result = prove(json_pack("[o]", row_a()));
    assert_int_equal(strlen(json_string_value(json_object_get(result, "Proof"))), 256);
    assert_int_equal(rename(to[0], sealed) | rename(to[1], from[0]), 0);
}

/* A program that is not ours: files of its machine, and no others. */
static void test_foreign(void **state)
{
    (void)state;
    uint64_t id = add_wdp(&b, json_pack("[o]", row_b()), 2000, 10000);
    json_t *result = json_object_get(sim_wait(&sim, id, SIM_DONE, 60), "Result");
    assert_int_equal(strlen(json_string_value(json_object_get(result, "Proof"))), 256);
    id = add_wdp(&b, json_pack("[o,o]", row_a(), row_b()), 2000, 10000);
    assert_string_equal(failure(sim_wait(&sim, id, SIM_FAILED, 60), "lies at another worker"),
                        "permanent");
}

/* What no manager of ours sends. */
static void test_params(void **state)
{
    (void)state;
    static const struct {
        const char *params, *says;
    } rows[] = {
        {"{}", "PoStProof"},
        {"{\"PoStProof\":0}", "winning"},
        {"{\"PoStProof\":99}", "99"},
        {"{\"PoStProof\":10,\"Randomness\":\"12\"}", "Randomness"},
        {"S[]", "Sectors"},
        {"S[{},{},{}]", "1 to 2"},
        {"S[{\"Number\":-1}]", "Number"},
        {"S[{\"Number\":1,\"CommR\":\"x\"}]", "CommR"},
        {"S[{\"Number\":1,\"CommR\":C,\"Cache\":\"../cache\"}]", "Cache and Sealed"},
        {"S[{\"Number\":1,\"CommR\":C,\"Cache\":\"cache\",\"Sealed\":\"update\"}]",
         "Cache and Sealed"},
        {"S[{\"Number\":1,\"CommR\":C,\"Holders\":[{\"Store\":\"../x\"}]}]", "Holders"},
        {"S[{\"Number\":1,\"CommR\":C,\"Holders\":[{\"Store\":\"x\",\"URL\":\"file:///etc\"}]}]",
         "Holders"},
        {"S[{\"Number\":1,\"CommR\":C},{\"Number\":1,\"CommR\":R}]", "twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024], *end_of = text;
        for (const char *c = rows[i].params; *c; c++)
            end_of +=
                *c == 'S' && c == rows[i].params
                    ? sprintf(end_of,
                              "{\"PoStProof\":10,\"Randomness\":\"%s\",\"Sectors\":", randomness)
                : (*c == 'C' || *c == 'R') && c[-1] == ':'
                    ? sprintf(end_of, "\"%s\"", comm_r[*c == 'R'])
                    : sprintf(end_of, "%c", *c);
        if (rows[i].params[0] == 'S')
            strcpy(end_of, "}");
        json_error_t error;
        json_t *params = json_loads(text, 0, &error);
        if (!params)
            fail_msg("%s: %s", text, error.text);
        uint64_t id = sim_add(&sim, a.id, "WDP", life.miner, INT64_MAX, params, json_array());
        assert_string_equal(failure(sim_wait(&sim, id, SIM_FAILED, 20), rows[i].says), "permanent");
    }
}

/* --- What is skipped ---------------------------------------------------------------------------- */

static void test_skipped(void **state)
{
    (void)state;
    char sealed[512], cache[512], tree[600];
    uint8_t *bytes;
    size_t len;
    /* missing, here and there; the other one is named by nobody */
    node_file(sealed, a.seal_root, "sealed", life.miner, 4);
    move_away(sealed);
    assert_skipped(prove(json_pack("[o,o]", row_a(), row_b())), 1, 4, "missing");
    move_back(sealed);
    node_file(sealed, b.seal_root, "sealed", life.miner, 9);
    move_away(sealed);
    assert_skipped(prove(json_pack("[o,o]", row_a(), row_b())), 1, 9, "status 404");
    move_back(sealed);
    /* a tree in which one bit is another */
    node_file(cache, b.seal_root, "cache", life.miner, 9);
    snprintf(tree, sizeof tree, "%s/sc-02-data-tree-r-last.dat", cache);
    assert_ok(slk_read_file((char **)&bytes, &len, tree, 1 << 20, &diag), diag);
    for (size_t i = 0; i < len; i += 32)
        bytes[i] ^= 1;
    assert_ok(slk_write_file(tree, bytes, len, &diag), diag);
    assert_skipped(prove(json_pack("[o,o]", row_b(), row_a())), 1, 9, "status 500");
    assert_has(skipped(prove(json_pack("[o,o]", row_b(), row_a())), 9), "damaged");
    for (size_t i = 0; i < len; i += 32)
        bytes[i] ^= 1;
    assert_ok(slk_write_file(tree, bytes, len, &diag), diag);
    free(bytes);
    /* another commitment than that of the files */
    json_t *rows = json_pack("[o,o]", row_a(), row_b());
    json_object_set_new(json_array_get(rows, 0), "CommR", json_string(comm_r[1]));
    assert_skipped(prove(rows), 1, 4, "makes comm_r");
    /* nobody has it */
    assert_skipped(prove(json_pack("[o,o]", row_a(), row(7, comm_r[1], json_array()))), 1, 7,
                   "no path is known");
    /* a path that is not attached any more */
    assert_skipped(
        prove(json_pack("[o,o]", row_a(),
                        row(7, comm_r[1], json_pack("[o]", holder("gone-path", url_of(&a)))))),
        1, 7, "gone-path is not attached");
}

/* Disks that hang: a FIFO blocks whoever opens it. */
static void test_hangs(void **state)
{
    (void)state;
    char mine[512], theirs[512];
    double begin = slk_clock_seconds();
    node_file(mine, a.seal_root, "sealed", life.miner, 4);
    node_file(theirs, b.seal_root, "sealed", life.miner, 9);
    move_away(mine);
    assert_int_equal(mkfifo(mine, 0644), 0);
    assert_skipped(prove_ms(json_pack("[o,o]", row_a(), row_b()), 500, 3000), 1, 4,
                   "no answer for");
    move_away(theirs);
    assert_int_equal(mkfifo(theirs, 0644), 0);
    json_t *result = prove_ms(json_pack("[o,o]", row_a(), row_b()), 500, 3000);
    assert_skipped(result, 2, 4, "no answer for");
    assert_skipped(result, 2, 9, "status 504");
    assert_true(slk_clock_seconds() - begin < 15);
    /* the path was silent just now: nobody waits for it again */
    begin = slk_clock_seconds();
    result = prove_ms(json_pack("[o]", row_b()), 5000, 30000);
    assert_skipped(result, 1, 9, "not tried");
    assert_true(slk_clock_seconds() - begin < 5);
    move_back(mine);
    move_back(theirs);
    assert_int_equal(node_end(&a, 15), 0); /* it can end, whatever hangs */
}

/* A server for /remote that answers after a while, or with what it should not. */
typedef enum { SLOW, SLOW_PATH, LONG, GARBAGE, BUSY_ONCE } manner_t;

static struct {
    _Atomic manner_t manner;
    atomic_uint calls;
    slk_http_server_t *server;
    char url[64];
} peer;

static void answer_badly(slk_http_request_t *req, void *ctx)
{
    (void)ctx;
    static char bytes[1 << 20];
    atomic_fetch_add(&peer.calls, 1);
    const char *store = slk_http_arg(req, "store");
    if (peer.manner == SLOW || (peer.manner == SLOW_PATH && store && !strcmp(store, "slow")))
        for (int i = 0; i < 100 && !slk_http_gone(req); i++)
            usleep(100000);
    size_t len = peer.manner == GARBAGE || peer.manner == SLOW_PATH
                     ? slk_post_vanilla_sz(slk_size_by_name("2KiB"), 10)
                     : sizeof bytes;
    slk_http_reply(req, peer.manner == BUSY_ONCE && atomic_load(&peer.calls) < 2 ? 503 : 200, NULL,
                   bytes, len);
}

static void peer_up(void)
{
    slk_http_route_t route = {.methods = SLK_HTTP_ANY,
                              .path = "/",
                              .prefix = true,
                              .open = true,
                              .handler = answer_badly};
    slk_http_server_opts_t opts = {.routes = &route, .route_cnt = 1};
    assert_ok(slk_http_server_new(&peer.server, &opts, &diag), diag);
    snprintf(peer.url, sizeof peer.url, "http://127.0.0.1:%u/remote",
             slk_http_server_port(peer.server));
}

static json_t *row_peer(uint64_t number, const char *store)
{
    return row(number, comm_r[1], json_pack("[o]", holder(store, peer.url)));
}

static void test_peers(void **state)
{
    (void)state;
    peer_up();
    peer.manner = SLOW;
    double begin = slk_clock_seconds();
    json_t *result = prove_ms(json_pack("[o,o]", row_a(), row_peer(9, "p")), 500, 1000);
    assert_skipped(result, 1, 9, peer.url);
    assert_true(slk_clock_seconds() - begin < 8);
    peer.manner = LONG;
    assert_skipped(prove(json_pack("[o,o]", row_a(), row_peer(9, "p"))), 1, 9, "more than");
    peer.manner = GARBAGE;
    assert_skipped(prove(json_pack("[o,o]", row_a(), row_peer(9, "p"))), 1, 9,
                   "wrong vanilla proof");
    peer.manner = BUSY_ONCE; /* asked again */
    atomic_store(&peer.calls, 0);
    assert_skipped(prove(json_pack("[o,o]", row_a(), row_peer(9, "p"))), 1, 9, "more than");
    assert_int_equal(atomic_load(&peer.calls), 2);
    /* nobody listens there; the second holder has it, and the other sector fails for another reason */
    slk_http_server_free(peer.server, 100);
    json_t *holders = json_pack("[o,o]", holder("p", peer.url), holder(b.seal, url_of(&b)));
    result = prove_ms(
        json_pack("[o,o]", row(5, comm_r[0], json_array()), row(9, comm_r[1], holders)), 500, 1000);
    assert_skipped(result, 1, 5, "no path");
    begin = slk_clock_seconds();
    assert_skipped(prove_ms(json_pack("[o,o]", row_a(), row_peer(9, "p")), 500, 1000), 1, 9,
                   peer.url);
    assert_true(slk_clock_seconds() - begin < 8);
}

/* Many sectors of two paths of that peer, one of which hangs: it is not asked for each of its sectors, and those
 * of the other one do not wait for it. */
static void test_many(void **state)
{
    (void)state;
    enum { CNT = 400 };
    slk_worker_t w = {.remote_url = "http://127.0.0.1:1/remote", .name = "w"};
    slk_vanilla_sector_t *sectors = calloc(CNT, sizeof *sectors);
    slk_vanilla_holder_t *holders = calloc(CNT, sizeof *holders);
    slk_vanilla_run_t run = {.w = &w,
                             .sectors = sectors,
                             .cnt = CNT,
                             .read_ms = 500,
                             .sector_ms = 1000,
                             .randomness = node_from_hex(comm_r[0])};
    pthread_mutex_init(&w.mutex, NULL);
    w.key = sim.transfer;
    assert_ok(slk_post_by_id(&run.post, WINDOW_2KIB, &diag), diag);
    peer_up();
    peer.manner = SLOW_PATH;
    atomic_store(&peer.calls, 0);
    for (size_t i = 0; i < CNT; i++) {
        snprintf(holders[i].store, sizeof holders[i].store, i % 2 ? "fast" : "slow");
        snprintf(holders[i].url, sizeof holders[i].url, "%s", peer.url);
        sectors[i] = (slk_vanilla_sector_t){.holders = &holders[i], .holder_cnt = 1};
        sectors[i].ask = (slk_vanilla_ask_t){
            .sector = {life.miner, i}, .post = run.post, .leaf_cnt = run.post.challenges};
        sectors[i].position = (uint32_t)i;
    }
    double begin = slk_clock_seconds();
    assert_ok(slk_vanilla_remote(&run, 0, &diag), diag);
    assert_true(slk_clock_seconds() - begin < 9); /* one second and the slack, not 200 */
    unsigned tried = 0;
    for (size_t i = 0; i < CNT; i++) {
        assert_null(sectors[i].proof);
        if (i % 2)
            assert_has(sectors[i].why.text, "wrong vanilla proof");
        else
            tried += !strstr(sectors[i].why.text, "not asked for");
    }
    assert_in_range(tried, 1, 6);
    assert_int_equal(atomic_load(&peer.calls), CNT / 2 + tried);
    slk_http_server_free(peer.server, 100);
    pthread_mutex_destroy(&w.mutex);
    free(sectors);
    free(holders);
}

/* --- The route ------------------------------------------------------------------------------------ */

/* The status of a POST of the body; the answer is kept. */
static int post(const char *query, const char *token, const char *body, size_t len)
{
    char url[512];
    slk_http_answer_free(&answer);
    memset(&answer, 0, sizeof answer);
    snprintf(url, sizeof url, "%s/vanilla/single%s", url_of(&b), query);
    slk_http_call_t call = {.method = "POST",
                            .url = url,
                            .token = token,
                            .content_type = "application/json",
                            .body = body,
                            .body_len = len};
    assert_ok(slk_http_do(client, &call, &answer, &diag), diag);
    return answer.status;
}

/* A request with one member another; takes value, NULL: without it. */
static int post_with(const char *token, bool inner, const char *name, json_t *value)
{
    char cid[SLK_CID_STR_SZ];
    slk_node_t node = node_from_hex(comm_r[1]);
    slk_cid_format(cid, SLK_CID_SEALED, &node);
    json_t *body = json_pack("{sI,s{si,si,s{ss},s[i,i,i,i,i,i,i,i,i,i],sb},si}", "Miner",
                             (json_int_t)life.miner, "Sector", "SealProof", 5, "SectorNumber", 9,
                             "SealedCID", "/", cid, "Challenge", 0, 1, 2, 3, 4, 5, 6, 7, 8, 63,
                             "Update", 0, "ProofType", WINDOW_2KIB);
    json_t *object = inner ? json_object_get(body, "Sector") : body;
    if (name && value)
        json_object_set_new(object, name, value);
    else if (name)
        json_object_del(object, name);
    char *text = json_dumps(body, JSON_COMPACT);
    int status = post("", token, text, strlen(text));
    free(text);
    json_decref(body);
    return status;
}

static void test_route(void **state)
{
    (void)state;
    char good[SLK_TOKEN_TEXT_MAX], read[SLK_TOKEN_TEXT_MAX], other[SLK_TOKEN_TEXT_MAX];
    slk_token_key_t key;
    slk_post_t window;
    slk_post_vanilla_t proof;
    slk_token_new(good, &sim.transfer, slk_perms_upto(SLK_PERM_ADMIN));
    slk_token_new(read, &sim.transfer, slk_perms_upto(SLK_PERM_READ));
    assert_ok(slk_token_key_new(&key, &diag), diag);
    slk_token_new(other, &key, slk_perms_upto(SLK_PERM_ADMIN));
    assert_ok(slk_post_by_id(&window, WINDOW_2KIB, &diag), diag);
    assert_int_equal(post_with(good, false, NULL, NULL), 200);
    assert_ok(slk_post_vanilla_parse(&proof, window.size, (const uint8_t *)answer.body,
                                     answer.body_len, &diag),
              diag);
    assert_int_equal(proof.sector, 9);
    assert_int_equal(proof.cnt, 10);
    slk_post_path_t path;
    slk_post_vanilla_path(&path, window.size, &proof, 9);
    assert_int_equal(path.leaf, 63);
    /* rights */
    assert_int_equal(post_with(NULL, false, NULL, NULL), 401);
    assert_int_equal(post_with(other, false, NULL, NULL), 401);
    assert_int_equal(post_with(read, false, NULL, NULL), 403);
    /* what is not here */
    assert_int_equal(post_with(good, true, "SectorNumber", json_integer(8)), 404);
    assert_int_equal(post_with(good, false, "Miner", json_integer(8)), 404);
    assert_int_equal(post_with(good, true, "Update", json_true()), 404);
    /* malformed */
    assert_int_equal(post_with(good, true, "SectorNumber", json_string("../../9")), 400);
    assert_int_equal(post_with(good, false, "Miner", json_string("1000/../..")), 400);
    assert_int_equal(post_with(good, false, "Miner", json_integer(-1)), 400);
    assert_int_equal(post_with(good, false, "Sector", NULL), 400);
    assert_int_equal(post_with(good, true, "SealedCID", json_string("baga")), 400);
    assert_int_equal(post_with(good, true, "Challenge", json_pack("[i,i]", 1, 2)), 400);
    assert_has(answer.body, "Challenge");
    assert_int_equal(post_with(good, true, "Challenge",
                               json_pack("[i,i,i,i,i,i,i,i,i,i]", 0, 1, 2, 3, 4, 5, 6, 7, 8, 64)),
                     400);
    assert_int_equal(post_with(good, true, "SealProof", json_integer(8)), 400);
    assert_int_equal(post_with(good, false, "ProofType", json_integer(0)), 400); /* 66 challenges */
    assert_int_equal(post_with(good, false, "ProofType", json_integer(15)), 400);
    assert_int_equal(post("?store=../x", good, "{}", 2), 400);
    assert_int_equal(post("?read_ms=0", good, "{}", 2), 400);
    assert_int_equal(post("", good, "", 0), 400);
    assert_int_equal(post("", good, "[]", 2), 400);
    char *large = malloc(1 << 20);
    memset(large, ' ', 1 << 20);
    assert_int_equal(post("", good, large, 1 << 20), 413);
    free(large);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] =
        {
            cmocka_unit_test(test_skipped), cmocka_unit_test(test_route),
            cmocka_unit_test(test_params),  cmocka_unit_test(test_proof),
            cmocka_unit_test(test_split), /* with the parameters of the one before */
            cmocka_unit_test(test_foreign),
        };
    const struct CMUnitTest slow[] = {
        cmocka_unit_test(test_peers), cmocka_unit_test(test_many),
        cmocka_unit_test(test_hangs), /* the last: worker a ends */
    };
    if (argc == 3 && !strcmp(argv[1], "worker"))
        return node_main(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3)
        cmocka_set_test_filter(argv[2]);
    if (argc >= 2 && !strcmp(argv[1], "slow"))
        return cmocka_run_group_tests(slow, two, end);
    return cmocka_run_group_tests(quick, two, end);
}
