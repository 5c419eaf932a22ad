/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console-echo: what is pasted arrives complete and in order. After READY
 * the harness sends bytes=N (command line) bytes; they are echoed, and then
 * a checksum of them is printed.
 */
#include "console.h"
#include "report.h"
#include "start_info.h"

void test_main(void)
{
    uint64_t bytes;
    uint32_t sum = 0;

    if (!start_info_option("bytes", &bytes))
        test_error("the command line has no bytes=N");
    test_ready();
    for (uint32_t i = 0; i < bytes; i++) {
        char c = console_getc();

        sum = sum * 31 + (uint8_t)c;
        console_putc(c);
    }
    printf("\nsum %08x\n", sum);
}
