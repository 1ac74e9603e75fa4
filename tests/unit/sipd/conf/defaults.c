/*
 * defaults.c: tests of what holds without a line in sipd.conf, and that
 * etc/sipd.conf shows it.
 */
#include "sipd/conftab.h"
#include "tests/unit/sipd/conf/text.h"

static void check_defaults(const struct conf *c)
{
	CU_ASSERT_STRING_EQUAL(c->log, "stderr");
	CU_ASSERT_EQUAL(c->sip_port, 5060);
	CU_ASSERT_EQUAL(c->unknown, UNKNOWN_REJECT);
	CU_ASSERT_STRING_EQUAL(c->allow, "");
	CU_ASSERT_EQUAL(c->sessions, 1000);
	CU_ASSERT_EQUAL(c->per_peer, 32);
	CU_ASSERT_EQUAL(c->rate, 600);
	CU_ASSERT_EQUAL(c->nat_port, 0);
	CU_ASSERT_STRING_EQUAL(c->stun, "");
	CU_ASSERT_STRING_EQUAL(c->interfaces, "");
	CU_ASSERT_FALSE(c->registrar.enabled);
	CU_ASSERT_TRUE(c->registrar.stun);
	CU_ASSERT_TRUE(list_isempty(&c->accountl));
	CU_ASSERT_TRUE(list_isempty(&c->peerl));
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "max-size"), "0");
	CU_ASSERT_PTR_NULL(conf_kind_get(c, "pipe", "command"));
}

static void test_defaults(void)
{
	struct conf *c = NULL;
	bool root = geteuid() == 0;

	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_STATE_HOME");
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	CU_ASSERT_EQUAL_FATAL(conf_load(&c, NULL, &e), 0);
	check_defaults(c);
	CU_ASSERT_PTR_NULL(c->file);
	CU_ASSERT_STRING_EQUAL(c->state, root ? "/var/lib/dialtone" :
			       "/home/alice/.local/state/dialtone");
	CU_ASSERT_STRING_EQUAL(c->control, root ? "/run/dialtone/control" :
			       "/run/user/1/dialtone/control");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "inbox"), root ?
			       "/var/lib/dialtone/inbox" :
			       "/home/alice/Downloads");
	c = mem_deref(c);

	setup();
	c = load("[sipd]\nstate=~/d\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	check_defaults(c);
	CU_ASSERT_STRING_EQUAL(c->state, "/home/alice/d");
	CU_ASSERT_STRING_EQUAL(c->control, "/home/alice/d/control");
	CU_ASSERT_STRING_EQUAL(conf_kind_get(c, "file", "inbox"),
			       "/home/alice/d/inbox");
	mem_deref(c);
	teardown();
}

static int print_header(struct re_printf *pf, enum conf_sec sec)
{
	const struct conf_section *s = &conf_sections[sec];

	return re_hprintf(pf, "%s%s[%s%s]\n", sec ? "\n" : "",
			  s->optional ? "#" : "", s->word,
			  s->name == NAME_MUST ? " NAME" : "");
}

/* As etc/sipd.conf is to show every key. */
static int print_defaults(struct re_printf *pf, void *unused)
{
	int err = 0;

	(void)unused;
	for (size_t i = 0; i < conf_keyc && !err; i++) {
		const struct conf_key *k = &conf_keys[i];
		const char *v = k->def ? k->def : k->show;

		if (!i || conf_keys[i - 1].sec != k->sec)
			err = print_header(pf, k->sec);
		if (!err)
			err = re_hprintf(pf, "#%s =%s%s\n", k->word,
					 *v ? " " : "", v);
	}
	return err;
}

/* Key lines of a sample file: the comments in prose are left out. */
static void key_lines(struct mbuf *mb, FILE *f)
{
	char line[256];

	while (fgets(line, sizeof line, f))
		if (*line == '[' || (*line == '#' && (line[1] == '[' ||
		    (line[1] >= 'a' && line[1] <= 'z'))))
			mbuf_write_str(mb, line);
}

/* The same of what is printed, where blank lines part the sections. */
static void printed_lines(struct mbuf *mb)
{
	struct mbuf *all = mbuf_alloc(4096);
	FILE *f;

	CU_ASSERT_EQUAL(mbuf_printf(all, "%H", print_defaults, NULL), 0);
	f = fmemopen(all->buf, all->end, "r");
	key_lines(mb, f);
	fclose(f);
	mem_deref(all);
}

static void test_sample(void)
{
	struct mbuf *want = mbuf_alloc(4096), *got = mbuf_alloc(4096);
	FILE *f = fopen("etc/sipd.conf", "r");
	struct conf *c = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	key_lines(got, f);
	fclose(f);
	printed_lines(want);
	CU_ASSERT(want->end > 500);
	mbuf_write_u8(want, 0);
	mbuf_write_u8(got, 0);
	CU_ASSERT_STRING_EQUAL((char *)got->buf, (char *)want->buf);
	mem_deref(want);
	mem_deref(got);
	CU_ASSERT_EQUAL_FATAL(conf_load(&c, "etc/sipd.conf", &e), 0);
	check_defaults(c);
	mem_deref(c);
}

/* The defaults that are printed are taken when they are written out. */
static void test_defaults_are_values(void)
{
	struct mbuf *mb = mbuf_alloc(4096);
	struct conf *c;
	char *p;

	setup();
	setenv("HOME", "/home/alice", 1);
	printed_lines(mb);
	mbuf_write_u8(mb, 0);
	for (p = strtok((char *)mb->buf, "\n"); p; p = strtok(NULL, "\n")) {
		char text[256];
		static char sec[32];

		if (strchr(p, '[')) {
			snprintf(sec, sizeof sec, "%s", strchr(p, '['));
			continue;
		}
		if (strcmp(sec, "[sipd]") && strcmp(sec, "[nat]") &&
		    strcmp(sec, "[file]"))
			continue;
		if (!strncmp(p, "#user", 5) ||
		    !strncmp(p, "#certificate", 12))
			continue;       /* exists on few machines */
		snprintf(text, sizeof text, "%s\n%s\n", sec, p + 1);
		c = load(text);
		if (!c)
			printf("%s\n", e.text);
		CU_ASSERT_PTR_NOT_NULL(c);
		mem_deref(c);
	}
	mem_deref(mb);
	teardown();
}

UNIT_SUITE("conf/defaults",
	   { "defaults", test_defaults },
	   { "sample", test_sample },
	   { "defaults are values", test_defaults_are_values })
