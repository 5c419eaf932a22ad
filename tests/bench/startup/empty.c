// SPDX-License-Identifier: GPL-2.0-or-later
/* empty.c: what it costs to start a program at all. */
#include <unistd.h>

int main(void)
{
    return write(STDOUT_FILENO, "\n", 1) == 1 ? 0 : 1;
}
