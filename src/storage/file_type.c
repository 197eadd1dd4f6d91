#include "storage/file_type.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool folder;
    uint16_t sealing, finalized; /* tenths of the sector size */
} types_table[SLK_FT_CNT] = {
    {"unsealed", false, 10, 10}, {"sealed", false, 10, 10},     {"cache", true, 141, 1},
    {"update", false, 10, 10},   {"update-cache", true, 21, 1}, {"piece", false, 10, 10},
};

unsigned slk_file_type_index(slk_file_types_t type)
{
    SLK_ASSERT(type && !(type & (type - 1)) && type <= SLK_FT_PIECE);
    return (unsigned)__builtin_ctz(type);
}

const char *slk_file_type_name(slk_file_types_t type)
{
    return types_table[slk_file_type_index(type)].name;
}

bool slk_file_type_is_folder(slk_file_types_t type)
{
    return types_table[slk_file_type_index(type)].folder;
}

slk_file_types_t slk_file_type_from_name(const char *text, size_t len)
{
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        if (strlen(types_table[i].name) == len && !memcmp(types_table[i].name, text, len))
            return SLK_FT_AT(i);
    }
    return 0;
}

char *slk_file_types_text(char out[SLK_FILE_TYPES_TEXT], slk_file_types_t types)
{
    size_t len = 0;
    strcpy(out, "none");
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        if (types & SLK_FT_AT(i))
            len += (size_t)snprintf(out + len, SLK_FILE_TYPES_TEXT - len, "%s%s", len ? ", " : "",
                                    types_table[i].name);
    }
    return out;
}

char *slk_sector_name(char out[SLK_SECTOR_NAME_MAX], const slk_sector_id_t *sector)
{
    snprintf(out, SLK_SECTOR_NAME_MAX, "s-t0%" PRIu64 "-%" PRIu64, sector->miner, sector->number);
    return out;
}

static bool read_number(uint64_t *value, const char **text, const char *end)
{
    const char *p = *text;
    *value = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
            return false;
    }
    bool canonical = p > *text && (**text != '0' || p == *text + 1);
    *text = p;
    return canonical;
}

bool slk_sector_name_parse(slk_sector_id_t *sector, const char *text, size_t len)
{
    const char *end = text + len;
    if (len < 4 || memcmp(text, "s-t0", 4) != 0)
        return false;
    text += 4;
    return read_number(&sector->miner, &text, end) && text < end && *text++ == '-' &&
           read_number(&sector->number, &text, end) && text == end;
}

uint64_t slk_file_space(slk_file_types_t types, uint64_t sector_sz, slk_space_t table)
{
    uint64_t tenths = 0;
    for (unsigned i = 0; i < SLK_FT_CNT; i++) {
        if (types & SLK_FT_AT(i))
            tenths +=
                table == SLK_SPACE_SEALING ? types_table[i].sealing : types_table[i].finalized;
    }
    return sector_sz / 10 * tenths + sector_sz % 10 * tenths / 10;
}
