#include "app/sector_args.h"

#include "base/assert.h"
#include "base/file.h"
#include "proofs/porep/record.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static slk_err_t place(char out[SLK_PATH_MAX], const slk_sector_t *sector, const char *dir,
                       const char *folder, slk_diag_t *diag)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    int n = snprintf(out, SLK_PATH_MAX, "%.*s/%s/s-t0%" PRIu64 "-%" PRIu64, (int)len, dir, folder,
                     sector->miner, sector->number);
    /* files in the folder need room for their names, too */
    if (n < 0 || (unsigned)n > SLK_PATH_MAX - 256)
        return slk_fail(diag, SLK_ERR_INPUT, "--dir: the path is too long; use a shorter one");
    return SLK_OK;
}

slk_err_t slk_sector_place(slk_sector_args_t *out, const char *dir, bool create, slk_diag_t *diag)
{
    slk_err_t err;
    slk_sector_t *sector = &out->sector;
    /* pc1out.json holds the path, and JSON is UTF-8. */
    json_t *text = json_string(dir);
    if (!text)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "--dir %s: the name is not UTF-8, and pc1out.json could not hold it; use "
                        "another folder, or a link to it",
                        dir);
    json_decref(text);
    sector->cache = out->cache;
    sector->sealed = out->sealed;
    sector->unsealed = out->unsealed;
    SLK_TRY(place(out->cache, sector, dir, "cache", diag));
    SLK_TRY(place(out->sealed, sector, dir, "sealed", diag));
    SLK_TRY(place(out->unsealed, sector, dir, "unsealed", diag));
    if (!create)
        goto out;
    SLK_TRY(slk_make_dirs(out->cache, diag));
    char *const files[] = {out->sealed, out->unsealed};
    for (size_t i = 0; i < SLK_COUNT(files); i++) {
        char *slash = strrchr(files[i], '/');
        *slash = '\0';
        err = slk_make_dirs(files[i], diag);
        *slash = '/';
        if (err != SLK_OK)
            goto out;
    }
out:
    return err;
}

/* A sector that was begun keeps its variant where none is named. What is wrong with its record the command
 * itself will find. */
static void take_recorded(slk_sector_t *sector)
{
    char variant[16];
    bool found;
    slk_diag_t ignored;
    slk_porep_t porep;
    if (slk_record_variant(variant, &found, sector, &ignored) == SLK_OK && found &&
        slk_porep_registered(&porep, sector->porep.size, variant, &ignored) == SLK_OK)
        sector->porep = porep;
}

slk_err_t slk_sector_args(slk_sector_args_t *out, const slk_args_t *args, bool create,
                          slk_diag_t *diag)
{
    out->sector = (slk_sector_t){.miner = args->opt[SLK_OPT_MINER].num,
                                 .number = args->opt[SLK_OPT_SECTOR].num};
    slk_err_t err = slk_porep_registered(&out->sector.porep, args->opt[SLK_OPT_SIZE].size,
                                         args->opt[SLK_OPT_POREP].text, diag);
    if (err == SLK_OK)
        err = slk_sector_place(out, args->opt[SLK_OPT_DIR].text, create, diag);
    if (err == SLK_OK && !args->opt[SLK_OPT_POREP].given)
        take_recorded(&out->sector);
    return err;
}

slk_pc1_options_t slk_label_args(const slk_args_t *args)
{
    /* positions in the set of --layers */
    static const slk_layers_t layers[] = {SLK_LAYERS_AUTO, SLK_LAYERS_RAM, SLK_LAYERS_DISK};
    return (slk_pc1_options_t){.checkpoint_seconds = args->opt[SLK_OPT_CHECKPOINT].seconds,
                               .layers = layers[args->opt[SLK_OPT_LAYERS].num],
                               .parent_cache_dir = args->opt[SLK_OPT_PARENTS].text};
}
