#ifndef SLK_DEVNET_API_ESTIMATE_H
#define SLK_DEVNET_API_ESTIMATE_H

/* Gas of a message that is to be sent (spec chain.md 2.3). */

#include "devnet/api/ask.h"

/* Fill in gas limit, premium and fee cap where they are zero, and keep within the fee that is allowed. spec may be
 * NULL. Of a message that would fail ask->code is 3 and ask->diag has the machine's text. */
SLK_CHECK_RESULT slk_err_t slk_estimate_message(slk_ask_t *ask, const slk_tip_t *tip,
                                                const slk_message_send_spec_t *spec,
                                                slk_message_t *message);

/* "ErrIllegalArgument(16)", "7": as the node writes exit codes. */
typedef struct {
    char s[48];
} slk_exit_label_t;
slk_exit_label_t slk_exit_label(int64_t exit);

#endif /* SLK_DEVNET_API_ESTIMATE_H */
