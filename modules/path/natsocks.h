/*
 * natsocks.h: several fresh UDP sockets on one address of ours, for those who
 * probe a NAT: natcheck.c, natlife.c.
 */
#ifndef DIALTONE_NATSOCKS_H
#define DIALTONE_NATSOCKS_H

#include <re.h>

struct natsocks;

/* Whatever came to socket number sock; may drop the natsocks. */
typedef void (natsocks_recv_h)(unsigned sock, const struct sa *src,
			       const uint8_t *buf, size_t len, void *arg);

/* Open n sockets, on our address towards dst. ENETUNREACH and the like:
 * that cannot be sent to. */
int natsocks_alloc(struct natsocks **np, unsigned n, const struct sa *dst,
		   natsocks_recv_h *h, void *arg);

/* The address of a socket; EINVAL: there is no such socket. */
int natsocks_local(const struct natsocks *ns, unsigned sock, struct sa *local);

/* Send; what fails is lost, as packets are. */
void natsocks_send(struct natsocks *ns, unsigned sock, const struct sa *dst,
		   const uint8_t *buf, size_t len);

#endif
