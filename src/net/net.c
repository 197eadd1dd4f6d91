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

void slk_net_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
}
