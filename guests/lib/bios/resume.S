/* SPDX-License-Identifier: MIT */
/*
 * resume.S: reset the CPU and go on. The BIOS, which runs after a reset, finds
 * code 10 in CMOS and jumps to the far pointer at 40:67, in real mode.
 */
#define VECTOR 0x467

    .text
    .code32
    .globl reset_and_resume
reset_and_resume:
    pushl %ebp
    movl %esp, %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, resume_stack
    sidt resume_idt
    movw $resume_real, VECTOR
    movw $0, VECTOR + 2
    call *8(%ebp)
1:  pause                       /* the reset may be a little late */
    jmp 1b

    .section .text.boot.resume, "ax"
    .code16
resume_real:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl boot_gdtr
    movl %cr0, %eax
    andl $0x9fffffff, %eax      /* INIT leaves CD and NW set */
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $resume_flat

    .text
    .code32
resume_flat:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl resume_stack, %esp
    lidt resume_idt
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

    .bss
    .balign 4
resume_stack:
    .skip 4
resume_idt:
    .skip 8

    .section .note.GNU-stack, "", @progbits
