/*
 * hostnet.c: sysctls, and the host's own tools: nft, resolvectl, resolvconf.
 *
 * The tools are waited for; they run once at a network's start and end. The
 * forwarding switches are the host's: their old values stand in /run until
 * the last of our networks has gone, so that they outlive a crash.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "tunnels/vpn/hostnet.h"

enum { TEXT_SIZE = 8192, PATH_SIZE = 128 };

struct hostnet {
	char ifname[16];
	bool forward[2];        /* by family */
	bool nat;
	const char *dns;        /* the tool that was told */
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
static char kept_path[2][PATH_SIZE];

extern char **environ;

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

/* A switch belongs to a network namespace, and so does what is kept of it: in
 * the first folder that lets us. */
static int open_kept(int f, char path[PATH_SIZE], int flags)
{
	const char *const folderv[] = {
		"/run", getenv("RUNTIME_DIRECTORY"),    /* systemd.exec(5) */
		"/run/dialtone", getenv("XDG_RUNTIME_DIR")
	};
	struct stat st;
	int fd = -1;

	if (stat("/proc/thread-self/ns/net", &st))
		return -1;
	for (size_t i = 0; i < RE_ARRAY_SIZE(folderv) && fd < 0; i++) {
		if (!folderv[i] ||
		    re_snprintf(path, PATH_SIZE, "%s/%s.%llu", folderv[i],
				forwardv[f].kept,
				(unsigned long long)st.st_ino) < 0)
			continue;
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags,
			  0600);
	}
	return fd;
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
	kept[f] = open_kept(f, kept_path[f], O_CREAT);
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

/* Was a process of ours killed, and nobody has tidied up since? */
static bool stale(int f)
{
	char path[PATH_SIZE];
	const int fd = open_kept(f, path, 0);
	bool is;

	if (fd < 0)
		return false;
	is = !flock(fd, LOCK_EX | LOCK_NB);
	if (is)
		switch_back(f, fd, path);
	(void)close(fd);
	return is;
}

/* --- tools ------------------------------------------------------------- */

static int feed(int fd, const char *text)
{
	const size_t n = text ? strlen(text) : 0;
	const int err = n && write(fd, text, n) != (ssize_t)n ? EIO : 0;

	(void)close(fd);
	return err;
}

static int spawn(pid_t *pid, char *const argv[], int in)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int err;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawnattr_init(&at);
	(void)posix_spawn_file_actions_adddup2(&fa, in, 0);
	(void)posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY,
					       0);
	(void)posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY,
					       0);
	(void)posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK |
				       POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setsigmask(&at, &none);
	(void)posix_spawnattr_setsigdefault(&at, &all);
	err = posix_spawnp(pid, argv[0], &fa, &at, argv, environ);
	(void)posix_spawnattr_destroy(&at);
	(void)posix_spawn_file_actions_destroy(&fa);
	return err;
}

/* Run a tool with text as its input, which a pipe holds at once. ENOENT: it
 * is not there; EIO: it failed. */
static int run(char *const argv[], const char *text)
{
	int p[2], status = 0, err;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return errno;
	err = spawn(&pid, argv, p[0]);
	if (err) {
		(void)close(p[0]);
		(void)close(p[1]);
		return err;
	}
	(void)feed(p[1], text);
	(void)close(p[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EIO;
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
		err = run(nft, text);
	}
	mem_deref(mb);
	h->nat = !err;
	return err;
}

static void nat_off(struct hostnet *h)
{
	char text[64];

	(void)re_snprintf(text, sizeof text,
			  "delete table inet dialtone-%s\n", h->ifname);
	(void)run(nft, text);
}

/* --- name servers ------------------------------------------------------ */

static int by_resolved(struct hostnet *h, const struct prefixes *servers)
{
	char textv[8][64];
	char *argv[12] = { (char *)"resolvectl", (char *)"dns", h->ifname };
	char *const all[] = { (char *)"resolvectl", (char *)"domain",
			      h->ifname, (char *)"~.", NULL };
	size_t n = 3;
	int err;

	for (size_t i = 0; i < servers->n && i < 8; i++) {
		(void)re_snprintf(textv[i], sizeof textv[i], "%H",
				  prefix_print, &servers->v[i]);
		argv[n++] = textv[i];
	}
	err = run(argv, NULL);
	return err ? err : run(all, NULL);
}

static int by_resolvconf(struct hostnet *h, const struct prefixes *servers)
{
	char *const argv[] = { (char *)"resolvconf", (char *)"-a", h->ifname,
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
	return run(argv, text);
}

int hostnet_dns(struct hostnet *h, const struct prefixes *servers)
{
	int err = by_resolved(h, servers);

	if (!err) {
		h->dns = "resolvectl";
		return 0;
	}
	err = by_resolvconf(h, servers);
	if (!err)
		h->dns = "resolvconf";
	return err;
}

static void dns_off(struct hostnet *h)
{
	char *const revert[] = { (char *)"resolvectl", (char *)"revert",
				 h->ifname, NULL };
	char *const del[] = { (char *)"resolvconf", (char *)"-d", h->ifname,
			      NULL };

	if (h->dns)
		(void)run(strcmp(h->dns, "resolvconf") ? revert : del, NULL);
}

static void hostnet_destructor(void *arg)
{
	struct hostnet *h = arg;

	dns_off(h);
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
		if (!users[f] && stale(f))
			nat_off(h);
	(void)pthread_mutex_unlock(&lock);
	*hp = h;
	return 0;
}
