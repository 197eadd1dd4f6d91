#include "manager/sector/record.h"

#include "base/assert.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

SLK_RECORD_TYPE(slk_deal_schedule, "DealSchedule", OBJECT, SLK_DEAL_SCHEDULE_ROWS);
SLK_RECORD_TYPE(slk_piece_deal_info, "PieceDealInfo", OBJECT, SLK_PIECE_DEAL_INFO_ROWS);
SLK_RECORD_TYPE(slk_sealed_piece, "PieceInfo", OBJECT, SLK_SEALED_PIECE_ROWS);
SLK_RECORD_TYPE(slk_sector_piece, "SectorPiece", OBJECT, SLK_SECTOR_PIECE_ROWS);
SLK_RECORD_TYPE(slk_sector_info, "SectorInfo", OBJECT, SLK_SECTOR_INFO_ROWS);

static bool state_named(slk_bytes_t name, slk_sector_state_t *state)
{
    char text[64];
    if (name.len >= sizeof text || memchr(name.b ? name.b : (const uint8_t *)"", 0, name.len))
        return false;
    if (name.len)
        memcpy(text, name.b, name.len);
    text[name.len] = 0;
    return slk_sector_state_from_name(state, text);
}

slk_sector_state_t slk_sector_state(const slk_sector_info_t *sector)
{
    slk_sector_state_t state = SLK_STATE_CNT;
    SLK_ASSERT(state_named(sector->state_name, &state));
    return state;
}

slk_err_t slk_sector_info_to_text(char **text, const slk_sector_info_t *sector, slk_diag_t *diag)
{
    json_t *json = NULL;
    *text = NULL;
    slk_err_t err = slk_record_to_json(&json, &slk_sector_info_type, sector, SLK_MAINNET, diag);
    if (err != SLK_OK)
        return err;
    *text = slk_json_dump(json, JSON_COMPACT);
    json_decref(json);
    return *text ? SLK_OK : slk_fail(diag, SLK_ERR_NOMEM, "no memory for a sector's record");
}

static slk_err_t check_state(slk_bytes_t name, const char *field, slk_diag_t *diag)
{
    slk_sector_state_t state;
    if (state_named(name, &state))
        return SLK_OK;
    return slk_fail(diag, SLK_ERR_FORMAT, "SectorInfo.%s: \"%.*s\" is no state of a sector", field,
                    (int)(name.len < 64 ? name.len : 64), (const char *)name.b);
}

slk_err_t slk_sector_info_from_text(slk_sector_info_t *sector, const char *text, size_t len,
                                    slk_arena_t *arena, slk_diag_t *diag)
{
    json_error_t error;
    json_t *json = slk_json_load(text, len, 0, &error);
    if (!json)
        return slk_fail(diag, SLK_ERR_FORMAT, "SectorInfo: byte %d: %s", error.position,
                        error.text);
    slk_err_t err = slk_record_from_json(sector, &slk_sector_info_type, json, arena, diag);
    json_decref(json);
    if (err == SLK_OK)
        err = check_state(sector->state_name, "State", diag);
    if (err == SLK_OK)
        err = check_state(sector->return_state, "Return", diag);
    return err;
}

/* Length of the UTF-8 character at the beginning; 0: none begins there. */
static size_t character(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t f = 0; f < SLK_COUNT(forms); f++) {
        if ((s[0] & forms[f].mask) != forms[f].lead)
            continue;
        uint32_t code = s[0] & (uint8_t)~forms[f].mask;
        for (size_t i = 1; i <= f; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        bool good = code >= forms[f].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        return good ? f + 1 : 0;
    }
    return 0;
}

const char *slk_sector_text(slk_arena_t *arena, const char *text, size_t max)
{
    const unsigned char *from = (const unsigned char *)(text ? text : "");
    size_t room = strnlen((const char *)from, max), len = 0;
    char *out = slk_arena_alloc(arena, room + 1);
    if (!out)
        return NULL;
    while (*from) {
        size_t cnt = character(from);
        if (len + (cnt ? cnt : 1) > room)
            break;
        if (cnt)
            memcpy(out + len, from, cnt);
        else
            out[len] = '?';
        len += cnt ? cnt : 1;
        from += cnt ? cnt : 1;
    }
    out[len] = 0;
    return out;
}
