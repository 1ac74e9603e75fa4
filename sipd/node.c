/*
 * node.c: puts the parts together, top down in node_alloc, bottom up when it
 * goes.
 */
#include <errno.h>
#include <sys/resource.h>
#include "sipd/commands.h"
#include "sipd/log.h"
#include "sipd/node.h"
#include "sipd/registrar/registrar.h"
#include "sipd/running.h"
#include "sipd/sip/quota.h"

struct node {
	char *file;
	struct conf *conf;
	struct timers *timers;          /* the meeting point's */
	struct quota *quota;            /* the meeting point's */
	struct registrar *registrar;
	struct board *board;
	struct control *control;
};

static void node_destructor(void *arg)
{
	struct node *n = arg;

	mem_deref(n->control);
	mem_deref(n->board);
	mem_deref(n->registrar);
	mem_deref(n->quota);
	mem_deref(n->timers);
	mem_deref(n->conf);
	mem_deref(n->file);
}

static void quota_handler(const char *line, void *arg)
{
	(void)arg;
	log_warn("the meeting point: %s", line);
}

static int registrar_open(struct node *n, char *why, size_t size)
{
	const struct conf_registrar *c = &n->conf->registrar;
	struct registrar_conf rc = {
		.listen = c->listen,
		.domain = c->domain,
		.users_file = c->users_file,
		.tls_cert = c->tls_cert,
		.stun = c->stun,
		.expires_max = c->expires,
	};
	int err = timers_alloc(&n->timers);

	if (!err)
		err = timers_attach(n->timers);
	if (!err)
		err = quota_alloc(&n->quota, n->conf->source_rate,
				  quota_handler, NULL);
	rc.quota = n->quota;
	if (!err)
		err = registrar_alloc(&n->registrar, n->timers, &rc, why,
				      size);
	return err;
}

static int reload_handler(char *why, size_t size, void *arg)
{
	return node_reload(arg, why, size);
}

static int status_handler(struct re_printf *pf, void *arg)
{
	return registrar_status(pf, arg);
}

static int control_open(struct node *n, enum house_role role, char *why,
			size_t size)
{
	const struct control_env env = {
		.findh = command_find,
		.board = n->board,
		.timers = board_house(n->board)->timers,
		.reloadh = role == HOUSE_DAEMON ? reload_handler : NULL,
		.meetingh = n->registrar ? status_handler : NULL,
		.meeting = n->registrar,
		.arg = n,
	};
	int err = control_alloc(&n->control, &env);

	if (err || role != HOUSE_DAEMON)
		return err;
	err = control_listen(n->control, n->conf->control,
			     guest_expected(n->conf));
	if (err)
		(void)re_snprintf(why, size, "The control socket %s cannot be"
				  " opened: %m.", n->conf->control, err);
	return err;
}

/* Before anything else is opened that the other one has too. */
static int daemon_begin(struct node *n, char *why, size_t size)
{
	if (running_at(n->conf->control)) {
		(void)re_snprintf(why, size, "Another sipd runs with this"
				  " configuration, at %s.",
				  n->conf->control);
		return EADDRINUSE;
	}
	return n->conf->registrar.enabled ? registrar_open(n, why, size) : 0;
}

int node_alloc(struct node **np, const char *file, enum house_role role,
	       char *why, size_t size)
{
	struct conf_error ce = { "No memory." };
	struct node *n;
	int err;

	n = mem_zalloc(sizeof *n, node_destructor);
	if (!n)
		return ENOMEM;
	err = file ? str_dup(&n->file, file) : 0;
	if (!err)
		err = conf_load(&n->conf, n->file, &ce);
	(void)str_ncpy(why, ce.text, size);
	if (!err && role == HOUSE_DAEMON)
		err = daemon_begin(n, why, size);
	if (!err)
		err = board_alloc(&n->board, n->conf, role, why, size);
	if (!err)
		err = control_open(n, role, why, size);
	if (err)
		mem_deref(n);
	else
		*np = n;
	return err;
}

const struct conf *node_conf(const struct node *n)
{
	return n->conf;
}

int node_serve(struct node *n, int fd)
{
	return control_serve(n->control, fd);
}

int node_reload(struct node *n, char *why, size_t size)
{
	struct conf_error ce = { "No memory." };
	struct conf *conf;
	int err = conf_load(&conf, n->file, &ce);

	(void)str_ncpy(why, ce.text, size);
	if (err)
		return err;
	err = board_reload(n->board, conf, why, size);
	if (err) {
		mem_deref(conf);
		return err;
	}
	mem_deref(n->conf);
	n->conf = conf;
	quota_rate(n->quota, conf->source_rate);
	if (log_move(conf->log))        /* of another name, or rotated */
		log_error("the log %s cannot be opened: it stays where it is",
			  conf->log);
	if (n->registrar)
		err = registrar_reload(n->registrar, why, size);
	if (!err)
		log_info("configuration reloaded");
	return err;
}

void node_close(struct node *n, void (*doneh)(void *arg), void *arg)
{
	board_close(n->board, doneh, arg);
}

void node_limits(void)
{
	struct rlimit rl;

	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = MIN(rl.rlim_max, 65536u);
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		(void)fd_setsize((int)rl.rlim_cur);
	}
}
