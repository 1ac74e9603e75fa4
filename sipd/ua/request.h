/*
 * request.h: one request and what it takes to get it answered.
 */
#ifndef DIALTONE_UA_REQUEST_H
#define DIALTONE_UA_REQUEST_H

#include "sipd/ua/dialog.h"
#include "sipd/ua/stack.h"
#include "sipd/ua/ua.h"

struct request;

/* Whom our password may be proved to. */
enum login {
	LOGIN_KNOWN,            /* to addresses that were the server's */
	LOGIN_SERVER,           /* whatever the next hop is, it is our server */
};

struct request_conf {
	const char *met;
	struct dialog *dlg;     /* From, To, Call-ID, CSeq, target, next */
	const char *headers;    /* further complete lines, or NULL */
	bool contact;           /* with our Contact... */
	const char *params;     /* ...and these parameters, or NULL */
	const struct call_body *body;   /* copied; or NULL */
	const struct hop *flow; /* to be tried first, or NULL */
	enum login login;
};

/* Provisional responses, then one end: a final response, or err (and
 * request_why): ETIMEDOUT, ECONNREFUSED (nothing reachable there),
 * EHOSTUNREACH (name not found), EACCES (TLS), EPROTO, EPROTONOSUPPORT,
 * ECONNABORTED (cancelled before it was sent). */
typedef void (request_h)(int err, const struct sip_msg *msg,
			 const struct request *r, void *arg);

/* Resolve, send, answer challenges (401, 407), go on to the next target when
 * one does not answer or says 503, and to TCP when it is large. *rp is reset
 * before the end is told; mem_deref stops listening. With rp NULL it goes by
 * itself (h may be NULL). The handler is never called before this returns. */
int request_send(struct request **rp, struct stack *s,
		 const struct request_conf *conf, request_h *h, void *arg);

/* CANCEL an INVITE, with header lines or NULL; the handler gets the end. */
void request_cancel(struct request *r, const char *headers);

/* What an error says by itself, for people. */
const char *request_sentence(int err);

/* CSeq and credentials of the last attempt, for ACK and RAck; why it came to
 * nothing. */
uint32_t request_cseq(const struct request *r);
const char *request_auth(const struct request *r);
const char *request_why(const struct request *r);

#endif
