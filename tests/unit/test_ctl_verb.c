// SPDX-License-Identifier: GPL-2.0-or-later
/* Control requests without a socket: each verb, and every wrong request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl_verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A machine that remembers what it was asked for. */
struct machine {
    int presses;
    int kills;
    int pauses;
    int resumes;
    bool ending;
    int resizes;
    int button; /* what power_button returns */
    int frozen; /* what pause, resume and resize return */
    unsigned armed;
    uint64_t target; /* of the balloon */
    char why[128];
    char disk[64];
    struct key_stroke strokes[32];
    unsigned typed;
};

static void m_status(void *ctx, json_t *out)
{
    (void)ctx;
    json_object_set_new(out, "mode", json_string("pvh"));
    json_object_set_new(out, "cpus", json_integer(2));
}

static int m_button(void *ctx)
{
    struct machine *m = ctx;

    m->presses++;
    return m->button;
}

static void m_kill(void *ctx, const char *why)
{
    struct machine *m = ctx;

    m->kills++;
    strncpy(m->why, why, sizeof(m->why) - 1);
}

static int m_pause(void *ctx)
{
    struct machine *m = ctx;

    m->pauses++;
    return m->frozen;
}

static int m_resume(void *ctx)
{
    struct machine *m = ctx;

    m->resumes++;
    return m->frozen;
}

static int m_resume_to_end(void *ctx)
{
    struct machine *m = ctx;

    m->ending = true;
    return m_resume(ctx);
}

static int m_resize(void *ctx, const char *disk, uint64_t *size)
{
    struct machine *m = ctx;

    m->resizes++;
    strncpy(m->disk, disk, sizeof(m->disk) - 1);
    *size = 1 << 20;
    return m->frozen;
}

static int m_balloon(void *ctx, uint64_t target)
{
    struct machine *m = ctx;

    m->target = target;
    return m->frozen;
}

static int m_screen(void *ctx, json_t *out)
{
    const struct machine *m = ctx;

    json_object_set_new(out, "text", json_pack("[s]", "Boot:"));
    return m->frozen;
}

static int m_picture(void *ctx, struct ctl_picture *out)
{
    const struct machine *m = ctx;

    if (m->frozen)
        return m->frozen;
    *out = (struct ctl_picture){calloc(1, 12), 12, 2, 2};
    return 0;
}

static int m_type(void *ctx, const struct key_stroke *strokes, unsigned n)
{
    struct machine *m = ctx;

    if (m->frozen)
        return m->frozen;
    for (unsigned i = 0; i < n && m->typed < ARRAY_LEN(m->strokes); i++)
        m->strokes[m->typed++] = strokes[i];
    return 0;
}

static void m_arm(void *owner, unsigned seconds)
{
    struct machine *m = owner;

    m->armed = seconds;
}

static struct xs *m_store(void *ctx)
{
    (void)ctx;
    return NULL;
}

static struct machine machine;
static const struct ctl_seat_ops seat = {
    .screen = m_screen, .picture = m_picture, .type = m_type};
static const struct ctl_ops ops = {.status = m_status,
                                   .power_button = m_button,
                                   .kill = m_kill,
                                   .pause = m_pause,
                                   .resume = m_resume,
                                   .resume_to_end = m_resume_to_end,
                                   .resize = m_resize,
                                   .balloon = m_balloon,
                                   .store = m_store,
                                   .seat = &seat,
                                   .ctx = &machine};
static struct ctl_guest guest = {
    .ops = &ops, .name = "web", .arm_stop = m_arm, .owner = &machine};

static int reset(void **state)
{
    (void)state;
    machine = (struct machine){.armed = 9999};
    return 0;
}

/* The answer to n bytes: always one line, one object, of our version. */
static json_t *answer_bytes(const char *line, size_t n)
{
    char *text = ctl_answer(&guest, line, n);
    json_t *reply;

    assert_non_null(text);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(reply);
    assert_int_equal(json_integer_value(json_object_get(reply, "vmm")), 1);
    assert_true(json_is_boolean(json_object_get(reply, "ok")));
    free(text);
    return reply;
}

static json_t *answer(const char *line)
{
    return answer_bytes(line, strlen(line));
}

static void assert_accepted(const char *line)
{
    json_t *reply = answer(line);

    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
}

/* Refused, with a sentence that holds the word, and nothing was done. */
static void assert_refused(const char *line, const char *word)
{
    json_t *reply = answer(line);
    const char *error = json_string_value(json_object_get(reply, "error"));

    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_non_null(error);
    if (!strstr(error, word))
        fail_msg("'%s' is not in '%s'", word, error);
    assert_int_equal(machine.presses + machine.kills + machine.pauses, 0);
    json_decref(reply);
}

static void status_joins_both_sides(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"status\"}");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(reply, "name")),
                        "web");
    assert_int_equal(json_integer_value(json_object_get(reply, "pid")),
                     getpid());
    assert_string_equal(json_string_value(json_object_get(reply, "version")),
                        VMM_VERSION);
    assert_true(json_is_integer(json_object_get(reply, "uptime")));
    assert_string_equal(json_string_value(json_object_get(reply, "mode")),
                        "pvh");
    assert_int_equal(json_integer_value(json_object_get(reply, "cpus")), 2);
    json_decref(reply);
}

static void stop_presses_and_arms(void **state)
{
    (void)state;
    assert_accepted("{\"vmm\":1,\"cmd\":\"stop\"}");
    assert_int_equal(machine.presses, 1);
    assert_int_equal(machine.resumes, 1);
    assert_true(machine.ending);
    assert_int_equal(machine.kills, 0);
    assert_int_equal(machine.armed, CTL_STOP_TIMEOUT);
    assert_accepted("{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":0}");
    assert_int_equal(machine.armed, 0);
    assert_accepted("{\"cmd\":\"stop\",\"timeout\":86400,\"vmm\":1}");
    assert_int_equal(machine.armed, 86400);
}

static void stop_without_a_button_ends(void **state)
{
    (void)state;
    machine.button = -EOPNOTSUPP;
    assert_accepted("{\"vmm\":1,\"cmd\":\"stop\"}");
    assert_int_equal(machine.kills, 1);
    assert_non_null(strstr(machine.why, "no power button"));
    assert_int_equal(machine.armed, 9999);
}

static void stop_refuses_odd_times(void **state)
{
    static const char *const odd[] = {
        "-1",   "86401", "1.5", "\"5\"", "null",
        "true", "[]",    "{}",  "1e9",   "9223372036854775807"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(odd); i++) {
        char line[128];

        snprintf(line, sizeof(line),
                 "{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":%s}", odd[i]);
        assert_refused(line, "timeout");
    }
    assert_refused("{\"vmm\":1,\"cmd\":\"stop\",\"timeout\":"
                   "9223372036854775808}",
                   "not JSON");
}

static void kill_pause_resume(void **state)
{
    (void)state;
    assert_accepted("{\"vmm\":1,\"cmd\":\"pause\"}");
    assert_accepted("{\"vmm\":1,\"cmd\":\"resume\"}");
    assert_accepted("{\"vmm\":1,\"cmd\":\"kill\"}");
    assert_int_equal(machine.pauses, 1);
    assert_int_equal(machine.resumes, 1);
    assert_int_equal(machine.kills, 1);
}

static void balloon_asks_the_guest(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"balloon\",\"size\":65536}");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(reply, "size")), 65536);
    assert_int_equal(machine.target, 65536);
    json_decref(reply);
    machine.frozen = -ERANGE;
    assert_refused("{\"vmm\":1,\"cmd\":\"balloon\",\"size\":1}", "less memory");
    machine.frozen = -EOPNOTSUPP;
    assert_refused("{\"vmm\":1,\"cmd\":\"balloon\",\"size\":1}", "--balloon");
}

static void resize_tells_the_new_size(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"resize\",\"disk\":\"root\"}");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(reply, "size")),
                     1 << 20);
    assert_string_equal(machine.disk, "root");
    assert_int_equal(machine.resizes, 1);
    json_decref(reply);
    machine.frozen = -ENODEV;
    assert_refused("{\"vmm\":1,\"cmd\":\"resize\",\"disk\":\"x\"}",
                   "no disk 'x'");
    machine.frozen = -EIO;
    assert_refused("{\"vmm\":1,\"cmd\":\"resize\",\"disk\":\"x\"}",
                   "cannot be read");
}

static void failure_of_an_op_is_an_answer(void **state)
{
    (void)state;
    machine.frozen = -EBUSY;
    assert_refused("{\"vmm\":1,\"cmd\":\"resume\"}", "busy");
    assert_refused("{\"vmm\":1,\"cmd\":\"stop\"}", "resume");
}

static void help_lists_the_verbs(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"help\"}");
    json_t *verbs = json_object_get(reply, "verbs");
    const char *name;
    json_t *help;

    (void)state;
    assert_int_equal(json_object_size(verbs), 19);
    json_object_foreach(verbs, name, help)
    {
        assert_true(strlen(json_string_value(help)) > 10);
    }
    assert_accepted("{\"vmm\":1,\"cmd\":\"version\"}");
    json_decref(reply);
}

static void wrong_requests(void **state)
{
    static const struct {
        const char *line;
        const char *word;
    } rows[] = {
        {"", "not JSON"},
        {" ", "not JSON"},
        {"{", "not JSON"},
        {"\xff\xfe\x80", "not JSON"},
        {"{\"vmm\":1,\"cmd\":\"\xc3\"}", "not JSON"},
        {"{\"vmm\":1,\"cmd\":\"a\\u0000b\"}", "not JSON"},
        {"{\"vmm\":1,\"vmm\":1,\"cmd\":\"kill\"}", "not JSON"},
        {"{\"vmm\":1,\"cmd\":\"kill\"} x", "not JSON"},
        {"{\"vmm\":1,\"cmd\":\"kill\"}{}", "not JSON"},
        {"[]", "object"},
        {"[{\"vmm\":1,\"cmd\":\"kill\"}]", "object"},
        {"{}", "vmm"},
        {"{\"cmd\":\"kill\"}", "vmm"},
        {"{\"vmm\":2,\"cmd\":\"kill\"}", "version"},
        {"{\"vmm\":\"1\",\"cmd\":\"kill\"}", "version"},
        {"{\"vmm\":1.0,\"cmd\":\"kill\"}", "version"},
        {"{\"vmm\":1}", "cmd"},
        {"{\"vmm\":1,\"cmd\":1}", "cmd"},
        {"{\"vmm\":1,\"cmd\":[\"kill\"]}", "cmd"},
        {"{\"vmm\":1,\"cmd\":\"\"}", "no verb"},
        {"{\"vmm\":1,\"cmd\":\"KILL\"}", "no verb"},
        {"{\"vmm\":1,\"cmd\":\"kill \"}", "no verb"},
        {"{\"vmm\":1,\"cmd\":\"kill\",\"timeout\":1}", "timeout"},
        {"{\"vmm\":1,\"cmd\":\"stop\",\"timout\":1}", "timout"},
        {"{\"vmm\":1,\"cmd\":\"resize\"}", "disk"},
        {"{\"vmm\":1,\"cmd\":\"balloon\"}", "size"},
        {"{\"vmm\":1,\"cmd\":\"balloon\",\"size\":0}", "size"},
        {"{\"vmm\":1,\"cmd\":\"balloon\",\"size\":-4096}", "size"},
        {"{\"vmm\":1,\"cmd\":\"balloon\",\"size\":1.5}", "size"},
        {"{\"vmm\":1,\"cmd\":\"balloon\",\"size\":\"1G\"}", "size"},
        {"{\"vmm\":1,\"cmd\":\"resize\",\"disk\":0}", "disk"},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        assert_refused(rows[i].line, rows[i].word);
}

/* What is quoted in an error is cut inside a character: still an answer. */
static void quoted_text_may_be_cut_anywhere(void **state)
{
    char line[256];

    (void)state;
    for (int pad = 28; pad < 34; pad++) {
        snprintf(line, sizeof(line), "{\"vmm\":1,\"cmd\":\"%.*s\xe2\x82\xac\"}",
                 pad, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        assert_refused(line, "no verb");
    }
    /* Neither does a terminal's control sequence come back. */
    assert_refused("{\"vmm\":1,\"cmd\":\"\\u001b[2J\"}", "'?[2J'");
}

static void deep_json_is_refused(void **state)
{
    const size_t n = 60000;
    char *line = malloc(n);
    json_t *reply;

    (void)state;
    assert_non_null(line);
    memset(line, '[', n);
    reply = answer_bytes(line, n);
    assert_true(json_is_false(json_object_get(reply, "ok")));
    json_decref(reply);
    for (size_t i = 0; i + 5 <= n; i += 5)
        memcpy(line + i, "{\"a\":", 5);
    reply = answer_bytes(line, n);
    assert_true(json_is_false(json_object_get(reply, "ok")));
    json_decref(reply);
    free(line);
}

static void embedded_nul_is_refused(void **state)
{
    static const char line[] = "{\"vmm\":1,\"cmd\":\"kill\"}\0{}";
    json_t *reply = answer_bytes(line, sizeof(line) - 1);

    (void)state;
    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_int_equal(machine.kills, 0);
    json_decref(reply);
}

/* ---- the seat ---- */

static void screen(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"screen\"}");

    (void)state;
    assert_int_equal(json_array_size(json_object_get(reply, "text")), 1);
    json_decref(reply);
    machine.frozen = -EOPNOTSUPP;
    assert_refused("{\"vmm\":1,\"cmd\":\"screen\"}", "no display");
    machine.frozen = -EAGAIN;
    assert_refused("{\"vmm\":1,\"cmd\":\"screen\"}", "reboots");
}

static void screenshot(void **state)
{
    json_t *reply = answer("{\"vmm\":1,\"cmd\":\"screenshot\"}");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(reply, "bytes")), 12);
    assert_int_equal(json_integer_value(json_object_get(reply, "width")), 2);
    assert_int_equal(guest.picture.size, 12);
    json_decref(reply);
    free(guest.picture.data);
    guest.picture = (struct ctl_picture){0};
    /* One at a time. */
    guest.picture_busy = true;
    assert_refused("{\"vmm\":1,\"cmd\":\"screenshot\"}", "try again");
    guest.picture_busy = false;
    machine.frozen = -ENOMEM;
    assert_refused("{\"vmm\":1,\"cmd\":\"screenshot\"}", "memory");
    assert_null(guest.picture.data);
}

static void sendkey(void **state)
{
    static const struct key_stroke want[] = {
        {0x2a, true},   {0x1e, true},    {0x1e, false}, {0x2a, false},
        {0x1c, true},   {0x1c, false},   {0x1d, true},  {0x38, true},
        {0xe053, true}, {0xe053, false}, {0x38, false}, {0x1d, false},
    };

    (void)state;
    assert_accepted("{\"vmm\":1,\"cmd\":\"sendkey\",\"text\":\"A\\n\","
                    "\"keys\":[\"ctrl-alt-delete\"]}");
    assert_int_equal(machine.typed, ARRAY_LEN(want));
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        assert_int_equal(machine.strokes[i].key, want[i].key);
        assert_int_equal(machine.strokes[i].down, want[i].down);
    }
}

static void sendkey_says_no(void **state)
{
    static const struct {
        const char *args;
        const char *why;
    } rows[] = {
        {"", "nothing to type"},
        {",\"keys\":[]", "nothing to type"},
        {",\"keys\":\"a\"", "list of strings"},
        {",\"keys\":[1]", "no key"},
        {",\"keys\":[\"a\",\"hyper-x\"]", "no key 'hyper-x'"},
        {",\"text\":7", "must be a string"},
        {",\"text\":\"\\u00e9\"", "no key for"},
    };
    char line[4096];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        snprintf(line, sizeof(line), "{\"vmm\":1,\"cmd\":\"sendkey\"%s}",
                 rows[i].args);
        assert_refused(line, rows[i].why);
    }
    snprintf(line, sizeof(line),
             "{\"vmm\":1,\"cmd\":\"sendkey\",\"text\":\"%03000d\"}", 0);
    assert_refused(line, "too long");
    machine.frozen = -ENOBUFS;
    assert_refused("{\"vmm\":1,\"cmd\":\"sendkey\",\"text\":\"a\"}",
                   "not yet read");
    machine.frozen = -EOPNOTSUPP;
    assert_refused("{\"vmm\":1,\"cmd\":\"sendkey\",\"text\":\"a\"}",
                   "no keyboard");
    assert_int_equal(machine.typed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(status_joins_both_sides, reset),
        cmocka_unit_test_setup(stop_presses_and_arms, reset),
        cmocka_unit_test_setup(stop_without_a_button_ends, reset),
        cmocka_unit_test_setup(stop_refuses_odd_times, reset),
        cmocka_unit_test_setup(kill_pause_resume, reset),
        cmocka_unit_test_setup(resize_tells_the_new_size, reset),
        cmocka_unit_test_setup(balloon_asks_the_guest, reset),
        cmocka_unit_test_setup(failure_of_an_op_is_an_answer, reset),
        cmocka_unit_test_setup(help_lists_the_verbs, reset),
        cmocka_unit_test_setup(wrong_requests, reset),
        cmocka_unit_test_setup(quoted_text_may_be_cut_anywhere, reset),
        cmocka_unit_test_setup(deep_json_is_refused, reset),
        cmocka_unit_test_setup(embedded_nul_is_refused, reset),
        cmocka_unit_test_setup(screen, reset),
        cmocka_unit_test_setup(screenshot, reset),
        cmocka_unit_test_setup(sendkey, reset),
        cmocka_unit_test_setup(sendkey_says_no, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
