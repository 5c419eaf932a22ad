/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyval.h: the one grammar of options that describe a device.
 *
 *     --disk VALUE[,key=value...]
 *
 * An option is a table of its keys; a key is a row with the function that
 * takes its value. A comma that belongs to a value is written twice. A key
 * is given once, unless its row says otherwise. Errors name the option, the
 * key and what would be right.
 *
 * Thread: the parser's, before the guest starts.
 */
#ifndef VMM_KEYVAL_H
#define VMM_KEYVAL_H

#include "vmm/types.h"

#define KEYVAL_MAX_KEYS 32

/*
 * Put a value into the object that is being described. The text lives as
 * long as the caller of keyval_parse keeps it. False: it is not valid.
 */
typedef bool keyval_take_fn(void *into, const char *value);

struct keyval_key {
    const char *name;
    keyval_take_fn *take;
    const char *want; /* what a right value looks like */
    bool repeats;     /* may be given more than once */
};

struct keyval_option {
    const char *name;           /* "--disk" */
    const char *want;           /* what VALUE is: "FILE[,key=value...]" */
    keyval_take_fn *take_value; /* NULL: there is no VALUE, only keys */
    const struct keyval_key *keys;
    size_t n_keys; /* at most KEYVAL_MAX_KEYS */
};

/*
 * Parse text, which is cut up in place and must outlive what was filled in.
 * 0, or -EINVAL, the reason logged.
 */
must_check int keyval_parse(const struct keyval_option *option, char *text,
                            void *into);

/* Values that many keys have. False: it is none. */
must_check bool keyval_bool(const char *value, bool *out);
must_check bool keyval_number(const char *value, uint64_t max, uint64_t *out);

/* The place of value in a table of names (NULL entries are skipped). */
must_check bool keyval_name(const char *value, const char *const *names,
                            unsigned n, unsigned *out);

#endif
