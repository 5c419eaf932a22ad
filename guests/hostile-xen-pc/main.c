/* SPDX-License-Identifier: MIT */
/*
 * hostile-xen-pc: case 46 from inside: the ports by which a guest of Xen on a
 * PC has its emulated devices unplugged, written with anything in any width,
 * thousands of times; floods of the log behind them and of the debug console,
 * by bytes and by strings. The guest came here from an IDE drive, which is gone
 * after that, as is the card; all else is served, and vmm is as it was. Source:
 * Xen's docs/misc/hvm-emulated-unplug.
 */
#include "abi/pc.h"
#include "console.h"
#include "cpu.h"
#include "prompt.h"
#include "report.h"
#include "xen.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ID             0x00015853u
#define SLOTS          32u

#define UNPLUG   0x10
#define PROTOCOL 0x12
#define MAGIC    0x49d2u

#define IDE_DEVICE (PC_IDE0 + 6)
#define IDE_STATUS (PC_IDE0 + 7)

#define WRITES 20000u
#define TEXTS  16u /* strings of the buffer's size */

static uint8_t text[4096];
static uint32_t seed = 4646;

static uint32_t any(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 7;
}

/* The device's own ports, of which some unplug too. */
static uint16_t find_ports(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        outl(CONFIG_ADDRESS, 0x80000000u | slot << 11);
        if (inl(CONFIG_DATA) != ID)
            continue;
        outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | 4);
        outl(CONFIG_DATA, 3);
        outl(CONFIG_ADDRESS, 0x80000000u | slot << 11 | 0x10);
        return (uint16_t)(inl(CONFIG_DATA) & ~3u);
    }
    test_error("there is no platform device");
}

static void access(uint16_t port)
{
    switch (any() % 6) {
    case 0:
        outb(port, (uint8_t)any());
        break;
    case 1:
        outw(port, (uint16_t)any());
        break;
    case 2:
        outl(port, any());
        break;
    case 3:
        (void)inb(port);
        break;
    case 4:
        (void)inw(port);
        break;
    default:
        (void)inl(port);
        break;
    }
}

static void spam(void)
{
    const uint16_t ports = find_ports();

    for (unsigned i = 0; i < WRITES; i++) {
        access((uint16_t)(UNPLUG + any() % 4));
        access((uint16_t)(ports + any() % 252));
    }
    /* All that can go, and what cannot. */
    for (unsigned i = 0; i < 100; i++)
        outw(UNPLUG, 0xffff);
    outb(IDE_DEVICE, 0xa0);
    CHECK_EQ("no drive", inb(IDE_STATUS), 0xff);
    CHECK_EQ("magic", inw(UNPLUG), MAGIC);
    CHECK_EQ("protocol", inb(PROTOCOL), 1);
}

static void out_text(uint16_t port)
{
    const uint8_t *from = text;
    unsigned long n = sizeof(text);

    __asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(port) : "memory");
}

/* Lines of every length, with bytes that are no text. */
static void fill(uint8_t least)
{
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = any() % 40 ? (uint8_t)(any() % 256) | least : '\n';
}

static void flood_log(void)
{
    fill(0);
    for (unsigned i = 0; i < TEXTS; i++)
        out_text(PROTOCOL);
    for (unsigned i = 0; i < WRITES; i++)
        outb(PROTOCOL, any() % 3 ? (uint8_t)any() : '\n');
    outb(PROTOCOL, '\n');
}

/* Bytes above 0x7f: none is a line the harness looks for. */
static void flood_console(void)
{
    fill(0x80);
    for (unsigned i = 0; i < TEXTS; i++)
        out_text(PC_DEBUG_E9);
    for (unsigned i = 0; i < WRITES; i++)
        outb(PC_DEBUG_E9, (uint8_t)any() | 0x80);
    outb(PC_DEBUG_E9, '\n');
}

static const struct {
    const char *what;
    void (*run)(void);
} rows[] = {
    {"unplug ports written with anything", spam},
    {"a flood of the log", flood_log},
    {"a flood of the console", flood_console},
};

void test_main(void)
{
    xen_init();
    outb(PC_PIC_MASTER + 1, 0xff);
    outb(PC_PIC_SLAVE + 1, 0xff);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("case 46: %s\n", rows[i].what);
        rows[i].run();
        CHECK_EQ(
            "still served",
            (uint64_t)xen_call2(__HYPERVISOR_xen_version, XENVER_version, NULL),
            4u << 16 | 17u);
    }
    printf("QUIET\n");
    prompt_wait();
}
