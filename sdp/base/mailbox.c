/*
 * mailbox.c: a list under a mutex and an eventfd that says "not empty".
 *
 * For orders and reports between threads, never for packets: a post costs a
 * malloc and a lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <re.h>
#include "sdp/base/mailbox.h"
#include "sdp/base/recompat.h"

struct mail {
	struct mail *next;
	mail_h *h;
	void *data;
};

struct mailbox {
	pthread_mutex_t lock;
	struct mail *head, **tail;
	int fd;
	bool running;           /* the owner's */
	struct rc_fd rfd;       /* fd -1 unless attached */
};

void mailbox_detach(struct mailbox *m)
{
	if (!m || m->rfd.fd < 0)
		return;
	rc_fd_close(&m->rfd);
	m->rfd.fd = -1;
}

static void mailbox_destructor(void *arg)
{
	struct mailbox *m = arg;

	mailbox_detach(m);
	if (m->fd >= 0)
		(void)close(m->fd);
	while (m->head) {
		struct mail *next = m->head->next;

		free(m->head);
		m->head = next;
	}
	(void)pthread_mutex_destroy(&m->lock);
}

int mailbox_alloc(struct mailbox **mp)
{
	struct mailbox *m;

	if (!mp)
		return EINVAL;
	m = mem_zalloc(sizeof *m, mailbox_destructor);
	if (!m)
		return ENOMEM;
	(void)pthread_mutex_init(&m->lock, NULL);
	m->tail = &m->head;
	m->rfd.fd = -1;
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0) {
		int err = errno;

		mem_deref(m);
		return err;
	}
	*mp = m;
	return 0;
}

int mailbox_fd(const struct mailbox *m)
{
	return m ? m->fd : -1;
}

int mailbox_post(struct mailbox *m, mail_h *h, void *data)
{
	struct mail *mail;
	const uint64_t one = 1;
	bool was_empty;

	if (!m || !h)
		return EINVAL;
	mail = malloc(sizeof *mail);
	if (!mail)
		return ENOMEM;
	mail->next = NULL;
	mail->h = h;
	mail->data = data;

	(void)pthread_mutex_lock(&m->lock);
	was_empty = !m->head;
	*m->tail = mail;
	m->tail = &mail->next;
	/* inside the lock: once outside, the owner might be gone */
	if (was_empty && write(m->fd, &one, sizeof one) < 0) {
		/* only EAGAIN is possible, and then it is readable anyway */
	}
	(void)pthread_mutex_unlock(&m->lock);
	return 0;
}

void mailbox_run(struct mailbox *m)
{
	struct mail *mail;
	uint64_t n;

	if (!m || m->running)
		return;         /* from a handler: in turn, afterwards */
	m->running = true;
	(void)pthread_mutex_lock(&m->lock);
	if (read(m->fd, &n, sizeof n) < 0) {
		/* nothing was posted since: the list may still hold some */
	}
	mail = m->head;
	m->head = NULL;
	m->tail = &m->head;
	(void)pthread_mutex_unlock(&m->lock);

	while (mail) {
		struct mail *next = mail->next;

		mail->h(mail->data);
		free(mail);
		mail = next;
	}
	m->running = false;
}

static void fd_handler(int flags, void *arg)
{
	struct mailbox *m = mem_ref(arg);
	(void)flags;

	mailbox_run(m);
	mem_deref(m);
}

int mailbox_attach(struct mailbox *m)
{
	int err;

	if (!m || m->rfd.fd >= 0)
		return EINVAL;
	m->rfd.fd = m->fd;
	err = rc_fd_listen(&m->rfd, FD_READ, fd_handler, m);
	if (err)
		m->rfd.fd = -1;
	return err;
}
