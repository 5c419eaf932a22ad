/* SPDX-License-Identifier: MIT */
/*
 * start.S: a Multiboot header (0.6.96, 3.1), and where its loader jumps to. What
 * it left in registers is kept for main.c; then on as from any loader.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00000003        /* aligned modules, memory map */

    .section .text.entry, "ax"
    .balign 4
    .long MAGIC
    .long FLAGS
    .long -(MAGIC + FLAGS)

    .code32
    .globl multiboot_entry
multiboot_entry:
    movl %eax, multiboot_eax
    movl %ebx, multiboot_ebx
    jmp pvh_entry

    .section .data
    .balign 4
    .globl multiboot_eax
multiboot_eax:
    .long 0
    .globl multiboot_ebx
multiboot_ebx:
    .long 0

    .section .note.GNU-stack, "", @progbits
