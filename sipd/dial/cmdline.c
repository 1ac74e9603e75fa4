/*
 * cmdline.c: `dial` COMMAND [ARGS] and `dial` PEER TUNNEL [ARGS] become one
 * order.
 *
 *   main.c -> here -> words.c (a command) or the tunnel's own words
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/cmdline.h"
#include "sipd/dial/usage.h"
#include "sipd/dial/words.h"
#include "sipd/nearest.h"
#include "tunnels/tunnel.h"

static const struct tunnel_kind *find_verb(const char *verb)
{
	for (const struct tunnel_kind *const *kp = tunnel_kinds; *kp; kp++)
		if ((*kp)->usage && !strcmp(words_verb(*kp), verb))
			return *kp;
	return NULL;
}

static int print_verbs(struct re_printf *pf, void *unused)
{
	const char *comma = "";
	struct word_row r;
	int err = 0;
	(void)unused;

	for (size_t i = 0; words_row(&r, i); i++) {
		if (!r.tunnel)
			continue;
		err |= re_hprintf(pf, "%s%s", comma, r.name);
		comma = ", ";
	}
	return err;
}

/* Of the tunnels or the commands the one that word looks like; NULL: none
 * does well enough for a word that may also be a peer. */
static const char *near_row(const char *word, bool tunnel)
{
	struct nearest near = { NULL, 0 };
	struct word_row r;

	for (size_t i = 0; words_row(&r, i); i++)
		if (r.tunnel == tunnel)
			nearest_try(&near, word, r.name);
	return near.best && 2 * near.dist < strlen(word) ? near.best : NULL;
}

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

/* There is no such tunnel: the peer was left out or comes second, the whole is
 * a mistyped command, or the word was meant for another. */
static int no_verb(struct parse *p, const char *peer, const char *verb)
{
	const char *cmd = near_row(peer, false);
	const char *near = verb ? near_row(verb, true) : NULL;

	if (find_verb(peer) && words_find(&p->row, peer))
		return parse_fail(p, "Whom to call comes first: write %H.",
				  parse_usage, &p->row);
	if (near)
		return parse_fail(p, "\"%s\" is not something to call for; did"
				  " you mean '%s'?", verb, near);
	if (cmd && strcmp(cmd, peer))
		return parse_fail(p, "There is no command \"%s\"; did you mean"
				  " '%s'?", peer, cmd);
	if (verb)
		return parse_fail(p, "\"%s\" is not something to call for; one"
				  " of: %H. See `dial help`.", verb,
				  print_verbs, NULL);
	near = near_row(peer, true);
	if (near)
		return parse_fail(p, "There is no command \"%s\"; did you mean"
				  " `dial PEER %s`?", peer, near);
	return parse_fail(p, "What is %s to be called for? One of: %H. See `dial"
			  " help`.", peer, print_verbs, NULL);
}

/* A tunnel judges its words itself; but it does not know what is near to one,
 * and what is dial's. */
static int check_options(const struct parse *p)
{
	for (int i = 0; i < p->argc && strcmp(p->argv[i], "--"); i++) {
		const char *w = p->argv[i];
		char near[40];

		if (parse_is_own(w))
			return parse_no_option(p, w);
		if (strncmp(w, "--", 2) || usage_has(p->row.usage, w))
			continue;
		usage_nearest(p->row.usage, w, near, sizeof near);
		if (*near)
			return parse_no_option(p, w);
	}
	return 0;
}

static int parse_call(struct parse *p, const char *peer)
{
	const char *verb = parse_next(p);
	const struct tunnel_kind *k = NULL;
	char cwd[1024];

	if (!peer)
		return parse_fail(p, "Whom to call, and for what? See"
				  " `dial help`.");
	if (verb)
		k = find_verb(verb);
	if (!k)
		return no_verb(p, peer, verb);
	(void)words_find(&p->row, verb);
	if (check_options(p))
		return EINVAL;
	parse_str(p, "cmd", "dial");
	parse_str(p, "peer", peer);
	if (getcwd(cwd, sizeof cwd))
		parse_str(p, "cwd", cwd);
	p->wo->lasting = true;
	/* what makes interfaces may be the system's alone to do */
	if (k->need == FLOW_DATAGRAM)
		p->wo->mode = CLIENT_SYSTEM;
	p->wo->fds = p->wo->quiet = k->stdio &&
		k->stdio(p->argv, (size_t)p->argc);
	return add_tunnel(p, k);
}

/* Words that a command does not take: is it a peer that is called so? */
static int no_command(const struct parse *p, const char *word,
		      char *const argv[])
{
	if (p->argc && p->argv == argv + 1 && find_verb(*p->argv))
		return parse_fail(p, "`dial %s` is a command; if a peer is"
				  " called so, write `dial -- %s %s`.", word,
				  word, *p->argv);
	return EINVAL;
}

int cmdline_parse(struct word_order *wo, int argc, char *argv[], bool can_ask,
		char *why, size_t size)
{
	struct parse p = { wo, argc, argv, why, size, { 0 } };
	const char *word = parse_next(&p);
	int err;

	memset(wo, 0, sizeof *wo);
	wo->role = HOUSE_CALLER;
	err = odict_alloc(&wo->o, 16);
	if (err)
		return parse_fail(&p, "No memory.");
	if (can_ask)
		(void)odict_entry_add(wo->o, "ask", ODICT_BOOL, true);
	if (word && !strcmp(word, "--"))
		return parse_call(&p, parse_next(&p));
	err = word ? words_command(&p, word) : ENOENT;
	if (err == ENOENT)
		return parse_call(&p, word);
	return err ? no_command(&p, word, argv) : 0;
}
