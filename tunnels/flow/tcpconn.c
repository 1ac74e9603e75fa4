/*
 * tcpconn.c: a TCP connection out, perhaps by a proxy, perhaps with TLS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include "tunnels/flow/tcpconn.h"
#include "tunnels/flow/tlsfd.h"

enum {
	UNSENT = 64 << 10,              /* bytes that the kernel may hold */
	READS = 8,                      /* of one turn */
	HEAD_MAX = 4096,                /* of a proxy's answer */
	WHY_MAX = 160,
};

#define UP_TIME   (10 * SEC)
#define DEAD_TIME 15000                 /* ms, for what was sent */

enum state { CONNECTING, ASKING, TLS, UP, DOWN };

struct tcpconn {
	struct loop *loop;
	struct loop_fd lf;
	struct timer timer;
	int fd;
	enum state state;
	struct tcpconn_handlers h;
	void *arg;
	char *connect, *login, *name;
	struct tlsfd *tls;
	bool want_write;                /* TLS must, before it can go on */
	uint8_t *out;
	size_t out_start, out_end;
	uint8_t *in;
	size_t in_len;
};

static void conn_destructor(void *arg)
{
	struct tcpconn *c = arg;

	timer_stop(&c->timer);
	loop_unwatch(&c->lf);
	mem_deref(c->tls);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->out);
	free(c->in);
	mem_deref(c->connect);
	mem_deref(c->login);
	mem_deref(c->name);
}

/* Last in whatever calls it: the connection may be freed in there. */
static void down(struct tcpconn *c, int err, const char *why)
{
	if (c->state == DOWN)
		return;
	c->state = DOWN;
	timer_stop(&c->timer);
	loop_unwatch(&c->lf);
	c->h.downh(err, why, c->arg);
}

static void timeout_handler(void *arg)
{
	struct tcpconn *c = arg;

	down(c, ETIMEDOUT, c->state == CONNECTING
	     ? "it does not answer" : c->state == ASKING
	     ? "the proxy does not answer" : "TLS is not answered");
}

static bool is_address(const char *name)
{
	struct sa sa;

	return !sa_set_str(&sa, name, 0);
}

static int tls_context(SSL_CTX **cp, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		return ENOMEM;
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (ca ? SSL_CTX_load_verify_file(ctx, ca) != 1
	    : SSL_CTX_set_default_verify_paths(ctx) != 1) {
		SSL_CTX_free(ctx);
		return ENOENT;
	}
	*cp = ctx;
	return 0;
}

static int set_name(SSL *ssl, const char *name)
{
	bool ok;

	if (is_address(name))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name)
			== 1;
	else
		ok = SSL_set1_host(ssl, name) == 1 &&
			SSL_set_tlsext_host_name(ssl, name) == 1;
	return ok ? 0 : EINVAL;
}

static int tls_setup(struct tcpconn *c, const char *ca)
{
	SSL_CTX *ctx;
	int err = tls_context(&ctx, ca);

	if (err)
		return err;
	err = tlsfd_alloc(&c->tls, ctx, c->fd, false);
	SSL_CTX_free(ctx);      /* it has its own reference */
	return err ? err : set_name(tlsfd_ssl(c->tls), c->name);
}

static void watch(struct tcpconn *c)
{
	uint32_t events = EPOLLIN;

	if (c->state == CONNECTING || c->want_write ||
	    c->out_start < c->out_end)
		events |= EPOLLOUT;
	(void)loop_rewatch(&c->lf, events);
}

/* n > 0; 0: not now; < 0: it is broken. */
static ssize_t raw_send(struct tcpconn *c, const uint8_t *p, size_t n)
{
	ssize_t sent;

	if (c->tls && c->state == UP)
		return tlsfd_send(c->tls, p, n);
	sent = send(c->fd, p, n, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN ? 0 : -1;
	return sent;
}

static ssize_t raw_recv(struct tcpconn *c, uint8_t *p, size_t n)
{
	ssize_t got;

	if (c->tls && c->state == UP)
		return tlsfd_recv(c->tls, p, n);
	got = recv(c->fd, p, n, 0);
	if (got < 0)
		return errno == EAGAIN ? 0 : -1;
	return got ? got : -1;
}

/* False: it is broken. */
static bool flush(struct tcpconn *c)
{
	while (c->out_start < c->out_end) {
		ssize_t n = raw_send(c, c->out + c->out_start,
				     c->out_end - c->out_start);

		if (n < 0)
			return false;
		if (!n)
			break;
		c->out_start += (size_t)n;
	}
	if (c->out_start == c->out_end)
		c->out_start = c->out_end = 0;
	watch(c);
	return true;
}

bool tcpconn_busy(const struct tcpconn *c)
{
	return c->out_start < c->out_end;
}

uint8_t *tcpconn_room(struct tcpconn *c, size_t n)
{
	if (n > TCPCONN_OUT - c->out_end && c->out_start) {
		memmove(c->out, c->out + c->out_start,
			c->out_end - c->out_start);
		c->out_end -= c->out_start;
		c->out_start = 0;
	}
	return n <= TCPCONN_OUT - c->out_end ? c->out + c->out_end : NULL;
}

static void broken_handler(void *arg)
{
	down(arg, ECONNRESET, "the connection was closed");
}

/* Its owner is in the middle of something: it hears of the end later. What
 * waits already is left to up_events, which tells who waits with it. */
void tcpconn_commit(struct tcpconn *c, size_t n)
{
	const bool waits = tcpconn_busy(c);

	c->out_end += n;
	if (c->state == UP && !waits && !flush(c))
		(void)timer_start(loop_timers(c->loop), &c->timer, 0,
				  broken_handler, c);
}

void tcpconn_local(const struct tcpconn *c, struct sa *sa)
{
	sa_init(sa, AF_UNSPEC);
	sa->len = sizeof sa->u;
	if (c->state != UP || getsockname(c->fd, &sa->u.sa, &sa->len))
		sa_init(sa, AF_UNSPEC);
}

static void is_up(struct tcpconn *c)
{
	c->state = UP;
	timer_stop(&c->timer);
	watch(c);
	c->h.uph(c->arg);
}

/* One clause: what did not fit. */
static void tls_failed(struct tcpconn *c)
{
	const long v = SSL_get_verify_result(tlsfd_ssl(c->tls));
	char why[WHY_MAX];

	if (v == X509_V_OK)
		down(c, EPROTO, "TLS fails");
	else {
		(void)re_snprintf(why, sizeof why, "its certificate is not"
				  " accepted: %s",
				  X509_verify_cert_error_string(v));
		down(c, EACCES, why);
	}
}

static void tls_step(struct tcpconn *c)
{
	switch (tlsfd_handshake(c->tls, &c->want_write)) {
	case 0:
		is_up(c);
		break;
	case EAGAIN:
		watch(c);
		break;
	default:
		tls_failed(c);
		break;
	}
}

static void after_connect(struct tcpconn *c)
{
	if (c->tls) {
		c->state = TLS;
		tls_step(c);
	}
	else
		is_up(c);
}

static void ask_proxy(struct tcpconn *c)
{
	char b64[512] = "";
	int n;

	c->state = ASKING;
	if (c->login && strlen(c->login) < sizeof b64 * 3 / 4 - 3)
		(void)EVP_EncodeBlock((uint8_t *)b64,
				      (const uint8_t *)c->login,
				      (int)strlen(c->login));
	n = re_snprintf((char *)c->out, TCPCONN_OUT, "CONNECT %s HTTP/1.1\r\n"
			"Host: %s\r\n%s%s%s\r\n", c->connect, c->connect,
			*b64 ? "Proxy-Authorization: Basic " : "", b64,
			*b64 ? "\r\n" : "");
	c->out_end = n > 0 ? (size_t)n : 0;
	if (n <= 0 || !flush(c))
		down(c, EPIPE, "the proxy closed the connection");
}

/* RFC 9112 section 4, at the very beginning; 0: it is something else. */
static unsigned status_code(const char *head)
{
	static const char version[] = "HTTP/1.";
	const size_t n = sizeof version - 1;
	const char *p = head + n + 2;

	if (strncmp(head, version, n) || strspn(head + n, "01") < 1 ||
	    head[n + 1] != ' ' || strspn(p, "0123456789") != 3)
		return 0;
	return (unsigned)((p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0');
}

/* "HTTP/1.1 200 ..." and headers, up to an empty line; what follows is the
 * server's already, but servers here do not speak first. */
static void proxy_step(struct tcpconn *c)
{
	unsigned code;
	char *head = (char *)c->in + TCPCONN_ROOM, why[WHY_MAX];
	ssize_t n;

	n = raw_recv(c, (uint8_t *)head + c->in_len, HEAD_MAX - c->in_len);
	if (n < 0 || c->in_len + (size_t)n == HEAD_MAX) {
		down(c, EPIPE, "the proxy closed the connection");
		return;
	}
	c->in_len += (size_t)n;
	head[c->in_len] = '\0';
	if (!strstr(head, "\r\n\r\n"))
		return;
	code = status_code(head);
	if (!code) {
		down(c, EPROTO, "the proxy does not speak HTTP");
		return;
	}
	c->in_len = 0;
	if (code / 100 == 2) {
		after_connect(c);
		return;
	}
	(void)re_snprintf(why, sizeof why, "the proxy refuses: %u", code);
	down(c, EACCES, why);
}

static void connected(struct tcpconn *c)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err) {
		down(c, err, strerror(err));
		return;
	}
	if (c->connect)
		ask_proxy(c);
	else
		after_connect(c);
}

/* False: it is broken. */
static bool read_some(struct tcpconn *c)
{
	uint8_t *in = c->in + TCPCONN_ROOM;

	/* what TLS holds already does not make the descriptor readable */
	for (int i = 0; i < READS ||
	     (c->tls && tlsfd_pending(c->tls)); i++) {
		ssize_t n = raw_recv(c, in + c->in_len,
				     TCPCONN_IN - c->in_len);
		size_t used;

		if (n <= 0)
			return n == 0;
		c->in_len += (size_t)n;
		used = c->h.readh(in, c->in_len, c->arg);
		if (used > c->in_len || (!used && c->in_len == TCPCONN_IN))
			return false;
		c->in_len -= used;
		memmove(in, in + used, c->in_len);
	}
	return true;
}

static void up_events(struct tcpconn *c, uint32_t events)
{
	bool waited = tcpconn_busy(c);

	if (events & EPOLLOUT && !flush(c)) {
		broken_handler(c);
		return;
	}
	if (waited && !tcpconn_busy(c))
		c->h.roomh(c->arg);
	if (events & ~(uint32_t)EPOLLOUT && !read_some(c))
		broken_handler(c);
}

static void fd_handler(uint32_t events, void *arg)
{
	struct tcpconn *c = mem_ref(arg);

	switch (c->state) {
	case CONNECTING:
		connected(c);
		break;
	case ASKING:
		if (events & EPOLLOUT && !flush(c))
			broken_handler(c);
		else if (events & ~(uint32_t)EPOLLOUT)
			proxy_step(c);
		break;
	case TLS:
		tls_step(c);
		break;
	case UP:
		up_events(c, events);
		break;
	case DOWN:
		break;
	}
	mem_deref(c);
}

static void set_options(int fd)
{
	const int on = 1, unsent = UNSENT, dead = DEAD_TIME;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
			 sizeof unsent);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead,
			 sizeof dead);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static int conn_setup(struct tcpconn *c, const struct tcpconn_conf *conf)
{
	int err = 0;

	c->out = malloc(TCPCONN_OUT);
	c->in = malloc(TCPCONN_ROOM + TCPCONN_IN + 1);
	if (!c->out || !c->in)
		return ENOMEM;
	if (conf->connect)
		err = str_dup(&c->connect, conf->connect);
	if (!err && conf->login)
		err = str_dup(&c->login, conf->login);
	if (!err && conf->tls)
		err = str_dup(&c->name, conf->tls);
	if (err)
		return err;
	c->fd = socket(sa_af(&conf->dst), SOCK_STREAM | SOCK_NONBLOCK |
		       SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return errno;
	if (conf->tls)
		err = tls_setup(c, conf->ca);
	if (err)
		return err;
	set_options(c->fd);
	if (connect(c->fd, &conf->dst.u.sa, conf->dst.len) &&
	    errno != EINPROGRESS)
		return errno;
	err = loop_watch(c->loop, &c->lf, c->fd, EPOLLIN | EPOLLOUT,
			 fd_handler, c);
	if (!err)
		err = timer_start(loop_timers(c->loop), &c->timer, UP_TIME,
				  timeout_handler, c);
	return err;
}

int tcpconn_open(struct tcpconn **cp, struct loop *l,
		 const struct tcpconn_conf *conf,
		 const struct tcpconn_handlers *h, void *arg)
{
	struct tcpconn *c;
	int err;

	if (!cp || !l || !conf || !h)
		return EINVAL;
	c = mem_zalloc(sizeof *c, conn_destructor);
	if (!c)
		return ENOMEM;
	c->fd = -1;
	c->loop = l;
	c->h = *h;
	c->arg = arg;
	err = conn_setup(c, conf);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
