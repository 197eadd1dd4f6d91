#include "devnet/actors/event.h"

#include "base/assert.h"

#include <string.h>

#define FIELDS_MAX 16

static slk_err_t put(slk_buf_t *buf, const slk_event_field_t *field, slk_diag_t *diag)
{
    switch (field->kind) {
    case SLK_EVENT_UINT:
        slk_cbor_put_uint(buf, field->v.uint);
        return SLK_OK;
    case SLK_EVENT_INT:
        slk_cbor_put_int(buf, field->v.integer);
        return SLK_OK;
    case SLK_EVENT_BIGINT:
        return slk_cbor_put_bigint(buf, field->v.bigint, diag);
    case SLK_EVENT_CID:
        slk_cbor_put_cid(buf, field->v.cid);
        return SLK_OK;
    }
    return SLK_OK;
}

slk_exit_t slk_emit(slk_rt_t *rt, const char *type, const slk_event_field_t *fields, size_t cnt)
{
    slk_err_t err = SLK_OK;
    slk_buf_t bufs[FIELDS_MAX] = {0};
    slk_event_entry_t entries[FIELDS_MAX];
    SLK_ASSERT(cnt < FIELDS_MAX);
    slk_cbor_put_text(&bufs[0], type, strlen(type));
    for (size_t i = 0; i < cnt && err == SLK_OK; i++)
        err = put(&bufs[i + 1], &fields[i], slk_rt_diag(rt));
    for (size_t i = 0; i <= cnt && err == SLK_OK; i++) {
        err = slk_buf_check(&bufs[i], slk_rt_diag(rt));
        entries[i] = (slk_event_entry_t){.key = i ? fields[i - 1].key : "$type",
                                         .value = {bufs[i].bytes, bufs[i].len},
                                         .plain = i && fields[i - 1].plain};
    }
    slk_exit_t exit = slk_rt_err(rt, err, SLK_EXIT_FATAL);
    if (exit == SLK_EXIT_OK)
        exit = slk_rt_event(rt, entries, cnt + 1);
    for (size_t i = 0; i <= cnt; i++)
        slk_buf_free(&bufs[i]);
    return exit;
}
