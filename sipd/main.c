/*
 * main.c: sipd, in the foreground until SIGTERM or SIGINT.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "sdp/base/signals.h"
#include "sipd/caps.h"
#include "sipd/contain.h"
#include "sipd/log.h"
#include "sipd/node.h"
#include "sipd/peers.h"

static const char usage[] =
	"usage: sipd [-v] [-c FILE]\n"
	"       sipd -t [-c FILE] [PEER]\n"
	"  -c FILE  the configuration (default ~/.config/dialtone/sipd.conf,\n"
	"           then /etc/dialtone/sipd.conf)\n"
	"  -t       check the configuration and exit; with a peer, tell what it\n"
	"           may do here, as `dial trust PEER --explain` does\n"
	"  -v       tell more; twice: even more\n";

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

/* A folder that the other user may use. */
static int give(const char *path, bool parent, const struct passwd *pw)
{
	char buf[512], *slash;

	(void)str_ncpy(buf, path, sizeof buf);
	slash = strrchr(buf, '/');
	if (parent && slash)
		*slash = '\0';
	if (mkdir(buf, 0700) && errno != EEXIST)
		return errno;
	return chown(buf, pw->pw_uid, pw->pw_gid) ? errno : 0;
}

/* As root with user= in [sipd]: become that user before the network is
 * touched; with a [vpn NAME] it may still make interfaces. Ports below 1024
 * then need CAP_NET_BIND_SERVICE. */
static int become_user(const struct conf *conf, char *why, size_t size)
{
	const struct passwd *pw;
	int err;

	if (!conf->user || geteuid())
		return 0;
	pw = getpwnam(conf->user);
	if (!pw) {
		(void)re_snprintf(why, size, "There is no user %s, which"
				  " user= in [sipd] names.", conf->user);
		return ENOENT;
	}
	err = caps_prepare();
	if (!err)
		err = give(conf->state, false, pw);
	if (!err)
		err = give(conf->control, true, pw);
	if (!err && (initgroups(pw->pw_name, pw->pw_gid) ||
		     setgid(pw->pw_gid) || setuid(pw->pw_uid)))
		err = errno;
	if (!err && conf_kind_get(conf, "vpn", "/"))
		err = caps_keep_net_admin();
	if (err)
		(void)re_snprintf(why, size, "sipd cannot become the user %s:"
				  " %m.", conf->user, err);
	return err;
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
		rights_explain(&p.rights, line_handler, NULL);
	mem_deref(peers);
	if (!err)
		return 0;
	(void)fail(why);
	return 2;
}

static int check(const char *file, const char *peer)
{
	struct conf_error ce;
	struct conf *conf;
	int code = 0;

	if (conf_load(&conf, file, &ce))
		return fail(ce.text);
	if (peer)
		code = explain(conf, peer);
	else
		(void)printf("%s: correct\n", file ? file : "defaults");
	mem_deref(conf);
	return code;
}

static int start(const char *file, int verbose)
{
	struct conf_error ce;
	struct conf *conf;
	char why[400] = "";
	int err;

	if (conf_load(&conf, file, &ce))
		return fail(ce.text);
	err = log_open(conf->log, verbose > 1 ? LOG_LV_DEBUG : verbose
		       ? LOG_LV_INFO : LOG_LV_WARN);
	if (err)
		(void)re_snprintf(why, sizeof why, "The log %s cannot be"
				  " opened: %m.", conf->log, err);
	else
		err = become_user(conf, why, sizeof why);
	if (!err)
		err = contain(conf, why, sizeof why);
	mem_deref(conf);
	return err ? fail(why) : run(file);
}

int main(int argc, char *argv[])
{
	static char found[512];
	const char *file = NULL;
	bool testing = false;
	int opt, verbose = 0, code;

	while ((opt = getopt(argc, argv, "c:tvh")) != -1) {
		switch (opt) {
		case 'c': file = optarg; break;
		case 't': testing = true; break;
		case 'v': ++verbose; break;
		case 'h': (void)fputs(usage, stdout); return 0;
		default:  (void)fputs(usage, stderr); return 2;
		}
	}
	if (argc - optind > testing) {
		(void)fputs(usage, stderr);
		return 2;
	}
	if (!file && !conf_default_file(found, sizeof found))
		file = found;
	if (libre_init())
		return fail("libre cannot be started.");
	node_limits();
	code = testing ? check(file, argv[optind])
		: start(file, verbose);
	log_close();
	libre_close();
	return code;
}
