// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * asan_options.c: part of vmm in a sanitizer build only. The leak checker
 * traces the process from a helper it clones at exit, which a sealed process
 * cannot; the unit tests, which are not sealed, check for leaks.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
