/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline: the command line arrives as it was given; printed between
 * brackets for the harness, which knows what it must be.
 */
#include "console.h"
#include "report.h"
#include "start_info.h"

void test_main(void)
{
    printf("cmdline [%s]\n", start_info_cmdline());
}
