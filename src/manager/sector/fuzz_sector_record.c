#include "base/assert.h"
#include "manager/sector/step.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any text is refused or a record, which is written so that it is read as the same, and which takes any event
 * or refuses it. A record takes no more than a small multiple of its text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* An element of Pieces takes 2 bytes ("{}" and a comma) and becomes a struct. */
    const size_t limit = 8192 + size * (64 + sizeof(slk_sector_piece_t));
    slk_arena_t arena, more;
    slk_sector_info_t record, again;
    slk_diag_t diag = {""};
    char *text, *text_again;
    slk_arena_init(&arena, limit);
    slk_arena_init(&more, 4 * limit + (1 << 20));
    slk_err_t err = slk_sector_info_from_text(&record, (const char *)data, size, &arena, &diag);
    SLK_ASSERT(err == SLK_OK || (err == SLK_ERR_FORMAT && diag.text[0]));
    if (err == SLK_OK && slk_sector_info_to_text(&text, &record, &diag) == SLK_OK) {
        SLK_ASSERT(slk_sector_info_from_text(&again, text, strlen(text), &more, &diag) == SLK_OK);
        SLK_ASSERT(slk_sector_info_to_text(&text_again, &again, &diag) == SLK_OK);
        SLK_ASSERT(strcmp(text, text_again) == 0);
        free(text);
        free(text_again);
        slk_step_t step;
        slk_event_t event = {.type = (slk_event_type_t)(size % SLK_EVENT_CNT),
                             .text = "text",
                             .state = SLK_STATE_PACKING,
                             .pieces = again.pieces,
                             .record = &again};
        SLK_ASSERT(slk_sector_step(&record, &event, 1, &more, &step, &diag) == SLK_OK);
        SLK_ASSERT(slk_sector_state(&record) < SLK_STATE_CNT);
    }
    slk_arena_free(&arena);
    slk_arena_free(&more);
    return 0;
}
