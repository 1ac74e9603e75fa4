/*
 * signals.h: SIGINT, SIGTERM and SIGHUP as events of libre's loop.
 */
#ifndef DIALTONE_SIGNALS_H
#define DIALTONE_SIGNALS_H

struct signals;

typedef void (signals_h)(int sig, void *arg);

/* Call it before any thread is made, so that all of them leave the signals to
 * this one. SIGPIPE and SIGXFSZ are ignored from now on: errors will do. */
int signals_alloc(struct signals **sp, signals_h *h, void *arg);

#endif
