// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump.c: the tables as files; see dump.h, and boot_dump_acpi in boot.h.
 *
 * ACPI goes one table per file under the names iasl gives them, so that
 * `iasl -d DIR/dsdt.dat` reads what the guest would. The tables are built
 * here anew, at the address they have in a guest: same bytes.
 */
#include "boot/dump.h"

#include "abi/layout.h"
#include "boot/acpi.h"
#include "boot/acpi_tables.h"
#include "boot/boot.h"
#include "vmm/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW      (LAYOUT_TABLES_END - LAYOUT_TABLES)
#define PATH_BYTES  4096
#define TABLE_ALIGN 16

static int write_all(int fd, const unsigned char *p, size_t n)
{
    while (n) {
        const ssize_t put = write(fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

int dump_file(const char *path, const void *data, size_t n)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int rc = fd < 0 ? -errno : write_all(fd, data, n);

    if (fd >= 0 && close(fd) < 0 && rc == 0)
        rc = -errno;
    if (rc)
        log_error("dump %s: cannot be written: %s: give a path on a file "
                  "system with room",
                  path, strerror(-rc));
    return rc;
}

static int dump_in(const char *dir, const char *name, const void *data,
                   size_t n)
{
    char path[PATH_BYTES];
    const int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (len < 0 || (size_t)len >= sizeof(path)) {
        log_error("dump: the path of the folder is too long: give a shorter "
                  "one");
        return -ENAMETOOLONG;
    }
    return dump_file(path, data, n);
}

/* One table, named by its signature in lower case. */
static int dump_table(const char *dir, const unsigned char *table, size_t n)
{
    char name[] = "xxxx.dat";

    for (unsigned i = 0; i < 4; i++)
        name[i] = (char)tolower(table[i]);
    return dump_in(dir, name, table, n);
}

/* After the RSDP the tables follow each other (acpi.h). */
static int dump_tables(const char *dir, const unsigned char *buf, size_t n)
{
    size_t at = sizeof(struct acpi_rsdp);
    int rc = dump_in(dir, "rsdp.bin", buf, at);

    while (rc == 0) {
        struct acpi_header h;

        at = (at + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);
        if (at >= n)
            break;
        memcpy(&h, buf + at, sizeof(h));
        /* One of them wants to be better aligned. */
        if (!h.length) {
            at += TABLE_ALIGN;
            continue;
        }
        rc = dump_table(dir, buf + at, h.length);
        at += h.length;
    }
    return rc;
}

int boot_dump_acpi(const struct machine_desc *m, const char *dir)
{
    unsigned char *buf = malloc(WINDOW);
    int64_t n = buf ? acpi_build(m, GPA(LAYOUT_TABLES), buf, WINDOW) : -ENOMEM;

    if (n < 0)
        log_error("dump %s: the tables cannot be built: %s", dir,
                  strerror((int)-n));
    else if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
        n = -errno;
        log_error("dump %s: the folder cannot be made: %s: make its parent "
                  "first",
                  dir, strerror(errno));
    } else {
        n = dump_tables(dir, buf, (size_t)n);
    }
    free(buf);
    return (int)n;
}
