/*
 * upnp.h: the texts of UPnP that a port mapping needs: SSDP, the description
 * of a device, SOAP (UPnP Device Architecture 1.1; Internet Gateway Device 1
 * and 2). Nothing is allocated.
 */
#ifndef DIALTONE_UPNP_H
#define DIALTONE_UPNP_H

#include <re.h>

enum {
	UPNP_SSDP_PORT = 1900,
	UPNP_PATH_MAX = 255,
	UPNP_REQUEST_MAX = 2048,        /* bytes of an HTTP request */
};

/* Where something is asked for; the host is a literal. */
struct upnp_url {
	struct sa host;
	char path[UPNP_PATH_MAX + 1];
};

/* An M-SEARCH for gateways of this version, to host. The length, 0 if buf is
 * too small. */
size_t upnp_search(char *buf, size_t size, const struct sa *host,
		   unsigned version);

/* Read the answer to it. EBADMSG: none, or it leads elsewhere than to `host`,
 * which sent it. */
int upnp_location(struct upnp_url *url, const struct sa *host,
		  const char *p, size_t len);

/* The service that maps ports, of the description that came from `from`.
 * *type is static. ENOENT: there is none, or its URL leads elsewhere. */
int upnp_service(struct upnp_url *url, const char **type,
		 const struct upnp_url *from, const struct pl *desc);

struct upnp_arg {
	const char *name;               /* NULL: the last */
	const char *value;              /* without <, > and & */
};

/* Write the request for a document, or for an action of a service. The
 * length, 0 if buf is too small. */
size_t upnp_get(char *buf, size_t size, const struct upnp_url *url);
size_t upnp_action(char *buf, size_t size, const struct upnp_url *url,
		   const char *type, const char *action,
		   const struct upnp_arg *argv);

/* The text of the first element of this name, namespaces aside. */
bool upnp_value(struct pl *val, const struct pl *xml, const char *name);

#endif
