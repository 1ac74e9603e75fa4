/*
 * backlog.h: bytes that a descriptor did not take yet. Empty it holds no
 * memory; how much it may grow is the stream's window, for nothing is given
 * back to the stream before it is written.
 */
#ifndef DIALTONE_BACKLOG_H
#define DIALTONE_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

/* All zero is empty. */
struct backlog {
	uint8_t *buf;
	size_t cap, start, end;
};

int backlog_add(struct backlog *b, const uint8_t *p, size_t n);
size_t backlog_left(const struct backlog *b);
const uint8_t *backlog_data(const struct backlog *b);

/* n bytes of it are written. */
void backlog_take(struct backlog *b, size_t n);
void backlog_free(struct backlog *b);

#endif
