#include "manager/metrics.h"

#include "base/assert.h"
#include "manager/manager_impl.h"
#include "manager/runner_impl.h"
#include "net/text.h"

#include <inttypes.h>
#include <string.h>

static void head(slk_text_t *out, const char *name, const char *type, const char *help)
{
    slk_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void states(slk_text_t *out, slk_manager_t *m)
{
    slk_db_t *db;
    slk_diag_t ignored;
    uint64_t counts[SLK_STATE_CNT];
    if (slk_db_open(&db, m->database, &ignored) != SLK_OK)
        return;
    if (slk_sector_counts(db, SLK_SECTOR_ANY_MINER, counts, &ignored) == SLK_OK) {
        head(out, "lotus_sealing_states", "gauge", "Sectors in each state");
        for (slk_sector_state_t s = 1; s < SLK_STATE_CNT; s++)
            if (counts[s])
                slk_text_printf(out, "lotus_sealing_states{sector_state=\"%s\"} %" PRIu64 "\n",
                                slk_sector_state_name(s), counts[s]);
    }
    slk_db_close(db);
}

static void chain(slk_text_t *out, slk_manager_t *m)
{
    slk_chain_status_t status;
    slk_chain_status(m->chain, &status);
    head(out, "selkie_chain_height", "gauge", "Height of the head that is followed");
    slk_text_printf(out, "selkie_chain_height %" PRId64 "\n", status.head.height);
    head(out, "selkie_chain_following", "gauge", "1 while a node is in reach and followed");
    slk_text_printf(out, "selkie_chain_following %d\n", status.following);
    head(out, "selkie_chain_applied_total", "counter", "Tipsets applied since the start");
    slk_text_printf(out, "selkie_chain_applied_total %" PRIu64 "\n", status.applied);
    head(out, "selkie_chain_reverted_total", "counter", "Tipsets reverted since the start");
    slk_text_printf(out, "selkie_chain_reverted_total %" PRIu64 "\n", status.reverted);
}

static void put_label(slk_text_t *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '"' || *text == '\\')
            slk_text_add(out, "\\", 1);
        if ((unsigned char)*text >= ' ')
            slk_text_add(out, text, 1);
    }
}

/* One gauge of each element of a list, labelled by a text of it. */
static void rows(slk_text_t *out, const json_t *list, const char *name, const char *help,
                 const char *label, const char *label_field, const char *field)
{
    size_t i;
    json_t *row;
    head(out, name, "gauge", help);
    json_array_foreach((json_t *)(uintptr_t)list, i, row)
    {
        const json_t *value = json_object_get(row, field);
        if (!json_is_number(value) && !json_is_array(value))
            continue;
        slk_text_printf(out, "%s{%s=\"", name, label);
        put_label(out, json_string_value(json_object_get(row, label_field)));
        slk_text_printf(out, "\"} %.0f\n",
                        json_is_array(value) ? (double)json_array_size(value)
                                             : json_number_value(value));
    }
}

static void cluster(slk_text_t *out, slk_manager_t *m)
{
    slk_diag_t ignored;
    json_t *list;
    if (slk_dispatch_workers(m->dispatch, &list, &ignored) == SLK_OK) {
        rows(out, list, "selkie_worker_jobs", "Jobs that a worker has", "worker", "Name", "Jobs");
        rows(out, list, "selkie_worker_last_beat_ms", "Since a worker was heard", "worker", "Name",
             "LastBeatAgoMs");
        json_decref(list);
    }
    if (slk_dispatch_storage(m->dispatch, &list, &ignored) == SLK_OK) {
        rows(out, list, "lotus_storage_path_capacity_bytes", "Size of a path", "storage_id", "ID",
             "Capacity");
        rows(out, list, "lotus_storage_path_available_bytes", "What may be promised of a path",
             "storage_id", "ID", "Available");
        rows(out, list, "lotus_storage_path_reserved_bytes", "Promised to running jobs",
             "storage_id", "ID", "Reserved");
        json_decref(list);
    }
}

void slk_manager_metrics(slk_http_request_t *req, void *ctx)
{
    slk_text_t out = {0};
    head(&out, "selkie_info", "gauge", "Version of the program");
    slk_text_printf(&out, "selkie_info{version=\"%s\"} 1\n", ((slk_manager_t *)ctx)->version);
    states(&out, ctx);
    chain(&out, ctx);
    cluster(&out, ctx);
    slk_http_reply(req, 200, "text/plain; version=0.0.4", out.data, out.len);
    slk_text_free(&out);
}
