// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * image.c: open a kernel file, tell what it is, hand out its ELF; image.h.
 *
 * The way of a plain ELF is the fast one: openat, fstat, one pread of the
 * first 8 KiB, which hold the ELF header, all program headers and a Multiboot
 * header, and one of the notes. Anything packed is read whole into anonymous
 * memory, unpacked and parsed there.
 *
 * The parsers are in image_elf.c, image_notes.c, image_multiboot.c and
 * image_bzimage.c; the decoders in unpack.c; the texts for people in
 * image_inspect.c.
 */
#include "boot/image.h"

#include "boot/image_internal.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_SIZE 8192

/* One pread that is not stopped by a signal; short only at the file's end. */
static ssize_t read_at(int fd, void *dst, size_t n, uint64_t off)
{
    size_t done = 0;

    while (done < n) {
        const ssize_t got =
            pread(fd, (char *)dst + done, n - done, (off_t)(off + done));

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            done += (size_t)got;
    }
    return (ssize_t)done;
}

static int read_fd(const struct image_source *src, uint64_t off, void *dst,
                   size_t n, const char *what)
{
    const ssize_t got = read_at(src->fd, dst, n, off);

    if (got < 0) {
        log_error("%s: cannot read the %s: %s", src->name, what,
                  strerror((int)-got));
        return (int)got;
    }
    if ((size_t)got < n) {
        log_error("%s: the file became shorter while it was read", src->name);
        return -EINVAL;
    }
    return 0;
}

int source_read(const struct image_source *src, uint64_t off, void *dst,
                size_t n, const char *what)
{
    if (!range_ok(off, n, src->size)) {
        log_error("%s: the %s (%zu bytes at 0x%llx) lies outside the file: it "
                  "is truncated or damaged",
                  src->name, what, n, (unsigned long long)off);
        return -EINVAL;
    }
    if (range_ok(off, n, src->head_size)) {
        memcpy(dst, src->head + off, n);
        return 0;
    }
    return read_fd(src, off, dst, n, what);
}

static int check_size(const struct image_source *src, uint64_t n)
{
    if (n <= UNPACK_MAX)
        return 0;
    log_error("%s: %llu MiB, more than %zu MiB: not a kernel", src->name,
              (unsigned long long)(n >> 20), UNPACK_MAX >> 20);
    return -EINVAL;
}

/* Read n bytes of the file, as they are, into memory of their own. */
static int read_whole(const struct image_source *src, uint64_t off, uint64_t n,
                      struct unpacked *out)
{
    int err = check_size(src, n);

    if (!err)
        err = unpacked_reserve(src->name, (size_t)n, out);
    if (err)
        return err;
    unpacked_fit(out, (size_t)n);
    err = read_fd(src, off, out->base, (size_t)n, "contents");
    if (err)
        unpacked_free(out);
    return err;
}

/* Unpack packed_size bytes at packed_at; the parser put them in the source. */
static int unpack_payload(struct image *img)
{
    const struct image_source *src = &img->source;
    const uint64_t size = img->info.packed_size;
    struct unpacked packed;
    int err = check_size(src, size);

    if (err)
        return err;
    if (src->fd < 0)
        return unpack(src->name, src->head + img->packed_at, (size_t)size,
                      UNPACK_MAX, &img->elf);
    err = read_whole(src, img->packed_at, size, &packed);
    if (err)
        return err;
    err = unpack(src->name, packed.base, packed.size, UNPACK_MAX, &img->elf);
    unpacked_free(&packed);
    return err;
}

static struct image_source unpacked_source(const struct image *img)
{
    return (struct image_source){
        .name = img->name,
        .fd = -1,
        .head = img->elf.base,
        .head_size = img->elf.size,
        .size = img->elf.size,
    };
}

/* Files an operator may well name by mistake, and what to do with them. */
static const struct {
    char magic[8];
    size_t n;
    const char *is;
} strangers[] = {
    {"070701", 6, "a cpio archive: give it with --initrd"},
    {"070702", 6, "a cpio archive: give it with --initrd"},
    {"QFI\xfb", 4, "a qcow2 disk image, not a kernel"},
    {"!<arch>", 7, "an archive of object files: give the linked kernel"},
    {"#!", 2, "a script, not a kernel"},
};

static const char *explain(const struct image_source *src, const char *dflt)
{
    for (size_t i = 0; src->head && i < ARRAY_LEN(strangers); i++)
        if (src->head_size >= strangers[i].n &&
            !memcmp(src->head, strangers[i].magic, strangers[i].n))
            return strangers[i].is;
    return dflt;
}

/* An image that is not packed, or not any more; src has all of it. */
static int parse_plain(const struct image_source *src, struct image_info *info)
{
    const int err = image_is_elf(src) ? image_parse_elf(src, info) : 0;

    info->unpacked = true;
    info->elf_size = src->size;
    return err ? err : image_parse_multiboot(src, info);
}

static bool is_image(const struct image_source *src,
                     const struct image_info *info)
{
    return image_is_elf(src) || info->multiboot.found;
}

static int parse_unpacked(struct image *img)
{
    const struct image_source src = unpacked_source(img);
    const int err = parse_plain(&src, &img->info);

    if (err || is_image(&src, &img->info))
        return err;
    log_error("%s: what is packed in it with %s is %s", img->name,
              unpack_name(img->info.packing),
              explain(&src, "not an ELF kernel"));
    return -EINVAL;
}

static int parse_packed(struct image *img)
{
    const int err = unpack_payload(img);

    return err ? err : parse_unpacked(img);
}

static int parse_bzimage(struct image *img)
{
    struct image_info *info = &img->info;
    uint8_t magic[6] = {0};
    int err;

    info->container = IMAGE_BZIMAGE;
    err = image_parse_bzimage(&img->source, info, &img->packed_at);
    if (err || img->keep_packed)
        return err;
    err = source_read(&img->source, img->packed_at, magic,
                      info->packed_size < sizeof(magic)
                          ? (size_t)info->packed_size
                          : sizeof(magic),
                      "bzImage payload");
    if (err)
        return err;
    info->packing = unpack_identify(magic, sizeof(magic));
    if (info->packing != PACK_NONE)
        return parse_packed(img);
    log_error("%s: the bzImage payload begins %02x %02x %02x %02x: not packed "
              "with gzip, xz, lzma, zstd, lz4 or bzip2: build the kernel with "
              "CONFIG_KERNEL_ZSTD=y, or give the vmlinux",
              img->name, magic[0], magic[1], magic[2], magic[3]);
    return -EINVAL;
}

static int identify(struct image *img)
{
    const struct image_source *src = &img->source;
    int err;

    if (src->size == 0) {
        log_error("%s: the file is empty", img->name);
        return -EINVAL;
    }
    if (image_is_elf(src))
        return parse_plain(src, &img->info);
    if (image_is_bzimage(src))
        return parse_bzimage(img);
    img->info.packing = unpack_identify(src->head, src->head_size);
    if (img->info.packing != PACK_NONE) {
        img->info.container = IMAGE_PACKED;
        img->info.packed_size = src->size;
        return parse_packed(img);
    }
    img->info.container = IMAGE_FLAT;
    err = parse_plain(src, &img->info);
    if (err || is_image(src, &img->info))
        return err;
    log_error("%s: %s", img->name,
              explain(src, "not a kernel image (neither ELF, bzImage, "
                           "Multiboot nor a packed one of these)"));
    return -EINVAL;
}

static struct image *image_new(const char *name)
{
    const size_t len = strlen(name) + 1;
    struct image *img = calloc(1, sizeof(*img) + len);

    if (!img) {
        log_error("%s: no memory to open it", name);
        return NULL;
    }
    memcpy(img->name, name, len);
    img->source.name = img->name;
    img->source.fd = -1;
    return img;
}

/*
 * O_NONBLOCK: a FIFO nobody writes to must not hold us; on the regular files
 * that are taken it means nothing.
 */
static int open_regular(const char *path, uint64_t *size)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        const int err = errno;

        log_error("%s: cannot open the kernel: %s", path, strerror(err));
        return -err;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    log_error("%s: not a regular file: give a kernel image", path);
    close(fd);
    return -EINVAL;
}

/* Identify with the file's beginning at hand, which lives on this stack. */
static int identify_fd(struct image *img)
{
    struct image_source *src = &img->source;
    uint8_t head[HEAD_SIZE];
    int err;

    src->head_size = src->size < HEAD_SIZE ? (size_t)src->size : HEAD_SIZE;
    err = read_fd(src, 0, head, src->head_size, "beginning");
    if (err)
        return err;
    src->head = head;
    err = identify(img);
    src->head = NULL;
    src->head_size = 0;
    return err;
}

static int open_image(const char *path, bool keep_packed, struct image **out)
{
    struct image *img = image_new(path);
    int err;

    if (!img)
        return -ENOMEM;
    img->keep_packed = keep_packed;
    err = open_regular(path, &img->source.size);
    if (err >= 0) {
        img->source.fd = err;
        err = identify_fd(img);
    }
    if (err) {
        image_close(img);
        return err;
    }
    *out = img;
    return 0;
}

int image_open(const char *path, struct image **out)
{
    return open_image(path, false, out);
}

int image_open_packed(const char *path, struct image **out)
{
    return open_image(path, true, out);
}

int image_parse(const char *name, const void *data, size_t size,
                struct image **out)
{
    struct image *img = image_new(name);
    int err;

    if (!img)
        return -ENOMEM;
    img->source.head = data;
    img->source.head_size = size;
    img->source.size = size;
    err = identify(img);
    if (err) {
        image_close(img);
        return err;
    }
    *out = img;
    return 0;
}

void image_close(struct image *img)
{
    if (!img)
        return;
    unpacked_free(&img->elf);
    if (img->source.fd >= 0)
        close(img->source.fd);
    free(img);
}

const struct image_info *image_info(const struct image *img)
{
    return &img->info;
}

static bool is_plain(const struct image *img)
{
    return img->info.container == IMAGE_ELF ||
           img->info.container == IMAGE_FLAT;
}

int image_fd(const struct image *img)
{
    return is_plain(img) ? img->source.fd : -1;
}

int image_file(const struct image *img)
{
    return img->source.fd;
}

static bool same_segment(const struct image_segment *a,
                         const struct image_segment *b)
{
    return a->offset == b->offset && a->filesz == b->filesz &&
           a->memsz == b->memsz && a->paddr.v == b->paddr.v &&
           a->bss_at == b->bss_at && a->bss_size == b->bss_size &&
           a->executable == b->executable;
}

static bool same_segments(const struct image_info *a,
                          const struct image_info *b)
{
    if (a->n_segments != b->n_segments)
        return false;
    for (unsigned i = 0; i < a->n_segments; i++)
        if (!same_segment(&a->segments[i], &b->segments[i]))
            return false;
    return true;
}

static bool same_multiboot(const struct image_multiboot *a,
                           const struct image_multiboot *b)
{
    return a->found == b->found && a->flags == b->flags &&
           a->entry == b->entry && same_segment(&a->segment, &b->segment);
}

/* Segments were promised to lie in the ELF: hold it to what was found. */
static int check_unchanged(struct image *img)
{
    const struct image_source src = unpacked_source(img);
    struct image_info now = {0};
    const struct image_info *was = &img->info;
    const int err = parse_plain(&src, &now);

    if (err)
        return err;
    if (now.elf_size == was->elf_size && now.has_pvh == was->has_pvh &&
        now.pvh_entry == was->pvh_entry && same_segments(&now, was) &&
        same_multiboot(&now.multiboot, &was->multiboot))
        return 0;
    log_error("%s: the file is not the kernel any more that was opened",
              img->name);
    return -ESTALE;
}

static int make_elf(struct image *img)
{
    const struct image_source *src = &img->source;
    int err;

    if (is_plain(img))
        err = read_whole(src, 0, src->size, &img->elf);
    else
        err = unpack_payload(img);
    if (err)
        return err;
    err = check_unchanged(img);
    if (err)
        unpacked_free(&img->elf);
    return err;
}

const void *image_elf(struct image *img, size_t *size)
{
    if (is_plain(img) && img->source.fd < 0) {
        *size = img->source.head_size;
        return img->source.head;
    }
    if (!img->elf.base && make_elf(img) != 0)
        return NULL;
    *size = img->elf.size;
    return img->elf.base;
}

void image_release_unpacked(struct image *img)
{
    unpacked_free(&img->elf);
}
