/* Requests as a server reads them: whatever comes, the answers are JSON. */
#include "base/assert.h"
#include "net/jsonrpc_text.h"

#include <stdlib.h>
#include <string.h>

static void check(json_t *item)
{
    slk_rpc_request_t req;
    slk_text_t out = {0};
    bool ok = slk_rpc_request_read(&req, item);
    if (ok)
        slk_rpc_write_error(&out, req.id, 1, req.method, req.params, req.params);
    else
        slk_rpc_write_error(&out, req.id, req.code, req.message, NULL, NULL);
    json_t *answer = json_loadb(out.data, out.len, 0, NULL);
    SLK_ASSERT(json_is_object(json_object_get(answer, "error")));
    json_decref(answer);
    slk_text_free(&out);
    if (ok && req.id) {
        slk_rpc_write_result(&out, req.id, "[]", 2);
        answer = json_loadb(out.data, out.len, 0, NULL);
        SLK_ASSERT(json_is_array(json_object_get(answer, "result")));
        json_decref(answer);
        slk_text_free(&out);
    }
    slk_rpc_request_free(&req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slk_text_t quoted = {0};
    slk_json_quote(&quoted, (const char *)data, size);
    json_t *text = json_loadb(quoted.data, quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    SLK_ASSERT(json_is_string(text));
    json_decref(text);
    slk_text_free(&quoted);
    json_t *root = slk_json_parse((const char *)data, size, NULL), *item;
    size_t i;
    if (!json_is_array(root))
        check(root);
    else
        json_array_foreach(root, i, item) check(item);
    json_decref(root);
    return 0;
}
