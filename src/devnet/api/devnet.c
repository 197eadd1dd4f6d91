#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"
#include "codec/base58.h"
#include "devnet/api/devnet_impl.h"

#include <blake2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RICH_FIL UINT64_C(50000000)
#define ATTO     UINT64_C(1000000000000000000)

/* --- What comes from the seed ------------------------------------------------------------------------------- */

static slk_node_t from_seed(uint64_t seed, const char *what)
{
    slk_node_t out;
    char text[96];
    int len = snprintf(text, sizeof text, "selkie devnet %s %" PRIu64, what, seed);
    SLK_ASSERT(len > 0 && (size_t)len < sizeof text);
    SLK_ASSERT(blake2b(out.b, text, NULL, sizeof out.b, (size_t)len, 0) == 0);
    return out;
}

static slk_err_t seed_key(slk_key_t *key, uint64_t seed, const char *what, slk_diag_t *diag)
{
    slk_node_t secret = from_seed(seed, what);
    secret.b[31] &= 0x3f; /* below the group's order */
    return slk_key_from_secret(key, SLK_KEY_BLS, secret.b, diag);
}

/* The identity of a key that nobody has: a peer id is the hash of a public key, here the key itself
 * behind an identity multihash of a protobuf, as libp2p writes those of ed25519. */
static void peer_id(slk_devnet_t *net, uint64_t seed)
{
    uint8_t bytes[6 + 32] = {0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
    slk_node_t public_key = from_seed(seed, "peer");
    memcpy(bytes + 6, public_key.b, 32);
    slk_base58_encode(net->peer_id, bytes, sizeof bytes);
}

/* --- Wallet -------------------------------------------------------------------------------------------------- */

static slk_err_t add_key(slk_devnet_t *net, const slk_key_t *key, bool make_default,
                         slk_diag_t *diag)
{
    slk_err_t err;
    bool has;
    const slk_address_t address = slk_key_address(key);
    SLK_TRY(slk_signer_has(slk_keystore_signer(net->wallet), &address, &has, diag));
    if (!has)
        SLK_TRY(slk_keystore_add_plain(net->wallet, key, diag));
    slk_address_t present = {0};
    SLK_TRY(slk_keystore_default(net->wallet, &present, diag));
    if (make_default && !slk_address_defined(&present))
        SLK_TRY(slk_keystore_set_default(net->wallet, &address, diag));
out:
    return err;
}

static slk_err_t open_wallet(slk_devnet_t *net, const slk_key_t *rich, const slk_key_t *root,
                             slk_diag_t *diag)
{
    slk_err_t err;
    char dir[sizeof net->dir];
    SLK_TRY(slk_path_join(dir, sizeof dir, net->dir, "wallet", diag));
    SLK_TRY(slk_keystore_create(dir, diag));
    SLK_TRY(slk_keystore_open(&net->wallet, dir, diag));
    SLK_TRY(add_key(net, rich, true, diag));
    SLK_TRY(add_key(net, root, false, diag));
out:
    return err;
}

/* --- Chain --------------------------------------------------------------------------------------------------- */

static slk_err_t open_chain(slk_devnet_t *net, const slk_devnet_options_t *options,
                            const slk_key_t *rich, const slk_key_t *root, slk_diag_t *diag)
{
    char name[96];
    const slk_genesis_account_t account = {
        slk_key_address(rich),
        slk_bigint_mul(slk_bigint_u64(RICH_FIL), slk_bigint_u64(ATTO)),
    };
    snprintf(name, sizeof name, "localnet-%s", net->policy.name);
    slk_chain_options_t chain = {
        .policy = &net->policy,
        .network_name = options->network_name ? options->network_name : name,
        .seed = from_seed(options->seed, "chain"),
        .genesis_time = options->genesis_time,
        .params_dir = options->params_dir,
        .accounts = &account,
        .account_cnt = 1,
        .verifreg_root = slk_key_address(root),
        .job = &net->job,
    };
    return slk_chain_open(&net->chain, net->dir, &chain, diag);
}

static void name_run(slk_devnet_t *net)
{
    struct timespec now;
    struct tm tm;
    char text[32];
    uint8_t id[16];
    SLK_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm));
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(net->start_time, sizeof net->start_time, "%s.%09uZ", text,
             (unsigned)now.tv_nsec % 1000000000u);
    char hex[33];
    SLK_ASSERT(blake2b(id, net->start_time, net->peer_id, sizeof id, strlen(net->start_time),
                       strlen(net->peer_id)) == 0);
    id[6] = (uint8_t)(0x40 | (id[6] & 0x0f)); /* a uuid of version 4 */
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    slk_hex_encode(hex, id, sizeof id);
    snprintf(net->session, sizeof net->session, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
             hex + 16, hex + 20);
}

/* --- Life ---------------------------------------------------------------------------------------------------- */

slk_err_t slk_devnet_open(slk_devnet_t **out, const slk_devnet_options_t *options, slk_diag_t *diag)
{
    slk_err_t err;
    slk_key_t rich = {0}, root = {0};
    slk_devnet_t *net = calloc(1, sizeof *net);
    *out = NULL;
    if (!net)
        return slk_fail(diag, SLK_ERR_NOMEM, "no memory for a development network");
    SLK_ASSERT(pthread_mutex_init(&net->wallet_lock, NULL) == 0);
    net->policy = options->policy;
    SLK_TRY(slk_path_join(net->dir, sizeof net->dir, options->dir, "", diag));
    net->dir[strlen(net->dir) - 1] = 0;
    SLK_TRY(slk_make_dirs(net->dir, diag));
    SLK_TRY(slk_pool_new(&net->threads, options->threads, diag));
    net->job = (slk_job_t){.pool = net->threads, .cancel = &net->stopping};
    peer_id(net, options->seed);
    name_run(net);
    SLK_TRY(seed_key(&rich, options->seed, "rich account", diag));
    SLK_TRY(seed_key(&root, options->seed, "root of the verified registry", diag));
    SLK_TRY(open_chain(net, options, &rich, &root, diag));
    SLK_TRY(open_wallet(net, &rich, &root, diag));
    SLK_TRY(slk_mpool_new(&net->pool, net->chain, diag));
    SLK_TRY(slk_notify_new(&net->notify, net, diag));
    SLK_TRY(slk_producer_new(&net->producer, net->chain, net->pool, &options->producer, diag));
    SLK_TRY(slk_devnet_serve(net, options, diag));
out:
    slk_key_wipe(&rich);
    slk_key_wipe(&root);
    if (err == SLK_OK)
        *out = net;
    else
        slk_devnet_close(net);
    return err;
}

void slk_devnet_close(slk_devnet_t *net)
{
    if (!net)
        return;
    atomic_store(&net->stopping, true);
    atomic_store(&net->fault.stop, true);
    if (net->chain)
        slk_chain_end_waits(net->chain);
    slk_devnet_unserve(net);
    slk_producer_free(net->producer);
    slk_notify_free(net->notify);
    slk_mpool_free(net->pool);
    slk_chain_close(net->chain);
    slk_keystore_close(net->wallet);
    slk_pool_free(net->threads);
    slk_token_key_wipe(&net->key);
    explicit_bzero(net->api_info, sizeof net->api_info);
    pthread_mutex_destroy(&net->wallet_lock);
    free(net);
}

bool slk_devnet_is_told_to_end(const slk_devnet_t *net)
{
    return atomic_load(&net->told_to_end);
}

const char *slk_devnet_api_info(const slk_devnet_t *net)
{
    return net->api_info;
}

slk_chain_t *slk_devnet_chain(slk_devnet_t *net)
{
    return net->chain;
}

slk_producer_t *slk_devnet_producer(slk_devnet_t *net)
{
    return net->producer;
}
