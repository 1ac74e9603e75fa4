/*
 * fwspec.h: what the user wants forwarded, in ssh's words.
 */
#ifndef DIALTONE_FWSPEC_H
#define DIALTONE_FWSPEC_H

#include <re.h>
#include "tunnels/forward/fwwire.h"

enum { FWSPEC_MAX = 64 };

struct fwspec {
	bool remote;                    /* -R: the far side listens */
	char bind[64];                  /* address to listen on, "localhost",
	                                   "*" */
	uint16_t port;                  /* 0: any that is free */
	char host[FWW_HOST_MAX + 1];
	uint16_t hport;
};

/* The words after `forward`: [-L|-R] [bind:]port:host:hostport ... EINVAL
 * with why, one sentence. */
int fwspec_decode(struct fwspec v[FWSPEC_MAX], size_t *n, char *const *argv,
		  size_t argc, char *why, size_t why_size);

/* "127.0.0.1:80", "[::1]:80", "host:80"; for %H by way of fwplace. */
struct fwplace {
	const char *host;
	uint16_t port;
};
int fwplace_print(struct re_printf *pf, const struct fwplace *p);

#endif
