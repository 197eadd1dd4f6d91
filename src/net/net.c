#include "net/net.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static void init_once(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    json_object_seed(0); /* at random, so that nobody can choose colliding keys */
    struct sigaction action;
    if (!sigaction(SIGPIPE, NULL, &action) && !(action.sa_flags & SA_SIGINFO) &&
        action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)ctx;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void slk_net_close_on_exec(void *curl_easy)
{
    curl_easy_setopt(curl_easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

void slk_net_http_only(void *curl_easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl_easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl_easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(curl_easy, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

void slk_net_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
}

uint64_t slk_net_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct timespec slk_net_after_ms(uint64_t ms)
{
    uint64_t at = slk_net_now_ms() + ms;
    return (struct timespec){.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000};
}

void slk_net_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

int slk_net_thread(pthread_t *thread, void *(*fn)(void *ctx), void *ctx)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(thread, NULL, fn, ctx);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}
