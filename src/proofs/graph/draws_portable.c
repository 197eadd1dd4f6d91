#define LANES    4
#define DRAWS_FN slk_draws_portable
#include "proofs/graph/draws_impl.h"
