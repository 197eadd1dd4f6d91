#define LANES    16
#define DRAWS_FN slk_draws_avx512
#include "proofs/graph/draws_impl.h"
