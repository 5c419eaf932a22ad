// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keyval.c: see keyval.h. The text is read once from left to right; each
 * word is unescaped towards its own beginning, so that no copy is needed.
 */
#include "keyval.h"

#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Cut the next word off *rest: up to a comma that is not doubled. *rest
 * becomes what is behind the comma, or NULL behind the last word.
 */
static char *next_word(char **rest)
{
    char *word = *rest, *to = word, *from = word;

    while (*from && (*from != ',' || from[1] == ',')) {
        if (*from == ',')
            from++;
        *to++ = *from++;
    }
    *rest = *from ? from + 1 : NULL;
    *to = '\0';
    return word;
}

static int find_key(const struct keyval_option *option, const char *name)
{
    for (size_t i = 0; i < option->n_keys; i++)
        if (strcmp(option->keys[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* "ro, cache, id": the keys there are, for a message. */
static void list_keys(const struct keyval_option *option, char *out, size_t n)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < option->n_keys; i++) {
        const char *name = option->keys[i].name;
        const size_t len = strlen(name);

        if (len + 3 > n - at)
            return;
        memcpy(out + at, i ? ", " : "", i ? 2 : 0);
        at += i ? 2 : 0;
        memcpy(out + at, name, len + 1);
        at += len;
    }
}

static int unknown_key(const struct keyval_option *option, const char *name)
{
    char keys[256];

    list_keys(option, keys, sizeof(keys));
    log_error("%s: no key '%s': there are: %s (a comma in a value is written "
              "twice)",
              option->name, name, keys);
    return -EINVAL;
}

/* Take "key=value"; seen has a bit for each key given so far. */
static int take_pair(const struct keyval_option *option, char *word,
                     uint32_t *seen, void *into)
{
    char *eq = strchr(word, '=');
    const struct keyval_key *key;
    int i;

    if (eq)
        *eq = '\0';
    i = find_key(option, word);
    if (i < 0)
        return unknown_key(option, word);
    key = &option->keys[i];
    if (!eq) {
        log_error("%s: %s needs a value: give %s=%s", option->name, word, word,
                  key->want);
        return -EINVAL;
    }
    if ((*seen & (1u << i)) && !key->repeats) {
        log_error("%s: %s is given twice: give it once", option->name, word);
        return -EINVAL;
    }
    *seen |= 1u << i;
    if (!key->take(into, eq + 1)) {
        log_error("%s: %s: '%s' is not valid: give %s", option->name, word,
                  eq + 1, key->want);
        return -EINVAL;
    }
    return 0;
}

int keyval_parse(const struct keyval_option *option, char *text, void *into)
{
    char *rest = text;
    const char *value = option->take_value ? next_word(&rest) : NULL;
    uint32_t seen = 0;

    BUG_ON(option->n_keys > KEYVAL_MAX_KEYS);
    if (value && !option->take_value(into, value)) {
        log_error("%s: '%s' is not valid: give %s", option->name, value,
                  option->want);
        return -EINVAL;
    }
    while (rest) {
        const int ret = take_pair(option, next_word(&rest), &seen, into);

        if (ret < 0)
            return ret;
    }
    return 0;
}

bool keyval_bool(const char *value, bool *out)
{
    static const char *const names[] = {"off", "on"};
    unsigned i;

    if (!keyval_name(value, names, ARRAY_LEN(names), &i))
        return false;
    *out = i == 1;
    return true;
}

bool keyval_number(const char *value, uint64_t max, uint64_t *out)
{
    unsigned long long v;
    char *end;

    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    v = strtoull(value, &end, 10);
    if (errno || *end || v > max)
        return false;
    *out = v;
    return true;
}

bool keyval_name(const char *value, const char *const *names, unsigned n,
                 unsigned *out)
{
    for (unsigned i = 0; i < n; i++) {
        if (names[i] && strcmp(names[i], value) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}
