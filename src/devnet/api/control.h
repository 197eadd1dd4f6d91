#ifndef SLK_DEVNET_API_CONTROL_H
#define SLK_DEVNET_API_CONTROL_H

/* Time and trouble on command: methods of the devnet's own, for tests and for `selkie devnet ...`. All want an admin
 * token but Status, and are served whatever trouble is on. Numbers are JSON integers.
 *
 *   Selkie.DevnetStatus()             height, epoch, block_ms, paused, ... (an object)
 *   Selkie.DevnetMine(n)              n epochs as fast as can be, also when paused before; the new height. Ends early, with an
 *                                     error, when it is paused meanwhile or its caller hangs up
 *   Selkie.DevnetPause(), Resume()
 *   Selkie.DevnetBlockTime(ms)
 *   Selkie.DevnetNullRounds(n)        the next n epochs
 *   Selkie.DevnetReorg(n, messages)   revert n tipsets and make n + 1 others; of their messages: "again" (the new
 *                                     branch has them), "later" (pending), "lose"
 *   Selkie.DevnetRewind(n)            the head goes back
 *   Selkie.DevnetDown(seconds)        connections are cut, no answer comes
 *   Selkie.DevnetSlow(ms, seconds)    every call takes that much longer
 *   Selkie.DevnetLose(n)              the next n messages pushed are forgotten
 *   Selkie.DevnetFail(n)              the next n calls are answered with an error
 *   Selkie.DevnetExternal(bool)       blocks come from miners alone */

#define SLK_CONTROL "Selkie.Devnet"

#endif /* SLK_DEVNET_API_CONTROL_H */
