#include "devnet/vm/state_tree.h"

#include "base/assert.h"
#include "codec/ipld/hamt.h"
#include "codec/ipld/object.h"
#include "devnet/vm/basic_state.h"

#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 5u
#define BIT_WIDTH     5u
#define FIRST_SLOTS   64u /* a power of two */
#define READ_LIMIT    ((size_t)1 << 16)

/* Actors that were read or changed since the tree was loaded. */
typedef struct {
    uint64_t id;
    bool used, found, dirty;
    slk_actor_state_t actor;
} slot_t;

/* How an actor was before a change. */
typedef struct {
    uint64_t id;
    bool found, dirty;
    slk_actor_state_t actor;
} before_t;

struct slk_state_tree {
    const slk_blockstore_t *store;
    slk_hamt_t *actors;
    slk_cid_t info;
    slot_t *slots; /* open addressing, at most half full */
    size_t slot_cnt, used_cnt;
    before_t *journal;
    size_t journal_len, journal_cap;
};

/* --- The tree and its root ------------------------------------------------------------------------- */

static slk_err_t no_memory(slk_diag_t *diag)
{
    return slk_fail(diag, SLK_ERR_NOMEM, "no memory for the actors of a state");
}

static slk_err_t make(slk_state_tree_t **out, const slk_blockstore_t *store, slk_diag_t *diag)
{
    slk_state_tree_t *tree = calloc(1, sizeof *tree);
    *out = NULL;
    if (tree)
        tree->slots = calloc(FIRST_SLOTS, sizeof *tree->slots);
    if (!tree || !tree->slots) {
        free(tree);
        return no_memory(diag);
    }
    tree->store = store;
    tree->slot_cnt = FIRST_SLOTS;
    *out = tree;
    return SLK_OK;
}

slk_err_t slk_state_tree_new(slk_state_tree_t **out, const slk_blockstore_t *store,
                             slk_diag_t *diag)
{
    slk_err_t err;
    const uint8_t nothing = 0x80; /* the info of a state: an empty array */
    SLK_TRY(make(out, store, diag));
    SLK_TRY(slk_block_put(store, &(*out)->info, &nothing, 1, diag));
    SLK_TRY(slk_hamt_new(&(*out)->actors, store, BIT_WIDTH));
    return SLK_OK;
out:
    slk_state_tree_free(*out);
    *out = NULL;
    return err;
}

slk_err_t slk_state_tree_load(slk_state_tree_t **out, const slk_blockstore_t *store,
                              const slk_cid_t *root, slk_diag_t *diag)
{
    slk_err_t err;
    slk_arena_t arena;
    slk_state_root_t state;
    slk_arena_init(&arena, READ_LIMIT);
    SLK_TRY(make(out, store, diag));
    SLK_TRY(slk_object_get(&state, &slk_state_root_type, store, root, &arena, diag));
    if (state.version != STATE_VERSION) {
        err = slk_fail(diag, SLK_ERR_FORMAT, "state root %s has version %llu, expected %u",
                       slk_cid_text(root).s, (unsigned long long)state.version, STATE_VERSION);
        goto out;
    }
    (*out)->info = state.info;
    SLK_TRY(slk_hamt_load(&(*out)->actors, store, BIT_WIDTH, &state.actors, diag));
out:
    slk_arena_free(&arena);
    if (err != SLK_OK) {
        slk_state_tree_free(*out);
        *out = NULL;
    }
    return err;
}

void slk_state_tree_free(slk_state_tree_t *tree)
{
    if (!tree)
        return;
    slk_hamt_free(tree->actors);
    free(tree->slots);
    free(tree->journal);
    free(tree);
}

/* --- Actors in memory -------------------------------------------------------------------------------- */

static slot_t *find(slot_t *slots, size_t slot_cnt, uint64_t id)
{
    size_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (;; at++) {
        slot_t *slot = &slots[at & (slot_cnt - 1)];
        if (!slot->used || slot->id == id)
            return slot;
    }
}

static slk_err_t grow(slk_state_tree_t *tree, slk_diag_t *diag)
{
    size_t cnt = tree->slot_cnt * 2;
    slot_t *slots = calloc(cnt, sizeof *slots);
    if (!slots)
        return no_memory(diag);
    for (size_t i = 0; i < tree->slot_cnt; i++)
        if (tree->slots[i].used)
            *find(slots, cnt, tree->slots[i].id) = tree->slots[i];
    free(tree->slots);
    tree->slots = slots;
    tree->slot_cnt = cnt;
    return SLK_OK;
}

/* The slot of an actor, read from the tree the first time. */
static slk_err_t slot_of(slot_t **out, slk_state_tree_t *tree, uint64_t id, slk_diag_t *diag)
{
    slk_err_t err;
    slot_t *slot = find(tree->slots, tree->slot_cnt, id);
    if (!slot->used) {
        slk_address_t address = slk_address_id(id);
        slk_bytes_t value;
        slk_actor_state_t actor = {0};
        slk_arena_t arena;
        SLK_TRY(slk_hamt_get(tree->actors, &value, (slk_bytes_t){address.b, address.len}, diag));
        if (value.len) {
            slk_arena_init(&arena, READ_LIMIT);
            err =
                slk_record_decode(&actor, &slk_actor_state_type, value.b, value.len, &arena, diag);
            slk_arena_free(&arena);
            if (err != SLK_OK)
                return err;
        }
        if (2 * (tree->used_cnt + 1) > tree->slot_cnt) {
            SLK_TRY(grow(tree, diag));
            slot = find(tree->slots, tree->slot_cnt, id);
        }
        *slot = (slot_t){.id = id, .used = true, .found = value.len != 0, .actor = actor};
        tree->used_cnt++;
    }
    *out = slot;
    return SLK_OK;
out:
    return err;
}

slk_err_t slk_state_tree_get(slk_state_tree_t *tree, uint64_t id, slk_actor_state_t *actor,
                             bool *found, slk_diag_t *diag)
{
    slot_t *slot;
    slk_err_t err = slot_of(&slot, tree, id, diag);
    if (err != SLK_OK)
        return err;
    *found = slot->found;
    if (slot->found)
        *actor = slot->actor;
    return SLK_OK;
}

static slk_err_t remember(slk_state_tree_t *tree, const slot_t *slot, slk_diag_t *diag)
{
    if (tree->journal_len == tree->journal_cap) {
        size_t cap = tree->journal_cap ? 2 * tree->journal_cap : 32;
        before_t *journal = realloc(tree->journal, cap * sizeof *journal);
        if (!journal)
            return no_memory(diag);
        tree->journal = journal;
        tree->journal_cap = cap;
    }
    tree->journal[tree->journal_len++] =
        (before_t){slot->id, slot->found, slot->dirty, slot->actor};
    return SLK_OK;
}

slk_err_t slk_state_tree_set(slk_state_tree_t *tree, uint64_t id, const slk_actor_state_t *actor,
                             slk_diag_t *diag)
{
    slk_err_t err;
    slot_t *slot;
    SLK_TRY(slot_of(&slot, tree, id, diag));
    SLK_TRY(remember(tree, slot, diag));
    slot->actor = *actor;
    slot->found = slot->dirty = true;
out:
    return err;
}

/* --- Undo ---------------------------------------------------------------------------------------------- */

size_t slk_state_tree_mark(const slk_state_tree_t *tree)
{
    return tree->journal_len;
}

void slk_state_tree_undo(slk_state_tree_t *tree, size_t mark)
{
    SLK_ASSERT(mark <= tree->journal_len);
    while (tree->journal_len > mark) {
        const before_t *before = &tree->journal[--tree->journal_len];
        slot_t *slot = find(tree->slots, tree->slot_cnt, before->id);
        slot->found = before->found;
        slot->dirty = before->dirty;
        slot->actor = before->actor;
    }
}

void slk_state_tree_settle(slk_state_tree_t *tree)
{
    tree->journal_len = 0;
}

/* --- Addresses ----------------------------------------------------------------------------------------- */

static slk_err_t address_map(slk_hamt_t **map, slk_state_tree_t *tree, slk_diag_t *diag)
{
    slk_err_t err;
    slot_t *init;
    slk_init_state_t state;
    slk_arena_t arena;
    *map = NULL;
    slk_arena_init(&arena, READ_LIMIT);
    SLK_TRY(slot_of(&init, tree, SLK_ID_INIT, diag));
    if (!init->found)
        goto out;
    SLK_TRY(
        slk_object_get(&state, &slk_init_state_type, tree->store, &init->actor.head, &arena, diag));
    SLK_TRY(slk_hamt_load(map, tree->store, BIT_WIDTH, &state.address_map, diag));
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_state_tree_resolve(slk_state_tree_t *tree, const slk_address_t *address, uint64_t *id,
                                 bool *found, slk_diag_t *diag)
{
    slk_err_t err;
    slk_hamt_t *map = NULL;
    slk_bytes_t value = {0};
    *found = slk_address_to_id(address, id);
    if (*found || !slk_address_defined(address))
        return SLK_OK;
    SLK_TRY(address_map(&map, tree, diag));
    if (map)
        SLK_TRY(slk_hamt_get(map, &value, (slk_bytes_t){address->b, address->len}, diag));
    if (value.len) {
        slk_cbor_t r = slk_cbor_reader(value.b, value.len, diag);
        SLK_TRY(slk_cbor_uint(&r, id));
        SLK_TRY(slk_cbor_end(&r));
        *found = true;
    }
out:
    slk_hamt_free(map);
    return err;
}

/* --- Writing and walking --------------------------------------------------------------------------------- */

static slk_err_t write_actors(slk_state_tree_t *tree, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_buf_t buf = {0};
    for (size_t i = 0; i < tree->slot_cnt; i++) {
        slot_t *slot = &tree->slots[i];
        slk_address_t address = slk_address_id(slot->id);
        slk_bytes_t key = {address.b, address.len};
        if (!slot->used || !slot->dirty)
            continue;
        slk_buf_clear(&buf);
        SLK_TRY(slk_record_encode(&buf, &slk_actor_state_type, &slot->actor, diag));
        SLK_TRY(slk_buf_check(&buf, diag));
        SLK_TRY(slk_hamt_set(tree->actors, key, (slk_bytes_t){buf.bytes, buf.len}, diag));
        slot->dirty = false;
    }
out:
    slk_buf_free(&buf);
    return err;
}

slk_err_t slk_state_tree_flush(slk_state_tree_t *tree, slk_cid_t *root, slk_diag_t *diag)
{
    slk_err_t err;
    slk_state_root_t state = {.version = STATE_VERSION, .info = tree->info};
    SLK_TRY(write_actors(tree, diag));
    SLK_TRY(slk_hamt_flush(tree->actors, &state.actors, diag));
    SLK_TRY(slk_object_put(root, &slk_state_root_type, &state, tree->store, diag));
    slk_state_tree_settle(tree);
out:
    return err;
}

typedef struct {
    slk_actor_visit_t visit;
    void *ctx;
} walk_t;

static slk_err_t show(void *ctx, slk_bytes_t key, slk_bytes_t value, bool *stop, slk_diag_t *diag)
{
    slk_err_t err;
    const walk_t *walk = ctx;
    slk_arena_t arena;
    slk_actor_state_t actor;
    slk_address_t address;
    uint64_t id;
    (void)stop;
    slk_arena_init(&arena, READ_LIMIT);
    SLK_TRY(slk_address_from_bytes(&address, key.b, key.len, diag));
    if (!slk_address_to_id(&address, &id))
        return slk_fail(diag, SLK_ERR_FORMAT, "an actor's key is %s, expected an id",
                        slk_address_text(&address, SLK_TESTNET).s);
    SLK_TRY(slk_record_decode(&actor, &slk_actor_state_type, value.b, value.len, &arena, diag));
    SLK_TRY(walk->visit(walk->ctx, id, &actor, diag));
out:
    slk_arena_free(&arena);
    return err;
}

slk_err_t slk_state_tree_foreach(slk_state_tree_t *tree, slk_actor_visit_t visit, void *ctx,
                                 slk_diag_t *diag)
{
    slk_err_t err = write_actors(tree, diag);
    walk_t walk = {visit, ctx};
    return err == SLK_OK ? slk_hamt_foreach(tree->actors, show, &walk, diag) : err;
}
