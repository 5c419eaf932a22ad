/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pause: prints a counter about every 20 ms until a byte is typed. The
 * harness pauses and resumes the machine meanwhile.
 */
#include "clock.h"
#include "console.h"
#include "report.h"

void test_main(void)
{
    unsigned count = 0;

    (void)clock_ns();
    test_ready();
    while (!console_ready()) {
        printf("count %u\n", ++count);
        clock_delay(20 * CLOCK_MS);
    }
}
