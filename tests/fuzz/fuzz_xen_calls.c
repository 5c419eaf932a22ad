// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_xen_calls.c: a guest whose memory and page tables are anything while its
 * kernel is looked at for hypercall instructions.
 *
 * The first bytes are the instruction pointer and the paging mode, the rest is
 * memory. What must hold: memory changes only where a pair was found, and there
 * two instructions of three bytes became port writes.
 */
#include "abi/layout.h"
#include "boot/boot.h"
#include "mmu/gmem.h"
#include "vmm/hcall.h"
#include "vmm/log.h"

#include <string.h>

#define RAM    (64 * KIB)
#define KERNEL 0xffffffff00000000
#define CALL   3u
#define HEAD   sizeof(struct head)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct head {
    uint32_t rip;
    uint32_t cr3;
    uint32_t cr4;
    uint32_t efer;
};

static unsigned char before[RAM];

static struct gmem *memory_once(unsigned char **ram)
{
    static struct gmem *mem;
    unsigned n;

    if (!mem) {
        log_set_level(LOG_ERROR);
        mem = gmem_create(RAM, GMEM_ANON);
        BUG_ON(!mem);
    }
    *ram = gmem_slots(mem, &n)->host;
    return mem;
}

static bool is_call(const unsigned char *code)
{
    return code[0] == 0x0f && code[1] == 0x01 &&
           (code[2] == 0xc1 || code[2] == 0xd9);
}

/* How many instructions were replaced; nothing else may have changed. */
static unsigned replaced(const unsigned char *ram)
{
    static const unsigned char out[CALL] = {0xe7, LAYOUT_XEN_HCALL, 0x90};
    unsigned n = 0;

    for (size_t i = 0; i < RAM; i++) {
        if (ram[i] == before[i])
            continue;
        BUG_ON(i + CALL > RAM || !is_call(before + i) ||
               memcmp(ram + i, out, CALL) != 0);
        n++;
        i += CALL - 1;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paging paging = {.cr0 = 0x80000001};
    unsigned char *ram;
    struct gmem *mem = memory_once(&ram);
    struct head head;
    bool found;

    if (size < HEAD)
        return 0;
    memcpy(&head, data, HEAD);
    size -= HEAD;
    memset(before, 0, RAM);
    memcpy(before, data + HEAD, size < RAM ? size : RAM);
    memcpy(ram, before, RAM);
    paging.cr3 = head.cr3;
    paging.cr4 = head.cr4;
    paging.efer = head.efer;
    found = boot_patch_running(mem, &paging, GVA(KERNEL | head.rip));
    BUG_ON(replaced(ram) != (found ? 2 : 0));
    return 0;
}
