/* SPDX-License-Identifier: MIT */
/*
 * start.S: from the entry to C in long mode.
 *
 * The first page tables are data in the image, identity mapped: 2 MiB pages
 * below 4 GiB, 1 GiB pages up to 512 GiB (paging.c takes those away where
 * the CPU has none). Nothing is computed at start: where ring 0 is emulated,
 * filling 2,000 entries would be the longest thing a guest does.
 */
    .macro enter_long
    movl $0x20, %eax            /* CR4.PAE */
    movl %eax, %cr4
    movl $paging_root, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      /* EFER */
    rdmsr
    orl $0x100, %eax            /* LME */
    wrmsr
    movl $0x80010031, %eax      /* CR0: PG, WP, NE, ET, PE */
    movl %eax, %cr0
    ljmp $0x18, $1f
    .code64
1:  movl %esp, %esp             /* the upper half is undefined */
    xorl %ebp, %ebp
    .endm

    .text
    .code32
    .globl boot_cpu
boot_cpu:
    enter_long
    call guest_start
2:  hlt
    jmp 2b

    .code32
    .globl other_cpu
other_cpu:
    enter_long
    call smp_arrive
2:  hlt
    jmp 2b

    .section .data
    .balign 4096
    .globl paging_root
paging_root:
    .quad paging_low + 0x7
    .fill 511, 8, 0

    .globl paging_low
paging_low:
    .quad paging_2m + 0x0007
    .quad paging_2m + 0x1007
    .quad paging_2m + 0x2007
    .quad paging_2m + 0x3007
    .set i, 4
    .rept 508
    .quad (i << 30) + 0x87
    .set i, i + 1
    .endr

paging_2m:
    .set i, 0
    .rept 2048
    .quad (i << 21) + 0x87
    .set i, i + 1
    .endr

    .section .note.GNU-stack, "", @progbits
