/*
 * main.c: sipd's options, and the order that matters: root's rights are given
 * up first (drop.c), all else comes after.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include "sipd/daemon.h"
#include "sipd/drop.h"
#include "sipd/places.h"

static const char usage[] =
	"usage: sipd [-v] [-c FILE]\n"
	"       sipd -t [-c FILE] [PEER]\n"
	"  -c FILE  the configuration (default ~/.config/dialtone/sipd.conf,\n"
	"           then /etc/dialtone/sipd.conf)\n"
	"  -t       check the configuration and exit; with a peer, tell what it\n"
	"           may do here, as `dial trust PEER --explain` does\n"
	"  -v       tell more; twice: even more\n"
	"  -h       this\n";

int main(int argc, char *argv[])
{
	static const struct option optionv[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	static char found[PATH_MAX], why[400];
	const bool was_root = !geteuid();
	const char *file = NULL;
	bool testing = false;
	int opt, verbose = 0;

	while ((opt = getopt_long(argc, argv, "c:tvh", optionv, NULL)) != -1) {
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
	if (!file && !places_conf(found, sizeof found))
		file = found;
	if (drop_user(file, !testing, why, sizeof why)) {
		(void)fprintf(stderr, "sipd: %s\n", why);
		return 1;
	}
	return testing ? daemon_check(file, argv[optind], was_root)
		: daemon_run(file, verbose, was_root);
}
