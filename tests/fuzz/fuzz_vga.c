// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vga.c: a guest that does anything to the display's ports and memory,
 * while somebody looks at the picture at any time.
 *
 * The input is a program of six-byte steps: what to do and how wide, where,
 * a value. Besides what the sanitizers see: a picture is within its bounds,
 * a row of text is UTF-8 that ends, a mode of the dispi interface lies in
 * memory.
 */
#include "devices/bus.h"
#include "devices/vga/vga.h"
#include "devices/vga/vga_view.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define STEP_BYTES 6

struct machine {
    struct bus *bus;
    struct vga *vga;
    uint64_t now;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now(void *ctx)
{
    return ((struct machine *)ctx)->now;
}

static void make(struct machine *m)
{
    const struct vga_config cfg = {.now = now, .ctx = m};

    m->bus = bus_create();
    m->vga = vga_create(&cfg);
    BUG_ON(!m->bus || !m->vga);
    BUG_ON(bus_claim(m->bus, SPACE_PIO, VGA_PORTS, VGA_PORTS_LEN,
                     &vga_ports_ops, m->vga) < 0);
    BUG_ON(bus_claim(m->bus, SPACE_PIO, VGA_DISPI, VGA_DISPI_LEN,
                     &vga_dispi_ops, m->vga) < 0);
    BUG_ON(bus_claim(m->bus, SPACE_MMIO, VGA_WINDOW, VGA_WINDOW_SIZE,
                     &vga_window_ops, m->vga) < 0);
}

static void check_text(const struct vga_view *w)
{
    char text[VGA_TEXT_BYTES];

    for (unsigned row = 0; row < w->rows; row += 1 + w->rows / 8) {
        const unsigned n = vga_text_row(w, row, text);

        BUG_ON(n >= sizeof(text) || strlen(text) != n);
    }
    BUG_ON(w->cursor_col < w->cols && w->cursor_row >= w->rows);
}

static void check_picture(struct machine *m)
{
    struct vga_view w;
    uint32_t *row;

    vga_look(m->vga, &w);
    BUG_ON(w.width < 1 || w.width > VGA_MAX_WIDTH);
    BUG_ON(w.height < 1 || w.height > VGA_MAX_HEIGHT);
    if (w.kind == VGA_TEXT)
        check_text(&w);
    /* Of exactly its size: one dot too much is seen. */
    row = malloc(w.width * sizeof(*row));
    BUG_ON(!row);
    for (unsigned y = 0; y < w.height; y += 1 + w.height / 4)
        vga_draw_row(&w, y, row);
    vga_draw_row(&w, w.height - 1, row);
    free(row);
}

static void access(struct machine *m, const uint8_t *s)
{
    const unsigned n = 1u << (s[0] >> 4 & 3);
    const bool write = s[0] & 0x40;
    const uint32_t where = s[1] | (uint32_t)s[2] << 8;
    uint64_t value = s[3] | (uint64_t)s[4] << 8 | (uint64_t)s[5] << 48;

    switch (s[0] & 7) {
    case 0:
    case 1: /* an indexed register at once */
        bus_access(m->bus, SPACE_PIO, VGA_PORTS + where % VGA_PORTS_LEN, &value,
                   n > 4 ? 4 : n, write);
        break;
    case 2: /* a dispi register */
        value = where % 11;
        bus_access(m->bus, SPACE_PIO, VGA_DISPI, &value, 2, true);
        value = s[3] | (uint64_t)s[4] << 8;
        bus_access(m->bus, SPACE_PIO, VGA_DISPI + 1, &value, 2, write);
        break;
    case 3:
        bus_access(m->bus, SPACE_MMIO, VGA_WINDOW + (where | (s[5] & 1u) << 16),
                   &value, n, write);
        break;
    case 4: {
        const struct io_ops *ops = vga_func(m->vga)->bars[2].ops;
        const uint64_t off = where % (0x1000 - 8);

        if (write)
            ops->write(m->vga, off, &value, n);
        else
            ops->read(m->vga, off, &value, n);
        break;
    }
    case 5:
        m->now += (uint64_t)value % 100000000;
        break;
    case 6:
        check_picture(m);
        break;
    default:
        if (where == 0x1234)
            vga_reset(m->vga);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m = {0};

    make(&m);
    for (; size >= STEP_BYTES; size -= STEP_BYTES, data += STEP_BYTES)
        access(&m, data);
    check_picture(&m);
    vga_destroy(m.vga);
    bus_destroy(m.bus);
    return 0;
}
