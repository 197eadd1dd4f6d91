#ifndef SLK_CODEC_ACTORS_INIT_H
#define SLK_CODEC_ACTORS_INIT_H

/* The init actor, f01, which makes actors (spec chain.md 3.4). */

#include "codec/actors/values.h"

#define SLK_EXEC_PARAMS_ROWS(F, T)                                                                 \
    F(T, CID, code_cid, "CodeCID")                                                                 \
    F(T, BYTES, constructor_params, "ConstructorParams")
SLK_RECORD(slk_exec_params, SLK_EXEC_PARAMS_ROWS);

#define SLK_EXEC_RETURN_ROWS(F, T)                                                                 \
    F(T, ADDRESS, id_address, "IDAddress")                                                         \
    F(T, ADDRESS, robust_address, "RobustAddress")
SLK_RECORD(slk_exec_return, SLK_EXEC_RETURN_ROWS);

#define SLK_EXEC4_PARAMS_ROWS(F, T)                                                                \
    F(T, CID, code_cid, "CodeCID")                                                                 \
    F(T, BYTES, constructor_params, "ConstructorParams")                                           \
    F(T, BYTES, sub_address, "SubAddress")
SLK_RECORD(slk_exec4_params, SLK_EXEC4_PARAMS_ROWS);

#define SLK_INIT_STATE_ROWS(F, T)                                                                  \
    F(T, CID, address_map, "AddressMap")                                                           \
    F(T, U64, next_id, "NextID")                                                                   \
    F(T, TEXT, network_name, "NetworkName")
SLK_RECORD(slk_init_state, SLK_INIT_STATE_ROWS);

#endif /* SLK_CODEC_ACTORS_INIT_H */
