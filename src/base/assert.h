#ifndef SLK_BASE_ASSERT_H
#define SLK_BASE_ASSERT_H

/* A broken promise of our own code or of a caller: say where and abort, also in release builds. */
#define SLK_ASSERT(cond)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            slk_assert_failed(#cond, __FILE__, __LINE__);                                          \
    } while (0)

__attribute__((noreturn, cold)) void slk_assert_failed(const char *cond, const char *file,
                                                       int line);

/* For functions with one `out:` label: store the result and leave on error. */
#define SLK_TRY(call)                                                                              \
    do {                                                                                           \
        err = (call);                                                                              \
        if (err != SLK_OK)                                                                         \
            goto out;                                                                              \
    } while (0)

#define SLK_COUNT(array) (sizeof(array) / sizeof(array)[0])

#endif /* SLK_BASE_ASSERT_H */
