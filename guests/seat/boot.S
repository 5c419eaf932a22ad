/* SPDX-License-Identifier: MIT */
/*
 * A boot sector for somebody in front of the screen: it says READY, then of
 * each key its scan code and its character, as the BIOS has them ("1e61"), a
 * line each. Some keys do something besides:
 *
 *   g   320 by 200: line n is of colour n
 *   v   640 by 480 of 256 colours (VBE): 64 KiB of colour 12, by the window
 *   l   the same mode, 64 KiB of colour 10 at its frame buffer, which is
 *       reached from real mode with a data segment of 4 GiB
 *   m   turn on the mouse, and say its next three bytes
 *   t   back to text
 *
 * What the tests see of it, and type, is in tests/cli/display.py.
 */
    .code16
    .globl _start
_start:
    ljmp    $0, $1f
1:  xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %ss
    movw    $0x7c00, %sp
    movw    $ready, %si
    call    puts
next:
    xorw    %ax, %ax
    int     $0x16
    cmpb    $'g', %al
    je      graphics
    cmpb    $'v', %al
    je      vbe
    cmpb    $'l', %al
    je      linear
    cmpb    $'m', %al
    je      mouse
    cmpb    $'t', %al
    je      text
    movb    %al, %bl
    movb    %ah, %al
    call    put_byte
    movb    %bl, %al
    call    put_byte
    movw    $newline, %si
    call    puts
    jmp     next

text:
    movw    $0x0003, %ax
    int     $0x10
    movw    $ready, %si
    call    puts
    jmp     next

graphics:
    movw    $0x0013, %ax
    int     $0x10
    movw    $0xa000, %ax
    movw    %ax, %es
    xorw    %di, %di
    xorb    %al, %al
    cld
2:  movw    $320, %cx
    rep stosb
    incb    %al
    cmpb    $200, %al
    jne     2b
    jmp     next

vbe:
    movw    $0x4f02, %ax
    movw    $0x0101, %bx
    int     $0x10
    movw    $0xa000, %ax
    movw    %ax, %es
    xorw    %di, %di
    movw    $0x8000, %cx
    movw    $0x0c0c, %ax
    cld
    rep stosw
    jmp     next

/* Where the frame buffer is: in the mode's description, which goes to INFO. */
    .set    INFO, 0x8000
linear:
    xorw    %ax, %ax
    movw    %ax, %es
    movw    $0x4f01, %ax
    movw    $0x0101, %cx
    movw    $INFO, %di
    int     $0x10
    movw    $0x4f02, %ax
    movw    $0x4101, %bx
    int     $0x10
    movl    INFO + 40, %edi
    cli
    lgdt    gdtr
    movl    %cr0, %eax
    orb     $1, %al
    movl    %eax, %cr0
    movw    $8, %bx
    movw    %bx, %es
    andb    $0xfe, %al
    movl    %eax, %cr0
    movl    $0x10000, %ecx
    movb    $10, %al
    cld
    .byte   0x67                /* addresses of 32 bits, for both assemblers */
    rep stosb
    sti
    jmp     next

/* Past the BIOS, which would like to read the mouse itself. */
mouse:
    cli
    movb    $0xa8, %al
    outb    %al, $0x64
    movb    $0xd4, %al
    outb    %al, $0x64
    movb    $0xf4, %al
    outb    %al, $0x60
    call    mouse_byte
    movw    $3, %cx
4:  call    mouse_byte
    pushw   %cx
    call    put_byte
    popw    %cx
    loop    4b
    movw    $newline, %si
    call    puts
    sti
    jmp     next

/* The next byte of the mouse; the keyboard's are lost. */
mouse_byte:
    inb     $0x64, %al
    testb   $0x01, %al
    jz      mouse_byte
    movb    %al, %ah
    inb     $0x60, %al
    testb   $0x20, %ah
    jz      mouse_byte
    ret

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf92000000ffff
gdtr:
    .word   gdtr - gdt - 1
    .long   gdt

/* The byte in al, as two hexadecimal digits. */
put_byte:
    pushw   %ax
    shrb    $4, %al
    call    put_digit
    popw    %ax
    andb    $0x0f, %al
put_digit:
    addb    $'0', %al
    cmpb    $'9', %al
    jbe     put_char
    addb    $'a' - '0' - 10, %al
put_char:
    pushw   %bx
    movb    $0x0e, %ah
    movw    $0x0007, %bx
    int     $0x10
    popw    %bx
    ret

puts:
    lodsb
    testb   %al, %al
    jz      3f
    call    put_char
    jmp     puts
3:  ret

ready:
    .ascii  "READY"
newline:
    .asciz  "\r\n"

    .org    510
    .word   0xaa55
