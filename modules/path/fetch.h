/*
 * fetch.h: one HTTP request to an address, by libre's loop, within a time.
 */
#ifndef DIALTONE_FETCH_H
#define DIALTONE_FETCH_H

#include "modules/path/http.h"
#include "sdp/base/clock.h"

struct fetch;

/* scode 0: nothing came, or no answer. Called once, unless the fetch is
 * dropped before; it may drop it. */
typedef void (fetch_h)(unsigned scode, const struct pl *body, void *arg);

/* Connects to dst and sends req, which is copied; over after limit ns. Without
 * an error h is called later, never in here. mem_deref gives it up. */
int fetch_alloc(struct fetch **fp, struct timers *timers, uint64_t limit,
		const struct sa *dst, const char *req, size_t len,
		fetch_h *h, void *arg);

#endif
