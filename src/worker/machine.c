/* What the machine has. */
#include "worker/worker_impl.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A row of /proc/meminfo, bytes; 0: none. */
static uint64_t meminfo(const char *name)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        return 0;
    size_t len = strlen(name);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, len) && line[len] == ':') {
            kib = strtoull(line + len + 1, NULL, 10);
            break;
        }
    fclose(file);
    return kib << 10;
}

/* The limit of this process' cgroup (version 2), UINT64_MAX: none. */
static uint64_t cgroup_limit(void)
{
    char line[512], path[600];
    uint64_t limit = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return limit;
    path[0] = 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "0::", 3)) {
            line[strcspn(line, "\n")] = 0;
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
        }
    fclose(file);
    file = path[0] ? fopen(path, "re") : NULL;
    if (!file)
        return limit;
    if (fscanf(file, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    fclose(file);
    return limit;
}

uint64_t slk_machine_memory(void)
{
    uint64_t all = meminfo("MemTotal"), limit = cgroup_limit();
    return limit < all ? limit : all;
}

uint64_t slk_machine_free_memory(void)
{
    return meminfo("MemAvailable");
}

uint64_t slk_machine_load_millis(void)
{
    double load;
    return getloadavg(&load, 1) == 1 ? (uint64_t)(load * 1000) : 0;
}

unsigned slk_machine_numa_nodes(void)
{
    unsigned cnt = 0;
    DIR *dir = opendir("/sys/devices/system/node");
    if (!dir)
        return 1;
    for (const struct dirent *entry; (entry = readdir(dir));)
        cnt += !strncmp(entry->d_name, "node", 4) && entry->d_name[4] >= '0' &&
               entry->d_name[4] <= '9';
    closedir(dir);
    return cnt ? cnt : 1;
}
