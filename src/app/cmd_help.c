#include "app/app.h"
#include "app/nouns.h"

#include "base/assert.h"

#include <string.h>

static slk_err_t run_completion(slk_app_t *app, const slk_args_t *args)
{
    (void)app;
    if (strcmp(args->words[0], "bash") == 0)
        slk_completion_bash(stdout);
    else
        slk_completion_zsh(stdout);
    return SLK_OK;
}

static slk_err_t run_help(slk_app_t *app, const slk_args_t *args)
{
    const slk_noun_t *noun = args->word_cnt ? slk_noun_find(args->words[0]) : NULL;
    if (args->word_cnt && !noun)
        return slk_app_usage(app, "there is no command '%.100s'", args->words[0]);
    const slk_command_t *command =
        noun && (args->word_cnt > 1 || !noun->commands[0].verb)
            ? slk_command_find(noun, args->word_cnt > 1 ? args->words[1] : NULL)
            : NULL;
    if (args->word_cnt > 1 && !command)
        return slk_app_usage(app, "there is no command '%.100s %.100s'", args->words[0],
                             args->words[1]);

    if (args->opt[SLK_OPT_MAN].given) {
        if (noun && !noun->man)
            return slk_app_usage(app, "%s has no page of its own, it is in that of selkie",
                                 noun->name);
        slk_man_page(stdout, noun);
    } else if (command) {
        slk_help_command(stdout, command);
    } else if (noun) {
        slk_help_noun(stdout, noun);
    } else {
        slk_help_program(stdout);
    }
    return SLK_OK;
}

const slk_command_t slk_completion_commands[] = {
    {.noun = "completion",
     .summary = "print a completion script for bash or zsh",
     .details = "bash: source <(selkie completion bash). zsh: save the output as _selkie in a "
                "folder of $fpath.",
     .words = {"SHELL", "bash or zsh", SLK_ARG_WORD, "bash zsh", 1, 1},
     .examples = "completion bash",
     .run = run_completion},
    {0},
};

/* --man serves the build, which installs the pages: users have man(1). */
static const slk_opt_use_t help_opts[] = {{SLK_OPT_MAN, SLK_HIDDEN, NULL, NULL}};

const slk_command_t slk_help_commands[] = {
    {.noun = "help",
     .summary = "show how to use a command",
     .opts = help_opts,
     .opt_cnt = SLK_COUNT(help_opts),
     .words = {"COMMAND", "for example: seal, or: seal pc1", SLK_ARG_NOUN, NULL, 0, 2},
     .examples = "help seal pc1",
     .run = run_help},
    {0},
};
