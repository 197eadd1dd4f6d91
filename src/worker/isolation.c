#include "worker/isolation.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- CPUs ----------------------------------------------------------------------------------- */

static bool parse_cpu(unsigned *out, const char **text)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long n = strtoul(*text, &end, 10);
    *text = end;
    *out = (unsigned)n;
    return n < CPU_SETSIZE;
}

slk_err_t slk_cpu_list_parse(cpu_set_t *out, const char *text, const char *what, slk_diag_t *diag)
{
    const char *p = text;
    CPU_ZERO(out);
    for (;;) {
        unsigned first, last;
        if (!parse_cpu(&first, &p))
            break;
        last = first;
        if (*p == '-') {
            p++;
            if (!parse_cpu(&last, &p) || last < first)
                break;
        }
        for (unsigned cpu = first; cpu <= last; cpu++)
            CPU_SET(cpu, out);
        if (!*p)
            return SLK_OK;
        if (*p++ != ',')
            break;
    }
    return slk_fail(diag, SLK_ERR_INPUT,
                    "%s '%.200s': expected CPU numbers below %d as 0-3,8 without blanks", what,
                    text, CPU_SETSIZE);
}

static slk_err_t run_on(const char *cpus, slk_diag_t *diag)
{
    cpu_set_t set;
    slk_err_t err = slk_cpu_list_parse(&set, cpus, SLK_ENV_CPUS, diag);
    if (err == SLK_OK && sched_setaffinity(0, sizeof set, &set))
        err = slk_fail(diag, SLK_ERR_UNSUPPORTED, SLK_ENV_CPUS " '%.200s': %s", cpus,
                       strerror(errno));
    return err;
}

/* --- Cgroups -------------------------------------------------------------------------------- */

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Where cpuset lives. Version 1 mounts a controller each, version 2 one tree in which a folder
 * hands controllers down to its children. */
static slk_err_t cpuset_root(const char **root, bool *v2, slk_diag_t *diag)
{
    static const char *const roots[] = {CGROUP_ROOT "/cpuset", CGROUP_ROOT};
    static const char *const marks[] = {"/cpuset.cpus", "/cgroup.controllers"};
    for (unsigned i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s%s", roots[i], marks[i]);
        if (access(path, F_OK) == 0) {
            *root = roots[i];
            *v2 = i == 1;
            return SLK_OK;
        }
    }
    return slk_fail(diag, SLK_ERR_UNSUPPORTED, "no cpuset controller below " CGROUP_ROOT);
}

static slk_err_t put_file(const char *dir, const char *name, const char *text, slk_diag_t *diag)
{
    char path[4200];
    slk_err_t err = slk_path_join(path, sizeof path, dir, name, diag);
    if (err != SLK_OK)
        return err;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return slk_fail_errno(diag, "open", path);
    if (write(fd, text, strlen(text)) < 0)
        err = slk_fail_errno(diag, "write", path);
    close(fd);
    return err;
}

/* These files have no length that stat() knows. */
static slk_err_t get_file(char out[4096], const char *path, slk_diag_t *diag)
{
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return slk_fail_errno(diag, "open", path);
    slk_err_t err = slk_read_upto(fd, out, 4095, &len, path, diag);
    out[len] = '\0';
    close(fd);
    return err;
}

/* The same file of the folder above. */
static slk_err_t get_above(char out[4096], const char *dir, const char *name, slk_diag_t *diag)
{
    char path[4200];
    snprintf(path, sizeof path, "%s", dir);
    snprintf(strrchr(path, '/'), 64, "/%s", name);
    return get_file(out, path, diag);
}

/* Version 1 starts a group without memory nodes, and nothing can join it then. */
static slk_err_t copy_mems(const char *dir, slk_diag_t *diag)
{
    char mems[4096];
    slk_err_t err = get_above(mems, dir, "cpuset.mems", diag);
    return err == SLK_OK ? put_file(dir, "cpuset.mems", mems, diag) : err;
}

/* One folder of the name: make it usable for the next. */
static slk_err_t make_group(const char *dir, bool v2, slk_diag_t *diag)
{
    char parent[4096];
    slk_err_t err = SLK_OK;
    if (v2) {
        snprintf(parent, sizeof parent, "%s", dir);
        *strrchr(parent, '/') = '\0';
        err = put_file(parent, "cgroup.subtree_control", "+cpuset", diag);
    }
    if (err == SLK_OK && mkdir(dir, 0755) && errno != EEXIST)
        err = slk_fail_errno(diag, "make cgroup", dir);
    return err;
}

/* Groups above the last one have all CPUs of their parents in version 1 only if somebody says so. */
static slk_err_t widen(const char *dir, slk_diag_t *diag)
{
    char path[4200], cpus[4096];
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, dir, "cpuset.cpus", diag));
    SLK_TRY(get_file(cpus, path, diag));
    if (strlen(cpus) > 1)
        goto out;
    SLK_TRY(get_above(cpus, dir, "cpuset.cpus", diag));
    SLK_TRY(put_file(dir, "cpuset.cpus", cpus, diag));
    err = copy_mems(dir, diag);
out:
    return err;
}

static slk_err_t check_name(const char *name, slk_diag_t *diag)
{
    if (*name && *name != '/' && strlen(name) < 1024 && !strstr(name, "..") &&
        !strstr(name, "//") && name[strlen(name) - 1] != '/')
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_INPUT,
                    SLK_ENV_CGROUP " '%.200s': expected the name of a cgroup as group/name", name);
}

slk_err_t slk_cgroup_join(slk_cgroup_t *out, const char *name, const char *cpus, slk_diag_t *diag)
{
    char dir[4096];
    const char *root = CGROUP_ROOT;
    bool v2 = true;
    cpu_set_t set;
    slk_err_t err;
    *out = (slk_cgroup_t){""};
    SLK_TRY(check_name(name, diag));
    SLK_TRY(slk_cpu_list_parse(&set, cpus, SLK_ENV_CGROUP_CPUS, diag));
    SLK_TRY(cpuset_root(&root, &v2, diag));
    for (const char *end = name; *end;) {
        end += 1 + strcspn(end + 1, "/");
        snprintf(dir, sizeof dir, "%s/%.*s", root, (int)(end - name), name);
        SLK_TRY(make_group(dir, v2, diag));
        if (*end && !v2)
            SLK_TRY(widen(dir, diag));
    }
    err = put_file(dir, "cpuset.cpus", cpus, diag);
    if (err == SLK_OK && !v2)
        err = copy_mems(dir, diag);
    if (err == SLK_OK)
        err = put_file(dir, "cgroup.procs", "0", diag);
    if (err == SLK_OK)
        snprintf(out->dir, sizeof out->dir, "%s", dir);
    else
        rmdir(dir);
out:
    return err;
}

void slk_cgroup_remove(const char *name)
{
    char dir[4096];
    const char *root = CGROUP_ROOT;
    bool v2;
    if (check_name(name, NULL) != SLK_OK || cpuset_root(&root, &v2, NULL) != SLK_OK)
        return;
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    rmdir(dir);
}

void slk_cgroup_leave(slk_cgroup_t *cgroup)
{
    char parent[4096];
    if (!*cgroup->dir)
        return;
    snprintf(parent, sizeof parent, "%s", cgroup->dir);
    *strrchr(parent, '/') = '\0';
    /* In version 2 a group that has children takes no process: the root does. */
    if (put_file(parent, "cgroup.procs", "0", NULL) != SLK_OK &&
        put_file(CGROUP_ROOT, "cgroup.procs", "0", NULL) != SLK_OK)
        return;
    rmdir(cgroup->dir);
    *cgroup->dir = '\0';
}

/* --- NUMA ----------------------------------------------------------------------------------- */

slk_err_t slk_numa_prefer(const char *node, slk_diag_t *diag)
{
    enum { PREFERRED = 1, NODES = 1024 }; /* MPOL_PREFERRED of linux/mempolicy.h */
    unsigned long mask[NODES / (8 * sizeof(unsigned long)) + 1] = {0};
    char *end;
    unsigned long n = strtoul(node, &end, 10);
    if (*node < '0' || *node > '9' || *end || n >= NODES)
        return slk_fail(diag, SLK_ERR_INPUT,
                        SLK_ENV_NUMA " '%.100s': expected the number of a NUMA node", node);
    mask[n / (8 * sizeof *mask)] = 1UL << n % (8 * sizeof *mask);
    if (syscall(SYS_set_mempolicy, PREFERRED, mask, NODES + 1))
        return slk_fail(diag, SLK_ERR_UNSUPPORTED, SLK_ENV_NUMA " '%s': %s", node, strerror(errno));
    return SLK_OK;
}

/* --- All ------------------------------------------------------------------------------------ */

static slk_err_t tell(slk_err_t err, slk_warn_fn_t *warn, slk_diag_t *why, slk_diag_t *diag)
{
    if (err == SLK_ERR_INPUT)
        return slk_fail(diag, err, "%s", why->text);
    if (err != SLK_OK)
        warn(why->text);
    return SLK_OK;
}

slk_err_t slk_isolate_from_env(slk_cgroup_t *out, slk_warn_fn_t *warn, slk_diag_t *diag)
{
    const char *group = getenv(SLK_ENV_CGROUP), *group_cpus = getenv(SLK_ENV_CGROUP_CPUS);
    const char *node = getenv(SLK_ENV_NUMA), *cpus = getenv(SLK_ENV_CPUS);
    slk_diag_t why = {""};
    slk_err_t err = SLK_OK;
    *out = (slk_cgroup_t){""};
    if (group && group_cpus)
        SLK_TRY(tell(slk_cgroup_join(out, group, group_cpus, &why), warn, &why, diag));
    if (node)
        SLK_TRY(tell(slk_numa_prefer(node, &why), warn, &why, diag));
    if (cpus)
        SLK_TRY(tell(run_on(cpus, &why), warn, &why, diag));
out:
    return err;
}
