// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image_bzimage.c: the setup header of a Linux bzImage, as far as is needed
 * to find the packed vmlinux in it.
 *
 * Linux Documentation/arch/x86/boot.rst, section "The real-mode kernel
 * header". A bzImage is the boot sector and setup_sects more sectors of
 * real-mode code, then the protected-mode code; the payload lies in that.
 * None of the bzImage's own code runs: the vmlinux inside is booted by its
 * PVH entry. So init_size, code32_start and the like, which tell a boot
 * loader where that code wants to be, are neither used nor checked; the
 * segments of the vmlinux are.
 */
#include "boot/image_internal.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <string.h>

#define SECTOR 512u

/* Offsets in the file. */
enum {
    HDR_SETUP_SECTS = 0x1f1,    /* u8 */
    HDR_BOOT_FLAG = 0x1fe,      /* u16, 0xaa55 */
    HDR_JUMP = 0x201,           /* u8, the header ends this far after 0x202 */
    HDR_MAGIC = 0x202,          /* "HdrS" */
    HDR_VERSION = 0x206,        /* u16 */
    HDR_RELEASE = 0x20e,        /* u16, text at this + 0x200 */
    HDR_CMDLINE_SIZE = 0x238,   /* u32, 2.06 */
    HDR_PAYLOAD_OFFSET = 0x248, /* u32, 2.08 */
    HDR_PAYLOAD_LENGTH = 0x24c, /* u32, 2.08 */
    HDR_END = 0x250,
};

#define PROTOCOL_PAYLOAD 0x208

/* A private copy of the boot sector and the header after it. */
struct header {
    uint8_t bytes[HDR_END];
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
        HDR_MAGIC + h->bytes[HDR_JUMP] >= HDR_END)
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

int image_parse_bzimage(const struct image_source *src, struct image_info *info,
                        uint64_t *payload_at)
{
    struct header h;
    uint64_t setup_end;
    int err = source_read(src, 0, &h, sizeof(h), "bzImage setup header");

    if (!err)
        err = check_version(src, &h);
    if (err)
        return err;
    info->bz_version = get16(&h, HDR_VERSION);
    info->bz_cmdline_max = get32(&h, HDR_CMDLINE_SIZE);
    /* For historical reasons 0 means 4; plus the boot sector itself. */
    setup_end = h.bytes[HDR_SETUP_SECTS] ? h.bytes[HDR_SETUP_SECTS] : 4;
    setup_end = (setup_end + 1) * SECTOR;
    take_release(src, &h, setup_end, info);
    return take_payload(src, &h, setup_end, info, payload_at);
}
