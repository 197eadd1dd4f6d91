#include "net/net.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>

static void init_once(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    json_object_seed(0); /* at random, so that nobody can choose colliding keys */
    struct sigaction action;
    if (!sigaction(SIGPIPE, NULL, &action) && !(action.sa_flags & SA_SIGINFO) &&
        action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

void slk_net_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
}
