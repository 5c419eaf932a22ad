/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shortest PVH guest: say one newline on COM1, then wait for ever. */
    .section .note.pvh, "a", @note
    .long 4, 4, 18          /* name size, contents size, PHYS32_ENTRY */
    .asciz "Xen"
    .long start

    .text
    .globl start
start:
    movw $0x3f8, %dx
    movb $'\n', %al
    outb %al, %dx
1:  hlt
    jmp 1b
    .section .note.GNU-stack, "", @progbits
