#ifndef SLK_DEVNET_VM_GAS_H
#define SLK_DEVNET_VM_GAS_H

/* Gas. What a message must pay for being on the chain and what verification costs are the real network's
 * prices (spec chain.md 2.2, 2.4); what running actors costs is a model: so much a call, a block of state read
 * and a block written, chosen so that messages use about what they were seen to use (spec 10.5).
 *
 * What is charged for it is computed as the real chain does. */

#include "codec/bigint.h"
#include "codec/chain/message.h"

#define SLK_GAS_LIMIT_MAX INT64_C(10000000000)
#define SLK_MIN_BASE_FEE  100

/* For being on the chain: len bytes of the message as it is there. */
int64_t slk_gas_inclusion(size_t len);

typedef enum {
    SLK_GAS_CALL,
    SLK_GAS_TRANSFER,
    SLK_GAS_NEW_ACTOR,
    SLK_GAS_BLOCK_READ,
    SLK_GAS_BLOCK_WRITE,
    SLK_GAS_BYTE_WRITTEN,
    SLK_GAS_SIGNATURE_SECP256K1,
    SLK_GAS_SIGNATURE_BLS,
    SLK_GAS_COMM_D,
    SLK_GAS_SEAL_PROOF,
    SLK_GAS_WINDOW_POST,
    SLK_GAS_WINDOW_POST_SECTOR,
    SLK_GAS_REPLICA_UPDATE,
    SLK_GAS_RANDOMNESS,
    SLK_GAS_RANDOMNESS_EPOCH,
    SLK_GAS_EVENT,
    SLK_GAS_EVENT_BYTE,
    SLK_GAS_CNT
} slk_gas_item_t;

/* Gas of one of these. */
int64_t slk_gas_price(slk_gas_item_t item);

/* What a message costs that used `used` of its limit, at the base fee of its tipset. used 0 with a
 * penalty is for messages that should not have been in a block. */
typedef struct {
    slk_bigint_t base_fee_burn, over_estimation_burn, miner_penalty, miner_tip, refund;
} slk_gas_charge_t;
slk_gas_charge_t slk_gas_charge(const slk_message_t *message, int64_t used,
                                const slk_bigint_t *base_fee);

/* The base fee of the next tipset from FireHorse on. premiums: effective premiums and gas limits of the
 * parent tipset's messages, each message once; sorted here. */
typedef struct {
    slk_bigint_t premium;
    int64_t limit;
} slk_gas_paid_t;
slk_bigint_t slk_next_base_fee(const slk_bigint_t *base_fee, slk_gas_paid_t *paid, size_t cnt);

#endif /* SLK_DEVNET_VM_GAS_H */
