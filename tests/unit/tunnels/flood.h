/*
 * flood.h: more bytes than any buffer holds, of every value, by threads that
 * write and read them.
 */
#ifndef DIALTONE_FLOOD_H
#define DIALTONE_FLOOD_H

#include <pthread.h>
#include <unistd.h>
#include "tests/unit/unit.h"

struct flood {
	pthread_t t;
	int fd;
	void (*endh)(int fd);   /* a writer's last deed */
	size_t n;               /* to write; read so far */
	uint32_t seed;          /* the reader's is the writer's */
	uint32_t bad;           /* is not what was written */
};

static inline uint32_t flood_next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 24;
}

/* All of it: a write that a stop of the process interrupts is a part. */
static inline bool flood_put(int fd, const uint8_t *p, size_t n)
{
	ssize_t k = 1;

	for (; n && (k = write(fd, p, n)) > 0; p += k)
		n -= (size_t)k;
	return k > 0;
}

static inline void *flood_write(void *arg)
{
	struct flood *f = arg;
	uint8_t buf[10007];

	for (size_t done = 0; done < f->n;) {
		size_t k = f->n - done < sizeof buf ? f->n - done :
						      sizeof buf;

		for (size_t i = 0; i < k; i++)
			buf[i] = (uint8_t)flood_next(&f->seed);
		if (!flood_put(f->fd, buf, k))
			break;
		done += k;
	}
	f->endh(f->fd);
	return NULL;
}

static inline void *flood_read(void *arg)
{
	struct flood *f = arg;
	uint8_t buf[10007];
	ssize_t k;

	while ((k = read(f->fd, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < k; i++)
			f->bad |= buf[i] ^ flood_next(&f->seed);
		f->n += (size_t)k;
	}
	return NULL;
}

/* Two that write, then two that read them; all is there and as it was. */
static inline void flood_start(struct flood v[4])
{
	for (int i = 0; i < 4; i++)
		pthread_create(&v[i].t, NULL, i < 2 ? flood_write :
			       flood_read, &v[i]);
}

static inline void flood_join(struct flood v[4])
{
	for (int i = 0; i < 4; i++)
		pthread_join(v[i].t, NULL);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(v[2 + i].n, v[i].n);
		CU_ASSERT_EQUAL(v[2 + i].bad, 0);
	}
}

#endif
