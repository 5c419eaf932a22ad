// SPDX-License-Identifier: GPL-2.0-or-later
/* mark.c: see mark.h. */
#include "mark.h"

#include <stdio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 50000000

void mark(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};

    puts("MARK");
    fflush(stdout);
    tcdrain(STDOUT_FILENO);
    nanosleep(&pause, NULL);
}
