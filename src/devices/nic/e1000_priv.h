/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * e1000_priv.h: the controller's state, for the files of this folder only.
 *
 * e1000.c has its life and the link, e1000_regs.c the registers,
 * e1000_irq.c interrupts and their timers, e1000_tx.c the transmit ring,
 * e1000_send.c what happens to a packet on its way out, e1000_rx.c the
 * receive ring, e1000_filter.c which frames are the driver's, e1000_phy.c
 * and e1000_eeprom.c the two chips beside it.
 */
#ifndef NIC_E1000_PRIV_H
#define NIC_E1000_PRIV_H

#include "devices/nic/e1000.h"
#include "vmm/checked.h"
#include "vmm/log.h"

/* ---- registers, by offset (table 13-2) ---- */

enum e1000_register {
    REG_CTRL = 0x0000,
    REG_STATUS = 0x0008,
    REG_EECD = 0x0010,
    REG_EERD = 0x0014,
    REG_CTRL_EXT = 0x0018,
    REG_MDIC = 0x0020,
    REG_FCAL = 0x0028,
    REG_FCAH = 0x002c,
    REG_FCT = 0x0030,
    REG_VET = 0x0038,
    REG_ICR = 0x00c0,
    REG_ITR = 0x00c4,
    REG_ICS = 0x00c8,
    REG_IMS = 0x00d0,
    REG_IMC = 0x00d8,
    REG_RCTL = 0x0100,
    REG_FCTTV = 0x0170,
    REG_TXCW = 0x0178,
    REG_TCTL = 0x0400,
    REG_TIPG = 0x0410,
    REG_AIT = 0x0458,
    REG_LEDCTL = 0x0e00,
    REG_PBA = 0x1000,
    REG_FCRTL = 0x2160,
    REG_FCRTH = 0x2168,
    REG_RDFH = 0x2410,
    REG_RDFT = 0x2418,
    REG_RDFHS = 0x2420,
    REG_RDFTS = 0x2428,
    REG_RDFPC = 0x2430,
    REG_RDBAL = 0x2800,
    REG_RDBAH = 0x2804,
    REG_RDLEN = 0x2808,
    REG_RDH = 0x2810,
    REG_RDT = 0x2818,
    REG_RDTR = 0x2820,
    REG_RXDCTL = 0x2828,
    REG_RADV = 0x282c,
    REG_RSRPD = 0x2c00,
    REG_TXDMAC = 0x3000,
    REG_TDFH = 0x3410,
    REG_TDFT = 0x3418,
    REG_TDFHS = 0x3420,
    REG_TDFTS = 0x3428,
    REG_TDFPC = 0x3430,
    REG_TDBAL = 0x3800,
    REG_TDBAH = 0x3804,
    REG_TDLEN = 0x3808,
    REG_TDH = 0x3810,
    REG_TDT = 0x3818,
    REG_TIDV = 0x3820,
    REG_TXDCTL = 0x3828,
    REG_TADV = 0x382c,
    REG_TSPMT = 0x3830,
    REG_STATS = 0x4000,
    REG_MPC = 0x4010,
    REG_PRC64 = 0x405c, /* and five more, by size */
    REG_GPRC = 0x4074,
    REG_BPRC = 0x4078,
    REG_MPRC = 0x407c,
    REG_GPTC = 0x4080,
    REG_GORCL = 0x4088,
    REG_GOTCL = 0x4090,
    REG_RNBC = 0x40a0,
    REG_RUC = 0x40a4,
    REG_ROC = 0x40ac,
    REG_TORL = 0x40c0,
    REG_TOTL = 0x40c8,
    REG_TPR = 0x40d0,
    REG_TPT = 0x40d4,
    REG_PTC64 = 0x40d8, /* and five more, by size */
    REG_MPTC = 0x40f0,
    REG_BPTC = 0x40f4,
    REG_TSCTC = 0x40f8,
    REG_TSCTFC = 0x40fc,
    REG_RXCSUM = 0x5000,
    REG_MTA = 0x5200,
    REG_RAL = 0x5400,
    REG_RAH = 0x5404,
    REG_VFTA = 0x5600,
    REG_WUC = 0x5800,
    REG_WUFC = 0x5808,
    REG_WUS = 0x5810,
    REG_MANC = 0x5820,
    REG_IPAV = 0x5838,
    REG_IP4AT = 0x5840,
    REG_IP6AT = 0x5880,
    REG_WUPL = 0x5900,
    REG_WUPM = 0x5a00,
    REGS_END = 0x6000,
};

#define STATS_REGS 64u
#define MTA_REGS   128u
#define RA_ENTRIES 16u
#define VFTA_REGS  128u

#define CTRL_FD      0x00000001u
#define CTRL_SLU     0x00000040u
#define CTRL_RST     0x04000000u
#define CTRL_VME     0x40000000u
#define CTRL_PHY_RST 0x80000000u

#define CTRL_EXT_EE_RST 0x00002000u

#define RCTL_EN    0x00000002u
#define RCTL_UPE   0x00000008u
#define RCTL_MPE   0x00000010u
#define RCTL_LPE   0x00000020u
#define RCTL_BAM   0x00008000u
#define RCTL_VFE   0x00040000u
#define RCTL_BSEX  0x02000000u
#define RCTL_SECRC 0x04000000u

#define TCTL_EN  0x00000002u
#define TCTL_PSP 0x00000008u

#define RXCSUM_IPOFL  0x00000100u
#define RXCSUM_TUOFL  0x00000200u
#define RXCSUM_IPV6OF 0x00000400u

#define RAH_AV 0x80000000u

/* Interrupt causes (13.4.17). */
#define ICR_TXDW    0x00000001u
#define ICR_TXQE    0x00000002u
#define ICR_LSC     0x00000004u
#define ICR_RXDMT0  0x00000010u
#define ICR_RXO     0x00000040u
#define ICR_RXT0    0x00000080u
#define ICR_MDAC    0x00000200u
#define ICR_PHYINT  0x00001000u
#define ICR_TXD_LOW 0x00008000u
#define ICR_SRPD    0x00010000u
#define ICR_ALL     0x0001f6dfu

#define E1000_MAC 6u

#define DESC_BYTES 16u

/* ---- transmitting ---- */

/* What a context descriptor sets (3.3.6). */
struct e1000_context {
    uint8_t ipcss, ipcso;
    uint8_t tucss, tucso;
    uint16_t ipcse, tucse;
    uint32_t paylen;
    uint8_t hdrlen;
    uint16_t mss;
    bool tcp, ipv4;
};

#define TX_MOST 16288u /* bytes of the longest frame (3.3.3) */
#define TX_IOV  512u   /* segments of a packet; one more has no room */
#define TX_RS   64u /* descriptors of one packet that are reported together */

/*
 * As much of a packet as is ever looked at or changed: its longest prototype
 * header, and an offset of 8 bits with the two bytes there.
 */
#define TX_HEAD 260u

/* A packet with what its descriptors ask for. */
struct e1000_packet {
    bool open;    /* its first data descriptor was seen */
    bool broken;  /* it is thrown away at its end */
    bool segment; /* TSE */
    bool vlan;
    uint16_t tag;
    bool ip_sum; /* insert the IP checksum, as the context says */
    bool sum;    /* insert a checksum over [css, cse] at cso */
    uint8_t css, cso;
    uint16_t cse;           /* 0: to the end */
    struct e1000_context c; /* as it was when the packet began */
    unsigned n;             /* segments in iov */
    size_t bytes;
};

/* Where in the packet, behind its head, the next frame begins. */
struct e1000_cursor {
    unsigned at;   /* the segment of iov */
    size_t skip;   /* bytes of it that are gone */
    size_t done;   /* bytes that are gone */
    unsigned part; /* the number of the frame */
};

/* A descriptor that is to be reported when its packet is sent. */
struct e1000_report {
    gpa_t at; /* of its status byte */
    uint8_t status;
};

struct e1000_tx {
    struct e1000_context context[2]; /* by TSE (3.3.6) */
    struct e1000_packet p;
    struct iovec iov[TX_IOV]; /* the packet, in guest memory */
    struct e1000_report reports[TX_RS];
    unsigned n_reports;
    bool at_once;          /* the interrupt for them is not delayed */
    bool sending;          /* the packet is complete, not all of it sent */
    uint8_t head[TX_HEAD]; /* the packet's first bytes */
    size_t n_head;
    struct e1000_cursor cursor;
    /* The frame being sent: header, head and a tag in our own memory. */
    struct {
        struct virtio_net_hdr_v1 hdr;
        uint8_t bytes[4 + TX_HEAD];
    } own;
    size_t n_own; /* of own.bytes */
    struct iovec frame[2 + TX_IOV];
    unsigned n_frame;
    size_t frame_bytes; /* without the header */
    uint8_t pad[60];    /* zeroes */
};

/* ---- receiving ---- */

struct e1000_rx {
    size_t held; /* bytes of a frame that waits for descriptors, or 0 */
    uint8_t status, errors;
    uint16_t tag, sum;
    uint8_t *bytes; /* of the frame: behind its header, and its tag if cut */
    struct {
        struct virtio_net_hdr_v1 hdr;
        uint8_t bytes[NET_MAX_FRAME + 4]; /* room for a check sequence */
    } in;
};

/* ---- time ---- */

enum e1000_timer {
    TIMER_TIDV,
    TIMER_TADV,
    TIMER_RDTR,
    TIMER_RADV,
    TIMER_THROTTLE,
    TIMER_NEGOTIATE,
    N_TIMERS,
};

/* ---- the chips beside it ---- */

#define EEPROM_WORDS 64u

enum microwire_state {
    MW_IDLE,    /* waits for a start bit */
    MW_COMMAND, /* opcode and address come in */
    MW_READ,    /* a word goes out */
    MW_WRITE,   /* a word comes in */
    MW_DONE,    /* until it is deselected */
};

struct e1000_eeprom {
    uint16_t words[EEPROM_WORDS];
    bool writable; /* after EWEN */
    enum microwire_state state;
    unsigned bits;  /* shifted in or out */
    uint16_t shift; /* what */
    uint8_t addr;
    uint8_t opcode;
    bool out; /* DO */
};

#define PHY_REGS 32u

struct e1000_phy {
    uint16_t regs[PHY_REGS];
    bool negotiating;
    bool link_lost; /* and not told: the link bit of register 1 latches */
};

struct e1000 {
    struct pci_func func;
    struct net *net;         /* borrowed */
    struct loop *loop;       /* borrowed */
    struct gmem *mem;        /* borrowed */
    struct chip_clock clock; /* ctx borrowed */
    struct loop_op turn;
    bool gone; /* unplugged: nothing moves any more */
    uint32_t reg[REGS_END / 4];
    uint32_t io_addr; /* IOADDR */
    uint32_t causes;  /* to be raised when the turn's work is done */
    bool tx_written;  /* descriptors were reported whose interrupt waits */
    bool rx_written;
    uint64_t quiet_until; /* no interrupt before: the throttle */
    uint64_t due[N_TIMERS];
    uint64_t armed; /* what the clock was told */
    struct e1000_eeprom eeprom;
    struct e1000_phy phy;
    struct e1000_tx tx;
    struct e1000_rx rx;
};

/* A register's value, by its offset. */
static inline uint32_t e1000_get(const struct e1000 *n, unsigned at)
{
    return n->reg[at / 4];
}

static inline void e1000_set(struct e1000 *n, unsigned at, uint32_t value)
{
    n->reg[at / 4] = value;
}

/* ---- e1000.c ---- */

/* Have the loop look at both rings. */
void e1000_post(struct e1000 *n);
/* CTRL.RST. */
void e1000_reset(struct e1000 *n);

/* ---- e1000_regs.c ---- */

/* Every register as after a reset; the address comes from the EEPROM. */
void e1000_regs_reset(struct e1000 *n);
/* Receive address 0, from the EEPROM. */
void e1000_load_address(struct e1000 *n);
extern const struct io_ops e1000_memory_ops, e1000_port_ops;

/* Count: a register that stays at its most, or one of 64 bits. */
void e1000_count(struct e1000 *n, unsigned reg, uint32_t by);
void e1000_count64(struct e1000 *n, unsigned reg, uint32_t by);
/* One of the six of a row, by the length of the frames. */
void e1000_count_size(struct e1000 *n, unsigned reg, size_t bytes, uint32_t by);

/* ---- e1000_irq.c ---- */

void e1000_irq_reset(struct e1000 *n);
/* Set causes; the line follows as mask and throttle let it. */
void e1000_raise(struct e1000 *n, uint32_t causes);
/* The work of a turn is done: causes and delays take effect. */
void e1000_irq_flush(struct e1000 *n);
/* After a change of cause, mask or interval. */
void e1000_irq_update(struct e1000 *n);
void e1000_irq_throttle(struct e1000 *n);
void e1000_timer_set(struct e1000 *n, enum e1000_timer t, uint64_t ns);
void e1000_timer_stop(struct e1000 *n, enum e1000_timer t);

/* ---- rings ---- */

/* Descriptors in a ring whose length register is at len, or 0. */
static inline uint32_t e1000_ring_size(const struct e1000 *n, unsigned len)
{
    return e1000_get(n, len) / DESC_BYTES;
}

/* Where a descriptor is; one behind the end of all addresses is nowhere. */
static inline gpa_t e1000_ring_at(const struct e1000 *n, unsigned base,
                                  uint32_t index)
{
    const uint64_t low = e1000_get(n, base);
    const uint64_t high = (uint64_t)e1000_get(n, base + 4) << 32;
    uint64_t at;

    if (!checked_add(high | low, (uint64_t)index * DESC_BYTES, &at))
        at = UINT64_MAX;
    return GPA(at);
}

/* ---- e1000_tx.c ---- */

void e1000_transmit(struct e1000 *n);
void e1000_tx_reset(struct e1000 *n);

/* ---- e1000_send.c ---- */

/* A packet is complete: check it, take its head. False: it is dropped. */
bool e1000_packet_begin(struct e1000 *n);
/* Send what is left of it, *budget frames at most. True: all is sent. */
bool e1000_packet_send(struct e1000 *n, unsigned *budget);

/* ---- e1000_rx.c ---- */

void e1000_receive(struct e1000 *n);
void e1000_rx_reset(struct e1000 *n);

/* ---- e1000_filter.c ---- */

enum e1000_match {
    MATCH_NONE,
    MATCH_EXACT,
    MATCH_HASH, /* the table of hashes alone let it pass */
};

enum e1000_match e1000_filter(const struct e1000 *n, const uint8_t *frame);
bool e1000_filter_vlan(const struct e1000 *n, uint16_t tag);

/* ---- e1000_phy.c ---- */

void e1000_phy_init(struct e1000 *n);
void e1000_phy_reset(struct e1000 *n);
/* The cable was pulled or put in, or negotiation is over. */
void e1000_phy_cable(struct e1000 *n);
void e1000_phy_negotiated(struct e1000 *n);
bool e1000_link_up(const struct e1000 *n);
/* STATUS, as far as the link makes it. */
uint32_t e1000_phy_status(const struct e1000 *n);
void e1000_mdic_write(struct e1000 *n, uint32_t value);

/* ---- e1000_eeprom.c ---- */

void e1000_eeprom_init(struct e1000_eeprom *e, const uint8_t mac[E1000_MAC]);
uint32_t e1000_eecd_read(const struct e1000 *n);
void e1000_eecd_write(struct e1000 *n, uint32_t value);
void e1000_eerd_write(struct e1000 *n, uint32_t value);

#endif
