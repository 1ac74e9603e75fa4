/*
 * mailbox.h: the only door between threads.
 *
 * Any thread posts a (handler, data) pair; the owning thread runs them in
 * order. Ownership of data travels with the post.
 */
#ifndef DIALTONE_MAILBOX_H
#define DIALTONE_MAILBOX_H

struct mailbox;

typedef void (mail_h)(void *data);

/* mem_deref by the owner, when no other thread posts any more; what was not
 * run by then is dropped unrun. */
int mailbox_alloc(struct mailbox **mp);

/* Readable when mailbox_run has something to do. */
int mailbox_fd(const struct mailbox *m);

/* From any thread. 0, or ENOMEM and data stays the caller's. */
int mailbox_post(struct mailbox *m, mail_h *h, void *data);

/* By the owner: run what has been posted so far. From one of the handlers it
 * does nothing: the rest comes in turn. */
void mailbox_run(struct mailbox *m);

/* Let the calling thread's libre loop run it; undone by mem_deref, and by
 * mailbox_detach, for a loop that ends before who may still post. */
int mailbox_attach(struct mailbox *m);
void mailbox_detach(struct mailbox *m);

#endif
