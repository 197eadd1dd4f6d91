#include "app/params_record.h"

#include "base/bytes.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME       "selkie-verified.json"
#define RECORD_MAX (256u << 10)

json_t *slk_params_record_load(const char *dir)
{
    char path[4096], *text;
    size_t len;
    json_t *record = NULL;
    if (slk_path_join(path, sizeof path, dir, NAME, NULL) == SLK_OK &&
        slk_read_file(&text, &len, path, RECORD_MAX, NULL) == SLK_OK) {
        record = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        free(text);
    }
    if (json_is_object(record))
        return record;
    json_decref(record);
    return json_object();
}

/* The file as it is now; NULL: it cannot be looked at. */
static json_t *describe(const slk_params_check_t *check)
{
    struct stat st;
    char digest[2 * SLK_MANIFEST_DIGEST_SZ + 1];
    if (stat(check->path, &st))
        return NULL;
    slk_hex_encode(digest, check->row->digest, SLK_MANIFEST_DIGEST_SZ);
    return json_pack("{s:s, s:I, s:[I, I], s:I}", "digest", digest, "bytes", (json_int_t)st.st_size,
                     "mtime", (json_int_t)st.st_mtim.tv_sec, (json_int_t)st.st_mtim.tv_nsec,
                     "inode", (json_int_t)st.st_ino);
}

bool slk_params_record_knows(const json_t *record, const slk_params_check_t *check)
{
    json_t *now = check->row ? describe(check) : NULL;
    bool same = now && json_equal(now, json_object_get(record, check->row->name));
    json_decref(now);
    return same;
}

void slk_params_record_add(json_t *record, const slk_params_check_t *check)
{
    json_t *now = describe(check);
    if (now)
        json_object_set_new(record, check->row->name, now);
}

void slk_params_record_save(const json_t *record, const char *dir)
{
    char path[4096];
    char *text = json_dumps(record, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (text && slk_path_join(path, sizeof path, dir, NAME, NULL) == SLK_OK)
        (void)!slk_write_file(path, text, strlen(text), NULL);
    free(text);
}
