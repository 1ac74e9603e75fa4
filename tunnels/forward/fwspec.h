/*
 * fwspec.h: what the user wants forwarded, in ssh's words.
 */
#ifndef DIALTONE_FWSPEC_H
#define DIALTONE_FWSPEC_H

#include <re.h>
#include "tunnels/forward/fwwire.h"

enum { FWSPEC_MAX = 64 };

enum fwspec_how { FWSPEC_LOCAL, FWSPEC_REMOTE, FWSPEC_STDIO };

struct fwspec {
	enum fwspec_how how;            /* -L and -D, -R, -W */
	enum fwwire_target target;      /* FWW_SOCKS: each client says where */
	char bind[FWW_HOST_MAX + 1];    /* address to listen on, "localhost",
	                                   "*", or a Unix socket's path */
	uint16_t port;                  /* 0: any that is free */
	char host[FWW_HOST_MAX + 1];    /* or a Unix socket's path */
	uint16_t hport;
};

/* The words after `forward`: [-L|-R] [udp:] [bind:]port:host:hostport, -D or -R
 * [bind:]port, -W host:hostport; a path stands for bind:port or host:hostport.
 * EINVAL with why, one sentence. */
int fwspec_decode(struct fwspec v[FWSPEC_MAX], size_t *n, char *const *argv,
		  size_t argc, char *why, size_t why_size);

/* Is one of these words -W? */
bool fwspec_stdio(char *const *argv, size_t argc);

/* "127.0.0.1:80", "[::1]:80", "host:80", "/run/x"; for %H by way of fwplace. */
struct fwplace {
	const char *host;
	uint16_t port;
};
int fwplace_print(struct re_printf *pf, const struct fwplace *p);

#endif
