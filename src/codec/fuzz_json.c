/* JSON with integers of any size: what was read is read again from what is written, and no text is JSON that
 * is none. */
#include "base/assert.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    json_t *plain = json_loadb(bytes, size, JSON_DECODE_ANY, NULL);
    json_t *json = slk_json_load(bytes, size, JSON_DECODE_ANY, NULL);
    SLK_ASSERT(!plain || json_equal(plain, json));
    json_t *real = json_loadb(bytes, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    SLK_ASSERT(!json || real || size > 300); /* reals have an end */
    if (json) {
        char *text = slk_json_dump(json, JSON_COMPACT | JSON_ENCODE_ANY);
        SLK_ASSERT(text);
        json_t *again = slk_json_load(text, strlen(text), JSON_DECODE_ANY, NULL);
        SLK_ASSERT(again && json_equal(json, again));
        json_decref(again);
        free(text);
    }
    json_decref(plain);
    json_decref(json);
    json_decref(real);
    return 0;
}
