#include "app/command.h"

#include <string.h>

/* Completion scripts: the tables as case statements of the shells. */

static bool has_verbs(const slk_noun_t *noun)
{
    return noun->commands[0].verb != NULL;
}

static void noun_names(FILE *out)
{
    for (size_t i = 0; i < slk_noun_cnt; i++)
        fprintf(out, "%s%s", i ? " " : "", slk_nouns[i].name);
}

static void verb_names(FILE *out, const slk_noun_t *noun)
{
    for (size_t i = 0; i < slk_command_cnt(noun); i++)
        fprintf(out, "%s%s", i ? " " : "", noun->commands[i].verb);
}

/* --- bash ----------------------------------------------------------------------------------- */

/* What bash runs to offer the values of a kind. */
static const char *bash_action(slk_arg_kind_t kind)
{
    return kind == SLK_ARG_FILE  ? "_selkie_names -f"
           : kind == SLK_ARG_DIR ? "_selkie_names -d"
                                 : ":";
}

static void bash_value(FILE *out, slk_arg_kind_t kind, const char *choices)
{
    choices = slk_value_choices(kind, choices);
    if (*choices)
        fprintf(out, "_selkie_words '%s'", choices);
    else
        fprintf(out, "%s", bash_action(kind));
}

static void bash_command(FILE *out, const slk_command_t *command)
{
    fprintf(out, "    '%s %s')\n        opts='", command->noun, command->verb ? command->verb : "");
    for (size_t i = 0; i < command->opt_cnt; i++) {
        if (command->opts[i].need != SLK_HIDDEN)
            fprintf(out, "--%s ", slk_opts[command->opts[i].id].name);
    }
    fprintf(out, "--help'\n        case $prev in\n");
    for (size_t i = 0; i < command->opt_cnt; i++) {
        const slk_opt_t *opt = &slk_opts[command->opts[i].id];
        if (opt->kind == SLK_ARG_FLAG)
            continue;
        fprintf(out, "        --%s) ", opt->name);
        bash_value(out, opt->kind, opt->choices);
        fprintf(out, " ;;\n");
    }
    fprintf(out, "        *) if [[ $cur == -* ]]; then _selkie_words \"$opts\"; else ");
    if (command->words.name)
        bash_value(out, command->words.kind, command->words.choices);
    else
        fprintf(out, "_selkie_words \"$opts\"");
    fprintf(out, "; fi ;;\n        esac ;;\n");
}

void slk_completion_bash(FILE *out)
{
    fprintf(
        out,
        "# bash completion of selkie: put this into a file of\n"
        "# /usr/share/bash-completion/completions/ or run: source <(selkie completion bash)\n"
        "_selkie_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$cur\")); }\n"
        "_selkie_names() {\n"
        "    compopt -o filenames\n"
        "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
        "}\n"
        "_selkie() {\n"
        "    local IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} opts=\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        _selkie_words '");
    noun_names(out);
    fprintf(out, " --help --version'\n        return\n    fi\n    case $noun in\n");
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        if (!has_verbs(&slk_nouns[i])) {
            fprintf(out, "    %s) verb= ;;\n", slk_nouns[i].name);
            continue;
        }
        fprintf(out,
                "    %s)\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            _selkie_words '",
                slk_nouns[i].name);
        verb_names(out, &slk_nouns[i]);
        fprintf(out, " --help'\n            return\n        fi ;;\n");
    }
    /* readline cuts "--size=8" into three words */
    fprintf(out,
            "    esac\n"
            "    if [ \"$cur\" = = ]; then\n        cur=\n"
            "    elif [ \"$prev\" = = ]; then\n        prev=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
            "    case \"$noun $verb\" in\n");
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        for (size_t j = 0; j < slk_command_cnt(&slk_nouns[i]); j++)
            bash_command(out, &slk_nouns[i].commands[j]);
    }
    fprintf(out, "    esac\n}\ncomplete -F _selkie selkie\n");
}

/* --- zsh ------------------------------------------------------------------------------------ */

/* Inside single quotes; colons and brackets end parts of a specification. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr(":[]", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void zsh_action(FILE *out, slk_arg_kind_t kind, const char *choices)
{
    choices = slk_value_choices(kind, choices);
    if (*choices)
        fprintf(out, "(%s)", choices);
    else if (kind == SLK_ARG_FILE)
        fprintf(out, "_files");
    else if (kind == SLK_ARG_DIR)
        fprintf(out, "_files -/");
    else
        fprintf(out, " ");
}

static void zsh_command(FILE *out, const slk_command_t *command)
{
    fprintf(out, "        _arguments \\\n");
    for (size_t i = 0; i < command->opt_cnt; i++) {
        const slk_opt_use_t *use = &command->opts[i];
        const slk_opt_t *opt = &slk_opts[use->id];
        if (use->need == SLK_HIDDEN)
            continue;
        fprintf(out, "            '--%s%s[", opt->name, opt->arg ? "=" : "");
        zsh_text(out, use->help ? use->help : opt->help);
        fprintf(out, "]");
        if (opt->arg) {
            fprintf(out, ":%s:", opt->arg);
            zsh_action(out, opt->kind, opt->choices);
        }
        fprintf(out, "' \\\n");
    }
    if (command->words.name) {
        fprintf(out, "            '%s:", command->words.max > 1 ? "*" : "1");
        zsh_text(out, command->words.name);
        fprintf(out, ":");
        zsh_action(out, command->words.kind, command->words.choices);
        fprintf(out, "' \\\n");
    }
    fprintf(out, "            '--help[show the help of this command]' ;;\n");
}

static void zsh_list(FILE *out, const char *what, const slk_noun_t *noun)
{
    fprintf(out, "list=(");
    size_t cnt = noun ? slk_command_cnt(noun) : slk_noun_cnt;
    for (size_t i = 0; i < cnt; i++) {
        fprintf(out, " '%s:", noun ? noun->commands[i].verb : slk_nouns[i].name);
        zsh_text(out, noun ? noun->commands[i].summary : slk_nouns[i].summary);
        fprintf(out, "'");
    }
    fprintf(out, " )\n        _describe %s list", what);
}

void slk_completion_zsh(FILE *out)
{
    fprintf(out, "#compdef selkie\n"
                 "# zsh completion of selkie: save it as _selkie in a folder of $fpath.\n"
                 "_selkie() {\n    local -a list\n    if (( CURRENT == 2 )); then\n        ");
    zsh_list(out, "command", NULL);
    fprintf(out, "\n        return\n    fi\n    local noun=$words[2] verb=\n    case $noun in\n");
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        if (!has_verbs(&slk_nouns[i]))
            continue;
        fprintf(out, "    %s)\n        if (( CURRENT == 3 )); then\n        ", slk_nouns[i].name);
        zsh_list(out, "command", &slk_nouns[i]);
        fprintf(out, "\n        return\n        fi\n        verb=$words[3]\n        shift words; "
                     "(( CURRENT-- )) ;;\n");
    }
    fprintf(out, "    esac\n    shift words; (( CURRENT-- ))\n    case \"$noun $verb\" in\n");
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        for (size_t j = 0; j < slk_command_cnt(&slk_nouns[i]); j++) {
            const slk_command_t *command = &slk_nouns[i].commands[j];
            fprintf(out, "    '%s %s')\n", command->noun, command->verb ? command->verb : "");
            zsh_command(out, command);
        }
    }
    fprintf(out, "    esac\n}\n"
                 "if [ \"$funcstack[1]\" = _selkie ]; then _selkie \"$@\"; else compdef _selkie "
                 "selkie; fi\n");
}
