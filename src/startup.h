/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * startup.h: what only the start of a guest needed goes once it runs.
 * Thread: any.
 */
#ifndef VMM_STARTUP_H
#define VMM_STARTUP_H

/*
 * Let go of the pages of the program itself that are never written: parsers,
 * unpackers, tables. The host's page cache has them all; what is needed again
 * comes back from there, a few pages at a time. One madvise(2) a segment.
 */
void startup_forget(void);

#endif
