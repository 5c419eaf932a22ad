// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_keyval.c: device options of any bytes.
 *
 * What was taken must be what a second reading of the text finds: the words
 * joined by commas, with their own commas doubled, are the text again. And a
 * --disk, or a --virtio-console, that was taken holds only what its keys
 * allow.
 *
 * Run with -close_fd_mask=2: each refused input logs a line.
 */
#include "keyval.h"
#include "opt_console.h"
#include "opt_disk.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INPUT 1024

/* The text as it is put together again from what was taken. */
struct again {
    char text[3 * MAX_INPUT];
    size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct again *a, const char *word)
{
    for (; *word; word++) {
        a->text[a->n++] = *word;
        if (*word == ',')
            a->text[a->n++] = ',';
    }
}

static bool take_value(void *into, const char *value)
{
    add(into, value);
    return true;
}

static bool take_a(void *into, const char *value)
{
    struct again *a = into;

    memcpy(a->text + a->n, ",a=", 3);
    a->n += 3;
    add(a, value);
    return true;
}

static bool take_b(void *into, const char *value)
{
    struct again *a = into;

    memcpy(a->text + a->n, ",b=", 3);
    a->n += 3;
    add(a, value);
    return *value != '!';
}

static void fuzz_grammar(const char *text)
{
    static const struct keyval_key keys[] = {
        {"a", take_a, "anything", true},
        {"b", take_b, "no '!'", false},
    };
    static const struct keyval_option option = {"--fuzz", "ANY", take_value,
                                                keys, ARRAY_LEN(keys)};
    static struct again again;
    char copy[MAX_INPUT + 1];

    again.n = 0;
    strcpy(copy, text);
    if (keyval_parse(&option, copy, &again) == 0)
        BUG_ON(again.n != strlen(text) ||
               memcmp(again.text, text, again.n) != 0);
}

static void fuzz_disk(const char *text)
{
    struct disk_option o;

    if (disk_option_parse(text, &o) < 0)
        return;
    BUG_ON(!o.blk.path[0]);
    BUG_ON(o.id && (!o.id[0] || strlen(o.id) > DISK_ID_MAX));
    BUG_ON(o.blk.bps > 64 * GIB || o.blk.iops > 64 * GIB);
    BUG_ON(o.blk.read_only && o.blk.snapshot);
    BUG_ON(o.blk.cache > BLK_CACHE_WRITETHROUGH);
    disk_option_free(&o);
}

static void fuzz_port(const char *text)
{
    struct port_option o;

    if (port_option_parse(text, &o) < 0)
        return;
    BUG_ON(o.place.kind > CONSOLE_NONE);
    BUG_ON((o.place.kind == CONSOLE_FILE || o.place.kind == CONSOLE_UNIX) !=
           (o.place.path && o.place.path[0]));
    BUG_ON(o.name && (!o.name[0] || strlen(o.name) > PORT_NAME_MAX));
    port_option_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MAX_INPUT + 1];

    if (size > MAX_INPUT)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    fuzz_grammar(text);
    fuzz_disk(text);
    fuzz_port(text);
    return 0;
}
