// SPDX-License-Identifier: GPL-2.0-or-later
/* opt_boot.c: the keys of --boot; see opt_boot.h. */
#include "opt_boot.h"

#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What firmware waits without being told otherwise. */
#define MENU_WAIT 2500

static bool take_order(void *into, const char *value)
{
    static const char letters[] = {BOOT_DISK, BOOT_CDROM, BOOT_NET, '\0'};
    struct boot_option *o = into;
    const size_t n = strlen(value);

    if (n == 0 || n > BOOT_ORDER_MAX || strspn(value, letters) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strchr(value + i + 1, value[i]))
            return false;
    snprintf(o->order, sizeof(o->order), "%s", value);
    return true;
}

static bool take_menu(void *into, const char *value)
{
    struct boot_option *o = into;

    return keyval_bool(value, &o->menu);
}

static bool take_wait(void *into, const char *value)
{
    struct boot_option *o = into;
    uint64_t ms;

    if (!keyval_number(value, UINT16_MAX, &ms))
        return false;
    o->wait = (uint16_t)ms;
    return true;
}

static const struct keyval_key keys[] = {
    {"order", take_order, "letters of c (disks), d (CD-ROMs), n (network)",
     false},
    {"menu", take_menu, "on or off", false},
    {"wait", take_wait, "milliseconds, up to 65535", false},
};

static const struct keyval_option boot = {
    .name = "--boot",
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

int boot_option_parse(const char *text, struct boot_option *out)
{
    char *copy = strdup(text);
    int ret;

    *out = (struct boot_option){.wait = MENU_WAIT};
    if (!copy) {
        log_error("--boot: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&boot, copy, out);
    free(copy);
    return ret;
}

json_t *boot_option_dump(const struct boot_option *o)
{
    return json_pack("{s:s, s:b, s:i}", "order", o->order, "menu", o->menu,
                     "wait", (int)o->wait);
}
