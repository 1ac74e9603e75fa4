/*
 * parley.h: a few records said in turn on one stream, which the caller opens,
 * and then it is over: what the kinds `pair` and `greet` are made of.
 *
 *   parley_start --> takev[next] for what the peer says --> parley_over
 *                      \--> parley_say(what, next)
 */
#ifndef DIALTONE_PARLEY_H
#define DIALTONE_PARLEY_H

#include "tunnels/ending.h"
#include "tunnels/record.h"

/* The body of the record that had to come. 0 or an error, which ends it:
 * EACCES as a disagreement, which the peer is told, others as nonsense. */
typedef int (parley_take_h)(void *arg, const uint8_t *p, size_t n);

struct parley_conf {
	bool caller;
	uint8_t first;                  /* callee: what the caller says first */
	parley_take_h *const *takev;    /* by record type */
	const char *disagreement;       /* a sentence for EACCES */
	void *arg;
};

/* Embedded in a tunnel, all zero at first. */
struct parley {
	struct parley_conf conf;
	struct flow *flow;
	unsigned number;
	uint8_t next;
	struct tunnel_events ev;        /* what end says goes there */
	struct ending end;
	struct timer timer;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	uint8_t last;                   /* to say when our side has heard */
	struct loop_defer defer;
};

/* The caller has its stream then and says the first record by parley_say. */
int parley_start(struct parley *p, const struct parley_conf *conf,
		 const struct tunnel_way *way,
		 const struct tunnel_events *ev);

/* Say this; the peer's next record has to be of type next, 0: none, and our
 * direction of the stream is ended. */
int parley_say(struct parley *p, uint8_t type, const void *body, size_t n,
	       uint8_t next);

/* Say this, and that it is over without an error: our own side hears so before
 * the peer can, who then hangs up. */
void parley_last(struct parley *p, uint8_t type);

/* The first reason counts. */
void parley_over(struct parley *p, int err, const char *text);

/* For the tunnel's destructor. */
void parley_stop(struct parley *p);

#endif
