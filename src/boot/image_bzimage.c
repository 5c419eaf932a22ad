// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_bzimage.c: the setup header of a Linux bzImage: where the packed
 * vmlinux is in it, and what a boot loader is told.
 *
 * Linux Documentation/arch/x86/boot.rst, section "The real-mode kernel
 * header". A bzImage is the boot sector and setup_sects more sectors of
 * real-mode code, then the protected-mode code; the payload lies in that.
 * Where a mode boots the vmlinux inside by its PVH entry, none of the
 * bzImage's own code runs. Where it boots the bzImage itself, boot_linux.c
 * holds init_size and the like against the guest's memory; here is only seen
 * to it that they are what the protocol says.
 */
#include "boot/image_internal.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

#define SECTOR 512u

/* Offsets in the file. */
enum {
    HDR_BEGIN = 0x1f1,
    HDR_SETUP_SECTS = 0x1f1,    /* u8 */
    HDR_BOOT_FLAG = 0x1fe,      /* u16, 0xaa55 */
    HDR_JUMP = 0x201,           /* u8, the header ends this far after 0x202 */
    HDR_MAGIC = 0x202,          /* "HdrS" */
    HDR_VERSION = 0x206,        /* u16 */
    HDR_RELEASE = 0x20e,        /* u16, text at this + 0x200 */
    HDR_LOADFLAGS = 0x211,      /* u8 */
    HDR_INITRD_MAX = 0x22c,     /* u32, 2.03 */
    HDR_ALIGNMENT = 0x230,      /* u32, 2.05 */
    HDR_RELOCATABLE = 0x234,    /* u8, 2.05 */
    HDR_XLOADFLAGS = 0x236,     /* u16, 2.12 */
    HDR_CMDLINE_SIZE = 0x238,   /* u32, 2.06 */
    HDR_PAYLOAD_OFFSET = 0x248, /* u32, 2.08 */
    HDR_PAYLOAD_LENGTH = 0x24c, /* u32, 2.08 */
    HDR_END_2_08 = 0x250,
    HDR_PREF_ADDRESS = 0x258, /* u64, 2.10 */
    HDR_INIT_SIZE = 0x260,    /* u32, 2.10 */
    HDR_END = HDR_BEGIN + IMAGE_LINUX_HEADER,
};

#define PROTOCOL_PAYLOAD 0x208
#define PROTOCOL_PLACE   0x20a
#define PROTOCOL_XLOAD   0x20c

#define LOADED_HIGH   0x01u /* loadflags */
#define XLF_KERNEL_64 0x0001u

/* Where an initrd may end, if a kernel older than the field does not say. */
#define INITRD_MAX_2_02 0x37ffffffu

/* A private copy of the boot sector and the header after it. */
struct header {
    uint8_t bytes[HDR_END]; /* zeroes after the header's own end */
};

static uint16_t get16(const struct header *h, unsigned off)
{
    uint16_t v;

    memcpy(&v, h->bytes + off, sizeof(v));
    return v;
}

static uint32_t get32(const struct header *h, unsigned off)
{
    uint32_t v;

    memcpy(&v, h->bytes + off, sizeof(v));
    return v;
}

bool image_is_bzimage(const struct image_source *src)
{
    static const uint8_t boot_flag[] = {0x55, 0xaa};

    return src->head_size >= HDR_VERSION &&
           !memcmp(src->head + HDR_BOOT_FLAG, boot_flag, sizeof(boot_flag)) &&
           !memcmp(src->head + HDR_MAGIC, "HdrS", 4);
}

/* What uname -r will say; only told to the operator, so never an error. */
static void take_release(const struct image_source *src, const struct header *h,
                         uint64_t setup_end, struct image_info *info)
{
    const uint64_t at = 0x200u + (uint64_t)get16(h, HDR_RELEASE);
    const uint64_t limit = setup_end < src->size ? setup_end : src->size;
    char text[sizeof(info->bz_release)];
    size_t n = sizeof(text);

    if (get16(h, HDR_RELEASE) == 0 || at >= limit)
        return;
    if (n > limit - at)
        n = (size_t)(limit - at);
    if (source_read(src, at, text, n, "kernel version") == 0)
        image_copy_text(info->bz_release, sizeof(info->bz_release), text, n);
}

static int check_version(const struct image_source *src, const struct header *h)
{
    const unsigned version = get16(h, HDR_VERSION);

    if (version >= PROTOCOL_PAYLOAD &&
        HDR_MAGIC + h->bytes[HDR_JUMP] >= HDR_END_2_08)
        return 0;
    log_error("%s: bzImage of boot protocol %u.%02u does not say where its "
              "payload is (needs 2.08, Linux 2.6.26): give the vmlinux",
              src->name, version >> 8, version & 0xff);
    return -EINVAL;
}

static int take_payload(const struct image_source *src, const struct header *h,
                        uint64_t setup_end, struct image_info *info,
                        uint64_t *payload_at)
{
    const uint32_t offset = get32(h, HDR_PAYLOAD_OFFSET);
    const uint32_t length = get32(h, HDR_PAYLOAD_LENGTH);

    /* None of these sums of 32-bit numbers can wrap 64 bits. */
    *payload_at = setup_end + offset;
    info->packed_size = length;
    if (length && range_ok(*payload_at, length, src->size))
        return 0;
    log_error("%s: the bzImage payload (%u bytes at 0x%x after %llu bytes of "
              "setup) is not in the file: it is truncated or damaged, copy it "
              "again",
              src->name, length, offset, (unsigned long long)setup_end);
    return -EINVAL;
}

/* A file too short for all of the header lacks what its header lacks. */
static int read_header(const struct image_source *src, struct header *h)
{
    const size_t n = src->size < HDR_END ? (size_t)src->size : HDR_END;
    unsigned end;
    int err;

    memset(h, 0, sizeof(*h));
    err = source_read(src, 0, h, n < HDR_END_2_08 ? HDR_END_2_08 : n,
                      "bzImage setup header");
    if (err)
        return err;
    end = HDR_MAGIC + h->bytes[HDR_JUMP];
    if (end < HDR_END)
        memset(h->bytes + end, 0, HDR_END - end);
    return check_version(src, h);
}

/* The boot loader's part. What a boot would make of it is said there. */
static int take_loader(const struct image_source *src, const struct header *h,
                       uint64_t setup_end, struct image_linux *bz)
{
    const unsigned version = get16(h, HDR_VERSION);

    memcpy(bz->header, h->bytes + HDR_BEGIN, sizeof(bz->header));
    bz->setup_size = (uint32_t)setup_end;
    bz->kernel_at = setup_end;
    bz->high = (h->bytes[HDR_LOADFLAGS] & LOADED_HIGH) != 0;
    bz->alignment = get32(h, HDR_ALIGNMENT);
    bz->relocatable = h->bytes[HDR_RELOCATABLE] != 0;
    bz->initrd_max = get32(h, HDR_INITRD_MAX);
    if (bz->initrd_max == 0)
        bz->initrd_max = INITRD_MAX_2_02;
    if (version >= PROTOCOL_PLACE) {
        memcpy(&bz->pref_address, h->bytes + HDR_PREF_ADDRESS, 8);
        bz->init_size = get32(h, HDR_INIT_SIZE);
    }
    bz->entry64 = version >= PROTOCOL_XLOAD &&
                  (get16(h, HDR_XLOADFLAGS) & XLF_KERNEL_64) != 0;
    if (setup_end < src->size) {
        bz->kernel_size = src->size - setup_end;
        return 0;
    }
    log_error("%s: bzImage with nothing after its %llu bytes of setup: it is "
              "truncated or damaged, copy it again",
              src->name, (unsigned long long)setup_end);
    return -EINVAL;
}

int image_parse_bzimage(const struct image_source *src, struct image_info *info,
                        uint64_t *payload_at)
{
    struct header h;
    uint64_t setup_end;
    int err = read_header(src, &h);

    if (err)
        return err;
    info->bz_version = get16(&h, HDR_VERSION);
    info->bz_cmdline_max = get32(&h, HDR_CMDLINE_SIZE);
    /* For historical reasons 0 means 4; plus the boot sector itself. */
    setup_end = h.bytes[HDR_SETUP_SECTS] ? h.bytes[HDR_SETUP_SECTS] : 4;
    setup_end = (setup_end + 1) * SECTOR;
    take_release(src, &h, setup_end, info);
    err = take_payload(src, &h, setup_end, info, payload_at);
    return err ? err : take_loader(src, &h, setup_end, &info->bz);
}
