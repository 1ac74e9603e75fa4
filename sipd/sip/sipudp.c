/*
 * sipudp.c: SIP in datagrams, and what ICMP says about them.
 *
 * Every datagram passes quota.c and precheck.c before libre's decoder sees it;
 * malformed.c answers what does not. With IP_RECVERR the kernel tells which
 * destination an ICMP error was about, also on a socket that is not connected,
 * so that a dead port is known at once.
 * Owned by transp.c and the registrar's transport.c; messages and transactions
 * refer to theirs.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/errqueue.h>
#include "sipd/sip/compat.h"
#include "sipd/sip/malformed.h"
#include "sipd/sip/precheck.h"
#include "sipd/sip/response.h"
#include "sipd/sip/sipudp.h"

enum {
	BUFFER   = 4 << 20,     /* bytes, as far as allowed */
	NEWS_MAX = 16,
	ICMP_MAX = 64,          /* errors read at a time */
	KEEPALIVE = 4,          /* bytes: CRLF CRLF */
	MTU6_MIN = 1280,        /* RFC 8200, 5 */
};

/* An address that cannot be reached. */
struct news {
	struct sa dst;
	int err;
};

struct sipudp {
	struct sipudp_conf conf;
	struct udp_sock *us;    /* NULL: closed */
	struct sa addr;
	struct news newsv[NEWS_MAX];
	size_t newsc;
	struct timer timer;
};

static void sipudp_destructor(void *arg)
{
	sipudp_close(arg);
}

void sipudp_close(struct sipudp *u)
{
	timer_stop(&u->timer);
	if (u->us)
		udp_handler_set(u->us, NULL, NULL);
	u->us = mem_deref(u->us);
}

/* Senders are in the middle of something when news comes to them. */
static void news_handler(void *arg)
{
	struct sipudp *u = arg;
	struct news v[NEWS_MAX];
	size_t n = u->newsc;

	memcpy(v, u->newsv, n * sizeof v[0]);
	u->newsc = 0;
	mem_ref(u);
	for (size_t i = 0; i < n && u->us; i++)
		u->conf.newsh(&v[i].dst, v[i].err, u->conf.arg);
	mem_deref(u);
}

static void news(struct sipudp *u, const struct sa *dst, int err)
{
	for (size_t i = 0; i < u->newsc; i++)
		if (sa_cmp(&u->newsv[i].dst, dst, SA_ALL))
			return;
	if (u->newsc >= NEWS_MAX)
		return;                 /* there will be more */
	u->newsv[u->newsc].dst = *dst;
	u->newsv[u->newsc++].err = err;
	(void)timer_start(u->conf.timers, &u->timer, 0, news_handler, u);
}

/* One message of the error queue (ip(7)): whom it was about. -1: empty. */
static int icmp_one(struct sipudp *u, struct sa *dst)
{
	uint8_t ctl[512], junk[64];
	struct iovec iov = { junk, sizeof junk };
	struct msghdr mh = {
		.msg_name = &dst->u, .msg_namelen = sizeof dst->u,
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof ctl,
	};
	struct sock_extended_err ee = { 0 };
	struct cmsghdr *cm;

	if (recvmsg(compat_udp_fd(u->us, sa_af(&u->addr)), &mh,
		    MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return -1;
	dst->len = mh.msg_namelen;
	for (cm = CMSG_FIRSTHDR(&mh); cm; cm = CMSG_NXTHDR(&mh, cm))
		if (cm->cmsg_type == IP_RECVERR ||
		    cm->cmsg_type == IPV6_RECVERR)
			memcpy(&ee, CMSG_DATA(cm), sizeof ee);
	return !dst->len || ee.ee_errno == EMSGSIZE ? 0 : (int)ee.ee_errno;
}

/* What ICMP had to say; true if it was about dst. */
static bool icmp_read(struct sipudp *u, const struct sa *dst)
{
	bool hit = false;
	struct sa to;

	for (unsigned i = 0; i < ICMP_MAX; i++) {
		int err = icmp_one(u, &to);

		if (err < 0)
			break;
		if (!err)
			continue;
		news(u, &to, err);
		hit |= dst && sa_cmp(dst, &to, SA_ALL);
	}
	return hit;
}

static void error_handler(int err, void *arg)
{
	(void)err;
	(void)icmp_read(arg, NULL);
}

/* An error at sending may be the news of an earlier packet to somebody
 * else: read it, and try again once. */
int sipudp_send(struct sipudp *u, const struct sa *dst, struct mbuf *mb)
{
	int err;

	if (!u->us)
		return ENOTCONN;
	if (response_is(mb) && !quota_answer(u->conf.quota, dst,
					     mbuf_get_left(mb))) {
		++u->conf.counts->dropped;
		return 0;
	}
	err = udp_send(u->us, dst, mb);
	if (!err)
		return 0;
	if (icmp_read(u, dst))
		return 0;               /* newsh will tell */
	return udp_send(u->us, dst, mb);
}

static void refuse(struct sipudp *u, const struct sip_msg *msg,
		   uint16_t scode, const char *phrase)
{
	struct mbuf *mb;
	struct sa dst;

	if (response_refuse(&mb, &dst, msg, scode, phrase))
		return;
	(void)sipudp_send(u, &dst, mb);
	mem_deref(mb);
}

static void malformed(struct sipudp *u, const struct sa *src,
		      const struct mbuf *mb, enum quota_verdict v)
{
	struct mbuf *answer;
	struct sa dst = *src;

	++u->conf.counts->dropped;
	if (v != QUOTA_PASS ||
	    malformed_answer(&answer, &dst, true, mb->buf, mb->end))
		return;
	(void)sipudp_send(u, &dst, answer);
	mem_deref(answer);
}

static void deliver(struct sipudp *u, const struct sa *src, struct mbuf *mb,
		    const struct precheck *pc, enum quota_verdict v)
{
	struct sip_msg *msg;

	if (sip_msg_decode(&msg, mb)) {
		malformed(u, src, mb, v);
		return;
	}
	++u->conf.counts->received;
	msg->sock = mem_ref(u);
	msg->src = *src;
	msg->dst = u->addr;
	msg->tp = SIP_TRANSP_UDP;
	if (mb->pos != pc->head)
		;                               /* we read it differently */
	else if (v != QUOTA_PASS)
		refuse(u, msg, 503, "Service Unavailable");
	else if (pc->has_clen && pc->clen > mbuf_get_left(mb))
		refuse(u, msg, 400, "Body Too Short");  /* section 18.3 */
	else {
		if (pc->has_clen)
			mb->end = mb->pos + pc->clen;
		u->conf.msgh(msg, u->conf.arg);
	}
	mem_deref(msg);
}

static void stun(struct sipudp *u, const struct sa *src, struct mbuf *mb,
		 enum quota_verdict v)
{
	if (u->conf.stunh && v == QUOTA_PASS)
		u->conf.stunh(u, src, mb, u->conf.arg);
}

static void recv_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	const size_t n = mbuf_get_left(mb);
	struct sipudp *u = arg;
	enum quota_verdict v;
	struct precheck pc;

	v = quota_take(u->conf.quota, src, n);
	u->conf.counts->limited += v != QUOTA_PASS;
	if (n <= KEEPALIVE || v == QUOTA_DROP)
		return;
	mem_ref(u);
	if (mbuf_buf(mb)[0] < 4)                /* RFC 7983: STUN */
		stun(u, src, mb, v);
	else if (!precheck(&pc, mbuf_buf(mb), n))
		deliver(u, src, mb, &pc, v);
	else
		malformed(u, src, mb, v);
	mem_deref(u);
}

/* Not every path tells what is too large for it, and answers are as large as
 * they are (RFC 3261, 18.2.2): they go in fragments. */
static void may_be_cut(struct sipudp *u)
{
	static const int dont = IP_PMTUDISC_DONT, mtu = MTU6_MIN;

	if (sa_af(&u->addr) == AF_INET)
		(void)udp_setsockopt(u->us, IPPROTO_IP, IP_MTU_DISCOVER,
				     &dont, sizeof dont);
	else
		(void)udp_setsockopt(u->us, IPPROTO_IPV6, IPV6_MTU, &mtu,
				     sizeof mtu);
}

static void tune(struct sipudp *u)
{
	static const int on = 1;

	if (u->conf.longest)
		udp_rxsz_set(u->us, u->conf.longest);
	(void)udp_sockbuf_set(u->us, BUFFER);
	may_be_cut(u);
	if (!u->conf.newsh)
		return;
	udp_error_handler_set(u->us, error_handler);
	if (sa_af(&u->addr) == AF_INET)
		(void)udp_setsockopt(u->us, IPPROTO_IP, IP_RECVERR, &on,
				     sizeof on);
	else
		(void)udp_setsockopt(u->us, IPPROTO_IPV6, IPV6_RECVERR, &on,
				     sizeof on);
}

int sipudp_open(struct sipudp **up, const struct sipudp_conf *conf,
		const struct sa *laddr)
{
	struct sipudp *u = mem_zalloc(sizeof *u, sipudp_destructor);
	int err;

	if (!u)
		return ENOMEM;
	u->conf = *conf;
	err = udp_listen(&u->us, laddr, recv_handler, u);
	if (!err)
		err = udp_local_get(u->us, &u->addr);
	if (err) {
		mem_deref(u);
		return err;
	}
	tune(u);
	*up = u;
	return 0;
}

const struct sa *sipudp_addr(const struct sipudp *u)
{
	return &u->addr;
}

struct udp_sock *sipudp_sock(const struct sipudp *u)
{
	return u->us;
}
