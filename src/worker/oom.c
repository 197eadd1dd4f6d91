#include "worker/oom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The number behind `name ` at the start of a line of a file. */
static uint64_t count_in(const char *path, const char *name)
{
    char line[256];
    uint64_t cnt = 0;
    size_t len = strlen(name);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, len) == 0 && line[len] == ' ')
            sscanf(line + len, "%" SCNu64, &cnt);
    }
    if (file)
        fclose(file);
    return cnt;
}

/* Lines "number:controllers:path"; without controllers it is version 2. */
static uint64_t group_count(void)
{
    char line[2048], path[2200];
    uint64_t cnt = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *dir = NULL;
        if (controllers)
            dir = strchr(++controllers, ':');
        if (!dir)
            continue;
        *dir++ = '\0';
        if (!*controllers) {
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.events", dir);
            cnt += count_in(path, "oom_kill");
        } else if (strcmp(controllers, "memory") == 0) {
            snprintf(path, sizeof path, "/sys/fs/cgroup/memory%s/memory.oom_control", dir);
            cnt += count_in(path, "oom_kill");
        }
    }
    if (file)
        fclose(file);
    return cnt;
}

slk_oom_cnt_t slk_oom_cnt(void)
{
    return (slk_oom_cnt_t){group_count(), count_in("/proc/vmstat", "oom_kill")};
}

bool slk_oom_since(const slk_oom_cnt_t *before)
{
    slk_oom_cnt_t now = slk_oom_cnt();
    return now.group > before->group || now.machine > before->machine;
}
