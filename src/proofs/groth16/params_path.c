#include "base/assert.h"
#include "base/file.h"
#include "selkie/groth16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DIR    "/var/tmp/filecoin-proof-parameters"
#define IDENTIFIER_MAX 200u

slk_err_t slk_params_dir(char *out, size_t cap, slk_diag_t *diag)
{
    const char *dir = getenv("FIL_PROOFS_PARAMETER_CACHE");
    int len = snprintf(out, cap, "%s", dir && *dir ? dir : DEFAULT_DIR);
    if (len < 0 || (size_t)len >= cap)
        return slk_fail(
            diag, SLK_ERR_LENGTH,
            "the folder for parameters has a path of %d bytes, at most %zu are possible; set "
            "FIL_PROOFS_PARAMETER_CACHE to a shorter one",
            len, cap ? cap - 1 : 0);
    return SLK_OK;
}

slk_err_t slk_params_path(char *out, size_t cap, const char *dir, const char *cache_identifier,
                          slk_params_kind_t kind, slk_diag_t *diag)
{
    static const char *const endings[] = {[SLK_PARAMS_KEY] = "params",
                                          [SLK_PARAMS_VK] = "vk",
                                          [SLK_PARAMS_META] = "meta",
                                          [SLK_PARAMS_DIGESTS] = "b2sum"};
    SLK_ASSERT((size_t)kind < SLK_COUNT(endings));
    size_t len = strlen(cache_identifier);
    if (!len || len > IDENTIFIER_MAX ||
        strspn(cache_identifier, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
        return slk_fail(
            diag, SLK_ERR_INPUT,
            "'%.*s' is no identifier of parameters: 1 to %u of the characters a-z 0-9 _ - are "
            "expected, as selkie params r1cs prints them",
            (int)IDENTIFIER_MAX, cache_identifier, IDENTIFIER_MAX);
    char chosen[4096], name[IDENTIFIER_MAX + 16];
    if (!dir) {
        slk_err_t err = slk_params_dir(chosen, sizeof chosen, diag);
        if (err != SLK_OK)
            return err;
        dir = chosen;
    }
    snprintf(name, sizeof name, "v28-%s.%s", cache_identifier, endings[kind]);
    return slk_path_join(out, cap, dir, name, diag);
}
