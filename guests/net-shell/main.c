/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net-shell: does with a network device what it is told on the console, a
 * line each, and answers "#N ..." with the number of the line; tests of
 * failing links are scripts for it. Numbers are decimal.
 *
 *   s LEN COUNT  send frames of LEN bytes, numbered from 0: how many buffers
 *                the device gave back
 *   m LEN COUNT  the same, from an address that is not the device's
 *   r            take in what was received: good frames, others (whatever is
 *                not of the tests' type is not counted), the last number
 *   l            link up, device status
 *   x            reset and begin again
 *   t            milliseconds since the start
 *   q            power off
 */
#include "console.h"
#include "cpu.h"
#include "nic.h"
#include "prompt.h"
#include "report.h"

static struct nic nic;
static uint64_t began;
static unsigned lines;

static void send(uint64_t len, uint64_t count, bool spoofed)
{
    unsigned sent = 0;

    if (len < NIC_LEAST || len > NIC_FRAME)
        len = NIC_LEAST;
    for (uint32_t i = 0; i < count; i++) {
        nic_frame(&nic, i, (uint32_t)len);
        nic.out.frame.from[5] ^= spoofed;
        if (!nic_send(&nic, (uint32_t)len))
            break;
        sent++;
    }
    printf("#%u %u\n", lines, sent);
}

static void receive(void)
{
    unsigned good = 0, bad = 0, room;
    uint32_t len, last = 0;

    while (nic_receive(&nic, &room, &len)) {
        const struct packet *p = &nic.in[room];

        if (nic_frame_ok(p, len)) {
            good++;
            last = p->frame.number;
        } else if (p->frame.type == (NIC_TYPE >> 8 | (NIC_TYPE & 0xff) << 8)) {
            bad++;
        }
        nic_post(&nic, room);
    }
    vq_kick(&nic.rx);
    printf("#%u %u %u %u\n", lines, good, bad, last);
}

/* False: power off. */
static bool obey(char order, uint64_t a, uint64_t b)
{
    switch (order) {
    case 's':
    case 'm':
        send(a, b, order == 'm');
        break;
    case 'r':
        receive();
        break;
    case 'l':
        printf("#%u %u %u\n", lines, nic_link_up(&nic),
               virtio_status(&nic.dev));
        break;
    case 'x':
        nic_again(&nic);
        printf("#%u\n", lines);
        break;
    case 't':
        printf("#%u %u\n", lines, (unsigned)((clock_ns() - began) >> 20));
        break;
    default:
        return false;
    }
    return true;
}

void test_main(void)
{
    char line[80];
    const char *at;
    uint64_t a, b;

    began = clock_ns();
    nic_open(&nic, NIC_FEATURES);
    test_ready();
    do {
        prompt_line(line, sizeof(line));
        lines++;
        at = line + (line[0] ? 1 : 0);
        if (*at == ' ')
            at++;
        a = prompt_number(&at);
        b = prompt_number(&at);
    } while (obey(line[0], a, b));
}
