/* Messages, blocks and what else the chain is made of, from CBOR. */
#include "codec/chain/receipt.h"
#include "codec/fuzz_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const slk_type_t *const types[] = {
        &slk_message_type, &slk_signed_message_type, &slk_block_header_type, &slk_block_msg_type,
        &slk_receipt_type, &slk_msg_meta_type,       &slk_actor_state_type,  &slk_state_root_type,
    };
    for (size_t i = 0; i < SLK_COUNT(types); i++)
        fuzz_record(types[i], data, size);
    return 0;
}
