/*
 * words.c: the commands and how each is written; with the tunnels they are the
 * table that the help and the completions are made of.
 *
 * Called by cmdline.c, help.c and complete.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/usage.h"
#include "sipd/dial/words.h"
#include "tunnels/tunnel.h"

static int parse_wait(struct parse *p)
{
	const char *w, *kind = NULL;

	p->wo->lasting = true;
	p->wo->role = HOUSE_WAITER;
	while ((w = parse_next(p))) {
		const char *val = NULL;

		if (!strcmp(w, "--once")) {
			(void)odict_entry_add(p->wo->o, "once", ODICT_BOOL,
					      true);
			continue;
		}
		if (!strcmp(w, "--from") || !strcmp(w, "--into")) {
			val = parse_next(p);
			if (!val)
				return parse_fail(p, "%s needs a value.", w);
			if (!strcmp(w, "--into") && *val != '/') {
				char cwd[512], path[1024];

				if (!getcwd(cwd, sizeof cwd))
					return parse_fail(p, "The present"
							  " folder is gone.");
				(void)re_snprintf(path, sizeof path, "%s/%s",
						  cwd, val);
				parse_str(p, "into", path);
				continue;
			}
			parse_str(p, w + 2, val);
			continue;
		}
		if (*w == '-')
			return parse_no_option(p, w);
		if (kind || (strcmp(w, "pipe") && strcmp(w, "file")))
			return parse_fail(p, "\"%s\" cannot be waited for:"
					  " write pipe or file.", w);
		kind = w;
	}
	parse_str(p, "kind", kind);
	p->wo->fds = p->wo->quiet = kind && !strcmp(kind, "pipe");
	return 0;
}

static int parse_hangup(struct parse *p)
{
	const char *id = parse_next(p);

	if (!id)
		return parse_fail(p, "Which session? `dial list` shows their"
				  " numbers; `dial hangup all` ends all.");
	parse_str(p, "session", id);
	return parse_no_more(p);
}

static int parse_why(struct parse *p)
{
	const char *peer = parse_next(p);

	if (!peer)
		return parse_fail(p, "Why what? Write `dial why PEER`.");
	parse_str(p, "peer", peer);
	return parse_no_more(p);
}

static int parse_pending(struct parse *p)
{
	const char *id = parse_next(p);

	if (!id)
		return parse_fail(p, "Which call? `dial list` shows those that"
				  " ring, with their numbers.");
	parse_str(p, "session", id);
	return 0;
}

static int parse_approve(struct parse *p)
{
	const int err = parse_pending(p);

	if (err)
		return err;
	parse_str(p, "fingerprint", parse_next(p));
	return parse_no_more(p);
}

static int parse_deny(struct parse *p)
{
	const int err = parse_pending(p);

	return err ? err : parse_no_more(p);
}

static int log_lines(struct parse *p, const char *n)
{
	char *end;
	long lines = strtol(n, &end, 10);

	if (*n == '-')
		return parse_no_option(p, n);
	if (*end || lines < 1)
		return parse_fail(p, "\"%s\" is not a number of lines.", n);
	(void)odict_entry_add(p->wo->o, "lines", ODICT_INT, (int64_t)lines);
	return 0;
}

static int parse_log(struct parse *p)
{
	static const char *const flagv[] = { "verify", "denied", "follow" };
	const char *w;
	int err = 0;

	while (!err && (w = parse_next(p))) {
		size_t i = 0;

		while (i < RE_ARRAY_SIZE(flagv) &&
		       (strncmp(w, "--", 2) || strcmp(w + 2, flagv[i])))
			i++;
		if (i < RE_ARRAY_SIZE(flagv))
			(void)odict_entry_add(p->wo->o, flagv[i], ODICT_BOOL,
					      true);
		else if (strcmp(w, "--peer"))
			err = log_lines(p, w);
		else if (!(w = parse_next(p)))
			err = parse_fail(p, "--peer needs a value.");
		else
			parse_str(p, "peer", w);
	}
	return err;
}

static int parse_trust(struct parse *p)
{
	const char *peer = parse_next(p), *text = parse_next(p);

	if (peer && *peer == '-')
		return usage_has(p->row.usage, peer) ?
			parse_fail(p, "Whose key? Write `dial trust PEER %s`.",
				   peer) : parse_no_option(p, peer);
	parse_str(p, "peer", peer);
	if (text && *text == '-' && !usage_has(p->row.usage, text))
		return parse_no_option(p, text);
	if (text && *text == '-')
		(void)odict_entry_add(p->wo->o, text + 2, ODICT_BOOL, true);
	else
		parse_str(p, "fingerprint", text);
	return parse_no_more(p);
}

static int parse_identity(struct parse *p)
{
	if (p->argc && !strcmp(*p->argv, "--renew")) {
		(void)odict_entry_add(p->wo->o, "renew", ODICT_BOOL, true);
		(void)parse_next(p);
	}
	return parse_no_more(p);
}

static int parse_check(struct parse *p)
{
	if (p->argc && !strcmp(*p->argv, "--lifetime")) {
		(void)odict_entry_add(p->wo->o, "lifetime", ODICT_BOOL, true);
		(void)parse_next(p);
	}
	return parse_no_more(p);
}

/* Other users see the command line (proc(5)), and the code is good until it
 * has been used. */
static void hide(char *word)
{
	memset(word, '*', strlen(word));
}

static int parse_pair(struct parse *p)
{
	char **const word = p->argv;
	const char *code = parse_next(p), *peer = parse_next(p);

	p->wo->role = code ? HOUSE_CALLER : HOUSE_WAITER;
	if (code && *code == '-')
		return parse_no_option(p, code);
	if (code && !peer)
		return parse_fail(p, "Whose code is it? Write `dial pair CODE"
				  " PEER`.");
	parse_str(p, "code", code);
	if (code)
		hide(*word);
	parse_str(p, "peer", peer);
	return parse_no_more(p);
}

/* main.c prints those that there are. */
static int parse_completion(struct parse *p)
{
	return parse_fail(p, "Completions are there for bash, zsh and fish:"
			  " write `dial completion bash`.");
}

static const struct {
	const char *name, *usage, *help;
	enum client_mode mode;
	int (*parse)(struct parse *p);
} commandv[] = {
	{ "wait", "[pipe|file] [--from PEER] [--into DIR] [--once]",
	  "answer calls without a daemon", CLIENT_ANY, parse_wait },
	{ "status", "", "accounts and sessions of the running sipd",
	  CLIENT_RUNNING, parse_no_more },
	{ "list", "", "sessions of the running sipd", CLIENT_RUNNING,
	  parse_no_more },
	{ "hangup", "ID|all", "end sessions", CLIENT_RUNNING, parse_hangup },
	{ "approve", "ID [FINGERPRINT]", "answer the call of an unknown key,"
	  " and compare, or take it as this key's", CLIENT_RUNNING,
	  parse_approve },
	{ "deny", "ID", "refuse it", CLIENT_RUNNING, parse_deny },
	{ "log", "[LINES] [--peer PEER] [--denied] [--follow] | --verify",
	  "the last calls, in JSON lines unless on a terminal; was any"
	  " changed?", CLIENT_ANY,
	  parse_log },
	{ "why", "PEER", "how the last session with PEER found its path, or"
	  " why not", CLIENT_RUNNING, parse_why },
	{ "check", "[--lifetime]", "what this network lets through: NAT, ports,"
	  " DNS, TLS", CLIENT_ANY, parse_check },
	{ "reload", "", "have sipd read its configuration again",
	  CLIENT_RUNNING, parse_no_more },
	{ "trust", "[PEER [FINGERPRINT|--forget|--explain]]",
	  "list pinned keys, pin or forget one, or say what PEER may do here",
	  CLIENT_ANY, parse_trust },
	{ "pair", "[CODE PEER]", "make a code for who shall be trusted; or"
	  " use the one that PEER made", CLIENT_ANY, parse_pair },
	{ "identity", "[--renew]", "this side's own fingerprint; or make a new"
	  " key", CLIENT_ANY, parse_identity },
	{ "completion", "bash|zsh|fish", "a script for this shell",
	  CLIENT_ANY, parse_completion },
};

const char *words_verb(const struct tunnel_kind *k)
{
	return k->verb ? k->verb : k->name;
}

bool words_row(struct word_row *r, size_t i)
{
	const struct tunnel_kind *const *kp = tunnel_kinds;

	memset(r, 0, sizeof *r);
	if (i < RE_ARRAY_SIZE(commandv)) {
		r->name = commandv[i].name;
		r->usage = commandv[i].usage;
		r->help = commandv[i].help;
		return true;
	}
	for (i -= RE_ARRAY_SIZE(commandv); *kp; kp++) {
		if (!(*kp)->usage || i--)
			continue;
		r->name = words_verb(*kp);
		r->usage = (*kp)->usage;
		r->help = (*kp)->help;
		r->tunnel = true;
		return true;
	}
	return false;
}

bool words_find(struct word_row *r, const char *name)
{
	for (size_t i = 0; words_row(r, i); i++)
		if (!strcmp(r->name, name))
			return true;
	return false;
}

int words_command(struct parse *p, const char *word)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(commandv); i++) {
		if (strcmp(commandv[i].name, word))
			continue;
		parse_str(p, "cmd", word);
		(void)words_row(&p->row, i);
		p->wo->mode = commandv[i].mode;
		return commandv[i].parse(p);
	}
	return ENOENT;
}
