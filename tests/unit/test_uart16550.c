// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PC16550D against its datasheet, and the way drivers find and test one.
 * The far end is a real chr between pipes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chr_rig.h"
#include "devices/platform/uart16550.h"
#include "vmm/log.h"

#include <signal.h>
#include <string.h>

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, FCR = IIR };

#define THRE_TEMT 0x60
#define OPEN      0x0b /* MCR: DTR, RTS, OUT2 */

struct rig {
    struct chr_rig far;
    struct uart16550 *uart;
    struct intr intr;
    unsigned rises;
    bool level;
};

static void on_line(void *ctx, unsigned line, bool level)
{
    struct rig *r = ctx;

    (void)line;
    r->rises += level;
    r->level = level;
}

static int setup(void **state)
{
    static struct rig r;

    r = (struct rig){.intr = {.set = on_line, .ctx = &r}};
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    rig_open(&r.far);
    r.uart = uart16550_create(r.far.chr, &r.intr);
    *state = &r;
    return r.uart ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    uart16550_destroy(r->uart);
    rig_close(&r->far);
    return 0;
}

static void out(struct rig *r, unsigned reg, unsigned v)
{
    const uint8_t byte = (uint8_t)v;

    uart16550_ops.write(r->uart, reg, &byte, 1);
}

static uint8_t in(struct rig *r, unsigned reg)
{
    uint8_t byte = 0xee;

    uart16550_ops.read(r->uart, reg, &byte, 1);
    return byte;
}

/* Type at the far end and let it arrive. */
static void type(struct rig *r, const char *text)
{
    rig_type(&r->far, text, strlen(text));
    rig_run(&r->far, 3 * RIG_MS);
}

/* Fill the backend until it takes no more. */
static void fill(struct rig *r)
{
    static const char block[4096];

    rig_run(&r->far, RIG_MS);
    for (;;) {
        const size_t room = chr_room(r->far.chr);

        if (!room)
            break;
        chr_write(r->far.chr, block, room < sizeof(block) ? room : 4096);
    }
}

static void registers_after_reset(void **state)
{
    struct rig *r = *state;

    assert_int_equal(in(r, IER), 0);
    assert_int_equal(in(r, IIR), 0x01);
    assert_int_equal(in(r, LCR), 0);
    assert_int_equal(in(r, MCR), 0);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    assert_int_equal(in(r, MSR), 0xb0);
    assert_int_equal(r->rises, 0);
}

static void plain_registers_keep_what_exists(void **state)
{
    struct rig *r = *state;

    for (unsigned v = 0; v < 256; v++) {
        out(r, SCR, v);
        out(r, LCR, 0);
        out(r, IER, v);
        out(r, MCR, v & ~0x10u);
        out(r, LCR, 0x80);
        out(r, RBR, v);
        out(r, IER, 255 - v);
        assert_int_equal(in(r, RBR), v);
        assert_int_equal(in(r, IER), 255 - v);
        out(r, LCR, v & 0x7f);
        assert_int_equal(in(r, LCR), v & 0x7f);
        assert_int_equal(in(r, SCR), v);
        assert_int_equal(in(r, IER), v & 0x0f);
        assert_int_equal(in(r, MCR), v & 0x0f);
    }
    /* Status registers are not written. */
    out(r, LSR, 0xff);
    out(r, MSR, 0);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    assert_int_equal(in(r, MSR) & 0xf0, 0xb0);
    assert_int_equal(chr_room(r->far.chr), CHR_BUF);
}

static void drivers_find_a_16550a(void **state)
{
    struct rig *r = *state;

    /* IER keeps four bits; IIR shows the FIFOs by both top bits. */
    out(r, IER, 0);
    assert_int_equal(in(r, IER) & 0x0f, 0);
    out(r, IER, 0x0f);
    assert_int_equal(in(r, IER) & 0x0f, 0x0f);
    out(r, IER, 0);
    /* Loopback: RTS and OUT2 come back as CTS and DCD. */
    out(r, MCR, 0x10 | 0x08 | 0x02);
    assert_int_equal(in(r, MSR) & 0xf0, 0x90);
    out(r, MCR, 0);
    out(r, FCR, 0x01);
    assert_int_equal(in(r, IIR) >> 6, 3);
    /* No 16750 (64-byte FIFOs, bit 5), no EFR behind LCR 0xbf. */
    out(r, FCR, 0x21);
    assert_int_equal(in(r, IIR) >> 5, 6);
    out(r, LCR, 0x80);
    out(r, FCR, 0x21);
    assert_int_equal(in(r, IIR) >> 5, 6);
    out(r, LCR, 0xbf);
    assert_int_not_equal(in(r, IIR), 0);
    out(r, LCR, 0);
    out(r, FCR, 0);
    assert_int_equal(in(r, IIR) >> 6, 0);
}

static void the_fifo_is_16_deep(void **state)
{
    struct rig *r = *state;
    unsigned n = 0;

    out(r, FCR, 0x07);
    out(r, MCR, 0x10);
    for (unsigned i = 0; i < 256; i++)
        out(r, THR, i);
    assert_int_equal(in(r, LSR) & 0x02, 0x02); /* overrun, told once */
    assert_int_equal(in(r, LSR) & 0x02, 0);
    for (; in(r, LSR) & 1; n++)
        assert_int_equal(in(r, RBR), n);
    assert_int_equal(n, 16);
    assert_int_equal(chr_room(r->far.chr), CHR_BUF); /* nothing got out */
}

/* The test that 8250 drivers make for UARTs with a broken THRE interrupt. */
static void thre_is_raised_by_enabling_it(void **state)
{
    struct rig *r = *state;

    out(r, MCR, 0x08);
    out(r, IER, 0x02);
    assert_true(r->level);
    assert_int_equal(in(r, IIR) & 0x0f, 0x02);
    assert_false(r->level); /* reading IIR acknowledged it */
    assert_int_equal(in(r, IIR) & 0x0f, 0x01);
    out(r, IER, 0x02); /* enabled already: no new interrupt */
    assert_int_equal(in(r, IIR) & 0x0f, 0x01);
    out(r, IER, 0);
    out(r, IER, 0x02);
    assert_int_equal(r->rises, 2);
    assert_int_equal(in(r, IIR) & 0x0f, 0x02);
    /* Disabled while pending: gone. */
    out(r, THR, 'x');
    assert_true(r->level);
    out(r, IER, 0);
    assert_false(r->level);
    assert_int_equal(in(r, IIR) & 0x0f, 0x01);
}

static void each_byte_out_is_followed_by_thre(void **state)
{
    struct rig *r = *state;
    char screen[64];

    out(r, MCR, OPEN);
    out(r, FCR, 0x01);
    out(r, IER, 0x02);
    in(r, IIR);
    for (unsigned burst = 0; burst < 2; burst++) {
        const unsigned rises = r->rises;

        for (unsigned i = 0; i < 16; i++)
            out(r, THR, 'a' + i);
        /* One edge for the burst, not one for each byte. */
        assert_int_equal(r->rises, rises + 1);
        assert_int_equal(in(r, IIR), 0xc2);
        assert_int_equal(in(r, IIR), 0xc1);
    }
    rig_run(&r->far, 5 * RIG_MS);
    assert_int_equal(rig_screen(&r->far, screen, sizeof(screen)), 32);
    assert_memory_equal(screen, "abcdefghijklmnopabcdefghijklmnop", 32);
}

static void out2_is_the_gate(void **state)
{
    struct rig *r = *state;

    out(r, IER, 0x02);
    assert_false(r->level);
    assert_int_equal(in(r, IIR), 0x02);
    out(r, IER, 0);
    out(r, IER, 0x02);
    out(r, MCR, 0x08);
    assert_true(r->level);
    out(r, MCR, 0);
    assert_false(r->level);
}

static void input_interrupts_by_trigger_and_time_out(void **state)
{
    static const struct {
        uint8_t fcr;
        unsigned trigger;
    } cases[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
    struct rig *r = *state;

    out(r, MCR, OPEN);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        out(r, FCR, cases[i].fcr | 0x02);
        out(r, IER, 0x01);
        type(r, "0123456789abcdef");
        for (unsigned left = 16; left; left--) {
            const unsigned id = left >= cases[i].trigger ? 0xc4 : 0xcc;

            assert_true(r->level);
            assert_int_equal(in(r, IIR), id);
            assert_int_equal(in(r, LSR), THRE_TEMT | 1);
            assert_int_equal(in(r, RBR), "0123456789abcdef"[16 - left]);
        }
        assert_false(r->level);
        assert_int_equal(in(r, IIR), 0xc1);
    }
}

static void without_fifo_one_byte_at_a_time(void **state)
{
    struct rig *r = *state;

    out(r, MCR, OPEN);
    out(r, IER, 0x01);
    type(r, "xyz");
    for (const char *p = "xyz"; *p; p++) {
        assert_int_equal(in(r, IIR), 0x04);
        assert_int_equal(in(r, LSR), THRE_TEMT | 1);
        assert_int_equal(in(r, RBR), *p);
    }
    assert_int_equal(in(r, LSR), THRE_TEMT);
    assert_int_equal(in(r, IIR), 0x01);
}

static void nothing_typed_early_is_lost(void **state)
{
    struct rig *r = *state;

    /* Typed before there is a driver; it then resets and drains the chip. */
    type(r, "hello");
    out(r, FCR, 0x07);
    out(r, FCR, 0);
    in(r, LSR);
    in(r, RBR);
    in(r, IIR);
    out(r, MCR, 0x08);
    out(r, FCR, 0x81);
    out(r, IER, 0x05);
    out(r, MCR, OPEN);
    for (const char *p = "hello"; *p; p++) {
        assert_int_equal(in(r, LSR), THRE_TEMT | 1);
        assert_int_equal(in(r, RBR), *p);
    }
    assert_int_equal(in(r, LSR), THRE_TEMT);
}

static void polling_needs_no_modem_lines(void **state)
{
    struct rig *r = *state;

    type(r, "ok");
    assert_int_equal(in(r, LSR), THRE_TEMT);
    assert_int_equal(in(r, LSR), THRE_TEMT | 1);
    assert_int_equal(in(r, RBR), 'o');
    in(r, LSR);
    assert_int_equal(in(r, LSR), THRE_TEMT | 1);
    assert_int_equal(in(r, RBR), 'k');
}

static void a_paste_arrives_whole(void **state)
{
    struct rig *r = *state;
    unsigned sent = 0;
    unsigned got = 0;

    out(r, FCR, 0xc1);
    out(r, MCR, OPEN);
    out(r, IER, 0x01);
    fcntl(r->far.keys, F_SETFL, O_NONBLOCK);
    while (got < 64 * 1024) {
        uint8_t block[1000];

        for (unsigned i = 0; i < sizeof(block); i++)
            block[i] = (uint8_t)((sent + i) * 7 % 251);
        if (sent < 64 * 1024) {
            const unsigned left = 64 * 1024 - sent;
            const ssize_t n =
                write(r->far.keys, block, left < sizeof(block) ? left : 1000);

            sent += n > 0 ? (unsigned)n : 0;
        }
        rig_run(&r->far, RIG_MS / 10);
        /* The guest is slow: it takes 700 bytes at most in a turn. */
        for (unsigned i = 0; i < 700 && (in(r, LSR) & 1); i++, got++)
            assert_int_equal(in(r, RBR), got * 7 % 251);
    }
    assert_int_equal(got, 64 * 1024);
    assert_false(r->level);
}

/* A handler that reads until it finds nothing comes to its end. */
static void a_long_input_pauses(void **state)
{
    static const char block[16 * 1024];
    struct rig *r = *state;
    unsigned got = 0;
    unsigned handlers = 0;

    out(r, FCR, 0xc1);
    out(r, MCR, OPEN);
    out(r, IER, 0x01);
    rig_type(&r->far, block, sizeof(block));
    for (; got < sizeof(block) && handlers < 10000; handlers++) {
        const unsigned before = got;

        rig_run(&r->far, RIG_MS);
        for (; in(r, LSR) & 1; got++)
            in(r, RBR);
        assert_in_range(got - before, 0, 256 + 16);
        assert_int_equal(in(r, IIR), 0xc1);
        assert_false(r->level);
    }
    assert_int_equal(got, sizeof(block));
    assert_in_range(r->rises, 16 * 1024 / 272, handlers);
}

static void dropping_rts_stops_the_far_end(void **state)
{
    struct rig *r = *state;

    out(r, FCR, 0x01);
    out(r, MCR, OPEN);
    out(r, IER, 0x01);
    out(r, MCR, 0x09); /* DTR, OUT2: wait */
    type(r, "w");
    assert_false(r->level);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    out(r, MCR, OPEN);
    assert_true(r->level);
    assert_int_equal(in(r, RBR), 'w');
    /* Neither DTR nor RTS, but somebody wants the interrupt. */
    out(r, MCR, 0x08);
    type(r, "s");
    assert_true(r->level);
    assert_int_equal(in(r, RBR), 's');
}

static void loopback_moves_the_lines(void **state)
{
    /* MCR outputs, MSR inputs: DTR DSR, RTS CTS, OUT1 RI, OUT2 DCD. */
    static const uint8_t pairs[][2] = {
        {0x01, 0x20}, {0x02, 0x10}, {0x04, 0x40}, {0x08, 0x80}};
    struct rig *r = *state;

    out(r, MCR, 0x10);
    assert_int_equal(in(r, MSR), 0x0b); /* all dropped, with deltas */
    assert_int_equal(in(r, MSR), 0x00);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const uint8_t delta = pairs[i][1] >> 4;
        const bool ring = delta == 0x04; /* only its trailing edge counts */

        out(r, MCR, 0x10 | pairs[i][0]);
        assert_int_equal(in(r, MSR), pairs[i][1] | (ring ? 0 : delta));
        out(r, MCR, 0x10);
        assert_int_equal(in(r, MSR), delta);
    }
    out(r, MCR, 0);
    assert_int_equal(in(r, MSR), 0xbb);
}

static void loopback_interrupts(void **state)
{
    struct rig *r = *state;

    out(r, FCR, 0x01);
    out(r, MCR, 0x18);
    in(r, MSR);
    out(r, IER, 0x0f);
    assert_int_equal(in(r, IIR), 0xc2);
    /* Modem status is the last in rank, then data, then line status. */
    out(r, MCR, 0x1a);
    assert_int_equal(in(r, IIR), 0xc0);
    out(r, THR, 'q');
    assert_int_equal(in(r, IIR), 0xc4);
    for (unsigned i = 0; i < 16; i++)
        out(r, THR, 'q');
    assert_int_equal(in(r, IIR), 0xc6);
    assert_int_equal(in(r, LSR), THRE_TEMT | 0x02 | 0x01);
    assert_int_equal(in(r, IIR), 0xc4);
    out(r, FCR, 0x03);
    assert_int_equal(in(r, IIR), 0xc2);
    assert_int_equal(in(r, IIR), 0xc0);
    assert_true(r->level);
    in(r, MSR);
    assert_int_equal(in(r, IIR), 0xc1);
    assert_false(r->level);
}

static void break_comes_back_as_a_marked_null(void **state)
{
    struct rig *r = *state;

    out(r, FCR, 0x01);
    out(r, MCR, 0x10);
    out(r, IER, 0x04);
    out(r, THR, 'a');
    out(r, LCR, 0x43);
    /* Behind 'a': known to be in the FIFO, shown when it is at the top. */
    assert_int_equal(in(r, LSR), THRE_TEMT | 0x80 | 0x01);
    assert_int_equal(in(r, IIR), 0xc1);
    assert_int_equal(in(r, RBR), 'a');
    assert_int_equal(in(r, IIR), 0xc6);
    assert_int_equal(in(r, LSR), THRE_TEMT | 0x80 | 0x10 | 0x01);
    assert_int_equal(in(r, LSR), THRE_TEMT | 0x01);
    assert_int_equal(in(r, RBR), 0);
    assert_int_equal(in(r, LSR), THRE_TEMT);
}

static void loopback_hides_the_far_end(void **state)
{
    struct rig *r = *state;

    out(r, FCR, 0x01);
    out(r, MCR, 0x1b);
    type(r, "t");
    in(r, LSR);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    out(r, MCR, OPEN);
    assert_int_equal(in(r, LSR), THRE_TEMT | 1);
    assert_int_equal(in(r, RBR), 't');
}

static void a_full_backend_makes_the_guest_wait(void **state)
{
    static char sink[2 * CHR_BUF];
    struct rig *r = *state;

    out(r, FCR, 0x01);
    out(r, MCR, 0x08);
    fill(r);
    out(r, IER, 0x02);
    assert_int_equal(in(r, LSR), 0); /* neither THRE nor TEMT */
    assert_int_equal(in(r, IIR), 0xc1);
    for (unsigned i = 0; i < 16; i++)
        out(r, THR, 'A' + i);
    assert_false(r->level);
    /* The reader moves: the held bytes follow, and THRE is raised. */
    rig_run(&r->far, RIG_MS);
    rig_screen(&r->far, sink, sizeof(sink));
    for (unsigned i = 0; i < 20 && !r->level; i++)
        rig_run(&r->far, RIG_MS);
    assert_true(r->level);
    assert_int_equal(in(r, IIR), 0xc2);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    for (unsigned i = 0; i < 40; i++) {
        const size_t n = rig_screen(&r->far, sink, sizeof(sink));

        if (n >= 16 && memcmp(sink + n - 16, "ABCDEFGHIJKLMNOP", 16) == 0)
            return;
        rig_run(&r->far, RIG_MS);
    }
    fail_msg("the bytes held in the transmitter did not come out");
}

static void a_stalled_reader_is_not_waited_for(void **state)
{
    struct rig *r = *state;
    struct chr_stats stats;

    out(r, FCR, 0x01);
    out(r, MCR, 0x08);
    /* The pipe is full too, so that nothing moves. */
    fill(r);
    rig_run(&r->far, RIG_MS);
    fill(r);
    out(r, IER, 0x02);
    assert_int_equal(in(r, LSR), 0);
    rig_run(&r->far, CHR_STALL_NS * 3);
    assert_true(r->level);
    assert_int_equal(in(r, LSR), THRE_TEMT);
    out(r, THR, 'z');
    assert_int_equal(in(r, LSR), THRE_TEMT);
    chr_get_stats(r->far.chr, &stats);
    assert_int_equal(stats.out_dropped, 1);
}

static void wide_accesses_are_bytes(void **state)
{
    struct rig *r = *state;
    uint32_t v = 0x0000aa55;

    uart16550_ops.write(r->uart, MSR, &v, 2);
    assert_int_equal(in(r, SCR), 0xaa);
    uart16550_ops.read(r->uart, MCR, &v, 4);
    assert_int_equal(v, 0xaab06000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_after_reset),
        TEST(plain_registers_keep_what_exists),
        TEST(drivers_find_a_16550a),
        TEST(the_fifo_is_16_deep),
        TEST(thre_is_raised_by_enabling_it),
        TEST(each_byte_out_is_followed_by_thre),
        TEST(out2_is_the_gate),
        TEST(input_interrupts_by_trigger_and_time_out),
        TEST(without_fifo_one_byte_at_a_time),
        TEST(nothing_typed_early_is_lost),
        TEST(polling_needs_no_modem_lines),
        TEST(a_paste_arrives_whole),
        TEST(a_long_input_pauses),
        TEST(dropping_rts_stops_the_far_end),
        TEST(loopback_moves_the_lines),
        TEST(loopback_interrupts),
        TEST(break_comes_back_as_a_marked_null),
        TEST(loopback_hides_the_far_end),
        TEST(a_full_backend_makes_the_guest_wait),
        TEST(a_stalled_reader_is_not_waited_for),
        TEST(wide_accesses_are_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
