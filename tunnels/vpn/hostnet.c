/*
 * hostnet.c: sysctls and NAT.
 *
 * The forwarding switches are the host's: their old values stand in /run until
 * the last of our networks has gone, so that they outlive a crash.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "tunnels/vpn/hostdns.h"
#include "tunnels/vpn/hostkept.h"
#include "tunnels/vpn/hostnet.h"
#include "tunnels/vpn/hosttool.h"

#define NAT_NOTE "dialtone-nat-"

enum { TEXT_SIZE = 8192 };

struct hostnet {
	char ifname[16];
	bool forward[2];        /* by family */
	bool nat;
	int nat_fd;             /* of the note on it, held */
	char nat_path[HOSTKEPT_PATH];
	struct hostdns *dns;
};

static const struct {
	const char *sysctl, *kept;
} forwardv[2] = {
	{ "/proc/sys/net/ipv4/ip_forward", "dialtone-forward4" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding", "dialtone-forward6" },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users[2];       /* of each switch in this process */
static int kept[2] = { -1, -1 };
static char kept_path[2][HOSTKEPT_PATH];

static int read_char(const char *path, char *c)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, c, 1);
	const int err = n < 0 ? errno : n ? 0 : EIO;

	if (fd >= 0)
		(void)close(fd);
	return err;
}

static int write_char(const char *path, char c)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const int err = fd < 0 || write(fd, &c, 1) != 1 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* Nobody is left who needs it: back to what it was. */
static void switch_back(int f, int fd, const char *path)
{
	char was;

	if (pread(fd, &was, 1, 0) == 1 && was == '0')
		(void)write_char(forwardv[f].sysctl, was);
	(void)unlink(path);
}

/* Every process that needs it holds the lock; the first keeps what was. */
static int switch_on(int f)
{
	char was;
	int err = read_char(forwardv[f].sysctl, &was);

	if (err)
		return err;
	kept[f] = hostkept_open(forwardv[f].kept, kept_path[f],
				O_CREAT);
	if (kept[f] < 0)
		return errno;
	if (!flock(kept[f], LOCK_EX | LOCK_NB)) {
		char old;

		/* one that is there already is from a crash */
		if (pread(kept[f], &old, 1, 0) != 1 &&
		    pwrite(kept[f], &was, 1, 0) != 1)
			err = errno;
	}
	(void)flock(kept[f], LOCK_SH);
	return err ? err : write_char(forwardv[f].sysctl, '1');
}

static void switch_off(int f)
{
	if (!flock(kept[f], LOCK_EX | LOCK_NB))
		switch_back(f, kept[f], kept_path[f]);
	(void)close(kept[f]);
	kept[f] = -1;
}

int hostnet_forward(struct hostnet *h, bool v6)
{
	int err = 0;

	if (h->forward[v6])
		return 0;
	(void)pthread_mutex_lock(&lock);
	if (!users[v6])
		err = switch_on(v6);
	if (!err)
		users[v6]++;
	(void)pthread_mutex_unlock(&lock);
	h->forward[v6] = !err;
	return err;
}

/* If a process of ours was killed, and nobody has tidied up since. */
static void put_back(int f)
{
	char path[HOSTKEPT_PATH];
	const int fd = hostkept_open(forwardv[f].kept, path, 0);

	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		switch_back(f, fd, path);
	(void)close(fd);
}

/* --- NAT --------------------------------------------------------------- */

static char *const nft[] = { (char *)"nft", (char *)"-f", (char *)"-", NULL };

/* Rules of a table of our own; one with this name is from a crash. */
int hostnet_nat(struct hostnet *h, const struct prefixes *from)
{
	char text[TEXT_SIZE];
	struct mbuf *mb = mbuf_alloc(TEXT_SIZE);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "table inet dialtone-%s\n"
			  "delete table inet dialtone-%s\n"
			  "table inet dialtone-%s {\n chain post {\n"
			  "  type nat hook postrouting priority srcnat;\n",
			  h->ifname, h->ifname, h->ifname);
	for (size_t i = 0; i < from->n && !err; i++) {
		const struct prefix net = prefix_net(&from->v[i]);

		err = mbuf_printf(mb, "  %s saddr %H oifname != \"%s\""
				  " masquerade\n", net.v6 ? "ip6" : "ip",
				  prefix_print, &net, h->ifname);
	}
	if (!err)
		err = mbuf_printf(mb, " }\n}\n");
	if (!err && mb->end >= sizeof text)
		err = EOVERFLOW;
	if (!err) {
		memcpy(text, mb->buf, mb->end);
		text[mb->end] = '\0';
		err = hosttool_run(nft, text);
	}
	mem_deref(mb);
	h->nat = !err;
	if (!err)
		h->nat_fd = hostkept_hold(NAT_NOTE, h->ifname, h->nat_path);
	return err;
}

static void delete_table(const char *ifname, void *arg)
{
	char text[64];
	(void)arg;

	(void)re_snprintf(text, sizeof text,
			  "delete table inet dialtone-%s\n", ifname);
	(void)hosttool_run(nft, text);
}

static void nat_off(struct hostnet *h)
{
	delete_table(h->ifname, NULL);
	if (h->nat_fd < 0)
		return;
	(void)unlink(h->nat_path);
	(void)close(h->nat_fd);
}

int hostnet_dns(struct hostnet *h, const struct prefixes *servers)
{
	return h->dns ? EALREADY
		      : hostdns_alloc(&h->dns, h->ifname, servers);
}

static void hostnet_destructor(void *arg)
{
	struct hostnet *h = arg;

	mem_deref(h->dns);
	if (h->nat)
		nat_off(h);
	(void)pthread_mutex_lock(&lock);
	for (int f = 0; f < 2; f++)
		if (h->forward[f] && !--users[f])
			switch_off(f);
	(void)pthread_mutex_unlock(&lock);
}

int hostnet_alloc(struct hostnet **hp, const char *ifname)
{
	struct hostnet *h = mem_zalloc(sizeof *h, hostnet_destructor);

	if (!h)
		return ENOMEM;
	(void)str_ncpy(h->ifname, ifname, sizeof h->ifname);
	(void)pthread_mutex_lock(&lock);
	for (int f = 0; f < 2; f++)
		if (!users[f])
			put_back(f);
	(void)pthread_mutex_unlock(&lock);
	hostkept_leftover(NAT_NOTE, delete_table, NULL);
	hostdns_clean();
	*hp = h;
	return 0;
}
