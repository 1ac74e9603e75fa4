/*
 * house.c: builds and tears down what sessions share.
 *
 *   conf -> folders, identity, peers, call log
 *        -> worker (UDP, thread) -> paths (ICE) -> mapper (gateways)
 *        -> accounts (SIP), netwatch
 */
#include <errno.h>
#include <string.h>
#include "sipd/environs.h"
#include "sipd/folder.h"
#include "sipd/guessops.h"
#include "sipd/house.h"
#include "sipd/housekeep.h"
#include "sipd/housekey.h"
#include "sipd/log.h"
#include "sipd/netwatch.h"
#include "sipd/sip/quota.h"

static void house_destructor(void *arg)
{
	struct house *h = arg;

	mem_deref(h->netwatch);
	mem_deref(h->accounts);
	mem_deref(h->environs);
	mem_deref(h->quota);
	mem_deref(h->mapper);
	mem_deref(h->relays);
	mem_deref(h->paths);
	mem_deref(h->streams);
	/* the worker runs what was posted to it, then stops; what it posted
	 * back is run here */
	mem_deref(h->worker);
	mailbox_run(h->mailbox);
	mem_deref(h->guessbook);
	mem_deref(h->learned);
	mem_deref(h->calllog);
	mem_deref(h->trust);
	mem_deref(h->peers);
	mem_deref(h->identity);
	/* a name that is still asked for keeps it */
	mailbox_detach(h->mailbox);
	mem_deref(h->mailbox);
	mem_deref(h->timers);
	folder_give(h->conf->state);
}

static int open_learned(struct house *h)
{
	char file[600];
	int err;

	(void)re_snprintf(file, sizeof file, "%s/learned", h->conf->state);
	err = learned_alloc(&h->learned, file, time(NULL));
	return err ? err : guessbook_alloc(&h->guessbook, h->learned);
}

static int open_trust(struct trust **tp, const struct conf *c, char *why,
		      size_t size)
{
	*tp = NULL;
	return c->trust_ca ? trust_alloc(tp, c->trust_ca, c->trust_crl, why,
					 size) : 0;
}

static int open_state(struct house *h, char *why, size_t size)
{
	const char *state = h->conf->state;
	char file[600];
	int err;

	err = folder_make(state);
	if (err) {
		(void)re_snprintf(why, size, "The state folder %s cannot be"
				  " made: %m. Set state= in [sipd].", state,
				  err);
		return err;
	}
	err = housekey_open(&h->identity, h->conf, why, size);
	if (!err)
		err = open_trust(&h->trust, h->conf, why, size);
	if (err)
		return err;
	(void)re_snprintf(file, sizeof file, "%s/calls.log", state);
	err = calllog_alloc(&h->calllog, file, h->conf->syslog_calls);
	if (err) {
		(void)re_snprintf(why, size, "The call log %s cannot be"
				  " written: %m.", file, err);
		return err;
	}
	err = peers_alloc(&h->peers, h->conf);
	if (err)
		(void)re_snprintf(why, size, "known_peers in %s cannot be"
				  " read: %m.", state, err);
	return err;
}

static void stun_handler(int proto, const struct sa *local,
			 const struct sa *src, const uint8_t *buf, size_t len,
			 void *arg)
{
	struct house *h = arg;

	paths_recv(h->paths, proto, local, src, buf, len);
}

static int send_handler(int proto, const struct sa *local,
			const struct sa *dst, const uint8_t *buf, size_t len,
			void *arg)
{
	struct house *h = arg;

	return proto == IPPROTO_UDP ?
		worker_send(h->worker, proto, local, dst, buf, len) :
		streams_send(h->streams, proto == PATH_TLS, local, dst, buf,
			     len);
}

static void lost_handler(const struct sa *local, const struct sa *remote,
			 void *arg)
{
	struct house *h = arg;

	paths_lost(h->paths, IPPROTO_TCP, local, remote);
}

static int open_tls(struct house *h, char *why, size_t size)
{
	const uint16_t port = h->conf->tls_port;
	int err;

	if (!h->streams || h->role != HOUSE_DAEMON || !port)
		return 0;
	err = streams_tls(h->streams, port);
	if (err)
		(void)re_snprintf(why, size, "TCP port %u cannot be listened"
				  " on: %m.%s Or take tls-port out of [nat].",
				  port, err, err == EACCES ? " It is for root"
				  ", and for who has CAP_NET_BIND_SERVICE." :
				  err == EADDRINUSE ? " Another program has"
				  " it: give it up there." : "");
	return err;
}

static void forgets_handler(const struct sa *local, const struct sa *mapped,
			    unsigned idle, unsigned life, void *arg)
{
	struct house *h = arg;

	housekeep_forgets(h->learned, local, mapped, idle, life);
}

static int open_media(struct house *h, char *why, size_t size)
{
	const struct conf *conf = h->conf;
	const struct worker_conf wc = {
		.port = h->role == HOUSE_DAEMON ? conf->nat_port : 0,
		.control = h->mailbox,
		.stunh = stun_handler,
		.arg = h,
	};
	struct paths_conf pc = {
		.timers = h->timers,
		.relay_ops = &h->relay_ops,
		.guess_ops = &h->guess_ops,
		.interfaces = conf->interfaces,
		.sendh = send_handler,
		.forgetsh = forgets_handler,
		.arg = h,
	};
	int err = worker_alloc(&h->worker, &wc);

	relays_ops(&h->relay_ops, &h->worker);
	guess_ops_init(&h->guess_ops, &h->worker);

	if (err) {
		(void)re_snprintf(why, size, "UDP port %u cannot be opened:"
				  " %m. Set another port= in [nat].",
				  wc.port, err);
		return err;
	}
	if (conf->tcp)
		err = streams_alloc(&h->streams, h->worker, lost_handler, h);
	if (err) {
		(void)re_snprintf(why, size, "TCP cannot be used: %m. Set tcp"
				  " = no in [nat].", err);
		return err;
	}
	err = open_tls(h, why, size);
	if (err)
		return err;
	pc.tls4 = streams_tls_port(h->streams, AF_INET);
	pc.tls6 = streams_tls_port(h->streams, AF_INET6);
	pc.tcp4 = streams_port(h->streams, AF_INET);
	pc.tcp6 = streams_port(h->streams, AF_INET6);
	pc.port4 = worker_port(h->worker, AF_INET);
	pc.port6 = worker_port(h->worker, AF_INET6);
	err = paths_alloc(&h->paths, &pc);
	if (!err)
		housekeep_remind(h->learned, h->paths);
	else
		(void)re_snprintf(why, size, "ICE cannot be started: %m.",
				  err);
	return err;
}

static void mapped_handler(const struct path_mapping *v, size_t n, void *arg)
{
	struct house *h = arg;

	for (size_t i = 0; i < n; i++)
		log_info("mapped by a gateway: %J to %J", &v[i].external,
			 &v[i].base);
	paths_mapped_set(h->paths, v, n);
}

static int open_mapper(struct house *h)
{
	struct mapper_conf mc = {
		.timers = h->timers,
		.port4 = worker_port(h->worker, AF_INET),
		.port6 = worker_port(h->worker, AF_INET6),
		.interfaces = h->conf->interfaces,
		.mappedh = mapped_handler,
		.arg = h,
	};
	int err;

	if (!h->conf->portmap)
		return 0;
	err = housekeep_nonce(h->learned, mc.nonce);
	return err ? err : mapper_alloc(&h->mapper, &mc);
}

static int open_accounts(struct house *h, char *why, size_t size)
{
	char instance[64];
	const struct accounts_conf ac = {
		.timers = h->timers,
		.quota = h->quota,
		.nat64h = environs_nat64,
		.nat64_arg = h->environs,
		.quiet = h->role == HOUSE_CALLER,
		.instance = instance,
		.callh = h->h.callh,
		.arg = h->h.arg,
	};

	housekey_instance(instance, sizeof instance, h->identity,
			  h->conf);
	return accounts_alloc(&h->accounts, &ac, h->conf, why, size);
}

static void quota_handler(const char *line, void *arg)
{
	(void)arg;
	log_warn("%s", line);
}

static void network_handler(void *arg)
{
	struct house *h = arg;

	log_info("the addresses of this host have changed");
	paths_changed(h->paths);
	environs_changed(h->environs);
	relays_changed(h->relays);
	mapper_changed(h->mapper);
	accounts_changed(h->accounts);
	h->h.movedh(h->h.arg);
}

int house_alloc(struct house **hp, const struct conf *conf,
		enum house_role role, const struct house_handlers *hh,
		char *why, size_t size)
{
	struct house *h;
	int err;

	h = mem_zalloc(sizeof *h, house_destructor);
	if (!h)
		return ENOMEM;
	h->conf = conf;
	h->role = role;
	h->h = *hh;
	(void)re_snprintf(why, size, "No memory.");

	err = timers_alloc(&h->timers);
	if (!err)
		err = timers_attach(h->timers);
	if (!err)
		err = mailbox_alloc(&h->mailbox);
	if (!err)
		err = mailbox_attach(h->mailbox);
	if (!err)
		err = open_state(h, why, size);
	if (!err)
		err = open_learned(h);
	if (!err)
		err = open_media(h, why, size);
	if (!err)
		err = open_mapper(h);
	if (!err)
		err = environs_alloc(&h->environs, h->mailbox, h->paths,
				    h->streams, conf);
	if (!err)
		err = relays_alloc(&h->relays, h->timers, h->mailbox,
				   h->paths, conf);
	if (!err)
		err = quota_alloc(&h->quota, conf->source_rate, quota_handler,
				  NULL);
	if (!err)
		err = open_accounts(h, why, size);
	if (!err)
		err = netwatch_alloc(&h->netwatch, h->timers, network_handler,
				     h);
	if (err)
		mem_deref(h);
	else
		*hp = h;
	return err;
}

int house_reload(struct house *h, const struct conf *conf, char *why,
		 size_t size)
{
	struct peers *peers;
	struct trust *trust;
	int err = open_trust(&trust, conf, why, size);

	if (err)
		return err;
	err = peers_alloc(&peers, conf);
	if (err) {
		(void)re_snprintf(why, size, "known_peers cannot be read:"
				  " %m.", err);
		mem_deref(trust);
		return err;
	}
	mem_deref(h->trust);
	h->trust = trust;
	mem_deref(h->peers);
	h->peers = peers;
	h->conf = conf;
	quota_rate(h->quota, conf->source_rate);
	h->relays = mem_deref(h->relays);
	err = relays_alloc(&h->relays, h->timers, h->mailbox, h->paths,
			   conf);
	accounts_reload(h->accounts, conf);
	if (!err)
		environs_reload(h->environs, conf);
	return err;
}

static void closed_handler(void *arg)
{
	struct house *h = arg;

	if (!--h->closing)
		h->closedh(h->closed_arg);
}

void house_close(struct house *h, void (*doneh)(void *arg), void *arg)
{
	h->closing = 2;
	h->closedh = doneh;
	h->closed_arg = arg;
	mapper_close(h->mapper, closed_handler, h);
	accounts_close(h->accounts, closed_handler, h);
}
