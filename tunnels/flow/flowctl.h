/*
 * flowctl.h: what passes between the control thread's handle of a flow and
 * the connection on its worker: orders down, reports up.
 *
 *   control: flowctl_path, _close ... --> h(orders) on the worker
 *            securedh, endedh         <-- flowctl_secured, flowctl_ended
 */
#ifndef DIALTONE_FLOWCTL_H
#define DIALTONE_FLOWCTL_H

#include <pthread.h>
#include <stdatomic.h>
#include <re.h>
#include "tunnels/flow/flowend.h"
#include "tunnels/flow/loop.h"
#include "tunnels/flow/report.h"

enum {
	FLOWCTL_TEXT_MAX = 256,         /* of a reason phrase, with its NUL */
	FLOWCTL_CHAIN_MAX = 16384,      /* bytes of certificates */
};

/* What control wants, the latest of each kind. */
struct orders {
	bool path, close, drop;
	int proto;
	struct sa local, remote;
	uint64_t code;
	char text[FLOWCTL_TEXT_MAX];
};

typedef void (orders_h)(const struct orders *o, void *arg);

/* Embedded in the worker's connection, which outlives the handle. */
struct flowctl {
	struct loop *loop;
	struct reports *reports;
	pthread_mutex_t lock;
	bool posted;                    /* the worker has been told to look */
	struct orders orders;
	orders_h *h;                    /* on the worker */
	void *harg;
	_Atomic uint64_t consent;       /* nothing is sent after this */
	_Atomic bool stalled;           /* for want of it */

	/* to control */
	struct report secured, ended;
	void (*securedh)(void *arg);
	void (*endedh)(void *arg);
	void *arg;
	enum flow_end why;              /* filled before endedh is told */
	uint64_t code;
	char text[FLOWCTL_TEXT_MAX];
	uint8_t got_fp[32];
	uint8_t *chain;                 /* filled before securedh is told */
	size_t chain_len;
};

void flowctl_init(struct flowctl *f, struct loop *l, struct reports *r,
		  orders_h *h, void *harg);
void flowctl_release(struct flowctl *f);

/* By control. A path was selected because its check was answered: that is
 * consent for 30 s. After close no report comes; drop closes with code 0 if
 * nobody has, and gives the connection up. */
void flowctl_path(struct flowctl *f, int proto, const struct sa *local,
		  const struct sa *remote);
void flowctl_consent(struct flowctl *f, uint64_t until);
void flowctl_close(struct flowctl *f, uint64_t code, const char *text);
void flowctl_drop(struct flowctl *f);

/* On the worker. May anything be sent now (RFC 7675)? If not, h is called
 * when it may. */
bool flowctl_allowed(struct flowctl *f, uint64_t now);
void flowctl_secured(struct flowctl *f);

/* The next of the peer's certificates, DER, before flowctl_secured. EOVERFLOW:
 * together they are more than FLOWCTL_CHAIN_MAX. */
int flowctl_cert(struct flowctl *f, const uint8_t *der, size_t n);
void flowctl_ended(struct flowctl *f, enum flow_end why, uint64_t code,
		   const char *text);

#endif
