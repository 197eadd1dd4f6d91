#ifndef SLK_DEVNET_API_CHANNELS_H
#define SLK_DEVNET_API_CHANNELS_H

/* Lists of channels that are told the same. A list begins as NULL; its owner's lock is held in all of these. */

#include "devnet/api/ask.h"

typedef struct slk_listener slk_listener_t;

/* Answer the call with a channel whose first value, JSON text, is `first` (NULL: none yet). */
slk_err_t slk_channels_add(slk_listener_t **list, slk_ask_t *ask, const char *first);

/* JSON text to all; who is gone, or could not be told, leaves. text NULL: all leave. */
void slk_channels_tell(slk_listener_t **list, const char *text);

#endif /* SLK_DEVNET_API_CHANNELS_H */
