/*
 * get.c: the tunnel kind `get`: the caller fetches files and folders from
 * those that the callee's allow line names for it.
 *
 *   a=x-dialtone-tunnel:get v=1
 *
 * What is asked for is not for SIP servers to read: it is said in the tunnel
 * (filewish.h). The files then come as with `send`, the other way round.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/ask.h"
#include "tunnels/ending.h"
#include "tunnels/file/filefolder.h"
#include "tunnels/file/filemay.h"
#include "tunnels/file/fileopts.h"
#include "tunnels/file/filerecv.h"
#include "tunnels/file/filesend.h"
#include "tunnels/file/filewish.h"

struct tunnel {
	bool getter;
	char **wishv;                   /* getter: as written */
	size_t wishc;
	char *folder;                   /* getter: where to; else the list */
	enum filestore_taken taken;
	char *peer;
	struct filewish *wish;
	struct filesend *send;
	struct filerecv *recv;
	struct flow *flow;
	unsigned number;
	struct ending end;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	if (t->end.loop)
		ending_stop(&t->end);
	mem_deref(t->send);
	mem_deref(t->recv);
	mem_deref(t->wish);             /* holds what send walks */
	for (size_t i = 0; i < t->wishc; i++)
		mem_deref(t->wishv[i]);
	mem_deref(t->wishv);
	mem_deref(t->folder);
	mem_deref(t->peer);
}

static int get_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = ask_peer(&t->peer, ask);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static int add_wishes(struct tunnel *t, const struct tunnel_ask *ask,
		      const struct fileopts *o)
{
	int err = 0;

	t->wishv = mem_zalloc(o->namec * sizeof *t->wishv, NULL);
	if (!t->wishv)
		return ENOMEM;
	for (size_t i = 0; i < o->namec && !err; i++) {
		if (!*o->namev[i])
			return ask_refuse(ask, EINVAL, "An empty name"
					  " cannot be fetched.");
		err = str_dup(&t->wishv[t->wishc], o->namev[i]);
		if (!err)
			t->wishc++;
	}
	return err;
}

/* Before the peer is called: what else is wrong is said when it is stored. */
static int check_folder(const struct tunnel_ask *ask, const char *folder)
{
	const int err = filemay_store(folder);
	const struct passwd *pw;

	if (err != EACCES && err != EPERM && err != EROFS)
		return err == ENOMEM ? err : 0;
	pw = getpwuid(geteuid());
	return ask_refuse(ask, EPERM, "Nothing can be stored in %s by the user"
			  " %s: %m. Name another folder with --into.",
			  folder, pw ? pw->pw_name : "that this runs as",
			  err);
}

static int get_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		     struct desc_media *local)
{
	struct tunnel *t = NULL;
	struct fileopts o;
	int err = fileopts_parse(&o, ask, "get");

	if (err)
		return err;
	err = get_alloc(&t, ask);
	if (err)
		goto out;
	t->getter = true;
	t->taken = o.overwrite ? FILESTORE_OVERWRITE : FILESTORE_RENAME;
	err = add_wishes(t, ask, &o);
	if (!err)
		err = fileopts_path(&t->folder, ask, o.into ? o.into : ".");
	if (!err)
		err = check_folder(ask, t->folder);
	if (!err)
		err = desc_param_set(local, "v", "1");
 out:
	mem_deref(o.namev);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static int get_allow(const struct tunnel_ask *ask)
{
	return filefolder_ok(ask->allow) ? 0
		: ask_refuse(ask, EINVAL, "folders begin with /, as in"
			     " get /srv/share");
}

static int check_words(const struct tunnel_ask *ask,
		       const struct desc_media *remote)
{
	int err = ask_version(ask, remote, "get tunnel");

	if (err)
		return err;
	if (!ask->allow || !filefolder_ok(ask->allow))
		return ask_refuse(ask, EACCES, "No folder may be got"
				  " from: write allow = get"
				  " /absolute/folder.");
	return 0;
}

static int get_answer(struct tunnel **tp, const struct tunnel_ask *ask,
		      const struct desc_media *remote,
		      struct desc_media *local)
{
	struct tunnel *t = NULL;
	int err = check_words(ask, remote);

	if (!err)
		err = get_alloc(&t, ask);
	if (err)
		return err;
	err = str_dup(&t->folder, ask->allow);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

/* The files are through, or failed: what the wish says now is nothing new. */
static void done_handler(int err, const char *why, void *arg)
{
	struct tunnel *t = arg;

	ending_set(&t->end, err, "%s", why);
}

static void progress_handler(const struct tunnel_progress *p, void *arg)
{
	const struct tunnel *t = arg;

	if (t->end.ev.progressh)
		t->end.ev.progressh(p, t->end.ev.arg);
}

static void fail_handler(int err, const char *why, void *arg)
{
	struct tunnel *t = arg;

	if (t->getter)
		ending_set(&t->end, err, "%s cannot give it: %s", t->peer,
			   why);
	else
		ending_set(&t->end, err, "%s asked for what it may not get or"
			   " is not there: %s.", t->peer, why);
}

static struct tunnel_events events(struct tunnel *t)
{
	const struct tunnel_events ev = {
		progress_handler, done_handler, t
	};

	return ev;
}

static void found_handler(const struct filewalk_arg *argv, size_t argc,
			  void *arg)
{
	struct tunnel *t = arg;
	const struct tunnel_events ev = events(t);
	const struct filesend_conf c = {
		.flow = t->flow, .number = t->number, .argv = argv,
		.argc = argc, .peer = t->peer
	};
	int err = filesend_alloc(&t->send, &c, &ev);

	if (err)
		ending_set(&t->end, err, "%m", err);
}

static int start_getter(struct tunnel *t)
{
	const struct tunnel_events ev = events(t);
	const struct filerecv_conf c = {
		.flow = t->flow, .number = t->number, .folder = t->folder,
		.taken = t->taken, .peer = t->peer, .asked = true
	};
	int err = filerecv_alloc(&t->recv, &c, &ev);

	if (err)
		return err;
	err = filewish_ask(&t->wish, t->flow, t->number, t->wishv, t->wishc,
			   fail_handler, t);
	if (err == E2BIG) {
		ending_set(&t->end, err, "Too much is asked for at once: name"
			   " the folder instead of its files.");
		return 0;
	}
	return err;
}

static int get_start(struct tunnel *t, const struct desc_media *remote,
		     const struct tunnel_way *way,
		     const struct tunnel_events *ev)
{
	(void)remote;
	if (t->flow)
		return EALREADY;
	t->flow = way->flow;
	t->number = way->number;
	ending_init(&t->end, way->loop, ev);
	if (t->getter)
		return start_getter(t);
	return filewish_hear(&t->wish, t->flow, t->number, t->folder,
			     found_handler, fail_handler, t);
}

static int get_status(struct re_printf *pf, const struct tunnel *t)
{
	if (t->send)
		return filesend_status(pf, t->send);
	return t->recv ? filerecv_status(pf, t->recv) : 0;
}

const struct tunnel_kind get_tunnel = {
	.name = "get",
	.usage = "[--overwrite|--rename] [--into DIR] [--] PATH...",
	.help = "files and folders that the peer lets us have, to here",
	.need = FLOW_STREAM,
	.allow = get_allow,
	.offer = get_offer,
	.answer = get_answer,
	.start = get_start,
	.status = get_status,
};
