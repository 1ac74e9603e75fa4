/* fuzz: sipd/log.c sdp/base/clock.c
 *
 * What a program writes to the control socket: the first byte says in pieces
 * of which size. Every line gets an answer that is a line of JSON itself, a
 * command's as well, which says back what it was told.
 */
#include <stdlib.h>
#include "sipd/conn.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int guest_alloc(struct guest **gp, int fd)
{
	(void)fd;
	*gp = NULL;
	return 0;
}

/* Says back what it was told. */
static void echo(struct conn *cn, const struct odict *o, const char *tag)
{
	(void)tag;
	conn_event(cn, o);
}

static command_h *find(const char *name, bool guest)
{
	(void)guest;
	return *name ? echo : NULL;
}

/* All that has been answered so far is lines that decode. */
static void check(int fd)
{
	static char buf[1 << 20];
	ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
	char *p = buf, *nl;

	while (n > 0 && (nl = memchr(p, '\n', (size_t)n))) {
		struct odict *o = NULL;
		int err = json_decode_odict(&o, 16, p, (size_t)(nl - p),
					    JSON_DEPTH);

		/* libre does not read back all numbers that it writes */
		if (err && err != EBADMSG)
			abort();
		mem_deref(o);
		n -= nl + 1 - p;
		p = nl + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct timers *timers;
	struct control_env env = { .findh = find };
	struct list connl = LIST_INIT;
	size_t piece;
	int fd[2];

	if (!size)
		return 0;
	if (!timers) {
		if (libre_init() || timers_alloc(&timers))
			abort();
		log_open("stderr", LOG_LV_ERROR);
	}
	env.timers = timers;
	piece = data[0] ? data[0] : 60000;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) ||
	    conn_open(&connl, &env, fd[1]))
		abort();
	++data;
	--size;
	while (size) {
		const size_t n = size < piece ? size : piece;

		if (send(fd[0], data, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		if (!connl.head)
			break;
		fd_handler(FD_READ, list_ledata(connl.head));
		check(fd[0]);
		data += n;
		size -= n;
	}
	list_flush(&connl);
	(void)close(fd[0]);
	return 0;
}
