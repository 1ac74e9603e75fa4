/*
 * record.h: typed records on a stream, as all stream tunnels use them.
 *
 *   +------+---------+----------------+
 *   | type | length  | body           |
 *   | u8   | u32     | length bytes   |     big-endian, as the fields
 *   +------+---------+----------------+
 *
 * A later version may add fields at the end of a body, which older ones do
 * not look at, and records from 0x80 on, which older ones skip.
 */
#ifndef DIALTONE_RECORD_H
#define DIALTONE_RECORD_H

#include <re.h>
#include "tunnels/flow/flow.h"

enum {
	RECORD_HDR      = 5,
	RECORD_BODY_MAX = 16384,        /* of a record taken whole */
	RECORD_BULK_MAX = 1 << 20,      /* of one that comes in pieces */
	RECORD_OPTIONAL = 0x80,
	RECORD_BACKLOG_MAX = 1 << 20,   /* bytes the peer does not read */
};

/* All zero at first; mem_deref body at the end. */
struct record_reader {
	uint8_t hdr[RECORD_HDR];
	unsigned hdrlen;
	uint32_t left;                  /* of this record's body */
	struct mbuf *body;              /* gathered so far */
};

#define RECORD_BULK(type) (1u << (type))

struct record_sink {
	uint32_t bulk;                  /* types below 32 that come in
	                                   pieces: RECORD_BULK of each */
	int (*bulkh)(const uint8_t *p, size_t n, void *arg);
	int (*recordh)(uint8_t type, const uint8_t *p, size_t n, void *arg);
};

/* Cut what came into records. EBADMSG for lengths beyond the limits; an error
 * of a handler ends it and is returned. */
int record_feed(struct record_reader *r, const struct record_sink *k,
		const uint8_t *p, size_t n, void *arg);

/* Take one record off the front, what is after it is not looked at: p and n
 * move on. True once it is whole: its type is r->hdr[0], its body r->body from
 * its start (NULL: empty). EBADMSG if it is too long. */
int record_first(struct record_reader *r, const uint8_t **p, size_t *n,
		 bool *whole);

/* The five bytes before a body of n bytes. */
void record_header(uint8_t hdr[RECORD_HDR], uint8_t type, uint32_t n);

/* Records go out in order; what the stream does not take now is kept. */
struct record_writer {
	struct stream *s;
	struct mbuf *backlog;           /* mem_deref at the end */
};

/* ENOBUFS if the peer does not read what we say. */
int record_write(struct record_writer *w, uint8_t type, const void *body,
		 size_t n);

/* Room in the stream for a bulk record's body, to be filled in place, then
 * committed. 0: there is none, or records are kept; writeh will be called.
 * Neither may come between the two but record_reserve again. */
size_t record_reserve(struct record_writer *w, uint8_t **pp);
void record_commit(struct record_writer *w, uint8_t type, size_t n);

/* From writeh: true once nothing is kept. */
bool record_flush(struct record_writer *w);

/* Fields of a body being read: `bad` once it was too short, then zeros. */
struct fields {
	const uint8_t *p, *end;
	bool bad;
};

uint64_t fields_uint(struct fields *f, unsigned bytes);

/* A u16 of length and as many bytes, none of them 0; copied as a string. */
int fields_text(struct fields *f, char *buf, size_t size);

/* The fields of a body being made. */
int fields_put_uint(struct mbuf *mb, uint64_t v, unsigned bytes);
int fields_put_text(struct mbuf *mb, const char *text);

/* Errors on the wire: errno differs between machines. Unknown ones are EIO
 * and code 255. */
uint8_t record_errno_code(int err);
int record_code_errno(uint64_t code);

#endif
