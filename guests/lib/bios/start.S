/* SPDX-License-Identifier: MIT */
/*
 * start.S: a guest as the first sectors of a disk. A PC's BIOS loads one
 * sector at 7c00 and jumps there in real mode, the drive in DL; this reads the
 * others behind it (INT 13h, function 42h), goes to protected mode with flat
 * segments, clears what the image does not hold, and goes on in C.
 */
#define CHUNK 32 /* sectors in one call */

    .section .text.boot, "ax"
    .code16
    .globl bios_entry
bios_entry:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $bios_entry, %sp
    ljmp $0, $1f
1:  sti
    cld
    movb %dl, bios_drive
    movw $image_sectors - 1, %cx
read:
    movw $CHUNK, %ax
    cmpw %ax, %cx
    jae 1f
    movw %cx, %ax
1:  movw %ax, packet_count
    pushw %cx
    movw $packet, %si
    movb bios_drive, %dl
    movb $0x42, %ah
    int $0x13
    popw %cx
    jc failed
    movw packet_count, %ax
    movzwl %ax, %edx
    addl %edx, packet_sector
    subw %ax, %cx
    shlw $5, %ax                /* sectors to paragraphs */
    addw %ax, packet_segment
    testw %cx, %cx
    jnz read
    cli
    lgdtl boot_gdtr
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $flat

failed:
    movw $message, %si
1:  lodsb
    testb %al, %al
    jz 2f
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 1b
2:  hlt
    jmp 2b

message:
    .asciz "TEST: ERROR the BIOS cannot read the disk\n"
    .globl bios_drive
bios_drive:
    .byte 0
    .balign 4
packet:
    .word 16
packet_count:
    .word 0
    .word 0                     /* offset */
packet_segment:
    .word 0x7e00 >> 4
packet_sector:
    .long 1
    .long 0

    .org 510
    .word 0xaa55

    .section .text.entry, "ax"
    .code32
flat:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs
    movl $boot_stack_top, %esp
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
    jmp boot_cpu

    .section .note.GNU-stack, "", @progbits
