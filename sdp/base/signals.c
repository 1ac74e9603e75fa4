/*
 * signals.c: a signalfd; a program has one.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include <sys/signalfd.h>
#include "sdp/base/recompat.h"
#include "sdp/base/signals.h"

struct signals {
	struct rc_fd rfd;
	signals_h *h;
	void *arg;
};

static void signals_destructor(void *arg)
{
	struct signals *s = arg;

	if (s->rfd.fd < 0)
		return;
	rc_fd_close(&s->rfd);
	(void)close(s->rfd.fd);
}

static void fd_handler(int flags, void *arg)
{
	struct signals *s = arg;
	struct signalfd_siginfo si;
	(void)flags;

	if (read(s->rfd.fd, &si, sizeof si) == sizeof si)
		s->h((int)si.ssi_signo, s->arg);
}

int signals_alloc(struct signals **sp, signals_h *h, void *arg)
{
	static const int handled[] = { SIGINT, SIGTERM, SIGHUP };
	struct signals *s = mem_zalloc(sizeof *s, signals_destructor);
	sigset_t set;
	int err;

	if (!s)
		return ENOMEM;
	s->h = h;
	s->arg = arg;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < RE_ARRAY_SIZE(handled); i++)
		(void)sigaddset(&set, handled[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	s->rfd.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = s->rfd.fd < 0 ? errno
		: rc_fd_listen(&s->rfd, FD_READ, fd_handler, s);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}
