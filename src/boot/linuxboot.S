/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linuxboot.S: an expansion ROM by which a PC's firmware starts a Linux kernel
 * at its 16-bit entry. It is data to us and code to the guest.
 *
 * Firmware finds a bootstrap entry vector in it (Plug and Play BIOS
 * specification 1.0A, 3.2), which it calls as one of the places to boot from.
 * The ROM then has fw_cfg copy what its table says (16 bytes a row, each a DMA
 * command: control, length, address, all big-endian), and enters the kernel as
 * Linux Documentation/arch/x86/boot.rst, "Running the kernel", has it. What
 * cannot be copied is said on the screen, and firmware tries the next place.
 *
 * boot_linux16.c fills in the table and makes the sum of all bytes zero. No
 * instruction here needs relocation: addresses are offsets in the ROM, which
 * runs wherever it is put.
 */
#define AT(label) (label - linuxboot_rom)

#define SCRATCH   0x7c00    /* where a boot sector would be; a DMA command */
#define DMA_HIGH  0x514
#define DMA_LOW   0x518     /* big-endian, and writing it runs the command */
#define SEGMENT   0x1000    /* of the real-mode kernel: LINUXBOOT_BASE >> 4 */
#define STACK     0xe000    /* LINUXBOOT_CMDLINE - LINUXBOOT_BASE */

    .section .rodata, "a", @progbits
    .balign 16
    .code16
    .globl linuxboot_rom
linuxboot_rom:
    .byte 0x55, 0xaa
    .byte 1                 /* of 512 bytes */
    lretw                   /* 3: nothing to set up */
    .org linuxboot_rom + 0x1a
    .word AT(pnp)

    .balign 16
pnp:
    .ascii "$PnP"
    .byte 1                 /* revision */
    .byte 2                 /* of 16 bytes */
    .word 0                 /* no header after it */
    .byte 0
    .byte 0                 /* its own sum: boot_linux16.c */
    .long 0
    .word AT(maker)
    .word AT(product)
    .byte 0, 0, 0           /* class */
    .byte 0
    .word 0                 /* boot connection vector */
    .word 0                 /* disconnect vector */
    .word AT(boot)          /* bootstrap entry vector */
    .word 0
    .word 0

maker:
    .asciz "vmm"
product:
    .asciz "Linux kernel"
trouble:
    .asciz "the kernel cannot be loaded\r\n"

boot:
    cld
    pushw %cs
    popw %ds
    xorw %ax, %ax
    movw %ax, %es
    movw $AT(linuxboot_table), %si
next:
    cmpl $0, (%si)
    je run
    movw $SCRATCH, %di
    movw $4, %cx
    rep movsl
    movw $DMA_HIGH, %dx
    xorl %eax, %eax
    outl %eax, %dx
    movw $DMA_LOW, %dx
    movl $SCRATCH, %eax
    bswapl %eax
    outl %eax, %dx
wait:
    movl %es:SCRATCH, %eax
    bswapl %eax
    testl $1, %eax          /* error */
    jnz fail
    testl %eax, %eax
    jnz wait
    jmp next

fail:
    movw $AT(trouble), %si
1:  lodsb
    testb %al, %al
    jz 2f
    movb $0x0e, %ah
    xorw %bx, %bx
    int $0x10
    jmp 1b
2:  lretw

run:
    cli
    movw $SEGMENT, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %fs
    movw %ax, %gs
    movw %ax, %ss
    movw $STACK, %sp
    ljmpw $(SEGMENT + 0x20), $0

    .balign 4
    .globl linuxboot_table
linuxboot_table:            /* and to the end */
    .org linuxboot_rom + 512
    .globl linuxboot_rom_end
linuxboot_rom_end:

    .section .note.GNU-stack, "", @progbits
