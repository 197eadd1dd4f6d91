#include "devnet/vm/runtime.h"

const slk_actor_t slk_actor_verifreg = {SLK_ACTOR_VERIFREG, NULL, 0};
