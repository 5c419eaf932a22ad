// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unpack.c: see unpack.h. One row per stream format; the decoders are the
 * formats' own libraries.
 *
 * The output is one large reservation that costs address space only: no
 * format says reliably how much comes out, and this way nothing is ever
 * moved. Where a library can decode straight into it (zstd, lz4), its own
 * window is never allocated. A bomb runs into the end of the reservation.
 *
 * Called by image.c on the start-up thread, or on the loop thread while a
 * guest is rebuilt. Never touches a file.
 */
/* zlib's input pointer is const only on request. */
#define ZLIB_CONST

#include "boot/unpack.h"

#include "vmm/log.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* What a decoder may use for itself; an xz -9 stream asks for 65 MiB. */
#define DECODER_MEMORY (256 * MIB)

/* Most a legacy lz4 block unpacks to (lz4 CLI format, fixed by its spec). */
#define LZ4_LEGACY_BLOCK (8 * 1024 * 1024)

/* zlib and libbz2 count in unsigned int, lz4 in int. */
_Static_assert(UNPACK_MAX <= INT_MAX, "sizes must fit every decoder");

/* A decoder takes from in and gives to out, and moves both. */
struct stream {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
};

/*
 * Decode one stream. Returns 0 at its end, or: -ENODATA the input ended too
 * early, -EILSEQ it is corrupt, -EFBIG the output is full, -ENOMEM no memory,
 * -E2BIG it wants more than DECODER_MEMORY.
 */
typedef int decode_fn(struct stream *s);

static void consume(struct stream *s, size_t n)
{
    s->in += n;
    s->in_left -= n;
}

static void produce(struct stream *s, size_t n)
{
    s->out += n;
    s->out_left -= n;
}

/* Why a decoder that wants to go on cannot. */
static int stuck(const struct stream *s)
{
    return s->out_left == 0 ? -EFBIG : -ENODATA;
}

/* RFC 1952. */
static int decode_gzip(struct stream *s)
{
    const int gzip_only = 16 + MAX_WBITS;
    z_stream z = {0};
    int ret;

    if (inflateInit2(&z, gzip_only) != Z_OK)
        return -ENOMEM;
    z.next_in = s->in;
    z.avail_in = (uInt)s->in_left;
    z.next_out = s->out;
    z.avail_out = (uInt)s->out_left;
    ret = inflate(&z, Z_FINISH);
    consume(s, s->in_left - z.avail_in);
    produce(s, s->out_left - z.avail_out);
    inflateEnd(&z);
    switch (ret) {
    case Z_STREAM_END:
        return 0;
    case Z_OK:
    case Z_BUF_ERROR:
        return stuck(s);
    case Z_MEM_ERROR:
        return -ENOMEM;
    default: /* also Z_NEED_DICT, which gzip does not have */
        return -EILSEQ;
    }
}

static int run_lzma(struct stream *s, lzma_stream *l, lzma_ret ret)
{
    l->next_in = s->in;
    l->avail_in = s->in_left;
    l->next_out = s->out;
    l->avail_out = s->out_left;
    /* LZMA_OK while bytes move; at a standstill it turns into an error. */
    while (ret == LZMA_OK)
        ret = lzma_code(l, LZMA_FINISH);
    consume(s, s->in_left - l->avail_in);
    produce(s, s->out_left - l->avail_out);
    lzma_end(l);
    if (ret == LZMA_STREAM_END)
        return 0;
    if (ret == LZMA_BUF_ERROR)
        return stuck(s);
    if (ret == LZMA_MEM_ERROR)
        return -ENOMEM;
    return ret == LZMA_MEMLIMIT_ERROR ? -E2BIG : -EILSEQ;
}

/* The .xz file format 1.2. */
static int decode_xz(struct stream *s)
{
    lzma_stream l = LZMA_STREAM_INIT;

    return run_lzma(s, &l, lzma_stream_decoder(&l, DECODER_MEMORY, 0));
}

/* The .lzma format of LZMA Utils. */
static int decode_lzma(struct stream *s)
{
    lzma_stream l = LZMA_STREAM_INIT;

    return run_lzma(s, &l, lzma_alone_decoder(&l, DECODER_MEMORY));
}

static int zstd_errno(size_t code)
{
    const ZSTD_ErrorCode err = ZSTD_getErrorCode(code);

    if (err == ZSTD_error_srcSize_wrong)
        return -ENODATA;
    if (err == ZSTD_error_dstSize_tooSmall)
        return -EFBIG;
    return err == ZSTD_error_memory_allocation ? -ENOMEM : -EILSEQ;
}

/*
 * RFC 8878. In one shot rather than as a stream: kernels are packed with a
 * window of 128 MiB, which a stream would have to allocate and copy through.
 */
static int decode_zstd(struct stream *s)
{
    const size_t frame = ZSTD_findFrameCompressedSize(s->in, s->in_left);
    size_t got;

    if (ZSTD_isError(frame))
        return zstd_errno(frame);
    got = ZSTD_decompress(s->out, s->out_left, s->in, frame);
    if (ZSTD_isError(got))
        return zstd_errno(got);
    consume(s, frame);
    produce(s, got);
    return 0;
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* One block of the legacy format: its packed size, then as many bytes. */
static int decode_lz4_block(struct stream *s, uint32_t packed)
{
    const size_t room =
        s->out_left < LZ4_LEGACY_BLOCK ? s->out_left : LZ4_LEGACY_BLOCK;
    int got;

    if (packed > s->in_left - 4)
        return -ENODATA;
    got = LZ4_decompress_safe((const char *)s->in + 4, (char *)s->out,
                              (int)packed, (int)room);
    if (got < 0)
        return room < LZ4_LEGACY_BLOCK ? -EFBIG : -EILSEQ;
    consume(s, 4 + (size_t)packed);
    produce(s, (size_t)got);
    return 0;
}

/*
 * The lz4 legacy frame has no end mark: it ends with the input, or with a
 * word that cannot be a block size. The kernel build appends the unpacked
 * size, a word that can; being the very last one, it is no block.
 */
static int decode_lz4_legacy(struct stream *s)
{
    int err = 0;

    consume(s, 4);
    while (!err && s->in_left > 4) {
        const uint32_t packed = get_le32(s->in);

        if (packed == 0 || packed > LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK))
            break;
        err = decode_lz4_block(s, packed);
    }
    return err;
}

static int run_lz4_frame(struct stream *s, LZ4F_dctx *ctx)
{
    /* The output stays where it is, so it can serve as the window. */
    const LZ4F_decompressOptions_t options = {.stableDst = 1};
    size_t more, in, out;

    do {
        in = s->in_left;
        out = s->out_left;
        more = LZ4F_decompress(ctx, s->out, &out, s->in, &in, &options);
        if (LZ4F_isError(more))
            return -EILSEQ;
        consume(s, in);
        produce(s, out);
    } while (more && (in || out));
    return more ? stuck(s) : 0;
}

/* The LZ4 frame format 1.6. */
static int decode_lz4_frame(struct stream *s)
{
    LZ4F_dctx *ctx;
    int err;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return -ENOMEM;
    err = run_lz4_frame(s, ctx);
    LZ4F_freeDecompressionContext(ctx);
    return err;
}

static int decode_bzip2(struct stream *s)
{
    bz_stream b = {0};
    int ret;

    if (BZ2_bzDecompressInit(&b, 0, 0) != BZ_OK)
        return -ENOMEM;
    /* libbz2 takes char *, and never writes through it. */
    b.next_in = (char *)(uintptr_t)s->in;
    b.avail_in = (unsigned)s->in_left;
    b.next_out = (char *)s->out;
    b.avail_out = (unsigned)s->out_left;
    ret = BZ2_bzDecompress(&b);
    consume(s, s->in_left - b.avail_in);
    produce(s, s->out_left - b.avail_out);
    BZ2_bzDecompressEnd(&b);
    if (ret == BZ_STREAM_END)
        return 0;
    if (ret == BZ_OK)
        return stuck(s);
    return ret == BZ_MEM_ERROR ? -ENOMEM : -EILSEQ;
}

struct format {
    uint8_t magic[6];
    uint8_t n; /* bytes of it */
    enum image_packing packing;
    decode_fn *decode;
};

/* lzma has no magic: lc=3 lp=0 pb=2 and a dictionary of whole 64 KiB. */
static const struct format formats[] = {
    {{0x1f, 0x8b, 8}, 3, PACK_GZIP, decode_gzip},
    {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, PACK_XZ, decode_xz},
    {{0x5d, 0, 0}, 3, PACK_LZMA, decode_lzma},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, PACK_ZSTD, decode_zstd},
    {{0x02, 0x21, 0x4c, 0x18}, 4, PACK_LZ4, decode_lz4_legacy},
    {{0x04, 0x22, 0x4d, 0x18}, 4, PACK_LZ4, decode_lz4_frame},
    {{'B', 'Z', 'h'}, 3, PACK_BZIP2, decode_bzip2},
};

static const char *const names[] = {
    [PACK_NONE] = "plain",  [PACK_GZIP] = "gzip", [PACK_XZ] = "xz",
    [PACK_LZMA] = "lzma",   [PACK_ZSTD] = "zstd", [PACK_LZ4] = "lz4",
    [PACK_BZIP2] = "bzip2",
};

static const struct format *find_format(const void *in, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (n >= formats[i].n && !memcmp(in, formats[i].magic, formats[i].n))
            return &formats[i];
    return NULL;
}

enum image_packing unpack_identify(const void *in, size_t n)
{
    const struct format *f = find_format(in, n);

    return f ? f->packing : PACK_NONE;
}

const char *unpack_name(enum image_packing packing)
{
    return names[packing];
}

int unpacked_reserve(const char *name, size_t max, struct unpacked *out)
{
    const int prot = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *p = mmap(NULL, max, prot, flags, -1, 0);

    *out = (struct unpacked){0};
    if (p == MAP_FAILED) {
        const int err = errno;

        log_error("%s: cannot reserve %zu MiB to unpack it: %s: raise the "
                  "limit on address space (ulimit -v)",
                  name, max >> 20, strerror(err));
        return -err;
    }
    *out = (struct unpacked){
        .base = p,
        .mapped = (max + GUEST_PAGE - 1) & ~(size_t)(GUEST_PAGE - 1),
    };
    return 0;
}

void unpacked_fit(struct unpacked *u, size_t size)
{
    const size_t page = (size_t)GUEST_PAGE;
    /* At least a page stays, so that base always is one. */
    const size_t keep = size ? (size + page - 1) & ~(page - 1) : page;

    u->size = size;
    if (keep < u->mapped) {
        munmap((uint8_t *)u->base + keep, u->mapped - keep);
        u->mapped = keep;
    }
}

void unpacked_free(struct unpacked *u)
{
    if (u->base)
        munmap(u->base, u->mapped);
    *u = (struct unpacked){0};
}

static void say_why(const char *name, const struct format *f, int err,
                    size_t max)
{
    const char *what = unpack_name(f->packing);

    switch (-err) {
    case ENODATA:
        log_error("%s: the %s data ends too early: the file is truncated, "
                  "copy it again",
                  name, what);
        break;
    case EFBIG:
        log_error("%s: the %s data unpacks to more than %zu MiB: not a kernel",
                  name, what, max >> 20);
        break;
    case E2BIG:
        log_error("%s: the %s data needs more than %llu MiB to unpack: pack "
                  "it with a smaller dictionary",
                  name, what, (unsigned long long)(DECODER_MEMORY >> 20));
        break;
    case ENOMEM:
        log_error("%s: no memory to unpack the %s data", name, what);
        break;
    default:
        log_error("%s: the %s data is corrupt: copy the file again", name,
                  what);
        break;
    }
}

static int decode_all(struct stream *s, const struct format *f)
{
    const enum image_packing packing = f->packing;
    int err;

    do {
        err = f->decode(s);
        f = find_format(s->in, s->in_left);
    } while (!err && f && f->packing == packing);
    return err;
}

int unpack(const char *name, const void *in, size_t n, size_t max,
           struct unpacked *out)
{
    const struct format *f = find_format(in, n);
    struct stream s = {.in = in, .in_left = n, .out_left = max};
    int err;

    *out = (struct unpacked){0};
    if (!f) {
        log_error("%s: packed in no known format", name);
        return -EINVAL;
    }
    err = unpacked_reserve(name, max, out);
    if (err)
        return err;
    s.out = out->base;
    err = decode_all(&s, f);
    if (err) {
        say_why(name, f, err, max);
        unpacked_free(out);
        return err == -ENOMEM ? err : -EINVAL;
    }
    unpacked_fit(out, max - s.out_left);
    return 0;
}
