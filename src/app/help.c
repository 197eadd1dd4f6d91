#include "app/command.h"
#include "app/texts.h"

#include <stdlib.h>
#include <string.h>

#define HELP_WIDTH  80u
#define HELP_COLUMN 28u /* where the text of an option begins */

/* Words of text from column `at` on, later lines indented; ends the line. Empty lines stay. */
static void wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
    bool first = true;
    while (*text) {
        if (strncmp(text, "\n\n", 2) == 0) {
            fprintf(out, "\n\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        text += strspn(text, " \n");
        size_t len = strcspn(text, " \n");
        if (!len)
            break;
        if (!first && at + 1 + len > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)len, text);
        at += len + !first;
        first = false;
        text += len;
    }
    fputc('\n', out);
}

/* A name and what it means, in two columns. */
static void row(FILE *out, const char *name, const char *text, size_t column)
{
    size_t len = strlen(name) + 2;
    fprintf(out, "  %s", name);
    if (len + 2 > column)
        fprintf(out, "\n%*s", (int)column, "");
    else
        fprintf(out, "%*s", (int)(column - len), "");
    wrapped(out, text, column, column);
}

static void option_row(FILE *out, const slk_opt_use_t *use)
{
    const slk_opt_t *opt = &slk_opts[use->id];
    char name[64], text[512];
    snprintf(name, sizeof name, "--%s%s%s", opt->name, opt->arg ? " " : "",
             opt->arg ? opt->arg : "");
    const char *choices = slk_value_choices(opt->kind, opt->choices);
    snprintf(text, sizeof text, "%s%s%s%s%s%s", use->help ? use->help : opt->help,
             *choices ? "; one of " : "", choices, use->preset ? " (default " : "",
             use->preset ? use->preset : "", use->preset ? ")" : "");
    row(out, name, text, HELP_COLUMN);
}

static void option_rows(FILE *out, const slk_command_t *command, slk_need_t need, const char *title)
{
    bool any = false;
    for (size_t i = 0; i < command->opt_cnt; i++) {
        if (command->opts[i].need != need)
            continue;
        if (!any)
            fprintf(out, "\n%s:\n", title);
        any = true;
        option_row(out, &command->opts[i]);
    }
    if (need == SLK_OPTIONAL) {
        if (!any)
            fprintf(out, "\n%s:\n", title);
        row(out, "--help", "show this help", HELP_COLUMN);
    }
}

void slk_help_synopsis(FILE *out, const slk_command_t *command)
{
    char title[64];
    slk_command_title(title, command);
    fprintf(out, "%s", title);
    bool optional = false;
    for (size_t i = 0; i < command->opt_cnt; i++) {
        const slk_opt_t *opt = &slk_opts[command->opts[i].id];
        if (command->opts[i].need == SLK_REQUIRED)
            fprintf(out, " --%s %s", opt->name, opt->arg);
        else if (command->opts[i].need == SLK_OPTIONAL)
            optional = true;
    }
    if (optional)
        fprintf(out, " [options]");
    if (command->words.name) {
        const char *more = command->words.max > 1 ? "..." : "";
        fprintf(out, command->words.min ? " %s%s" : " [%s%s]", command->words.name, more);
    }
}

/* Lines of text, each behind two blanks and a prefix. */
static void lines(FILE *out, const char *text, const char *prefix)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "  %s%.*s\n", prefix, (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void json_rows(FILE *out, const char *json)
{
    fprintf(out, "\nFields with --json:\n");
    while (*json) {
        size_t name = strcspn(json, ":"), len = strcspn(json, "\n");
        char field[32], text[256];
        snprintf(field, sizeof field, "%.*s", (int)name, json);
        snprintf(text, sizeof text, "%.*s", (int)(len - name - 2), json + name + 2);
        row(out, field, text, HELP_COLUMN);
        json += len + (json[len] == '\n');
    }
}

void slk_help_command(FILE *out, const slk_command_t *command)
{
    char *usage = NULL;
    size_t usage_len;
    FILE *mem = open_memstream(&usage, &usage_len);
    if (mem) {
        slk_help_synopsis(mem, command);
        fclose(mem);
    }
    fprintf(out, "usage: ");
    wrapped(out, usage ? usage : "", 7, 9);
    free(usage);
    fprintf(out, "\n");
    wrapped(out, command->summary, 0, 0);
    if (command->details) {
        fprintf(out, "\n");
        wrapped(out, command->details, 0, 0);
    }
    if (command->words.name) {
        fprintf(out, "\nArguments:\n");
        row(out, command->words.name, command->words.help, HELP_COLUMN);
    }
    option_rows(out, command, SLK_REQUIRED, "Required");
    option_rows(out, command, SLK_OPTIONAL, "Options");
    if (command->json)
        json_rows(out, command->json);
    if (command->examples) {
        fprintf(out, "\nExamples:\n");
        lines(out, command->examples, "selkie ");
    }
}

static void verb_rows(FILE *out, const slk_noun_t *noun)
{
    for (size_t i = 0; i < slk_command_cnt(noun); i++) {
        const slk_command_t *command = &noun->commands[i];
        char name[64];
        snprintf(name, sizeof name, "%s%s%s", command->noun, command->verb ? " " : "",
                 command->verb ? command->verb : "");
        row(out, name, command->summary, 20);
    }
}

void slk_help_noun(FILE *out, const slk_noun_t *noun)
{
    fprintf(out, "usage: selkie %s COMMAND ...\n\n", noun->name);
    wrapped(out, noun->summary, 0, 0);
    if (noun->details) {
        fprintf(out, "\n");
        wrapped(out, noun->details, 0, 0);
    }
    fprintf(out, "\nCommands:\n");
    verb_rows(out, noun);
    fprintf(out, "\nsee selkie %s COMMAND --help\n", noun->name);
}

void slk_help_program(FILE *out)
{
    fprintf(out, "usage: selkie COMMAND ...\n\nselkie: %s\n\n", slk_text_summary);
    wrapped(out, slk_text_about, 0, 0);
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        fprintf(out, "\n");
        wrapped(out, slk_nouns[i].summary, 0, 0);
        verb_rows(out, &slk_nouns[i]);
    }
    fprintf(out, "\nExit status:\n");
    for (size_t i = 0; i < sizeof slk_text_statuses / sizeof slk_text_statuses[0]; i++)
        row(out, slk_text_statuses[i].name, slk_text_statuses[i].text, 6);
    fprintf(out, "\nEnvironment:\n");
    for (size_t i = 0; i < sizeof slk_text_environment / sizeof slk_text_environment[0]; i++)
        row(out, slk_text_environment[i].name, slk_text_environment[i].text, HELP_COLUMN);
    char cpus[320], text[400];
    slk_text_cpus(cpus, sizeof cpus);
    snprintf(text, sizeof text, "SELKIE_CPU is auto or one of: %s.", cpus);
    fputc('\n', out);
    wrapped(out, text, 0, 0);
    fprintf(out, "\nsee selkie COMMAND --help, selkie --version\n");
}
