/*
 * control.h: the control socket, by which dial gives orders (conn.h).
 *
 * It is made with mode 0600: who may open it may do everything. If the
 * configuration expects guests it is open to all, and each connection is
 * judged by its user (guest.h).
 */
#ifndef DIALTONE_CONTROL_H
#define DIALTONE_CONTROL_H

#include "sipd/conn.h"

struct control;

/* env is copied; the board must outlive the control. */
int control_alloc(struct control **cp, const struct control_env *env);

/* Listen on a socket path; an old socket that nobody answers is replaced.
 * open: for guests too. EADDRINUSE: somebody does. */
int control_listen(struct control *c, const char *path, bool open);

/* Serve one connected descriptor, which is then the control's. */
int control_serve(struct control *c, int fd);

#endif
