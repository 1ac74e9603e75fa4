/*
 * lists.c: sessions, accounts, peers and calls on stdout. A terminal gets
 * what people read; else each is one line, and a call its JSON.
 *
 * Called by show.c.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "tunnels/ending.h"
#include "sipd/dial/lists.h"

enum { JSON_DEPTH = 4 };

const char *lists_str(const struct odict *o, const char *key)
{
	const char *v = odict_string(o, key);

	return v ? v : "";
}

uint64_t lists_num(const struct odict *o, const char *key)
{
	uint64_t n = 0;

	(void)odict_get_number(o, &n, key);
	return n;
}

const char *lists_size(char buf[32], double n)
{
	static const char *const unitv[] = { "B", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	while (n >= 1000 && i + 1 < RE_ARRAY_SIZE(unitv)) {
		n /= 1000;
		++i;
	}
	(void)snprintf(buf, 32, i ? "%.1f %s" : "%.0f %s", n, unitv[i]);
	return buf;
}

/* "TCP" is how people write it. */
const char *lists_path(const struct odict *o)
{
	const char *path = lists_str(o, "path");

	return strcmp(path, "tcp") ? path : "TCP";
}

static bool for_people(void)
{
	return isatty(STDOUT_FILENO);
}

static void lists_account(const struct odict *o)
{
	const char *address = lists_str(o, "address");
	const char *text = lists_str(o, "text");
	const char *at = lists_str(o, "reached_at");

	(void)printf("account  %-36s %s%s%s", *address ? address
		     : "direct calls", lists_str(o, "state"), *text ? ": " : "",
		     text);
	(void)printf(*at ? "  (%s)\n" : "\n", at);
}

static void lists_names(const struct odict *o, bool values)
{
	const char *comma = "";

	for (struct le *le = o ? o->lst.head : NULL; le; le = le->next) {
		const struct odict_entry *e = le->data;

		(void)re_printf("%s%s", comma, values ? e->u.str : e->key);
		comma = ", ";
	}
}

static const struct odict *sub(const struct odict *o, const char *key,
			       int type)
{
	const struct odict_entry *e = odict_lookup(o, key);

	return e && (int)e->type == type ? e->u.odict : NULL;
}

static void meeting_words(const struct odict *o)
{
	const struct odict *online = sub(o, "online", ODICT_OBJECT);

	(void)printf("meeting point  %s at ", lists_str(o, "realm"));
	lists_names(sub(o, "listen", ODICT_ARRAY), true);
	(void)re_printf("\n  %u of %u users online%s",
			online ? list_count(&online->lst) : 0,
			(unsigned)lists_num(o, "users"),
			online && online->lst.head ? ": " : "");
	lists_names(online, false);
	(void)printf("\n  %llu calls, %llu requests denied, %llu messages"
		     " beyond the limit\n",
		     (unsigned long long)lists_num(o, "calls"),
		     (unsigned long long)lists_num(o, "denied"),
		     (unsigned long long)lists_num(o, "limited"));
}

static void lists_meeting(const struct odict *o)
{
	const char *text = lists_str(o, "text");
	struct odict *m = NULL;

	if (for_people() && !json_decode_odict(&m, 32, text, strlen(text),
					       JSON_DEPTH))
		meeting_words(m);
	else
		(void)printf("meeting point  %s\n", text);
	mem_deref(m);
}

static void lists_session(const struct odict *o)
{
	const char *counters = lists_str(o, "counters");
	char rx[32], tx[32];

	(void)printf("session  %-4s %-3s %-20s %-14s %-9s %s in, %s out  %s"
		     " %s", lists_str(o, "session"), lists_str(o, "direction"),
		     lists_str(o, "peer"), lists_str(o, "tunnels"),
		     lists_str(o, "state"),
		     lists_size(rx, (double)lists_num(o, "rx_bytes")),
		     lists_size(tx, (double)lists_num(o, "tx_bytes")),
		     lists_path(o), lists_str(o, "remote"));
	if (*counters)
		(void)printf(for_people() ? "\n         %s" : "  %s",
			     counters);
	(void)putchar('\n');
}

static void lists_peer(const struct odict *o)
{
	const char *name = lists_str(o, "name");
	const char *address = lists_str(o, "address");
	const char *key = lists_str(o, "fingerprint");
	const char *allow = lists_str(o, "allow");

	if (!*key)
		key = "(no key pinned)";
	if (for_people())
		(void)printf("%s%s%s\n  key    %s\n%s%s%s", name,
			     strcmp(name, address) ? "  " : "",
			     strcmp(name, address) ? address : "", key,
			     *allow ? "  allow  " : "", allow,
			     *allow ? "\n" : "");
	else
		(void)printf("%-20s %-36s %s%s%s\n", name, address, key,
			     *allow ? "  allow " : "", allow);
}

/* "2026-11-23T14:08:24.775Z" by the clock of this place. */
static void local_time(char *buf, size_t size, const char *utc)
{
	struct tm tm = { .tm_isdst = 0 };
	time_t t;

	(void)str_ncpy(buf, utc, size);
	if (!strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	t = timegm(&tm);
	if (localtime_r(&t, &tm))
		(void)strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
}

/* What a peer said is no order to the terminal. */
static const char *plain(char *buf, size_t size, const char *text)
{
	if (re_snprintf(buf, size, "%H", plain_print, text) < 0)
		(void)str_ncpy(buf, "?", size);
	return buf;
}

static void call_words(const struct odict *o)
{
	char when[32], peer[300], tunnel[200], rx[32], tx[32];

	local_time(when, sizeof when, lists_str(o, "time"));
	(void)printf("%s  %-3s %-20s %-10s %s%s", when,
		     lists_str(o, "direction"),
		     plain(peer, sizeof peer, lists_str(o, "peer")),
		     plain(tunnel, sizeof tunnel, lists_str(o, "tunnel")),
		     strcmp(lists_str(o, "verdict"), "denied") ? ""
		     : "denied: ", lists_str(o, "reason"));
	if (*lists_str(o, "path"))
		(void)printf("  %s, %s in, %s out, %.1f s", lists_path(o),
			     lists_size(rx, (double)lists_num(o, "rx")),
			     lists_size(tx, (double)lists_num(o, "tx")),
			     (double)lists_num(o, "duration_ms") / 1000);
	(void)putchar('\n');
}

static void lists_call(const struct odict *o)
{
	const char *line = lists_str(o, "line");
	struct odict *call = NULL;

	if (for_people() && !json_decode_odict(&call, 32, line, strlen(line),
					       JSON_DEPTH))
		call_words(call);
	else
		(void)printf("%s\n", line);
	mem_deref(call);
}

void lists_event(const struct odict *o)
{
	static const struct {
		const char *event;
		void (*h)(const struct odict *o);
	} eventv[] = {
		{ "account",       lists_account },
		{ "call",          lists_call    },
		{ "meeting-point", lists_meeting },
		{ "peer",          lists_peer    },
		{ "session",       lists_session },
	};
	const char *event = lists_str(o, "event");

	for (size_t i = 0; i < RE_ARRAY_SIZE(eventv); i++)
		if (!strcmp(eventv[i].event, event))
			eventv[i].h(o);
}
