/*
 * http.h: the answer of an HTTP server, as far as routers need: read whole,
 * within bounds (RFC 9112).
 */
#ifndef DIALTONE_HTTP_H
#define DIALTONE_HTTP_H

#include <re.h>

enum { HTTP_ANSWER_MAX = 65536 };       /* header and body */

struct http_answer {
	unsigned scode;
	struct pl body;
};

/* Read the answer in buf. eof: the server has closed. A chunked body is
 * joined in place, so call it no more once it has succeeded. EAGAIN: more
 * must come; EBADMSG: never an answer. */
int http_decode(struct http_answer *a, char *buf, size_t len, bool eof);

/* The value of a header field; false if it is not there. */
bool http_field(struct pl *val, const struct pl *header, const char *name);

/* "http://192.0.2.1:80/path": address literals only, for nobody on the
 * network may have us ask the DNS. path leads into url, "" if there is none.
 * EBADMSG: not like this. */
int http_url(struct sa *host, struct pl *path, const struct pl *url);

#endif
