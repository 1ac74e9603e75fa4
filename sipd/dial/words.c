/*
 * words.c: `dial` COMMAND [ARGS] and `dial` PEER TUNNEL [ARGS].
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/words.h"
#include "tunnels/tunnel.h"

struct parse {
	struct word_order *wo;
	int argc;
	char **argv;
	char *why;
	size_t size;
};

static int complain(const struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(p->why, p->size, fmt, ap);
	va_end(ap);
	return EINVAL;
}

static void set_str(struct parse *p, const char *key, const char *val)
{
	if (val)
		(void)odict_entry_add(p->wo->o, key, ODICT_STRING, val);
}

/* The next word, or NULL. */
static const char *next(struct parse *p)
{
	return p->argc ? (--p->argc, *p->argv++) : NULL;
}

static int no_more(struct parse *p)
{
	return p->argc ? complain(p, "\"%s\" is one word too many.",
				  *p->argv) : 0;
}

static const char *kind_verb(const struct tunnel_kind *k)
{
	return k->verb ? k->verb : k->name;
}

static const struct tunnel_kind *find_verb(const char *verb)
{
	for (const struct tunnel_kind *const *kp = tunnel_kinds; *kp; kp++)
		if ((*kp)->usage && !strcmp(kind_verb(*kp), verb))
			return *kp;
	return NULL;
}

static int words_verbs(struct re_printf *pf, void *unused)
{
	const char *comma = "";
	int err = 0;
	(void)unused;

	for (const struct tunnel_kind *const *kp = tunnel_kinds; *kp; kp++) {
		if (!(*kp)->usage)
			continue;
		err |= re_hprintf(pf, "%s%s", comma, kind_verb(*kp));
		comma = ", ";
	}
	return err;
}

/* --- commands ---------------------------------------------------------- */

static int parse_wait(struct parse *p)
{
	const char *w, *kind = NULL;

	p->wo->lasting = true;
	p->wo->role = HOUSE_WAITER;
	while ((w = next(p))) {
		const char *val = NULL;

		if (!strcmp(w, "--once")) {
			(void)odict_entry_add(p->wo->o, "once", ODICT_BOOL,
					      true);
			continue;
		}
		if (!strcmp(w, "--from") || !strcmp(w, "--into")) {
			val = next(p);
			if (!val)
				return complain(p, "%s needs a value.", w);
			if (!strcmp(w, "--into") && *val != '/') {
				char cwd[512], path[1024];

				if (!getcwd(cwd, sizeof cwd))
					return complain(p, "The present"
							" folder is gone.");
				(void)re_snprintf(path, sizeof path, "%s/%s",
						  cwd, val);
				set_str(p, "into", path);
				continue;
			}
			set_str(p, w + 2, val);
			continue;
		}
		if (kind || (strcmp(w, "pipe") && strcmp(w, "file")))
			return complain(p, "\"%s\" cannot be waited for:"
					" write pipe or file.", w);
		kind = w;
	}
	set_str(p, "kind", kind);
	p->wo->fds = p->wo->quiet = kind && !strcmp(kind, "pipe");
	return 0;
}

static int parse_hangup(struct parse *p)
{
	const char *id = next(p);

	if (!id)
		return complain(p, "Which session? `dial list` shows their"
				" numbers; `dial hangup all` ends all.");
	set_str(p, "session", id);
	return no_more(p);
}

static int parse_why(struct parse *p)
{
	const char *peer = next(p);

	if (!peer)
		return complain(p, "Why what? Write `dial why PEER`.");
	set_str(p, "peer", peer);
	return no_more(p);
}

static int parse_approve(struct parse *p)
{
	const char *id = next(p);

	if (!id)
		return complain(p, "Which call? `dial list` shows those that"
				" ring, with their numbers.");
	set_str(p, "session", id);
	return no_more(p);
}

static int log_lines(struct parse *p, const char *n)
{
	char *end;
	long lines = strtol(n, &end, 10);

	if (*end || lines < 1)
		return complain(p, "\"%s\" is not a number of lines.", n);
	(void)odict_entry_add(p->wo->o, "lines", ODICT_INT, (int64_t)lines);
	return 0;
}

static int parse_log(struct parse *p)
{
	static const char *const flagv[] = { "verify", "denied", "follow" };
	const char *w;
	int err = 0;

	while (!err && (w = next(p))) {
		size_t i = 0;

		while (i < RE_ARRAY_SIZE(flagv) &&
		       (strncmp(w, "--", 2) || strcmp(w + 2, flagv[i])))
			i++;
		if (i < RE_ARRAY_SIZE(flagv))
			(void)odict_entry_add(p->wo->o, flagv[i], ODICT_BOOL,
					      true);
		else if (strcmp(w, "--peer"))
			err = log_lines(p, w);
		else if (!(w = next(p)))
			err = complain(p, "--peer needs a value.");
		else
			set_str(p, "peer", w);
	}
	return err;
}

static int parse_trust(struct parse *p)
{
	const char *peer = next(p), *text = next(p);

	if (peer && *peer == '-')
		return complain(p, "Whose key? Write `dial trust PEER %s`.",
				peer);
	set_str(p, "peer", peer);
	if (text && (!strcmp(text, "--explain") ||
		     !strcmp(text, "--forget")))
		(void)odict_entry_add(p->wo->o, text + 2, ODICT_BOOL, true);
	else
		set_str(p, "fingerprint", text);
	return no_more(p);
}

static int parse_identity(struct parse *p)
{
	if (p->argc && !strcmp(*p->argv, "--renew")) {
		(void)odict_entry_add(p->wo->o, "renew", ODICT_BOOL, true);
		(void)next(p);
	}
	return no_more(p);
}

static int parse_check(struct parse *p)
{
	if (p->argc && !strcmp(*p->argv, "--lifetime")) {
		(void)odict_entry_add(p->wo->o, "lifetime", ODICT_BOOL, true);
		(void)next(p);
	}
	return no_more(p);
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
	const char *code = next(p), *peer = next(p);

	p->wo->role = code ? HOUSE_CALLER : HOUSE_WAITER;
	if (code && !peer)
		return complain(p, "Whose code is it? Write `dial pair CODE"
				" PEER`.");
	set_str(p, "code", code);
	if (code)
		hide(*word);
	set_str(p, "peer", peer);
	return no_more(p);
}

/* main.c prints those that there are. */
static int parse_completion(struct parse *p)
{
	return complain(p, "Completions are there for bash, zsh and fish:"
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
	  CLIENT_RUNNING, no_more },
	{ "list", "", "sessions of the running sipd", CLIENT_RUNNING,
	  no_more },
	{ "hangup", "ID|all", "end sessions", CLIENT_RUNNING, parse_hangup },
	{ "approve", "ID", "answer the call of an unknown key, and compare",
	  CLIENT_RUNNING, parse_approve },
	{ "deny", "ID", "refuse it", CLIENT_RUNNING, parse_approve },
	{ "log", "[LINES] [--peer PEER] [--denied] [--follow] | --verify",
	  "the last calls, in JSON lines unless on a terminal; was any"
	  " changed?", CLIENT_ANY,
	  parse_log },
	{ "why", "PEER", "how the last session with PEER found its path, or"
	  " why not", CLIENT_RUNNING, parse_why },
	{ "check", "[--lifetime]", "what this network lets through: NAT, ports,"
	  " DNS, TLS", CLIENT_ANY, parse_check },
	{ "reload", "", "have sipd read its configuration again",
	  CLIENT_RUNNING, no_more },
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
		r->name = kind_verb(*kp);
		r->usage = (*kp)->usage;
		r->help = (*kp)->help;
		r->tunnel = true;
		return true;
	}
	return false;
}

/* --- PEER TUNNEL ------------------------------------------------------- */

static int add_args(struct parse *p, struct odict *tunnel)
{
	struct odict *args;
	char key[16];
	int err = odict_alloc(&args, 16);

	for (int i = 0; !err && i < p->argc; i++) {
		(void)re_snprintf(key, sizeof key, "%d", i);
		err = odict_entry_add(args, key, ODICT_STRING, p->argv[i]);
	}
	if (!err)
		err = odict_entry_add(tunnel, "args", ODICT_ARRAY, args);
	mem_deref(args);
	return err;
}

static int add_tunnel(struct parse *p, const struct tunnel_kind *k)
{
	struct odict *tunnels = NULL, *tunnel = NULL;
	int err = odict_alloc(&tunnels, 4);

	if (!err)
		err = odict_alloc(&tunnel, 4);
	if (!err)
		err = odict_entry_add(tunnel, "kind", ODICT_STRING, k->name);
	if (!err)
		err = add_args(p, tunnel);
	if (!err)
		err = odict_entry_add(tunnels, "0", ODICT_OBJECT, tunnel);
	if (!err)
		err = odict_entry_add(p->wo->o, "tunnels", ODICT_ARRAY,
				      tunnels);
	mem_deref(tunnel);
	mem_deref(tunnels);
	return err;
}

static int parse_call(struct parse *p, const char *peer)
{
	const char *verb = next(p);
	const struct tunnel_kind *k;
	char cwd[1024];

	if (!verb)
		return complain(p, "What is %s to be called for? One of:"
				" %H. See `dial help`.", peer, words_verbs,
				NULL);
	k = find_verb(verb);
	if (!k)
		return complain(p, "\"%s\" is not something to call for; one"
				" of: %H. See `dial help`.", verb,
				words_verbs, NULL);
	set_str(p, "cmd", "dial");
	set_str(p, "peer", peer);
	if (getcwd(cwd, sizeof cwd))
		set_str(p, "cwd", cwd);
	p->wo->lasting = true;
	/* what makes interfaces may be the system's alone to do */
	if (k->need == FLOW_DATAGRAM)
		p->wo->mode = CLIENT_SYSTEM;
	p->wo->fds = p->wo->quiet = k->stdio &&
		k->stdio(p->argv, (size_t)p->argc);
	return add_tunnel(p, k);
}

int words_parse(struct word_order *wo, int argc, char *argv[], bool can_ask,
		char *why, size_t size)
{
	struct parse p = { wo, argc, argv, why, size };
	const char *word = next(&p);
	int err;

	memset(wo, 0, sizeof *wo);
	wo->role = HOUSE_CALLER;
	if (!word)
		return complain(&p, "Whom to call, and for what? See"
				" `dial help`.");
	err = odict_alloc(&wo->o, 16);
	if (err)
		return complain(&p, "No memory.");
	if (can_ask)
		(void)odict_entry_add(wo->o, "ask", ODICT_BOOL, true);
	for (size_t i = 0; i < RE_ARRAY_SIZE(commandv); i++) {
		if (strcmp(commandv[i].name, word))
			continue;
		set_str(&p, "cmd", word);
		wo->mode = commandv[i].mode;
		return commandv[i].parse(&p);
	}
	return parse_call(&p, word);
}

static int print_row(struct re_printf *pf, const struct word_row *r)
{
	return re_hprintf(pf, "  dial %s%s%s%s\n        %s\n",
			  r->tunnel ? "PEER " : "", r->name,
			  *r->usage ? " " : "", r->usage, r->help);
}

int words_usage(struct re_printf *pf, void *unused)
{
	struct word_row r;
	int err = re_hprintf(pf, "usage: dial [-jv] [-c FILE] PEER TUNNEL"
			     " [ARGUMENT...]\n       dial [-jv] [-c FILE]"
			     " COMMAND [ARGUMENT...]\n\nPEER is a [peer NAME]"
			     " of sipd.conf, user@host, or sip:192.0.2.7\n\n"
			     "Tunnels:\n");
	(void)unused;

	for (size_t i = 0; words_row(&r, i); i++)
		if (r.tunnel)
			err |= print_row(pf, &r);
	err |= re_hprintf(pf, "\nCommands:\n");
	for (size_t i = 0; words_row(&r, i); i++)
		if (!r.tunnel)
			err |= print_row(pf, &r);
	return err | re_hprintf(pf, "\nOptions:\n"
		"  -c FILE      the configuration (default"
		" ~/.config/dialtone/sipd.conf,\n               then"
		" /etc/dialtone/sipd.conf)\n"
		"  -h, --help   this; also `dial help`\n"
		"  -j, --json   events as JSON lines on stdout\n"
		"  -v           tell more; twice: even more\n");
}
