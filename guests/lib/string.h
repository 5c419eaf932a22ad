/* SPDX-License-Identifier: MIT */
/*
 * string.h: the few functions of the C library that the compiler and the
 * tests call.
 */
#ifndef GUEST_STRING_H
#define GUEST_STRING_H

#include <stddef.h>

void *memset(void *dst, int value, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
/* The first occurrence of needle, or NULL. */
const char *strstr(const char *s, const char *needle);

#endif
