/* fuzz: tunnels/vpn/vpnset.c tunnels/ask.c tunnels/vpn/prefix.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c
 *
 * What a peer says of its network, as the parameters of its line: taken of it is
 * what our section lets, and never what would lead to this host or nowhere. A
 * line of our own `allow` too: the name that the peer asks for is in it.
 */
#include <stdlib.h>
#include <string.h>
#include "sdp/desc.h"
#include "tests/unit/media.h"
#include "tunnels/vpn/vpnset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth)
{
	if (!truth)
		abort();
}

static const char *confh(const char *key, void *arg)
{
	const char *value = arg;

	if (!strcmp(key, "/") || !strcmp(key, "office/"))
		return "office";
	if (!strcmp(key, "office/address"))
		return "10.7.0.1/24, fd07::1/64";
	if (!strcmp(key, "office/accept-routes"))
		return value;
	return NULL;
}

static void taken_check(const struct vpnset *s, const struct vpnsaid *said)
{
	struct prefixes ps;

	if (vpnset_taken(&ps, s, &said->routes))
		return;
	need(ps.n <= PREFIXES_MAX);
	for (size_t i = 0; i < ps.n; i++) {
		need(!prefix_special(&ps.v[i]) || s->exit == EXIT_USE);
		need(ps.v[i].len || s->exit == EXIT_USE);
	}
}

static void said_check(const char *text, bool use)
{
	const char *accept = use ? "10.0.0.0/8, 2001:db8::/32" : "yes";
	const struct tunnel_ask ask = {
		.confh = confh, .arg = (void *)(uintptr_t)accept,
	};
	struct desc *d;
	struct desc_media *m;
	struct vpnsaid said;
	struct vpnset set;

	need(!vpnset_read(&set, "office", &ask));
	if (use)
		need(!vpnset_word(&set, "exit"));
	need(!desc_alloc(&d) && !media_add(d, &m, DESC_DTLS, "vpn"));
	m->param = mem_deref(m->param);
	need(!str_dup(&m->param, text));
	if (!vpnsaid_read(&said, m)) {
		need(strlen(said.net) < sizeof said.net);
		need(said.address.n <= PREFIXES_MAX);
		taken_check(&set, &said);
		for (size_t i = 0; i < said.address.n; i++)
			(void)vpnset_may(&set, &said.address.v[i]);
	}
	mem_deref(d);
}

static void allow_check(const char *text)
{
	struct tunnel_ask ask = { .confh = confh, .allow = text, .peer = "x" };
	char name[VPN_NAME_SIZE], why[300];
	struct prefixes ps;

	ask.why = why;
	ask.why_size = sizeof why;
	if (!vpnset_choose(name, &ps, "office", &ask))
		need(!strcmp(name, "office") && ps.n <= PREFIXES_MAX);
	(void)vpnset_choose(name, &ps, "", &ask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	need(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] & 2)
		allow_check(text);
	else
		said_check(text, data[0] & 1);
	free(text);
	return 0;
}
