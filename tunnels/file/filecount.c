/*
 * filecount.c: how much there is to send, for the progress bar. What cannot
 * be read is not counted here, and told by the sender.
 */
#include <errno.h>
#include <fts.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <re.h>
#include "tunnels/file/filecount.h"

struct count {
	char **argv;                    /* NULL-terminated, as fts wants */
	uint64_t files, bytes;
	atomic_bool stop;
	filecount_h *h;
};

static void count_free(void *data)
{
	struct count *c = data;

	for (char **p = c->argv; p && *p; p++)
		free(*p);
	free(c->argv);
	free(c);
}

static void work_handler(void *data)
{
	struct count *c = data;
	FTS *fts = fts_open(c->argv, FTS_PHYSICAL | FTS_COMFOLLOW |
			    FTS_NOCHDIR, NULL);
	const FTSENT *e;

	/* fts_close(3) before the first fts_read(3) leaks */
	while (fts && (e = fts_read(fts)) && !atomic_load(&c->stop)) {
		if (e->fts_info != FTS_F || !S_ISREG(e->fts_statp->st_mode))
			continue;
		c->files++;
		c->bytes += (uint64_t)e->fts_statp->st_size;
	}
	if (fts)
		(void)fts_close(fts);
}

static void stop_handler(void *data)
{
	struct count *c = data;

	atomic_store(&c->stop, true);
}

static void done_handler(void *data, void *arg)
{
	const struct count *c = data;

	c->h(c->files, c->bytes, arg);
}

int filecount_start(struct errand **ep, struct loop *l,
		    const struct filewalk_arg *argv, size_t argc,
		    filecount_h *h, void *arg)
{
	static const struct errand_handlers handlers = {
		work_handler, done_handler, count_free, stop_handler
	};
	struct count *c = calloc(1, sizeof *c);

	if (!c)
		return ENOMEM;
	c->h = h;
	atomic_init(&c->stop, false);
	c->argv = calloc(argc + 1, sizeof *c->argv);
	for (size_t i = 0; c->argv && i < argc; i++) {
		c->argv[i] = strdup(argv[i].path);
		if (!c->argv[i])
			break;
	}
	if (!c->argv || !c->argv[argc ? argc - 1 : 0]) {
		count_free(c);
		return ENOMEM;
	}
	return errand_start(ep, l, &handlers, c, arg);
}
