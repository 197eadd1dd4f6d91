#include "manager/pieces.h"

#include "test_util.h"

#include "net/http_client.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/slk-pieces-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static int file_of(const void *bytes, size_t len)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static size_t entries(void)
{
    size_t cnt = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        cnt += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return cnt;
}

static slk_stored_piece_t put(const void *bytes, size_t len)
{
    slk_diag_t diag = {0};
    slk_stored_piece_t piece;
    int fd = file_of(bytes, len);
    assert_ok(slk_pieces_put(&piece, dir, fd, "data", 0, NULL, &diag), diag);
    close(fd);
    return piece;
}

/* The piece has the name of its commitment, and the same data twice is one file. */
static void test_put(void **state)
{
    (void)state;
    uint8_t data[1500];
    slk_diag_t diag = {0};
    slk_commp_t want;
    char path[256];
    struct stat st;
    test_data(data, sizeof data, "piece");
    slk_stored_piece_t piece = put(data, sizeof data);
    int fd = file_of(data, sizeof data);
    assert_ok(slk_commp_fd(&want, 0, fd, "data", NULL, &diag), diag);
    close(fd);
    assert_memory_equal(&piece.piece.comm_p, &want.piece.comm_p, 32);
    assert_int_equal(piece.piece.padded, 2048);
    assert_int_equal(piece.raw, sizeof data);
    snprintf(path, sizeof path, "%s/%s", dir, piece.cid);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, sizeof data);
    assert_string_equal(put(data, sizeof data).cid, piece.cid);
    assert_int_equal(entries(), 1);
}

/* Zeros at the end do not change the commitment: the file becomes as long as the longest. */
static void test_longer(void **state)
{
    (void)state;
    uint8_t data[200] = {1, 2, 3};
    struct stat st;
    char path[256];
    slk_stored_piece_t piece = put(data, 130), longer = put(data, 200);
    assert_string_equal(piece.cid, longer.cid);
    snprintf(path, sizeof path, "%s/%s", dir, piece.cid);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 200);
    put(data, 130);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 200);
}

static void test_refused(void **state)
{
    (void)state;
    slk_diag_t diag = {0};
    slk_stored_piece_t piece;
    uint8_t data[300] = {1};
    int fd = file_of(data, 0);
    assert_err(SLK_ERR_INPUT, slk_pieces_put(&piece, dir, fd, "data", 0, NULL, &diag));
    assert_non_null(strstr(diag.text, "empty"));
    close(fd);
    fd = file_of(data, 300);
    assert_err(SLK_ERR_LENGTH, slk_pieces_put(&piece, dir, fd, "data", 128, NULL, &diag));
    close(fd);
    assert_int_equal(entries(), 0);
}

/* --- HTTP ------------------------------------------------------------------------------------------ */

typedef struct {
    slk_http_server_t *server;
    slk_http_client_t *client;
    char token[SLK_TOKEN_TEXT_MAX];
} served_t;

static int get(served_t *s, const char *path, const char *token, char *body, size_t cap)
{
    slk_diag_t diag = {0};
    char url[256];
    slk_http_answer_t answer = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", slk_http_server_port(s->server), path);
    const slk_http_call_t call = {.method = "GET", .url = url, .token = token};
    assert_ok(slk_http_do(s->client, &call, &answer, &diag), diag);
    int status = answer.status;
    if (body && answer.body)
        memcpy(body, answer.body, answer.body_len < cap ? answer.body_len : cap);
    slk_http_answer_free(&answer);
    return status;
}

static void test_serve(void **state)
{
    (void)state;
    served_t s;
    slk_diag_t diag = {0};
    slk_token_key_t key;
    uint8_t data[1000], back[1000] = {0};
    char path[256], from[256], to[256];
    test_data(data, sizeof data, "served");
    slk_stored_piece_t piece = put(data, sizeof data);
    assert_ok(slk_token_key_new(&key, &diag), diag);
    slk_token_new(s.token, &key, SLK_PERM_READ);
    const slk_http_route_t route = slk_pieces_route(dir);
    const slk_http_server_opts_t opts = {.routes = &route, .route_cnt = 1, .key = &key};
    assert_ok(slk_http_server_new(&s.server, &opts, &diag), diag);
    assert_ok(slk_http_client_new(&s.client, &(slk_http_client_opts_t){0}, &diag), diag);
    snprintf(path, sizeof path, "/piecestore/%s", piece.cid);
    assert_int_equal(get(&s, path, NULL, NULL, 0), 401);
    assert_int_equal(get(&s, path, s.token, (char *)back, sizeof back), 200);
    assert_memory_equal(back, data, sizeof data);
    assert_int_equal(get(&s, "/piecestore/../secret", s.token, NULL, 0), 404);
    assert_int_equal(get(&s, "/piecestore/%2e%2e%2fsecret", s.token, NULL, 0), 404);
    assert_int_equal(get(&s, "/piecestore/.new-1-0", s.token, NULL, 0), 404);
    /* damocles' other name. */
    snprintf(from, sizeof from, "%s/%s", dir, piece.cid);
    snprintf(to, sizeof to, "%s/%s.car", dir, piece.cid);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(get(&s, path, s.token, NULL, 0), 200);
    slk_http_client_free(s.client);
    slk_http_server_free(s.server, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_longer, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_serve, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
