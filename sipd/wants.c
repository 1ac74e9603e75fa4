/*
 * wants.c: JSON into what a session is asked for. Nothing is believed: the
 * line may be a guest's.
 *
 * Called by orders.c.
 */
#include <errno.h>
#include "sipd/wants.h"

/* The words of one tunnel into an argument vector; strings stay o's. */
static size_t read_args(char **argv, size_t max, const struct odict *o)
{
	const struct odict_entry *e = odict_lookup(o, "args");
	size_t n = 0;

	if (!e || e->type != ODICT_ARRAY)
		return 0;
	for (struct le *le = e->u.odict->lst.head; le && n < max;
	     le = le->next) {
		const struct odict_entry *a = le->data;

		if (a->type == ODICT_STRING)
			argv[n++] = a->u.str;
	}
	return n;
}

static int read_want(struct session_want *w, const struct odict *o, char *why,
		     size_t size)
{
	const char *kind = odict_string(o, "kind");

	w->kind = kind ? tunnel_find(kind) : NULL;
	if (w->kind)
		return 0;
	(void)re_snprintf(why, size, "There is no tunnel \"%s\".",
			  kind ? kind : "");
	return EINVAL;
}

static int read_wants(struct wants *ws, const struct odict *o, char *why,
		      size_t size)
{
	const struct odict_entry *e = odict_lookup(o, "tunnels");
	size_t argc = 0;

	(void)re_snprintf(why, size, "No tunnel was named.");
	if (!e || e->type != ODICT_ARRAY)
		return EINVAL;
	for (struct le *le = e->u.odict->lst.head; le; le = le->next) {
		const struct odict_entry *t = le->data;
		struct session_want *w = &ws->v[ws->n];

		if (t->type != ODICT_OBJECT || ws->n == DESC_MEDIA_MAX ||
		    read_want(w, t->u.odict, why, size))
			return EINVAL;
		w->ask.argv = ws->argv + argc;
		w->ask.argc = read_args(ws->argv + argc, WANTS_ARGS_MAX - argc,
					t->u.odict);
		argc += w->ask.argc;
		++ws->n;
	}
	return ws->n ? 0 : EINVAL;
}

/* What the tunnels may ask for beside their words. */
static void fill_asks(struct wants *ws, const struct odict *o,
		      const int fdv[2], const struct conf *c, char *why,
		      size_t size)
{
	for (size_t i = 0; i < ws->n; i++) {
		struct tunnel_ask *ask = &ws->v[i].ask;

		ws->lookupv[i] = (struct judge_lookup){
			c, ws->v[i].kind->name, NULL
		};
		ask->confh = judge_conf;
		ask->arg = &ws->lookupv[i];
		ask->cwd = odict_string(o, "cwd");
		ask->peer = odict_string(o, "peer");
		ask->fd_in = fdv[0];
		ask->fd_out = fdv[1];
		ask->why = why;
		ask->why_size = size;
	}
}

int wants_read(struct wants **wp, const struct odict *o, const int fdv[2],
	       const struct conf *c, char *why, size_t size)
{
	struct wants *ws = mem_zalloc(sizeof *ws, NULL);
	int err;

	if (!ws) {
		(void)re_snprintf(why, size, "No memory.");
		return ENOMEM;
	}
	err = read_wants(ws, o, why, size);
	if (err) {
		mem_deref(ws);
		return err;
	}
	*why = '\0';
	fill_asks(ws, o, fdv, c, why, size);
	*wp = ws;
	return 0;
}
