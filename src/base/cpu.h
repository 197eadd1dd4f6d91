#ifndef SLK_BASE_CPU_H
#define SLK_BASE_CPU_H

/* For kernels: pick a row of an implementation table by the present choice (selkie/cpu.h). */

#include "selkie/cpu.h"

/* Of the back ends a kernel has, the one to use: rows lists them best first, ending with
 * SLK_CPU_PORTABLE. Auto: the first that this machine has. Forced: that one if listed, else
 * PORTABLE. */
slk_cpu_t slk_cpu_pick(const slk_cpu_t *rows);

#endif /* SLK_BASE_CPU_H */
