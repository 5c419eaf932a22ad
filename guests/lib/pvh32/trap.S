/* SPDX-License-Identifier: MIT */
/*
 * trap.S: the 32-bit trap entries. Each makes a struct trap_frame, calls
 * trap_dispatch() and goes back.
 *
 * Back without IRET: a software KVM cannot do it outside long mode. As the
 * privilege never changes, POPF and RET do the same; the frame is turned
 * round for them.
 */
    .text
    .code32

    .altmacro
    .macro trap_stub number
    .balign 16
    .if \number == 8 || (\number >= 10 && \number <= 14) || \number == 17 || \number == 21 || \number == 29 || \number == 30
    .else
    pushl $0
    .endif
    pushl $\number
    jmp trap_common
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .set i, 0
    .rept 256
    trap_stub %i
    .set i, i + 1
    .endr

trap_common:
    pushal
    cld
    pushl %esp
    call trap_dispatch
    addl $4, %esp
    movl 40(%esp), %eax         /* EIP */
    movl 48(%esp), %ecx         /* EFLAGS */
    movl %ecx, 44(%esp)
    movl %eax, 48(%esp)
    popal
    addl $12, %esp
    popfl
    ret

    .section .note.GNU-stack, "", @progbits
