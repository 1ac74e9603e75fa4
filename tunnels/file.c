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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tunnels/ask.h"
#include "tunnels/file/fileopts.h"
#include "tunnels/file/filerecv.h"
#include "tunnels/file/filesend.h"
#include "tunnels/file/filewalk.h"

struct tunnel {
	bool sender;
	struct filewalk_arg *pathv;
	size_t pathc;
	char *folder;                   /* receiver */
	uint64_t max, quota;
	enum filestore_taken taken;
	enum filezip_when zip;          /* sender */
	char *peer;
	struct filesend *send;
	struct filerecv *recv;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	mem_deref(t->send);
	mem_deref(t->recv);
	for (size_t i = 0; i < t->pathc; i++) {
		mem_deref(t->pathv[i].path);
		mem_deref(t->pathv[i].shown);
	}
	mem_deref(t->pathv);
	mem_deref(t->folder);
	mem_deref(t->peer);
}

/* Can it be sent, as far as one look can tell? */
static int check(const struct tunnel_ask *ask, const char *word,
		 const char *path, struct stat *st)
{
	char name[FW_NAME_MAX + 1];

	if (stat(path, st))     /* a service may see other folders */
		return ask_refuse(ask, EPERM, "%s cannot be sent: %m.",
				  word, errno);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return ask_refuse(ask, EINVAL, "%s cannot be sent: it is"
				  " neither a file nor a folder.", word);
	if (faccessat(AT_FDCWD, path, S_ISDIR(st->st_mode) ? R_OK | X_OK :
		      R_OK, AT_EACCESS))
		return ask_refuse(ask, EPERM, "%s cannot be read: %m.",
				  word, errno);
	if (filewalk_name(name, path))
		return ask_refuse(ask, EINVAL, "%s has no name to be"
				  " stored under: send what is in it.",
				  word);
	return 0;
}

static int add_path(struct tunnel *t, const struct tunnel_ask *ask,
		    const char *word, struct stat *st)
{
	char **pp = &t->pathv[t->pathc].path;
	int err;

	if (!*word)
		return ask_refuse(ask, EINVAL, "An empty name cannot be"
				  " sent.");
	err = fileopts_path(pp, ask, word);
	if (err)
		return err;
	err = str_dup(&t->pathv[t->pathc++].shown, word);
	if (err)
		return err;
	return check(ask, word, *pp, st);
}

static int add_paths(struct tunnel *t, const struct tunnel_ask *ask,
		     const struct fileopts *o, struct stat *st)
{
	int err = 0;

	t->pathv = mem_zalloc(o->namec * sizeof *t->pathv, NULL);
	if (!t->pathv)
		return ENOMEM;
	for (size_t i = 0; i < o->namec && !err; i++)
		err = add_path(t, ask, o->namev[i], st);
	return err;
}

static int file_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = ask_peer(&t->peer, ask);
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
	struct fileopts o;
	struct stat st = { 0 };
	int err = fileopts_parse(&o, ask, "send");

	if (err)
		return err;
	err = file_alloc(&t, ask);
	if (err)
		goto out;
	t->sender = true;
	t->zip = o.zip;
	err = add_paths(t, ask, &o, &st);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (!err)
		err = desc_param_set(local, "op", "send");
	if (!err && o.overwrite)
		err = desc_param_set(local, "taken", "overwrite");
	if (!err)
		err = describe(local, t, &st);
 out:
	mem_deref(o.namev);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static const char *ask_conf(const struct tunnel_ask *ask, const char *key)
{
	return ask->confh ? ask->confh(key, ask->arg) : NULL;
}

static int file_allow(const struct tunnel_ask *ask)
{
	return *ask->allow == '/' || !strncmp(ask->allow, "~/", 2) ? 0
		: ask_refuse(ask, EINVAL, "the folder '%s' begins neither with"
			     " / nor with ~/", ask->allow);
}

/* The folder that the peer's allow entry names, else the inbox. */
static int find_folder(struct tunnel *t, const struct tunnel_ask *ask)
{
	const char *f = ask->allow && *ask->allow ? ask->allow :
						    ask_conf(ask, "inbox");
	const char *home = getenv("HOME");

	if (!f || !*f)
		return ask_refuse(ask, ENOENT, "There is no folder for"
				  " received files: set inbox in"
				  " [file].");
	if (!strncmp(f, "~/", 2) && home)
		return re_sdprintf(&t->folder, "%s/%s", home, f + 2);
	if (*f != '/' && ask->allow && *ask->allow)
		return ask_refuse(ask, EINVAL, "The folder %s in allow"
				  " must be an absolute path.", f);
	return fileopts_path(&t->folder, ask, f);
}

static int check_size(struct tunnel *t, const struct tunnel_ask *ask,
		      const struct desc_media *remote)
{
	const char *max = ask_conf(ask, "max-size");
	const char *quota = ask_conf(ask, "quota");
	char size[24];

	t->max = max ? strtoull(max, NULL, 10) : 0;
	t->quota = quota ? strtoull(quota, NULL, 10) : 0;
	if (!t->max || desc_param_get(remote, "size", size, sizeof size) ||
	    strtoull(size, NULL, 10) <= t->max)
		return 0;
	return ask_refuse(ask, EFBIG, "The file is too large: at most"
			  " %llu bytes are taken (max-size in [file]).",
			  t->max);
}

/* What the caller wants is not what our user wants. */
static int check_taken(struct tunnel *t, const struct tunnel_ask *ask,
		       const struct desc_media *remote)
{
	const char *may = ask_conf(ask, "overwrite");
	char word[16];

	if (desc_param_get(remote, "taken", word, sizeof word) ||
	    strcmp(word, "overwrite"))
		return 0;
	if (!may || strcmp(may, "yes"))
		return ask_refuse(ask, EACCES, "Files may not be"
				  " overwritten here (overwrite in"
				  " [file]).");
	t->taken = FILESTORE_OVERWRITE;
	return 0;
}

static int check_words(const struct tunnel_ask *ask,
		       const struct desc_media *remote)
{
	char op[16];
	int err = ask_version(ask, remote, "file tunnel");

	if (err)
		return err;
	if (desc_param_get(remote, "op", op, sizeof op) ||
	    strcmp(op, "send"))
		return ask_refuse(ask, EBADMSG, "The file tunnel offered"
				  " is not one that sends.");
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
		err = check_taken(t, ask, remote);
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
			.argv = t->pathv, .argc = t->pathc, .peer = t->peer,
			.zip = t->zip
		};

		return filesend_alloc(&t->send, &c, ev);
	}
	else {
		const struct filerecv_conf c = {
			.flow = way->flow, .number = way->number,
			.folder = t->folder, .max = t->max,
			.quota = t->quota, .taken = t->taken,
			.peer = t->peer
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
	.usage = "[--overwrite|--rename] [--compress|--no-compress] [--]"
		 " FILE|DIR...",
	.help = "files and folders, into the peer's inbox",
	.need = FLOW_STREAM,
	.allow = file_allow,
	.once = "received files go into one folder",
	.offer = file_offer,
	.answer = file_answer,
	.start = file_start,
	.status = file_status,
};
