#ifndef SELKIE_CPU_H
#define SELKIE_CPU_H

/* Which instruction sets the hash kernels use. Every choice gives the same bytes.
 *
 * The choice is made once, at the first hash or at slk_cpu_select: the fastest back end the CPU
 * has, or what the environment variable SELKIE_CPU names. A name forces its back end where a kernel
 * has one and the portable code where it has none. */

#include "selkie/err.h"

#include <stdbool.h>

/* One row a back end: enum name, name in SELKIE_CPU, what the CPU must have. */
#define SLK_CPU_LIST(X)                                                                            \
    X(PORTABLE, "portable", "any CPU")                                                             \
    X(SHANI, "shani", "SHA-NI, SSE4.1")                                                            \
    X(AVX2, "avx2", "AVX2, BMI2, FMA")                                                             \
    X(AVX512, "avx512", "AVX-512 F, BW, VL, DQ")                                                   \
    X(IFMA, "ifma", "AVX-512 F, BW, VL, DQ, IFMA")

typedef enum {
#define SLK_CPU_ENUM(id, name, needs) SLK_CPU_##id,
    SLK_CPU_LIST(SLK_CPU_ENUM)
#undef SLK_CPU_ENUM
        SLK_CPU_CNT,
    SLK_CPU_AUTO = SLK_CPU_CNT /* the best of each kernel */
} slk_cpu_t;

/* Name as in SELKIE_CPU ("auto" for SLK_CPU_AUTO), and what it needs. */
SLK_API const char *slk_cpu_name(slk_cpu_t cpu);
SLK_API const char *slk_cpu_needs(slk_cpu_t cpu);

/* Whether this machine (CPU and operating system) can run a back end. */
SLK_API bool slk_cpu_has(slk_cpu_t cpu);

/* Choose by name; NULL: by SELKIE_CPU, "auto" when that is unset or empty. To be called before
 * other threads hash; a program that never calls it gets the default at the first hash, and aborts
 * there if SELKIE_CPU is wrong. SLK_ERR_INPUT: unknown name. SLK_ERR_UNSUPPORTED: this CPU lacks
 * it. */
SLK_API SLK_CHECK_RESULT slk_err_t slk_cpu_select(const char *name, slk_diag_t *diag);

/* The present choice: a back end, or SLK_CPU_AUTO. */
SLK_API slk_cpu_t slk_cpu_selected(void);

#endif /* SELKIE_CPU_H */
