/*
 * socks.c: what a client of -D asks for.
 *
 *   05 n methods -> 05 00        05 01 00 type address port -> 05 rep ...
 *   04 01 port 0.0.0.x user 0 [name 0]                      -> 00 5a ...
 *   CONNECT host:port HTTP/1.1 ... empty line               -> HTTP/1.1 200
 */
#include <errno.h>
#include <string.h>
#include "tunnels/forward/socks.h"

enum { CMD_CONNECT = 1, CMD_UDP = 3 };
enum { TYPE_V4 = 1, TYPE_NAME = 3, TYPE_V6 = 4 };

/* A name goes to the far side's resolver; nothing else may come of it. */
static bool host_ok(const char *host)
{
	return *host && !host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_.:")];
}

static int set_host(struct socks *so, const uint8_t *p, size_t n)
{
	if (n > FWW_HOST_MAX)
		return EBADMSG;
	memcpy(so->host, p, n);
	so->host[n] = '\0';
	return strlen(so->host) == n && host_ok(so->host) ? 0 : EBADMSG;
}

static void set_addr(struct socks *so, int af, const uint8_t *p)
{
	struct sa sa;

	if (af == AF_INET)
		sa_set_in(&sa, (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			  (uint32_t)p[2] << 8 | p[3], 0);
	else
		sa_set_in6(&sa, p, 0);
	(void)re_snprintf(so->host, sizeof so->host, "%j", &sa);
}

static uint16_t get_port(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static int greeting5(struct socks *so, const uint8_t *p, size_t n,
		     size_t *used)
{
	if (n < 2 || n < 2u + p[1])
		return EAGAIN;
	if (!memchr(p + 2, 0, p[1]))    /* 0: no authentication */
		return EPERM;
	so->greeted = true;
	*used = 2u + p[1];
	return EAGAIN;
}

/* Type, address, port. EAGAIN: more is to come. */
static int address5(struct socks *so, const uint8_t *p, size_t n,
		    size_t *used)
{
	const uint8_t *at;
	size_t len;

	if (n < 2)
		return EAGAIN;
	if (p[0] != TYPE_V4 && p[0] != TYPE_V6 && p[0] != TYPE_NAME)
		return EAFNOSUPPORT;
	len = p[0] == TYPE_V4 ? 4 : p[0] == TYPE_V6 ? 16 : p[1];
	at = p + 1 + (p[0] == TYPE_NAME);
	if (n < (size_t)(at - p) + len + 2)
		return EAGAIN;
	so->port = get_port(at + len);
	*used = (size_t)(at - p) + len + 2;
	if (p[0] == TYPE_NAME)
		return set_host(so, at, len);
	set_addr(so, p[0] == TYPE_V4 ? AF_INET : AF_INET6, at);
	return 0;
}

static int request5(struct socks *so, const uint8_t *p, size_t n,
		    size_t *used)
{
	size_t len = 0;
	int err;

	if (n < 4)
		return EAGAIN;
	if (p[0] != SOCKS_5)
		return EBADMSG;
	err = address5(so, p + 3, n - 3, &len);
	if (err == EAGAIN || err == EAFNOSUPPORT)
		return err;
	if (p[1] != CMD_CONNECT && p[1] != CMD_UDP)
		return EOPNOTSUPP;
	so->udp = p[1] == CMD_UDP;
	*used = 3 + len;
	return so->udp ? 0 : err;
}

int socks_packet(struct socks *so, const uint8_t *p, size_t n, size_t *used)
{
	size_t len;

	if (n < 3 || p[2] || address5(so, p + 3, n - 3, &len) || !so->port)
		return EBADMSG;
	*used = 3 + len;
	return 0;
}

static int request4(struct socks *so, const uint8_t *p, size_t n,
		    size_t *used)
{
	const uint8_t *user_end, *name, *end;

	user_end = n > 8 ? memchr(p + 8, 0, n - 8) : NULL;
	if (!user_end)
		return EAGAIN;
	if (p[1] != CMD_CONNECT)
		return EOPNOTSUPP;
	so->port = get_port(p + 2);
	name = user_end + 1;
	/* 4A: 0.0.0.x says that a name follows */
	if (p[4] || p[5] || p[6] || !p[7]) {
		set_addr(so, AF_INET, p + 4);
		*used = (size_t)(name - p);
		return 0;
	}
	end = memchr(name, 0, n - (size_t)(name - p));
	if (!end)
		return EAGAIN;
	*used = (size_t)(end + 1 - p);
	return set_host(so, name, (size_t)(end - name));
}

/* "host:port" or "[v6]:port" */
static int authority(struct socks *so, const struct pl *pl)
{
	struct pl host = *pl, port;

	port.p = pl_strrchr(pl, ':');
	if (!port.p)
		return EBADMSG;
	++port.p;
	port.l = (size_t)(pl->p + pl->l - port.p);
	host.l = (size_t)(port.p - 1 - pl->p);
	for (size_t i = 0; i < port.l; i++)
		if (port.p[i] < '0' || port.p[i] > '9')
			return EBADMSG;
	if (!port.l || port.l > 5 || pl_u32(&port) > 65535)
		return EBADMSG;
	if (host.l > 2 && host.p[0] == '[' && host.p[host.l - 1] == ']') {
		++host.p;
		host.l -= 2;
	}
	so->port = (uint16_t)pl_u32(&port);
	return set_host(so, (const uint8_t *)host.p, host.l);
}

static int request_http(struct socks *so, const uint8_t *p, size_t n,
			size_t *used)
{
	const uint8_t *end = memmem(p, n, "\r\n\r\n", 4);
	struct pl target;

	if (!end)
		return EAGAIN;
	*used = (size_t)(end + 4 - p);
	if (n < 8 || memcmp(p, "CONNECT ", 8))
		return EOPNOTSUPP;
	target.p = (const char *)p + 8;
	target.l = 0;
	while (target.p + target.l < (const char *)end &&
	       !strchr(" \r\n", target.p[target.l]))
		++target.l;
	return authority(so, &target);
}

/* Any of HTTP's methods, so that its clients are answered in HTTP. */
static bool is_method(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

int socks_decode(struct socks *so, const uint8_t *p, size_t n, size_t *used)
{
	int err;

	*used = 0;
	if (!n)
		return EAGAIN;
	if (!so->proto)
		so->proto = p[0] == SOCKS_5 || p[0] == SOCKS_4 ?
			(enum socks_proto)p[0] :
			is_method(p[0]) ? SOCKS_HTTP : SOCKS_NONE;
	switch (so->proto) {
	case SOCKS_5:    err = so->greeted ? request5(so, p, n, used) :
				 greeting5(so, p, n, used);
		break;
	case SOCKS_4:    err = request4(so, p, n, used); break;
	case SOCKS_HTTP: err = request_http(so, p, n, used); break;
	default:         return EBADMSG;
	}
	if (!err && !so->udp && (!so->port || !*so->host))
		err = EBADMSG;
	return err == EAGAIN && !*used && n >= SOCKS_REQUEST_MAX ? EBADMSG :
		err;
}

/* RFC 1928, 6; HTTP's as a client can act on them. */
static const struct {
	int err;
	uint8_t rep;
	const char *http;
} replyv[] = {
	{ 0,            0, "200 Connection established" },
	{ EACCES,       2, "403 Forbidden" },
	{ EPERM,        2, "403 Forbidden" },
	{ ENETUNREACH,  3, "502 Bad Gateway" },
	{ EHOSTUNREACH, 4, "502 Bad Gateway" },
	{ ENOENT,       4, "502 Bad Gateway" },
	{ ECONNREFUSED, 5, "502 Bad Gateway" },
	{ ETIMEDOUT,    6, "504 Gateway Timeout" },
	{ EOPNOTSUPP,   7, "405 Method Not Allowed" },
	{ EAFNOSUPPORT, 8, "400 Bad Request" },
	{ EBADMSG,      1, "400 Bad Request" },
};

/* BND.ADDR: asked for only by UDP's clients. */
static size_t put_addr(uint8_t *p, const struct sa *sa)
{
	const uint32_t v4 = sa_af(sa) == AF_INET ? sa_in(sa) : 0;
	const uint16_t port = sa_isset(sa, SA_PORT) ? sa_port(sa) : 0;
	size_t n = 1;

	if (sa_af(sa) == AF_INET6) {
		p[0] = TYPE_V6;
		sa_in6(sa, p + 1);
		n += 16;
	}
	else {
		p[0] = TYPE_V4;
		for (unsigned i = 0; i < 4; i++)
			p[n++] = (uint8_t)(v4 >> (24 - 8 * i));
	}
	p[n++] = (uint8_t)(port >> 8);
	p[n++] = (uint8_t)port;
	return n;
}

static size_t reply5(uint8_t *p, const struct socks *so, int err, uint8_t rep)
{
	p[0] = SOCKS_5;
	if (!so->greeted) {
		p[1] = 0xff;            /* no method that we know */
		return 2;
	}
	if (err == EAGAIN) {
		p[1] = 0;
		return 2;
	}
	p[1] = rep;
	p[2] = 0;
	return 3 + put_addr(p + 3, &so->bound);
}

static size_t reply4(uint8_t *p, int err)
{
	memset(p, 0, 8);
	p[1] = err ? 91 : 90;
	return 8;
}

static size_t reply_http(uint8_t *p, const char *status, int err)
{
	int n = re_snprintf((char *)p, SOCKS_REPLY_MAX, "HTTP/1.1 %s\r\n%s\r\n",
			    status, err ? "Content-Length: 0\r\n"
			    "Connection: close\r\n" : "");

	return n < 0 ? 0 : (size_t)n;
}

size_t socks_reply(uint8_t buf[SOCKS_REPLY_MAX], const struct socks *so,
		   int err)
{
	const char *http = "500 Internal Server Error";
	uint8_t rep = 1;

	for (size_t i = 0; i < sizeof replyv / sizeof replyv[0]; i++) {
		if (replyv[i].err != err)
			continue;
		rep = replyv[i].rep;
		http = replyv[i].http;
	}
	switch (so->proto) {
	case SOCKS_5:    return reply5(buf, so, err, rep);
	case SOCKS_4:    return err == EAGAIN ? 0 : reply4(buf, err);
	case SOCKS_HTTP: return err == EAGAIN ? 0 : reply_http(buf, http, err);
	default:         return 0;
	}
}
