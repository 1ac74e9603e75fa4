/*
 * quicbuf.c: a stream's send buffer.
 *
 * A chain of chunks that ngtcp2 reads from for each (re)transmission:
 *
 *   head            cur                  tail
 *   [acked | sent] [sent | unsent] ... [unsent | room]
 *
 * A chunk is as large as what is unacknowledged asks for, so that one that
 * says little, however long, stays small. They are kept by the pool and used
 * again while they are warm: the allocator would give their pages back to the
 * kernel and fetch others, for each request.
 */
#include <stdlib.h>
#include "tunnels/flow/quicbuf.h"

static const struct kind {
	size_t size;            /* unacknowledged bytes of this ask for the
				   next */
	unsigned kept;
} kinds[QUIC_CHUNK_KINDS] = {
	{ 4096, 64 },
	{ 64 << 10, 16 },
	{ 256 << 10, 32 },
};

struct chunk {
	struct chunk *next;
	uint64_t start;                 /* offset in the stream */
	unsigned kind;
	size_t size, len;
	uint8_t data[];
};

static unsigned kind_of(const struct quicbuf *b)
{
	const uint64_t n = b->written - b->acked;
	unsigned kind = 0;

	while (kind + 1 < QUIC_CHUNK_KINDS && n >= kinds[kind].size)
		++kind;
	return kind;
}

static struct chunk *chunk_alloc(struct quicpool *pool,
				 const struct quicbuf *b)
{
	const unsigned kind = kind_of(b);
	struct chunk *k = pool->chunks[kind];

	if (k) {
		pool->chunks[kind] = k->next;
		--pool->nchunks[kind];
	}
	else {
		k = malloc(sizeof *k + kinds[kind].size);
	}
	if (!k)
		return NULL;
	k->next = NULL;
	k->start = b->written;
	k->kind = kind;
	k->size = kinds[kind].size;
	k->len = 0;
	pool->mem.sending += k->size;
	return k;
}

static void chunk_free(struct quicpool *pool, struct chunk *k)
{
	pool->mem.sending -= k->size;
	if (pool->nchunks[k->kind] < kinds[k->kind].kept) {
		k->next = pool->chunks[k->kind];
		pool->chunks[k->kind] = k;
		++pool->nchunks[k->kind];
	}
	else {
		free(k);
	}
}

void quicbuf_drop_chunks(struct quicpool *pool)
{
	for (unsigned i = 0; i < QUIC_CHUNK_KINDS; i++) {
		while (pool->chunks[i]) {
			struct chunk *k = pool->chunks[i];

			pool->chunks[i] = k->next;
			free(k);
		}
		pool->nchunks[i] = 0;
	}
}

static void pop_chunk(struct quicbuf *b, struct quicpool *pool)
{
	struct chunk *k = b->head;

	b->head = k->next;
	if (b->tail == k)
		b->tail = NULL;
	if (b->cur == k) {
		b->cur = b->head;
		b->cur_off = 0;
	}
	chunk_free(pool, k);
}

static void append_chunk(struct quicbuf *b, struct chunk *k)
{
	if (b->tail)
		b->tail->next = k;
	else
		b->head = k;
	b->tail = k;
	if (!b->cur) {
		b->cur = k;
		b->cur_off = 0;
	}
}

size_t quicbuf_reserve(struct quicbuf *b, struct quicpool *pool, uint8_t **pp,
		       size_t min)
{
	struct chunk *k = b->tail;

	if (!k || k->size - k->len < min) {
		k = chunk_alloc(pool, b);
		if (!k)
			return 0;
		append_chunk(b, k);
	}
	*pp = k->data + k->len;
	return k->size - k->len;
}

void quicbuf_commit(struct quicbuf *b, size_t n)
{
	if (!b->tail || n > b->tail->size - b->tail->len)
		return;
	b->tail->len += n;
	b->written += n;
}

size_t quicbuf_vec(const struct quicbuf *b, ngtcp2_vec *v, size_t max,
		   uint64_t *len)
{
	size_t off = b->cur_off, n = 0;

	*len = 0;
	for (struct chunk *k = b->cur; k && n < max; k = k->next) {
		if (k->len > off) {
			v[n].base = k->data + off;
			v[n].len = k->len - off;
			*len += v[n++].len;
		}
		off = 0;
	}
	return n;
}

void quicbuf_sent(struct quicbuf *b, size_t n)
{
	b->sent += n;
	while (n) {
		const size_t left = b->cur->len - b->cur_off;

		if (n < left || !b->cur->next) {
			b->cur_off += n;
			break;
		}
		n -= left;
		b->cur = b->cur->next;
		b->cur_off = 0;
	}
}

uint64_t quicbuf_acked(struct quicbuf *b, struct quicpool *pool,
		       uint64_t offset)
{
	uint64_t n;

	if (offset <= b->acked)
		return 0;
	n = offset - b->acked;
	b->acked = offset;
	while (b->head && b->head->start + b->head->len <= offset)
		pop_chunk(b, pool);
	return n;
}

void quicbuf_end(struct quicbuf *b, struct quicpool *pool)
{
	while (b->head)
		pop_chunk(b, pool);
}
