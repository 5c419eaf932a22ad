/* SPDX-License-Identifier: MIT */
/*
 * string.c: memory and strings. The block operations are string
 * instructions: one emulated instruction instead of a loop of them.
 */
#include "string.h"

#include <stdint.h>

void *memset(void *dst, int value, size_t n)
{
    void *at = dst;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
    return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
    void *at = dst;

    __asm__ volatile("rep movsb" : "+D"(at), "+S"(src), "+c"(n)::"memory");
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *to = dst;
    const uint8_t *from = src;

    if (to <= from || to >= from + n)
        return memcpy(dst, src, n);
    while (n--)
        to[n] = from[n];
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

const char *strstr(const char *s, const char *needle)
{
    size_t n = strlen(needle);

    for (; *s; s++)
        if (memcmp(s, needle, n) == 0)
            return s;
    return NULL;
}
