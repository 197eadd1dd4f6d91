#include "devnet/vm/runtime.h"

const slk_actor_t slk_actor_datacap = {SLK_ACTOR_DATACAP, NULL, 0};
