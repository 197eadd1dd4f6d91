#include "base/log.h"

#include "base/assert.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 4096

static atomic_bool as_json;
static atomic_int least_level = SLK_LOG_INFO;

static const char *const names[] = {"debug", "info", "warn", "error"};
static const char *const columns[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

void slk_log_init(bool json, slk_log_level_t least)
{
    atomic_store(&as_json, json);
    atomic_store(&least_level, (int)least);
}

bool slk_log_level_from_name(slk_log_level_t *level, const char *name)
{
    for (size_t i = 0; i < SLK_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *level = (slk_log_level_t)i;
            return true;
        }
    }
    return false;
}

static void time_text(char out[32])
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t len = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + len, 32 - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* One write, so that lines of several threads and processes stay whole. */
static void write_line(const char *line, size_t len)
{
    while (len) {
        ssize_t wrote = write(STDERR_FILENO, line, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return; /* nowhere to say it */
        line += wrote;
        len -= (size_t)wrote;
    }
}

static char *json_line(const char *at, slk_log_level_t level, const char *component,
                       const char *sector, const char *text)
{
    json_t *row = json_object();
    json_object_set_new(row, "time", json_string(at));
    json_object_set_new(row, "level", json_string(names[level]));
    json_object_set_new(row, "component", json_string(component));
    if (*sector)
        json_object_set_new(row, "sector", json_string(sector));
    json_t *message = json_string(text);
    json_object_set_new(row, "message", message ? message : json_string("(no UTF-8)"));
    char *line = json_dumps(row, JSON_COMPACT);
    json_decref(row);
    return line;
}

static void put(slk_log_level_t level, const char *component, const char *sector, const char *fmt,
                va_list args)
{
    char text[TEXT_MAX], line[TEXT_MAX + 256], at[32];
    if ((int)level < atomic_load(&least_level))
        return;
    vsnprintf(text, sizeof text, fmt, args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    time_text(at);
    if (atomic_load(&as_json)) {
        char *json = json_line(at, level, component, sector, text);
        if (!json)
            return;
        int len = snprintf(line, sizeof line, "%s\n", json);
        if (len > 0 && (size_t)len < sizeof line) {
            write_line(line, (size_t)len);
        } else { /* escapes made it long */
            size_t end = strlen(json);
            json[end] = '\n';
            write_line(json, end + 1);
        }
        free(json);
        return;
    }
    int len = snprintf(line, sizeof line, "%s %s %s%s%s: %s\n", at, columns[level], component,
                       *sector ? " " : "", sector, text);
    if (len > 0)
        write_line(line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

void slk_log(slk_log_level_t level, const char *component, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    put(level, component, "", fmt, args);
    va_end(args);
}

void slk_log_sector(slk_log_level_t level, const char *component, uint64_t miner, uint64_t number,
                    const char *fmt, ...)
{
    char sector[48];
    va_list args;
    if (number == SLK_LOG_NO_SECTOR)
        snprintf(sector, sizeof sector, "t0%llu", (unsigned long long)miner);
    else
        snprintf(sector, sizeof sector, "t0%llu-%llu", (unsigned long long)miner,
                 (unsigned long long)number);
    va_start(args, fmt);
    put(level, component, sector, fmt, args);
    va_end(args);
}
