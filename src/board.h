/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board.h: the machine: what is soldered together, and what became of it.
 *
 * board_build makes the whole guest-visible machine from the profile and the
 * configuration; board_place finds a guest's place in it; board_run loads it
 * and lets it run to a verdict; board_destroy takes it apart. A reboot is all
 * four again, so that nothing of the old machine can be left over. What belongs
 * to the host (files, sockets, the console, the loop) is made once and lent.
 */
#ifndef VMM_BOARD_H
#define VMM_BOARD_H

#include "boot/boot.h"
#include "config.h"
#include "devices/backend/chr.h"
#include "hostdev.h"
#include "vcpu/vcpu.h"
#include "vmm/loop.h"
#include "vmm/machine.h"

struct board;
struct i8042;
struct vga;

/* How a run came to its end. */
enum verdict {
    VERDICT_POWEROFF,
    VERDICT_REBOOT,
    VERDICT_STOPPED, /* from outside: signal, kill, escape key */
    VERDICT_TRIPLE,
    VERDICT_INTERNAL,
    VERDICT_ENTRY,
    VERDICT_KVM,
    VERDICT_CRASHED, /* the guest says so itself */
    VERDICT_HOST,    /* the host failed us; logged */
};

/* What the host lends to a board. All borrowed. */
struct board_host {
    int kvm_fd;
    struct loop *loop;
    pthread_mutex_t *lock; /* the board lock; the loop holds it too */
    struct chr *console;
    struct boot *boot;
    struct hostdev *dev;
    bool sandbox;
    enum kvm_xen_accel xen; /* how the guest's hypercalls reach us */
    const char *name;       /* of the guest */
    uint8_t uuid[16];
    /* On the loop thread, once the guest's first instruction is due. */
    void (*first_entry)(void *ctx);
    void *ctx;
};

/* Fill in the machine the tables describe. Pure: no host object is made. */
void board_describe(const struct config *cfg, struct machine_desc *out);

/* Make the machine. NULL after logging. cfg and host are borrowed. */
struct board *board_build(const struct config *cfg,
                          const struct board_host *host);
void board_destroy(struct board *b);

/*
 * Decide where kernel, modules and tables go and set the boot vCPU's
 * registers; board_run loads them. 0 or -errno, logged.
 */
must_check int board_place(struct board *b);

/* Start the vCPUs and run the loop until there is a verdict. */
enum verdict board_run(struct board *b);

/* The rest is for the loop thread, in a callback (board lock held). */

/* End the run from outside. */
void board_stop(struct board *b, enum verdict v);
void board_power_button(struct board *b);
/* A guest of Xen in its store, or NULL. */
struct xs_domain *board_domain(struct board *b);
/*
 * What a person sits in front of, NULL: it has none. What the guest wrote to
 * its display until now is in it.
 */
struct vga *board_display(struct board *b);
struct i8042 *board_keyboard(struct board *b);
/* Halt and continue all vCPUs; pausing twice is pausing once. */
void board_pause(struct board *b);
void board_resume(struct board *b);
bool board_paused(const struct board *b);
/* Registers of every vCPU to standard error. */
void board_dump(struct board *b);
/* Port and memory accesses of the guest that no device answers. */
uint64_t board_unclaimed(const struct board *b);
/* The sum of the vCPUs' counters. */
void board_get_stats(const struct board *b, struct vcpu_stats *out);

#endif
