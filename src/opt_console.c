// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * opt_console.c: see opt_console.h. A kind of place is a row: its name, with
 * a colon if a path follows, and how it is opened.
 */
#include "opt_console.h"

#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct chr *open_stdio(const char *path)
{
    (void)path;
    return chr_open_stdio();
}

static struct chr *open_pty(const char *path)
{
    (void)path;
    return chr_open_pty();
}

static struct chr *open_null(const char *path)
{
    (void)path;
    return chr_open_null();
}

static const struct {
    const char *name;
    bool has_path;
    struct chr *(*open)(const char *path);
} kinds[] = {
    [CONSOLE_STDIO] = {"stdio", false, open_stdio},
    [CONSOLE_PTY] = {"pty", false, open_pty},
    [CONSOLE_FILE] = {"file", true, chr_open_file},
    [CONSOLE_UNIX] = {"unix", true, chr_open_unix},
    [CONSOLE_NONE] = {"none", false, open_null},
};

bool console_place_parse(const char *text, struct console_place *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        const size_t n = strlen(kinds[i].name);
        const char *rest = text + n;

        if (strncmp(text, kinds[i].name, n) != 0)
            continue;
        if (kinds[i].has_path ? rest[0] != ':' || !rest[1] : *rest != '\0')
            continue;
        *out = (struct console_place){
            .kind = (enum console_kind)i,
            .path = kinds[i].has_path ? rest + 1 : NULL,
        };
        return true;
    }
    return false;
}

const char *console_place_kind(const struct console_place *p)
{
    return kinds[p->kind].name;
}

struct chr *console_place_open(const struct console_place *p)
{
    return kinds[p->kind].open(p->path);
}

/* ---- --virtio-console ---- */

static bool take_place(void *into, const char *value)
{
    struct port_option *o = into;

    return console_place_parse(value, &o->place);
}

static bool take_name(void *into, const char *value)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789._-";
    struct port_option *o = into;
    const size_t n = strlen(value);

    o->name = value;
    return n > 0 && n <= PORT_NAME_MAX && strspn(value, letters) == n;
}

static const struct keyval_key keys[] = {
    {"name", take_name, "1 to 63 letters, digits, '.', '_' or '-'", false},
};

static const struct keyval_option port = {
    .name = "--virtio-console",
    .want = CONSOLE_PLACES,
    .take_value = take_place,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

int port_option_parse(const char *text, struct port_option *out)
{
    int ret;

    *out = (struct port_option){.text = strdup(text)};
    if (!out->text) {
        log_error("--virtio-console: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&port, out->text, out);
    if (ret < 0)
        port_option_free(out);
    return ret;
}

void port_option_free(struct port_option *option)
{
    free(option->text);
    *option = (struct port_option){0};
}

json_t *port_option_dump(const struct port_option *o)
{
    return json_pack("{s:s, s:s*, s:s*}", "where",
                     console_place_kind(&o->place), "path", o->place.path,
                     "name", o->name);
}
