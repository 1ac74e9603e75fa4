/*
 * twoends.h: for the tests of QUIC and DTLS: what two workers on loopback
 * have in common. The test's thread is the control thread of both, and waits
 * for what they tell it.
 */
#ifndef DIALTONE_TWOENDS_H
#define DIALTONE_TWOENDS_H

#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/fakeflow.h"
#include "tests/unit/unit.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/worker.h"

enum { WAIT_MS = 60000 };
#define CONSENT (600 * SEC)     /* longer than any case takes */

static struct mailbox *control;
static struct identity *ids[3];

static inline void control_run(int ms)
{
	struct pollfd pfd = { .fd = mailbox_fd(control), .events = POLLIN };

	(void)poll(&pfd, 1, ms);
	mailbox_run(control);
}

static inline void pause_ms(unsigned ms)
{
	const uint64_t until = clock_ns() + ms * MSEC;

	while (clock_ns() < until)
		control_run(5);
}

#define WAIT_FOR(cond) \
	do { \
		uint64_t until_ = clock_ns() + WAIT_MS * MSEC; \
		while (!(cond) && clock_ns() < until_) \
			control_run(2); \
		CU_ASSERT(cond); \
	} while (0)

/* A path from that worker to a port of loopback. */
static inline void path_to(const struct worker *w, uint16_t port,
			   struct sa *local, struct sa *remote)
{
	(void)sa_set_str(local, "127.0.0.1", worker_port(w, AF_INET));
	(void)sa_set_str(remote, "127.0.0.1", port);
}

/* The first case of each suite, and the last. */
static inline void set_up_keys(void)
{
	char dir[64], file[96];

	unit_folder(dir, sizeof dir);
	CU_ASSERT_EQUAL_FATAL(mailbox_alloc(&control), 0);
	for (int i = 0; i < 3; i++) {
		(void)re_snprintf(file, sizeof file, "%s/%d", dir, i);
		CU_ASSERT_EQUAL_FATAL(identity_load(&ids[i], file), 0);
		(void)unlink(file);
	}
	(void)rmdir(dir);
}

static inline void put_keys_away(void)
{
	mailbox_run(control);
	control = mem_deref(control);
	for (int i = 0; i < 3; i++)
		ids[i] = mem_deref(ids[i]);
}

#endif
