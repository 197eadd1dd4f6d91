#include "codec/actors/values.h"

SLK_RECORD_TYPE(slk_value_address, "Address", BARE, SLK_VALUE_ADDRESS_ROWS);
SLK_RECORD_TYPE(slk_value_bigint, "BigInt", BARE, SLK_VALUE_BIGINT_ROWS);
SLK_RECORD_TYPE(slk_value_u64, "uint64", BARE, SLK_VALUE_U64_ROWS);
SLK_RECORD_TYPE(slk_value_i64, "int64", BARE, SLK_VALUE_I64_ROWS);
SLK_RECORD_TYPE(slk_value_bool, "bool", BARE, SLK_VALUE_BOOL_ROWS);
SLK_RECORD_TYPE(slk_value_text, "string", BARE, SLK_VALUE_TEXT_ROWS);
SLK_RECORD_TYPE(slk_value_label, "DealLabel", BARE, SLK_VALUE_LABEL_ROWS);
SLK_RECORD_TYPE(slk_value_bitfield, "BitField", BARE, SLK_VALUE_BITFIELD_ROWS);
SLK_RECORD_TYPE(slk_fail_code, "FailCode", TUPLE, SLK_FAIL_CODE_ROWS);
SLK_RECORD_TYPE(slk_batch_return, "BatchReturn", TUPLE, SLK_BATCH_RETURN_ROWS);
SLK_RECORD_TYPE(slk_filter_estimate, "FilterEstimate", TUPLE, SLK_FILTER_ESTIMATE_ROWS);
SLK_RECORD_TYPE(slk_power_pair, "PowerPair", TUPLE, SLK_POWER_PAIR_ROWS);

int64_t slk_batch_exit_code(const slk_batch_return_t *batch, uint64_t i)
{
    for (size_t k = 0; k < batch->fail_codes.count; k++)
        if (batch->fail_codes.items[k].idx == i)
            return batch->fail_codes.items[k].code;
    return 0;
}
