/* SPDX-License-Identifier: MIT */
/*
 * start.S: from the entry to C, staying in 32-bit mode without paging.
 */
    .text
    .code32
    .globl boot_cpu
boot_cpu:
    call guest_start
1:  hlt
    jmp 1b

    .globl other_cpu
other_cpu:
    call smp_arrive
1:  hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
