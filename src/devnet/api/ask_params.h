#ifndef SLK_DEVNET_API_ASK_PARAMS_H
#define SLK_DEVNET_API_ASK_PARAMS_H

/* Reads the parameters of a call. */

#include "devnet/api/ask.h"

/* Letters as in ask.h. A parameter of another form is answered here (-32700, as the node does it); a tipset that is
 * not known is an error of the call. */
SLK_CHECK_RESULT slk_err_t slk_ask_read_params(slk_ask_t *ask, const char *letters);

#endif /* SLK_DEVNET_API_ASK_PARAMS_H */
