/*
 * transport.c: datagrams, TLS and wildcards; what goes back goes back the way
 * it came.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "tests/unit/fail.h"
#include "sipd/registrar/registrar.h"
#include "sipd/registrar/transport.h"

enum { WAIT = 30000 };

static const char request[] =
	"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	"Content-Length: 2\r\n\r\nhi";

static struct timers *timers;
static struct transport *tr;
static char certfile[64];
static unsigned got, answered, closed;
static enum sip_transp got_tp;

static void make_cert(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *crt = X509_new();
	X509_NAME *name = X509_get_subject_name(crt);
	FILE *f;

	f = fdopen(unit_file(certfile, sizeof certfile), "w");
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const uint8_t *)"test", -1, -1, 0);
	X509_set_issuer_name(crt, name);
	ASN1_INTEGER_set(X509_get_serialNumber(crt), 1);
	X509_gmtime_adj(X509_getm_notBefore(crt), 0);
	X509_gmtime_adj(X509_getm_notAfter(crt), 3600);
	X509_set_pubkey(crt, key);
	X509_sign(crt, key, EVP_sha256());
	PEM_write_X509(f, crt);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(crt);
	EVP_PKEY_free(key);
}

/* Send the message's body back, as if it were one. */
static void recv_handler(struct sip_msg *msg, const struct flow *flow,
			 void *arg)
{
	struct mbuf *mb = mbuf_alloc(64);
	(void)arg;

	++got;
	got_tp = msg->tp;
	CU_ASSERT(transport_alive(tr, flow));
	CU_ASSERT(sa_cmp(&flow->peer, &msg->src, SA_ALL));
	mbuf_write_mem(mb, mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
	mb->pos = 0;
	CU_ASSERT_EQUAL(transport_send(tr, flow, mb), 0);
	mem_deref(mb);
}

static void close_handler(const struct flow *flow, void *arg)
{
	(void)arg;
	CU_ASSERT(!transport_alive(tr, flow));
	++closed;
	re_cancel();
}

static int open_on(const char *listen, char *why, size_t size)
{
	const struct transport_conf conf = {
		.listen = listen, .tls_cert = certfile, .idle = 60,
		.recvh = recv_handler, .closeh = close_handler,
	};

	got = answered = closed = 0;
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&timers), 0);
	CU_ASSERT_EQUAL_FATAL(timers_attach(timers), 0);
	return transport_alloc(&tr, timers, &conf, why, size);
}

static void close_all(void)
{
	tr = mem_deref(tr);
	timers = mem_deref(timers);
}

/* The address that listens, the i-th of the list. */
static struct sa laddr_of(uint32_t lsn)
{
	const struct flow flow = { .lsn = lsn };
	enum sip_transp tp;
	const struct sa *sa = transport_laddr(tr, &flow, &tp);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sa);
	return *sa;
}

static void timeout_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void run(void)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, WAIT, timeout_handler, NULL);
	re_main(NULL);
	tmr_cancel(&tmr);
}

static void answer_check(const struct mbuf *mb)
{
	CU_ASSERT_EQUAL(mbuf_get_left(mb), 2);
	CU_ASSERT(!memcmp(mbuf_buf(mb), "hi", 2));
	++answered;
	re_cancel();
}

static void udp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	CU_ASSERT(sa_cmp(src, arg, SA_ALL));    /* from where we sent to */
	answer_check(mb);
}

static void check_udp(const char *local, struct sa to)
{
	struct mbuf mb = { (uint8_t *)request, sizeof request - 1, 0,
			   sizeof request - 1 };
	struct udp_sock *us = NULL;
	struct sa sa;

	sa_set_str(&sa, local, 0);
	CU_ASSERT_EQUAL_FATAL(udp_listen(&us, &sa, udp_handler, &to), 0);
	CU_ASSERT_EQUAL(udp_send(us, &to, &mb), 0);
	run();
	mem_deref(us);
}

static void test_udp(void)
{
	char why[128];
	struct sa sa;

	CU_ASSERT_EQUAL_FATAL(open_on("udp:127.0.0.1:0,udp:127.0.0.2:0,"
				      "udp:127.0.0.1:0", why, sizeof why), 0);
	for (unsigned i = 0; i < 3; i++)
		check_udp("127.0.0.1", laddr_of(i));
	CU_ASSERT_EQUAL(got, 3);
	CU_ASSERT_EQUAL(answered, 3);
	sa = laddr_of(1);
	CU_ASSERT(transport_isladdr(tr, &sa));
	sa_set_port(&sa, 0);
	CU_ASSERT(transport_isladdr(tr, &sa));
	sa_set_str(&sa, "127.0.0.3", 0);
	CU_ASSERT(!transport_isladdr(tr, &sa));
	close_all();
}

static void test_ip6(void)
{
	char why[128];

	if (open_on("udp:[::1]:0", why, sizeof why)) {
		timers = mem_deref(timers);
		return;                         /* a host without IPv6 */
	}
	check_udp("::1", laddr_of(0));
	CU_ASSERT_EQUAL(answered, 1);
	close_all();
}

static void test_wildcard(void)
{
	struct udp_sock *us = NULL;
	char list[64], why[128];
	struct sa sa;

	sa_set_str(&sa, "127.0.0.1", 0);        /* a port that is free */
	CU_ASSERT_EQUAL_FATAL(udp_listen(&us, &sa, NULL, NULL), 0);
	udp_local_get(us, &sa);
	mem_deref(us);
	re_snprintf(list, sizeof list, "udp:0.0.0.0:%u", sa_port(&sa));
	CU_ASSERT_EQUAL_FATAL(open_on(list, why, sizeof why), 0);
	CU_ASSERT(transport_isladdr(tr, &sa));
	check_udp("127.0.0.1", sa);
	timers_run(timers, clock_ns() + 6 * SEC);       /* looks again */
	check_udp("127.0.0.1", sa);
	CU_ASSERT_EQUAL(answered, 2);
	close_all();
}

struct tls_client {
	struct tls *tls;
	struct tcp_conn *tc;
	struct tls_conn *sc;
};

static void estab_handler(void *arg)
{
	struct tls_client *cl = arg;
	struct mbuf mb = { (uint8_t *)request, sizeof request - 1, 0,
			   sizeof request - 1 };

	CU_ASSERT_EQUAL(tcp_send(cl->tc, &mb), 0);
}

static void tcp_handler(struct mbuf *mb, void *arg)
{
	(void)arg;
	answer_check(mb);
}

static void tcp_close_handler(int err, void *arg)
{
	(void)err;
	(void)arg;
	re_cancel();
}

static void test_tls(void)
{
	struct tls_client cl = { NULL, NULL, NULL };
	char why[128];
	struct sa sa;

	CU_ASSERT_EQUAL_FATAL(open_on("tls:127.0.0.1:0", why, sizeof why), 0);
	sa = laddr_of(0);
	CU_ASSERT_EQUAL_FATAL(tls_alloc(&cl.tls, TLS_METHOD_SSLV23, NULL,
					NULL), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_connect(&cl.tc, &sa, estab_handler,
					  tcp_handler, tcp_close_handler,
					  &cl), 0);
	CU_ASSERT_EQUAL_FATAL(tls_start_tcp(&cl.sc, cl.tls, cl.tc, 0), 0);
	run();
	CU_ASSERT_EQUAL(answered, 1);
	CU_ASSERT_EQUAL(got_tp, SIP_TRANSP_TLS);
	mem_deref(cl.sc);
	mem_deref(cl.tc);
	mem_deref(cl.tls);
	run();
	CU_ASSERT_EQUAL(closed, 1);
	CU_ASSERT_EQUAL(transport_stats(tr)->connections, 0);
	close_all();
}

static int make_registrar(void *arg)
{
	const struct registrar_conf conf = {
		.listen = "udp:127.0.0.1:0,tcp:127.0.0.1:0",
		.domain = "example.org,example.com", .users_file = arg,
	};
	struct registrar *r = NULL;
	struct timers *t = NULL;
	char why[128];
	int err = timers_alloc(&t);

	if (!err)
		err = registrar_alloc(&r, t, &conf, why, sizeof why);
	mem_deref(r);
	mem_deref(t);
	return err;
}

static void test_memory(void)
{
	char file[64];
	const int fd = unit_file(file, sizeof file);

	CU_ASSERT_EQUAL(write(fd, "a:b\nc:d\n", 8), 8);
	close(fd);
	FAIL_EACH(make_registrar, file);
	unlink(file);
}

static void with_cert(void)
{
	make_cert();
	test_tls();
	unlink(certfile);
}

UNIT_SUITE("registrar/transport",
	   { "udp", test_udp },
	   { "ip6", test_ip6 },
	   { "wildcard", test_wildcard },
	   { "tls", with_cert },
	   { "memory", test_memory })
