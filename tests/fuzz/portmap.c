/* fuzz: modules/path/portmap.c modules/path/portmapsend.c modules/path/portmapstep.c modules/path/pcp.c modules/path/natpmp.c modules/path/upnp.c modules/path/igd.c modules/path/http.c sdp/addr.c sdp/words.c */
/*
 * A gateway that says anything at any time. Input: records of kind, length
 * and bytes: a datagram, an HTTP answer, time that passes, release. A talk
 * never has two HTTP requests at once, and ends.
 */
#include <stdlib.h>
#include <string.h>
#include "modules/path/http.h"
#include "modules/path/pcp.h"
#include "modules/path/portmap.h"
#include "sdp/base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fetching;

static void on_udp(const struct sa *dst, const uint8_t *buf, size_t len,
		   void *arg)
{
	(void)arg;
	if (!sa_port(dst) || !len || len > 2048 || (buf[0] == 0xff &&
						    buf[len - 1]))
		abort();
}

static int on_http(const struct sa *dst, const char *req, size_t len,
		   void *arg)
{
	struct sa *gw = arg;

	if (fetching || !sa_cmp(dst, gw, SA_ADDR) || req[len - 1] != '\n')
		abort();
	fetching = true;
	return 0;
}

static void http(struct portmap *p, const uint8_t *data, size_t n,
		 uint64_t now)
{
	struct http_answer a = { 0, PL_INIT };
	char *buf = malloc(n + 1);

	if (n)
		memcpy(buf, data, n);
	if (http_decode(&a, buf, n, true))
		a.scode = 0;
	else if (a.body.p < buf || a.body.p + a.body.l > buf + n)
		abort();
	fetching = false;
	portmap_http(p, a.scode, &a.body, now);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[PCP_NONCE_SIZE];
	struct sa gw;
	struct portmap_conf conf = {
		.udph = on_udp, .httph = on_http, .nonce = nonce, .arg = &gw
	};
	struct portmap *p;
	uint64_t now = SEC;

	(void)sa_set_str(&gw, "10.0.0.1", 0);
	conf.gateway = gw;
	(void)sa_set_str(&conf.local, "10.0.0.2", 4000);
	fetching = false;
	if (portmap_alloc(&p, &conf))
		return 0;
	portmap_tick(p, now);
	while (size >= 3) {
		size_t n = (size_t)data[1] << 8 | data[2];
		uint8_t kind = data[0];

		data += 3;
		size -= 3;
		if (n > size)
			n = size;
		if (kind < 100)
			portmap_recv(p, &gw, data, n, now);
		else if (kind < 180 && fetching)
			http(p, data, n, now);
		else if (kind == 255)
			portmap_release(p, now);
		else
			portmap_tick(p, now += kind * 5 * MSEC);
		data += n;
		size -= n;
	}
	portmap_release(p, now);
	if (fetching)
		http(p, NULL, 0, now);
	if (fetching)
		http(p, NULL, 0, now);
	for (int i = 0; i < 10 && !portmap_released(p); i++)
		portmap_tick(p, now += SEC);
	if (!portmap_released(p))
		abort();
	mem_deref(p);
	return 0;
}
