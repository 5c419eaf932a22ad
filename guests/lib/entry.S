/* SPDX-License-Identifier: MIT */
/*
 * entry.S: where the PVH loader jumps to, and where woken CPUs arrive.
 *
 * Xen docs/misc/pvh: 32-bit protected mode without paging, flat segments,
 * EBX = physical address of the start_info. The state found is written down
 * in entry_regs before anything of it is changed; after that, the guest's
 * own descriptors and stack are loaded and boot_cpu (pvh32 or pvh64) goes
 * on. Must not: use a stack, or an instruction that changes EFLAGS, before
 * the record is complete.
 */
    .section .note.pvh, "a", @note
    .balign 4
    .long 4                     /* name size */
    .long 4                     /* descriptor size */
    .long 18                    /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_entry

    .section .text.entry, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    movl %ebx, entry_regs + 0
    movl $boot_stack_top, %esp
    pushfl
    popl entry_regs + 4
    movl %cr0, %eax
    movl %eax, entry_regs + 8
    movl %cr4, %eax
    movl %eax, entry_regs + 12
    movl $0xc0000080, %ecx      /* EFER */
    rdmsr
    movl %eax, entry_regs + 16
    /* The data segments must reach 4 GiB: read the local APIC's version. */
    movl %ds:0xfee00030, %eax
    movl %eax, entry_regs + 20
    movl %es:0xfee00030, %eax
    movl %eax, entry_regs + 24
    movl %ss:0xfee00030, %eax
    movl %eax, entry_regs + 28
    lgdt boot_gdtr
    call load_segments
    jmp boot_cpu

/* A woken CPU, from the trampoline, already in flat 32-bit code. */
    .globl woken_cpu
woken_cpu:
    movw $0x10, %ax
    movw %ax, %ss
    movl %ss:smp_mailbox, %esp  /* first member: the stack's top */
    call load_segments
    jmp other_cpu

load_segments:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    ljmp $0x08, $1f
1:  ret

/* Copied to TRAMPOLINE (smp.c); position independent until it leaves. */
    .code16
    .globl trampoline_start
trampoline_start:
    cli
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdtr - trampoline_start
    movl %cr0, %eax
    andl $0x9fffffff, %eax      /* INIT leaves CD and NW set */
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $woken_cpu
    .balign 4
trampoline_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
    .globl trampoline_end
trampoline_end:

    .section .data
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 0x08: 32-bit code, flat */
    .quad 0x00cf93000000ffff    /* 0x10: data, flat */
    .quad 0x00af9b000000ffff    /* 0x18: 64-bit code */
boot_gdt_end:
    .globl boot_gdtr
boot_gdtr:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt

    .balign 8
    .globl entry_regs
entry_regs:
    .fill 8, 4, 0

    .section .bss
    .balign 16
    .skip 16384
    .globl boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
