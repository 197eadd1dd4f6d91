#include "app/app.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 8u

void slk_result_json(slk_app_t *app, const char *name, json_t *value)
{
    if (!app->result)
        app->result = json_object();
    SLK_ASSERT(value && json_object_set_new(app->result, name, value) == 0);
}

/* JSON knows only UTF-8; the name of a file may be anything. Other bytes are shown as '?'. */
json_t *slk_json_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value ? NULL : strdup(text);
    for (char *p = copy; p && *p; p++) {
        if ((unsigned char)*p >= 128)
            *p = '?';
    }
    if (copy)
        value = json_string(copy);
    free(copy);
    return value;
}

void slk_result_text(slk_app_t *app, const char *name, const char *text)
{
    slk_result_json(app, name, slk_json_text(text));
}

void slk_result_node(slk_app_t *app, const char *name, const slk_node_t *node)
{
    slk_result_text(app, name, slk_node_hex(node).s);
}

void slk_result_num(slk_app_t *app, const char *name, uint64_t num)
{
    slk_result_json(app, name, slk_json_of_u64(num));
}

/* --- For people ----------------------------------------------------------------------------- */

static bool counts_bytes(const char *name)
{
    size_t len = strlen(name);
    return strcmp(name, "bytes") == 0 || (len > 5 && strcmp(name + len - 5, "_size") == 0);
}

static void scalar(char *out, size_t cap, const char *name, const json_t *value)
{
    char amount[64];
    double real = json_number_value(value);
    *out = '\0';
    if (json_is_string(value)) {
        snprintf(out, cap, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, cap, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_integer(value)) {
        slk_format_amount(amount, sizeof amount, real, "B");
        bool show = counts_bytes(name) && real >= 1024;
        snprintf(out, cap, "%lld%s%s%s", (long long)json_integer_value(value), show ? " (" : "",
                 show ? amount : "", show ? ")" : "");
    } else if (json_is_real(value)) {
        snprintf(out, cap,
                 real >= 1000  ? "%.0f"
                 : real >= 100 ? "%.1f"
                 : real >= 1   ? "%.2f"
                               : "%.4f",
                 real);
    } else {
        const char *digits = slk_json_digits(value);
        snprintf(out, cap, "%s", digits ? digits : "-");
    }
}

static bool numeric(const json_t *rows, const char *name)
{
    size_t at;
    json_t *row;
    json_array_foreach(rows, at, row)
    {
        if (json_is_number(json_object_get(row, name)))
            return true;
    }
    return false;
}

/* Objects as rows, their fields as columns under the names. */
static void table(const json_t *rows, const char *indent, FILE *out)
{
    const char *names[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX], cnt = 0, at;
    const char *name;
    json_t *value, *row;
    json_object_foreach(json_array_get(rows, 0), name, value)
    {
        if (cnt < COLUMNS_MAX) {
            names[cnt] = name;
            widths[cnt++] = strlen(name);
        }
    }
    char text[160];
    json_array_foreach(rows, at, row)
    {
        for (size_t i = 0; i < cnt; i++) {
            scalar(text, sizeof text, "", json_object_get(row, names[i]));
            if (strlen(text) > widths[i])
                widths[i] = strlen(text);
        }
    }
    for (size_t line = 0; line <= json_array_size(rows); line++) {
        row = line ? json_array_get(rows, line - 1) : NULL;
        fputs(indent, out);
        for (size_t i = 0; i < cnt; i++) {
            value = row ? json_object_get(row, names[i]) : NULL;
            snprintf(text, sizeof text, "%s", names[i]);
            if (row)
                scalar(text, sizeof text, "", value);
            if (value ? !json_is_string(value) : i > 0 && numeric(rows, names[i]))
                fprintf(out, "%s%*s", i ? "  " : "", (int)widths[i], text);
            else
                fprintf(out, "%s%-*s", i ? "  " : "", i + 1 < cnt ? (int)widths[i] : 0, text);
        }
        fputc('\n', out);
    }
}

static void object(const json_t *result, FILE *out)
{
    const char *name;
    json_t *value, *item;
    size_t width = 0, at;
    char text[256];
    json_object_foreach((json_t *)result, name, value)
    {
        width = strlen(name) > width ? strlen(name) : width;
    }
    json_object_foreach((json_t *)result, name, value)
    {
        if (json_is_array(value)) {
            fprintf(out, "%-*s  %zu\n", (int)width, name, json_array_size(value));
            if (json_is_object(json_array_get(value, 0))) {
                table(value, "    ", out);
                continue;
            }
            json_array_foreach(value, at, item)
            {
                fprintf(out, "    %s\n", json_is_string(item) ? json_string_value(item) : "-");
            }
        } else {
            scalar(text, sizeof text, name, value);
            fprintf(out, "%-*s  %s\n", (int)width, name,
                    json_is_string(value) ? json_string_value(value) : text);
        }
    }
}

void slk_result_print(const json_t *result, bool as_json, FILE *out)
{
    if (as_json) {
        char *text = slk_json_dump(result, JSON_COMPACT | JSON_REAL_PRECISION(13));
        fprintf(out, "%s\n", text ? text : "");
        free(text);
    } else if (json_is_array(result)) {
        table(result, "", out);
    } else {
        object(result, out);
    }
}
