/*
 * main.c: natemu, a NAT, a firewall and a link in one process.
 *
 *   inside ── kernel ── [TUN in] natemu [TUN out] ── kernel ── outside
 *
 * The kernel of the namespace routes what comes from the inside into the one
 * device and what comes from the outside into the other (box() of world.sh);
 * natemu writes what it lets pass into the opposite one. Prints "ready".
 *
 * Signals: USR1 prints the counters, USR2 forgets every mapping (a reboot),
 * HUP does too and swaps the external address with the spare one; TERM and
 * INT print the counters and end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "conf.h"
#include "link.h"
#include "nat.h"
#include "ports.h"
#include "refuse.h"
#include "table.h"

enum { BURST = 256 };
static const int64_t sweep_every = SEC / 2;

static int tun_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("%s: %s", name, strerror(errno));
	return fd;
}

static int signals(void)
{
	static const int sigv[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGTERM,
				    SIGINT };
	sigset_t ss;

	(void)sigemptyset(&ss);
	for (size_t i = 0; i < sizeof sigv / sizeof *sigv; i++)
		(void)sigaddset(&ss, sigv[i]);
	(void)sigprocmask(SIG_BLOCK, &ss, NULL);
	return signalfd(-1, &ss, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tun_read(int fd, void (*packet)(struct pkt *k))
{
	static uint8_t b[PACKET_MAX];
	struct pkt k;
	ssize_t n;

	for (int i = 0; i < BURST; i++) {
		n = read(fd, b, sizeof b - 512);
		if (n <= 0)
			break;
		tick();
		if (!pkt_parse(&k, b, (int)n)) {
			COUNT(drop_malformed);
			continue;
		}
		pkt_ttl(&k);
		packet(&k);
	}
}

static void forget_all(void)
{
	table_flush();
	ports_reset();
}

/* False: it ends. */
static bool signal_read(int fd)
{
	struct signalfd_siginfo si;
	struct addr a = conf.ext;

	if (read(fd, &si, sizeof si) != sizeof si)
		return true;
	switch (si.ssi_signo) {
	case SIGUSR1:
		count_print("usr1", table_maps(), table_sess());
		return true;
	case SIGHUP:
		conf.ext = conf.spare;
		conf.spare = a;
		forget_all();
		return true;
	case SIGUSR2:
		forget_all();
		return true;
	default:
		count_print("end", table_maps(), table_sess());
		return false;
	}
}

static struct timespec until(int64_t sweep)
{
	int64_t t = link_due();

	if (!t || t > sweep)
		t = sweep;
	t = t > now ? t - now : 0;
	return (struct timespec){ t / SEC, t % SEC };
}

int main(int argc, char *argv[])
{
	struct pollfd fd[3];
	int64_t sweep;
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) == sizeof seed)
		rnd_seed(seed);
	conf_parse(argc, argv);
	fd[0].fd = tun_open(conf.in);
	fd[1].fd = tun_open(conf.out);
	fd[2].fd = signals();
	fd[0].events = fd[1].events = fd[2].events = POLLIN;
	link_open(fd[0].fd, fd[1].fd);
	puts("ready");
	(void)fflush(stdout);
	tick();
	sweep = now + sweep_every;
	for (;;) {
		struct timespec ts = until(sweep);

		(void)ppoll(fd, 3, &ts, NULL);
		tick();
		if (fd[0].revents)
			tun_read(fd[0].fd, nat_inside);
		if (fd[1].revents)
			tun_read(fd[1].fd, nat_outside);
		if (fd[2].revents && !signal_read(fd[2].fd))
			return 0;
		link_run(refuse_late);
		if (now >= sweep) {
			table_sweep();
			sweep = now + sweep_every;
		}
	}
}
