/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci.h: conventional PCI functions and the one bus they sit on.
 *
 * A function is 256 bytes of configuration space with a mask of the bits the
 * guest can write, up to six BARs, and INTA#. A device embeds one, fills it in
 * (pci_func_init, pci_func_bar, pci_func_cap), and plugs it into a slot; from
 * then on the bus routes configuration accesses to it and claims its BARs on
 * the machine's bus wherever the guest puts them.
 *
 * Nobody runs a firmware in the guest: a BAR has its address from the start.
 * Decoding is off at reset, as on hardware, and is the driver's to turn on.
 *
 * The guest moves BARs as it likes. One that is outside the bridge's windows,
 * or over another device, does not decode, as on a bridge that forwards no
 * other address; it comes back by itself when the place becomes free.
 *
 * Bus mastering is not withheld: drivers from before PCI 2.2 forget the bit.
 *
 * Source: PCI Local Bus Specification 3.0, chapter 6 (configuration space),
 * 2.2.6 (interrupt pins); PCI Express Base 2.0, 7.2.2 (ECAM). Thread: board
 * lock held.
 */
#ifndef PCI_PCI_H
#define PCI_PCI_H

#include "devices/bus.h"
#include "vmm/device.h"
#include "vmm/intr.h"
#include "vmm/machine.h"
#include "vmm/types.h"

#define PCI_CONFIG_SIZE 256u
#define PCI_MAX_SLOTS   32u
#define PCI_MAX_BARS    6u
#define PCI_ROM_BAR     PCI_MAX_BARS /* the expansion ROM's place behind them */
#define PCI_N_LINES     MACHINE_PCI_LINES

struct pci_bus;
struct pci_func;

/* What a device adds to its configuration space; const, may all be NULL. */
struct pci_func_ops {
    /* The guest is about to read [off, off+n): bring the bytes up to date. */
    void (*before_read)(void *dev, unsigned off, unsigned n);
    /* The guest wrote [off, off+n), as far as the mask lets it. */
    void (*after_write)(void *dev, unsigned off, unsigned n);
    /* The BAR begins or ceases to decode at its base. */
    void (*bar_moved)(void *dev, unsigned bar, bool decodes);
};

struct pci_bar {
    uint32_t size; /* 2^n; 0: there is no such BAR */
    enum space space;
    const struct io_ops *ops; /* borrowed */
    void *ram;                /* borrowed: memory behind it, or NULL */
    bool read_only;           /* the memory is */
    bool decodes;             /* claimed at base */
    bool mapped;              /* the guest reaches its memory without us */
    uint64_t base;
};

/* How a guest reaches memory behind a BAR without an exit. */
struct pci_map_ops {
    /* Until unmap. false: it cannot be had, and each access exits. */
    bool (*map)(void *ctx, uint64_t base, void *host, uint64_t size,
                bool read_only);
    void (*unmap)(void *ctx, uint64_t base);
    void *ctx; /* borrowed */
};

struct pci_func {
    const struct pci_func_ops *ops; /* borrowed */
    void *dev;                      /* borrowed: also of the BARs' io_ops */
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t mask[PCI_CONFIG_SIZE];         /* bits the guest can write */
    uint8_t born[PCI_CONFIG_SIZE];         /* config as it is after a reset */
    struct pci_bar bars[PCI_MAX_BARS + 1]; /* the last: PCI_ROM_BAR */
    uint8_t cap_end;                       /* where the next capability goes */
    uint8_t cap_last; /* the one to link it to; 0: the header */
    bool intx;        /* the device wants its pin asserted */
    bool messages;    /* then the pin is left alone */
    bool line_up;     /* what it adds to its line */
    unsigned slot;
    struct pci_bus *bus; /* borrowed; NULL: not plugged */
};

struct pci_ids {
    uint16_t vendor;
    uint16_t device;
    uint16_t subvendor;
    uint16_t subsystem;
    uint32_t class; /* class << 16 | subclass << 8 | prog-if */
    uint8_t revision;
};

/* A range of addresses the host bridge forwards: [base, end). */
struct pci_window {
    uint64_t base;
    uint64_t end;
};

struct pci_bus_config {
    struct bus *bus; /* borrowed: where BARs are claimed */
    struct pci_window memory;
    struct pci_window ports;
    /* Copied. INTA# of a slot is the line MACHINE_PCI_LINE says. */
    struct intr lines[PCI_N_LINES];
    uint8_t irq; /* for Interrupt Line registers: that of line 0 */
    /* Borrowed: slot 0's function; NULL: a generic host bridge. */
    struct pci_func *host;
    /* A reset register of one byte at 0xCF9, amid the address port, or NULL. */
    const struct io_ops *reset_ops;
    void *reset_dev; /* borrowed */
    /* Copied; map NULL: all of a BAR's memory is reached by exits. */
    struct pci_map_ops map;
};

/* ---- making a function (func.c) ---- */

void pci_func_init(struct pci_func *f, const struct pci_func_ops *ops,
                   void *dev, const struct pci_ids *ids);

/* Give it a BAR of size (2^n; 4 or more ports, 16 or more bytes of memory). */
void pci_func_bar(struct pci_func *f, unsigned bar, enum space space,
                  uint32_t size, const struct io_ops *ops);

/*
 * Give it a prefetchable BAR of memory: size bytes (2^n, from a page) at ram,
 * which begins at a page and is borrowed.
 */
void pci_func_bar_ram(struct pci_func *f, unsigned bar, void *ram,
                      uint32_t size);

/*
 * Give it an expansion ROM: size bytes (2^n, from a page) at image, which
 * begins at a page and is borrowed.
 */
void pci_func_rom(struct pci_func *f, void *image, uint32_t size);

/*
 * Append a capability: its id, the n bytes behind the link, and which of their
 * bits the guest can write (NULL: none). Returns where it begins.
 */
unsigned pci_func_cap(struct pci_func *f, uint8_t id, const void *body,
                      const void *mask, unsigned n);

/* It uses INTA#. */
void pci_func_use_intx(struct pci_func *f);

/* ---- a function in use (func.c) ---- */

/* Configuration accesses; what leaves the 256 bytes reads all-ones. */
void pci_func_read(struct pci_func *f, uint64_t off, void *data, unsigned n);
void pci_func_write(struct pci_func *f, uint64_t off, const void *data,
                    unsigned n);

/* What a reset does to configuration space; BARs go back to where they were. */
void pci_func_reset(struct pci_func *f);

/* Assert or release INTA#; the line follows as far as the guest allows. */
void pci_func_set_intx(struct pci_func *f, bool asserted);
void pci_func_set_messages(struct pci_func *f, bool enabled);

/* ---- the bus (bridge.c) ---- */

/* With its host bridge in slot 0. NULL: out of memory, logged. */
struct pci_bus *pci_bus_create(const struct pci_bus_config *cfg);
/* All functions are unplugged. */
void pci_bus_destroy(struct pci_bus *bus);

/*
 * Put a function (borrowed) into a slot from 1 on, with addresses for its
 * BARs. 0 or -errno, logged.
 */
must_check int pci_bus_plug(struct pci_bus *bus, unsigned slot,
                            struct pci_func *f);
/* Nothing happens to one that is not plugged. */
void pci_bus_unplug(struct pci_func *f);

/* A command register or BAR of f changed: let BARs decode, or not. */
void pci_bus_remap(struct pci_bus *bus);
/* One of the functions on this line of f's slot asserts it, or stops to. */
void pci_bus_line(struct pci_func *f, bool up);

/* The ways to configuration space; dev: the bus. */
extern const struct io_ops pci_ecam_ops;  /* 1 MiB of memory */
extern const struct io_ops pci_ports_ops; /* 8 ports at 0xCF8 */

#endif
