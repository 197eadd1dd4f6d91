#include "devnet/api/fault.h"

#include "net/net.h"

#include <string.h>
#include <time.h>

#define OWN_METHODS "Selkie."

bool slk_fault_take(atomic_uint_fast64_t *count)
{
    uint_fast64_t left = atomic_load(count);
    while (left)
        if (atomic_compare_exchange_weak(count, &left, left - 1))
            return true;
    return false;
}

static bool waits(const slk_fault_t *fault, slk_rpc_call_t *call)
{
    return !atomic_load(&fault->stop) && !slk_rpc_gone(call);
}

bool slk_fault_before(slk_fault_t *fault, slk_rpc_call_t *call)
{
    const uint64_t now = slk_net_now_ms();
    if (!strncmp(slk_rpc_method(call), OWN_METHODS, strlen(OWN_METHODS)))
        return true;
    if (atomic_load(&fault->down_until) > now) {
        slk_rpc_drop(call);
        return false;
    }
    if (atomic_load(&fault->slow_until) > now)
        for (uint64_t end = now + 1 + atomic_load(&fault->slow_ms);
             slk_net_now_ms() < end && waits(fault, call);)
            nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    if (slk_fault_take(&fault->fail)) {
        slk_rpc_fail(call, SLK_RPC_ERROR, "injected failure");
        return false;
    }
    return true;
}
