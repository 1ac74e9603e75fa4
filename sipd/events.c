/*
 * events.c: what the control socket tells, in words.
 *
 * Called by the commands and orders; owns nothing.
 */
#include <string.h>
#include "sipd/events.h"
#include "tunnels/flow/quic.h"

void event_str(struct odict *o, const char *key, const char *val)
{
	if (str_isset(val))
		(void)odict_entry_add(o, key, ODICT_STRING, val);
}

void event_int(struct odict *o, const char *key, uint64_t val)
{
	(void)odict_entry_add(o, key, ODICT_INT, (int64_t)val);
}

static void add_cand(struct odict *o, const char *key, const struct cand *c)
{
	char text[128];

	(void)re_snprintf(text, sizeof text, "%s %J", cand_type_name(c->type),
			  &c->addr);
	event_str(o, key, text);
}


static void add_times(struct odict *o, const struct session_times *t)
{
	struct odict *ms;

	if (odict_alloc(&ms, 8))
		return;
	event_int(ms, "gather", t->offered);
	event_int(ms, "answer", t->answered - t->offered);
	event_int(ms, "path", t->found - t->answered);
	event_int(ms, "secure", t->secured - t->found);
	event_int(ms, "total", t->open);
	(void)odict_entry_add(o, "setup_ms", ODICT_OBJECT, ms);
	mem_deref(ms);
}

void event_session(struct odict *o, const struct session *s)
{
	struct session_info in;
	char fp[FP_TEXT_SIZE];

	session_info(s, &in);
	event_str(o, "session", in.id);
	event_str(o, "peer", in.peer->name);
	event_str(o, "address", in.peer->address);
	event_str(o, "direction", in.incoming ? "in" : "out");
	event_str(o, "tunnels", in.tunnels);
	event_str(o, "state", session_state_name(in.state));
	if (in.fp) {
		fp_print(fp, in.fp);
		event_str(o, "fingerprint", fp);
	}
	event_str(o, "words", in.words);
	if (in.times.found) {
		event_str(o, "path", session_path_word(&in));
		event_str(o, "relay", in.relay);
		add_cand(o, "local", &in.local);
		add_cand(o, "remote", &in.remote);
	}
	if (in.times.open) {
		add_times(o, &in.times);
		event_int(o, "rx_bytes", in.stats->rx_bytes);
		event_int(o, "tx_bytes", in.stats->tx_bytes);
		event_int(o, "rtt_us", in.stats->rtt / 1000);
		event_str(o, "counters", in.counters);
	}
}

int event_alloc(struct odict **op, const char *event, const char *tag)
{
	int err = odict_alloc(op, 16);

	if (err)
		return err;
	event_str(*op, "event", event);
	event_str(*op, "tag", tag);
	return 0;
}
