/*
 * checkimpl.h: one `dial check` as its own files see it:
 *
 *   check.c -> checknat.c, checkhost.c, checkrelay.c -> checkfind.c
 *      when all is told, with --lifetime -> checklife.c ------^
 */
#ifndef DIALTONE_CHECKIMPL_H
#define DIALTONE_CHECKIMPL_H

#include "modules/path/natcheck.h"
#include "modules/path/natlife.h"
#include "modules/path/relay.h"
#include "sdp/base/resolve.h"
#include "sipd/checksip.h"
#include "sipd/checktls.h"
#include "sipd/conn.h"

/* In the order they are told in. */
enum check_what {
	CHECK_UDP, CHECK_ADDRESS, CHECK_MAPPING, CHECK_FILTERING,
	CHECK_PORTS, CHECK_HAIRPIN, CHECK_IPV6, CHECK_PORTMAP,
	CHECK_RELAY, CHECK_SIP_ALG, CHECK_DNS, CHECK_TLS_443, CHECK_VERDICT,
	CHECK_LIFETIME, CHECK_WHATS
};

struct check_finding {
	char value[48], text[200];
};

/* One relay that is asked. */
struct check_relay {
	struct check *ck;
	char name[48];
	struct natcheck *udp;
	struct checktls *tcp;
};

struct check {
	struct le le;
	struct conn *conn;
	char *tag;
	struct house *house;
	struct timer timer, dns_timer;
	uint64_t begin, dns_begin;
	unsigned waiting;               /* parts that are not done */
	struct natcheck *nat4, *nat6;
	struct natlife *life;
	struct resolve *dns;
	struct checksip *sip;
	struct checktls *tls;
	struct check_relay relayv[RELAYS_MAX];
	unsigned relays_waiting;
	char host[128];                 /* that is asked for */
	uint16_t sip_port;              /* 0: SIP does not go by UDP */
	struct nat nat;                 /* by IPv4 */
	bool asked;                     /* there was a STUN server for it */
	bool mapped;                    /* a router lets our port in */
	unsigned found;                 /* bits of enum portmap_proto */
	struct check_finding v[CHECK_WHATS];
	/* instead of the end, when all is told; or NULL */
	void (*nexth)(struct check *ck);
};

/* Note a finding: value is a word or two, fmt the rest of the line. */
void check_find(struct check *ck, enum check_what what, const char *value,
		const char *fmt, ...);

/* One part is done; after the last everything is told and ck is gone, unless
 * it has a nexth, which has to call check_end. */
void check_done(struct check *ck);

/* Tell what was found since, and the end; ck is gone. */
void check_end(struct check *ck);

#endif
