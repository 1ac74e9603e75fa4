/*
 * daemon.h: sipd after main.c has given up root's rights.
 */
#ifndef DIALTONE_DAEMON_H
#define DIALTONE_DAEMON_H

#include <stdbool.h>

/* sipd -t, with a peer or NULL: say what is wrong, or what it may do. The
 * exit code. was_root: started as root, so that it has to be the user now that
 * the configuration names. */
int daemon_check(const char *file, const char *peer, bool was_root);

/* Until SIGTERM or SIGINT, or an error that is told on stderr. FILE NULL:
 * defaults. The exit code. */
int daemon_run(const char *file, int verbose, bool was_root);

#endif
