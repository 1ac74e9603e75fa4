/*
 * daemon.c: what sipd does once it is nobody special any more: it checks the
 * configuration, or shuts itself in and runs until SIGTERM or SIGINT.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sdp/base/signals.h"
#include "sipd/contain.h"
#include "sipd/daemon.h"
#include "sipd/drop.h"
#include "sipd/explain.h"
#include "sipd/heap.h"
#include "sipd/log.h"
#include "sipd/node.h"
#include "sipd/registrar/listen.h"

enum { ROOTS_PORTS = 1024 };

static struct {
	struct node *node;
	struct signals *signals;
	int stops;
} self;

static void closed_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void reload(void)
{
	char why[400];

	if (node_reload(self.node, why, sizeof why))
		log_error("the configuration was not reloaded: %s", why);
}

/* The first asks politely, the second does not wait. */
static void stop(void)
{
	if (self.stops++)
		re_cancel();
	else
		node_close(self.node, closed_handler, NULL);
}

static void signal_handler(int sig, void *arg)
{
	(void)arg;
	if (sig == SIGHUP)
		reload();
	else
		stop();
}

static int fail(const char *text)
{
	(void)fprintf(stderr, "sipd: %s\n", text);
	return 1;
}

static int run(const char *file)
{
	char why[512];
	int code = 0;

	if (signals_alloc(&self.signals, signal_handler, NULL))
		return fail("Signals cannot be handled.");
	if (node_alloc(&self.node, file, HOUSE_DAEMON, why, sizeof why)) {
		code = fail(why);
	}
	else {
		log_info("sipd is ready; control socket %s",
			 node_conf(self.node)->control);
		(void)re_main(NULL);
		self.node = mem_deref(self.node);
	}
	self.signals = mem_deref(self.signals);
	return code;
}

static void line_handler(const char *line, void *arg)
{
	(void)arg;
	(void)puts(line);
}

/* The same words as from a sipd that runs (commands.c). */
static int explain(const struct conf *conf, const char *peer)
{
	struct peers *peers;
	struct peer p;
	char why[256];
	int err = peers_alloc(&peers, conf);

	if (err)
		return fail("The keys in known_peers cannot be read.");
	err = peers_resolve(peers, peer, &p, why, sizeof why);
	if (!err)
		explain_peer(conf, &p, line_handler, NULL);
	mem_deref(peers);
	if (!err)
		return 0;
	(void)fail(why);
	return 2;
}

/* Did main.c, who looked for user= alone, understand it as conf.c does? */
static int check_user(const struct conf *conf, char *why, size_t size)
{
	const struct passwd *pw = conf->user ? getpwnam(conf->user) : NULL;

	if (!pw || pw->pw_uid == geteuid())
		return 0;
	(void)re_snprintf(why, size, "sipd runs as root, though user= in"
			  " [sipd] names %s: write it as user = %s, on a line"
			  " of its own.", conf->user, conf->user);
	return EPERM;
}

static int check(const char *file, const char *peer, bool was_root)
{
	struct conf_error ce;
	struct conf *conf;
	char why[400] = "";
	int code = 0;

	if (conf_load(&conf, file, &ce))
		return fail(ce.text);
	if (was_root && check_user(conf, why, sizeof why))
		code = fail(why);
	else if (peer)
		code = explain(conf, peer);
	else
		(void)printf("%s: correct\n", file ? file : "defaults");
	mem_deref(conf);
	return code;
}

/* Does it name a port that only root's may be? */
static bool has_low_port(const struct conf *conf)
{
	const uint16_t v[] = { conf->sip_port, conf->nat_port,
			       conf->tls_port };
	const struct conf_registrar *r = &conf->registrar;
	struct listen_addr lv[LISTEN_MAX];
	unsigned n = 0;
	char why[128];

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		if (v[i] && v[i] < ROOTS_PORTS)
			return true;
	if (r->enabled)
		(void)listen_decode(lv, &n, r->listen, why, sizeof why);
	for (size_t i = 0; i < n; i++)
		if (sa_port(&lv[i].sa) < ROOTS_PORTS)
			return true;
	return false;
}

/* What an administrator has given to who was never root is his choice. */
static int give_up(const struct conf *conf, bool was_root, char *why,
		   size_t size)
{
	int err;

	if (was_root)
		err = drop_caps(conf_kind_any(conf, "vpn"),
				has_low_port(conf));
	else
		err = drop_caps(true, true);
	if (err)
		(void)re_snprintf(why, size, "Capabilities cannot be given"
				  " up: %m.", err);
	return err;
}

static int start(const struct conf *conf, int verbose, bool was_root,
		 char *why, size_t size)
{
	int err = was_root ? check_user(conf, why, size) : 0;

	if (!err)
		err = give_up(conf, was_root, why, size);
	if (err)
		return err;
	err = log_open(conf->log, verbose > 1 ? LOG_LV_DEBUG : verbose
		       ? LOG_LV_INFO : LOG_LV_WARN);
	if (err) {
		(void)re_snprintf(why, size, "The log %s cannot be opened:"
				  " %m.", conf->log, err);
		return err;
	}
	return contain(conf, why, size);
}

static int load_and_run(const char *file, int verbose, bool was_root)
{
	struct conf_error ce;
	struct conf *conf;
	char why[400] = "";
	int err;

	if (conf_load(&conf, file, &ce))
		return fail(ce.text);
	err = start(conf, verbose, was_root, why, sizeof why);
	mem_deref(conf);
	return err ? fail(why) : run(file);
}

static int begin(void)
{
	heap_begin();
	if (libre_init())
		return fail("libre cannot be started.");
	node_limits();
	return 0;
}

int daemon_check(const char *file, const char *peer, bool was_root)
{
	int code = begin();

	if (code)
		return code;
	code = check(file, peer, was_root);
	libre_close();
	return code;
}

int daemon_run(const char *file, int verbose, bool was_root)
{
	int code = begin();

	if (code)
		return code;
	code = load_and_run(file, verbose, was_root);
	log_close();
	libre_close();
	return code;
}
