// SPDX-License-Identifier: GPL-2.0-or-later
/* cmd_spectrum.c: `vmm spectrum`. */
#include "cmd.h"
#include "profile.h"

#include "vmm/exitcode.h"
#include "vmm/log.h"

int cmd_spectrum(int argc, char **argv)
{
    if (argc > 0) {
        log_error("vmm spectrum: '%s': it takes no arguments", argv[0]);
        return VMM_EXIT_USAGE;
    }
    profile_print(stdout);
    return VMM_EXIT_OK;
}
