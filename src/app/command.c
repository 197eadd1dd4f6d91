#include "app/command.h"

#include <string.h>

const slk_noun_t *slk_noun_find(const char *name)
{
    for (size_t i = 0; i < slk_noun_cnt; i++) {
        if (strcmp(slk_nouns[i].name, name) == 0)
            return &slk_nouns[i];
    }
    return NULL;
}

const slk_command_t *slk_command_find(const slk_noun_t *noun, const char *verb)
{
    for (size_t i = 0; i < slk_command_cnt(noun); i++) {
        const slk_command_t *command = &noun->commands[i];
        if (!command->verb || (verb && strcmp(command->verb, verb) == 0))
            return command;
    }
    return NULL;
}

size_t slk_command_cnt(const slk_noun_t *noun)
{
    size_t cnt = 0;
    while (noun->commands[cnt].noun)
        cnt++;
    return cnt;
}

void slk_command_title(char out[64], const slk_command_t *command)
{
    snprintf(out, 64, "selkie %s%s%s", command->noun, command->verb ? " " : "",
             command->verb ? command->verb : "");
}
