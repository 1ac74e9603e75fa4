/*
 * keepalive.h: how often the mappings of NATs have to be used so that they
 * stay, and how long they live at most, by what was seen of each network in
 * this process or told by one before. All zero: nothing was seen. NULL is the
 * same, and learns nothing.
 */
#ifndef DIALTONE_KEEPALIVE_H
#define DIALTONE_KEEPALIVE_H

#include <re.h>

enum { KEEPALIVE_NETWORKS = 8 };

/* A network is told by our address in it and that which it has outside: many
 * homes have the same addresses inside. */
struct keepalive {
	struct keepalive_network {
		struct sa local, mapped;
		uint64_t interval;      /* 0: unused */
		/* ns; see keepalive_ended */
		uint64_t ended, ended_at, life;
	} v[KEEPALIVE_NETWORKS];
	unsigned next;                  /* to be forgotten */
	/* all that is known of a network, when more is learned, in seconds;
	 * life 0: no end is known. NULL: nobody wants to know */
	void (*learnedh)(const struct sa *local, const struct sa *mapped,
			 unsigned interval, unsigned life, void *arg);
	void *arg;
};

/* ns between two packets: 5 to 20 s. */
uint64_t keepalive_interval(const struct keepalive *k, const struct sa *local,
			    const struct sa *mapped);

/* It was learned elsewhere; what is no interval of ours, or no life that is
 * 4 s to a day, is left out. */
void keepalive_set(struct keepalive *k, const struct sa *local,
		   const struct sa *mapped, uint64_t interval, uint64_t life);

/* A mapping that was idle for `idle` ns had gone: from now on half of that,
 * if that is less than before. */
void keepalive_failed(struct keepalive *k, const struct sa *local,
		      const struct sa *mapped, uint64_t idle);

/* A mapping that was in use was there `age` ns after it was made, and soon
 * after had gone. Once, and the NAT may have been restarted; twice after the
 * same time is how it is; several sessions may tell of the same end. */
void keepalive_ended(struct keepalive *k, const struct sa *local,
		     const struct sa *mapped, uint64_t age, uint64_t now);

/* How long a mapping lives however much it is used, ns; 0: no end is known. */
uint64_t keepalive_life(const struct keepalive *k, const struct sa *local,
			const struct sa *mapped);

#endif
