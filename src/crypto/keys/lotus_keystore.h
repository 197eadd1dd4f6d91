#ifndef SLK_CRYPTO_KEYS_LOTUS_KEYSTORE_H
#define SLK_CRYPTO_KEYS_LOTUS_KEYSTORE_H

/* Reading the keystore folder of a Lotus node (LOTUS_PATH/keystore): a file per key, mode 0600, name =
 * base32 (upper case, no padding) of "wallet-<address>", content as key_text.h has it; a file named
 * base32 of "default" repeats the default key. Files of other names (libp2p-host, auth-jwt-private)
 * are passed over. Nothing is written. */

#include "crypto/keys/signer.h"

/* Call each for the address of every wallet key's file, in no order; the files are not read. *fallback:
 * address of the default key, undefined when there is none; NULL: not wanted. SLK_ERR_NOTFOUND: no
 * such folder. */
SLK_CHECK_RESULT slk_err_t slk_lotus_keystore_list(const char *dir, slk_signer_each_t each,
                                                   void *user, slk_address_t *fallback,
                                                   slk_diag_t *diag);

/* Read the key of an address, in whichever network's letter its file has. SLK_ERR_NOTFOUND: none.
 * SLK_ERR_PERM: others than the owner may read the file, which Lotus refuses too. SLK_ERR_MISMATCH: it
 * holds the key of another address. */
SLK_CHECK_RESULT slk_err_t slk_lotus_keystore_get(slk_key_t *key, const char *dir,
                                                  const slk_address_t *address, slk_diag_t *diag);

#endif /* SLK_CRYPTO_KEYS_LOTUS_KEYSTORE_H */
