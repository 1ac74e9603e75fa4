/*
 * sessiontrust.h: a key that nobody has pinned: the owner of the session is
 * asked, with words that the user can compare with the other side's where the
 * peer greets (tunnels/greet.c).
 *
 *   no greeting:  key known -> session_ask -> answer the call, or go on
 *   greeting:     flow secured -> greet -> session_greeted -> session_ask
 *                                            -> the other tunnels start
 *   authority:    flow secured -> its certificate is good for the address
 *                                            -> the tunnels start
 *   unknown=pin:  flow secured -> the key is pinned -> the tunnels start
 */
#ifndef DIALTONE_SESSIONTRUST_H
#define DIALTONE_SESSIONTRUST_H

#include "sipd/sessioncore.h"

/* The kind, for whoever offers or takes it; NULL: there is none. */
const struct tunnel_kind *session_greet_kind(void);

/* Does this description have a greeting that is not rejected? */
bool session_greets(const struct desc *d);

/* s->remote shows a key that nobody has pinned: ask the owner, and go on with
 * trustedh if it says yes. */
void session_ask(struct session *s, void (*trustedh)(struct session *s));

/* Wait for session_admit, as long as for an answer of a user, then go on. */
void session_hold(struct session *s, void (*admittedh)(struct session *s));

/* Once the flow is secured an authority has to vouch for the key; before, no
 * tunnel starts. */
void session_vouch(struct session *s);

/* The same of the key that is pinned for s->peer: it must have signed for the
 * one shown, which is pinned then. */
void session_follow(struct session *s);

/* Pin the key unasked, once the flow is secured: what anybody may claim is
 * not kept. If another one was first at that address, it is the wrong key. */
void session_pin(struct session *s);

/* End it for a key that is not the one pinned. */
void session_wrong_key(struct session *s);

/* Does the peer claim, by this description, that one would? */
bool session_vouchable(const struct house *h, const struct desc *d);

/* The greeting is over: words are the six words, or why it failed. */
void session_greeted(struct session *s, int err, const char *words);

#endif
