/*
 * turnlinkimpl.h: a connection to a TURN server as its own files see it:
 *
 *   turnlink.c, control's end -> turnconn.c, the worker's -> turnout.c
 *                                                         -> turnin.c
 */
#ifndef DIALTONE_TURNLINKIMPL_H
#define DIALTONE_TURNLINKIMPL_H

#include "sdp/base/outside.h"
#include "tunnels/flow/tcpconn.h"
#include "tunnels/flow/turnlink.h"
#include "tunnels/flow/workerimpl.h"

enum { TURNCONN_WHY_MAX = 160 };

struct turnconn;

/* From one relayed address. */
struct rlink {
	struct link l;
	struct turnconn *c;     /* a reference */
};

struct turnchan {
	uint16_t number;
	struct sa peer;
};

/* The worker's part. */
struct turnconn {
	struct link l;          /* to the server itself */
	struct worker *w;
	struct outside *outside;        /* the server */
	struct reports *reports;
	struct turnlink_conf conf;
	struct udp *udp;
	struct loop_fd lf;
	struct tcpconn *tcp;
	struct rlink *relayed[2];       /* the table's */
	struct turnchan chanv[TURNLINK_CHANNELS];
	unsigned chanc, chan_last;
	uint8_t *out;                   /* packets with their headers */
	size_t out_len, out_start, out_seg;
	uint8_t *last;
	size_t last_len;
	struct timer linger;
	bool ended;
	/* to control */
	struct report up, down;
	struct sa server;
	int err;
	char why[TURNCONN_WHY_MAX];
};

#endif
