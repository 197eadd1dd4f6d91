#include "codec/actors/init.h"

SLK_RECORD_TYPE(slk_exec_params, "ExecParams", TUPLE, SLK_EXEC_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_exec_return, "ExecReturn", TUPLE, SLK_EXEC_RETURN_ROWS);
SLK_RECORD_TYPE(slk_exec4_params, "Exec4Params", TUPLE, SLK_EXEC4_PARAMS_ROWS);
SLK_RECORD_TYPE(slk_init_state, "State", TUPLE, SLK_INIT_STATE_ROWS);
