// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_chips.c: the chips of a PC and the wires between them; see pc.h. What
 * each does is its own file's to say; here is where it sits and who hears it.
 *
 * Resetting the CPU (keyboard controller, port 92, 0xCF9 with 4) is not one
 * thing: operating systems that know no other way back to real mode leave in
 * CMOS where to go on, reset the CPU, and expect all else to stay as it was;
 * others, that leave nothing there, want the machine to start anew. So the
 * byte in CMOS decides: with one of the codes below every CPU gets an INIT,
 * which makes the first run its firmware; without, it is a reset of all.
 *
 * Address line 20 is always open: what the guest says of it can be read back,
 * and no address changes for it.
 */
#include "pc.h"

#include "vmm/log.h"

#include <errno.h>
#include <time.h>

#define HPET_PINS 0x00f00004u /* 2 and those of nobody else: 20 to 23 */

/* An INIT to one local APIC: Intel SDM volume 3, 11.11. */
#define MSI_BASE       0xfee00000u
#define MSI_DEST_SHIFT 12u
#define MSI_INIT       0x4500u

struct intr *pc_line(struct pc *p, unsigned irq)
{
    p->irqs[irq] = (struct intr){.set = pc_irq_set, .ctx = p->irq, .line = irq};
    return &p->irqs[irq];
}

int pc_ports(struct pc *p, uint64_t base, uint64_t n, const struct io_ops *ops,
             void *dev)
{
    return bus_claim(p->host.bus, SPACE_PIO, base, n, ops, dev);
}

uint64_t pc_low_ram(const struct pc *p)
{
    const uint64_t size = p->host.cfg->memory;

    return size < LAYOUT_HOLE ? size : LAYOUT_HOLE;
}

int pc_make_memory(struct pc *p)
{
    p->mem =
        pc_mem_create(p->host.vm, p->host.mem, boot_rom(p->host.host->boot));
    if (!p->mem)
        return -EIO;
    return bus_claim(p->host.bus, SPACE_MMIO, PC_SHADOW,
                     PC_SHADOW_END - PC_SHADOW, &pc_mem_ops, p->mem);
}

/*
 * Index registers, whose write has no effect until another one is touched.
 * Not the PCI configuration address: the reset register lies within it.
 */
int pc_make_coalesced(struct pc *p)
{
    vm_coalesce(p->host.vm, SPACE_MMIO, LAYOUT_IOAPIC, 4);
    vm_coalesce(p->host.vm, SPACE_PIO, PC_CMOS, 1);
    vm_coalesce(p->host.vm, SPACE_PIO, PC_FW_CFG, 2);
    return 0;
}

/* ---- interrupts ---- */

/* The 8254 counts what the guest takes, and forgets while it is masked. */
static void on_acked(void *ctx, unsigned irq)
{
    struct pc *p = ctx;

    if (irq == PC_IRQ_TIMER && p->pit)
        i8254_tick_taken(p->pit);
}

static void on_masked(void *ctx, unsigned irq, bool masked)
{
    struct pc *p = ctx;

    (void)masked;
    if (irq == PC_IRQ_TIMER && p->pit)
        i8254_forgive(p->pit);
}

static int make_pics(struct pc *p)
{
    const struct i8259_hooks hooks = {
        .acked = on_acked, .masked = on_masked, .ctx = p};
    int ret;

    p->cpu_intr = (struct intr){.set = p->host.cpu_intr, .ctx = p->host.ctx};
    p->pics = i8259_create(&p->cpu_intr, &hooks);
    if (!p->pics)
        return -ENOMEM;
    ret = pc_ports(p, PC_PIC_MASTER, I8259_PORTS, &i8259_master_ops, p->pics);
    if (ret == 0)
        ret = pc_ports(p, PC_PIC_SLAVE, I8259_PORTS, &i8259_slave_ops, p->pics);
    if (ret == 0)
        ret = pc_ports(p, PC_ELCR, I8259_PORTS, &i8259_elcr_ops, p->pics);
    return ret;
}

static void on_route(void *ctx, unsigned pin, uint64_t addr, uint32_t data,
                     bool level)
{
    const struct pc *p = ctx;

    vm_route_pin(p->host.vm, pin, addr, data, level);
}

static void on_pin_masked(void *ctx, unsigned pin, bool masked)
{
    const struct pc *p = ctx;

    vm_mask_pin(p->host.vm, pin, masked);
    if (pin == PC_IRQ_TIMER_PIN && p->pit)
        i8254_forgive(p->pit);
}

static void on_pin_ended(void *ctx, unsigned pin)
{
    const struct pc *p = ctx;

    (void)pin; /* the only one that is watched */
    if (p->pit)
        i8254_tick_taken(p->pit);
}

static int make_ioapic(struct pc *p)
{
    const struct msi_sink sink = vm_msi_sink(p->host.vm);
    const struct ioapic_hooks hooks = {.route = on_route,
                                       .mask = on_pin_masked,
                                       .ended = on_pin_ended,
                                       .watched = 1u << PC_IRQ_TIMER_PIN,
                                       .ctx = p};

    p->ioapic = ioapic_create(p->host.desc->n_pins, &sink, &hooks);
    if (!p->ioapic)
        return -ENOMEM;
    return bus_claim(p->host.bus, SPACE_MMIO, LAYOUT_IOAPIC, IOAPIC_SIZE,
                     &ioapic_ops, p->ioapic);
}

static void on_event(void *ctx, unsigned pin)
{
    const struct pc *p = ctx;

    if (p->events.raise)
        p->events.raise(p->events.ctx, pin);
}

int pc_make_interrupts(struct pc *p)
{
    struct pc_irq_ends ends = {.pic = i8259_set_line,
                               .ioapic = ioapic_set_pin,
                               .event = on_event,
                               .event_ctx = p};
    int ret = make_pics(p);

    if (ret == 0)
        ret = make_ioapic(p);
    if (ret < 0)
        return ret;
    ends.pic_ctx = p->pics;
    ends.ioapic_ctx = p->ioapic;
    p->irq = pc_irq_create(&ends);
    return p->irq ? 0 : -ENOMEM;
}

/* ---- timers ---- */

static void tick_pit(void *chip)
{
    i8254_tick(chip);
}

static void tick_rtc(void *chip)
{
    mc146818_tick(chip);
}

static void tick_hpet(void *chip)
{
    hpet_tick(chip);
}

static void tick_pm(void *chip)
{
    piix4_pm_tick(chip);
}

static int make_pit(struct pc *p)
{
    const struct chip_clock clock = pc_clock_alarm(p->clock, tick_pit);
    int ret;

    p->pit = i8254_create(&clock, pc_line(p, PC_IRQ_TIMER));
    if (!p->pit)
        return -ENOMEM;
    pc_clock_own(p->clock, p->pit);
    ret = pc_ports(p, PC_PIT, I8254_PORTS, &i8254_ops, p->pit);
    if (ret < 0)
        return ret;
    return pc_ports(p, PC_PORT_B, 1, &i8254_speaker_ops, p->pit);
}

/* The clock on the wall shows UTC. */
static int make_rtc(struct pc *p)
{
    const struct chip_clock clock = pc_clock_alarm(p->clock, tick_rtc);
    const uint64_t low = pc_low_ram(p);
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    p->rtc = mc146818_create(
        &clock, (uint64_t)ts.tv_sec * CLOCK_SECOND + (uint64_t)ts.tv_nsec,
        pc_line(p, PC_IRQ_RTC));
    if (!p->rtc)
        return -ENOMEM;
    pc_clock_own(p->clock, p->rtc);
    mc146818_set_memory(p->rtc, low, p->host.cfg->memory - low);
    return pc_ports(p, PC_CMOS, MC146818_PORTS, &mc146818_ops, p->rtc);
}

static int make_hpet(struct pc *p)
{
    const struct chip_clock clock = pc_clock_alarm(p->clock, tick_hpet);
    const struct hpet_hooks hooks = {
        .set = pc_irq_hpet_set, .legacy = pc_irq_hpet_legacy, .ctx = p->irq};

    p->hpet = hpet_create(&clock, HPET_PINS, &hooks);
    if (!p->hpet)
        return -ENOMEM;
    pc_clock_own(p->clock, p->hpet);
    return bus_claim(p->host.bus, SPACE_MMIO, PC_HPET, HPET_SIZE, &hpet_ops,
                     p->hpet);
}

int pc_make_timers(struct pc *p)
{
    int ret;

    p->clock = pc_clock_create(p->host.host->loop);
    if (!p->clock)
        return -ENOMEM;
    ret = make_pit(p);
    if (ret == 0)
        ret = make_rtc(p);
    return ret == 0 ? make_hpet(p) : ret;
}

/* ---- power and reset ---- */

/* CMOS_SHUTDOWN: the BIOS goes on where a word in low memory says. */
static bool goes_on(uint8_t code)
{
    return code == 0x05 || (code >= 0x09 && code <= 0x0c);
}

static void reset_cpus(struct pc *p)
{
    const struct msi_sink sink = vm_msi_sink(p->host.vm);

    for (unsigned i = 0; i < p->host.cfg->cpus; i++)
        sink.send(sink.ctx, MSI_BASE | (uint64_t)i << MSI_DEST_SHIFT, MSI_INIT);
}

static void on_reset(void *ctx, bool hard)
{
    struct pc *p = ctx;

    if (!hard && goes_on(mc146818_get(p->rtc, CMOS_SHUTDOWN)))
        reset_cpus(p);
    else
        p->host.reset(p->host.ctx);
}

static void on_kbc_reset(void *ctx)
{
    on_reset(ctx, false);
}

static void on_a20(void *ctx, bool open)
{
    (void)ctx;
    (void)open;
}

static void on_kbc_a20(void *ctx, bool open)
{
    const struct pc *p = ctx;

    pc_misc_keyboard_a20(p->misc, open);
}

static void on_poweroff(void *ctx)
{
    struct pc *p = ctx;

    p->host.poweroff(p->host.ctx);
}

static int make_pm(struct pc *p)
{
    const struct chip_clock clock = pc_clock_alarm(p->clock, tick_pm);
    const struct piix4_pm_hooks hooks = {.poweroff = on_poweroff, .ctx = p};

    p->pm = piix4_pm_create(&clock, false, &hooks, pc_line(p, PC_IRQ_SCI));
    if (!p->pm)
        return -ENOMEM;
    pc_clock_own(p->clock, p->pm);
    return pc_ports(p, PC_SMI, PIIX4_PM_SMI, &piix4_pm_smi_ops, p->pm);
}

int pc_make_power(struct pc *p)
{
    const struct pc_misc_hooks hooks = {
        .reset = on_reset, .a20 = on_a20, .ctx = p};
    const int ret = make_pm(p);

    if (ret < 0)
        return ret;
    p->misc = pc_misc_create(&hooks);
    if (!p->misc)
        return -ENOMEM;
    return pc_ports(p, PC_PORT92, 1, &pc_misc_port92_ops, p->misc);
}

/* ---- the rest of the ISA bus ---- */

int pc_make_keyboard(struct pc *p)
{
    const struct i8042_hooks hooks = {
        .a20 = on_kbc_a20, .reset = on_kbc_reset, .ctx = p};
    int ret;

    p->kbc =
        i8042_create(&hooks, pc_line(p, PC_IRQ_KBD), pc_line(p, PC_IRQ_MOUSE));
    if (!p->kbc)
        return -ENOMEM;
    ret = pc_ports(p, PC_KBD_DATA, 1, &i8042_data_ops, p->kbc);
    if (ret < 0)
        return ret;
    return pc_ports(p, PC_KBD_COMMAND, 1, &i8042_command_ops, p->kbc);
}

/* A port of the operator's, or NULL. */
static struct chr *find_port(const struct pc *p, enum pc_port port)
{
    return p->host.host->dev->pc_ports[port];
}

static int make_uart(struct pc *p, struct uart16550 **out, struct chr *chr,
                     uint64_t base, unsigned irq)
{
    *out = uart16550_create(chr, pc_line(p, irq));
    return *out ? pc_ports(p, base, 8, &uart16550_ops, *out) : -ENOMEM;
}

static int make_serial(struct pc *p)
{
    struct chr *second = find_port(p, PC_PORT_SERIAL2);
    const int ret =
        make_uart(p, &p->com1, p->host.host->console, PC_COM1, PC_IRQ_COM1);

    if (ret < 0 || !second)
        return ret;
    return make_uart(p, &p->com2, second, PC_COM2, PC_IRQ_COM2);
}

static int make_parallel(struct pc *p)
{
    struct chr *printer = find_port(p, PC_PORT_PARALLEL);

    if (!printer)
        return 0;
    p->lpt = lpt_create(printer, pc_line(p, PC_IRQ_LPT1));
    return p->lpt ? pc_ports(p, PC_LPT1, LPT_PORTS, &lpt_ops, p->lpt) : -ENOMEM;
}

/* Without a listener they are not there: firmware then writes nothing. */
static int make_debug(struct pc *p)
{
    struct chr *debug = find_port(p, PC_PORT_DEBUG);
    int ret;

    if (!debug)
        return 0;
    ret = pc_ports(p, PC_DEBUG_402, 1, &pc_debug_ops, debug);
    return ret == 0 ? pc_ports(p, PC_DEBUG_E9, 1, &pc_debug_ops, debug) : ret;
}

int pc_make_ports(struct pc *p)
{
    int ret = make_serial(p);

    if (ret == 0)
        ret = make_parallel(p);
    return ret == 0 ? make_debug(p) : ret;
}

int pc_make_fw_cfg(struct pc *p)
{
    p->fw = pc_fw_create(p->host.cfg, p->host.desc, p->host.host->boot,
                         p->host.mem);
    if (!p->fw)
        return -ENOMEM;
    return pc_ports(p, PC_FW_CFG, FW_CFG_PORTS, &fw_cfg_ops,
                    pc_fw_device(p->fw));
}

void pc_destroy_chips(struct pc *p)
{
    pc_fw_destroy(p->fw);
    lpt_destroy(p->lpt);
    uart16550_destroy(p->com2);
    uart16550_destroy(p->com1);
    i8042_destroy(p->kbc);
    pc_misc_destroy(p->misc);
    piix4_pm_destroy(p->pm);
    hpet_destroy(p->hpet);
    mc146818_destroy(p->rtc);
    i8254_destroy(p->pit);
    pc_irq_destroy(p->irq);
    ioapic_destroy(p->ioapic);
    i8259_destroy(p->pics);
    pc_mem_destroy(p->mem);
    pc_clock_destroy(p->clock);
}
