/*
 * call.h: the calls of one account, for ua.c.
 */
#ifndef DIALTONE_UA_CALL_H
#define DIALTONE_UA_CALL_H

#include "sipd/ua/callcore.h"

/* session_expires in s. The owner sets callh and wayh. */
int calls_alloc(struct calls **cp, struct stack *s, uint32_t session_expires);

/* Forget all of them; their owners may still hold them, over. */
void calls_close(struct calls *calls);

/* Those not over yet, hung up ones included. */
unsigned calls_count(const struct calls *calls);

/* What came and belongs to no transaction. */
void calls_request(struct calls *calls, const struct sip_msg *msg);
void calls_response(struct calls *calls, const struct sip_msg *msg);

/* call_connect, by the account's calls. */
int call_connect_in(struct call **cp, struct calls *calls, const char *uri,
		    const struct call_body *offer, const char *headers,
		    const struct call_handlers *h, void *arg);

#endif
