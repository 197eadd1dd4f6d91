#define LANES    8
#define DRAWS_FN slk_draws_avx2
#include "proofs/graph/draws_impl.h"
