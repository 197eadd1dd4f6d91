#include "app/command.h"
#include "test_util.h"

/* The tables themselves: what no single command line would show. */

static const slk_command_t *command_at(size_t at)
{
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        size_t cnt = slk_command_cnt(&slk_nouns[i]);
        if (at < cnt)
            return &slk_nouns[i].commands[at];
        at -= cnt;
    }
    return NULL;
}

static void test_commands(void **state)
{
    (void)state;
    const slk_command_t *command, *other;
    for (size_t i = 0; (command = command_at(i)); i++) {
        char title[64];
        slk_command_title(title, command);
        assert_true(strlen(title) < sizeof title - 1);
        assert_true(strlen(command->summary) > 10);
        assert_true(command->summary[strlen(command->summary) - 1] != '.');
        assert_non_null(command->run);
        assert_non_null(slk_noun_find(command->noun));
        assert_ptr_equal(slk_command_find(slk_noun_find(command->noun), command->verb), command);
        for (size_t j = 0; j < i && (other = command_at(j)); j++) {
            if (strcmp(other->noun, command->noun) == 0)
                assert_string_not_equal(other->verb, command->verb);
        }
        assert_true(command->words.min <= command->words.max);
        assert_true((command->words.name != NULL) == (command->words.max > 0));
    }
}

static void test_options(void **state)
{
    (void)state;
    const slk_command_t *command;
    for (size_t i = 0; i < SLK_OPT_CNT; i++) {
        assert_true((slk_opts[i].arg == NULL) == (slk_opts[i].kind == SLK_ARG_FLAG));
        bool words = slk_opts[i].kind == SLK_ARG_WORD || slk_opts[i].kind == SLK_ARG_WORDS;
        assert_true((slk_opts[i].choices != NULL) == words);
    }
    for (size_t i = 0; (command = command_at(i)); i++) {
        for (size_t j = 0; j < command->opt_cnt; j++) {
            const slk_opt_use_t *use = &command->opts[j];
            const slk_opt_t *opt = &slk_opts[use->id];
            slk_value_t value;
            if (use->preset) {
                assert_int_equal(use->need, SLK_OPTIONAL);
                assert_true(slk_value_parse(&value, opt->kind, opt->choices, use->preset));
            }
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(opt->name, slk_opts[command->opts[k].id].name);
        }
    }
}

/* "name: meaning" in each line, short enough for the columns of the help. */
static void test_json_texts(void **state)
{
    (void)state;
    const slk_command_t *command;
    for (size_t i = 0; (command = command_at(i)); i++) {
        bool takes_json = false;
        for (size_t j = 0; j < command->opt_cnt; j++)
            takes_json = takes_json || command->opts[j].id == SLK_OPT_JSON;
        assert_true(takes_json == (command->json != NULL));
        for (const char *line = command->json; line && *line;) {
            size_t name = strcspn(line, ":"), len = strcspn(line, "\n");
            assert_true(name > 0 && name < 31 && name + 3 < len && len < 250);
            assert_int_equal(line[name + 1], ' ');
            line += len + (line[len] == '\n');
        }
    }
}

/* Every example is a command line of its command, but for values cut short by dots. */
static void test_examples(void **state)
{
    (void)state;
    const slk_command_t *command;
    for (size_t i = 0; (command = command_at(i)); i++) {
        char text[1024], *save_line, *save_word;
        assert_non_null(command->examples);
        assert_true(strlen(command->examples) < sizeof text);
        strcpy(text, command->examples);
        for (char *line = strtok_r(text, "\n", &save_line); line;
             line = strtok_r(NULL, "\n", &save_line)) {
            char *words[32];
            int cnt = 0;
            for (char *word = strtok_r(line, " ", &save_word); word && *word != '<';
                 word = strtok_r(NULL, " ", &save_word))
                words[cnt++] = word;
            int skip = command->verb ? 2 : 1;
            assert_string_equal(words[0], command->noun);
            if (command->verb)
                assert_string_equal(words[1], command->verb);
            slk_args_t args;
            slk_diag_t why = {0};
            bool ok = slk_args_parse(&args, command, cnt - skip, words + skip, &why);
            slk_args_fini(&args);
            if (!ok && !strstr(why.text, "..."))
                fail_msg("%s: %s", command->examples, why.text);
        }
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"seal", "piece", "bench"};
    assert_string_equal(slk_nearest("sael", names, 3), "seal");
    assert_string_equal(slk_nearest("pieces", names, 3), "piece");
    assert_null(slk_nearest("window", names, 3));
    assert_null(slk_nearest("", names, 3));
    assert_null(slk_nearest("a word that is longer than any name can be", names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),   cmocka_unit_test(test_options),
        cmocka_unit_test(test_json_texts), cmocka_unit_test(test_examples),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
