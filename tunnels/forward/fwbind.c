/*
 * fwbind.c: sockets that are listened on, TCP's and UDP's, of both families
 * where there are both.
 *
 *   port 0: 127.0.0.1, any --> ::1, the same --> taken: both anew
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "tunnels/forward/dialout.h"
#include "tunnels/forward/fwbind.h"

/* The kernel chooses a port that is free for the first address. With half of
 * the second's taken, one time in 65536 none of so many is free there too. */
enum { TRIES = 16 };

size_t fwbind_addrs(struct sa v[2], const char *bind, uint16_t port)
{
	sa_init(&v[0], AF_UNSPEC);      /* sa_set leaves the scope as it was */
	sa_init(&v[1], AF_UNSPEC);
	if (!strcmp(bind, "localhost"))
		return !sa_set_str(&v[0], "127.0.0.1", port) +
		       !sa_set_str(&v[1], "::1", port);
	if (!strcmp(bind, "*"))
		return !sa_set_str(&v[0], "0.0.0.0", port) +
		       !sa_set_str(&v[1], "::", port);
	return !sa_set_str(&v[0], bind, port);
}

void fwbind_close(struct fwbind *b)
{
	while (b->n)
		(void)close(b->fdv[--b->n]);
}

static void options(int fd, int af, int type)
{
	const int on = 1;

	if (type == SOCK_STREAM) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof on);
		dialout_options(fd);    /* what is accepted inherits them */
	}
	if (af == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof on);
}

static int open_socket(int *fdp, int type, struct sa *sa)
{
	int err, fd = socket(sa_af(sa), type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			     0);

	if (fd < 0)
		return errno;
	options(fd, sa_af(sa), type);
	sa->len = sizeof sa->u;
	if (bind(fd, &sa->u.sa, sa_af(sa) == AF_INET ?
		 sizeof sa->u.in : sizeof sa->u.in6) ||
	    (type == SOCK_STREAM && listen(fd, SOMAXCONN)) ||
	    getsockname(fd, &sa->u.sa, &sa->len)) {
		err = errno;
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

/* A host without IPv6 listens on IPv4 alone. */
static bool no_family(int err)
{
	return err == EAFNOSUPPORT || err == EADDRNOTAVAIL;
}

static int open_all(struct fwbind *b, int type, const char *bind,
		    uint16_t port)
{
	struct sa v[2];
	size_t n;
	int err;

	/* libre leaves the flow and the scope of IPv6 as they are */
	memset(v, 0, sizeof v);
	n = fwbind_addrs(v, bind, port);
	err = n ? 0 : EINVAL;
	for (size_t i = 0; i < n; i++) {
		/* both families the same, also if the kernel has chosen */
		if (b->n && !port)
			sa_set_port(&v[i], sa_port(&b->addrv[0]));
		err = open_socket(&b->fdv[b->n], type, &v[i]);
		if (err && no_family(err) && n > 1)
			continue;
		if (err)
			return err;
		b->addrv[b->n++] = v[i];
	}
	return b->n ? 0 : err;
}

int fwbind_open(struct fwbind *b, int type, const char *bind, uint16_t port)
{
	int err;

	memset(b, 0, sizeof *b);
	for (int i = 0; i < TRIES; i++) {
		err = open_all(b, type, bind, port);
		if (err)
			fwbind_close(b);
		if (err != EADDRINUSE || port)
			break;
	}
	return err;
}
