/* SPDX-License-Identifier: MIT */
/*
 * report.c: start of C, and the end of every test.
 */
#include "report.h"

#include "console.h"
#include "cpu.h"
#include "power.h"
#include "start_info.h"
#include "trap.h"

#define HELD_MAX 16u

static unsigned failures;

/* Checks that failed while the console was away. */
static struct held_check {
    const char *what, *relation;
    unsigned long long seen, expected;
} held[HELD_MAX];
static unsigned n_held;
static bool holding;

void guest_start(void)
{
    console_init();
    trap_init();
    start_info_init();
    test_main();
    test_result();
    power_off();
}

void test_result(void)
{
    printf("TEST: %s\n", failures ? "FAILURE" : "SUCCESS");
}

void test_fail(const char *format, ...)
{
    va_list args;

    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    printf("FAIL: ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

static _Noreturn void end(const char *how, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static _Noreturn void end(const char *how, const char *format, va_list args)
{
    printf("TEST: %s ", how);
    vprintf(format, args);
    printf("\n");
    power_off();
}

void test_skip(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    end(failures ? "FAILURE then skipped:" : "SKIP", format, args);
}

void test_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    end("ERROR", format, args);
}

void test_check(int holds, const char *what, unsigned long long seen,
                const char *relation, unsigned long long expected)
{
    if (holds)
        return;
    if (holding && n_held < HELD_MAX)
        held[n_held++] = (struct held_check){what, relation, seen, expected};
    else if (!holding)
        test_fail("%s: expected %s0x%llx, seen 0x%llx", what, relation,
                  expected, seen);
}

void test_hold(void)
{
    holding = true;
}

void test_release(void)
{
    holding = false;
    for (unsigned i = 0; i < n_held; i++)
        test_check(0, held[i].what, held[i].seen, held[i].relation,
                   held[i].expected);
    n_held = 0;
}

void test_ready(void)
{
    printf("READY\n");
}
