#include "web/page.h"

#include <stddef.h>

/* index.html, put into the program by the build (CMakeLists.txt). */
extern const unsigned char slk_web_index[];
extern const size_t slk_web_index_len;

static void serve(slk_http_request_t *req, void *ctx)
{
    (void)ctx;
    slk_http_reply(req, 200, "text/html; charset=utf-8", slk_web_index, slk_web_index_len);
    /* Script and style stand in the page itself; it talks to this server and to nobody else. */
    slk_http_reply_header(req, "Content-Security-Policy",
                          "default-src 'none'; script-src 'unsafe-inline'; style-src "
                          "'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action "
                          "'none'; frame-ancestors 'none'");
    slk_http_reply_header(req, "X-Content-Type-Options", "nosniff");
    slk_http_reply_header(req, "Referrer-Policy", "no-referrer");
    slk_http_reply_header(req, "Cache-Control", "no-cache");
}

slk_http_route_t slk_web_route(void)
{
    return (slk_http_route_t){
        .methods = SLK_HTTP_GET | SLK_HTTP_HEAD, .path = "/", .open = true, .handler = serve};
}
