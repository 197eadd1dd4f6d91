#ifndef SELKIE_GROTH16_H
#define SELKIE_GROTH16_H

/* Groth16 over BLS12-381 as Filecoin uses it: files of keys, proof bytes, verification. Source:
 * spec/proofs-snark.md sections 1.6, 1.7 and 6.
 *
 * All files are those of the reference: big-endian, points uncompressed, one after the other
 * without header:
 *
 *   .vk      alpha_g1 96, beta_g1 96, beta_g2 192, gamma_g2 192, delta_g1 96, delta_g2 192,
 *            u32 n, n x ic 96                                                  868 + 96 n bytes
 *   .params  the bytes of the .vk, then h, l, a, b_g1 (96 a point), b_g2 (192), each after a u32 count
 *
 * and a proof is A (48) | B (96) | C (48), compressed; the proof of several partitions is theirs
 * in order. */

#include "selkie/job.h"
#include "selkie/proof_types.h"

/* --- Where the files are -------------------------------------------------------------------- */

typedef enum {
    SLK_PARAMS_KEY,
    SLK_PARAMS_VK,
    SLK_PARAMS_META,
    SLK_PARAMS_DIGESTS
} slk_params_kind_t;

/* The folder: FIL_PROOFS_PARAMETER_CACHE, else /var/tmp/filecoin-proof-parameters.
 * SLK_ERR_LENGTH. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_params_dir(char *out, size_t cap, slk_diag_t *diag);

/* "<dir>/v28-<cache_identifier>.params" (SLK_PARAMS_KEY), ".vk", ".meta" or ".b2sum".
 * cache_identifier is a prefix and the digest of the circuit's parameters in hex, as
 * `selkie params r1cs` prints it. dir NULL: slk_params_dir(). SLK_ERR_INPUT: other characters than
 * those of such a name; SLK_ERR_LENGTH. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_params_path(char *out, size_t cap, const char *dir,
                                                   const char *cache_identifier,
                                                   slk_params_kind_t kind, slk_diag_t *diag);

/* --- Verifying keys -------------------------------------------------------------------------- */

/* A verifying key, every point of it checked: canonical, on the curve, in the subgroup, not the
 * identity. Immutable; any number of threads may use it. */
typedef struct slk_vk slk_vk_t;

#define SLK_VK_IC_MAX (UINT32_C(1) << 20) /* the largest published circuit has 25,840 */

/* From the bytes of a .vk file, no more and no less. name: what messages call it. job NULL or
 * its pool shares the work of large keys. SLK_ERR_LENGTH, SLK_ERR_FORMAT (diag names the field
 * and its byte), SLK_ERR_NOMEM. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vk_parse(slk_vk_t **out, const void *bytes, size_t len,
                                                const char *name, const slk_job_t *job,
                                                slk_diag_t *diag);

/* From a .vk file, or from the head of a .params file, whose lengths are all checked. A file
 * that another process is writing is waited for, up to a minute (SLK_ERR_BUSY). SLK_ERR_STATE:
 * there is no such file. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vk_read(slk_vk_t **out, const char *path,
                                               const slk_job_t *job, slk_diag_t *diag);
SLK_API SLK_CHECK_RESULT slk_err_t slk_vk_read_params(slk_vk_t **out, const char *path,
                                                      const slk_job_t *job, slk_diag_t *diag);

/* The key of a circuit: from its .vk file, when there is none from its .params. dir as for
 * slk_params_path. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_vk_find(slk_vk_t **out, const char *dir,
                                               const char *cache_identifier, const slk_job_t *job,
                                               slk_diag_t *diag);
SLK_API void slk_vk_free(slk_vk_t *vk);

/* Public inputs of one proof, ONE not counted: length of ic less one. */
SLK_API size_t slk_vk_input_cnt(const slk_vk_t *vk);

/* --- Proofs ---------------------------------------------------------------------------------- */

#define SLK_GROTH16_PROOF_SZ 192u

/* Whether cnt proofs, back to back, are well-formed: exactly 192 * cnt bytes, each point a
 * canonical compressed one of the subgroup and not the identity. SLK_ERR_LENGTH, SLK_ERR_FORMAT:
 * diag names proof, point and byte. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_groth16_check_proofs(const void *proofs, size_t proofs_len,
                                                            size_t cnt, slk_diag_t *diag);

/* Whether cnt > 0 proofs under one key are right, all of them: partitions of one proof, or
 * proofs of many sectors. inputs: slk_vk_input_cnt(vk) for each proof, in the order of the
 * proofs; input_cnt is their total.
 *
 * Several proofs share one multi-pairing, weighted by random numbers of 128 bits: a wrong one
 * passes with a chance of 2^-128. job NULL or its pool shares the work.
 *
 * *ok is the answer. Proof bytes that are malformed or of the wrong length are a "no", too; diag
 * then says why and which proof it was. Errors are the caller's side: SLK_ERR_INPUT (cnt 0),
 * SLK_ERR_LENGTH (number of inputs), SLK_ERR_FIELD (an input that is no canonical field
 * element), SLK_ERR_NOMEM, SLK_ERR_IO. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_groth16_verify(bool *ok, const slk_vk_t *vk,
                                                      const void *proofs, size_t proofs_len,
                                                      size_t cnt, const slk_node_t *inputs,
                                                      size_t input_cnt, const slk_job_t *job,
                                                      slk_diag_t *diag);

#endif /* SELKIE_GROTH16_H */
