#ifndef SLK_CHAIN_SENDER_NODE_H
#define SLK_CHAIN_SENDER_NODE_H

/* The outside of chain/sender.h: real nodes, and a signer or the node's own wallet. */

#include "chain/api.h"
#include "chain/sender.h"
#include "crypto/keys/signer.h"

typedef struct {
    slk_api_t api;       /* last is set by slk_sender_node_init */
    slk_signer_t signer; /* ops NULL: WalletSignMessage of the node */
    slk_api_last_t last;
} slk_sender_node_t;

/* In place: the struct must not be moved afterwards. */
void slk_sender_node_init(slk_sender_node_t *sender, const slk_api_t *api, slk_signer_t signer);

/* With a slk_sender_node_t as context. */
extern const slk_sender_ops_t slk_sender_node_ops;

/* What a pool's error text says, by the words of Lotus. */
slk_message_outcome_t slk_push_outcome(const char *text);

#endif /* SLK_CHAIN_SENDER_NODE_H */
