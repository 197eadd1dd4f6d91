#ifndef SLK_CRYPTO_SHA256_BENCH_H
#define SLK_CRYPTO_SHA256_BENCH_H

/* What benchmarks and tests need to know of the kernels: which back ends each has.
 * Lists end with SLK_CPU_PORTABLE, best first; a machine may lack those before it (slk_cpu_has). */

#include "selkie/cpu.h"

const slk_cpu_t *slk_sha256_backends_stream(void); /* slk_sha256_blocks */
const slk_cpu_t *slk_sha256_backends_pairs(void);  /* slk_sha256_pairs */
const slk_cpu_t *slk_sha256_backends_label(void);  /* slk_label_run */

#endif /* SLK_CRYPTO_SHA256_BENCH_H */
