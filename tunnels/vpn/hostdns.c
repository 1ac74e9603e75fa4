/*
 * hostdns.c: tells the tool, and keeps a note that it was told.
 *
 * systemd-resolved forgets an interface that vanishes; resolvconf does not,
 * so that the next start has to tell it.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/vpn/hostdns.h"
#include "tunnels/vpn/hostkept.h"
#include "tunnels/vpn/hosttool.h"

#define NOTE "dialtone-dns-"

struct hostdns {
	char ifname[16];
	int fd;                 /* of the note, held */
	char path[HOSTKEPT_PATH];
};

static int by_resolved(struct hostdns *d, const struct prefixes *servers)
{
	char textv[8][64];
	char *argv[12] = { (char *)"resolvectl", (char *)"dns", d->ifname };
	char *const all[] = { (char *)"resolvectl", (char *)"domain",
			      d->ifname, (char *)"~.", NULL };
	size_t n = 3;
	int err;

	for (size_t i = 0; i < servers->n && i < 8; i++) {
		(void)re_snprintf(textv[i], sizeof textv[i], "%H",
				  prefix_print, &servers->v[i]);
		argv[n++] = textv[i];
	}
	err = hosttool_run(argv, NULL);
	return err ? err : hosttool_run(all, NULL);
}

static int by_resolvconf(struct hostdns *d, const struct prefixes *servers)
{
	char *const argv[] = { (char *)"resolvconf", (char *)"-a", d->ifname,
			       NULL };
	char text[1024];
	int n = 0;

	for (size_t i = 0; i < servers->n && i < 8; i++) {
		const int k = re_snprintf(text + n, sizeof text - (size_t)n,
					  "nameserver %H\n", prefix_print,
					  &servers->v[i]);
		if (k < 0)
			return EOVERFLOW;
		n += k;
	}
	return hosttool_run(argv, text);
}

/* Of both, for one does not mind that it was not told. */
static void take_back(const char *ifname, void *arg)
{
	char *const revert[] = { (char *)"resolvectl", (char *)"revert",
				 (char *)(uintptr_t)ifname, NULL };
	char *const del[] = { (char *)"resolvconf", (char *)"-d",
			      (char *)(uintptr_t)ifname, NULL };
	(void)arg;

	(void)hosttool_run(revert, NULL);
	(void)hosttool_run(del, NULL);
}

static void hostdns_destructor(void *arg)
{
	struct hostdns *d = arg;

	take_back(d->ifname, NULL);
	if (d->fd >= 0) {
		(void)unlink(d->path);
		(void)close(d->fd);
	}
}

int hostdns_alloc(struct hostdns **dp, const char *ifname,
		  const struct prefixes *servers)
{
	struct hostdns *d = mem_zalloc(sizeof *d, hostdns_destructor);
	int err;

	if (!d)
		return ENOMEM;
	(void)str_ncpy(d->ifname, ifname, sizeof d->ifname);
	d->fd = hostkept_hold(NOTE, d->ifname, d->path);
	err = by_resolved(d, servers);
	if (err)
		err = by_resolvconf(d, servers);
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

void hostdns_clean(void)
{
	hostkept_leftover(NOTE, take_back, NULL);
}
