#define LABEL_RUN slk_label_run_avx512

#include "crypto/sha256/label_x8.h"
