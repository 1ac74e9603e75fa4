/*
 * environs.h: what must be asked before paths can be found: where the STUN
 * servers of the configuration are, and whether this network has a NAT64.
 */
#ifndef DIALTONE_ENVIRONS_H
#define DIALTONE_ENVIRONS_H

#include "sdp/base/mailbox.h"
#include "modules/path/path.h"
#include "tunnels/flow/streams.h"
#include "sipd/conf.h"

struct environs;

/* Asks, and tells the paths and streams (may be NULL), which outlive it. */
int environs_alloc(struct environs **op, struct mailbox *mailbox,
		  struct paths *paths, struct streams *streams,
		  const struct conf *conf);

/* A name has not been answered yet. */
bool environs_asks(const struct environs *o);

/* The way to an IPv4 address by this network's NAT64, if it has one; arg is
 * the environs. */
bool environs_nat64(struct sa *out, const struct sa *v4, void *arg);

/* Another configuration. */
void environs_reload(struct environs *o, const struct conf *conf);

/* The host's addresses have changed, and the paths know. */
void environs_changed(struct environs *o);

#endif
