/* Events that messages left behind. */

#include "devnet/api/miner_view.h"

#include "base/assert.h"

#include <string.h>

#define EVENTS_WIDTH 5u
#define ENTRIES_MOST 1024u
#define RANGE_MOST   2880
#define ENTRY_PARTS  4u

/* --- An event as the chain has it: [emitter, [[flags, key, codec, value] ...]] --------------------------------- */

typedef struct {
    slk_ask_t *ask;
    json_t *filter;       /* NULL: show all, in ChainGetEvents' form */
    json_t *message;      /* CID, borrowed */
    const slk_tip_t *tip; /* that has the message */
} show_t;

static slk_err_t read_entry(slk_ask_t *ask, slk_cbor_t *r, json_t *entries)
{
    slk_err_t err;
    uint64_t flags, codec;
    slk_bytes_t key, value;
    json_t *entry = json_object();
    SLK_TRY(slk_cbor_tuple(r, ENTRY_PARTS));
    SLK_TRY(slk_cbor_uint(r, &flags));
    SLK_TRY(slk_cbor_text(r, &key, SLK_BLOCK_MAX));
    SLK_TRY(slk_cbor_uint(r, &codec));
    SLK_TRY(slk_cbor_bytes(r, &value, SLK_BLOCK_MAX));
    json_object_set_new(entry, "Flags", json_integer((json_int_t)flags));
    json_object_set_new(entry, "Key", json_stringn((const char *)key.b, key.len));
    json_object_set_new(entry, "Codec", json_integer((json_int_t)codec));
    SLK_TRY(slk_ask_put(ask, entry, "Value", &slk_api_bytes_type, &(slk_api_bytes_t){value}));
    json_array_append(entries, entry);
out:
    json_decref(entry);
    return err;
}

static slk_err_t read_event(slk_ask_t *ask, slk_bytes_t value, uint64_t *emitter, json_t *entries)
{
    slk_err_t err;
    size_t cnt;
    slk_cbor_t r = slk_cbor_reader(value.b, value.len, &ask->diag);
    SLK_TRY(slk_cbor_tuple(&r, 2));
    SLK_TRY(slk_cbor_uint(&r, emitter));
    SLK_TRY(slk_cbor_array(&r, &cnt));
    for (size_t i = 0; i < cnt && i < ENTRIES_MOST; i++)
        SLK_TRY(read_entry(ask, &r, entries));
out:
    return err;
}

/* --- Filters ------------------------------------------------------------------------------------------------------ */

static bool address_wanted(slk_ask_t *ask, json_t *filter, uint64_t emitter)
{
    json_t *list = json_object_get(filter, "addresses");
    if (!json_array_size(list))
        return true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        slk_api_address_t address;
        uint64_t id;
        if (slk_record_from_json(&address, &slk_api_address_type, json_array_get(list, i),
                                 &ask->arena, NULL) == SLK_OK &&
            slk_address_to_id(&address.v, &id) && id == emitter)
            return true;
    }
    return false;
}

/* fields: {key: [{codec, value}]}: each key must have one of its values. */
static bool field_wanted(const char *key, json_t *values, json_t *entries)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        json_t *entry = json_array_get(entries, i);
        const char *name = json_string_value(json_object_get(entry, "Key"));
        if (!name || strcmp(name, key))
            continue;
        for (size_t k = 0; k < json_array_size(values); k++) {
            json_t *want = json_array_get(values, k);
            if (json_equal(json_object_get(want, "codec"), json_object_get(entry, "Codec")) &&
                json_equal(json_object_get(want, "value"), json_object_get(entry, "Value")))
                return true;
        }
    }
    return false;
}

static bool event_wanted(slk_ask_t *ask, json_t *filter, uint64_t emitter, json_t *entries)
{
    const char *key;
    json_t *values;
    if (!address_wanted(ask, filter, emitter))
        return false;
    json_object_foreach(json_object_get(filter, "fields"), key,
                        values) if (!field_wanted(key, values, entries)) return false;
    return true;
}

/* --- Showing ------------------------------------------------------------------------------------------------------ */

static slk_err_t show_event(void *ctx, uint64_t index, slk_bytes_t value, bool *stop,
                            slk_diag_t *diag)
{
    show_t *show = ctx;
    uint64_t emitter = 0;
    json_t *event = NULL, *entries = json_array();
    (void)index, (void)stop, (void)diag;
    slk_err_t err = read_event(show->ask, value, &emitter, entries);
    if (err == SLK_OK && !show->filter) {
        event = json_pack("{s:I, s:O}", "Emitter", (json_int_t)emitter, "Entries", entries);
    } else if (err == SLK_OK && event_wanted(show->ask, show->filter, emitter, entries)) {
        const slk_address_t address = slk_address_id(emitter);
        event = json_pack("{s:O, s:s, s:b, s:I, s:O}", "entries", entries, "emitter",
                          slk_address_text(&address, slk_ask_network(show->ask)).s, "reverted", 0,
                          "height", (json_int_t)show->tip->height, "msgCid", show->message);
        err = slk_ask_put(show->ask, event, "tipsetKey", &slk_tipset_cids_type, &show->tip->key);
    }
    if (event)
        json_array_append_new(show->ask->result, event);
    json_decref(entries);
    return err;
}

static slk_err_t chain_get_events(slk_ask_t *ask)
{
    show_t show = {.ask = ask};
    slk_err_t err = slk_ask_json(ask, json_array());
    return err == SLK_OK
               ? slk_view_array_each(ask, &ask->args[0].cid, EVENTS_WIDTH, show_event, &show)
               : err;
}

/* Events of the messages that a tipset has. */
static slk_err_t show_tipset(slk_ask_t *ask, json_t *filter, const slk_tip_t *tip)
{
    slk_chain_message_list_t messages;
    slk_receipt_list_t receipts;
    slk_err_t err = slk_chain_messages(&messages, ask->chain, tip, &ask->arena, &ask->diag);
    if (err == SLK_OK)
        err = slk_chain_receipts(&receipts, ask->chain, &tip->receipts, &ask->arena, &ask->diag);
    for (size_t i = 0; err == SLK_OK && i < receipts.count && i < messages.count; i++) {
        show_t show = {.ask = ask, .filter = filter, .tip = tip};
        if (!slk_cid_defined(&receipts.items[i].events_root))
            continue;
        err = slk_record_to_json(&show.message, &slk_api_cid_type,
                                 &(slk_api_cid_t){messages.items[i].cid}, slk_ask_network(ask),
                                 &ask->diag);
        if (err == SLK_OK)
            err = slk_view_array_each(ask, &receipts.items[i].events_root, EVENTS_WIDTH, show_event,
                                      &show);
        json_decref(show.message);
    }
    return err;
}

static int64_t height_of(json_t *filter, const char *name, int64_t otherwise)
{
    json_t *json = json_object_get(filter, name);
    return json_is_integer(json) && json_integer_value(json) >= 0 ? json_integer_value(json)
                                                                  : otherwise;
}

/* Oldest first. */
static slk_err_t show_range(slk_ask_t *ask, json_t *filter)
{
    slk_tip_t *tip = NULL, *head = slk_chain_head(ask->chain);
    const int64_t to = height_of(filter, "toHeight", head->height);
    const int64_t from = height_of(filter, "fromHeight", to);
    slk_err_t err = SLK_OK;
    if (to - from > RANGE_MOST)
        err = slk_ask_fail(ask, SLK_RPC_ERROR, "range of heights is above %d", RANGE_MOST);
    for (int64_t at = from; err == SLK_OK && at <= to && at <= head->height;) {
        err = slk_chain_at(&tip, ask->chain, head, at, true, &ask->diag);
        if (err != SLK_OK)
            break;
        at = tip->height + 1;
        if (tip->height <= to)
            err = show_tipset(ask, filter, tip);
        slk_tip_unref(tip);
    }
    slk_tip_unref(head);
    return err;
}

static slk_err_t get_actor_events(slk_ask_t *ask)
{
    slk_tipset_cids_t key = {0};
    slk_tip_t *tip = NULL;
    json_t *filter = ask->args[0].json;
    slk_err_t err = slk_ask_json(ask, json_array());
    if (err == SLK_OK)
        err = slk_record_from_json(&key, &slk_tipset_cids_type,
                                   json_object_get(filter, "tipsetKey"), &ask->arena, &ask->diag);
    if (err != SLK_OK)
        return err;
    if (!key.cids.count)
        return show_range(ask, filter);
    err = slk_chain_tip(&tip, ask->chain, &key, &ask->diag);
    if (err == SLK_OK)
        err = show_tipset(ask, filter, tip);
    slk_tip_unref(tip);
    return err;
}

const slk_ask_method_t slk_ask_events[] = {
    {"Filecoin.ChainGetEvents", SLK_PERM_READ, SLK_V1, 0, "c", chain_get_events},
    {"Filecoin.GetActorEventsRaw", SLK_PERM_READ, SLK_V1, 0, "j", get_actor_events},
    {0},
};
