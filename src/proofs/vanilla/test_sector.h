#ifndef SLK_PROOFS_VANILLA_TEST_SECTOR_H
#define SLK_PROOFS_VANILLA_TEST_SECTOR_H

/* What the tests of vanilla proofs share: sectors of tests/vectors, their proofs, the text of
 * c1out. */

#include "test_util.h"

#include "base/assert.h"
#include "base/file.h"
#include "selkie/vanilla.h"

typedef struct {
    slk_porep_t porep;
    slk_vanilla_public_t pub;
    slk_node_t seed, ticket;
    char dir[512]; /* holds the cache files and "sealed" */
    slk_graph_t *graph;
    slk_vanilla_files_t *files;
    json_t *json;
    /* Challenges and records of all partitions, once sector_prove has run. */
    size_t cnt, record_sz;
    uint64_t *challenges;
    uint8_t *records;
} sector_t;

static inline slk_node_t json_node(json_t *json, const char *key)
{
    return node_from_hex(json_string_value(json_object_get(json, key)));
}

/* Read a small file of the sector's folder. */
static inline char *sector_file(const sector_t *s, const char *name, size_t *len)
{
    char path[1024], *text;
    slk_diag_t diag;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    assert_ok(slk_read_file(&text, len, path, SIZE_MAX - 1, &diag), diag);
    return text;
}

static inline void sector_paux(sector_t *s)
{
    size_t len;
    char *p_aux = sector_file(s, "p_aux", &len);
    assert_int_equal(len, 64);
    memcpy(s->pub.comm_c.b, p_aux, 32);
    memcpy(s->pub.comm_r_last.b, p_aux + 32, 32);
    free(p_aux);
}

/* The files of a sector in s->dir, whose porep and json are set. */
static inline slk_err_t sector_open_files(sector_t *s, slk_diag_t *diag)
{
    char replica[1024];
    snprintf(replica, sizeof replica, "%s/sealed", s->dir);
    return slk_vanilla_files_open(&s->files, &s->porep, s->dir, replica, &s->pub, diag);
}

/* A recorded 2KiB sector; its files lie in dir, NULL: in tests/vectors. */
static inline void sector_load(sector_t *s, const char *name, int registered, const char *dir)
{
    slk_diag_t diag;
    char file[128];
    memset(s, 0, sizeof *s);
    snprintf(file, sizeof file, "seal/%s.json", name);
    s->json = test_vectors(file);
    if (dir)
        snprintf(s->dir, sizeof s->dir, "%s", dir);
    else
        snprintf(s->dir, sizeof s->dir, "%s/seal/%s", SLK_VECTORS, name);
    assert_ok(slk_porep_by_id(&s->porep, registered, &diag), diag);
    s->pub.replica_id = json_node(s->json, "replica_id");
    s->pub.comm_d = json_node(s->json, "comm_d");
    s->pub.comm_r = json_node(s->json, "comm_r");
    s->seed = json_node(s->json, "seed");
    s->ticket = json_node(s->json, "ticket");
    sector_paux(s);
    assert_ok(slk_graph_new(&s->graph, &s->porep, &diag), diag);
    assert_ok(sector_open_files(s, &diag), diag);
}

static inline void sector_prove(sector_t *s, const slk_job_t *job)
{
    slk_diag_t diag;
    s->cnt = (size_t)s->porep.partitions * s->porep.challenges;
    s->record_sz = slk_vanilla_record_sz(&s->porep);
    s->challenges = calloc(s->cnt, sizeof *s->challenges);
    s->records = malloc(s->cnt * s->record_sz);
    assert_true(s->challenges && s->records);
    for (uint32_t k = 0; k < s->porep.partitions; k++)
        slk_challenges(s->challenges + (size_t)k * s->porep.challenges, &s->porep,
                       &s->pub.replica_id, &s->pub.comm_r, &s->seed, k);
    assert_ok(slk_vanilla_prove(s->records, s->files, s->graph, s->challenges, s->cnt, job, &diag),
              diag);
}

static inline bool sector_verify(const sector_t *s, slk_diag_t *diag)
{
    bool ok;
    assert_ok(slk_vanilla_verify(&ok, s->graph, &s->porep, &s->pub, s->challenges, s->records,
                                 s->cnt, NULL, diag),
              *diag);
    return ok;
}

static inline void sector_free(sector_t *s)
{
    slk_vanilla_files_close(s->files);
    slk_graph_free(s->graph);
    json_decref(s->json);
    free(s->challenges);
    free(s->records);
}

/* --- Text ----------------------------------------------------------------------------------- */

typedef struct {
    char *text;
    size_t len, cap;
} text_t;

static inline slk_err_t text_add(void *ctx, const char *text, size_t len, slk_diag_t *diag)
{
    (void)diag;
    text_t *t = ctx;
    if (t->len + len + 1 > t->cap) {
        t->cap = 2 * (t->len + len + 1);
        t->text = realloc(t->text, t->cap);
        assert_non_null(t->text);
    }
    memcpy(t->text + t->len, text, len);
    t->len += len;
    t->text[t->len] = 0;
    return SLK_OK;
}

static inline void text_puts(text_t *t, const char *text)
{
    slk_err_t err = text_add(t, text, strlen(text), NULL);
    assert_int_equal(err, SLK_OK);
}

/* [[proof,...],...]: all partitions. */
static inline void text_partitions(text_t *t, const sector_t *s)
{
    slk_diag_t diag;
    for (size_t i = 0; i < s->cnt; i++) {
        bool first = i % s->porep.challenges == 0;
        text_puts(t, i == 0 ? "[[" : first ? "],[" : ",");
        assert_ok(
            slk_vanilla_json(&s->porep, &s->pub, s->records + i * s->record_sz, text_add, t, &diag),
            diag);
    }
    text_puts(t, "]]");
}

static inline void text_member(text_t *t, const char *key, const slk_node_t *node)
{
    char item[64];
    snprintf(item, sizeof item, ",\"%s\":", key);
    text_puts(t, item);
    for (int i = 0; i < 32; i++) {
        snprintf(item, sizeof item, "%c%d", i ? ',' : '[', node->b[i]);
        text_puts(t, item);
    }
    text_puts(t, "]");
}

/* The whole document of C1. */
static inline void text_c1out(text_t *t, const sector_t *s)
{
    char head[160], shape[40];
    slk_porep_shape_name(&s->porep, shape);
    snprintf(head, sizeof head, "{\"registered_proof\":\"%s\",\"vanilla_proofs\":{\"%s\":",
             slk_porep_registered_name(s->porep.registered), shape);
    text_puts(t, head);
    text_partitions(t, s);
    text_puts(t, "}");
    text_member(t, "comm_r", &s->pub.comm_r);
    text_member(t, "comm_d", &s->pub.comm_d);
    text_member(t, "replica_id", &s->pub.replica_id);
    text_member(t, "seed", &s->seed);
    text_member(t, "ticket", &s->ticket);
    text_puts(t, "}");
}

static inline void assert_sha256(const void *data, size_t len, const char *hex)
{
    slk_node_t digest;
    slk_sha256(&digest, data, len);
    assert_node_hex(&digest, hex);
}

#endif /* SLK_PROOFS_VANILLA_TEST_SECTOR_H */
