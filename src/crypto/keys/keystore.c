#include "crypto/keys/keystore.h"

#include "base/assert.h"
#include "base/file.h"
#include "crypto/keys/secret_file.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SZ      4096
#define SUFFIX       ".key"
#define DEFAULT_NAME "default"

typedef struct {
    bool used;
    slk_key_t key;
} slot_t;

/* secret of a plain file is wiped here; it lies in its slot. */
typedef struct {
    slk_key_file_t file;
    slot_t *slot; /* NULL: locked */
} entry_t;

struct slk_keystore {
    pthread_mutex_t lock; /* all below */
    char dir[PATH_SZ];
    unsigned scrypt_log;
    slot_t *slots;    /* SLK_KEYSTORE_MAX of them, a mapping of its own */
    entry_t *entries; /* ascending addresses */
    size_t cnt;
};

#define SLOTS_SZ (SLK_KEYSTORE_MAX * sizeof(slot_t))

static slk_address_text_t shown(const slk_address_t *address)
{
    return slk_address_text(address, SLK_MAINNET);
}

/* --- Entries in memory ------------------------------------------------------------------------------ */

/* Index of the first entry not below the address. */
static size_t position(const slk_keystore_t *store, const slk_address_t *address)
{
    size_t low = 0, high = store->cnt;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (slk_address_cmp(&store->entries[mid].file.address, address) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static entry_t *find(const slk_keystore_t *store, const slk_address_t *address)
{
    size_t at = position(store, address);
    if (at == store->cnt || !slk_address_eq(&store->entries[at].file.address, address))
        return NULL;
    return &store->entries[at];
}

static slk_err_t find_or_fail(const slk_keystore_t *store, const slk_address_t *address,
                              entry_t **entry, slk_diag_t *diag)
{
    *entry = find(store, address);
    if (*entry)
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_NOTFOUND, "keystore %s: key not found for %s", store->dir,
                    shown(address).s);
}

static void keep_secret(slk_keystore_t *store, entry_t *entry, const slk_key_t *key)
{
    if (!entry->slot)
        for (size_t i = 0; i < SLK_KEYSTORE_MAX && !entry->slot; i++)
            if (!store->slots[i].used)
                entry->slot = &store->slots[i];
    SLK_ASSERT(entry->slot); /* as many slots as entries */
    entry->slot->used = true;
    entry->slot->key = *key;
}

static void drop_secret(entry_t *entry)
{
    if (entry->slot)
        explicit_bzero(entry->slot, sizeof *entry->slot);
    entry->slot = NULL;
}

/* Take a file into memory; key: NULL when locked. The address is not there yet. */
static slk_err_t take_entry(slk_keystore_t *store, const slk_key_file_t *file, const slk_key_t *key,
                            slk_diag_t *diag)
{
    if (store->cnt == SLK_KEYSTORE_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "keystore %s: more than %u keys", store->dir,
                        SLK_KEYSTORE_MAX);
    size_t at = position(store, &file->address);
    entry_t *entry = &store->entries[at];
    memmove(entry + 1, entry, (store->cnt - at) * sizeof *entry);
    store->cnt++;
    *entry = (entry_t){.file = *file};
    explicit_bzero(entry->file.secret, sizeof entry->file.secret);
    if (key)
        keep_secret(store, entry, key);
    return SLK_OK;
}

/* --- The folder ------------------------------------------------------------------------------------- */

static slk_err_t key_path(char out[PATH_SZ], const slk_keystore_t *store,
                          const slk_address_t *address, slk_diag_t *diag)
{
    char name[SLK_ADDRESS_TEXT_SZ + sizeof SUFFIX];
    snprintf(name, sizeof name, "%s" SUFFIX, shown(address).s);
    return slk_path_join(out, PATH_SZ, store->dir, name, diag);
}

static slk_err_t write_key(const slk_keystore_t *store, const slk_key_file_t *file,
                           slk_diag_t *diag)
{
    char path[PATH_SZ], text[SLK_KEY_FILE_SZ];
    slk_key_file_format(text, file);
    slk_err_t err = key_path(path, store, &file->address, diag);
    if (err == SLK_OK)
        err = slk_secret_file_write(path, text, strlen(text), diag);
    explicit_bzero(text, sizeof text);
    return err;
}

/* The address that a key's file name says; false: another file. */
static bool name_address(slk_address_t *address, const char *name)
{
    char text[SLK_ADDRESS_TEXT_SZ];
    size_t len = strlen(name), suffix = strlen(SUFFIX);
    if (len <= suffix || strcmp(name + len - suffix, SUFFIX) != 0 || len - suffix >= sizeof text)
        return false;
    memcpy(text, name, len - suffix);
    text[len - suffix] = 0;
    return slk_address_from_text(address, text, NULL) == SLK_OK && slk_address_defined(address);
}

static slk_err_t read_key(slk_keystore_t *store, const char *name, const slk_address_t *address,
                          slk_diag_t *diag)
{
    char path[PATH_SZ], text[4 * SLK_KEY_FILE_SZ];
    slk_key_file_t file = {0};
    slk_key_t key = {0};
    slk_diag_t inner = {""};
    size_t len = 0;
    slk_err_t err;
    SLK_TRY(slk_path_join(path, sizeof path, store->dir, name, diag));
    SLK_TRY(slk_secret_file_read(text, sizeof text, &len, path, false, diag));
    err = slk_key_file_parse(&file, text, len, &inner);
    if (err == SLK_OK && !file.encrypted)
        err = slk_key_file_open(&key, &file, (slk_passphrase_t){NULL, 0}, &inner);
    if (err != SLK_OK) {
        slk_fail(diag, err, "%s: %s", path, inner.text);
        goto out;
    }
    if (!slk_address_eq(&file.address, address) || find(store, address)) {
        err = slk_fail(diag, SLK_ERR_MISMATCH, "%s: %s", path,
                       find(store, address) ? "a second file of the same key; remove one"
                                            : "its name and its content say different addresses");
        goto out;
    }
    SLK_TRY(take_entry(store, &file, file.encrypted ? NULL : &key, diag));
out:
    explicit_bzero(text, sizeof text);
    explicit_bzero(&file, sizeof file);
    slk_key_wipe(&key);
    return err;
}

static slk_err_t read_folder(slk_keystore_t *store, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    struct stat st;
    DIR *folder = opendir(store->dir);
    if (!folder)
        return slk_fail_errno(diag, "open folder", store->dir);
    if (fstat(dirfd(folder), &st)) {
        err = slk_fail_errno(diag, "stat", store->dir);
        goto out;
    }
    if ((st.st_mode & 077) != 0) {
        err = slk_fail(diag, SLK_ERR_PERM,
                       "keystore %s: has mode %#o, so that others may enter it; expected 0700 "
                       "(chmod 700)",
                       store->dir, (unsigned)st.st_mode & 0777);
        goto out;
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL; errno = 0) {
        slk_address_t address;
        if (name_address(&address, entry->d_name))
            SLK_TRY(read_key(store, entry->d_name, &address, diag));
    }
    if (errno)
        err = slk_fail_errno(diag, "read folder", store->dir);
out:
    closedir(folder);
    return err;
}

/* --- Opening ---------------------------------------------------------------------------------------- */

slk_err_t slk_keystore_create(const char *dir, slk_diag_t *diag)
{
    struct stat st;
    if (stat(dir, &st) == 0)
        return S_ISDIR(st.st_mode) ? SLK_OK
                                   : slk_fail(diag, SLK_ERR_INPUT, "%s: not a folder", dir);
    char above[PATH_SZ];
    if (strlen(dir) >= sizeof above)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", dir);
    strcpy(above, dir);
    size_t len = strlen(above);
    while (len > 1 && above[len - 1] == '/')
        above[--len] = 0;
    char *slash = strrchr(above, '/');
    if (slash && slash != above) {
        *slash = 0;
        slk_err_t err = slk_make_dirs(above, diag);
        if (err != SLK_OK)
            return err;
    }
    if (mkdir(dir, 0700) && errno != EEXIST)
        return slk_fail_errno(diag, "create folder", dir);
    return SLK_OK;
}

slk_err_t slk_keystore_open(slk_keystore_t **out, const char *dir, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    if (strlen(dir) >= PATH_SZ)
        return slk_fail(diag, SLK_ERR_INPUT, "%s: path too long", dir);
    slk_keystore_t *store = calloc(1, sizeof *store);
    if (!store)
        return slk_fail(diag, SLK_ERR_NOMEM, "keystore %s: out of memory", dir);
    SLK_ASSERT(pthread_mutex_init(&store->lock, NULL) == 0);
    strcpy(store->dir, dir);
    store->scrypt_log = SLK_SCRYPT_LOG;
    store->entries = malloc(SLK_KEYSTORE_MAX * sizeof *store->entries);
    store->slots = mmap(NULL, SLOTS_SZ, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (store->slots == MAP_FAILED)
        store->slots = NULL;
    if (!store->entries || !store->slots) {
        err = slk_fail(diag, SLK_ERR_NOMEM, "keystore %s: out of memory", dir);
        goto out;
    }
    /* Each may be refused (limit of locked memory, old kernel); the keystore works without. */
    (void)mlock(store->slots, SLOTS_SZ);
    (void)madvise(store->slots, SLOTS_SZ, MADV_DONTDUMP);
    (void)madvise(store->slots, SLOTS_SZ, MADV_WIPEONFORK);
    SLK_TRY(read_folder(store, diag));
    *out = store;
    store = NULL;
out:
    slk_keystore_close(store);
    return err;
}

void slk_keystore_close(slk_keystore_t *store)
{
    if (!store)
        return;
    if (store->slots) {
        explicit_bzero(store->slots, SLOTS_SZ);
        munmap(store->slots, SLOTS_SZ);
    }
    free(store->entries);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

void slk_keystore_set_work(slk_keystore_t *store, unsigned scrypt_log)
{
    SLK_ASSERT(scrypt_log >= SLK_SCRYPT_LOG_MIN && scrypt_log <= SLK_SCRYPT_LOG_MAX);
    pthread_mutex_lock(&store->lock);
    store->scrypt_log = scrypt_log;
    pthread_mutex_unlock(&store->lock);
}

/* --- Passphrases ------------------------------------------------------------------------------------ */

static slk_err_t unlock_all(slk_keystore_t *store, slk_passphrase_t passphrase, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    for (size_t i = 0; i < store->cnt; i++) {
        entry_t *entry = &store->entries[i];
        slk_key_t key;
        if (entry->slot)
            continue;
        slk_err_t one =
            slk_key_file_open(&key, &entry->file, passphrase, err == SLK_OK ? diag : NULL);
        if (one == SLK_OK)
            keep_secret(store, entry, &key);
        else if (err == SLK_OK)
            err = one;
        slk_key_wipe(&key);
    }
    return err;
}

slk_err_t slk_keystore_unlock(slk_keystore_t *store, slk_passphrase_t passphrase, slk_diag_t *diag)
{
    pthread_mutex_lock(&store->lock);
    slk_err_t err = unlock_all(store, passphrase, diag);
    pthread_mutex_unlock(&store->lock);
    return err;
}

/* The passphrase opens a key that is there, so that one passphrase stays enough for all. */
static slk_err_t check_passphrase(const slk_keystore_t *store, slk_passphrase_t passphrase,
                                  slk_diag_t *diag)
{
    for (size_t i = 0; i < store->cnt; i++) {
        if (!store->entries[i].file.encrypted)
            continue;
        slk_key_t key;
        slk_err_t err = slk_key_file_open(&key, &store->entries[i].file, passphrase, diag);
        slk_key_wipe(&key);
        return err;
    }
    return SLK_OK;
}

static slk_err_t add(slk_keystore_t *store, const slk_key_t *key, slk_passphrase_t passphrase,
                     bool plain, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_key_file_t file = {0};
    slk_address_t address = slk_key_address(key);
    if (find(store, &address))
        return slk_fail(diag, SLK_ERR_INPUT, "keystore %s: has the key of %s already", store->dir,
                        shown(&address).s);
    if (store->cnt == SLK_KEYSTORE_MAX)
        return slk_fail(diag, SLK_ERR_INPUT, "keystore %s: has %u keys, as many as it can",
                        store->dir, SLK_KEYSTORE_MAX);
    if (plain) {
        slk_key_file_plain(&file, key);
    } else {
        SLK_TRY(check_passphrase(store, passphrase, diag));
        SLK_TRY(slk_key_file_seal(&file, key, passphrase, store->scrypt_log, diag));
    }
    SLK_TRY(write_key(store, &file, diag));
    SLK_TRY(take_entry(store, &file, key, diag));
out:
    explicit_bzero(&file, sizeof file);
    return err;
}

slk_err_t slk_keystore_add(slk_keystore_t *store, const slk_key_t *key, slk_passphrase_t passphrase,
                           slk_diag_t *diag)
{
    pthread_mutex_lock(&store->lock);
    slk_err_t err = add(store, key, passphrase, false, diag);
    pthread_mutex_unlock(&store->lock);
    return err;
}

slk_err_t slk_keystore_add_plain(slk_keystore_t *store, const slk_key_t *key, slk_diag_t *diag)
{
    pthread_mutex_lock(&store->lock);
    slk_err_t err = add(store, key, (slk_passphrase_t){NULL, 0}, true, diag);
    pthread_mutex_unlock(&store->lock);
    return err;
}

/* Encrypt one key anew, unless it opens with the fresh passphrase already. */
static slk_err_t reseal(slk_keystore_t *store, entry_t *entry, slk_passphrase_t fresh,
                        slk_diag_t *diag)
{
    slk_key_t key;
    slk_key_file_t file;
    slk_err_t err = slk_key_file_open(&key, &entry->file, fresh, NULL);
    slk_key_wipe(&key);
    if (err == SLK_OK)
        return SLK_OK;
    SLK_TRY(slk_key_file_seal(&file, &entry->slot->key, fresh, store->scrypt_log, diag));
    SLK_TRY(write_key(store, &file, diag));
    entry->file = file;
out:
    return err;
}

/* A key that is unlocked from before says nothing about the passphrase given now. */
static slk_err_t check_either(const entry_t *entry, slk_passphrase_t old, slk_passphrase_t fresh,
                              slk_key_t *key, slk_diag_t *diag)
{
    slk_err_t err = slk_key_file_open(key, &entry->file, old, diag);
    if (err == SLK_ERR_PERM && slk_key_file_open(key, &entry->file, fresh, NULL) == SLK_OK)
        err = SLK_OK;
    return err;
}

static slk_err_t change_passphrase(slk_keystore_t *store, slk_passphrase_t old,
                                   slk_passphrase_t fresh, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_key_t key = {0};
    if (!fresh.text || fresh.len == 0)
        return slk_fail(diag, SLK_ERR_INPUT, "keystore %s: the new passphrase is empty",
                        store->dir);
    for (size_t i = 0; i < store->cnt; i++) {
        entry_t *entry = &store->entries[i];
        if (!entry->file.encrypted)
            continue;
        SLK_TRY(check_either(entry, old, fresh, &key, diag));
        keep_secret(store, entry, &key);
    }
    for (size_t i = 0; i < store->cnt; i++)
        if (store->entries[i].file.encrypted)
            SLK_TRY(reseal(store, &store->entries[i], fresh, diag));
out:
    slk_key_wipe(&key);
    return err;
}

slk_err_t slk_keystore_change_passphrase(slk_keystore_t *store, slk_passphrase_t old,
                                         slk_passphrase_t fresh, slk_diag_t *diag)
{
    pthread_mutex_lock(&store->lock);
    slk_err_t err = change_passphrase(store, old, fresh, diag);
    pthread_mutex_unlock(&store->lock);
    return err;
}

/* --- Keys ------------------------------------------------------------------------------------------- */

static slk_err_t remove_key(slk_keystore_t *store, const slk_address_t *address, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    char path[PATH_SZ];
    entry_t *entry;
    SLK_TRY(find_or_fail(store, address, &entry, diag));
    SLK_TRY(key_path(path, store, address, diag));
    if (unlink(path) && errno != ENOENT)
        return slk_fail_errno(diag, "remove", path);
    SLK_TRY(slk_sync_parent(path, diag));
    drop_secret(entry);
    store->cnt--;
    memmove(entry, entry + 1, (store->cnt - (size_t)(entry - store->entries)) * sizeof *entry);
out:
    return err;
}

slk_err_t slk_keystore_remove(slk_keystore_t *store, const slk_address_t *address, slk_diag_t *diag)
{
    pthread_mutex_lock(&store->lock);
    slk_err_t err = remove_key(store, address, diag);
    pthread_mutex_unlock(&store->lock);
    return err;
}

slk_err_t slk_keystore_get(slk_keystore_t *store, slk_key_t *key, const slk_address_t *address,
                           slk_diag_t *diag)
{
    entry_t *entry;
    pthread_mutex_lock(&store->lock);
    slk_err_t err = find_or_fail(store, address, &entry, diag);
    if (err == SLK_OK && !entry->slot)
        err = slk_fail(diag, SLK_ERR_STATE,
                       "keystore %s: the key of %s is locked; unlock it with the passphrase",
                       store->dir, shown(address).s);
    if (err == SLK_OK)
        *key = entry->slot->key;
    pthread_mutex_unlock(&store->lock);
    return err;
}

size_t slk_keystore_count(slk_keystore_t *store)
{
    pthread_mutex_lock(&store->lock);
    size_t cnt = store->cnt;
    pthread_mutex_unlock(&store->lock);
    return cnt;
}

slk_err_t slk_keystore_entry(slk_keystore_t *store, size_t index, slk_keystore_entry_t *entry,
                             slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    pthread_mutex_lock(&store->lock);
    if (index < store->cnt) {
        const entry_t *found = &store->entries[index];
        *entry = (slk_keystore_entry_t){found->file.address, found->file.type,
                                        found->file.encrypted, found->slot != NULL};
    } else {
        err = slk_fail(diag, SLK_ERR_NOTFOUND, "keystore %s: has %zu keys, none with index %zu",
                       store->dir, store->cnt, index);
    }
    pthread_mutex_unlock(&store->lock);
    return err;
}

slk_err_t slk_keystore_default(slk_keystore_t *store, slk_address_t *address, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    char path[PATH_SZ], text[SLK_ADDRESS_TEXT_SZ + 2];
    size_t len = 0;
    bool found;
    uint64_t size;
    memset(address, 0, sizeof *address);
    SLK_TRY(slk_path_join(path, sizeof path, store->dir, DEFAULT_NAME, diag));
    SLK_TRY(slk_file_len(&found, &size, path, diag));
    if (!found)
        return SLK_OK;
    SLK_TRY(slk_secret_file_read(text, sizeof text, &len, path, true, diag));
    text[strcspn(text, "\r\n")] = 0;
    SLK_TRY(slk_address_from_text(address, text, diag));
out:
    return err;
}

slk_err_t slk_keystore_set_default(slk_keystore_t *store, const slk_address_t *address,
                                   slk_diag_t *diag)
{
    slk_err_t err;
    entry_t *entry;
    char path[PATH_SZ], text[SLK_ADDRESS_TEXT_SZ + 2];
    pthread_mutex_lock(&store->lock);
    SLK_TRY(find_or_fail(store, address, &entry, diag));
    SLK_TRY(slk_path_join(path, sizeof path, store->dir, DEFAULT_NAME, diag));
    snprintf(text, sizeof text, "%s\n", shown(address).s);
    SLK_TRY(slk_secret_file_write(path, text, strlen(text), diag));
out:
    pthread_mutex_unlock(&store->lock);
    return err;
}

/* --- The signer ------------------------------------------------------------------------------------- */

static slk_err_t signer_list(void *self, slk_signer_each_t each, void *user, slk_diag_t *diag)
{
    slk_err_t err = SLK_OK;
    slk_keystore_t *store = self;
    slk_keystore_entry_t entry;
    (void)diag;
    /* The callback may call the keystore, so no lock is held around it. */
    for (size_t i = 0; err == SLK_OK; i++) {
        if (slk_keystore_entry(store, i, &entry, NULL) != SLK_OK)
            break;
        err = each(user, &entry.address);
    }
    return err;
}

static slk_err_t signer_has(void *self, const slk_address_t *address, bool *has, slk_diag_t *diag)
{
    (void)diag;
    slk_keystore_t *store = self;
    pthread_mutex_lock(&store->lock);
    entry_t *entry = find(store, address);
    *has = entry && entry->slot;
    pthread_mutex_unlock(&store->lock);
    return SLK_OK;
}

static slk_err_t signer_sign(void *self, const slk_address_t *address,
                             const slk_sign_request_t *request, slk_key_sig_t *sig,
                             slk_diag_t *diag)
{
    slk_key_t key = {0};
    slk_err_t err = slk_keystore_get(self, &key, address, diag);
    if (err == SLK_OK)
        err = slk_key_sign(sig, &key, request->bytes, request->len, diag);
    slk_key_wipe(&key);
    return err;
}

slk_signer_t slk_keystore_signer(slk_keystore_t *store)
{
    static const slk_signer_ops_t ops = {
        .list = signer_list, .has = signer_has, .sign = signer_sign};
    return (slk_signer_t){&ops, store};
}
