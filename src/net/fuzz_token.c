/* Bearer tokens: none is accepted unless its signature is right. The first byte says whether the
 * rest is a whole token, or header and payload that are signed here. */
#include "base/assert.h"
#include "net/base64url.h"
#include "net/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const slk_token_key_t key = {.len = 32};
    slk_perms_t perms;
    if (!size)
        return 0;
    const char *text = (const char *)data + 1;
    if (data[0] % 2 == 0) {
        /* The key is known here, so a match would be by a fuzzer that finds HMACs. */
        slk_err_t err = slk_token_verify(&perms, &key, text, size - 1, NULL);
        SLK_ASSERT(err == SLK_OK || perms == 0);
        return 0;
    }
    char token[SLK_TOKEN_TEXT_MAX * 3];
    uint8_t mac[32];
    size_t half = (size - 1) / 2;
    if (size > 700)
        return 0;
    slk_base64url_encode(token, "{\"alg\":\"HS256\"}", 15);
    if (data[0] & 2)
        slk_base64url_encode(token, text, half);
    strcat(token, ".");
    slk_base64url_encode(token + strlen(token), text + half, size - 1 - half);
    HMAC(EVP_sha256(), key.bytes, 32, (uint8_t *)token, strlen(token), mac, NULL);
    strcat(token, ".");
    slk_base64url_encode(token + strlen(token), mac, 32);
    if (slk_token_verify(&perms, &key, token, strlen(token), NULL) == SLK_OK)
        SLK_ASSERT(perms < 32);
    return 0;
}
