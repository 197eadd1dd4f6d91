/* Parameters and returns of methods: the first byte chooses the actor, the second the method. */
#include "codec/actors/method.h"
#include "codec/fuzz_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t count;
    const slk_method_t *methods = slk_actor_methods(data[0] % SLK_ACTOR_COUNT, &count);
    if (!count)
        return 0;
    const slk_method_t *method = &methods[data[1] % count];
    if (method->params)
        fuzz_record(method->params, data + 2, size - 2);
    if (method->ret)
        fuzz_record(method->ret, data + 2, size - 2);
    return 0;
}
