#ifndef SLK_CODEC_ACTORS_VALUES_H
#define SLK_CODEC_ACTORS_VALUES_H

/* What parameters and returns of several actors are made of. */

#include "codec/record.h"

/* Parameters and returns that are one value alone, without an array around it. */
#define SLK_VALUE_ADDRESS_ROWS(F, T)  F(T, ADDRESS, value, "")
#define SLK_VALUE_BIGINT_ROWS(F, T)   F(T, BIGINT, value, "")
#define SLK_VALUE_U64_ROWS(F, T)      F(T, U64, value, "")
#define SLK_VALUE_I64_ROWS(F, T)      F(T, I64, value, "")
#define SLK_VALUE_BOOL_ROWS(F, T)     F(T, BOOL, value, "")
#define SLK_VALUE_TEXT_ROWS(F, T)     F(T, TEXT, value, "")
#define SLK_VALUE_LABEL_ROWS(F, T)    F(T, LABEL, value, "")
#define SLK_VALUE_BITFIELD_ROWS(F, T) F(T, BITFIELD, value, "")
SLK_RECORD(slk_value_address, SLK_VALUE_ADDRESS_ROWS);
SLK_RECORD(slk_value_bigint, SLK_VALUE_BIGINT_ROWS);
SLK_RECORD(slk_value_u64, SLK_VALUE_U64_ROWS);
SLK_RECORD(slk_value_i64, SLK_VALUE_I64_ROWS);
SLK_RECORD(slk_value_bool, SLK_VALUE_BOOL_ROWS);
SLK_RECORD(slk_value_text, SLK_VALUE_TEXT_ROWS);
SLK_RECORD(slk_value_label, SLK_VALUE_LABEL_ROWS);
SLK_RECORD(slk_value_bitfield, SLK_VALUE_BITFIELD_ROWS);

/* Results of a batch: how many succeeded, and the exit codes of those that did not. */
#define SLK_FAIL_CODE_ROWS(F, T)                                                                   \
    F(T, U64, idx, "Idx")                                                                          \
    F(T, I64, code, "Code")
SLK_RECORD(slk_fail_code, SLK_FAIL_CODE_ROWS);
#define SLK_BATCH_RETURN_ROWS(F, T)                                                                \
    F(T, U64, success_count, "SuccessCount")                                                       \
    F(T, LIST, fail_codes, "FailCodes", slk_fail_code)
SLK_RECORD(slk_batch_return, SLK_BATCH_RETURN_ROWS);

/* Exit code of element i of a batch; 0 where it succeeded. */
int64_t slk_batch_exit_code(const slk_batch_return_t *batch, uint64_t i);

/* A smoothed value, both in Q.128. */
#define SLK_FILTER_ESTIMATE_ROWS(F, T)                                                             \
    F(T, BIGINT, position_estimate, "PositionEstimate")                                            \
    F(T, BIGINT, velocity_estimate, "VelocityEstimate")
SLK_RECORD(slk_filter_estimate, SLK_FILTER_ESTIMATE_ROWS);

#define SLK_POWER_PAIR_ROWS(F, T)                                                                  \
    F(T, BIGINT, raw, "Raw")                                                                       \
    F(T, BIGINT, qa, "QA")
SLK_RECORD(slk_power_pair, SLK_POWER_PAIR_ROWS);

#endif /* SLK_CODEC_ACTORS_VALUES_H */
