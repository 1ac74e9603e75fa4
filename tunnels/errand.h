/*
 * errand.h: one blocking job on a thread of its own (fsync, getaddrinfo,
 * hashing a large file); the worker never waits for it.
 */
#ifndef DIALTONE_ERRAND_H
#define DIALTONE_ERRAND_H

struct errand;
struct loop;

struct errand_handlers {
	/* on the thread; touches nothing but data */
	void (*workh)(void *data);
	/* on the loop, once workh has returned; may mem_deref the errand */
	void (*doneh)(void *data, void *arg);
	/* frees data, on either thread; may be NULL */
	void (*freeh)(void *data);
	/* on the loop, beside workh: nobody waits any more; may be NULL */
	void (*stoph)(void *data);
};

/* Send it off. data is the errand's from now on, also on error, and is freed
 * after doneh. mem_deref before that: nobody is told, but the work is finished
 * all the same unless stoph ends it. ep and l may be NULL: nobody waits for it. */
int errand_start(struct errand **ep, struct loop *l,
		 const struct errand_handlers *h, void *data, void *arg);

#endif
