/*
 * dialog.h: the dialog state (RFC 3261 section 12).
 */
#ifndef DIALTONE_UA_DIALOG_H
#define DIALTONE_UA_DIALOG_H

#include <re.h>

struct dialog {
	char *callid;
	char *ltag, *rtag;      /* rtag NULL until the peer's is known */
	char *local, *remote;   /* values for From and To, tags included */
	char *target;           /* remote target: the Request-URI */
	char *route;            /* "Route: ...\r\n..." or NULL */
	char *next;             /* URI of the next hop */
	uint32_t *lseq;         /* one for all branches of an INVITE */
	uint32_t rseq;
	bool has_rseq;
};

/* Ours, from a URI to a URI; route: a first proxy, or NULL; next: where it
 * goes first, if not to that or to `to`. */
int dialog_alloc(struct dialog **dp, const char *from, const char *to,
		 const char *route, const char *next);

/* The first request once more, to another target or by another way: `to`
 * stays, what answers have said so far is forgotten. */
int dialog_restart(struct dialog *d, const char *to, const char *target,
		   const char *route, const char *next);

/* Of an incoming request; msg->tag is our tag. EBADMSG: no proper Contact. */
int dialog_accept(struct dialog **dp, const struct sip_msg *msg);

/* One like d, as the response says; for answers of other branches. */
int dialog_fork(struct dialog **dp, const struct dialog *d,
		const struct sip_msg *resp);

/* A response to our first request: the peer's tag, route set and target. */
int dialog_establish(struct dialog *d, const struct sip_msg *resp);

/* A target refresh (section 12.2). Without a Contact nothing changes. */
int dialog_refresh(struct dialog *d, const struct sip_msg *msg);

/* Does it belong to the dialog? Half: only our tag counts. */
bool dialog_match(const struct dialog *d, const struct sip_msg *msg);
bool dialog_match_half(const struct dialog *d, const struct sip_msg *msg);

/* The CSeq of our next request: none is given twice within the dialog. */
uint32_t dialog_next_cseq(struct dialog *d);

/* Section 12.2.2: false if the request came out of order. */
bool dialog_order(struct dialog *d, const struct sip_msg *msg);

/* Route, From, To and Call-ID. */
int dialog_print(struct re_printf *pf, const struct dialog *d);

#endif
