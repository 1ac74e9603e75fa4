/*
 * flowbench.h: what quicflow.c and dgramflow.c have in common: two ends with
 * one key, called in the same way, and what they have cost.
 */
#ifndef DIALTONE_FLOWBENCH_H
#define DIALTONE_FLOWBENCH_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <re.h>
#include "tunnels/flow/identity.h"
#include "tunnels/flow/loop.h"
#include "tunnels/flow/worker.h"

struct flowbench {
	struct mailbox *control;
	struct worker *w;
	struct identity *id;
	struct sa local, remote;
	const char *key;
	bool client;
	uint64_t total;                 /* bytes to be given */
	size_t size;                    /* of a packet, 0: what fits */
	uint64_t first, last;           /* bytes went, clock_ns */
	bool over;
	int err;
};

static inline void flowbench_over(void *data)
{
	struct flowbench *fb = data;

	fb->over = true;
}

static inline double flowbench_cpu(void)
{
	struct rusage ru;

	(void)getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       1e-6 * (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static inline bool flowbench_args(struct flowbench *fb, int argc, char **argv)
{
	int c;

	fb->total = 1000000000;
	fb->key = "flowbench.pem";
	while ((c = getopt(argc, argv, "sck:n:l:")) != -1)
		switch (c) {
		case 's': fb->client = false; break;
		case 'c': fb->client = true; break;
		case 'k': fb->key = optarg; break;
		case 'n': fb->total = strtoull(optarg, NULL, 10); break;
		case 'l': fb->size = strtoul(optarg, NULL, 10); break;
		default: return false;
		}
	return argc - optind == 2 &&
	       !sa_decode(&fb->local, argv[optind], strlen(argv[optind])) &&
	       !sa_decode(&fb->remote, argv[optind + 1],
			  strlen(argv[optind + 1]));
}

static inline int flowbench_start(struct flowbench *fb)
{
	struct worker_conf wc = { .port = sa_port(&fb->local) };
	int err = libre_init();

	if (!err)
		err = mailbox_alloc(&fb->control);
	wc.control = fb->control;
	if (!err)
		err = identity_load(&fb->id, fb->key);
	return err ? err : worker_alloc(&fb->w, &wc);
}

/* consenth: the path may be used for a while longer. */
static inline void flowbench_run(struct flowbench *fb,
				 void (*consenth)(void *q, uint64_t until),
				 void *q)
{
	while (!fb->over) {
		struct pollfd pfd = { .fd = mailbox_fd(fb->control),
				      .events = POLLIN };

		consenth(q, clock_ns() + 30 * SEC);
		(void)poll(&pfd, 1, 1000);
		mailbox_run(fb->control);
	}
}

#endif
