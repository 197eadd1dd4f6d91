/* API info from the environment: what is accepted is written back and read to the same. */
#include "base/assert.h"
#include "net/api_info.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static slk_api_info_t infos[SLK_API_INFO_MAX], again[SLK_API_INFO_MAX];
    size_t cnt, cnt2;
    char *text = malloc(size + 1), url[SLK_API_URL_MAX], out[4096];
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (slk_api_info_parse(infos, &cnt, text, NULL) == SLK_OK)
        for (size_t i = 0; i < cnt; i++) {
            slk_api_info_url(url, &infos[i], i % 2, "v1");
            slk_api_info_name(url, &infos[i]);
            SLK_ASSERT(slk_api_info_write(out, sizeof out, &infos[i], NULL) == SLK_OK);
            SLK_ASSERT(slk_api_info_parse(again, &cnt2, out, NULL) == SLK_OK && cnt2 == 1);
            SLK_ASSERT(!memcmp(&again[0], &infos[i], sizeof infos[i]));
        }
    free(text);
    return 0;
}
