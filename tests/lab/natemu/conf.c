/*
 * conf.c: the options, one table; and the few things that everybody needs.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "conf.h"

struct conf conf = {
	.in = "nat-in", .out = "nat-out", .label = "natemu",
	.v6 = M_FW, .filter = { APDF, APDF, APDF },
	.delta = 1, .lo = 1024, .hi = 65535, .start = -1, .block = 512,
	.refresh_in = 1, .simopen = 1, .icmp = 1, .frag = 1,
	.syn_delay = -1, .udp_to = 120, .syn_to = 30, .est_to = 7440,
	.fin_to = 60, .icmp_to = 60, .scan_ban = 60, .queue = 200,
};
int64_t now;
uint64_t count[C_N];

enum kind { WORD, TEXT, NUMBER, REAL, REAL2, FLAG, ADDR, PORTS, ALLOW, SEED,
	    HELP };

#define AT(m) offsetof(struct conf, m)
static const struct opt {
	const char *name;
	enum kind kind;
	size_t at[2];                   /* of struct conf; 0, 0: none */
	const char *arg;                /* what may stand there */
	const char *help;
} optv[] = {
	{ "in", TEXT, { AT(in) }, "IF", "TUN device of the inside (nat-in)" },
	{ "out", TEXT, { AT(out) }, "IF", "of the outside (nat-out)" },
	{ "label", TEXT, { AT(label) }, "NAME", "in the counters" },
	{ "stats", TEXT, { AT(stats) }, "FILE", "counters go there (stderr)" },
	{ "seed", SEED, { 0 }, "N", "of the dice" },
	{ "verbose", FLAG, { AT(verbose) }, NULL, "each mapping is told" },
	{ "v4", WORD, { AT(v4) }, "nat|fw|pass|drop", "IPv4 (nat)" },
	{ "v6", WORD, { AT(v6) }, "nat|fw|pass|drop", "IPv6 (fw)" },
	{ "ext", ADDR, { AT(ext) }, "ADDR", "the external address" },
	{ "spare", ADDR, { AT(spare) }, "ADDR", "the one after SIGHUP" },
	{ "map", WORD, { AT(map[P_UDP]), AT(map[P_TCP]) }, "eim|adm|apdm",
	  "mapping (eim)" },
	{ "filter", WORD, { AT(filter[P_UDP]), AT(filter[P_TCP]) },
	  "eif|adf|apdf", "filtering (apdf)" },
	{ "map-tcp", WORD, { AT(map[P_TCP]) }, "eim|adm|apdm", "TCP's alone" },
	{ "filter-tcp", WORD, { AT(filter[P_TCP]) }, "eif|adf|apdf",
	  "TCP's alone" },
	{ "alloc", WORD, { AT(alloc) }, "preserve|seq|random|block",
	  "external ports (preserve)" },
	{ "delta", NUMBER, { AT(delta) }, "N", "step of seq (1)" },
	{ "start", NUMBER, { AT(start) }, "PORT", "first of seq (any)" },
	{ "block", NUMBER, { AT(block) }, "N", "ports in a block (512)" },
	{ "noise", REAL, { AT(noise) }, "R", "ports others take a second" },
	{ "ports", PORTS, { AT(lo), AT(hi) }, "LO-HI", "(1024-65535)" },
	{ "hairpin", WORD, { AT(hairpin) }, "off|ext|int",
	  "the source that is shown (off)" },
	{ "udp-timeout", REAL, { AT(udp_to) }, "S", "(120)" },
	{ "udp-life", REAL, { AT(udp_life) }, "S",
	  "a mapping ends, however used (never)" },
	{ "refresh-in", WORD, { AT(refresh_in) }, "off|on",
	  "what comes in refreshes (on)" },
	{ "syn-timeout", REAL, { AT(syn_to) }, "S", "half open TCP (30)" },
	{ "tcp-timeout", REAL, { AT(est_to) }, "S", "open TCP (7440)" },
	{ "fin-timeout", REAL, { AT(fin_to) }, "S", "closing TCP (60)" },
	{ "max-map", NUMBER, { AT(max_map) }, "N", "mappings" },
	{ "max-sess", NUMBER, { AT(max_sess) }, "N", "sessions" },
	{ "evict", WORD, { AT(lru) }, "deny|lru", "when full (deny)" },
	{ "new-rate", NUMBER, { AT(new_rate) }, "N", "mappings a second" },
	{ "scan-limit", NUMBER, { AT(scan_limit) }, "N",
	  "refused packets a second before a ban" },
	{ "scan-ban", NUMBER, { AT(scan_ban) }, "S", "it lasts (60)" },
	{ "syn", WORD, { AT(syn) }, "drop|rst|icmp", "unasked SYN (drop)" },
	{ "syn-delay", REAL, { AT(syn_delay) }, "S", "before (0, icmp 6)" },
	{ "udp", WORD, { AT(udp) }, "drop|-|icmp", "unasked UDP (drop)" },
	{ "simopen", WORD, { AT(simopen) }, "off|on",
	  "simultaneous open passes (on)" },
	{ "rst-del", FLAG, { AT(rst_del) }, NULL, "RST ends the session" },
	{ "icmp", WORD, { AT(icmp) }, "drop|pass", "ICMP errors (pass)" },
	{ "frag", WORD, { AT(frag) }, "drop|pass", "fragments (pass)" },
	{ "allow-out", ALLOW, { 0 }, "udp|tcp|icmp[:LO[-HI]]",
	  "all else is dropped; may be repeated" },
	{ "reject-out", FLAG, { AT(reject) }, NULL, "or refused" },
	{ "dpi-tls", FLAG, { AT(dpi) }, NULL, "outgoing TCP must be TLS" },
	{ "sip-alg", WORD, { AT(alg) }, "off|good|bad",
	  "rewrite SIP; bad: not its length (off)" },
	{ "delay", REAL2, { AT(delay) }, "A[,B]", "ms, out and in" },
	{ "jitter", REAL2, { AT(jitter) }, "A[,B]", "ms" },
	{ "loss", REAL2, { AT(loss) }, "A[,B]", "percent" },
	{ "rate", REAL2, { AT(rate) }, "A[,B]", "kbit/s" },
	{ "queue", REAL, { AT(queue) }, "MS", "of the rate (200)" },
	{ "dup", REAL, { AT(dup) }, "P", "percent twice" },
	{ "reorder", REAL, { AT(reorder) }, "P", "percent too early" },
	{ "help", HELP, { 0 }, NULL, "this" },
};
enum { OPTC = sizeof optv / sizeof *optv };

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("natemu: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

void say(const char *fmt, ...)
{
	va_list ap;

	if (!conf.verbose)
		return;
	va_start(ap, fmt);
	(void)fprintf(stderr, "%.3f ", (double)now / SEC);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

void tick(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * SEC + ts.tv_nsec;
}

static uint64_t dice = 88172645463325252ULL;

void rnd_seed(uint64_t seed)
{
	dice = seed | 1;
}

/* xorshift64*: repeatable with --seed */
uint64_t rnd(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice * 2685821657736338717ULL >> 11;
}

double rnd01(void)
{
	return (double)(rnd() & 0xffffffff) / 4294967296.0;
}

#define X(n) #n,
static const char *const count_name[] = { COUNTERS(X) };
#undef X

void count_print(const char *why, int maps, int sess)
{
	FILE *f = conf.stats ? fopen(conf.stats, "a") : stderr;

	if (!f)
		return;
	(void)fprintf(f, "{\"box\":\"%s\",\"why\":\"%s\",\"maps\":%d,"
		      "\"sessions\":%d", conf.label, why, maps, sess);
	for (int i = 0; i < C_N; i++)
		if (count[i])
			(void)fprintf(f, ",\"%s\":%llu", count_name[i],
				      (unsigned long long)count[i]);
	(void)fputs("}\n", f);
	if (f != stderr)
		(void)fclose(f);
}

/* The place of v in a list with bars between. */
static int pick(const char *name, const char *v, const char *list)
{
	size_t n = strlen(v);

	for (int i = 0; ; i++, list++) {
		size_t k = strcspn(list, "|");

		if (k == n && !memcmp(list, v, n))
			return i;
		list += k;
		if (!*list)
			die("--%s: what is %s?", name, v);
	}
}

/* P[:LO[-HI]] */
static void add_allow(const char *v)
{
	struct allow *a = &conf.allow[conf.allowc++];
	char proto[8];
	int n;

	if (conf.allowc > ALLOW_MAX)
		die("--allow-out: too many");
	a->lo = 0;
	a->hi = 65535;
	n = sscanf(v, "%7[a-z]:%d-%d", proto, &a->lo, &a->hi);
	if (n < 1)
		die("--allow-out: what is %s?", v);
	if (n == 2)
		a->hi = a->lo;
	a->proto = pick("allow-out", proto, "udp|tcp|icmp");
}

static void real2(double *d, const char *v)
{
	char *e;

	d[0] = d[1] = strtod(v, &e);
	if (*e == ',')
		d[1] = strtod(e + 1, NULL);
}

static void help(void)
{
	puts("natemu: a NAT, a firewall and a link between two TUN devices");
	for (int i = 0; i < OPTC; i++)
		printf("  --%s %s%*s %s\n", optv[i].name,
		       optv[i].arg ? optv[i].arg : "",
		       (int)(24 - strlen(optv[i].name) -
			     (optv[i].arg ? strlen(optv[i].arg) : 0)), "",
		       optv[i].help);
	exit(0);
}

static void take(const struct opt *o, const char *v)
{
	void *p = (char *)&conf + o->at[0];

	switch (o->kind) {
	case WORD:
		*(int *)p = pick(o->name, v, o->arg);
		if (o->at[1])
			*(int *)((char *)&conf + o->at[1]) = *(int *)p;
		break;
	case TEXT: *(const char **)p = v; break;
	case NUMBER: *(int *)p = atoi(v); break;
	case REAL: *(double *)p = atof(v); break;
	case REAL2: real2(p, v); break;
	case FLAG: *(int *)p = 1; break;
	case ADDR:
		if (!addr_parse(p, v))
			die("--%s: %s is no address", o->name, v);
		break;
	case PORTS:
		if (sscanf(v, "%d-%d", &conf.lo, &conf.hi) != 2 ||
		    conf.lo < 1 || conf.hi > 65535 || conf.lo > conf.hi)
			die("--ports: LO-HI");
		break;
	case ALLOW: add_allow(v); break;
	case SEED: rnd_seed(strtoull(v, NULL, 0) * 0x9E3779B97F4A7C15ULL);
		break;
	case HELP: help();
	}
}

void conf_parse(int argc, char *argv[])
{
	struct option lo[OPTC + 1] = { { 0 } };
	static const struct addr none;
	int i = 0;

	for (int k = 0; k < OPTC; k++) {
		lo[k].name = optv[k].name;
		lo[k].has_arg = optv[k].arg != NULL;
		lo[k].val = 1;
	}
	while ((i = -1, getopt_long(argc, argv, "", lo, &i)) == 1)
		take(&optv[i], optarg);
	if (i != -1 || optind < argc)
		die("see natemu --help");
	if (conf.v4 == M_NAT && addr_eq(&conf.ext, &none))
		die("--ext is missing");
	if (conf.block < 1 || conf.block > conf.hi - conf.lo + 1)
		die("--block: 1 to all ports");
}
