// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PAM: what of a PC's memory below 1 MiB is shown as which piece, and what is
 * answered where none is. KVM is a list of pieces here, which must never
 * overlap; guest memory is real, and so is the host bridge that is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/pc.h"
#include "devices/bus.h"
#include "devices/pci/i440fx.h"
#include "pc_mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROM_SIZE (256 * KIB)
#define PAM0     0x59u

struct rig {
    struct gmem *mem;
    struct rom rom;
    struct i440fx *bridge;
    struct bus *bus;
    struct pci_bus *pci;
    struct pc_mem *pc;
    struct vm_piece pieces[VM_MAX_PIECES];
    unsigned puts;
    int answer; /* of KVM, from now on */
};

static struct rig rig;

int __wrap_vm_put_piece(struct vm *vm, unsigned n,
                        const struct vm_piece *piece);

int __wrap_vm_put_piece(struct vm *vm, unsigned n, const struct vm_piece *piece)
{
    (void)vm;
    assert_true(n < VM_MAX_PIECES);
    /* What KVM hears of: one call to take away, one to put. */
    rig.puts += rig.pieces[n].size != 0;
    rig.puts += piece->size != 0;
    rig.pieces[n] = (struct vm_piece){0};
    if (rig.answer < 0)
        return rig.answer;
    for (unsigned i = 0; piece->size && i < VM_MAX_PIECES; i++) {
        const struct vm_piece *p = &rig.pieces[i];

        assert_false(p->base.v < piece->base.v + piece->size &&
                     piece->base.v < p->base.v + p->size);
    }
    rig.pieces[n] = *piece;
    return 0;
}

static void make_rom(struct rom *rom)
{
    unsigned char *image = malloc(ROM_SIZE);
    const int fd = memfd_create("rom", 0);

    for (size_t i = 0; i < ROM_SIZE; i++)
        image[i] = (unsigned char)(i / GUEST_PAGE + 1);
    assert_int_equal(write(fd, image, ROM_SIZE), ROM_SIZE);
    assert_int_equal(rom_load(rom, fd, ROM_SIZE), 0);
    close(fd);
    free(image);
}

static int setup(void **state)
{
    struct pci_bus_config c = {.memory = {0x80000000, PC_PCI_MMIO_END}};
    struct i440fx_hooks hooks = {.pam = pc_mem_pam,
                                 .pam_settled = pc_mem_pam_settled};

    (void)state;
    rig = (struct rig){0};
    rig.mem = gmem_create(16 * MIB, GMEM_ANON);
    gmem_lay_out_pc(rig.mem);
    make_rom(&rig.rom);
    rig.pc = pc_mem_create(NULL, rig.mem, &rig.rom);
    assert_non_null(rig.pc);
    hooks.ctx = rig.pc;
    rig.bridge = i440fx_create(&hooks);
    rig.bus = bus_create();
    c.bus = rig.bus;
    c.host = i440fx_func(rig.bridge);
    rig.pci = pci_bus_create(&c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pci_bus_destroy(rig.pci);
    i440fx_destroy(rig.bridge);
    bus_destroy(rig.bus);
    pc_mem_destroy(rig.pc);
    rom_free(&rig.rom);
    gmem_destroy(rig.mem);
    return 0;
}

static void set_pam(unsigned reg, uint8_t v)
{
    pci_func_write(i440fx_func(rig.bridge), PAM0 + reg, &v, 1);
}

/* The piece at an address, or NULL; what a vCPU reads there, too. */
static const struct vm_piece *piece_at(uint64_t gpa)
{
    for (unsigned i = 0; i < VM_MAX_PIECES; i++) {
        const struct vm_piece *p = &rig.pieces[i];

        if (gpa - p->base.v < p->size)
            return p;
    }
    return NULL;
}

/* As a guest: by a piece, or else by the exit it causes. */
static uint8_t guest_read(uint64_t gpa)
{
    const struct vm_piece *p = piece_at(gpa);
    uint8_t v;

    if (p)
        return ((const uint8_t *)p->host)[gpa - p->base.v];
    pc_mem_ops.read(rig.pc, gpa - PC_SHADOW, &v, 1);
    return v;
}

static void guest_write(uint64_t gpa, uint8_t v)
{
    const struct vm_piece *p = piece_at(gpa);

    if (p && !p->read_only)
        ((uint8_t *)p->host)[gpa - p->base.v] = v;
    else
        pc_mem_ops.write(rig.pc, gpa - PC_SHADOW, &v, 1);
}

/* The page of the ROM, from 1 on, that an address shows after reset. */
static uint8_t rom_page(uint64_t gpa)
{
    return (uint8_t)((ROM_SIZE - (PC_SHADOW_END - gpa)) / GUEST_PAGE + 1);
}

static void after_reset(void **state)
{
    (void)state;
    assert_int_equal(guest_read(0xfffffff0), ROM_SIZE / GUEST_PAGE);
    assert_int_equal(guest_read(0xfffc0000), 1);
    assert_int_equal(guest_read(0xffff0), ROM_SIZE / GUEST_PAGE);
    assert_int_equal(guest_read(0xe0000), rom_page(0xe0000));
    assert_null(piece_at(0xdffff));
    assert_int_equal(guest_read(0xc0000), 0xff);
    guest_write(0xe0000, 0x77);
    guest_write(0xc0000, 0x77);
    assert_int_equal(guest_read(0xe0000), rom_page(0xe0000));
    assert_int_equal(guest_read(0xc0000), 0xff);
    /* The ROM at the end, and its copy: not one piece for each segment. */
    assert_int_equal(rig.puts, 2);
}

/* Each segment alone, in all four states, beside neighbours as after reset. */
static void every_segment(void **state)
{
    (void)state;
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        const struct i440fx_segment s = *i440fx_segment(rig.bridge, i);
        const unsigned reg = (i + 1) / 2, shift = i % 2 ? 0 : 4;
        const uint64_t last = s.base.v + s.size - 1;
        const bool rom = s.base.v >= PC_BIOS;
        const uint8_t below =
            guest_read(s.base.v - 1 < PC_SHADOW ? s.base.v : s.base.v - 1);

        set_pam(reg, (uint8_t)(3 << shift)); /* RAM */
        guest_write(s.base.v, 0x11);
        guest_write(last, 0x22);
        assert_int_equal(guest_read(s.base.v), 0x11);
        assert_int_equal(guest_read(last), 0x22);
        if (s.base.v > PC_SHADOW)
            assert_int_equal(guest_read(s.base.v - 1), below);
        set_pam(reg, (uint8_t)(1 << shift)); /* that cannot be written */
        guest_write(s.base.v, 0x33);
        assert_int_equal(guest_read(s.base.v), 0x11);
        assert_true(piece_at(s.base.v)->read_only);
        set_pam(reg, (uint8_t)(2 << shift)); /* reads are the ROM's */
        guest_write(last, 0x44);
        assert_int_equal(guest_read(last), rom ? rom_page(last) : 0xff);
        set_pam(reg, (uint8_t)(3 << shift));
        assert_int_equal(guest_read(last), 0x44);
        set_pam(reg, 0);
        assert_int_equal(guest_read(last), rom ? rom_page(last) : 0xff);
        assert_int_equal(guest_read(s.base.v), rom ? rom_page(s.base.v) : 0xff);
    }
}

/* Alike neighbours are one piece, and one access is one change of the map. */
static void few_pieces(void **state)
{
    const uint32_t all = 0x33333333;
    unsigned n = 0;

    (void)state;
    rig.puts = 0;
    pci_func_write(i440fx_func(rig.bridge), 0x5c, &all, 4);
    assert_in_range(rig.puts, 1, 4);
    pci_func_write(i440fx_func(rig.bridge), 0x58, &all, 4);
    for (unsigned i = 0; i < VM_MAX_PIECES; i++)
        n += rig.pieces[i].size != 0;
    assert_int_equal(n, 2);
    assert_int_equal(piece_at(0xc0000)->size, PC_SHADOW_END - PC_SHADOW);
    assert_false(piece_at(0xc0000)->read_only);
    rig.puts = 0;
    pci_func_write(i440fx_func(rig.bridge), 0x58, &all, 4);
    assert_int_equal(rig.puts, 0);
}

/* A device's DMA reaches the RAM behind the ROM, and not the ROM. */
static void dma_leaves_the_rom(void **state)
{
    const uint8_t v = 0x99;

    (void)state;
    assert_int_equal(gmem_write(rig.mem, GPA(0xf0000), &v, 1), 0);
    assert_int_equal(guest_read(0xf0000), rom_page(0xf0000));
    assert_int_equal(gmem_write(rig.mem, GPA(0xfffffff0), &v, 1), -EFAULT);
    assert_int_equal(gmem_write(rig.mem, GPA(PC_VGA), &v, 1), -EFAULT);
    set_pam(0, 0x30);
    assert_int_equal(guest_read(0xf0000), 0x99);
}

/* Where KVM gives no piece, the exits tell the same. */
static void without_pieces(void **state)
{
    (void)state;
    rig.answer = -ENOMEM;
    set_pam(1, 0x33);
    assert_null(piece_at(0xc0000));
    guest_write(0xc0000, 0x55);
    assert_int_equal(guest_read(0xc0000), 0x55);
    set_pam(1, 0x11);
    guest_write(0xc0000, 0x66);
    assert_int_equal(guest_read(0xc0000), 0x55);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(after_reset),        TEST(every_segment),  TEST(few_pieces),
        TEST(dma_leaves_the_rom), TEST(without_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
