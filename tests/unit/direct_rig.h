/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * direct_rig.h: a kernel on a PC without firmware, up to its first instruction:
 * a machine of 64 MiB, files to give it, and what is then in its memory.
 */
#ifndef TESTS_DIRECT_RIG_H
#define TESTS_DIRECT_RIG_H

#include "multiboot_builder.h"

#include "abi/layout.h"
#include "abi/multiboot.h"
#include "boot/boot.h"
#include "vmm/log.h"

#define RAM    (64 * MIB)
#define INITRD "initial ramdisk"

struct fixture {
    struct gmem *mem;
    struct machine_desc m;
    struct boot_config cfg;
    int fds[4];
    unsigned n_fds;
    struct path paths[4];
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->mem = gmem_create(RAM, GMEM_ANON);
    f->m = (struct machine_desc){
        .n_cpus = 1,
        .n_ranges = 3,
        .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
                {GPA(LAYOUT_LOW_END), MIB - LAYOUT_LOW_END, MEM_RESERVED},
                {GPA(MIB), RAM - MIB, MEM_RAM}},
    };
    f->cfg = (struct boot_config){.protocol = BOOT_DIRECT,
                                  .cmdline = "console=ttyS0"};
    log_set_level(LOG_ERROR);
    *state = f;
    return f->mem ? 0 : -1;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    while (f->n_fds)
        close(f->fds[--f->n_fds]);
    gmem_destroy(f->mem);
    free(f);
    return 0;
}

/* The path of a new file with these bytes. */
static inline const char *give(struct fixture *f, const void *data, size_t size)
{
    const unsigned i = f->n_fds++;

    f->fds[i] = make_file(data, size);
    f->paths[i] = path_of(f->fds[i]);
    return f->paths[i].text;
}

static inline void add_initrd(struct fixture *f, const char *cmdline)
{
    f->cfg.modules[f->cfg.n_modules++] = (struct boot_module){
        .path = give(f, INITRD, strlen(INITRD)), .cmdline = cmdline};
}

static inline void start(struct fixture *f, struct entry_state *e)
{
    struct boot *b = NULL;

    assert_int_equal(boot_open(&f->cfg, &b), 0);
    assert_int_equal(boot_place(b, f->mem, &f->m, e), 0);
    assert_int_equal(boot_load(b, f->mem), 0);
    boot_close(b);
}

/* Opened or placed: one of them says no, in one line. */
static inline void refused(struct fixture *f, int rc, const char *part)
{
    struct entry_state e;
    struct boot *b = NULL;
    struct capture c;
    int got;

    capture_begin(&c);
    got = boot_open(&f->cfg, &b);
    if (got == 0)
        got = boot_place(b, f->mem, &f->m, &e);
    capture_end(&c);
    boot_close(b);
    assert_int_equal(got, rc);
    assert_one_line(&c, part);
}

static inline void read_guest(const struct fixture *f, uint64_t at, void *dst,
                              size_t n)
{
    assert_int_equal(gmem_read(f->mem, GPA(at), dst, n), 0);
}

static inline void guest_has(const struct fixture *f, uint64_t at,
                             const char *want)
{
    char got[256];

    read_guest(f, at, got, strlen(want) + 1);
    assert_memory_equal(got, want, strlen(want) + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
