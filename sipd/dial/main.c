/*
 * main.c: dial: one order, its events, one exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sdp/base/signals.h"
#include "sipd/dial/client.h"
#include "sipd/dial/cmdline.h"
#include "sipd/dial/complete.h"
#include "sipd/dial/help.h"
#include "sipd/dial/show.h"
#include "sipd/log.h"
#include "sipd/node.h"
#include "sipd/places.h"
#include "tunnels/ending.h"

enum { EXIT_INTERRUPTED = 130, EXIT_USAGE_ERROR = 2 };

static struct {
	struct client *client;
	struct show *show;
	struct signals *signals;
	const char *file;               /* the configuration, NULL: none */
	const struct word_order *order;
	struct rc_fd tty;
	char asking[16];                /* the session that waits for y/n */
	bool json;
	bool ending;
	int code;
} self = { .tty = { .fd = -1 }, .code = 1 };

static int complain(int code, const char *text)
{
	if (self.json)
		(void)re_printf("{\"event\":\"error\",\"text\":\"%H\","
				"\"exit\":%d}\n", utf8_encode, text, code);
	else
		(void)fprintf(stderr, "dial: %s\n", text);
	return code;
}

static void closed_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void finish(int code)
{
	if (self.ending)
		return;
	self.ending = true;
	self.code = code;
	client_close(self.client, closed_handler, NULL);
}

/* --- a new key: ask on the terminal ------------------------------------ */

static void answer(const char *session, bool accept)
{
	struct odict *o;

	if (odict_alloc(&o, 4))
		return;
	(void)odict_entry_add(o, "cmd", ODICT_STRING, "answer");
	(void)odict_entry_add(o, "session", ODICT_STRING, session);
	(void)odict_entry_add(o, "accept", ODICT_BOOL, accept);
	(void)client_send(self.client, o, -1, -1);
	mem_deref(o);
}

static void tty_handler(int flags, void *arg)
{
	char line[64];
	ssize_t n = read(self.tty.fd, line, sizeof line);
	(void)flags;
	(void)arg;

	rc_fd_close(&self.tty);
	answer(self.asking, n > 0 && (*line == 'y' || *line == 'Y'));
	*self.asking = '\0';
}

static int open_tty(void)
{
	return self.json ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC |
				     O_NOCTTY);
}

/* What was typed before the question is no answer to it. */
static void forget_typed(void)
{
	if (self.tty.fd >= 0 && tcgetpgrp(self.tty.fd) == getpgrp())
		(void)tcflush(self.tty.fd, TCIFLUSH);
}

/* The session that was asked about is over: whoever calls next gets a
 * question of his own. */
static void ask_no_more(const struct odict *o)
{
	const char *session = odict_string(o, "session");

	if (!*self.asking || !session || strcmp(session, self.asking))
		return;
	rc_fd_close(&self.tty);
	*self.asking = '\0';
	(void)fputc('\n', stderr);
}

static void ask_key(const char *address, const char *fp, const char *words)
{
	(void)fprintf(stderr, "The key of %s is not known here:\n  %s\n",
		      address ? address : "the peer", fp ? fp : "");
	if (words)
		(void)fprintf(stderr, "The other side sees the same six"
			      " words, unless somebody stands between you:\n"
			      "  %s\nAsk there what they are. Trust this key"
			      " from now on? [y/N] ", words);
	else
		(void)fprintf(stderr, "Compare it with what `dial identity`"
			      " prints there. Trust it from now on? [y/N] ");
}

static void ask(const struct odict *o)
{
	const char *session = odict_string(o, "session");
	const char *fp = odict_string(o, "fingerprint");
	const char *address = odict_string(o, "address");
	const char *words = odict_string(o, "words");
	const char *peer = odict_string(o, "peer");
	const char *offer = odict_string(o, "offer");
	const char *about = odict_string(o, "about");
	const bool about_offer = about && !strcmp(about, "offer");

	if (*self.asking) {             /* one question at a time */
		answer(session ? session : "", false);
		return;
	}
	(void)str_ncpy(self.asking, session ? session : "",
		       sizeof self.asking);
	show_asked(self.show);
	if (self.tty.fd < 0)
		self.tty.fd = open_tty();
	forget_typed();
	if (offer || about_offer)
		(void)re_fprintf(stderr, "%s wants to send you %H.%s",
				 peer ? peer : "The peer", plain_print,
				 offer ? offer : "files or folders",
				 about_offer ? " Take it? [y/N] " : "\n");
	if (!about_offer)
		ask_key(address, fp, words);
	if (self.tty.fd < 0 ||
	    rc_fd_listen(&self.tty, FD_READ, tty_handler, NULL)) {
		answer(self.asking, false);
		*self.asking = '\0';
	}
}

/* --- events ------------------------------------------------------------ */

static void event_handler(const struct odict *o, void *arg)
{
	const char *event = odict_string(o, "event");
	uint64_t code;
	(void)arg;

	if (event && !strcmp(event, "closed"))
		ask_no_more(o);
	if (event && !strcmp(event, "ask"))
		ask(o);
	else if (!self.json)
		show_event(self.show, o);
	if (odict_get_number(o, &code, "exit"))
		finish((int)code);
}

static void line_closed(void *arg)
{
	(void)arg;
	finish(self.ending ? 1 : complain(1, "sipd has gone away: it was"
					  " ended, or has failed."));
}

static void signal_handler(int sig, void *arg)
{
	(void)sig;
	(void)arg;
	show_flush(self.show);
	if (self.ending)
		re_cancel();
	else
		finish(EXIT_INTERRUPTED);
}

/* The pipe has them now: whoever reads our output shall see its end when the
 * pipe ends, not when we do. */
static void let_go_of_stdio(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)dup2(fd, STDIN_FILENO);
	if (!self.json)
		(void)dup2(fd, STDOUT_FILENO);
	(void)close(fd);
}

/* What the sipd may not, we may: by a call of our own. */
static void own_handler(void *arg)
{
	char why[512] = "No memory.";
	int err = client_own(self.client, self.file, self.order->role, why,
			     sizeof why);
	(void)arg;

	if (!err)
		err = client_send(self.client, self.order->o, -1, -1);
	if (err)
		finish(complain(1, why));
}

static int run(const char *file, const struct word_order *wo, int verbose)
{
	static const struct client_handlers ch = {
		event_handler, line_closed, own_handler, NULL
	};
	char why[512] = "";
	int err;

	self.file = file;
	self.order = wo;
	if (show_alloc(&self.show, wo->quiet && !verbose, verbose > 0) ||
	    signals_alloc(&self.signals, signal_handler, NULL))
		return complain(1, "Signals cannot be handled.");
	err = client_alloc(&self.client, file, wo->mode, wo->role, &ch, why,
			   sizeof why);
	if (err)
		return complain(1, why);
	client_echo(self.client, self.json);
	err = client_send(self.client, wo->o, wo->fds ? STDIN_FILENO : -1,
			  wo->fds ? STDOUT_FILENO : -1);
	if (err)
		return complain(1, err == E2BIG ? "The command line is too"
				" long: name a folder instead of its files."
				: "sipd does not listen.");
	if (wo->fds)
		let_go_of_stdio();
	(void)re_main(NULL);
	return self.code;
}

static void tidy(struct word_order *wo)
{
	self.client = mem_deref(self.client);
	self.show = mem_deref(self.show);
	mem_deref(wo->o);
	self.signals = mem_deref(self.signals);
	if (*self.asking)               /* it is listened to */
		rc_fd_close(&self.tty);
	if (self.tty.fd >= 0)
		(void)close(self.tty.fd);
}

static int start(const char *file, int argc, char *argv[], int verbose)
{
	struct word_order wo = { 0 };
	char why[512];
	int code;

	self.tty.fd = open_tty();
	(void)log_open("stderr", verbose > 1 ? LOG_LV_DEBUG : verbose
		       ? LOG_LV_INFO : LOG_LV_ERROR);
	if (cmdline_parse(&wo, argc, argv, self.tty.fd >= 0, why, sizeof why))
		code = complain(EXIT_USAGE_ERROR, why);
	else
		code = run(file, &wo, verbose);
	tidy(&wo);
	log_close();
	return code;
}

static int bad_option(int opt, char *argv[])
{
	const char *word = argv[optind - 1];
	char why[160];

	if (opt == ':')
		(void)re_snprintf(why, sizeof why, "-%c needs a file.",
				  optopt);
	else if (optopt)
		(void)re_snprintf(why, sizeof why, "There is no option -%c;"
				  " see `dial help`.", optopt);
	else
		(void)re_snprintf(why, sizeof why, "There is no option %s; see"
				  " `dial help`.", word);
	return complain(EXIT_USAGE_ERROR, why);
}

static int print_help(const char *word)
{
	char why[160];

	if (re_fprintf(stdout, "%H", help_print, word) >= 0)
		return 0;
	(void)re_snprintf(why, sizeof why, "dial has no \"%s\"; see `dial"
			  " help`.", word);
	return complain(EXIT_USAGE_ERROR, why);
}

/* Is that what is wanted, for a shell that we know? */
static bool completion(char *argv[])
{
	return !strcmp(argv[0], "completion") &&
	       re_fprintf(stdout, "%H", complete_print, argv[1]) > 0;
}

/* What was asked for may be lost on its way to a full disk. Who reads but
 * the head of it knows. */
static int flushed(int code)
{
	struct pollfd pfd = { STDOUT_FILENO, 0, 0 };

	if ((!fflush(stdout) && !ferror(stdout)) ||
	    (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLERR))
		return code;
	(void)fputs("dial: Standard output cannot be written: is the disk"
		    " full?\n", stderr);
	return code ? code : 1;
}

int main(int argc, char *argv[])
{
	static const struct option optionv[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	static char found[512];
	const char *file = NULL, *word;
	int opt, verbose = 0, code = -1;
	bool help = false;

	if (libre_init())
		return complain(1, "libre cannot be started.");
	node_limits();
	/* the words of a tunnel are its own: stop at the first */
	while (code < 0 && (opt = getopt_long(argc, argv, "+:c:jvh", optionv,
					      NULL)) != -1) {
		switch (opt) {
		case 'c': file = optarg; break;
		case 'j': self.json = true; break;
		case 'v': ++verbose; break;
		case 'h': help = true; break;
		default:  code = bad_option(opt, argv); break;
		}
	}
	/* getopt passes over it; it says that a peer follows */
	if (code < 0 && optind > 1 && file != argv[optind - 1] &&
	    !strcmp(argv[optind - 1], "--"))
		--optind;
	help |= help_asked(argc - optind, argv + optind, &word);
	if (code >= 0)
		;                       /* it was told */
	else if (help)
		code = print_help(word);
	else if (optind + 2 == argc && completion(argv + optind))
		code = 0;
	else {
		if (!file && !places_conf(found, sizeof found))
			file = found;
		code = start(file, argc - optind, argv + optind, verbose);
	}
	libre_close();
	return flushed(code);
}
