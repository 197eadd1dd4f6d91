/* A process killed at any moment of mining, pushing and reorganising finds its chain as it was
 * after what it last told anybody of. With a number as argument so many kills. */

#include "devnet/chain/test_node.h"

#include <signal.h>
#include <sys/wait.h>

static unsigned long kills = 12;

/* What the child says when something is done: the head's height and branch, or a message that was
 * pushed. */
typedef struct {
    int64_t height;
    uint64_t branch;
    slk_cid_t pushed; /* len 0: none */
} word_t;

/* --- The child -------------------------------------------------------------------------------- */

static void say(int fd, const word_t *word)
{
    if (write(fd, word, sizeof *word) != sizeof *word)
        _exit(1);
}

static void work(const char *dir, int fd, unsigned seed)
{
    node_t node;
    node_open_seed(&node, dir, "seed");
    for (unsigned i = seed;; i++) {
        const unsigned from = i % NODE_ACCOUNTS;
        word_t word = {.height = -1};
        word.pushed =
            node_push(&node, from, node_transfer(&node, 0, node_nonce(&node, from), 1, 1000));
        say(fd, &word);
        if (i % 7 == 3 && node_height(&node) > 3)
            assert_ok(slk_producer_reorg(node.producer, 1 + i % 3, i & 1, &node.diag), node.diag);
        else
            node_mine(&node, 1);
        word = (word_t){.height = node_height(&node),
                        .branch = slk_producer_status(node.producer).branch};
        say(fd, &word);
    }
}

/* --- The parent ------------------------------------------------------------------------------- */

typedef struct {
    word_t last; /* about the head */
    slk_cid_t *pushed;
    size_t cnt, cap;
} heard_t;

static void hear(heard_t *heard, int fd)
{
    word_t word;
    while (read(fd, &word, sizeof word) == sizeof word) {
        if (word.height >= 0)
            heard->last = word;
        if (!slk_cid_defined(&word.pushed))
            continue;
        if (heard->cnt == heard->cap) {
            heard->cap = heard->cap ? 2 * heard->cap : 64;
            heard->pushed = realloc(heard->pushed, heard->cap * sizeof *heard->pushed);
            assert_non_null(heard->pushed);
        }
        heard->pushed[heard->cnt++] = word.pushed;
    }
}

/* All the way down: each tipset is there with its state, each is the child of the next. */
static void check_chain(node_t *node)
{
    slk_tip_t *tip = slk_chain_head(node->chain), *parent;
    while (tip->height) {
        slk_state_tree_t *tree;
        assert_ok(slk_chain_state(&tree, node->chain, &tip->state, &node->diag), node->diag);
        slk_state_tree_free(tree);
        assert_ok(slk_chain_parent(&parent, node->chain, tip, &node->diag), node->diag);
        assert_true(slk_cid_eq(slk_tip_parent_state(tip), &parent->state));
        slk_tip_t *there;
        assert_ok(slk_chain_at(&there, node->chain, tip, parent->height, false, &node->diag),
                  node->diag);
        assert_true(slk_tipset_cids_eq(&there->key, &parent->key));
        slk_tip_unref(there);
        slk_tip_unref(tip);
        tip = parent;
    }
    slk_tip_unref(tip);
}

static bool is_pending(node_t *node, const slk_cid_t *cid)
{
    slk_arena_t arena;
    slk_pending_list_t list;
    bool found = false;
    slk_arena_init(&arena, 1 << 24);
    assert_ok(slk_mpool_pending(&list, node->pool, NULL, &arena, &node->diag), node->diag);
    for (size_t i = 0; i < list.count; i++)
        found = found || slk_cid_eq(&list.items[i].cid, cid);
    slk_arena_free(&arena);
    return found;
}

static void check_messages(node_t *node, const heard_t *heard)
{
    slk_found_t found;
    for (size_t i = 0; i < heard->cnt; i++) {
        if (is_pending(node, &heard->pushed[i]))
            continue;
        assert_true(node_search(node, &heard->pushed[i], &found));
        assert_true(slk_cid_eq(&found.message, &heard->pushed[i]));
        slk_found_free(&found);
    }
}

static void one_kill(const char *dir, heard_t *heard, unsigned n)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (!pid) {
        close(ends[0]);
        work(dir, ends[1], n);
    }
    close(ends[1]);
    usleep(40000 + (n * 7919 % 100) * 1000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    hear(heard, ends[0]);
    close(ends[0]);
}

static void killed(void **state)
{
    (void)state;
    char dir[64];
    heard_t heard = {0};
    node_t node;
    node_dir(dir);
    for (unsigned n = 0; n < kills; n++) {
        one_kill(dir, &heard, n);
        node_open_seed(&node, dir, "seed");
        slk_producer_status_t status = slk_producer_status(node.producer);
        /* It may have been killed between doing and saying. */
        assert_true(status.branch == heard.last.branch || status.branch == heard.last.branch + 1);
        assert_in_range(node_height(&node), heard.last.height, heard.last.height + 2);
        check_chain(&node);
        node_mine(&node, 2); /* what was pending lands, and gets its receipt */
        check_messages(&node, &heard);
        heard.last.height = node_height(&node);
        node_stop(&node);
    }
    node_open_seed(&node, dir, "seed");
    node_mine(&node, 3);
    assert_int_equal(slk_mpool_count(node.pool), 0);
    uint64_t sum = 0;
    for (unsigned i = 0; i < NODE_ACCOUNTS; i++)
        sum += node_actor(&node, i).nonce;
    assert_in_range(sum, heard.cnt, heard.cnt + kills); /* those that were not told of any more */
    print_message("%zu messages, %" PRId64 " epochs\n", heard.cnt, node_height(&node));
    free(heard.pushed);
    node_close(&node);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed)};
    if (argc > 1)
        kills = strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
