#include "app/command.h"
#include "app/texts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Manual pages in the man macros of roff. */

/* Text in running lines or, in quotes, as a macro's argument. */
static void roff(FILE *out, const char *text)
{
    bool fresh = true; /* at the beginning of a line, where a dot would be a request */
    for (; *text; text++) {
        if (fresh && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        fresh = *text == '\n';
        switch (*text) {
        case '\\':
            fputs("\\e", out);
            break;
        case '-':
            fputs("\\-", out);
            break;
        case '\'':
            fputs("\\(aq", out);
            break;
        case '"':
            fputs("\\(dq", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static void paragraph(FILE *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        char *part = strndup(text, len);
        roff(out, part ? part : "");
        free(part);
        fputs(end ? "\n.PP\n" : "\n", out);
        text += len + (end ? 2 : 0);
    }
}

static void item(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n\\fB", out);
    roff(out, name);
    fputs("\\fR\n", out);
    paragraph(out, text);
}

static void option(FILE *out, const slk_opt_use_t *use)
{
    const slk_opt_t *opt = &slk_opts[use->id];
    fputs(".TP\n\\fB", out);
    roff(out, "--");
    roff(out, opt->name);
    fputs("\\fR", out);
    if (opt->arg)
        fprintf(out, " \\fI%s\\fR", opt->arg);
    fputc('\n', out);
    roff(out, use->help ? use->help : opt->help);
    const char *choices = slk_value_choices(opt->kind, opt->choices);
    if (*choices) {
        fputs("; one of ", out);
        roff(out, choices);
    }
    if (use->preset) {
        fputs(" (default ", out);
        roff(out, use->preset);
        fputs(")", out);
    }
    fputs(use->need == SLK_REQUIRED ? ". Required.\n" : ".\n", out);
}

/* Whether most commands of the noun take an option in just this way. */
static bool is_common(const slk_noun_t *noun, const slk_opt_use_t *use)
{
    size_t cnt = slk_command_cnt(noun), same = 0;
    for (size_t i = 0; i < cnt; i++) {
        const slk_command_t *command = &noun->commands[i];
        for (size_t j = 0; j < command->opt_cnt; j++) {
            const slk_opt_use_t *other = &command->opts[j];
            same += other->id == use->id && other->need == use->need && other->help == use->help &&
                    !strcmp(other->preset ? other->preset : "", use->preset ? use->preset : "");
        }
    }
    return same * 3 >= cnt * 2;
}

/* The options of a command that are, or are not, common to its noun. */
static void options(FILE *out, const slk_noun_t *noun, const slk_command_t *command, bool common)
{
    for (size_t i = 0; i < command->opt_cnt; i++) {
        const slk_opt_use_t *use = &command->opts[i];
        if (use->need != SLK_HIDDEN && is_common(noun, use) == common)
            option(out, use);
    }
}

static void json_items(FILE *out, const char *json)
{
    fputs(".PP\nFields with\n.BR \\-\\-json :\n", out);
    while (*json) {
        size_t name = strcspn(json, ":"), len = strcspn(json, "\n");
        char field[32], text[256];
        snprintf(field, sizeof field, "%.*s", (int)name, json);
        snprintf(text, sizeof text, "%.*s", (int)(len - name - 2), json + name + 2);
        item(out, field, text);
        json += len + (json[len] == '\n');
    }
}

static void synopsis(FILE *out, const slk_command_t *command)
{
    char *text = NULL;
    size_t len;
    FILE *mem = open_memstream(&text, &len);
    if (mem) {
        slk_help_synopsis(mem, command);
        fclose(mem);
    }
    fputs(".HP 4\n", out);
    roff(out, text ? text : "");
    fputc('\n', out);
    free(text);
}

static void command_section(FILE *out, const slk_noun_t *noun, const slk_command_t *command)
{
    char title[64];
    slk_command_title(title, command);
    fputs(".SS \"", out);
    roff(out, title);
    fputs("\"\n", out);
    char first = (char)toupper((unsigned char)command->summary[0]);
    fprintf(out, "%c", first);
    roff(out, command->summary + 1);
    fputs(".\n", out);
    if (command->details) {
        fputs(".PP\n", out);
        paragraph(out, command->details);
    }
    if (command->words.name)
        item(out, command->words.name, command->words.help);
    if (noun)
        options(out, noun, command, slk_command_cnt(noun) == 1);
    if (command->json)
        json_items(out, command->json);
}

static void example_lines(FILE *out, const slk_noun_t *noun)
{
    for (size_t i = 0; i < slk_command_cnt(noun); i++) {
        const char *text = noun->commands[i].examples;
        while (text && *text) {
            size_t len = strcspn(text, "\n");
            char *line = strndup(text, len);
            fputs("selkie ", out);
            roff(out, line ? line : "");
            fputc('\n', out);
            free(line);
            text += len + (text[len] == '\n');
        }
    }
}

static void header(FILE *out, const char *name, const char *summary)
{
    fputs(".\\\" Made by selkie help \\-\\-man from the tables of its commands.\n.TH \"", out);
    for (const char *p = name; *p; p++) {
        if (*p == '-')
            fputc('\\', out);
        fputc(toupper((unsigned char)*p), out);
    }
    fputs("\" 1 \"\" \"selkie " SLK_VERSION "\" \"User Commands\"\n.SH NAME\n", out);
    roff(out, name);
    fputs(" \\- ", out);
    roff(out, summary);
    fputs("\n.SH SYNOPSIS\n", out);
}

static void footer(FILE *out, const slk_noun_t *self)
{
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof slk_text_statuses / sizeof slk_text_statuses[0]; i++)
        item(out, slk_text_statuses[i].name, slk_text_statuses[i].text);
    fputs(".SH ENVIRONMENT\n", out);
    for (size_t i = 0; i < sizeof slk_text_environment / sizeof slk_text_environment[0]; i++)
        item(out, slk_text_environment[i].name, slk_text_environment[i].text);
    char cpus[320];
    slk_text_cpus(cpus, sizeof cpus);
    fputs(".PP\nValues of SELKIE_CPU, with what the CPU must have:\n", out);
    roff(out, cpus);
    fputs(".\nOne that this machine lacks is an error.\n.SH SEE ALSO\n", out);
    const char *comma = "";
    if (self) {
        fputs("\\fBselkie\\fR(1)", out);
        comma = ",\n";
    }
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        if (!slk_nouns[i].man || &slk_nouns[i] == self)
            continue;
        fprintf(out, "%s\\fBselkie\\-%s\\fR(1)", comma, slk_nouns[i].name);
        comma = ",\n";
    }
    fputc('\n', out);
}

static void noun_page(FILE *out, const slk_noun_t *noun)
{
    char name[64];
    snprintf(name, sizeof name, "selkie-%s", noun->name);
    header(out, name, noun->summary);
    for (size_t i = 0; i < slk_command_cnt(noun); i++)
        synopsis(out, &noun->commands[i]);
    fputs(".SH DESCRIPTION\n", out);
    paragraph(out, noun->details);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < slk_command_cnt(noun); i++)
        command_section(out, noun, &noun->commands[i]);
    fputs(".SH COMMON OPTIONS\nA command takes these, too, unless its own list says otherwise.\n",
          out);
    options(out, noun, &noun->commands[0], true);
    item(out, "--help", "Show a command's options.");
    fputs(".SH EXAMPLES\n.nf\n", out);
    example_lines(out, noun);
    fputs(".fi\n", out);
    footer(out, noun);
}

static void program_page(FILE *out)
{
    header(out, "selkie", slk_text_summary);
    fputs(".HP 4\nselkie \\fICOMMAND\\fR ...\n.HP 4\nselkie \\-\\-help | \\-\\-version\n"
          ".SH DESCRIPTION\n",
          out);
    paragraph(out, slk_text_about);
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        const slk_noun_t *noun = &slk_nouns[i];
        if (noun->man) {
            char title[64], text[256];
            snprintf(title, sizeof title, "selkie %s", noun->name);
            snprintf(text, sizeof text, "%s; see selkie-%s(1).", noun->summary, noun->name);
            item(out, title, text);
        } else {
            command_section(out, noun, &noun->commands[0]);
        }
    }
    fputs(".SH EXAMPLES\n.nf\n", out);
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        if (!slk_nouns[i].man)
            example_lines(out, &slk_nouns[i]);
    }
    fputs(".fi\n", out);
    footer(out, NULL);
}

void slk_man_page(FILE *out, const slk_noun_t *noun)
{
    if (noun)
        noun_page(out, noun);
    else
        program_page(out);
}
