#include "base/cpu.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const struct {
    const char *name, *needs;
} cpu_rows[SLK_CPU_CNT + 1] = {
#define CPU_ROW(id, name, needs) [SLK_CPU_##id] = {name, needs},
    SLK_CPU_LIST(CPU_ROW)
#undef CPU_ROW
        [SLK_CPU_AUTO] = {"auto", "any CPU"},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has[SLK_CPU_CNT];
static _Atomic int selected = -1;

static void detect(void)
{
    has[SLK_CPU_PORTABLE] = true;
#if defined(__x86_64__)
    unsigned a, b, c, d, b7 = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        b7 = b;
    __builtin_cpu_init();
    has[SLK_CPU_SHANI] =
        (b7 >> 29 & 1) && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
    has[SLK_CPU_AVX2] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
                        __builtin_cpu_supports("fma");
    has[SLK_CPU_AVX512] = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    has[SLK_CPU_IFMA] = has[SLK_CPU_AVX512] && __builtin_cpu_supports("avx512ifma");
#endif
}

const char *slk_cpu_name(slk_cpu_t cpu)
{
    return cpu_rows[cpu].name;
}
const char *slk_cpu_needs(slk_cpu_t cpu)
{
    return cpu_rows[cpu].needs;
}

bool slk_cpu_has(slk_cpu_t cpu)
{
    pthread_once(&once, detect);
    return cpu == SLK_CPU_AUTO || has[cpu];
}

slk_err_t slk_cpu_select(const char *name, slk_diag_t *diag)
{
    const char *origin = name ? "back end" : "SELKIE_CPU";
    if (!name)
        name = getenv("SELKIE_CPU");
    if (!name || !*name)
        name = "auto";
    for (int i = 0; i <= SLK_CPU_AUTO; i++) {
        if (strcmp(name, cpu_rows[i].name) != 0)
            continue;
        if (!slk_cpu_has((slk_cpu_t)i))
            return slk_fail(diag, SLK_ERR_UNSUPPORTED,
                            "%s=%s: this CPU lacks what it needs (%s); unset it to use the best "
                            "this machine has",
                            origin, name, cpu_rows[i].needs);
        atomic_store(&selected, i);
        return SLK_OK;
    }
    char known[128] = "";
    for (int i = 0; i <= SLK_CPU_AUTO; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", cpu_rows[i].name);
    }
    return slk_fail(diag, SLK_ERR_INPUT, "%s=%s: unknown back end; expected one of %s", origin,
                    name, known);
}

slk_cpu_t slk_cpu_selected(void)
{
    int cpu = atomic_load(&selected);
    if (cpu < 0) {
        slk_diag_t diag;
        if (slk_cpu_select(NULL, &diag) != SLK_OK) {
            fprintf(stderr, "selkie: %s\n", diag.text);
            abort();
        }
        cpu = atomic_load(&selected);
    }
    return (slk_cpu_t)cpu;
}

slk_cpu_t slk_cpu_pick(const slk_cpu_t *rows)
{
    slk_cpu_t want = slk_cpu_selected();
    for (;; rows++) {
        if (want == SLK_CPU_AUTO ? slk_cpu_has(*rows) : *rows == want || *rows == SLK_CPU_PORTABLE)
            return *rows;
    }
}
