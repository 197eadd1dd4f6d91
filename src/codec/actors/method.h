#ifndef SLK_CODEC_ACTORS_METHOD_H
#define SLK_CODEC_ACTORS_METHOD_H

/* Actors and their methods: numbers, names, types of parameters and returns (spec chain.md 3; actors
 * v18). Numbers from 2^24 on follow FRC-42 and may be called by everybody; their names end in
 * "Exported", as the node shows them. Methods that were removed are not listed. */

#include "codec/actors/values.h"

/* One row a kind of actor: name in the manifest of the actors' bundle. */
#define SLK_ACTOR_LIST(X)                                                                          \
    X(SYSTEM, "system")                                                                            \
    X(INIT, "init")                                                                                \
    X(REWARD, "reward")                                                                            \
    X(CRON, "cron")                                                                                \
    X(POWER, "storagepower")                                                                       \
    X(MARKET, "storagemarket")                                                                     \
    X(VERIFREG, "verifiedregistry")                                                                \
    X(DATACAP, "datacap")                                                                          \
    X(EAM, "eam")                                                                                  \
    X(ACCOUNT, "account")                                                                          \
    X(MULTISIG, "multisig")                                                                        \
    X(MINER, "storageminer")                                                                       \
    X(PAYCH, "paymentchannel")                                                                     \
    X(ETHACCOUNT, "ethaccount")                                                                    \
    X(EVM, "evm")                                                                                  \
    X(PLACEHOLDER, "placeholder")

typedef enum {
#define SLK_ACTOR_ENUM(kind, name) SLK_ACTOR_##kind,
    SLK_ACTOR_LIST(SLK_ACTOR_ENUM)
#undef SLK_ACTOR_ENUM
        SLK_ACTOR_COUNT
} slk_actor_kind_t;

typedef struct {
    uint64_t number;
    const char *name;
    const slk_type_t *params, *ret; /* NULL: none, zero bytes */
    const char *frc42;              /* the name that gives the number; NULL: a number of its own */
} slk_method_t;

const char *slk_actor_name(slk_actor_kind_t kind);
bool slk_actor_from_name(slk_actor_kind_t *kind, const char *name);

/* The code CID of actors v18 in the bundle "devnet", and back; a network's own CIDs are asked of its
 * node (StateActorCodeCIDs). */
slk_cid_t slk_actor_devnet_code(slk_actor_kind_t kind);
bool slk_actor_from_devnet_code(slk_actor_kind_t *kind, const slk_cid_t *code);

/* The actor at an ID address that every network has; false for any other. */
bool slk_actor_of_singleton(slk_actor_kind_t *kind, const slk_address_t *address);

/* All methods of an actor but Send. */
const slk_method_t *slk_actor_methods(slk_actor_kind_t kind, size_t *count);

/* A method by its number or name; 0 is "Send" for every actor. NULL: it has none such. */
const slk_method_t *slk_method_by_number(slk_actor_kind_t kind, uint64_t number);
const slk_method_t *slk_method_by_name(slk_actor_kind_t kind, const char *name);

/* The number of a method by FRC-42: the first four bytes of blake2b-512("1|" name) that give at least
 * 2^24. */
uint64_t slk_frc42_number(const char *name);

/* Parameters or a return as JSON; no bytes give null where the method has none. The caller owns *json.
 * SLK_ERR_FORMAT: bytes where none are expected, none where there should be some, malformed ones. */
SLK_CHECK_RESULT slk_err_t slk_method_params_to_json(json_t **json, const slk_method_t *method,
                                                     slk_bytes_t params, slk_network_t network,
                                                     slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_method_return_to_json(json_t **json, const slk_method_t *method,
                                                     slk_bytes_t ret, slk_network_t network,
                                                     slk_diag_t *diag);

/* Parameters from JSON, appended to out. */
SLK_CHECK_RESULT slk_err_t slk_method_params_from_json(slk_buf_t *out, const slk_method_t *method,
                                                       const json_t *json, slk_diag_t *diag);

#endif /* SLK_CODEC_ACTORS_METHOD_H */
