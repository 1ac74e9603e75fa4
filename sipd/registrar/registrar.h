/*
 * registrar.h: the embedded meeting point: registrar, record-routing forking
 * proxy and STUN in this process, for a demo, a lab or a small team.
 */
#ifndef DIALTONE_REGISTRAR_H
#define DIALTONE_REGISTRAR_H

#include <re.h>
#include "sdp/base/clock.h"

struct registrar;
struct quota;

struct registrar_conf {
	const char *listen;     /* "udp:0.0.0.0:5060,tcp:0.0.0.0:5060,..." */
	const char *domain;     /* comma list; "": the listen addresses */
	const char *users_file; /* lines "user:password" or
	                           "user:realm:HA1-MD5[:HA1-SHA256]" */
	const char *tls_cert;   /* PEM with key, for tls: */
	bool stun;              /* answer STUN Binding on the UDP port */
	uint32_t expires_max;   /* s, default 3600 */
	struct quota *quota;    /* it outlives the registrar; NULL: no limits */
};

/* Errors come with one sentence in why. */
int registrar_alloc(struct registrar **rp, struct timers *timers,
		    const struct registrar_conf *conf, char *why,
		    size_t why_size);

/* Read the users file again (SIGHUP). */
int registrar_reload(struct registrar *r, char *why, size_t why_size);

/* Users online, bindings, calls forwarded...: one JSON object. */
int registrar_status(struct re_printf *pf, const struct registrar *r);

#endif
