/* SPDX-License-Identifier: MIT */
/*
 * hostile.h: what the hostile guests share. A victim (disk 0) is treated
 * badly, a bystander (disk 1) must not notice, and after a reset the victim
 * must serve again. The command line says which case: case=N.
 *
 * Each row of the caller's table runs by itself: a fresh victim, the evil,
 * then both disks are tried. In the end the guest says QUIET and waits for a
 * key, so that the harness can look whether vmm is as it was.
 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "disk.h"

extern struct disk victim, bystander;

struct hostile_row {
    unsigned number; /* of the case */
    const char *what;
    void (*run)(void);
};

/* Run the rows of the case asked for; ERROR if there is none. */
void hostile_main(const struct hostile_row *rows, unsigned n);

/* The bystander writes, reads, and is quick about it. */
void hostile_bystander(void);

/* ---- raw requests on the victim's queue ---- */

/*
 * A lawful request in descriptors 0 to 2: header, data (512 bytes, of the
 * size given otherwise), status. It is not offered.
 */
void hostile_request(uint32_t type, uint64_t sector);
extern uint8_t hostile_data[16 * SECTOR];
#define HOSTILE_HEADER (victim.q.desc[0])
#define HOSTILE_DATA   (victim.q.desc[1])
#define HOSTILE_STATUS (victim.q.desc[2])

/* Offer this head, publish, notify. */
void hostile_fire(uint16_t head);

/* The status byte of hostile_request. */
uint8_t hostile_status(void);

/* The outcomes. Each is a failed check if it does not come in
 * DISK_PATIENCE. */
void hostile_expect_status(uint8_t status);
/* NEEDS_RESET; and from then on the device leaves the ring alone. */
void hostile_expect_broken(void);
/* NEEDS_RESET, or an answer other than success. */
void hostile_expect_refused(void);
/* No answer and no NEEDS_RESET, for a while. */
void hostile_expect_nothing(void);
/* Anything but a crash: wait until it is over, for a while. */
void hostile_expect_any(void);

/* The end of RAM below the hole. */
uint64_t hostile_ram_end(void);

#endif
