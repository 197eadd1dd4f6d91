#ifndef SLK_CODEC_FIL_H
#define SLK_CODEC_FIL_H

/* Amounts as people write them: "1.5 FIL", "0.07", "100 attoFIL". On the chain they are integers of
 * attoFIL; 1 FIL = 10^18 of them. */

#include "codec/bigint.h"

#define SLK_FIL_TEXT_SZ (SLK_BIGINT_TEXT_SZ + 8)

/* Read a number, negative with '-', and a unit: FIL (also when there is none) with up to 18 digits
 * behind the point, or attoFIL, aFIL in whole numbers. Case of the unit does not matter.
 * SLK_ERR_INPUT: anything else. */
SLK_CHECK_RESULT slk_err_t slk_fil_parse(slk_bigint_t *atto, const char *text, slk_diag_t *diag);

/* "1.5 FIL", exact, without zeros at the end of the fraction. */
void slk_fil_format(char out[SLK_FIL_TEXT_SZ], const slk_bigint_t *atto);

#endif /* SLK_CODEC_FIL_H */
