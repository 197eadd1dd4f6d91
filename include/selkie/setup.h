#ifndef SELKIE_SETUP_H
#define SELKIE_SETUP_H

/* Keys made here, for development: whoever makes a key could keep its secrets and then prove anything. Those of
 * real networks come from a ceremony of many. Source: spec/proofs-snark.md 1.4 and 6. */

#include "selkie/r1cs.h"

typedef struct {
    bool made; /* false: the files were there */
    char params[4096], vk[4096];
} slk_setup_files_t;

/* Whether real networks have sectors of this size: 32GiB, 64GiB. */
SLK_API bool slk_size_mainnet(const slk_size_t *size);

/* Make the parameters of a circuit, unless they are there. dir: NULL: slk_params_dir(); it is created.
 *
 * Files, with the reference's names (slk_params_path), each complete when it appears, the .params last:
 *
 *   .vk      the verifying key
 *   .b2sum   BLAKE2b-512 of .params and .vk, as b2sum prints and checks it; the first 32 digits of each are what
 *            the reference's list of published files calls its digest
 *   .meta    {"sector_size":N}
 *   .params  the key
 *
 * Where .params are there and fit the circuit, they are kept; then only a .vk that is missing or another's is
 * written. The secrets are drawn from the system's random numbers and wiped. One process at a time makes files in
 * a folder.
 *
 * Memory: that of proofs/groth16/setup.h, 240 MiB for a 2KiB PoRep. mainnet: allow a size that
 * slk_size_mainnet() names, else SLK_ERR_INPUT. SLK_ERR_BUSY, SLK_ERR_MISMATCH (the .params there are another
 * circuit's), SLK_ERR_NOSPACE, SLK_ERR_CANCELLED and others of files and memory. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_setup_make(slk_setup_files_t *out, const char *dir,
                                                  slk_circuit_kind_t kind, const slk_size_t *size,
                                                  bool mainnet, const slk_job_t *job,
                                                  slk_diag_t *diag);

#endif /* SELKIE_SETUP_H */
