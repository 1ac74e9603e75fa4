/* fuzz: sipd/conf.c sipd/confread.c sipd/confload.c sipd/confsect.c sipd/confparts.c sipd/conftab.c sipd/confval.c sipd/confallow.c sipd/confpath.c sipd/confvpn.c sipd/rights.c sipd/hours.c sipd/turnuri.c tunnels/vpn/prefix.c sipd/nearest.c sipd/places.c sipd/address.c sdp/fp.c sdp/words.c tunnels/tunnel.c
 *
 * Any bytes as sipd.conf: either a configuration whose values keep their
 * promises, or one sentence that can go to a terminal.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/address.h"
#include "sipd/conf.h"
#include "tunnels/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct tunnel_kind kind = { .name = "file" };
const struct tunnel_kind *const tunnel_kinds[] = { &kind, NULL };

static void check_address(const char *address)
{
	char again[ADDRESS_SIZE], why[128];

	if (!address)
		return;
	if (address_parse(again, address, why, sizeof why) ||
	    strcmp(again, address))
		abort();
}

static void check(const struct conf *c)
{
	struct le *le;

	if (!c->state || !c->control || !c->log || !c->allow || !c->stun)
		abort();
	if (!conf_kind_get(c, "file", "inbox"))
		abort();
	for (le = list_head(&c->accountl); le; le = le->next) {
		const struct conf_account *a = le->data;

		check_address(a->address ? a->address : "");
		check_address(a->registrar);
	}
	for (le = list_head(&c->peerl); le; le = le->next) {
		const struct conf_peer *peer = le->data;

		check_address(peer->address);
		if (!peer->address && !peer->has_fp)
			abort();
	}
}

static void check_sentence(const char *s)
{
	if (!*s)
		abort();
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char file[64];
	static int fd = -1;
	struct conf *c = NULL;
	struct conf_error e;

	if (fd < 0) {
		fd = memfd_create("sipd.conf", MFD_CLOEXEC);
		if (fd < 0 || fchmod(fd, 0600))
			abort();
		re_snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n)
		abort();
	if (!conf_load(&c, file, &e))
		check(c);
	else
		check_sentence(e.text);
	mem_deref(c);
	return 0;
}
