#include "base/region.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE (UINT64_C(2) << 20)

/* Anonymous memory that begins at a huge page's border: else its first and last part, or in older
 * kernels all of it, stay in small pages. */
static void *map_aligned(uint64_t len)
{
    uint8_t *p =
        mmap(NULL, len + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return p;
    uint64_t before = -(uintptr_t)p & (HUGE_PAGE - 1);
    if (before)
        munmap(p, before);
    munmap(p + before + len, HUGE_PAGE - before);
    return p + before;
}

slk_err_t slk_region_anon(slk_region_t *region, uint64_t len, slk_diag_t *diag)
{
    region->len = len;
    region->mapped = (len + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    void *p = MAP_FAILED;
    /* Reserved huge pages first; they are taken only if the administrator set some aside. */
    if (len >= HUGE_PAGE)
        p = mmap(NULL, region->mapped, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (p == MAP_FAILED) {
        p = map_aligned(region->mapped);
        if (p == MAP_FAILED) {
            region->ptr = NULL;
            return slk_fail(diag, SLK_ERR_NOMEM, "no memory for %" PRIu64 " bytes: %s", len,
                            strerror(errno));
        }
        if (len >= HUGE_PAGE)
            madvise(p, region->mapped, MADV_HUGEPAGE);
    }
    region->ptr = p;
    return SLK_OK;
}

slk_err_t slk_region_file(slk_region_t *region, int fd, uint64_t len, bool writable,
                          const char *path, slk_diag_t *diag)
{
    region->ptr = NULL;
    void *p = mmap(NULL, len, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return slk_fail_errno(diag, "map", path);
    region->ptr = p;
    region->len = region->mapped = len;
    return SLK_OK;
}

void slk_region_free(slk_region_t *region)
{
    if (region->ptr)
        munmap(region->ptr, region->mapped);
    region->ptr = NULL;
    region->len = region->mapped = 0;
}

static uint64_t read_number(const char *path, const char *fmt)
{
    unsigned long long v = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return UINT64_MAX;
    char line[256];
    uint64_t found = UINT64_MAX;
    while (found == UINT64_MAX && fgets(line, sizeof line, f)) {
        if (sscanf(line, fmt, &v) == 1)
            found = v;
    }
    fclose(f);
    return found;
}

uint64_t slk_memory_available(void)
{
    uint64_t kib = read_number("/proc/meminfo", "MemAvailable: %llu kB");
    uint64_t avail = kib == UINT64_MAX
                         ? (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE)
                         : kib * 1024;
    uint64_t max = read_number("/sys/fs/cgroup/memory.max", "%llu");
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", "%llu");
    uint64_t cache = read_number("/sys/fs/cgroup/memory.stat", "inactive_file %llu");
    if (max != UINT64_MAX && used != UINT64_MAX) {
        /* Pages of files read long ago count as used, but give way. */
        used -= cache < used ? cache : 0;
        uint64_t left = max > used ? max - used : 0;
        if (left < avail)
            avail = left;
    }
    return avail;
}
