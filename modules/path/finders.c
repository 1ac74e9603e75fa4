/*
 * finders.c: the finders of one path, and how many of them are not done.
 *
 *   path.c --gather, look_again, start--> [finders] --> host_finder
 *          --tick, recv, send, permit-->      |         portmap_finder
 *          <--------- candh, doneh ----       +-------> ...
 *
 * doneh: the last that was waited for is done. A finder's candh goes straight
 * up to the path, and may lead to a restart there, which drops that finder:
 * so a reference is held while one is called that may tell candidates.
 */
#include <errno.h>
#include "modules/path/finders.h"

/* In the order of their start. */
static const struct finder_kind *const kinds[] = {
	&host_finder, &portmap_finder, &stun_finder, &turn_finder,
	&tcp_finder, &spare_finder,
};

enum { KINDS = ARRAY_SIZE(kinds) };

struct finders {
	struct finder *v[KINDS];        /* NULL: does not run, or need not */
	unsigned waiting;               /* those that are not done */
	finder_cand_h *candh;
	finder_done_h *doneh;
	void *arg;
};

static void finders_destructor(void *arg)
{
	struct finders *fs = arg;

	for (int i = KINDS - 1; i >= 0; i--)
		mem_deref(fs->v[i]);
}

int finders_alloc(struct finders **fsp, finder_cand_h *candh,
		  finder_done_h *doneh, void *arg)
{
	struct finders *fs = mem_zalloc(sizeof *fs, finders_destructor);

	if (!fs)
		return ENOMEM;
	fs->candh = candh;
	fs->doneh = doneh;
	fs->arg = arg;
	*fsp = fs;
	return 0;
}

static void on_cand(const struct cand *c, void *arg)
{
	const struct finders *fs = arg;

	fs->candh(c, fs->arg);
}

static void on_done(void *arg)
{
	struct finders *fs = arg;

	if (fs->waiting && !--fs->waiting)
		fs->doneh(fs->arg);
}

static bool wanted(const struct finder_kind *kind,
		   const struct finder_env *env)
{
	return kind == &turn_finder ? env->relays : !env->private;
}

/* A finder that cannot start is one that finds nothing, but for memory. */
static int start(struct finders *fs, int i, const struct finder_env *env,
		 uint64_t now)
{
	int err;

	if (fs->v[i] || !wanted(kinds[i], env))
		return 0;
	fs->waiting++;
	err = kinds[i]->start(&fs->v[i], env, now, on_cand, on_done, fs);
	if (err)
		on_done(fs);
	return err == ENOMEM ? err : 0;
}

static void again(struct finders *fs, int i, const struct finder_env *env,
		  uint64_t now)
{
	struct finder *f = mem_ref(fs->v[i]);

	fs->waiting += kinds[i]->waits && kinds[i]->waits(f);
	kinds[i]->again(f, env, now);
	mem_deref(f);
}

/* Whatever still waits starts anew, too: what it was told is out of date. */
static void drop_outdated(struct finders *fs)
{
	for (int i = 0; i < KINDS; i++)
		if (!kinds[i]->again)
			fs->v[i] = mem_deref(fs->v[i]);
	fs->waiting = 0;
}

int finders_gather(struct finders *fs, const struct finder_env *env,
		   uint64_t now)
{
	int err = 0;

	drop_outdated(fs);
	fs->waiting++;          /* not done before all have started */
	for (int i = 0; i < KINDS && !err; i++) {
		if (fs->v[i])
			again(fs, i, env, now);
		else
			err = start(fs, i, env, now);
	}
	on_done(fs);
	return err;
}

void finders_look_again(struct finders *fs, const struct finder_env *env,
			uint64_t now)
{
	fs->waiting++;
	for (int i = 0; i < KINDS; i++) {
		if (kinds[i]->until_found)
			(void)start(fs, i, env, now);
		if (kinds[i]->probe && fs->v[i])
			kinds[i]->probe(fs->v[i], now);
	}
	on_done(fs);
}

void finders_start(struct finders *fs, const struct finder_kind *kind,
		   const struct finder_env *env, uint64_t now)
{
	for (int i = 0; i < KINDS; i++)
		if (kinds[i] == kind)
			(void)start(fs, i, env, now);
}

int finders_fresh(struct finders *fs, const struct finder_env *env,
		  const struct sa *in_use, struct sa *base, uint64_t now)
{
	int err = ENOENT;

	for (int i = 0; i < KINDS && err == ENOENT; i++)
		if (fs->v[i] && kinds[i]->fresh)
			err = kinds[i]->fresh(fs->v[i], env, in_use, base,
					      now);
	return err;
}

void finders_found(struct finders *fs)
{
	for (int i = 0; i < KINDS; i++)
		if (kinds[i]->until_found)
			fs->v[i] = mem_deref(fs->v[i]);
}

bool finders_waiting(const struct finders *fs)
{
	return fs->waiting > 0;
}

void finders_tick(struct finders *fs, uint64_t now)
{
	for (int i = 0; i < KINDS; i++) {
		struct finder *f = mem_ref(fs->v[i]);

		if (f && kinds[i]->tick)
			kinds[i]->tick(f, now);
		mem_deref(f);
	}
}

uint64_t finders_next(const struct finders *fs)
{
	uint64_t t = UINT64_MAX;

	for (int i = 0; i < KINDS; i++)
		if (fs->v[i] && kinds[i]->next)
			t = min(t, kinds[i]->next(fs->v[i]));
	return t;
}

bool finders_recv(struct finders *fs, int proto, const struct sa *local,
		  const struct sa *src, const struct stun_pkt *m,
		  uint64_t now)
{
	bool taken = false;

	for (int i = 0; i < KINDS && !taken; i++) {
		struct finder *f = mem_ref(fs->v[i]);

		taken = f && kinds[i]->recv &&
			kinds[i]->recv(f, proto, local, src, m, now);
		mem_deref(f);
	}
	return taken;
}

int finders_send(struct finders *fs, const struct sa *local,
		 const struct sa *dst, const uint8_t *buf, size_t len,
		 uint64_t now)
{
	int err = ENOENT;

	for (int i = 0; i < KINDS && err == ENOENT; i++)
		if (fs->v[i] && kinds[i]->send)
			err = kinds[i]->send(fs->v[i], local, dst, buf, len,
					     now);
	return err;
}

void finders_permit(struct finders *fs, const struct desc *remote,
		    uint64_t now)
{
	for (int i = 0; i < KINDS; i++)
		for (size_t k = 0; k < remote->candc && fs->v[i] &&
		     kinds[i]->permit; k++)
			if (remote->candv[k].transp == CAND_UDP)
				kinds[i]->permit(fs->v[i],
						 &remote->candv[k].addr, now);
}

const char *finders_whose(struct finders *fs, const struct sa *base)
{
	const char *name = NULL;

	for (int i = 0; i < KINDS && !name; i++)
		if (fs->v[i] && kinds[i]->whose)
			name = kinds[i]->whose(fs->v[i], base);
	return name;
}

const char *finders_problem(const struct finders *fs)
{
	const char *why = NULL;

	for (int i = 0; i < KINDS && !why; i++)
		if (fs->v[i] && kinds[i]->problem)
			why = kinds[i]->problem(fs->v[i]);
	return why;
}
