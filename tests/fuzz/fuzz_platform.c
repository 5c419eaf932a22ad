// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_platform.c: a guest that does anything to the platform's registers.
 *
 * The input is a program of five-byte steps: what to do, a register, a
 * value. Steps read and write UART, ACPI ports, the event device and the I/O
 * APIC through a bus with all widths, type bytes at the far end of the UART,
 * read its screen, move interrupt pins, acknowledge vectors. Besides what
 * the sanitizers see, the invariants are checked that hold whatever a guest
 * does: every message is well formed, remote IRR only at level-triggered
 * pins, the UART's line only with an interrupt to show for it.
 */
#include "abi/layout.h"
#include "devices/backend/chr.h"
#include "devices/bus.h"
#include "devices/platform/acpi_pm.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/uart16550.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STEP_BYTES 5

struct machine {
    struct loop *loop;
    struct chr *chr;
    struct bus *bus;
    struct ioapic *ioapic;
    struct uart16550 *uart;
    struct acpi_pm *pm;
    struct intr uart_intr;
    struct intr ged_intr;
    int keys;
    int screen;
};

struct step {
    uint8_t what;
    uint16_t where;
    uint16_t value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t window(struct machine *m, uint32_t index)
{
    uint32_t v = 0;

    bus_access(m->bus, SPACE_MMIO, LAYOUT_IOAPIC, &index, 4, true);
    bus_access(m->bus, SPACE_MMIO, LAYOUT_IOAPIC + 0x10, &v, 4, false);
    return v;
}

/* A message can only hold what an entry can. */
static void on_send(void *ctx, uint64_t addr, uint32_t data)
{
    (void)ctx;
    BUG_ON((addr & ~0xff004ull) != 0xfee00000);
    BUG_ON(data & ~0xc7ffu);
}

static void on_route(void *ctx, unsigned pin, uint64_t addr, uint32_t data,
                     bool level)
{
    BUG_ON(pin >= LAYOUT_IOAPIC_PINS);
    BUG_ON(level != !!(data & 0x8000));
    on_send(ctx, addr, data);
}

static void on_event(void *ctx)
{
    (void)ctx;
}

static void on_timer(struct loop_op *op, int res)
{
    (void)res;
    loop_stop(op->owner, 0);
}

static void run_loop(struct machine *m)
{
    for (unsigned i = 0; i < 3; i++) {
        struct loop_op op = {.fn = on_timer, .owner = m->loop};

        loop_timer(m->loop, &op, 1);
        BUG_ON(loop_run(m->loop) != 0);
    }
}

/* A stdio chr between two pipes. */
static void make_console(struct machine *m)
{
    const int saved_in = dup(STDIN_FILENO);
    const int saved_out = dup(STDOUT_FILENO);
    int in[2];
    int out[2];

    BUG_ON(pipe2(in, O_NONBLOCK) < 0 || pipe2(out, O_NONBLOCK) < 0);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    m->chr = chr_open_stdio();
    dup2(saved_in, STDIN_FILENO);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_in);
    close(saved_out);
    close(in[0]);
    close(out[1]);
    m->keys = in[1];
    m->screen = out[0];
    BUG_ON(!m->chr || chr_start(m->chr, m->loop) < 0);
}

/* The loop and the console last as long as the process. */
static struct machine *machine_once(void)
{
    static struct machine m;

    if (m.loop)
        return &m;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    BUG_ON(loop_create(&m.loop, NULL) < 0);
    make_console(&m);
    return &m;
}

static void claim(struct machine *m, enum space space, uint64_t base,
                  uint64_t len, const struct io_ops *ops, void *dev)
{
    BUG_ON(bus_claim(m->bus, space, base, len, ops, dev) < 0);
}

static void machine_build(struct machine *m)
{
    const struct msi_sink sink = {.send = on_send};
    const struct ioapic_hooks hooks = {.route = on_route};
    const struct acpi_pm_events events = {.poweroff = on_event,
                                          .reset = on_event};

    m->bus = bus_create();
    m->ioapic = ioapic_create(LAYOUT_IOAPIC_PINS, &sink, &hooks);
    m->uart_intr = (struct intr){
        .set = ioapic_set_pin, .ctx = m->ioapic, .line = LAYOUT_COM1_GSI};
    m->ged_intr = (struct intr){
        .set = ioapic_set_pin, .ctx = m->ioapic, .line = LAYOUT_GED_GSI};
    m->uart = uart16550_create(m->chr, &m->uart_intr);
    m->pm = acpi_pm_create(&events, &m->ged_intr);
    claim(m, SPACE_MMIO, LAYOUT_IOAPIC, IOAPIC_SIZE, &ioapic_ops, m->ioapic);
    claim(m, SPACE_PIO, LAYOUT_COM1, 8, &uart16550_ops, m->uart);
    claim(m, SPACE_PIO, LAYOUT_SLEEP_CTL, ACPI_PM_PORTS, &acpi_pm_ports_ops,
          m->pm);
    claim(m, SPACE_MMIO, LAYOUT_GED, ACPI_PM_GED, &acpi_pm_ged_ops, m->pm);
}

static void machine_destroy(struct machine *m)
{
    char byte;

    acpi_pm_destroy(m->pm);
    uart16550_destroy(m->uart);
    ioapic_destroy(m->ioapic);
    bus_destroy(m->bus);
    while (chr_read(m->chr, &byte, 1))
        ;
}

static void reach(struct machine *m, const struct step *s, enum space space,
                  uint64_t base)
{
    const unsigned n = 1u << (s->what >> 6);
    uint64_t v = s->value * 0x0001000100010001ull;

    bus_access(m->bus, space, base, &v, n, s->what & 0x20);
}

/* The entry of a pin, in one step, so that the fuzzer finds it easily. */
static void write_entry(struct machine *m, const struct step *s)
{
    uint32_t index = 0x10u + s->where % (2 * LAYOUT_IOAPIC_PINS + 2);
    uint32_t v = s->value;

    if (s->what & 0x20)
        v |= 0x10000;
    bus_access(m->bus, SPACE_MMIO, LAYOUT_IOAPIC, &index, 4, true);
    bus_access(m->bus, SPACE_MMIO, LAYOUT_IOAPIC + 0x10, &v, 4, true);
}

static void type_keys(struct machine *m, const struct step *s)
{
    uint8_t keys[64];
    const size_t n = s->where % sizeof(keys) + 1;

    memset(keys, (uint8_t)s->value, sizeof(keys));
    BUG_ON(write(m->keys, keys, n) == 0);
    run_loop(m);
}

static void read_screen(struct machine *m)
{
    char buf[4096];

    run_loop(m);
    while (read(m->screen, buf, sizeof(buf)) > 0)
        ;
}

static void flood(struct machine *m, const struct step *s)
{
    const uint8_t byte = (uint8_t)s->value;

    for (unsigned i = 0; i < s->where % 2048; i++)
        bus_access(m->bus, SPACE_PIO, LAYOUT_COM1, (uint8_t[]){byte}, 1, true);
}

static void do_step(struct machine *m, const struct step *s)
{
    switch (s->what & 0x0f) {
    case 0:
    case 1:
    case 2:
        reach(m, s, SPACE_PIO, LAYOUT_COM1 + s->where % 8);
        break;
    case 3:
        reach(m, s, SPACE_PIO, LAYOUT_SLEEP_CTL + s->where % 3);
        break;
    case 4:
        reach(m, s, SPACE_MMIO, LAYOUT_GED + s->where % 16);
        break;
    case 5:
        reach(m, s, SPACE_MMIO, LAYOUT_IOAPIC + s->where % 0x50);
        break;
    case 6:
        reach(m, s, SPACE_PIO, s->where);
        break;
    case 7:
        reach(m, s, SPACE_MMIO, LAYOUT_IOAPIC + s->where);
        break;
    case 8:
        write_entry(m, s);
        break;
    case 9:
        ioapic_set_pin(m->ioapic, s->where % LAYOUT_IOAPIC_PINS, s->value & 1);
        break;
    case 10:
        ioapic_eoi(m->ioapic, (uint8_t)s->value);
        break;
    case 11:
        acpi_pm_power_button(m->pm);
        break;
    case 12:
        type_keys(m, s);
        break;
    case 13:
        read_screen(m);
        break;
    case 14:
        flood(m, s);
        break;
    default:
        run_loop(m);
        break;
    }
}

/* What holds whatever the guest did. */
static void check(struct machine *m)
{
    for (uint32_t pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
        const uint32_t low = window(m, 0x10 + 2 * pin);

        BUG_ON((low & 0x4000) && !(low & 0x8000));
        BUG_ON(low & 0xfffe1000);
    }
    if (m->uart_intr.level) {
        uint8_t iir = 0;

        bus_access(m->bus, SPACE_PIO, LAYOUT_COM1 + 2, &iir, 1, false);
        BUG_ON((iir & 0x0f) == 0x01);
    }
    BUG_ON(chr_room(m->chr) > CHR_BUF);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine *m = machine_once();

    machine_build(m);
    for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
        const struct step s = {
            .what = data[0],
            .where = (uint16_t)(data[1] | data[2] << 8),
            .value = (uint16_t)(data[3] | data[4] << 8),
        };

        do_step(m, &s);
    }
    check(m);
    machine_destroy(m);
    return 0;
}
