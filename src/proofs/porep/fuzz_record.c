/* The readers of selkie-sector.json, selkie-checkpoint.json and t_aux: any bytes are refused or
 * read. */
#include "base/assert.h"
#include "base/bytes.h"
#include "crypto/sha256/sha256.h"
#include "proofs/porep/sector_io.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void parse_both(const char *text, size_t len)
{
    static slk_record_t record;
    slk_checkpoint_t checkpoint;
    slk_sector_t sector = {
        .miner = 1000, .number = 6, .cache = "cache", .sealed = "sealed", .unsealed = "unsealed"};
    slk_diag_t diag = {{0}};
    SLK_ASSERT(slk_porep_registered(&sector.porep, slk_size_by_name("8MiB"), "v1_1", &diag) ==
               SLK_OK);
    if (slk_record_parse(&record, text, len, "record", &sector, &diag) == SLK_OK)
        SLK_ASSERT(record.file_cnt <= SLK_RECORD_FILES_MAX &&
                   record.piece_cnt <= SLK_SECTOR_PIECES_MAX);
    else
        SLK_ASSERT(diag.text[0]);
    slk_record_fini(&record);
    if (slk_checkpoint_parse(&checkpoint, text, len, "checkpoint", &sector, &diag) == SLK_OK)
        SLK_ASSERT(checkpoint.layer >= 1 && checkpoint.layer <= 3 &&
                   checkpoint.nodes < sector.porep.size->nodes);
    if (slk_t_aux_parse((const uint8_t *)text, len, "t_aux", &sector.porep, &diag) == SLK_OK)
        SLK_ASSERT(len > 8);
}

/* The same object with the digest it should have, so that the fuzzer gets past that check. */
static void parse_with_digest(const char *text, size_t len)
{
    slk_node_t digest;
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object)) {
        json_object_del(object, "digest");
        char *plain = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
        SLK_ASSERT(plain);
        slk_sha256(&digest, plain, strlen(plain));
        free(plain);
        json_object_set_new(object, "digest", json_string(slk_node_hex(&digest).s));
        plain = json_dumps(object, JSON_COMPACT);
        SLK_ASSERT(plain);
        parse_both(plain, strlen(plain));
        free(plain);
    }
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_both((const char *)data, size);
    parse_with_digest((const char *)data, size);
    return 0;
}
