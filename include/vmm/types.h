/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * types.h: the words every layer shares.
 *
 * Guest addresses are one-member structs, so that neither the compiler nor a
 * tired reader can mix a guest address with a host pointer or with a length.
 * Only src/mmu/gmem.c turns a gpa_t into a host pointer.
 */
#ifndef VMM_TYPES_H
#define VMM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A guest physical address, in bytes. */
typedef struct {
    uint64_t v;
} gpa_t;

/* A guest virtual (linear) address, in bytes. */
typedef struct {
    uint64_t v;
} gva_t;

/* A guest frame number: gpa >> 12. */
typedef struct {
    uint64_t v;
} gfn_t;

#define GPA(x) ((gpa_t){(x)})
#define GVA(x) ((gva_t){(x)})

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define GUEST_PAGE ((uint64_t)4096)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* The address spaces a vCPU can reach by an access instruction. */
enum space {
    SPACE_PIO,
    SPACE_MMIO,
};

#endif
