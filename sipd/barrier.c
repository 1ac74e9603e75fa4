/*
 * barrier.c: a post to the worker that posts back. The token that travels is
 * malloc'ed; the handle stays on the control thread.
 */
#include <errno.h>
#include <stdlib.h>
#include "sipd/barrier.h"

struct token {
	struct barrier *owner;          /* control thread only; NULL: gone */
	struct mailbox *control;
};

struct barrier {
	struct token *token;            /* NULL once it is back */
	void (*doneh)(void *arg);
	void *arg;
};

static void barrier_destructor(void *arg)
{
	struct barrier *b = arg;

	if (b->token)
		b->token->owner = NULL;
}

static void back_handler(void *data)
{
	struct token *t = data;
	struct barrier *b = t->owner;

	free(t);
	if (!b)
		return;
	b->token = NULL;
	b->doneh(b->arg);
}

/* On the worker. */
static void there_handler(void *data)
{
	struct token *t = data;

	if (mailbox_post(t->control, back_handler, t))
		free(t);
}

int barrier_alloc(struct barrier **bp, struct house *h,
		  void (*doneh)(void *arg), void *arg)
{
	struct barrier *b = mem_zalloc(sizeof *b, barrier_destructor);
	int err = ENOMEM;

	if (!b)
		return ENOMEM;
	b->doneh = doneh;
	b->arg = arg;
	b->token = malloc(sizeof *b->token);
	if (b->token) {
		b->token->owner = b;
		b->token->control = h->mailbox;
		err = loop_post(worker_loop(h->worker), there_handler,
				b->token);
	}
	if (err) {
		free(b->token);
		b->token = NULL;
		mem_deref(b);
		return err;
	}
	*bp = b;
	return 0;
}
