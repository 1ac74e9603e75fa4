/* fuzz: sipd/reason.c sipd/wants.c tunnels/tunnel.c sdp/base/clock.c
 *
 * What `dial` and `wait` of the control socket make of any object of JSON: the
 * first byte says what becomes of the session, the rest is the object. Whatever
 * it says, kinds that there are and words that end come to the switchboard, and
 * the order is told of its end and freed once.
 */
#include <stdlib.h>
#include "sipd/orders.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tunnel_kind file_kind = { .name = "file" };
static const struct tunnel_kind vpn_kind = { .name = "vpn" };
const struct tunnel_kind *const tunnel_kinds[] = {
	&file_kind, &vpn_kind, NULL
};

enum { REFUSED = 1, OPEN = 2, ENDS = 4, GUEST = 8, DESCRIPTORS = 16 };

struct conn {
	struct list keepl;
	unsigned errors, exits;
};

static struct {
	uint8_t how;
	struct control_env env;
	struct conn cn;
	struct session_handlers sh;     /* of the session that was dialled */
	bool dialled;
	unsigned dials;
	size_t sum;
} z;

static void need(bool truth)
{
	if (!truth)
		abort();
}

const struct control_env *conn_env(const struct conn *cn)
{
	need(cn == &z.cn);
	return &z.env;
}

const struct guest *conn_guest(const struct conn *cn)
{
	return z.how & GUEST ? (const void *)cn : NULL;
}

/* Nothing is configured. */
const char *conf_kind_get(const struct conf *c, const char *kind,
			  const char *key)
{
	(void)c;
	need(kind && key);
	return NULL;
}

void conn_event(struct conn *cn, const struct odict *o)
{
	need(cn && o);
	z.cn.exits += odict_lookup(o, "exit") != NULL;
}

void conn_error(struct conn *cn, const char *tag, int code, const char *fmt,
		...)
{
	char text[1024];
	va_list ap;

	(void)tag;
	va_start(ap, fmt);
	(void)re_vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	need(cn && code > 0 && *text);
	++z.cn.errors;
}

bool conn_take_fds(struct conn *cn, int *in, int *out)
{
	(void)cn;
	if (!(z.how & DESCRIPTORS))
		return false;
	*in = dup(STDIN_FILENO);
	*out = dup(STDOUT_FILENO);
	return true;
}

void conn_keep(struct conn *cn, struct le *le, void *data)
{
	list_append(&cn->keepl, le, data);
}

struct house *board_house(const struct board *b)
{
	static struct house house;

	(void)b;
	return &house;
}

struct list *board_waits(struct board *b)
{
	(void)b;
	return NULL;
}

void board_drop(struct board *b, const void *owner)
{
	(void)b;
	if (z.sh.arg == owner)
		z.dialled = false;
}

int board_dial(struct session **sp, struct board *b, const char *text,
	       const struct session_want *wantv, size_t wantc,
	       unsigned flags, const struct session_handlers *sh,
	       enum reason *rp, char *why, size_t size)
{
	(void)b;
	need(text && wantc && wantc <= DESC_MEDIA_MAX && !*why);
	need(!(flags & ~(unsigned)(SESSION_CAN_ASK | SESSION_ANEW)));
	need(!(z.how & GUEST) || !(flags & SESSION_CAN_ASK));
	for (size_t i = 0; i < wantc; i++) {
		need(wantv[i].kind == &file_kind || wantv[i].kind == &vpn_kind);
		need(wantv[i].ask.argc <= WANTS_ARGS_MAX);
		for (size_t k = 0; k < wantv[i].ask.argc; k++)
			z.sum += strlen(wantv[i].ask.argv[k]);
	}
	if (z.how & REFUSED) {
		*rp = REASON_UNREACHABLE;
		(void)re_snprintf(why, size, "%s", z.how & 32 ? text : "");
		return EHOSTUNREACH;
	}
	*sp = (struct session *)(void *)&z;
	z.sh = *sh;
	z.dialled = true;
	++z.dials;
	return 0;
}

void session_info(const struct session *s, struct session_info *in)
{
	static const struct peer peer = { .name = "bob" };

	need(s != NULL);
	memset(in, 0, sizeof *in);
	in->peer = &peer;
	in->id = "1";
	in->text = "";
	in->state = z.how & OPEN ? SESSION_OPEN : SESSION_GATHERING;
	in->reason = REASON_PEER_LOST;
}

int accounts_called(struct re_printf *pf, const struct accounts *as)
{
	(void)as;
	return re_hprintf(pf, "sip:192.0.2.1");
}

void session_trust(struct session *s, bool yes)
{
	(void)s, (void)yes;
}

int session_offered(struct re_printf *pf, const struct session *s)
{
	(void)s;
	return re_hprintf(pf, "file");
}

const char *judge_conf(const char *key, void *lookup)
{
	(void)key, (void)lookup;
	return NULL;
}

bool guest_may(const struct guest *g, const struct conf *c, const char *kind,
	       char *const *argv, size_t argc, char *why, size_t size)
{
	(void)g, (void)c, (void)argv;
	if (!strcmp(kind, "vpn") && argc == 1)
		return true;
	(void)re_snprintf(why, size, "No.");
	return false;
}

int wait_alloc(struct wait **wp, struct list *waitl,
	       const struct wait_conf *conf)
{
	struct wait *w = mem_zalloc(sizeof *w, NULL);

	(void)waitl;
	need(w && (!conf->kind || tunnel_find(conf->kind->name)));
	z.sum += conf->into ? strlen(conf->into) : 0;
	z.sh = conf->sh;
	*wp = w;
	return z.how & REFUSED ? ENOMEM : 0;
}

int event_alloc(struct odict **op, const char *event, const char *tag)
{
	(void)event, (void)tag;
	return odict_alloc(op, 16);
}

void event_str(struct odict *o, const char *key, const char *val)
{
	if (str_isset(val))
		(void)odict_entry_add(o, key, ODICT_STRING, val);
}

void event_int(struct odict *o, const char *key, uint64_t val)
{
	(void)odict_entry_add(o, key, ODICT_INT, (int64_t)val);
}

void event_session(struct odict *o, const struct session *s)
{
	need(o && s);
}

/* Until the order is gone: its session ends, and perhaps the next one. */
static void play(void)
{
	struct session *s = (struct session *)(void *)&z;

	for (int i = 0; i < 4 && z.cn.keepl.head; i++) {
		z.how &= (uint8_t)~(i ? OPEN : 0);
		if (z.dialled && z.how & ENDS)
			z.sh.endh(s, 0, REASON_PEER_LOST, "x", z.sh.arg);
		timers_run(z.env.timers, clock_ns() + SEC);
	}
	list_flush(&z.cn.keepl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct timers *timers;
	struct odict *o = NULL;

	if (!size)
		return 0;
	if (!timers && timers_alloc(&timers))
		abort();
	memset(&z, 0, sizeof z);
	z.env.timers = timers;
	z.how = data[0];
	if (json_decode_odict(&o, 16, (const char *)data + 1, size - 1, 8) ||
	    !o)
		return 0;
	order_dial(&z.cn, o, odict_string(o, "tag"));
	play();
	need(z.cn.errors + z.cn.exits <= 1 && z.dials <= 4);
	z.cn.errors = z.cn.exits = 0;
	order_wait(&z.cn, o, odict_string(o, "tag"));
	list_flush(&z.cn.keepl);
	need(z.cn.errors <= 1);
	mem_deref(o);
	return 0;
}
