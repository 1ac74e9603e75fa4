/* fuzz: sipd/peers.c sipd/known.c sipd/log.c sipd/conf.c sipd/confread.c sipd/confload.c sipd/confsect.c sipd/confparts.c sipd/conftab.c sipd/confval.c sipd/confallow.c sipd/confpath.c sipd/confvpn.c sipd/rights.c sipd/hours.c sipd/turnuri.c tunnels/vpn/prefix.c sipd/nearest.c sipd/places.c sipd/address.c sdp/fp.c sdp/words.c tunnels/tunnel.c
 *
 * The first byte says what the rest is: what a user dials, a caller's URI, an
 * allow line, or all of known_peers, which must keep its lines when a key is
 * pinned.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/address.h"
#include "sipd/log.h"
#include "sipd/peers.h"
#include "tunnels/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct tunnel_kind kind = { .name = "file" };
const struct tunnel_kind *const tunnel_kinds[] = { &kind, NULL };

static char dir[64], file[96], logfile[96];
static struct conf *conf;

static void cleanup(void)
{
	unlink(file);
	unlink(logfile);
	rmdir(dir);
	mem_deref(conf);
}

static void setup(void)
{
	struct conf_error e;

	re_snprintf(dir, sizeof dir, "%s/dialtone-fuzz-XXXXXX",
		    access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(dir))
		abort();
	re_snprintf(file, sizeof file, "%s/known_peers", dir);
	re_snprintf(logfile, sizeof logfile, "%s/log", dir);
	if (conf_load(&conf, NULL, &e) || log_open(logfile, LOG_LV_ERROR))
		abort();
	mem_deref(conf->state);
	if (str_dup(&conf->state, dir))
		abort();
	atexit(cleanup);
}

static void fuzz_resolve(const struct peers *ps, const char *text)
{
	struct peer a, b;
	char why[256] = "";

	if (peers_resolve(ps, text, &a, why, sizeof why)) {
		for (const char *s = why; *s; s++)
			if ((unsigned char)*s < 0x20 || *s == 0x7f)
				abort();
		return;
	}
	if (peers_resolve(ps, a.address, &b, why, sizeof why) ||
	    strcmp(a.address, b.address))
		abort();
}

static void fuzz_may(const char *text)
{
	struct peer p = { .rights = { .allow = text } };
	char rest[64];

	if (peers_may(&p, "file", rest, sizeof rest) &&
	    strlen(rest) > strlen(text))
		abort();
}

static unsigned lines_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned n = 0;
	int c, last = '\n';

	while (f && (c = getc(f)) != EOF) {
		n += last == '\n';
		last = c;
	}
	if (f)
		fclose(f);
	return n;
}

static void fuzz_known(struct peers *ps, const uint8_t *p, size_t n)
{
	static const uint8_t fp[DESC_FP_SIZE] = { 1 };
	FILE *f = fopen(file, "w");
	struct peer peer;
	unsigned before;

	if (!f || fchmod(fileno(f), 0600) || fwrite(p, 1, n, f) != n ||
	    fclose(f))
		abort();
	before = lines_of(file);
	if (peers_pin(ps, "sip:a@nowhere.invalid:1", NULL, fp) ||
	    peers_by_fp(ps, fp, &peer))
		abort();
	if (lines_of(file) != before + 1)
		abort();
	if (peers_unpin(ps, "sip:a@nowhere.invalid:1") ||
	    lines_of(file) != before)
		abort();
	unlink(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct peers *ps = NULL;
	struct peer peer;
	char *text;

	if (!conf)
		setup();
	if (!n || peers_alloc(&ps, conf))
		return 0;
	text = strndup((const char *)p + 1, n - 1);
	switch (p[0] % 4) {

	case 0: fuzz_resolve(ps, text); break;
	case 1: (void)peers_by_address(ps, text, &peer);
		(void)address_equal(text, text);
		break;
	case 2: fuzz_may(text); break;
	case 3: fuzz_known(ps, p + 1, n - 1); break;
	}
	free(text);
	mem_deref(ps);
	return 0;
}
