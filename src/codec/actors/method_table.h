#ifndef SLK_CODEC_ACTORS_METHOD_TABLE_H
#define SLK_CODEC_ACTORS_METHOD_TABLE_H

/* The tables behind method.h. */

#include "codec/actors/method.h"

typedef struct {
    const slk_method_t *methods;
    size_t count;
} slk_method_table_t;

extern const slk_method_table_t slk_method_tables[SLK_ACTOR_COUNT];

#endif /* SLK_CODEC_ACTORS_METHOD_TABLE_H */
