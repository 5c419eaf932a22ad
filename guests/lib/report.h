/* SPDX-License-Identifier: MIT */
/*
 * report.h: how a test guest says what it found.
 *
 * A guest defines test_main(). Each CHECK that does not hold prints a line
 * saying what was expected and what was seen; the library prints the result
 * as the last line and powers off:
 *
 *   TEST: SUCCESS         nothing failed
 *   TEST: FAILURE         a check did not hold
 *   TEST: SKIP reason     the property cannot be tested here
 *   TEST: ERROR reason    the test itself could not go on
 *
 * No such line at all is a crash. Thread: the boot CPU, unless said.
 */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include <stdint.h>

/* The test; defined by each guest. */
void test_main(void);

/* From start.S: the boot CPU, first C function. */
void guest_start(void);

/* Note a failure with a line of its own. Any CPU. */
void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the test; any CPU. */
_Noreturn void test_skip(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
_Noreturn void test_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * Keep failed checks instead of printing them, while the console is being
 * tested itself; test_release() prints what was kept.
 */
void test_hold(void);
void test_release(void);

/* Print "READY": a harness may act now. */
void test_ready(void);

/* Print the result line, as for tests that do not end by powering off. */
void test_result(void);

void test_check(int holds, const char *what, unsigned long long seen,
                const char *relation, unsigned long long expected);

/* Each prints "what: expected relation value, seen value" if it fails. */
#define CHECK_EQ(what, seen, expected)                              \
    do {                                                            \
        unsigned long long seen_ = (seen), expected_ = (expected);  \
        test_check(seen_ == expected_, what, seen_, "", expected_); \
    } while (0)
#define CHECK_NE(what, seen, expected)                                  \
    do {                                                                \
        unsigned long long seen_ = (seen), expected_ = (expected);      \
        test_check(seen_ != expected_, what, seen_, "not ", expected_); \
    } while (0)
#define CHECK_GE(what, seen, expected)                                       \
    do {                                                                     \
        unsigned long long seen_ = (seen), expected_ = (expected);           \
        test_check(seen_ >= expected_, what, seen_, "at least ", expected_); \
    } while (0)
#define CHECK_LE(what, seen, expected)                                      \
    do {                                                                    \
        unsigned long long seen_ = (seen), expected_ = (expected);          \
        test_check(seen_ <= expected_, what, seen_, "at most ", expected_); \
    } while (0)

#endif
