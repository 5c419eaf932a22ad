/* SPDX-License-Identifier: MIT */
/*
 * prompt.h: orders typed on the console. While none comes the CPU sleeps,
 * but for a tick now and then, so that a waiting guest costs little.
 */
#ifndef GUEST_PROMPT_H
#define GUEST_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

/* Wait until something is typed. Uses the APIC's timer and a vector. */
void prompt_wait(void);

/* The next line, without its end; what does not fit into size is lost. */
void prompt_line(char *line, unsigned size);

/* The number at *at, and *at behind it and the blanks that follow; 0 if
 * there is none. */
uint64_t prompt_number(const char **at);

#endif
