#include "app/show.h"

#include "app/progress_view.h"
#include "base/assert.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX   12u
#define CELL_MAX      1024u
#define ROOM_FOR_REST 40u /* " ... N in all" */

/* --- Values ----------------------------------------------------------------------------------------- */

void slk_show_plain(char *out, size_t cap, const json_t *value)
{
    if (json_is_string(value))
        snprintf(out, cap, "%s", json_string_value(value));
    else if (json_is_boolean(value))
        snprintf(out, cap, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_integer(value))
        snprintf(out, cap, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(out, cap, "%.1f", json_real_value(value));
}

void slk_show_miner(char *out, size_t cap, const json_t *value)
{
    if (json_is_integer(value))
        snprintf(out, cap, "f0%lld", (long long)json_integer_value(value));
}

void slk_show_share(char *out, size_t cap, const json_t *value)
{
    if (json_is_number(value))
        snprintf(out, cap, "%.0f %%", floor(json_number_value(value) * 100));
}

void slk_show_seconds(char *out, size_t cap, const json_t *value)
{
    const double s = json_number_value(value);
    if (!json_is_number(value))
        return;
    if (s < 90)
        snprintf(out, cap, "%.0f s", s);
    else if (s < 90 * 60)
        snprintf(out, cap, "%.0f min", s / 60);
    else if (s < 48 * 3600)
        snprintf(out, cap, "%.1f h", s / 3600);
    else
        snprintf(out, cap, "%.1f d", s / 86400);
}

void slk_show_bytes(char *out, size_t cap, const json_t *value)
{
    if (json_is_number(value))
        slk_format_amount(out, cap, json_number_value(value), "B");
}

static void utc(char *out, size_t cap, double seconds)
{
    struct tm parts;
    const time_t at = (time_t)seconds;
    if (gmtime_r(&at, &parts))
        strftime(out, cap, "%Y-%m-%d %H:%M:%S", &parts);
}

void slk_show_time(char *out, size_t cap, const json_t *value)
{
    if (json_is_number(value))
        utc(out, cap, json_number_value(value));
}

void slk_show_time_ms(char *out, size_t cap, const json_t *value)
{
    if (json_is_number(value))
        utc(out, cap, json_number_value(value) / 1000);
}

void slk_show_words(char *out, size_t cap, const json_t *value)
{
    size_t i, used = 0;
    json_t *word;
    char text[CELL_MAX];
    json_array_foreach((json_t *)(uintptr_t)value, i, word)
    {
        *text = 0;
        slk_show_plain(text, sizeof text, word);
        if (used + strlen(text) + ROOM_FOR_REST > cap) {
            snprintf(out + used, cap - used, " ... %zu in all", json_array_size(value));
            return;
        }
        used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? " " : "", text);
    }
}

/* --- Tables ----------------------------------------------------------------------------------------- */

static void cell(char out[CELL_MAX], const slk_show_column_t *column, const json_t *row)
{
    const json_t *value = column->field ? json_object_get(row, column->field) : row;
    *out = 0;
    (column->text ? column->text : slk_show_plain)(out, CELL_MAX, value);
    if (!*out)
        snprintf(out, CELL_MAX, "-");
}

/* Bytes that do not begin a character take no room. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void put(FILE *out, const char *text, size_t width, bool right, bool last)
{
    const size_t own = width_of(text);
    const int pad = own < width ? (int)(width - own) : 0;
    if (right)
        fprintf(out, "%*s", pad, "");
    fputs(text, out);
    if (!right && !last)
        fprintf(out, "%*s", pad, "");
    fputs(last ? "\n" : "  ", out);
}

void slk_show_table(FILE *out, const char *indent, const json_t *rows,
                    const slk_show_column_t *columns, size_t cnt, const char *empty)
{
    size_t widths[COLUMNS_MAX], i;
    char text[CELL_MAX];
    json_t *row;
    SLK_ASSERT(cnt <= COLUMNS_MAX);
    if (!json_array_size(rows)) {
        fprintf(out, "%s%s\n", indent, empty);
        return;
    }
    for (size_t c = 0; c < cnt; c++)
        widths[c] = strlen(columns[c].title);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        for (size_t c = 0; c < cnt; c++) {
            cell(text, &columns[c], row);
            if (width_of(text) > widths[c])
                widths[c] = width_of(text);
        }
    }
    fputs(indent, out);
    for (size_t c = 0; c < cnt; c++)
        put(out, columns[c].title, widths[c], columns[c].right, c + 1 == cnt);
    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        fputs(indent, out);
        for (size_t c = 0; c < cnt; c++) {
            cell(text, &columns[c], row);
            put(out, text, widths[c], columns[c].right, c + 1 == cnt);
        }
    }
}
