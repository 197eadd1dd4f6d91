#include "app/command.h"

#include "base/assert.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const slk_opt_t slk_opts[SLK_OPT_CNT] = {
#define OPT_ROW(id, name, arg, kind, choices, help)                                                \
    [SLK_OPT_##id] = {name, arg, SLK_ARG_##kind, choices, help},
    SLK_OPT_LIST(OPT_ROW)
#undef OPT_ROW
};

/* What getopt_long returns: non-options, then options by their number. */
enum { CODE_WORD = 1, CODE_OPTION = 256 };

/* --- Nearest name --------------------------------------------------------------------------- */

#define NAME_MAX_LEN 32u

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Changes of one letter, or swaps of two, that make b of a (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    if (la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (size_t i = 0; i <= la; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        for (size_t j = 1; j <= lb; j++) {
            size_t differ = a[i - 1] != b[j - 1];
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differ);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[la][lb];
}

const char *slk_nearest(const char *text, const char *const *names, size_t cnt)
{
    size_t best = strlen(text) / 3 + 2; /* more changes than that are another word */
    const char *found = NULL;
    for (size_t i = 0; i < cnt; i++) {
        size_t d = distance(text, names[i]);
        if (d < best && d < strlen(names[i])) {
            best = d;
            found = names[i];
        }
    }
    return found;
}

/* --- Parsing -------------------------------------------------------------------------------- */

static bool fail_unknown(const slk_command_t *command, const char *token, slk_diag_t *why)
{
    const char *names[SLK_OPT_CNT + 1] = {"help"};
    size_t cnt = 1;
    for (size_t i = 0; i < command->opt_cnt; i++) {
        if (command->opts[i].need != SLK_HIDDEN)
            names[cnt++] = slk_opts[command->opts[i].id].name;
    }
    char name[NAME_MAX_LEN + 1];
    snprintf(name, sizeof name, "%s", token + strspn(token, "-"));
    name[strcspn(name, "=")] = '\0';
    const char *near = slk_nearest(name, names, cnt);
    slk_fail(why, SLK_ERR_INPUT, "there is no option %.*s here%s%s%s", (int)strcspn(token, "="),
             token, near ? ", did you mean --" : "", near ? near : "", near ? "?" : "");
    return false;
}

static bool set_option(slk_args_t *args, slk_opt_id_t id, const char *text, slk_diag_t *why)
{
    const slk_opt_t *opt = &slk_opts[id];
    slk_value_t *value = &args->opt[id];
    if (value->given) {
        slk_fail(why, SLK_ERR_INPUT, "--%s is given twice", opt->name);
        return false;
    }
    value->given = true;
    if (opt->kind == SLK_ARG_FLAG || slk_value_parse(value, opt->kind, opt->choices, text))
        return true;
    char expects[160];
    slk_value_expects(expects, sizeof expects, opt->kind, opt->choices);
    slk_fail(why, SLK_ERR_INPUT, "--%s '%.100s': expected %s", opt->name, text, expects);
    return false;
}

/* Walk argv. In the mode "-" getopt hands out words in their order whatever POSIXLY_CORRECT says.
 */
static bool walk(slk_args_t *args, const struct option *longs, int argc, char **argv,
                 slk_diag_t *why)
{
    optind = 0; /* starts a new scan */
    opterr = 0;
    for (;;) {
        int at = optind ? optind : 1;
        int code = getopt_long(argc, argv, "-:h", longs, NULL);
        if (code == -1)
            break;
        if (code == CODE_WORD) {
            args->words[args->word_cnt++] = optarg;
        } else if (code == 'h') {
            args->help = true;
        } else if (code >= CODE_OPTION) {
            if (!set_option(args, (slk_opt_id_t)(code - CODE_OPTION), optarg, why))
                return false;
        } else if (code == ':') {
            const slk_opt_t *opt = &slk_opts[optopt - CODE_OPTION];
            slk_fail(why, SLK_ERR_INPUT, "--%s needs its %s", opt->name, opt->arg);
            return false;
        } else if (optopt >= CODE_OPTION) {
            slk_fail(why, SLK_ERR_INPUT, "--%s takes no value",
                     slk_opts[optopt - CODE_OPTION].name);
            return false;
        } else {
            return fail_unknown(args->command, argv[at], why);
        }
    }
    while (optind < argc)
        args->words[args->word_cnt++] = argv[optind++];
    return true;
}

static bool check_words(const slk_args_t *args, slk_diag_t *why)
{
    const slk_command_t *command = args->command;
    if (args->word_cnt > (command->words.name ? command->words.max : 0)) {
        slk_fail(why, SLK_ERR_INPUT, "'%.100s' is one argument too many",
                 args->words[command->words.name ? command->words.max : 0]);
        return false;
    }
    if (args->word_cnt < command->words.min) {
        slk_fail(why, SLK_ERR_INPUT, "%s is missing", command->words.name);
        return false;
    }
    for (size_t i = 0; i < args->word_cnt; i++) {
        slk_value_t value;
        if (slk_value_parse(&value, command->words.kind, command->words.choices, args->words[i]))
            continue;
        char expects[160];
        slk_value_expects(expects, sizeof expects, command->words.kind, command->words.choices);
        slk_fail(why, SLK_ERR_INPUT, "%s '%.100s': expected %s", command->words.name,
                 args->words[i], expects);
        return false;
    }
    return true;
}

static bool check_required(slk_args_t *args, slk_diag_t *why)
{
    const slk_command_t *command = args->command;
    char missing[512] = "";
    for (size_t i = 0; i < command->opt_cnt; i++) {
        const slk_opt_use_t *use = &command->opts[i];
        const slk_opt_t *opt = &slk_opts[use->id];
        slk_value_t *value = &args->opt[use->id];
        size_t used = strlen(missing);
        if (!value->given && use->preset)
            SLK_ASSERT(slk_value_parse(value, opt->kind, opt->choices, use->preset));
        if (!value->given && use->need == SLK_REQUIRED)
            snprintf(missing + used, sizeof missing - used, "%s--%s %s", used ? ", " : "",
                     opt->name, opt->arg);
    }
    if (*missing)
        slk_fail(why, SLK_ERR_INPUT, "missing: %s", missing);
    return !*missing;
}

bool slk_args_parse(slk_args_t *args, const slk_command_t *command, int argc, char **argv,
                    slk_diag_t *why)
{
    *args = (slk_args_t){.command = command};
    /* Rows of an argv for getopt, which expects a program name in front. */
    char **list = calloc((size_t)argc + 2, sizeof *list);
    args->words = calloc((size_t)argc + 1, sizeof *args->words);
    if (!list || !args->words) {
        free(list);
        slk_fail(why, SLK_ERR_NOMEM, "out of memory");
        return false;
    }
    list[0] = (char *)"selkie";
    for (int i = 0; i < argc; i++)
        list[i + 1] = argv[i];

    struct option longs[SLK_OPT_CNT + 2] = {0};
    for (size_t i = 0; i < command->opt_cnt; i++) {
        slk_opt_id_t id = command->opts[i].id;
        longs[i] = (struct option){
            slk_opts[id].name, slk_opts[id].kind == SLK_ARG_FLAG ? no_argument : required_argument,
            NULL, CODE_OPTION + (int)id};
    }
    longs[command->opt_cnt] =
        (struct option){"help", no_argument, NULL, 'h'}; /* every command has it */
    bool ok = walk(args, longs, argc + 1, list, why);
    free(list);
    if (!ok || args->help)
        return ok;
    return check_words(args, why) && check_required(args, why);
}

void slk_args_fini(slk_args_t *args)
{
    free(args->words);
    args->words = NULL;
}
