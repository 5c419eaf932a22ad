// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * e1000_irq.c: interrupts of the 82540EM: causes and mask, the delays of
 * transmit and receive, the throttle; see e1000.h. Sources: 3.2.7 (receive),
 * 3.4.3 (transmit), 13.4.17 to 13.4.21, 13.4.30, 13.4.31, 13.4.41, 13.4.43.
 *
 * The pin is asserted while an unmasked cause is set, but not before the
 * throttle's interval has passed since it was asserted last.
 *
 * Packets set their causes when the work of a turn is done, so that a turn is
 * one interrupt at most. A delay shorter than the time between two timer
 * interrupts that are worth having is that turn.
 *
 * All timers share the chip's one clock. A timer that is moved back leaves
 * the clock as it is: it then calls too early, which costs one look.
 *
 * Thread: board lock held.
 */
#include "devices/nic/e1000_priv.h"

#define DELAY_NS    1024u /* unit of the delay registers */
#define INTERVAL_NS 256u  /* of the throttle */

static uint64_t now_ns(const struct e1000 *n)
{
    return n->clock.now(n->clock.ctx);
}

/* ---- timers ---- */

static void arm(struct e1000 *n)
{
    uint64_t first = CLOCK_NEVER;

    for (unsigned t = 0; t < N_TIMERS; t++)
        if (n->due[t] < first)
            first = n->due[t];
    if (first >= n->armed)
        return;
    n->armed = first;
    n->clock.arm(n->clock.ctx, first);
}

void e1000_timer_set(struct e1000 *n, enum e1000_timer t, uint64_t ns)
{
    n->due[t] = now_ns(n) + ns;
    arm(n);
}

void e1000_timer_stop(struct e1000 *n, enum e1000_timer t)
{
    n->due[t] = CLOCK_NEVER;
}

/* ---- the pin ---- */

void e1000_irq_update(struct e1000 *n)
{
    const bool wanted = e1000_get(n, REG_ICR) & e1000_get(n, REG_IMS);
    uint64_t now;

    if (!wanted) {
        e1000_timer_stop(n, TIMER_THROTTLE);
        pci_func_set_intx(&n->func, false);
        return;
    }
    if (n->func.intx)
        return;
    now = now_ns(n);
    if (now < n->quiet_until) {
        n->due[TIMER_THROTTLE] = n->quiet_until;
        arm(n);
        return;
    }
    n->quiet_until = now + (uint64_t)e1000_get(n, REG_ITR) * INTERVAL_NS;
    pci_func_set_intx(&n->func, true);
}

void e1000_raise(struct e1000 *n, uint32_t causes)
{
    if (!causes)
        return;
    e1000_set(n, REG_ICR, e1000_get(n, REG_ICR) | causes);
    e1000_irq_update(n);
}

/* A shorter interval holds at once. */
void e1000_irq_throttle(struct e1000 *n)
{
    const uint64_t end =
        now_ns(n) + (uint64_t)e1000_get(n, REG_ITR) * INTERVAL_NS;

    if (n->quiet_until > end)
        n->quiet_until = end;
    e1000_irq_update(n);
}

/* ---- delays ---- */

/*
 * Something happened whose interrupt waits until nothing more has for a while
 * (the register at each), or for so long at most (most). Returns the cause,
 * if it is due now.
 */
static uint32_t delay(struct e1000 *n, unsigned each, unsigned most,
                      enum e1000_timer t, uint32_t cause)
{
    const uint64_t wait = (uint64_t)e1000_get(n, each) * DELAY_NS;
    const uint64_t limit = (uint64_t)e1000_get(n, most) * DELAY_NS;

    if (wait < CLOCK_MIN_GAP) {
        e1000_timer_stop(n, t);
        e1000_timer_stop(n, t + 1);
        return cause;
    }
    if (limit && n->due[t + 1] == CLOCK_NEVER)
        e1000_timer_set(n, t + 1, limit);
    e1000_timer_set(n, t, wait);
    return 0;
}

void e1000_irq_flush(struct e1000 *n)
{
    uint32_t causes = n->causes;

    if (n->tx_written)
        causes |= delay(n, REG_TIDV, REG_TADV, TIMER_TIDV, ICR_TXDW);
    if (n->rx_written)
        causes |= delay(n, REG_RDTR, REG_RADV, TIMER_RDTR, ICR_RXT0);
    n->causes = 0;
    n->tx_written = false;
    n->rx_written = false;
    e1000_raise(n, causes);
}

/* Has either of a pair of timers expired? Then both have. */
static bool expired(struct e1000 *n, enum e1000_timer t, uint64_t now)
{
    if (n->due[t] > now && n->due[t + 1] > now)
        return false;
    e1000_timer_stop(n, t);
    e1000_timer_stop(n, t + 1);
    return true;
}

void e1000_tick(struct e1000 *n)
{
    const uint64_t now = now_ns(n);
    uint32_t causes = 0;

    n->armed = CLOCK_NEVER;
    if (n->gone)
        return;
    if (expired(n, TIMER_TIDV, now))
        causes |= ICR_TXDW;
    if (expired(n, TIMER_RDTR, now))
        causes |= ICR_RXT0;
    if (n->due[TIMER_THROTTLE] <= now)
        e1000_timer_stop(n, TIMER_THROTTLE);
    if (n->due[TIMER_NEGOTIATE] <= now) {
        e1000_timer_stop(n, TIMER_NEGOTIATE);
        e1000_phy_negotiated(n);
    }
    e1000_set(n, REG_ICR, e1000_get(n, REG_ICR) | causes);
    e1000_irq_update(n);
    arm(n);
}

void e1000_irq_reset(struct e1000 *n)
{
    for (unsigned t = 0; t < N_TIMERS; t++)
        if (t != TIMER_NEGOTIATE)
            e1000_timer_stop(n, t);
    n->causes = 0;
    n->tx_written = false;
    n->rx_written = false;
    n->quiet_until = 0;
    pci_func_set_intx(&n->func, false);
}
