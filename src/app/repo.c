#include "app/repo.h"

#include "base/assert.h"
#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static slk_err_t repo_root(char *out, size_t cap, const char *given, slk_diag_t *diag)
{
    const char *repo = given ? given : getenv("SELKIE_PATH"), *home = getenv("HOME");
    char here[PATH_MAX];
    if (!repo || !*repo) {
        if (!home || !*home)
            return slk_fail(diag, SLK_ERR_INPUT, "which folder? Give --repo or set SELKIE_PATH");
        return slk_path_join(out, cap, home, ".selkie", diag);
    }
    if (*repo == '/')
        return slk_path_join(out, cap, repo, "", diag);
    if (!getcwd(here, sizeof here))
        return slk_fail_errno(diag, "find", "the current folder");
    return slk_path_join(out, cap, here, repo, diag);
}

slk_err_t slk_repo_dir(char *out, size_t cap, const char *given, const char *role, slk_diag_t *diag)
{
    char root[PATH_MAX];
    slk_err_t err = repo_root(root, sizeof root, given, diag);
    if (err != SLK_OK)
        return err;
    for (size_t len = strlen(root); len > 1 && root[len - 1] == '/'; len--)
        root[len - 1] = 0;
    if (!*role) {
        if (strlen(root) >= cap)
            return slk_fail(diag, SLK_ERR_LENGTH, "%.200s...: the path is too long", root);
        memcpy(out, root, strlen(root) + 1);
        return SLK_OK;
    }
    return slk_path_join(out, cap, root, role, diag);
}
