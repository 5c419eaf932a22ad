/* SPDX-License-Identifier: MIT */
/*
 * power.c: see power.h. Without a FADT (its own test fails then) the
 * machine's fixed ports are used, so that a result still gets out.
 */
#include "power.h"

#include "abi/layout.h"
#include "acpi.h"
#include "console.h"
#include "cpu.h"

#include <stddef.h>

#define PATIENCE 2000000u /* loops: a second or so where CPUs are emulated */

static void gas_write8(const struct acpi_gas *gas, uint8_t value)
{
    if (gas->space == ACPI_SPACE_IO)
        outb((uint16_t)gas->address, value);
    else
        mmio_write8((uintptr_t)gas->address, value);
}

/* The machine may end a little after the write that ends it. */
_Noreturn static void still_here(const char *what)
{
    for (unsigned i = 0; i < PATIENCE; i++)
        cpu_pause();
    printf("the machine did not %s\n", what);
    cpu_stop();
}

void power_off(void)
{
    const struct acpi_fadt *fadt = acpi_find("FACP");
    struct acpi_gas control = {.space = ACPI_SPACE_IO,
                               .address = LAYOUT_SLEEP_CTL};
    uint8_t type = LAYOUT_S5_TYP;

    if (fadt && fadt->sleep_control.address)
        control = fadt->sleep_control;
    acpi_s5_type(&type);
    gas_write8(&control, (uint8_t)(type << 2 | LAYOUT_SLP_EN));
    still_here("power off");
}

void power_reset(void)
{
    const struct acpi_fadt *fadt = acpi_find("FACP");
    struct acpi_gas reset = {.space = ACPI_SPACE_IO, .address = LAYOUT_RESET};
    uint8_t value = LAYOUT_RESET_VALUE;

    if (fadt && fadt->reset_reg.address) {
        reset = fadt->reset_reg;
        value = fadt->reset_value;
    }
    gas_write8(&reset, value);
    still_here("reset");
}

void power_triple_fault(void)
{
    struct {
        uint16_t limit;
        uintptr_t base;
    } __attribute__((packed)) empty = {0, 0};

    __asm__ volatile("lidt %0; ud2" ::"m"(empty));
    still_here("shut down");
}
