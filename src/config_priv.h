/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_priv.h: the table of options; for config*.c only. */
#ifndef VMM_CONFIG_PRIV_H
#define VMM_CONFIG_PRIV_H

#include "config.h"

typedef bool option_fn(struct config *cfg, char *value);
/* An option of keys, which says itself which of them is wrong. */
typedef enum config_result option_keys_fn(struct config *cfg,
                                          const char *value);

struct option {
    const char *name; /* with its dashes */
    const char *alias;
    const char *arg;         /* placeholder, NULL: takes none */
    bool optional;           /* the argument, which then follows '=' */
    option_fn *fn;           /* false: the value is wrong */
    option_keys_fn *keys_fn; /* in place of fn */
    const char *want;        /* what a right value looks like */
    const char *help;
};

extern const struct option config_options[];
extern const size_t config_options_len;

extern const char *const config_transports[TRANSPORT_COUNT];
extern const char *const config_entries[BOOT_ENTRY_COUNT];
extern const char *const config_unplugs[UNPLUG_COUNT];

#endif
