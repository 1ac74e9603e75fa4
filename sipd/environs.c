/*
 * environs.c: STUN servers by name, and the prefix of a NAT64 (RFC 7050).
 *
 *   conf: stun=host,... --DNS--+--> paths: whom to ask
 *   ipv4only.arpa -------DNS--/--> paths: how IPv4 is reached
 *                                  streams: who needs no frames
 */
#include <errno.h>
#include <string.h>
#include "sipd/log.h"
#include "sipd/environs.h"
#include "sipd/stuns.h"
#include "sdp/base/resolve.h"

struct environs {
	struct mailbox *mailbox;
	struct paths *paths;
	struct streams *streams;
	struct stuns *stuns;
	struct sa stunv[STUNS_MAX];
	size_t stunc;
	struct nat64 nat64;
	struct resolve *prefix;
};

static void environs_destructor(void *arg)
{
	struct environs *o = arg;

	mem_deref(o->prefix);
	mem_deref(o->stuns);
}

/* As they are reached, with a NAT64 or without. */
static void tell_streams(struct environs *o)
{
	struct sa sav[STREAMS_SERVERS];
	size_t n = 0;

	for (size_t i = 0; i < o->stunc && n + 2 <= STREAMS_SERVERS; i++) {
		sav[n++] = o->stunv[i];
		n += nat64_map(&sav[n], &o->nat64, &o->stunv[i]);
	}
	streams_servers(o->streams, sav, n);
}

static void servers_handler(const struct sa *sav, size_t sac, void *arg)
{
	struct environs *o = arg;

	o->stunc = MIN(sac, (size_t)STUNS_MAX);
	memcpy(o->stunv, sav, o->stunc * sizeof *sav);
	tell_streams(o);
	paths_stun_set(o->paths, o->stunv, o->stunc);
}

static void prefix_handler(int err, const struct sa *sav, size_t sac,
			   void *arg)
{
	struct environs *o = arg;
	struct nat64 n = { 0 };
	(void)err;

	for (size_t i = 0; i < sac && !n.len; i++)
		(void)nat64_learn(&n, &sav[i]);
	o->prefix = mem_deref(o->prefix);
	if (!memcmp(&n, &o->nat64, sizeof n))
		return;
	o->nat64 = n;
	log_info(n.len ? "this network has a NAT64"
		 : "this network has no NAT64 any more");
	tell_streams(o);
	paths_nat64_set(o->paths, &o->nat64);
}

bool environs_nat64(struct sa *out, const struct sa *v4, void *arg)
{
	const struct environs *o = arg;

	return nat64_map(out, &o->nat64, v4);
}

/* RFC 7050 section 3; the port is of no interest. */
void environs_changed(struct environs *o)
{
	if (o && !o->prefix && paths_six_only(o->paths))
		(void)resolve_name(&o->prefix, o->mailbox, "ipv4only.arpa",
				   9, prefix_handler, o);
}

bool environs_asks(const struct environs *o)
{
	return stuns_waiting(o->stuns) || o->prefix;
}

void environs_reload(struct environs *o, const struct conf *conf)
{
	struct stuns *s;

	/* without memory the servers stay those that they were */
	if (stuns_alloc(&s, o->mailbox, conf->stun, servers_handler, o))
		return;
	mem_deref(o->stuns);
	o->stuns = s;
}

int environs_alloc(struct environs **op, struct mailbox *mailbox,
		  struct paths *paths, struct streams *streams,
		  const struct conf *conf)
{
	struct environs *o = mem_zalloc(sizeof *o, environs_destructor);

	if (!o)
		return ENOMEM;
	o->mailbox = mailbox;
	o->paths = paths;
	o->streams = streams;
	environs_reload(o, conf);
	environs_changed(o);
	*op = o;
	return 0;
}
