/* The first library call: the piece commitment of a buffer. Built against an installed library by
 *
 *     cc example_commp.c $(pkg-config --cflags --libs selkie_proofs) -o example_commp
 *
 * Prints the piece CID and the padded size of the text on its command line. */
#include <selkie/cid.h>
#include <selkie/piece.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *data;
    size_t left;
} buffer_t;

/* slk_commp asks for the data part by part; no bytes mean the end. */
static slk_err_t read_buffer(void *ctx, uint8_t *out, size_t cap, size_t *len, slk_diag_t *diag)
{
    (void)diag;
    buffer_t *buffer = ctx;
    *len = buffer->left < cap ? buffer->left : cap;
    memcpy(out, buffer->data, *len);
    buffer->data += *len;
    buffer->left -= *len;
    return SLK_OK;
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "A selkie is a seal that can walk on land.";
    buffer_t buffer = {text, strlen(text)};
    slk_commp_t commp;
    slk_diag_t diag;
    /* 0: the smallest piece that holds it; the two NULLs: nobody wants the padded bytes; the third:
     * one thread. */
    slk_err_t err = slk_commp(&commp, 0, read_buffer, &buffer, NULL, NULL, NULL, &diag);
    if (err != SLK_OK) {
        fprintf(stderr, "%s: %s\n", slk_err_text(err), diag.text);
        return 1;
    }
    char cid[SLK_CID_STR_SZ];
    slk_cid_format(cid, SLK_CID_UNSEALED, &commp.piece.comm_p);
    printf("%s %" PRIu64 "\n", cid, commp.piece.padded);
    return 0;
}
