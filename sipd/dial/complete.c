/*
 * complete.c: completions for shells, of the words of usage lines (usage.c);
 * of the names in capitals a shell can complete files, peers and sessions.
 *
 *   words.c's table -> usage -> words -> one case for each row
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/complete.h"
#include "sipd/dial/usage.h"
#include "sipd/dial/words.h"

static const char peers[] = "sed -n \"s/^\\[peer *\\([^]]*\\)\\].*/\\1/p\""
	" ~/.config/dialtone/sipd.conf /etc/dialtone/sipd.conf 2>/dev/null";
static const char sessions[] = "dial list 2>/dev/null | sed -n"
	" \"s/^session *\\([0-9]*\\).*/\\1/p\"";

static bool has_word(const char *usage, const char *want)
{
	struct pl word;

	while (usage_next(&usage, &word))
		if (word.l >= strlen(want) &&
		    !strncmp(word.p, want, strlen(want)))
			return true;
	return false;
}

static int literals(struct re_printf *pf, const char *usage)
{
	const char *sep = "";
	struct pl word;
	int err = 0;

	while (!err && usage_next(&usage, &word)) {
		if (!usage_literal(&word))
			continue;
		err = re_hprintf(pf, "%s%r", sep, &word);
		sep = " ";
	}
	return err;
}

static int names(struct re_printf *pf, const bool *tunnels)
{
	const char *sep = "";
	struct word_row r;
	int err = 0;

	for (size_t i = 0; !err && words_row(&r, i); i++) {
		if (r.tunnel != *tunnels)
			continue;
		err = re_hprintf(pf, "%s%s", sep, r.name);
		sep = " ";
	}
	return err;
}

static int dynamic(struct re_printf *pf, const struct word_row *r)
{
	int err = 0;

	if (has_word(r->usage, "PEER"))
		err = re_hprintf(pf, " $(%s)", peers);
	if (!err && has_word(r->usage, "ID"))
		err = re_hprintf(pf, " $(%s)", sessions);
	return err;
}

/* One case for each row of one sort. */
static int cases(struct re_printf *pf, const bool *tunnels)
{
	struct word_row r;
	int err = 0;

	for (size_t i = 0; !err && words_row(&r, i); i++)
		if (r.tunnel == *tunnels)
			err = re_hprintf(pf, "\t%s%s) say=\"%H%H\" ;;\n",
					 r.tunnel ? "\t" : "", r.name,
					 literals, r.usage, dynamic, &r);
	return err;
}

/* sh's own words: bash and zsh share all but the last line. */
static int print_sh(struct re_printf *pf, bool zsh)
{
	static const bool yes = true, no = false;

	return re_hprintf(pf, "%s# completion of dial(1), made by"
		" `dial completion %s`\n"
		"_dial() {\n"
		"%s"
		"\tlocal first= second= say= i=1\n"
		"\twhile [ $i -lt $at ]; do\n"
		"\t\tcase \"${all[$i]}\" in\n"
		"\t\t-c) i=$((i + 1)) ;;\n"
		"\t\t-*) ;;\n"
		"\t\t*) if [ -z \"$first\" ]; then first=${all[$i]}\n"
		"\t\t   elif [ -z \"$second\" ]; then second=${all[$i]}; fi"
		" ;;\n"
		"\t\tesac\n"
		"\t\ti=$((i + 1))\n"
		"\tdone\n"
		"\tcase $first in\n"
		"\t'') say=\"%H -c -j --json -v --help $(%s)\" ;;\n"
		"%H"
		"\t*)\tcase $second in\n"
		"\t\t'') say=\"%H\" ;;\n"
		"%H"
		"\t\tesac ;;\n"
		"\tesac\n"
		"%s",
		zsh ? "#compdef dial\n" : "", zsh ? "zsh" : "bash",
		zsh ? "\tlocal -a all=(\"${(@)words[2,-1]}\")\n"
		      "\tlocal at=$((CURRENT - 1))\n"
		    : "\tlocal all=(\"${COMP_WORDS[@]}\") at=$COMP_CWORD\n",
		names, &no, peers, cases, &no, names, &yes, cases, &yes,
		zsh ? "\tcompadd -- ${=say}\n\t_files\n}\n_dial \"$@\"\n"
		    : "\tlocal now=${COMP_WORDS[COMP_CWORD]} hide='-*'\n"
		      "\t[[ $now != -* ]] || hide=\n"
		      "\tCOMPREPLY=($(compgen -W \"$say\" -X \"$hide\" --"
		      " \"$now\"))\n}\n"
		      "complete -o default -F _dial dial\n");
}

static int fish_row(struct re_printf *pf, const struct word_row *r)
{
	return re_hprintf(pf, "complete -c dial -n '__dial_at %s %s' -a"
			  " '%H%s%s'\n", r->tunnel ? "tunnel" : "command",
			  r->name, literals, r->usage,
			  has_word(r->usage, "PEER") ? " (__dial_peers)" : "",
			  has_word(r->usage, "ID") ? " (__dial_sessions)"
			  : "");
}

static int print_fish(struct re_printf *pf)
{
	static const bool yes = true;
	struct word_row r;
	int err = re_hprintf(pf, "# completion of dial(1), made by"
		" `dial completion fish`\n"
		"function __dial_peers\n\t%s\nend\n"
		"function __dial_sessions\n\t%s\nend\n"
		"function __dial_words\n"
		"\tset -l skip 0\n"
		"\tfor w in (commandline -opc)[2..-1]\n"
		"\t\tif test $skip = 1; set skip 0; continue; end\n"
		"\t\tif test \"$w\" = -c; set skip 1; continue; end\n"
		"\t\tstring match -q -- '-*' $w; or echo $w\n"
		"\tend\nend\n"
		"function __dial_at\n"
		"\tset -l w (__dial_words)\n"
		"\tswitch $argv[1]\n"
		"\tcase first; test (count $w) -eq 0\n"
		"\tcase second; test (count $w) -eq 1; and not contains --"
		" $w[1] $argv[2..-1]\n"
		"\tcase command; test \"$w[1]\" = $argv[2]\n"
		"\tcase tunnel; test (count $w) -ge 2; and test \"$w[2]\" ="
		" $argv[2]\n"
		"\tend\nend\n"
		"complete -c dial -s c -r -d 'the configuration'\n"
		"complete -c dial -s j -l json -d 'events as JSON lines'\n"
		"complete -c dial -s v -d 'tell more'\n"
		"complete -c dial -n '__dial_at first' -f -a"
		" '(__dial_peers)'\n", peers, sessions);

	for (size_t i = 0; !err && words_row(&r, i); i++)
		if (!r.tunnel)
			err = re_hprintf(pf, "complete -c dial -n '__dial_at"
					 " first' -f -a %s -d \"%s\"\n", r.name,
					 r.help);
	if (!err)
		err = re_hprintf(pf, "complete -c dial -n '__dial_at second");
	for (size_t i = 0; !err && words_row(&r, i); i++)
		if (!r.tunnel)
			err = re_hprintf(pf, " %s", r.name);
	if (!err)
		err = re_hprintf(pf, "' -f -a '%H'\n", names, &yes);
	for (size_t i = 0; !err && words_row(&r, i); i++)
		err = fish_row(pf, &r);
	return err;
}

int complete_print(struct re_printf *pf, const char *shell)
{
	if (!str_cmp(shell, "bash") || !str_cmp(shell, "zsh"))
		return print_sh(pf, !str_cmp(shell, "zsh"));
	return str_cmp(shell, "fish") ? EINVAL : print_fish(pf);
}
