// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * failalloc.c: a shared object to preload: an allocation fails.
 *
 *   FAILALLOC=N      the Nth allocation of the program fails
 *   FAILALLOC=N+     that one and all later ones
 *   FAILALLOC_LOG=F  a byte of F becomes 'f' when one has failed
 *
 * Counted is what is asked for after the dynamic linker is done. Where it
 * sits before the sanitizers' allocator, a failure is seen by the program as
 * it would be seen without them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* For who comes before arm(): the dynamic linker, the sanitizers' start. */
static _Alignas(16) char early[1 << 18];
static size_t early_used;

static struct {
    void *(*malloc)(size_t n);
    void *(*calloc)(size_t count, size_t n);
    void *(*realloc)(void *p, size_t n);
    int (*posix_memalign)(void **out, size_t align, size_t n);
    void *(*aligned_alloc)(size_t align, size_t n);
    void (*free)(void *p);
} next;

static bool armed;
static volatile char *mark; /* in the log */
static bool all_later;
static long first; /* the first that fails */
static atomic_long count;

static void *find(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void look_up(void)
{
    next.free = find("free");
    next.calloc = find("calloc");
    next.realloc = find("realloc");
    next.posix_memalign = find("posix_memalign");
    next.aligned_alloc = find("aligned_alloc");
    next.malloc = find("malloc");
}

__attribute__((constructor)) static void arm(void)
{
    const char *which = getenv("FAILALLOC");
    const char *log = getenv("FAILALLOC_LOG");
    int fd;

    look_up();
    if (!which || !log)
        return;
    /* Not by a descriptor: the program closes what it does not know. */
    fd = open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 1) < 0)
        abort();
    mark = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mark == MAP_FAILED)
        abort();
    close(fd);
    first = strtol(which, NULL, 10);
    all_later = which[strlen(which) - 1] == '+';
    armed = true;
}

static bool fails(void)
{
    long n;

    if (!armed)
        return false;
    n = atomic_fetch_add(&count, 1) + 1;
    if (n != first && !(all_later && n > first))
        return false;
    *mark = 'f';
    errno = ENOMEM;
    return true;
}

static void *take_early(size_t n)
{
    void *p = early + early_used;

    n = (n + 15) & ~(size_t)15;
    if (n > sizeof(early) - early_used)
        abort();
    early_used += n;
    return p;
}

static bool is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + sizeof(early);
}

void *malloc(size_t n)
{
    if (!next.malloc)
        return take_early(n);
    return fails() ? NULL : next.malloc(n);
}

void *calloc(size_t n, size_t size)
{
    if (!next.malloc)
        return take_early(n * size);
    return fails() ? NULL : next.calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    const size_t room =
        is_early(p) ? sizeof(early) - (size_t)((char *)p - early) : 0;
    void *moved;

    if (next.malloc && !room)
        return fails() ? NULL : next.realloc(p, n);
    moved = malloc(n);
    /* How long it was is not kept: copy what lies there. */
    if (moved && room)
        memcpy(moved, p, n < room ? n : room);
    return moved;
}

int posix_memalign(void **out, size_t align, size_t n)
{
    return fails() ? ENOMEM : next.posix_memalign(out, align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : next.aligned_alloc(align, n);
}

void free(void *p)
{
    if (p && !is_early(p))
        next.free(p);
}
