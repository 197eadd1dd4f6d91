#include "crypto/keys/lotus_keystore.h"

#include "base/assert.h"
#include "base/file.h"
#include "codec/base32.h"
#include "crypto/keys/key_text.h"
#include "crypto/keys/secret_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX       "wallet-"
#define NAME_MAX_SZ  (sizeof PREFIX + SLK_ADDRESS_TEXT_SZ)
#define PATH_SZ      4096
#define DEFAULT_FILE "MRSWMYLVNR2A" /* base32 of "default" */

/* What a file's name says, NUL-terminated; false: not base32 of a text that fits. */
static bool decode_name(char out[NAME_MAX_SZ], const char *file)
{
    char lower[SLK_BASE32_LEN(NAME_MAX_SZ) + 1];
    size_t len = strlen(file), out_len = 0;
    if (len >= sizeof lower)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (file[i] >= 'a' && file[i] <= 'z')
            return false;
        lower[i] = file[i] >= 'A' && file[i] <= 'Z' ? (char)(file[i] - 'A' + 'a') : file[i];
    }
    if (slk_base32_decode((uint8_t *)out, NAME_MAX_SZ - 1, &out_len, lower, len) != SLK_BASE32_OK ||
        memchr(out, 0, out_len))
        return false;
    out[out_len] = 0;
    return true;
}

/* The address of a wallet key's file. */
static bool file_address(slk_address_t *address, const char *file)
{
    char name[NAME_MAX_SZ];
    return decode_name(name, file) && strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
           slk_address_from_text(address, name + strlen(PREFIX), NULL) == SLK_OK &&
           slk_address_defined(address);
}

static slk_err_t read_key(slk_key_t *key, const char *dir, const char *file, slk_diag_t *diag)
{
    char path[PATH_SZ], text[SLK_KEY_TEXT_MAX + 1];
    size_t len = 0;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, dir, file, diag));
    SLK_TRY(slk_secret_file_read(text, sizeof text, &len, path, false, diag));
    slk_diag_t inner = {""};
    err = slk_key_import(key, text, len, &inner);
    if (err != SLK_OK)
        slk_fail(diag, err, "%s: %s", path, inner.text);
out:
    explicit_bzero(text, sizeof text);
    return err;
}

static slk_err_t default_address(slk_address_t *address, const char *dir, slk_diag_t *diag)
{
    slk_key_t key = {0};
    slk_err_t err = read_key(&key, dir, DEFAULT_FILE, diag);
    if (err == SLK_OK)
        *address = slk_key_address(&key);
    slk_key_wipe(&key);
    return err;
}

slk_err_t slk_lotus_keystore_list(const char *dir, slk_signer_each_t each, void *user,
                                  slk_address_t *fallback, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    DIR *folder = opendir(dir);
    if (!folder)
        return slk_fail_errno(diag, "open folder", dir);
    if (fallback)
        memset(fallback, 0, sizeof *fallback);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL; errno = 0) {
        slk_address_t address;
        if (fallback && strcmp(entry->d_name, DEFAULT_FILE) == 0)
            SLK_TRY(default_address(fallback, dir, diag));
        else if (file_address(&address, entry->d_name))
            SLK_TRY(each(user, &address));
    }
    if (errno)
        err = slk_fail_errno(diag, "read folder", dir);
out:
    closedir(folder);
    return err;
}

slk_err_t slk_lotus_keystore_get(slk_key_t *key, const char *dir, const slk_address_t *address,
                                 slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    bool found = false;
    DIR *folder = opendir(dir);
    if (!folder)
        return slk_fail_errno(diag, "open folder", dir);
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        slk_address_t other;
        if (!file_address(&other, entry->d_name) || !slk_address_eq(&other, address))
            continue;
        found = true;
        SLK_TRY(read_key(key, dir, entry->d_name, diag));
        other = slk_key_address(key);
        if (!slk_address_eq(&other, address)) {
            slk_key_wipe(key);
            err = slk_fail(diag, SLK_ERR_MISMATCH, "%s/%s: holds the key of %s, not of %s", dir,
                           entry->d_name, slk_address_text(&other, SLK_MAINNET).s,
                           slk_address_text(address, SLK_MAINNET).s);
        }
    }
    if (!found)
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "%s: no key of %s", dir,
                       slk_address_text(address, SLK_MAINNET).s);
out:
    closedir(folder);
    return err;
}
