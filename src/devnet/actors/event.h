#ifndef SLK_DEVNET_ACTORS_EVENT_H
#define SLK_DEVNET_ACTORS_EVENT_H

/* Events of actors: "$type" first, then fields as CBOR, as the real actors emit them. */

#include "devnet/vm/runtime.h"

typedef struct {
    const char *key;
    enum { SLK_EVENT_UINT, SLK_EVENT_INT, SLK_EVENT_BIGINT, SLK_EVENT_CID } kind;
    union {
        uint64_t uint;
        int64_t integer;
        const slk_bigint_t *bigint;
        const slk_cid_t *cid;
    } v;
    bool plain; /* the value is not indexed: see slk_event_entry_t */
} slk_event_field_t;

/* clang-format off */
#define SLK_EVENT_OF_UINT(name, x)   {.key = (name), .kind = SLK_EVENT_UINT, .v.uint = (x)}
#define SLK_EVENT_OF_INT(name, x)    {.key = (name), .kind = SLK_EVENT_INT, .v.integer = (x)}
#define SLK_EVENT_OF_BIGINT(name, x) {.key = (name), .kind = SLK_EVENT_BIGINT, .v.bigint = (x)}
#define SLK_EVENT_OF_CID(name, x)    {.key = (name), .kind = SLK_EVENT_CID, .v.cid = (x)}
/* Of one that is not indexed. */
#define SLK_EVENT_PLAIN_UINT(name, x)   {.key = (name), .kind = SLK_EVENT_UINT, .v.uint = (x), .plain = true}
#define SLK_EVENT_PLAIN_INT(name, x)    {.key = (name), .kind = SLK_EVENT_INT, .v.integer = (x), .plain = true}
#define SLK_EVENT_PLAIN_BIGINT(name, x) {.key = (name), .kind = SLK_EVENT_BIGINT, .v.bigint = (x), .plain = true}
/* clang-format on */

/* At most 15 fields. */
slk_exit_t slk_emit(slk_rt_t *rt, const char *type, const slk_event_field_t *fields, size_t cnt);

#endif /* SLK_DEVNET_ACTORS_EVENT_H */
