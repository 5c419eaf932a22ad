/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packers.h: bytes packed with each format a kernel can be packed with, by
 * the formats' own libraries. Results come from malloc.
 */
#ifndef TESTS_PACKERS_H
#define TESTS_PACKERS_H

#include "image_builder.h"

#include <bzlib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

static inline struct bytes room_for(size_t n)
{
    struct bytes b = {.data = malloc(n + n / 8 + 4096),
                      .size = n + n / 8 + 4096};

    assert_non_null(b.data);
    return b;
}

static inline struct bytes pack_gzip(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)n;
    z.next_out = b.data;
    z.avail_out = (uInt)b.size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    b.size -= z.avail_out;
    deflateEnd(&z);
    return b;
}

static inline struct bytes pack_xz(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    size_t size = 0;

    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, in, n,
                                             b.data, &size, b.size),
                     LZMA_OK);
    b.size = size;
    return b;
}

static inline struct bytes pack_lzma(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    lzma_options_lzma options;
    lzma_stream l = LZMA_STREAM_INIT;

    assert_false(lzma_lzma_preset(&options, 0));
    assert_int_equal(lzma_alone_encoder(&l, &options), LZMA_OK);
    l.next_in = in;
    l.avail_in = n;
    l.next_out = b.data;
    l.avail_out = b.size;
    assert_int_equal(lzma_code(&l, LZMA_FINISH), LZMA_STREAM_END);
    b.size -= l.avail_out;
    lzma_end(&l);
    return b;
}

static inline struct bytes pack_zstd(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    ZSTD_CCtx *ctx = ZSTD_createCCtx();

    assert_non_null(ctx);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    b.size = ZSTD_compress2(ctx, b.data, b.size, in, n);
    assert_false(ZSTD_isError(b.size));
    ZSTD_freeCCtx(ctx);
    return b;
}

static inline struct bytes pack_lz4(const void *in, size_t n)
{
    struct bytes b = room_for(n);

    b.size = LZ4F_compressFrame(b.data, b.size, in, n, NULL);
    assert_false(LZ4F_isError(b.size));
    return b;
}

/* The format of `lz4 -l`: blocks of 8 MiB, each after its packed size. */
static inline struct bytes pack_lz4_legacy(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    size_t at = 4;

    memcpy(b.data, "\x02\x21\x4c\x18", 4);
    for (size_t off = 0; off < n; off += 8 * MIB) {
        const size_t left = n - off;
        const int take = (int)(left < 8 * MIB ? left : 8 * MIB);
        const int got = LZ4_compress_default((const char *)in + off,
                                             (char *)b.data + at + 4, take,
                                             (int)(b.size - at - 4));

        assert_true(got > 0);
        memcpy(b.data + at, &got, 4);
        at += 4 + (size_t)got;
    }
    b.size = at;
    return b;
}

static inline struct bytes pack_bzip2(const void *in, size_t n)
{
    struct bytes b = room_for(n);
    unsigned size = (unsigned)b.size;

    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)b.data, &size,
                                              (char *)(uintptr_t)in,
                                              (unsigned)n, 9, 0, 0),
                     BZ_OK);
    b.size = size;
    return b;
}

struct packer {
    const char *name; /* as vmm says it */
    enum image_packing packing;
    bool checked; /* packed with a checksum of the contents */
    struct bytes (*pack)(const void *in, size_t n);
};

static const struct packer packers[] = {
    {"gzip", PACK_GZIP, true, pack_gzip},
    {"xz", PACK_XZ, true, pack_xz},
    {"lzma", PACK_LZMA, false, pack_lzma},
    {"zstd", PACK_ZSTD, true, pack_zstd},
    {"lz4", PACK_LZ4, false, pack_lz4},
    {"lz4", PACK_LZ4, false, pack_lz4_legacy},
    {"bzip2", PACK_BZIP2, true, pack_bzip2},
};

#endif
