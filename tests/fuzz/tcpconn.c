/* fuzz: tunnels/flow/tlsfd.c sdp/base/clock.c
 *
 * A proxy's answer to CONNECT, and what comes behind it: the first byte says in
 * pieces of which size. The connection is up only after a 2xx, once; after it
 * is down nothing is heard of it.
 */
#include <stdlib.h>
#include "tunnels/flow/tcpconn.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct tcpconn *c;
	unsigned ups, downs;
	char said[HEAD_MAX + 1];        /* by the proxy, before it was up */
	size_t n;
} z;

static struct timers *timers;

static void need(bool truth)
{
	if (!truth)
		abort();
}

/* Its loop is the fuzzer, who calls fd_handler. */
int loop_watch(struct loop *l, struct loop_fd *lf, int fd, uint32_t events,
	       loop_fd_h *h, void *arg)
{
	(void)l, (void)lf, (void)fd, (void)events, (void)h, (void)arg;
	return 0;
}

int loop_rewatch(struct loop_fd *lf, uint32_t events)
{
	(void)lf, (void)events;
	return 0;
}

void loop_unwatch(struct loop_fd *lf)
{
	(void)lf;
}

struct timers *loop_timers(struct loop *l)
{
	(void)l;
	return timers;
}

static void up_handler(void *arg)
{
	const char *end = strstr(z.said, "\r\n\r\n");

	(void)arg;
	need(!z.ups++ && !z.downs);
	need(z.c->state == UP && end);
	need(!memcmp(z.said, "HTTP/1.", 7) && !memcmp(z.said + 8, " 2", 2));
}

static size_t read_handler(uint8_t *p, size_t n, void *arg)
{
	(void)arg;
	need(z.ups == 1 && !z.downs && n && n <= TCPCONN_IN);
	/* messages of a length that their first byte says */
	return n >= p[0] ? p[0] ? p[0] : 1 : 0;
}

static void room_handler(void *arg)
{
	(void)arg;
}

static void down_handler(int err, const char *why, void *arg)
{
	(void)arg;
	need(err && why && !z.downs++);
	for (; *why; why++)
		need((unsigned char)*why >= ' ');
}

static const struct tcpconn_handlers handlers = {
	up_handler, read_handler, room_handler, down_handler
};

/* As conn_setup and connected leave it. */
static int asking(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		abort();
	z.c = mem_zalloc(sizeof *z.c, conn_destructor);
	z.c->fd = fd[0];
	z.c->h = handlers;
	z.c->out = malloc(TCPCONN_OUT);
	z.c->in = malloc(TCPCONN_ROOM + TCPCONN_IN + 1);
	need(z.c->out && z.c->in && !str_dup(&z.c->connect, "[2001:db8::1]:443"));
	ask_proxy(z.c);
	need(z.c->state == ASKING);
	return fd[1];
}

static void talk(const uint8_t *p, size_t size)
{
	const size_t piece = size && p[0] ? p[0] : 5000;
	const int fd = asking();

	for (size_t i = 1; i < size && !z.downs; i += piece) {
		const size_t n = MIN(piece, size - i);

		if (!z.ups) {
			const size_t k = MIN(n, HEAD_MAX - z.n);

			memcpy(z.said + z.n, p + i, k);
			z.n += k;
			z.said[z.n] = '\0';
		}
		need(send(fd, p + i, n, 0) == (ssize_t)n);
		fd_handler(EPOLLIN, z.c);
	}
	(void)close(fd);
	for (unsigned i = 0; i < 9 && !z.downs; i++)
		fd_handler(EPOLLIN | EPOLLHUP, z.c);
	need(z.downs == 1);
	z.c = mem_deref(z.c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!timers && timers_alloc(&timers))
		abort();
	memset(&z, 0, sizeof z);
	talk(data, size);
	return 0;
}
