/* Body of POST /remote/vanilla/single, as Lotus has it: spec/lotus-miner.md 3.5. */
#include "worker/post_impl.h"

#include "codec/json.h"
#include "selkie/cid.h"

#include <inttypes.h>
#include <string.h>

/* Registered seal proofs StackedDrg<size>V1_1 are 5 to 9, in the order of the sizes, as are each five kinds of
 * PoSt proofs. */
static int seal_proof_of(const slk_post_t *post)
{
    return 5 + post->registered % 5;
}

char *slk_vanilla_ask_text(const slk_vanilla_ask_t *ask)
{
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, SLK_CID_SEALED, &ask->comm_r);
    json_t *leaves = json_array();
    for (uint32_t i = 0; i < ask->leaf_cnt; i++)
        json_array_append_new(leaves, json_integer((json_int_t)ask->leaves[i]));
    json_t *body =
        json_pack("{so,s{si,so,s{ss},so,sb},si}", "Miner", slk_json_of_u64(ask->sector.miner),
                  "Sector", "SealProof", seal_proof_of(&ask->post), "SectorNumber",
                  slk_json_of_u64(ask->sector.number), "SealedCID", "/", cid, "Challenge", leaves,
                  "Update", (int)ask->update, "ProofType", ask->post.registered);
    char *text = body ? slk_json_dump(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

static slk_err_t read_u64(uint64_t *out, const json_t *object, const char *name, uint64_t max,
                          slk_diag_t *diag)
{
    if (!slk_json_u64(json_object_get(object, name), out) || *out > max)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: expected a number from 0 to %" PRIu64, name, max);
    return SLK_OK;
}

static slk_err_t read_leaves(slk_vanilla_ask_t *ask, const json_t *sector, slk_diag_t *diag)
{
    const json_t *list = json_object_get(sector, "Challenge");
    if (json_array_size(list) != ask->post.challenges)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "Challenge: %zu leaves, a proof of type %d has %" PRIu32 " of each sector",
                        json_array_size(list), ask->post.registered, ask->post.challenges);
    ask->leaf_cnt = ask->post.challenges;
    for (uint32_t i = 0; i < ask->leaf_cnt; i++)
        if (!slk_json_u64(json_array_get(list, i), &ask->leaves[i]) ||
            ask->leaves[i] >= ask->post.size->nodes)
            return slk_fail(diag, SLK_ERR_INPUT,
                            "Challenge: number %" PRIu32
                            " is no leaf of a sector of this size: expected 0 to %" PRIu64,
                            i, ask->post.size->nodes - 1);
    return SLK_OK;
}

static slk_err_t read_sector(slk_vanilla_ask_t *ask, const json_t *sector, slk_diag_t *diag)
{
    const json_t *update = json_object_get(sector, "Update"),
                 *cid = json_object_get(json_object_get(sector, "SealedCID"), "/");
    uint64_t seal;
    slk_porep_t porep;
    slk_diag_t why;
    slk_err_t err = read_u64(&ask->sector.number, sector, "SectorNumber", INT64_MAX, diag);
    if (err == SLK_OK)
        err = read_u64(&seal, sector, "SealProof", INT16_MAX, diag);
    if (err != SLK_OK)
        return err;
    if (slk_porep_by_id(&porep, (int)seal, &why) != SLK_OK || porep.size != ask->post.size)
        return slk_fail(diag, SLK_ERR_INPUT,
                        "SealProof: %" PRIu64
                        " is none of sectors of %s, as proof type %d has them",
                        seal, ask->post.size->name, ask->post.registered);
    if (!json_is_string(cid) ||
        slk_cid_parse(&ask->comm_r, SLK_CID_SEALED, json_string_value(cid), &why) != SLK_OK)
        return slk_fail(diag, SLK_ERR_INPUT, "SealedCID: expected the CID of a sealed sector");
    if (update && !json_is_boolean(update))
        return slk_fail(diag, SLK_ERR_INPUT, "Update: expected true or false");
    ask->update = json_is_true(update);
    return read_leaves(ask, sector, diag);
}

slk_err_t slk_vanilla_ask_parse(slk_vanilla_ask_t *ask, const char *text, size_t len,
                                slk_diag_t *diag)
{
    json_error_t error;
    uint64_t type;
    memset(ask, 0, sizeof *ask);
    json_t *body = len <= SLK_VANILLA_BODY_MAX
                       ? slk_json_load(text, len, JSON_REJECT_DUPLICATES, &error)
                       : NULL;
    slk_err_t err = SLK_OK;
    if (!json_is_object(body))
        err = slk_fail(diag, SLK_ERR_INPUT, "expected a JSON object of at most %u bytes",
                       SLK_VANILLA_BODY_MAX);
    if (err == SLK_OK)
        err = read_u64(&ask->sector.miner, body, "Miner", INT64_MAX, diag);
    if (err == SLK_OK)
        err = read_u64(&type, body, "ProofType", INT16_MAX, diag);
    if (err == SLK_OK)
        err = slk_post_by_id(&ask->post, (int)type, diag);
    if (err == SLK_OK)
        err = read_sector(ask, json_object_get(body, "Sector"), diag);
    json_decref(body);
    return err;
}
