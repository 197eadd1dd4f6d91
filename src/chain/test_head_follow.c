#include "test_util.h"

#include "base/assert.h"
#include "chain/head_follow.h"

static slk_diag_t diag;
static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

/* --- A simulated chain: a tree of tipsets, one of which is the node's head ------------------- */

enum { TREE_MAX = 20000 };

typedef struct {
    slk_head_t head;
    int parent;
} node_t;

typedef struct {
    node_t *nodes;
    int cnt, head;
} tree_t;

static int grow(tree_t *tree, int parent, uint64_t nulls)
{
    assert_true(tree->cnt < TREE_MAX);
    node_t *node = &tree->nodes[tree->cnt];
    uint32_t name = (uint32_t)tree->cnt;
    slk_cid_t cid = slk_cid_of_cbor(&name, sizeof name);
    *node = (node_t){.parent = parent};
    memcpy(node->head.key.b, cid.b, cid.len);
    node->head.key.len = cid.len;
    if (parent >= 0) {
        node->head.parents = tree->nodes[parent].head.key;
        node->head.height = tree->nodes[parent].head.height + 1 + (int64_t)nulls;
    }
    return tree->cnt++;
}

static int find(const tree_t *tree, const slk_tipset_key_t *key)
{
    for (int i = tree->cnt; i-- > 0;)
        if (slk_tipset_key_eq(&tree->nodes[i].head.key, key))
            return i;
    return -1;
}

static size_t path(const tree_t *tree, int from, int to, slk_change_t *out, size_t max)
{
    static int up[TREE_MAX];
    size_t cnt = 0, ups = 0;
    while (from != to) {
        const slk_head_t *a = &tree->nodes[from].head, *b = &tree->nodes[to].head;
        if (a->height >= b->height) {
            assert_true(cnt < max);
            out[cnt++] = (slk_change_t){.type = SLK_CHANGE_REVERT, .head = *a};
            from = tree->nodes[from].parent;
        } else {
            up[ups++] = to;
            to = tree->nodes[to].parent;
        }
    }
    while (ups) {
        assert_true(cnt < max);
        out[cnt++] = (slk_change_t){.type = SLK_CHANGE_APPLY, .head = tree->nodes[up[--ups]].head};
    }
    return cnt;
}

static int at_height(const tree_t *tree, int node, int64_t height)
{
    while (tree->nodes[node].head.height > height)
        node = tree->nodes[node].parent;
    return node;
}

/* --- A listener that checks what it sees, and is the follower's memory over restarts -------- */

typedef struct {
    slk_head_t chain[4000];
    size_t cnt;
    bool cut;
    uint64_t applied, reverted;
} listener_t;

static void listen(listener_t *l, slk_follow_t *follow)
{
    slk_change_t step;
    while (slk_follow_take(follow, &step)) {
        if (step.type == SLK_CHANGE_REVERT) {
            assert_true(l->cnt > 0);
            assert_true(slk_tipset_key_eq(&l->chain[l->cnt - 1].key, &step.head.key));
            l->cnt--;
            l->reverted++;
            continue;
        }
        assert_int_equal(step.type, SLK_CHANGE_APPLY);
        if (l->cnt) {
            assert_true(slk_tipset_key_eq(&step.head.parents, &l->chain[l->cnt - 1].key));
            assert_true(step.head.height > l->chain[l->cnt - 1].height);
        }
        if (l->cnt == SLK_FOLLOW_WINDOW) {
            memmove(l->chain, l->chain + 1, --l->cnt * sizeof *l->chain);
            l->cut = true;
        }
        l->chain[l->cnt++] = step.head;
        l->applied++;
    }
    assert_false(follow->full);
}

static slk_change_t scratch[TREE_MAX];

/* Answer asks until there are none; with some luck the node forgot a tipset. */
static void serve(slk_follow_t *follow, listener_t *l, const tree_t *tree, unsigned forget)
{
    for (int i = 0; follow->ask.type != SLK_ASK_NOTHING && follow->ask.type != SLK_ASK_NOBODY;
         i++) {
        assert_true(i < 1000);
        slk_ask_t ask = follow->ask;
        bool forgot = forget && random_below(100) < forget;
        if (ask.type == SLK_ASK_HEAD) {
            slk_change_t head = {.type = SLK_CHANGE_CURRENT, .head = tree->nodes[tree->head].head};
            slk_follow_told(follow, &head, 1);
        } else if (ask.type == SLK_ASK_PATH) {
            int from = find(tree, &ask.from), to = find(tree, &ask.to);
            if (forgot || from < 0 || to < 0)
                slk_follow_unknown(follow);
            else
                slk_follow_path(follow, scratch, path(tree, from, to, scratch, TREE_MAX));
        } else {
            int to = find(tree, &ask.to);
            if (to < 0 || tree->nodes[to].head.height < ask.height)
                slk_follow_unknown(follow);
            else
                slk_follow_tipset(follow, &tree->nodes[at_height(tree, to, ask.height)].head);
        }
        listen(l, follow);
    }
}

static tree_t tree_new(void)
{
    tree_t tree = {.nodes = calloc(TREE_MAX, sizeof(node_t))};
    assert_non_null(tree.nodes);
    grow(&tree, -1, 0);
    return tree;
}

/* The node's head becomes another; what a frame of ChainNotify would say. */
static size_t move_head(tree_t *tree, slk_change_t *frame)
{
    int old = tree->head, base = old;
    uint64_t kind = random_below(20);
    uint64_t down = kind < 14 ? 0 : kind < 19 ? 1 + random_below(4) : 1 + random_below(60);
    while (down-- && tree->nodes[base].parent >= 0)
        base = tree->nodes[base].parent;
    uint64_t up = base == old ? 1 + random_below(2) : random_below(6);
    for (uint64_t i = 0; i < up; i++)
        base = grow(tree, base, random_below(8) == 0 ? random_below(5) : 0);
    tree->head = base;
    return path(tree, old, base, frame, TREE_MAX);
}

static void check_at_head(const slk_follow_t *follow, const tree_t *tree)
{
    const slk_head_t *head = slk_follow_head(follow);
    assert_non_null(head);
    assert_true(slk_tipset_key_eq(&head->key, &tree->nodes[tree->head].head.key));
}

/* Frames that come, are lost or come late, polls, restarts, nodes that forgot: listeners see pairs,
 * and the follower always arrives. */
static void test_random(void **state)
{
    (void)state;
    static slk_change_t frame[TREE_MAX];
    static listener_t l;
    uint64_t reverted = 0, restarts = 0;
    for (uint64_t round = 0; round < 40; round++) {
        seed = 1000 + round;
        tree_t tree = tree_new();
        slk_follow_t follow;
        memset(&l, 0, sizeof l);
        assert_ok(slk_follow_init(&follow, NULL, 0, false, &diag), diag);
        for (int i = 0; i < 250; i++) {
            size_t cnt = move_head(&tree, frame);
            uint64_t luck = random_below(10);
            if (luck < 6)
                slk_follow_told(&follow, frame, cnt);
            listen(&l, &follow);
            if (luck == 7) { /* restart: what was taken was stored */
                slk_follow_fini(&follow);
                assert_ok(slk_follow_init(&follow, l.chain, l.cnt, l.cut, &diag), diag);
                restarts++;
            }
            if (luck == 8)
                slk_follow_reset(&follow);
            if (luck != 9) /* 9: the answer is late, other frames come first */
                serve(&follow, &l, &tree, luck == 5 ? 50 : 0);
            /* An idle follower that was told the head has it. */
            if (follow.ask.type == SLK_ASK_NOTHING && luck < 5 && i % 3 == 0 && cnt &&
                frame[cnt - 1].type == SLK_CHANGE_APPLY)
                check_at_head(&follow, &tree);
        }
        int last = tree.head = grow(&tree, tree.head, 0);
        slk_change_t current = {.type = SLK_CHANGE_CURRENT, .head = tree.nodes[last].head};
        slk_follow_told(&follow, &current, 1);
        listen(&l, &follow);
        serve(&follow, &l, &tree, 0);
        check_at_head(&follow, &tree);
        /* The listener's chain is the node's, down to where it begins. */
        for (size_t k = l.cnt; k-- > 0; last = tree.nodes[last].parent)
            assert_true(slk_tipset_key_eq(&l.chain[k].key, &tree.nodes[last].head.key));
        reverted += l.reverted;
        slk_follow_fini(&follow);
        free(tree.nodes);
    }
    assert_true(reverted > 1000 && restarts > 500);
}

/* Down for 5,000 epochs: everything is seen, in pieces. */
static void test_long_absence(void **state)
{
    (void)state;
    static listener_t l;
    memset(&l, 0, sizeof l);
    tree_t tree = tree_new();
    slk_follow_t follow;
    assert_ok(slk_follow_init(&follow, NULL, 0, false, &diag), diag);
    slk_change_t current = {.type = SLK_CHANGE_CURRENT, .head = tree.nodes[0].head};
    slk_follow_told(&follow, &current, 1);
    listen(&l, &follow);
    for (int i = 0; i < 5000; i++)
        tree.head = grow(&tree, tree.head, i % 50 == 0);
    current.head = tree.nodes[tree.head].head;
    slk_follow_told(&follow, &current, 1);
    assert_int_equal(follow.ask.type, SLK_ASK_TIPSET);
    assert_int_equal(follow.ask.height, SLK_FOLLOW_PIECE);
    serve(&follow, &l, &tree, 0);
    check_at_head(&follow, &tree);
    assert_int_equal(l.applied, 5001);
    assert_int_equal(follow.cnt, SLK_FOLLOW_WINDOW);
    assert_true(follow.cut);
    slk_follow_fini(&follow);
    free(tree.nodes);
}

static slk_follow_t follow_chain(tree_t *tree, listener_t *l, int len)
{
    slk_follow_t follow;
    assert_ok(slk_follow_init(&follow, NULL, 0, false, &diag), diag);
    for (int i = 0; i < len; i++) {
        tree->head = grow(tree, tree->head, 0);
        slk_change_t apply = {.type = SLK_CHANGE_APPLY, .head = tree->nodes[tree->head].head};
        slk_follow_told(&follow, &apply, 1);
    }
    listen(l, &follow);
    return follow;
}

/* Another node that never had our fork, and another network. */
static void test_other_node(void **state)
{
    (void)state;
    static listener_t l;
    memset(&l, 0, sizeof l);
    tree_t tree = tree_new();
    int fork = tree.head;
    slk_follow_t follow = follow_chain(&tree, &l, 50);
    fork = at_height(&tree, tree.head, 40);
    tree_t other = tree_new();
    for (int i = 1; i <= fork; i++)
        other.head = grow(&other, other.head, 0); /* the same tipsets */
    other.cnt = 5000;                             /* and then different ones */
    for (int i = 0; i < 30; i++)
        other.head = grow(&other, i ? other.head : fork, 0);
    slk_follow_reset(&follow);
    slk_change_t current = {.type = SLK_CHANGE_CURRENT, .head = other.nodes[other.head].head};
    slk_follow_told(&follow, &current, 1);
    serve(&follow, &l, &other, 0);
    check_at_head(&follow, &other);
    assert_in_range(l.reverted, 10, 21);
    slk_follow_fini(&follow);

    memset(&l, 0, sizeof l);
    tree.head = 0;
    follow = follow_chain(&tree, &l, SLK_FOLLOW_WINDOW + 10);
    tree_t foreign = tree_new();
    foreign.cnt = 9000;
    foreign.head = foreign.cnt;
    grow(&foreign, -1, 0);
    for (int i = 0; i < 1200; i++)
        foreign.head = grow(&foreign, foreign.head, 0);
    uint64_t reverted = l.reverted;
    current.head = foreign.nodes[foreign.head].head;
    slk_follow_told(&follow, &current, 1);
    serve(&follow, &l, &foreign, 0);
    assert_int_equal(follow.ask.type, SLK_ASK_NOBODY);
    assert_int_equal(l.reverted, reverted);
    assert_non_null(strstr(follow.why, "another network"));
    slk_follow_fini(&follow);
    free(tree.nodes);
    free(other.nodes);
    free(foreign.nodes);
}

/* A revert of more than is remembered is not followed: what was acted on below is final. */
static void test_too_deep(void **state)
{
    (void)state;
    static listener_t l;
    static slk_change_t frame[SLK_FOLLOW_WINDOW + 20];
    memset(&l, 0, sizeof l);
    tree_t tree = tree_new();
    slk_follow_t follow = follow_chain(&tree, &l, SLK_FOLLOW_WINDOW + 100);
    int old = tree.head, fork = at_height(&tree, old, 90);
    int base = fork;
    for (int i = 0; i < SLK_FOLLOW_WINDOW + 50; i++)
        fork = grow(&tree, fork, 0);
    size_t reverts = path(&tree, old, base, frame, SLK_COUNT(frame));
    assert_int_equal(reverts, SLK_FOLLOW_WINDOW + 10);
    tree.head = fork;
    slk_follow_told(&follow, frame, reverts);
    assert_int_equal(follow.step_cnt, 0);
    serve(&follow, &l, &tree, 0);
    assert_int_equal(follow.ask.type, SLK_ASK_NOBODY);
    assert_int_equal(l.reverted, 0);
    slk_follow_fini(&follow);
    free(tree.nodes);
}

/* A node that is behind does not make us go back; one that answers nonsense brings no step. */
static void test_odd_nodes(void **state)
{
    (void)state;
    static listener_t l;
    memset(&l, 0, sizeof l);
    tree_t tree = tree_new();
    slk_follow_t follow = follow_chain(&tree, &l, 20);
    slk_change_t told = {.type = SLK_CHANGE_CURRENT,
                         .head = tree.nodes[at_height(&tree, tree.head, 15)].head};
    slk_follow_told(&follow, &told, 1);
    assert_int_equal(follow.ask.type, SLK_ASK_NOTHING);
    assert_int_equal(follow.step_cnt, 0);

    int far = tree.head;
    for (int i = 0; i < 5; i++)
        far = grow(&tree, far, 0);
    told.head = tree.nodes[far].head;
    slk_follow_told(&follow, &told, 1);
    for (int i = 0; i < 20 && follow.ask.type != SLK_ASK_NOTHING; i++) {
        if (follow.ask.type == SLK_ASK_PATH)
            slk_follow_path(&follow, &told, 1); /* a CURRENT in a path */
        else
            slk_follow_tipset(&follow, &tree.nodes[at_height(&tree, far, follow.ask.height)].head);
    }
    assert_int_equal(follow.ask.type, SLK_ASK_NOTHING);
    assert_int_equal(follow.step_cnt, 0);
    slk_follow_fini(&follow);
    free(tree.nodes);
}

/* --- Recorded frames ----------------------------------------------------------------------- */

static void run_recording(const char *file, listener_t *l, int64_t first, int64_t last)
{
    json_t *record = test_vectors(file);
    slk_follow_t follow;
    size_t i;
    json_t *frame;
    memset(l, 0, sizeof *l);
    assert_ok(slk_follow_init(&follow, NULL, 0, false, &diag), diag);
    json_array_foreach(json_object_get(record, "frames"), i, frame)
    {
        json_t *text = json_object_get(frame, "text");
        const char *method = json_string_value(json_object_get(text, "method"));
        if (!method || strcmp(method, "xrpc.ch.val") != 0)
            continue;
        slk_change_t *changes = NULL;
        size_t cnt = 0;
        assert_ok(slk_changes_from_json(&changes, &cnt, 100,
                                        json_array_get(json_object_get(text, "params"), 1), &diag),
                  diag);
        slk_follow_told(&follow, changes, cnt);
        assert_int_equal(follow.ask.type, SLK_ASK_NOTHING);
        free(changes);
        listen(l, &follow);
    }
    assert_true(l->cnt > 0);
    assert_true(slk_follow_head(&follow)->height == last);
    assert_true(l->chain[0].height == first);
    slk_follow_fini(&follow);
    json_decref(record);
}

static void test_recorded(void **state)
{
    (void)state;
    static listener_t l;
    run_recording("lotus-rpc/ChainNotify.json", &l, 79, 81);
    assert_int_equal(l.applied, 3);
    assert_int_equal(l.reverted, 0);
    assert_string_equal(slk_bigint_text(&l.chain[0].base_fee).s, "2618");
    assert_true(l.chain[0].timestamp == 1795240623);
    run_recording("lotus-rpc/ChainNotify-reorg.json", &l, 3833, 3834);
    assert_int_equal(l.reverted, 1); /* the second was not seen applied */
    assert_int_equal(l.applied, 3);
}

static void test_bad_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[{}]",
        "[{\"Type\":\"current\",\"Val\":null}]",
        "[{\"Type\":\"current\",\"Val\":{\"Cids\":[],\"Blocks\":[],\"Height\":1}}]",
        "[{\"Type\":\"current\",\"Val\":{\"Cids\":[{\"/\":\"x\"}],\"Blocks\":[{}],\"Height\":1}}]",
        "[{\"Type\":\"jump\",\"Val\":null}]",
    };
    for (size_t i = 0; i < SLK_COUNT(bad); i++) {
        json_t *json = json_loads(bad[i], 0, NULL);
        slk_change_t *changes = NULL;
        size_t cnt;
        assert_err(SLK_ERR_FORMAT, slk_changes_from_json(&changes, &cnt, 10, json, &diag));
        assert_null(changes);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),     cmocka_unit_test(test_long_absence),
        cmocka_unit_test(test_other_node), cmocka_unit_test(test_odd_nodes),
        cmocka_unit_test(test_too_deep),   cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_bad_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
