// SPDX-License-Identifier: GPL-2.0-or-later
/* sandbox_extra_none.c: a normal build adds no rules. */
#include "sandbox_rules.h"

const struct sandbox_rule extra_rules[] = {{.syscall = NULL}};
const size_t extra_rules_len = 0;
