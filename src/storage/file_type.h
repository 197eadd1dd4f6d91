#ifndef SLK_STORAGE_FILE_TYPE_H
#define SLK_STORAGE_FILE_TYPE_H

/* The kinds of files a sector has, their names on the disk, and how much space they take.
 *
 *   <path>/unsealed/s-t01000-5        file       <path>/update/s-t01000-5         file
 *   <path>/sealed/s-t01000-5          file       <path>/update-cache/s-t01000-5/  folder
 *   <path>/cache/s-t01000-5/          folder     <path>/piece/s-t01000-5          file
 *
 * The same on every network, as Lotus has it. Pure functions. */

#include "selkie/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A set of types; the numbers are Lotus'. */
typedef uint32_t slk_file_types_t;
#define SLK_FT_UNSEALED     1u
#define SLK_FT_SEALED       2u
#define SLK_FT_CACHE        4u
#define SLK_FT_UPDATE       8u
#define SLK_FT_UPDATE_CACHE 16u
#define SLK_FT_PIECE        32u
#define SLK_FT_ALL          63u
#define SLK_FT_CNT          6
#define SLK_FT_AT(i)        (1u << (i)) /* for loops: i < SLK_FT_CNT */

typedef struct {
    uint64_t miner; /* of address t0<miner> */
    uint64_t number;
} slk_sector_id_t;

static inline bool slk_sector_id_eq(const slk_sector_id_t *a, const slk_sector_id_t *b)
{
    return a->miner == b->miner && a->number == b->number;
}

/* Index of one type, 0 to 5; the set must hold exactly one. */
unsigned slk_file_type_index(slk_file_types_t type);

/* "update-cache": also the name of the folder. The set must hold exactly one. */
const char *slk_file_type_name(slk_file_types_t type);

/* The type of that name, 0 for another text. */
slk_file_types_t slk_file_type_from_name(const char *text, size_t len);

/* True when a sector's entry of this type is a folder. */
bool slk_file_type_is_folder(slk_file_types_t type);

/* "sealed, cache"; "none" for the empty set. Returns out. */
#define SLK_FILE_TYPES_TEXT 64
char *slk_file_types_text(char out[SLK_FILE_TYPES_TEXT], slk_file_types_t types);

/* "s-t01000-5". Returns out. */
#define SLK_SECTOR_NAME_MAX 48
char *slk_sector_name(char out[SLK_SECTOR_NAME_MAX], const slk_sector_id_t *sector);

/* Read such a name: decimal numbers below 2^64 without leading zeros, nothing else. */
bool slk_sector_name_parse(slk_sector_id_t *sector, const char *text, size_t len);

/* --- Space --------------------------------------------------------------------------------- */

/* The two tables of Lotus: what files may take while a sector is being sealed, and what is left of
 * them afterwards. */
typedef enum { SLK_SPACE_SEALING, SLK_SPACE_FINALIZED } slk_space_t;

/* Bytes of all these types together, for sectors of this size. */
uint64_t slk_file_space(slk_file_types_t types, uint64_t sector_sz, slk_space_t table);

#endif /* SLK_STORAGE_FILE_TYPE_H */
