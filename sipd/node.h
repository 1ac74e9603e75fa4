/*
 * node.h: one running Dialtone: configuration, switchboard, control and, if
 * asked for, the meeting point. sipd runs one for good; dial runs one in its
 * own process when no sipd does.
 */
#ifndef DIALTONE_NODE_H
#define DIALTONE_NODE_H

#include "sipd/control.h"

struct node;

/* FILE NULL: defaults. A HOUSE_DAEMON also listens on the control socket and
 * runs the meeting point. On error one sentence in why. */
int node_alloc(struct node **np, const char *file, enum house_role role,
	       char *why, size_t size);

const struct conf *node_conf(const struct node *n);

/* Serve control lines on one more descriptor, which becomes the node's. */
int node_serve(struct node *n, int fd);

/* Read the configuration again. If it is wrong the old one stays. */
int node_reload(struct node *n, char *why, size_t size);

/* End all sessions and registrations, then doneh. */
void node_close(struct node *n, void (*doneh)(void *arg), void *arg);

/* Many calls, and many forwarded connections, need many descriptors: as the
 * hard limit allows. Once, after libre_init. */
void node_limits(void);

#endif
