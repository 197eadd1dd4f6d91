#include "codec/chain/block.h"

SLK_RECORD_TYPE(slk_ticket, "Ticket", TUPLE, SLK_TICKET_ROWS);
SLK_RECORD_TYPE(slk_election_proof, "ElectionProof", TUPLE, SLK_ELECTION_PROOF_ROWS);
SLK_RECORD_TYPE(slk_beacon_entry, "BeaconEntry", TUPLE, SLK_BEACON_ENTRY_ROWS);
SLK_RECORD_TYPE(slk_post_proof, "PoStProof", TUPLE, SLK_POST_PROOF_ROWS);
SLK_RECORD_TYPE(slk_block_header, "BlockHeader", TUPLE, SLK_BLOCK_HEADER_ROWS);
SLK_RECORD_TYPE(slk_msg_meta, "MsgMeta", TUPLE, SLK_MSG_META_ROWS);
SLK_RECORD_TYPE(slk_block_msg, "BlockMsg", TUPLE, SLK_BLOCK_MSG_ROWS);
SLK_RECORD_TYPE(slk_block_messages, "BlockMessages", OBJECT, SLK_BLOCK_MESSAGES_ROWS);
SLK_RECORD_TYPE(slk_block_template, "BlockTemplate", OBJECT, SLK_BLOCK_TEMPLATE_ROWS);
SLK_RECORD_TYPE(slk_challenged_sector, "ExtendedSectorInfo", TUPLE, SLK_CHALLENGED_SECTOR_ROWS);
SLK_RECORD_TYPE(slk_mining_base_info, "MiningBaseInfo", OBJECT, SLK_MINING_BASE_INFO_ROWS);

slk_err_t slk_block_cid(slk_cid_t *cid, const slk_block_header_t *header, slk_diag_t *diag)
{
    return slk_record_cid(cid, &slk_block_header_type, header, diag);
}

slk_err_t slk_block_unsigned(slk_buf_t *out, const slk_block_header_t *header, slk_diag_t *diag)
{
    slk_block_header_t bare = *header;
    bare.block_sig = (slk_signature_t){0};
    return slk_record_encode(out, &slk_block_header_type, &bare, diag);
}
