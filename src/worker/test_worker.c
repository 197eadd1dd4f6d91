/* A worker and a simulated manager: the life of sectors, settings, operators. */
#include "cluster/task.h"
#include "worker/test_worker_life.h"

#include "codec/base64.h"
#include "selkie/verify.h"

/* --- The life of a sector ---------------------------------------------------------------------- */

static json_t *from(json_t *row, const char *store, bool move)
{
    json_object_set_new(row, "From", json_string(store));
    json_object_set_new(row, "Move", json_boolean(move));
    return row;
}

static void test_life(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    char path[512];
    node_make(&a, dir, "alice", &sim, NULL);
    node_start_known(&a, &sim);
    seal(&life, &a, NULL);
    sim_wait_has(&sim, life.miner, life.number, "cache", a.seal, true);
    check_c1(&life, add_c1(&life, &a));
    /* FIN twice: the second has nothing to do */
    for (unsigned i = 0; i < 2; i++)
        sim_wait(&sim,
                 sim_add(&sim, a.id, "FIN", life.miner, life.number,
                         json_pack("{sb}", "KeepUnsealed", 0), both("existing", a.seal)),
                 SIM_DONE, 20);
    node_file(path, a.seal_root, "cache", life.miner, life.number);
    strcat(path, "/sc-02-data-layer-1.dat");
    assert_int_equal(access(path, F_OK), -1);
    /* GET within the worker, twice */
    for (unsigned i = 0; i < 2; i++)
        sim_wait(
            &sim,
            sim_add(&sim, a.id, "GET", life.miner, life.number, NULL,
                    json_pack("[o,o]", from(file_row("sealed", "fetch", a.store), a.seal, true),
                              from(file_row("cache", "fetch", a.store), a.seal, true))),
            SIM_DONE, 20);
    assert_true(node_has(a.store_root, "sealed", life.miner, life.number));
    assert_false(node_has(a.seal_root, "sealed", life.miner, life.number));
    assert_true(sim_has(&sim, life.miner, life.number, "sealed", a.store));
    assert_false(sim_has(&sim, life.miner, life.number, "sealed", a.seal));
    sim_wait(&sim,
             sim_add(&sim, a.id, "RM", life.miner, life.number,
                     json_pack("{s[s,s]}", "Types", "sealed", "cache"), NULL),
             SIM_DONE, 20);
    assert_false(node_has(a.store_root, "sealed", life.miner, life.number));
    assert_false(sim_has(&sim, life.miner, life.number, "cache", a.store));
    assert_int_equal(node_end(&a, 20), 0);
    for (size_t i = 0; i < sim.job_cnt; i++)
        assert_int_equal(sim.jobs[i].ends, 1);
    assert_int_equal(sim.stale, 0);
    json_decref(life.vector);
}

/* --- Pieces ------------------------------------------------------------------------------------- */

static json_t *piece_row(const char *comm_p, uint64_t size, const char *source, uint64_t payload)
{
    slk_piece_t piece = {.padded = size, .comm_p = node_from_hex(comm_p)};
    json_t *row = slk_json_of_piece(&piece);
    json_object_set_new(row, "Source", json_string(source));
    json_object_set_new(row, "PayloadSize", json_integer((json_int_t)payload));
    return row;
}

static void commp_of(char hex[65], const char *path, uint64_t padded)
{
    slk_commp_t commp;
    int fd = open(path, O_RDONLY);
    assert_ok(slk_commp_fd(&commp, padded, fd, path, NULL, &diag), diag);
    close(fd);
    strcpy(hex, slk_node_hex(&commp.piece.comm_p).s);
}

static uint64_t add_ap(uint64_t number, const char *use, json_t *existing, json_t *add)
{
    return sim_add(&sim, a.id, "AP", 127, number,
                   json_pack("{so,so}", "Existing", existing ? existing : json_array(), "Add", add),
                   json_pack("[o]", file_row("unsealed", use, a.seal)));
}

static void test_pieces(void **state)
{
    (void)state;
    life_t life = life_of("2k-data-v1_1", 0);
    char path[192], url[512], comm[3][65];
    node_make(&a, dir, "alice", &sim, NULL);
    node_start_known(&a, &sim);
    /* the recorded sector, from a file */
    snprintf(path, sizeof path, "%s/whole", dir);
    write_data(path, "2k-data-v1_1 data", 2032);
    json_t *end = sim_wait(&sim,
                           add_ap(life.number, "make", NULL,
                                  json_pack("[o]", piece_row(life.comm_d, 2048, path, 2032))),
                           SIM_DONE, 20);
    assert_int_equal(json_array_size(json_object_get(json_object_get(end, "Result"), "Pieces")), 1);
    seal(&life, &a, a.seal);
    check_c1(&life, add_c1(&life, &a));
    /* two pieces, one over HTTP from the manager's store, behind one that is there; twice */
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        snprintf(path, sizeof path, "%s/%s", sim.piece_dir, name);
        write_data(path, name, i == 0 ? 508 : 254);
        commp_of(comm[i], path, i == 0 ? 512 : 256);
    }
    snprintf(path, sizeof path, "%s/p1", sim.piece_dir);
    sim_wait(&sim, add_ap(77, "make", NULL, json_pack("[o]", piece_row(comm[1], 256, path, 254))),
             SIM_DONE, 20);
    snprintf(url, sizeof url, "%s/piecestore/p0", sim.url);
    snprintf(path, sizeof path, "%s/p2", sim.piece_dir);
    for (unsigned i = 0; i < 2; i++) {
        end = sim_wait(
            &sim,
            add_ap(77, "existing", json_pack("[o]", piece_row(comm[1], 256, "", 0)),
                   json_pack("[o,o]",
                             piece_row(comm[0], 512, i ? "manager:/piecestore/p0" : url, 508),
                             piece_row(comm[2], 256, path, 0))),
            SIM_DONE, 20);
        const json_t *pieces = json_object_get(json_object_get(end, "Result"), "Pieces");
        assert_int_equal(json_array_size(pieces), 4); /* zeros of 256 between */
        assert_int_equal(json_integer_value(json_object_get(json_array_get(pieces, 2), "Size")),
                         512);
    }
    struct stat st;
    node_file(url, a.seal_root, "unsealed", 127, 77);
    assert_int_equal(stat(url, &st), 0);
    assert_int_equal(st.st_size, 1280);
    json_decref(life.vector);
}

/* What does not commit to what it should never counts. */
static void test_wrong_piece(void **state)
{
    (void)state;
    char path[192], url[160], other[65], unsealed[512];
    struct stat st;
    node_make(&a, dir, "alice", &sim, NULL);
    node_start_known(&a, &sim);
    snprintf(path, sizeof path, "%s/p0", sim.piece_dir);
    write_data(path, "p0", 254);
    commp_of(other, path, 256);
    sim_wait(&sim, add_ap(5, "make", NULL, json_pack("[o]", piece_row(other, 256, path, 254))),
             SIM_DONE, 20);
    write_data(path, "other", 254);
    snprintf(url, sizeof url, "%s/piecestore/p0", sim.url);
    const char *sources[] = {path, url};
    for (unsigned i = 0; i < 2; i++) {
        json_t *end = sim_wait(&sim,
                               add_ap(5, "existing", json_pack("[o]", piece_row(other, 256, "", 0)),
                                      json_pack("[o]", piece_row(other, 256, sources[i], 254))),
                               SIM_FAILED, 20);
        assert_string_equal(failure(end, sources[i]), "input");
        assert_string_equal(failure(end, "comm_p"), "input");
    }
    /* too long, too short, missing */
    json_t *end =
        sim_wait(&sim, add_ap(6, "make", NULL, json_pack("[o]", piece_row(other, 256, path, 250))),
                 SIM_FAILED, 20);
    assert_string_equal(failure(end, "comm_p"), "input");
    snprintf(url, sizeof url, "%s/piecestore/none", sim.url);
    end = sim_wait(&sim, add_ap(6, "make", NULL, json_pack("[o]", piece_row(other, 256, url, 254))),
                   SIM_FAILED, 20);
    assert_string_equal(failure(end, "404"), "temporary");
    /* the sector goes on from what was right */
    write_data(path, "p0", 254);
    sim_wait(&sim,
             add_ap(5, "existing", json_pack("[o]", piece_row(other, 256, "", 0)),
                    json_pack("[o]", piece_row(other, 256, path, 254))),
             SIM_DONE, 20);
    node_file(unsealed, a.seal_root, "unsealed", 127, 5);
    assert_int_equal(stat(unsealed, &st), 0);
    assert_int_equal(st.st_size, 512);
}

/* --- Files that are not as they should be -------------------------------------------------------- */

static void test_damaged(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    char path[512];
    node_make(&a, dir, "alice", &sim, NULL);
    node_start_known(&a, &sim);
    sim_wait(&sim, add_pc1(&life, &a, NULL), SIM_DONE, 30);
    node_file(path, a.seal_root, "cache", life.miner, life.number);
    strcat(path, "/sc-02-data-layer-2.dat");
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, 700), 6);
    close(fd);
    json_t *end = sim_wait(&sim, add_pc2(&life, &a), SIM_FAILED, 30);
    assert_string_equal(failure(end, "layer-2"), "input");
    /* PC1 makes what is damaged again, and begins anew with another ticket; PC2 is right then */
    seal(&life, &a, NULL);
    life_t other = life;
    other.ticket = other.seed;
    sim_wait(&sim, add_pc1(&other, &a, NULL), SIM_DONE, 30);
    seal(&life, &a, NULL);
    /* a file that is not there is said to be so, and the path is declared anew */
    node_file(path, a.seal_root, "sealed", life.miner, life.number);
    unlink(path);
    assert_true(sim_has(&sim, life.miner, life.number, "sealed", a.seal));
    end = sim_wait(&sim, add_c1(&life, &a), SIM_FAILED, 30);
    assert_string_equal(failure(end, "is not there"), "input");
    sim_wait_has(&sim, life.miner, life.number, "sealed", a.seal, false);
    json_decref(life.vector);
}

static void test_no_space(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    slk_path_meta_t meta = {0};
    node_make(&a, dir, "alice", &sim, NULL);
    assert_ok(slk_path_meta_read(&meta, a.seal_root, &diag), diag);
    meta.max_storage = 9000; /* of one sector, not of two */
    assert_ok(slk_path_meta_write(&meta, a.seal_root, &diag), diag);
    slk_path_meta_free(&meta);
    node_start_known(&a, &sim);
    json_t *end = sim_wait(&sim, add_pc1(&life, &a, NULL), SIM_FAILED, 30);
    assert_string_equal(failure(end, a.seal_root), "no space");
    /* the same again, with room for it */
    assert_ok(slk_path_meta_read(&meta, a.seal_root, &diag), diag);
    meta.max_storage = 0;
    assert_ok(slk_path_meta_write(&meta, a.seal_root, &diag), diag);
    slk_path_meta_free(&meta);
    kill(a.pid, SIGHUP);
    sim_wait_worker(&sim, "alice", 10);
    sim_wait_worker(&sim, "alice", 10);
    sim_wait(&sim, add_pc1(&life, &a, NULL), SIM_DONE, 30);
    json_decref(life.vector);
}

/* --- Two workers -------------------------------------------------------------------------------- */

static json_t *fetched(const char *type, const node_t *to, const char *store, const life_t *life,
                       bool move)
{
    char url[512];
    snprintf(url, sizeof url, "%s/%s/s-t0%" PRIu64 "-%" PRIu64, sim.workers[0].url, type,
             life->miner, life->number);
    json_t *row = file_row(type, "fetch", store);
    json_array_append_new(json_object_get(row, "Sources"),
                          json_pack("{ss,ss}", "Store", a.seal, "URL", url));
    json_object_set_new(row, "Move", json_boolean(move));
    (void)to;
    return row;
}

static void test_two_workers(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    node_make(&a, dir, "alice", &sim, NULL);
    node_make(&b, dir, "bob", &sim, NULL);
    node_start_known(&a, &sim);
    node_start_known(&b, &sim);
    assert_string_not_equal(a.id, b.id);
    sim_wait(&sim, add_pc1(&life, &a, NULL), SIM_DONE, 30);
    /* PC2 by the other, with what PC1 left */
    json_t *end = sim_wait(&sim,
                           sim_add(&sim, b.id, "PC2", life.miner, life.number,
                                   json_pack("{ss}", "Ticket", life.ticket),
                                   json_pack("[o,o]", fetched("sealed", &b, b.seal, &life, true),
                                             fetched("cache", &b, b.seal, &life, true))),
                           SIM_DONE, 30);
    assert_string_equal(result_text(end, "CommR"), life.comm_r);
    assert_false(node_has(a.seal_root, "sealed", life.miner, life.number));
    assert_true(node_has(b.seal_root, "cache", life.miner, life.number));
    assert_false(sim_has(&sim, life.miner, life.number, "sealed", a.seal));
    assert_true(sim_has(&sim, life.miner, life.number, "sealed", b.seal));
    /* nothing there to fetch: the manager's picture is old */
    end = sim_wait(&sim,
                   sim_add(&sim, b.id, "GET", life.miner, 99, NULL,
                           json_pack("[o]", fetched("sealed", &b, b.store,
                                                    &(life_t){.miner = 1, .number = 9}, true))),
                   SIM_FAILED, 40);
    assert_string_equal(failure(end, "sealed"), "temporary");
    /* GET with a copy that stays */
    snprintf(sim.workers[0].url, sizeof sim.workers[0].url, "%s", sim.workers[1].url);
    strcpy(a.seal, b.seal);
    sim_wait(&sim,
             sim_add(&sim, b.id, "GET", life.miner, life.number, NULL,
                     json_pack("[o]", fetched("sealed", &b, b.store, &life, false))),
             SIM_DONE, 20);
    assert_true(node_has(b.store_root, "sealed", life.miner, life.number));
    assert_true(node_has(b.seal_root, "sealed", life.miner, life.number));
    json_decref(life.vector);
}

/* --- Starting ------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    node_make(&a, dir, "alice", &sim, NULL);
    node_start_known(&a, &sim);
    b = a;
    node_start(&b);
    assert_int_equal(node_wait(&b, 10), -SLK_ERR_BUSY);
    assert_has(node_log(&a), "another worker runs here");
    assert_int_equal(node_end(&a, 10), 0);
    pthread_mutex_lock(&sim.mutex);
    sim.protocol = 2;
    pthread_mutex_unlock(&sim.mutex);
    node_start(&a);
    assert_int_equal(node_wait(&a, 10), -SLK_ERR_UNSUPPORTED);
    assert_has(node_log(&a), "this manager 2");
    char path[256];
    snprintf(path, sizeof path, "%s/manager-token", a.repo);
    assert_ok(slk_write_file(path, "a.b.c", 5, &diag), diag);
    node_start(&a);
    assert_int_equal(node_wait(&a, 10), -SLK_ERR_PERM);
    assert_null(strstr(node_log(&a), sim.token));
}

static void test_operators(void **state)
{
    (void)state;
    json_t *list, *info;
    char id[SLK_STORAGE_ID_MAX], root[160];
    node_make(&a, dir, "alice", &sim, "\"Tasks\":{\"C2\":0,\"PC1\":3},\"Miners\":[1000]");
    assert_err(SLK_ERR_STATE, slk_worker_info(&info, a.repo, &diag));
    node_start_known(&a, &sim);
    assert_ok(slk_worker_info(&info, a.repo, &diag), diag);
    assert_string_equal(json_string_value(json_object_get(info, "Worker")), a.id);
    assert_true(json_is_true(json_object_get(info, "Connected")));
    assert_int_equal(json_array_size(json_object_get(info, "Stores")), 2);
    json_decref(info);
    /* tasks as configured */
    const json_t *row;
    size_t i;
    json_array_foreach(sim.workers[0].tasks, i, row)
    {
        const char *task = json_string_value(json_object_get(row, "Task"));
        json_int_t limit = json_integer_value(json_object_get(row, "Limit"));
        assert_string_not_equal(task, "C2");
        assert_int_equal(limit, !strcmp(task, "PC1") ? 3 : strstr("FIN GET RM", task) ? 4 : 1);
    }
    assert_int_equal(i, SLK_TASK_CNT - 1);
    /* a path more, while it runs; and less */
    snprintf(root, sizeof root, "%s/more", dir);
    assert_ok(slk_worker_path_init(id, a.repo, root, true, NULL, &diag), diag);
    assert_err(SLK_ERR_STATE, slk_worker_path_init(id, a.repo, root, true, NULL, &diag));
    assert_ok(slk_worker_path_attach(id, a.repo, root, &diag), diag);
    for (i = 0; i < 500 && sim_stores(&sim) != 3; i++)
        usleep(10000);
    assert_int_equal(sim_stores(&sim), 3);
    assert_ok(slk_worker_path_list(&list, a.repo, &diag), diag);
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 2), "ID")), id);
    json_decref(list);
    assert_ok(slk_worker_path_detach(a.repo, id, &diag), diag);
    assert_err(SLK_ERR_NOTFOUND, slk_worker_path_detach(a.repo, id, &diag));
    for (i = 0; i < 500 && sim_stores(&sim) != 2; i++)
        usleep(10000);
    assert_int_equal(sim_stores(&sim), 2);
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"Nam = \"x\"", "Nam: expected no key of this name"},
        {"Port = 70000", "Port: expected a whole number from 0 to 65535"},
        {"Tasks = [1]", "Tasks: expected a table"},
        {"Miners = [\"f01\"]", "Miners: expected a whole number"},
        {"[Processors.c2]\nProg = 1", "Processors.c2.Prog"},
        {"[Processors.c2]\nTotalSeconds = -1", "seconds above 0"},
        {"Processors = 1", "Processors: expected tables"},
        {"Name = ", "config.toml:1"},
        {"Name = \"a\"\nName = \"b\"", "config.toml:2"},
    };
    slk_worker_config_t config;
    char path[128];
    assert_ok(slk_worker_config_load(&config, dir, &diag), diag);
    assert_null(config.opts.name);
    slk_worker_config_free(&config);
    snprintf(path, sizeof path, "%s/config.toml", dir);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_ok(slk_write_file(path, bad[i].text, strlen(bad[i].text), &diag), diag);
        assert_err(SLK_ERR_FORMAT, slk_worker_config_load(&config, dir, &diag));
        assert_has(diag.text, bad[i].says);
        assert_has(diag.text, path);
    }
    const char *good = "Name = \"n\"\nTrashGraceHours = 2\n[Tasks]\nPC1 = 2\n[Processors.pc1]\n"
                       "Program = \"/bin/x\"\nArgs = [\"a\", \"b\"]\nClearEnv = true\n"
                       "GraceSeconds = 1.5\n";
    assert_ok(slk_write_file(path, good, strlen(good), &diag), diag);
    assert_ok(slk_worker_config_load(&config, dir, &diag), diag);
    assert_int_equal(config.opts.trash_grace_s, 7200);
    assert_int_equal(config.opts.limits[0].limit, 2);
    assert_string_equal(config.opts.processors[0].args[1], "b");
    assert_null(config.opts.processors[0].args[2]);
    assert_true(config.opts.processors[0].clear_env);
    slk_worker_config_free(&config);
}

/* --- C2: parameters take most of a minute to make --------------------------------------------------- */

static void test_c2(void **state)
{
    (void)state;
    life_t life = life_of("2k-cc-v1_1", 0);
    char more[512], command[512];
    snprintf(command, sizeof command,
             "FIL_PROOFS_PARAMETER_CACHE=%s/keys '%s' params generate --size 2KiB --circuit porep "
             "--quiet >/dev/null",
             dir, SLK_BINARY);
    assert_int_equal(system(command), 0);
    snprintf(more, sizeof more, "\"ParamsDir\":\"%s/keys\"", dir);
    node_make(&a, dir, "alice", &sim, more);
    node_start_known(&a, &sim);
    seal(&life, &a, NULL);
    uint64_t c1 = add_c1(&life, &a);
    check_c1(&life, c1);
    json_t *params = claim(&life);
    json_object_set_new(params, "C1", json_integer((json_int_t)c1));
    json_t *end = sim_wait(
        &sim, sim_add(&sim, a.id, "C2", life.miner, life.number, json_deep_copy(params), NULL),
        SIM_DONE, 300);
    const char *text = result_text(end, "Proof");
    uint8_t proof[192 * 2];
    size_t len;
    bool ok;
    char keys[128];
    assert_true(strlen(text) <= 256);
    assert_true(slk_base64_decode(proof, &len, text, strlen(text)));
    slk_seal_claim_t seal_claim = {.miner = life.miner,
                                   .sector = life.number,
                                   .ticket = node_from_hex(life.ticket),
                                   .seed = node_from_hex(life.seed),
                                   .comm_d = node_from_hex(life.comm_d),
                                   .comm_r = node_from_hex(life.comm_r)};
    assert_ok(slk_porep_by_id(&seal_claim.porep, 5, &diag), diag);
    snprintf(keys, sizeof keys, "%s/keys", dir);
    assert_ok(slk_seal_verify(&ok, &seal_claim, proof, len, keys, NULL, &diag), diag);
    assert_true(ok);
    /* of another seed: found here, not on the chain */
    json_object_set_new(params, "Seed", json_string(life.ticket));
    end = sim_wait(&sim, sim_add(&sim, a.id, "C2", life.miner, life.number, params, NULL),
                   SIM_FAILED, 300);
    assert_string_equal(failure(end, "does not verify"), "permanent");
    json_decref(life.vector);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_piece, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operators, setup, teardown),
        cmocka_unit_test_setup_teardown(test_config, setup, teardown),
    };
    const struct CMUnitTest slow[] = {
        cmocka_unit_test_setup_teardown(test_c2, setup, teardown),
    };
    TEST_WORKER_MAIN(quick, slow);
}
