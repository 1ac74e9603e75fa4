/*
 * conf.h: what the emulator is told to be, its clock, its dice, its counters.
 * Names are those of RFC 4787 (UDP), RFC 5382 (TCP), RFC 5508 (ICMP).
 */
#ifndef NATEMU_CONF_H
#define NATEMU_CONF_H

#include <stdio.h>
#include "wire.h"

#define SEC 1000000000LL
#define MSEC 1000000LL

enum mode { M_NAT, M_FW, M_PASS, M_DROP };
enum mapping { EIM, ADM, APDM };
enum filter { EIF, ADF, APDF };
enum alloc { PRESERVE, SEQ, RANDOM, BLOCK };
enum refusal { R_DROP, R_RST, R_ICMP };
enum hairpin { HAIRPIN_OFF, HAIRPIN_EXT, HAIRPIN_INT };
enum alg { ALG_OFF, ALG_GOOD, ALG_BAD };
enum { ALLOW_MAX = 32 };

struct allow { int proto, lo, hi; };

struct conf {
	const char *in, *out, *label, *stats;
	int v4, v6;                     /* enum mode */
	int map[P_N], filter[P_N];
	int alloc, delta, lo, hi, start, block;
	double noise;                   /* ports a second others take */
	int hairpin, refresh_in, simopen, rst_del, icmp, frag;
	int syn, udp;                   /* enum refusal of what is unasked */
	double syn_delay;               /* s */
	double udp_to, syn_to, est_to, fin_to, icmp_to; /* s */
	double udp_life;                /* s; 0: as long as it is used */
	int max_map, max_sess, new_rate, scan_limit, scan_ban;
	int lru, alg, reject, dpi;
	struct addr ext, spare;
	struct allow allow[ALLOW_MAX];
	int allowc;
	double delay[2], jitter[2], loss[2], rate[2];   /* ms, %, kbit/s */
	double queue, dup, reorder;     /* ms, %, % */
	int verbose;
};
extern struct conf conf;

/* Exits with 2 and a word about what is wrong. */
void conf_parse(int argc, char *argv[]);
_Noreturn void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

extern int64_t now;                     /* ns, monotonic */
void tick(void);

void rnd_seed(uint64_t seed);
uint64_t rnd(void);
double rnd01(void);

#define COUNTERS(X) \
	X(out_packets) X(out_bytes) X(in_packets) X(in_bytes) X(hairpinned) \
	X(maps_made) X(maps_expired) X(maps_evicted) X(maps_max) \
	X(sess_made) X(sess_max) X(simopen_passed) X(port_not_preserved) \
	X(drop_out_policy) X(drop_dpi) X(drop_table_full) X(drop_sess_full) \
	X(drop_rate) X(drop_no_port) X(drop_hairpin) X(drop_in_no_map) \
	X(drop_in_filtered) X(drop_syn_unsolicited) X(drop_tcp_no_session) \
	X(drop_scan_ban) X(drop_icmp) X(drop_frag) X(drop_malformed) \
	X(drop_family) X(drop_loss) X(drop_queue) X(sent_rst) X(sent_icmp) \
	X(icmp_errors_passed) X(alg_rewrites)
#define X(n) C_##n,
enum { COUNTERS(X) C_N };
#undef X
extern uint64_t count[C_N];
#define COUNT(n) (count[C_##n]++)
/* One line of JSON; maps and sess are how many there are now. */
void count_print(const char *why, int maps, int sess);

#endif
