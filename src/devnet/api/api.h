#ifndef SLK_DEVNET_API_API_H
#define SLK_DEVNET_API_API_H

/* A development network in one object: chain, message pool, producer of blocks, wallet, and the Lotus API in
 * front of them (spec chain.md 7 and 8) at /rpc/v0, /rpc/v1 and /rpc/v2, over HTTP and websocket.
 *
 * In its folder: chain.db, wallet/ (plain keys, for this is no place for others), jwt-secret, and `token`
 * and `api` as in a Lotus repository: an admin token and the multiaddr of the server, while it runs. What is on
 * the disk after a kill at any time is the chain as far as anybody was told of it.
 *
 * Otherwise than a Lotus node, beside what devnet/chain says of the chain itself: gas premiums are estimated
 * without noise; messages are estimated on the head, not some epochs below; there is no F3, no Ethereum, no
 * peers; traces of calls name no single gas charges. Methods of its own begin with "Selkie.Devnet"
 * (devnet/api/control.h). Any thread. */

#include "crypto/keys/keystore.h"
#include "devnet/chain/mining.h"

typedef struct slk_devnet slk_devnet_t;

/* Borrowed during slk_devnet_open alone, but for policy.name. */
typedef struct {
    const char *dir;
    slk_policy_t policy;
    const char *network_name; /* NULL: "localnet-" and the policy's name */
    uint64_t seed;            /* of keys, tickets, null rounds */
    uint64_t genesis_time;    /* seconds since 1970; 0: now, or that of the chain that is there */
    const char *params_dir;   /* verifying keys; NULL: the default */
    unsigned threads;         /* for verification; 0: all CPUs */
    slk_producer_options_t producer;
    const char *address; /* to listen on; NULL: 127.0.0.1 */
    uint16_t port;       /* 0: any */
} slk_devnet_options_t;

/* Open or make the chain of a folder and serve. The wallet's default address has 50,000,000 FIL in a new chain;
 * its key, and that of the root of the verified registry, come from the seed. Errors: those of
 * slk_chain_open, slk_http_server_new. */
SLK_CHECK_RESULT slk_err_t slk_devnet_open(slk_devnet_t **net, const slk_devnet_options_t *options,
                                           slk_diag_t *diag);
/* Answer what is being asked, stop, close all. NULL is a no-op. */
void slk_devnet_close(slk_devnet_t *net);

/* Whether somebody asked it to end by Filecoin.Shutdown: whoever opened it closes it then. */
bool slk_devnet_is_told_to_end(const slk_devnet_t *net);

/* "token:/ip4/127.0.0.1/tcp/1234/http", as FULLNODE_API_INFO wants it. A secret: for the one who started it. */
const char *slk_devnet_api_info(const slk_devnet_t *net);

slk_chain_t *slk_devnet_chain(slk_devnet_t *net);
slk_producer_t *slk_devnet_producer(slk_devnet_t *net);

#endif /* SLK_DEVNET_API_API_H */
