#ifndef SLK_CRYPTO_KEYS_KEYSTORE_H
#define SLK_CRYPTO_KEYS_KEYSTORE_H

/* The local keystore: a folder of mode 0700 with a file "f<address>.key" of mode 0600 for each key
 * (key_file.h), whose text says what it is without a passphrase. Addresses are always written with f;
 * a key is the same on every network.
 *
 * One passphrase opens all encrypted keys. Unlocked secrets lie in memory that is kept out of swap (as
 * far as the limit of locked memory allows), core dumps and child processes, and are wiped by
 * slk_keystore_close.
 *
 * All functions may be called by several threads; those that change the folder by one process at a time.
 */

#include "crypto/keys/key_file.h"
#include "crypto/keys/signer.h"

#define SLK_KEYSTORE_MAX 1024u /* keys */

typedef struct slk_keystore slk_keystore_t;

typedef struct {
    slk_address_t address;
    slk_key_type_t type;
    bool encrypted; /* at rest */
    bool unlocked;  /* can sign now; plain keys always can */
} slk_keystore_entry_t;

/* Make the folder (and those above it); one that is there already is fine. */
SLK_CHECK_RESULT slk_err_t slk_keystore_create(const char *dir, slk_diag_t *diag);

/* Open a folder and read its files; encrypted keys stay locked. SLK_ERR_NOTFOUND: no such folder.
 * SLK_ERR_PERM: others than the owner may enter the folder or read a file. SLK_ERR_FORMAT,
 * SLK_ERR_MISMATCH: a damaged file, named in diag. Other files are passed over. */
SLK_CHECK_RESULT slk_err_t slk_keystore_open(slk_keystore_t **out, const char *dir,
                                             slk_diag_t *diag);

/* Wipe and free; NULL is fine. */
void slk_keystore_close(slk_keystore_t *store);

/* log2 of scrypt's n for files that are written from now on, instead of SLK_SCRYPT_LOG. */
void slk_keystore_set_work(slk_keystore_t *store, unsigned scrypt_log);

/* Decrypt all keys: about half a second each. SLK_ERR_PERM: the passphrase is wrong for a key (all
 * that it does open stay unlocked). Without encrypted keys any passphrase is fine. */
SLK_CHECK_RESULT slk_err_t slk_keystore_unlock(slk_keystore_t *store, slk_passphrase_t passphrase,
                                               slk_diag_t *diag);

/* Write a key, encrypted; it is then unlocked. A key that is there already: SLK_ERR_INPUT.
 * SLK_ERR_PERM: not the passphrase of the keys that are there. */
SLK_CHECK_RESULT slk_err_t slk_keystore_add(slk_keystore_t *store, const slk_key_t *key,
                                            slk_passphrase_t passphrase, slk_diag_t *diag);

/* Write a key as it is, readable for everybody who can read the file: for development chains only. */
SLK_CHECK_RESULT slk_err_t slk_keystore_add_plain(slk_keystore_t *store, const slk_key_t *key,
                                                  slk_diag_t *diag);

/* Delete a key for good. SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_keystore_remove(slk_keystore_t *store, const slk_address_t *address,
                                               slk_diag_t *diag);

/* Encrypt all encrypted keys anew. Interrupted it leaves some keys with the one and some with the other
 * passphrase; the same call again finishes it. SLK_ERR_PERM: a key that neither opens; then nothing was
 * written. */
SLK_CHECK_RESULT slk_err_t slk_keystore_change_passphrase(slk_keystore_t *store,
                                                          slk_passphrase_t old,
                                                          slk_passphrase_t fresh, slk_diag_t *diag);

/* A copy of a key, to export it; wipe it. SLK_ERR_NOTFOUND; SLK_ERR_STATE: locked. */
SLK_CHECK_RESULT slk_err_t slk_keystore_get(slk_keystore_t *store, slk_key_t *key,
                                            const slk_address_t *address, slk_diag_t *diag);

/* Keys in the order of their addresses: their number, and one of them. SLK_ERR_NOTFOUND: index. */
size_t slk_keystore_count(slk_keystore_t *store);
SLK_CHECK_RESULT slk_err_t slk_keystore_entry(slk_keystore_t *store, size_t index,
                                              slk_keystore_entry_t *entry, slk_diag_t *diag);

/* The key that commands use when none is named (file "default"); undefined: none. Setting one that is
 * not in the store is SLK_ERR_NOTFOUND. */
SLK_CHECK_RESULT slk_err_t slk_keystore_default(slk_keystore_t *store, slk_address_t *address,
                                                slk_diag_t *diag);
SLK_CHECK_RESULT slk_err_t slk_keystore_set_default(slk_keystore_t *store,
                                                    const slk_address_t *address, slk_diag_t *diag);

/* Sign with unlocked keys. Lists all keys, has the unlocked ones. Valid until the store is closed. */
slk_signer_t slk_keystore_signer(slk_keystore_t *store);

#endif /* SLK_CRYPTO_KEYS_KEYSTORE_H */
