// SPDX-License-Identifier: GPL-2.0-or-later
/* msix.c: message-signalled interrupts of a PCI function; see msix.h. */
#include "devices/pci/msix.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The capability behind its id and link: message control, table, PBA. */
struct cap_body {
    uint16_t control;
    uint32_t table; /* offset | BAR */
    uint32_t pending;
} __attribute__((packed));

_Static_assert(sizeof(struct cap_body) == 10, "MSI-X capability");

/* A table entry: address, upper address, data, vector control. */
#define ENTRY_SIZE    16u
#define ENTRY_DATA    8u
#define ENTRY_CONTROL 12u
#define CONTROL_MASK  0x1u

/* ---- state ---- */

static uint16_t control(const struct msix *m)
{
    uint16_t v;

    memcpy(&v, m->func->config + m->cap + PCI_MSIX_FLAGS, sizeof(v));
    return v;
}

bool msix_enabled(const struct msix *m)
{
    return control(m) & PCI_MSIX_FLAGS_ENABLE;
}

static bool is_masked(const struct msix *m, const struct msix_vector *v)
{
    return v->masked || (control(m) & PCI_MSIX_FLAGS_MASKALL);
}

/* ---- sending ---- */

static void tell_route(struct msix *m, struct msix_vector *v)
{
    if (v->told && v->told_addr == v->addr && v->told_data == v->data)
        return;
    m->msi->set(m->msi->ctx, v->route, v->addr, v->data);
    v->told = true;
    v->told_addr = v->addr;
    v->told_data = v->data;
}

static bool is_claimed(const struct msix *m, const struct msix_vector *v)
{
    return m->msi->claim && m->msi->claim(m->msi->ctx, v->addr, v->data);
}

void msix_raise(struct msix *m, unsigned vector)
{
    struct msix_vector *v = &m->vectors[vector];

    BUG_ON(vector >= m->n || v->route < 0);
    if (!msix_enabled(m))
        return;
    if (is_masked(m, v)) {
        v->pending = true;
        return;
    }
    if (is_claimed(m, v))
        return;
    tell_route(m, v);
    if (v->signalled == loop_batch(m->loop))
        return;
    loop_signal(m->loop, v->fd);
    v->signalled = loop_batch(m->loop);
}

/* What waited for the unmasking goes out. On a vCPU thread: at once. */
static void deliver(struct msix *m, struct msix_vector *v)
{
    if (!v->pending || !msix_enabled(m) || is_masked(m, v))
        return;
    v->pending = false;
    if (is_claimed(m, v))
        return;
    tell_route(m, v);
    (void)eventfd_write(v->fd, 1);
}

bool msix_use(struct msix *m, unsigned vector)
{
    struct msix_vector *v;

    if (vector >= m->n)
        return false;
    v = &m->vectors[vector];
    if (v->route < 0)
        v->route = m->msi->open(m->msi->ctx, v->fd);
    return v->route >= 0;
}

/* ---- registers ---- */

void msix_config_written(struct msix *m, unsigned off, unsigned n)
{
    if (!ranges_overlap(off, n, m->cap + PCI_MSIX_FLAGS, sizeof(uint16_t)))
        return;
    pci_func_set_messages(m->func, msix_enabled(m));
    for (unsigned i = 0; i < m->n; i++)
        deliver(m, &m->vectors[i]);
}

static uint32_t read_dword(const struct msix_vector *v, unsigned reg)
{
    switch (reg) {
    case 0:
        return (uint32_t)v->addr;
    case sizeof(uint32_t):
        return (uint32_t)(v->addr >> 32);
    case ENTRY_DATA:
        return v->data;
    default:
        return v->masked ? CONTROL_MASK : 0;
    }
}

static void write_dword(struct msix_vector *v, unsigned reg, uint32_t value)
{
    switch (reg) {
    case 0:
        v->addr = (v->addr & ~(uint64_t)UINT32_MAX) | (value & ~3u);
        break;
    case sizeof(uint32_t):
        v->addr = (v->addr & UINT32_MAX) | (uint64_t)value << 32;
        break;
    case ENTRY_DATA:
        v->data = value;
        break;
    default:
        v->masked = value & CONTROL_MASK;
        break;
    }
}

/* 6.8.2: dwords and qwords, aligned; the rest is undefined, here nothing. */
static bool is_lawful(const struct msix *m, uint64_t off, unsigned n)
{
    return (n == 4 || n == 8) && off % n == 0 &&
           range_ok(off, n, (uint64_t)m->n * ENTRY_SIZE);
}

void msix_table_read(const struct msix *m, uint64_t off, void *data, unsigned n)
{
    unsigned char *to = data;

    memset(data, 0xff, n);
    if (!is_lawful(m, off, n))
        return;
    for (unsigned i = 0; i < n; i += 4) {
        const struct msix_vector *v = &m->vectors[off / ENTRY_SIZE];
        const uint32_t value = read_dword(v, (off + i) % ENTRY_SIZE);

        memcpy(to + i, &value, sizeof(value));
    }
}

void msix_table_write(struct msix *m, uint64_t off, const void *data,
                      unsigned n)
{
    const unsigned char *from = data;
    struct msix_vector *v;

    if (!is_lawful(m, off, n))
        return;
    v = &m->vectors[off / ENTRY_SIZE];
    for (unsigned i = 0; i < n; i += 4) {
        uint32_t value;

        memcpy(&value, from + i, sizeof(value));
        write_dword(v, (off + i) % ENTRY_SIZE, value);
    }
    deliver(m, v);
}

/* A bit per vector, in qwords; read only. */
void msix_pending_read(const struct msix *m, uint64_t off, void *data,
                       unsigned n)
{
    uint64_t bits = 0;

    _Static_assert(MSIX_MAX_VECTORS <= 64, "one qword of pending bits");
    for (unsigned i = 0; i < m->n; i++)
        bits |= (uint64_t)m->vectors[i].pending << i;
    memset(data, 0xff, n);
    if (off % n == 0 && range_ok(off, n, sizeof(bits)))
        memcpy(data, (unsigned char *)&bits + off, n);
}

/* ---- making and taking apart ---- */

void msix_reset(struct msix *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct msix_vector *v = &m->vectors[i];

        v->addr = 0;
        v->data = 0;
        v->masked = true;
        v->pending = false;
    }
}

int msix_init(struct msix *m, struct pci_func *f, const struct msix_config *cfg)
{
    const struct cap_body body = {
        .control = (uint16_t)(cfg->n - 1),
        .table = cfg->table | cfg->bar,
        .pending = cfg->pending | cfg->bar,
    };
    const struct cap_body mask = {
        .control = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
    };

    BUG_ON(cfg->n == 0 || cfg->n > MSIX_MAX_VECTORS);
    *m = (struct msix){
        .func = f, .loop = cfg->loop, .msi = cfg->msi, .n = cfg->n};
    for (unsigned i = 0; i < m->n; i++)
        m->vectors[i] = (struct msix_vector){
            .fd = -1, .route = -1, .signalled = UINT64_MAX};
    msix_reset(m);
    m->cap = pci_func_cap(f, PCI_CAP_ID_MSIX, &body, &mask, sizeof(body));
    for (unsigned i = 0; i < m->n; i++) {
        m->vectors[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (m->vectors[i].fd < 0) {
            log_error("msix: eventfd: %s: raise the open-files limit "
                      "(ulimit -n)",
                      strerror(errno));
            return -errno;
        }
    }
    return 0;
}

void msix_fini(struct msix *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct msix_vector *v = &m->vectors[i];

        if (v->route >= 0)
            m->msi->close(m->msi->ctx, v->route, v->fd);
        if (v->fd >= 0)
            close(v->fd);
    }
    m->n = 0;
}
