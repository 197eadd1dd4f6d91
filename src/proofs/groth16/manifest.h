#ifndef SLK_PROOFS_GROTH16_MANIFEST_H
#define SLK_PROOFS_GROTH16_MANIFEST_H

/* Lists of parameter files: those published for Filecoin, which this library knows by itself, and
 * files of the same form as the reference's parameters.json:
 *
 *   {"NAME": {"cid": "Qm..", "digest": "32 hex digits", "sector_size": 2048, "bytes": 3076}, ...}
 *
 * "bytes", the length of the file, is ours and may be missing, as may "sector_size"; further fields
 * are ignored. The digest is the first 16 bytes of BLAKE2b-512 of the file. */

#include "selkie/r1cs.h"

#define SLK_MANIFEST_NAME_SZ   256u
#define SLK_MANIFEST_CID_SZ    128u
#define SLK_MANIFEST_DIGEST_SZ 16u
#define SLK_MANIFEST_MAX       (256u << 10) /* bytes of a file of that form */

/* A name of a file in the folder of parameters and nothing else: characters a-z A-Z 0-9 _ - . and
 * not a dot in front, ending in .params, .vk or .srs. */
bool slk_params_name_valid(const char *name);

/* "params", "vk", "srs" of such a name. */
const char *slk_params_name_kind(const char *name);

/* Of which circuit and sector size a file is, told from its name; NULL where that is unknown.
 * Circuits: those of slk_circuit_name(), and "update", "update-poseidon", "aggregation". */
void slk_params_name_circuit(const char **circuit, const slk_size_t **size, const char *name);

/* All words that a circuit can be, separated by blanks. */
extern const char slk_params_circuits[];

typedef struct {
    char name[SLK_MANIFEST_NAME_SZ];
    char cid[SLK_MANIFEST_CID_SZ]; /* letters and digits only */
    uint8_t digest[SLK_MANIFEST_DIGEST_SZ];
    const char *circuit;    /* as slk_params_name_circuit */
    const slk_size_t *size; /* the same */
    uint64_t len;           /* UINT64_MAX: not known */
} slk_manifest_row_t;

typedef struct {
    slk_manifest_row_t *rows;
    size_t cnt;
} slk_manifest_t;

/* The published files. slk_manifest_fini on success. SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_manifest_published(slk_manifest_t *out, slk_diag_t *diag);

/* From a text of the form above, at most SLK_MANIFEST_MAX bytes. what: how messages call it.
 * SLK_ERR_FORMAT, SLK_ERR_LENGTH, SLK_ERR_NOMEM. */
SLK_CHECK_RESULT slk_err_t slk_manifest_parse(slk_manifest_t *out, const char *text, size_t len,
                                              const char *what, slk_diag_t *diag);

/* The row of a name, NULL: there is none. */
const slk_manifest_row_t *slk_manifest_find(const slk_manifest_t *manifest, const char *name);
void slk_manifest_fini(slk_manifest_t *manifest);

/* --- Digests beside files made here ------------------------------------------------------------ */

/* The digest of a name out of lines as b2sum prints them. False: it is not in them. */
bool slk_b2sum_find(uint8_t out[64], const char *text, size_t len, const char *name);

#endif /* SLK_PROOFS_GROTH16_MANIFEST_H */
