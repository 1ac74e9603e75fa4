/*
 * file.c: the tunnel kind `file`: the caller sends files and folders, the
 * callee stores them in its inbox.
 *
 *   a=x-dialtone-tunnel:file v=1;op=send;name=report.pdf;size=5120
 *
 * name and size are only told for one plain file: enough to be asked about
 * it. What is sent is said in the tunnel (filewire.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tunnels/file/filerecv.h"
#include "tunnels/file/filesend.h"
#include "tunnels/file/filewalk.h"

struct tunnel {
	bool sender;
	struct filewalk_arg *pathv;
	size_t pathc;
	char *folder;                   /* receiver */
	uint64_t max;
	char *peer;
	struct filesend *send;
	struct filerecv *recv;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	mem_deref(t->send);
	mem_deref(t->recv);
	for (size_t i = 0; i < t->pathc; i++)
		mem_deref(t->pathv[i].path);
	mem_deref(t->pathv);
	mem_deref(t->folder);
	mem_deref(t->peer);
}

static int refuse(const struct tunnel_ask *ask, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (ask->why)
		(void)re_vsnprintf(ask->why, ask->why_size, fmt, ap);
	va_end(ap);
	return err;
}

/* Can it be sent, as far as one look can tell? */
static int check(const struct tunnel_ask *ask, const char *word,
		 const char *path, struct stat *st)
{
	char name[FW_NAME_MAX + 1];

	if (stat(path, st))
		return refuse(ask, EINVAL, "%s cannot be sent: %m.", word,
			      errno);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return refuse(ask, EINVAL, "%s cannot be sent: it is neither"
			      " a file nor a folder.", word);
	if (faccessat(AT_FDCWD, path, S_ISDIR(st->st_mode) ? R_OK | X_OK :
		      R_OK, AT_EACCESS))
		return refuse(ask, EINVAL, "%s cannot be read: %m.", word,
			      errno);
	if (filewalk_name(name, path))
		return refuse(ask, EINVAL, "%s has no name to be stored"
			      " under: send what is in it.", word);
	return 0;
}

static int add_path(struct tunnel *t, const struct tunnel_ask *ask,
		    const char *word, struct stat *st)
{
	char **pp = &t->pathv[t->pathc].path;
	int err;

	if (!*word)
		return refuse(ask, EINVAL, "An empty name cannot be sent.");
	if (*word == '/' || !ask->cwd)
		err = str_dup(pp, word);
	else
		err = re_sdprintf(pp, "%s/%s", ask->cwd, word);
	if (err)
		return err;
	t->pathc++;
	return check(ask, word, *pp, st);
}

static int add_paths(struct tunnel *t, const struct tunnel_ask *ask,
		     struct stat *st)
{
	bool options = true;
	int err = 0;

	t->pathv = mem_zalloc((ask->argc + 1) * sizeof *t->pathv, NULL);
	if (!t->pathv)
		return ENOMEM;
	for (size_t i = 0; i < ask->argc && !err; i++) {
		const char *word = ask->argv[i];

		if (options && !strcmp(word, "--"))
			options = false;
		else if (options && *word == '-')
			return refuse(ask, EINVAL, "send does not know the"
				      " option %s; write ./%s or -- before it"
				      " if it is a file.", word, word);
		else
			err = add_path(t, ask, word, st);
	}
	if (!err && !t->pathc)
		return refuse(ask, EINVAL, "What is to be sent? Name a file"
			      " or a folder.");
	return err;
}

static int file_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = str_dup(&t->peer, ask->peer ? ask->peer : "The peer");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

/* For one plain file: what is it? */
static int describe(struct desc_media *m, const struct tunnel *t,
		    const struct stat *st)
{
	char name[FW_NAME_MAX + 1], size[24];
	int err;

	if (t->pathc != 1 || !S_ISREG(st->st_mode))
		return 0;
	err = filewalk_name(name, t->pathv[0].path);
	if (!err)
		err = desc_param_set(m, "name", name);
	if (!err && re_snprintf(size, sizeof size, "%llu",
				(uint64_t)st->st_size) < 0)
		err = EOVERFLOW;
	return err ? err : desc_param_set(m, "size", size);
}

static int file_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		      struct desc_media *local)
{
	struct tunnel *t = NULL;
	struct stat st;
	int err = file_alloc(&t, ask);

	if (err)
		return err;
	t->sender = true;
	err = add_paths(t, ask, &st);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (!err)
		err = desc_param_set(local, "op", "send");
	if (!err)
		err = describe(local, t, &st);
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static const char *ask_conf(const struct tunnel_ask *ask, const char *key)
{
	return ask->confh ? ask->confh(key, ask->arg) : NULL;
}

/* The folder that the peer's allow entry names, else the inbox. */
static int find_folder(struct tunnel *t, const struct tunnel_ask *ask)
{
	const char *f = ask->allow && *ask->allow ? ask->allow :
						    ask_conf(ask, "inbox");
	const char *home = getenv("HOME");

	if (!f || !*f)
		return refuse(ask, ENOENT, "There is no folder for received"
			      " files: set inbox in [file].");
	if (*f == '/')
		return str_dup(&t->folder, f);
	if (!strncmp(f, "~/", 2) && home)
		return re_sdprintf(&t->folder, "%s/%s", home, f + 2);
	if (ask->allow && *ask->allow)
		return refuse(ask, EINVAL, "The folder %s in allow must be"
			      " an absolute path.", f);
	if (ask->cwd)
		return re_sdprintf(&t->folder, "%s/%s", ask->cwd, f);
	return str_dup(&t->folder, f);
}

static int check_size(struct tunnel *t, const struct tunnel_ask *ask,
		      const struct desc_media *remote)
{
	const char *max = ask_conf(ask, "max-size");
	char size[24];

	t->max = max ? strtoull(max, NULL, 10) : 0;
	if (!t->max || desc_param_get(remote, "size", size, sizeof size) ||
	    strtoull(size, NULL, 10) <= t->max)
		return 0;
	return refuse(ask, EFBIG, "The file is too large: at most %llu bytes"
		      " are taken (max-size in [file]).", t->max);
}

static int check_words(const struct tunnel_ask *ask,
		       const struct desc_media *remote)
{
	char v[8], op[16];

	if (desc_param_get(remote, "v", v, sizeof v) || strcmp(v, "1"))
		return refuse(ask, EBADMSG, "The file tunnel offered is of"
			      " another version than ours, 1.");
	if (desc_param_get(remote, "op", op, sizeof op) ||
	    strcmp(op, "send"))
		return refuse(ask, EBADMSG, "The file tunnel offered is not"
			      " one that sends.");
	return 0;
}

static int file_answer(struct tunnel **tp, const struct tunnel_ask *ask,
		       const struct desc_media *remote,
		       struct desc_media *local)
{
	struct tunnel *t = NULL;
	int err = check_words(ask, remote);

	if (err)
		return err;
	err = file_alloc(&t, ask);
	if (err)
		return err;
	err = find_folder(t, ask);
	if (!err)
		err = check_size(t, ask, remote);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int file_start(struct tunnel *t, const struct desc_media *remote,
		      const struct tunnel_way *way,
		      const struct tunnel_events *ev)
{
	(void)remote;
	if (t->send || t->recv)
		return EALREADY;
	if (t->sender) {
		const struct filesend_conf c = {
			.flow = way->flow, .number = way->number,
			.argv = t->pathv, .argc = t->pathc, .peer = t->peer
		};

		return filesend_alloc(&t->send, &c, ev);
	}
	else {
		const struct filerecv_conf c = {
			.flow = way->flow, .number = way->number,
			.folder = t->folder, .max = t->max, .peer = t->peer
		};

		return filerecv_alloc(&t->recv, &c, ev);
	}
}

static int file_status(struct re_printf *pf, const struct tunnel *t)
{
	if (t->send)
		return filesend_status(pf, t->send);
	return t->recv ? filerecv_status(pf, t->recv) : 0;
}

const struct tunnel_kind file_tunnel = {
	.name = "file",
	.verb = "send",
	.usage = "[--] FILE|DIR...",
	.need = FLOW_STREAM,
	.offer = file_offer,
	.answer = file_answer,
	.start = file_start,
	.status = file_status,
};
