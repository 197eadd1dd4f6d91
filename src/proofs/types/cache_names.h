#ifndef SLK_PROOFS_TYPES_CACHE_NAMES_H
#define SLK_PROOFS_TYPES_CACHE_NAMES_H

/* Names of the files in a sector's cache folder: those of the reference. Source:
 * spec/proofs-vanilla.md 5.9. */

#include "selkie/proof_types.h"

#define SLK_CACHE_NAME_SZ 64u

#define SLK_P_AUX_NAME "p_aux"
#define SLK_T_AUX_NAME "t_aux"
#define SLK_SYNTH_NAME "syn-porep-vanilla-proofs.dat"

/* "sc-02-data-layer-<layer>.dat", layer from 1. */
void slk_layer_name(char out[SLK_CACHE_NAME_SZ], uint32_t layer);

/* "sc-02-data-tree-d.dat" */
void slk_tree_d_name(char out[SLK_CACHE_NAME_SZ]);

/* "sc-02-data-tree-c.dat", of a size with several base trees "sc-02-data-tree-c-<t>.dat". t <
 * size->trees. */
void slk_tree_c_name(char out[SLK_CACHE_NAME_SZ], const slk_size_t *size, uint32_t t);
void slk_tree_r_last_name(char out[SLK_CACHE_NAME_SZ], const slk_size_t *size, uint32_t t);

#endif /* SLK_PROOFS_TYPES_CACHE_NAMES_H */
