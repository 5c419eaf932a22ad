// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_eeprom.c: the 64 words beside the 82540EM; see e1000.h. Sources:
 * chapter 5 (the interface, and what the words mean), 13.4.3 (EECD), 13.4.4
 * (EERD); a 93C46 in its organization of words for the microwire.
 *
 * By EERD a word is there at once. By EECD the driver holds chip select and
 * moves one bit with each rising edge of the clock: a start bit, two bits of
 * opcode, six of address, then 16 bits in or, behind a zero, out.
 *
 * What is written lasts as long as the machine: a reset keeps it.
 */
#include "devices/nic/e1000_priv.h"

#include <string.h>

#define EECD_SK   0x001u
#define EECD_CS   0x002u
#define EECD_DI   0x004u
#define EECD_DO   0x008u
#define EECD_FWE  0x030u
#define EECD_REQ  0x040u
#define EECD_GNT  0x080u
#define EECD_PRES 0x100u

#define EERD_DONE 0x10u

#define WORD_SUM      0x3fu
#define SUM           0xbabau
#define ADDRESS_BITS  6u
#define COMMAND_BITS  (2u + ADDRESS_BITS)
#define DATA_BITS     16u
#define OPCODE_OTHER  0u /* the address's first two bits say what */
#define OPCODE_WRITE  1u
#define OPCODE_READ   2u
#define OPCODE_ERASE  3u
#define OTHER_DISABLE 0u
#define OTHER_ENABLE  3u

void e1000_eeprom_init(struct e1000_eeprom *e, const uint8_t mac[E1000_MAC])
{
    /* 5.6: initialization control word 1 with its signature, ids, word 2. */
    static const struct {
        uint8_t at;
        uint16_t value;
    } contents[] = {
        {0x03, 0x0000}, {0x05, 0x0100}, {0x08, 0xffff}, {0x09, 0xffff},
        {0x0a, 0x4408}, {0x0b, 0x001e}, {0x0c, 0x8086}, {0x0d, 0x100e},
        {0x0e, 0x8086}, {0x0f, 0x3040}, {0x21, 0x7061},
    };
    uint16_t sum = 0;

    *e = (struct e1000_eeprom){.state = MW_IDLE};
    for (unsigned i = 0; i < E1000_MAC / 2; i++)
        e->words[i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
    for (size_t i = 0; i < ARRAY_LEN(contents); i++)
        e->words[contents[i].at] = contents[i].value;
    for (unsigned i = 0; i < WORD_SUM; i++)
        sum = (uint16_t)(sum + e->words[i]);
    e->words[WORD_SUM] = (uint16_t)(SUM - sum);
}

/* ---- the microwire ---- */

static void begin_command(struct e1000_eeprom *e)
{
    e->opcode = (uint8_t)(e->shift >> ADDRESS_BITS & 3);
    e->addr = (uint8_t)(e->shift & (EEPROM_WORDS - 1));
    e->bits = 0;
    e->state = MW_DONE;
    switch (e->opcode) {
    case OPCODE_READ:
        e->shift = e->words[e->addr];
        e->out = false;
        e->state = MW_READ;
        break;
    case OPCODE_WRITE:
        e->shift = 0;
        e->state = MW_WRITE;
        break;
    case OPCODE_ERASE:
        if (e->writable)
            e->words[e->addr] = UINT16_MAX;
        break;
    default:
        if (e->addr >> (ADDRESS_BITS - 2) == OTHER_ENABLE)
            e->writable = true;
        else if (e->addr >> (ADDRESS_BITS - 2) == OTHER_DISABLE)
            e->writable = false;
        break;
    }
    /* Ready at once: DO high is what a driver polls for. */
    if (e->state == MW_DONE)
        e->out = true;
}

static void clock_in(struct e1000_eeprom *e, bool bit, unsigned bits)
{
    e->shift = (uint16_t)(e->shift << 1 | bit);
    if (++e->bits < bits)
        return;
    if (e->state == MW_COMMAND) {
        begin_command(e);
        return;
    }
    if (e->writable)
        e->words[e->addr] = e->shift;
    e->state = MW_DONE;
    e->out = true;
}

/* After 16 bits the next word follows. */
static void clock_out(struct e1000_eeprom *e)
{
    if (e->bits == DATA_BITS) {
        e->addr = (uint8_t)((e->addr + 1) % EEPROM_WORDS);
        e->shift = e->words[e->addr];
        e->bits = 0;
    }
    e->out = e->shift >> (DATA_BITS - 1 - e->bits) & 1;
    e->bits++;
}

static void clock_edge(struct e1000_eeprom *e, bool bit)
{
    switch (e->state) {
    case MW_IDLE:
        if (bit) {
            e->state = MW_COMMAND;
            e->bits = 0;
            e->shift = 0;
        }
        break;
    case MW_COMMAND:
        clock_in(e, bit, COMMAND_BITS);
        break;
    case MW_WRITE:
        clock_in(e, bit, DATA_BITS);
        break;
    case MW_READ:
        clock_out(e);
        break;
    case MW_DONE:
        break;
    }
}

uint32_t e1000_eecd_read(const struct e1000 *n)
{
    const uint32_t v = e1000_get(n, REG_EECD);

    return v | EECD_PRES | (v & EECD_REQ ? EECD_GNT : 0) |
           (n->eeprom.out ? EECD_DO : 0);
}

void e1000_eecd_write(struct e1000 *n, uint32_t value)
{
    struct e1000_eeprom *e = &n->eeprom;
    const uint32_t old = e1000_get(n, REG_EECD);

    e1000_set(n, REG_EECD,
              value & (EECD_SK | EECD_CS | EECD_DI | EECD_FWE | EECD_REQ));
    if (!(value & EECD_CS) || !(old & EECD_CS)) {
        e->state = MW_IDLE;
        e->out = true;
        if (!(value & EECD_CS))
            return;
    }
    if ((value & EECD_SK) && !(old & EECD_SK))
        clock_edge(e, value & EECD_DI);
}

/* ---- EERD ---- */

void e1000_eerd_write(struct e1000 *n, uint32_t value)
{
    const unsigned at = value >> 8 & 0xff;
    const uint16_t word = at < EEPROM_WORDS ? n->eeprom.words[at] : UINT16_MAX;

    value &= 0xff00u;
    e1000_set(n, REG_EERD, value | (uint32_t)word << 16 | EERD_DONE);
}
