/*
 * filerig.h: a folder with a src and an in, and files from one to the other,
 * for the tests of the tunnels file and get.
 */
#ifndef DIALTONE_FILERIG_H
#define DIALTONE_FILERIG_H

#include <sys/stat.h>
#include "tests/unit/tunnels/rig.h"

static char dir[64];                    /* a fresh folder for each test */

static inline void sh(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static inline int sh_status(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	return system(cmd);
}

static inline void fresh_disk(void)
{
	unit_folder(dir, sizeof dir);
	sh("mkdir %s/src", dir);
}

static inline void fresh(void)
{
	unit_folder_fast(dir, sizeof dir);
	sh("mkdir %s/src", dir);
}

static inline void sweep(void)
{
	sh("chmod -R u+rwX %s; rm -rf %s", dir, dir);
}

static inline const char *at(const char *name)
{
	static char buf[8][256];
	static int i;

	i = (i + 1) % 8;
	snprintf(buf[i], sizeof buf[i], "%s/%s", dir, name);
	return buf[i];
}

static inline void fill(const char *path, size_t size, unsigned seed)
{
	FILE *f = fopen(path, "w");
	uint32_t x = seed * 2654435761u + 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (size_t i = 0; i < size; i++) {
		x = x * 1664525 + 1013904223;
		fputc((int)(x >> 24), f);
	}
	fclose(f);
}

/* Send argv (below dir/src) into dir/in and wait. */
struct sending {
	struct rig r;
	struct rig_conf conf;
	struct tunnel_ask a, b;
	char why[256];
	char cwd[128], inbox[128];
};

static inline void sending_kind(struct sending *s, const char *kind,
				char *const *argv)
{
	size_t n = 0;

	memset(s, 0, sizeof *s);
	rig_open(&s->r, kind);
	while (argv[n])
		n++;
	snprintf(s->cwd, sizeof s->cwd, "%s/src", dir);
	snprintf(s->inbox, sizeof s->inbox, "%s/in", dir);
	s->conf.key[0] = "inbox";
	s->conf.value[0] = s->inbox;
	s->a = (struct tunnel_ask){ .argv = argv, .argc = n, .cwd = s->cwd,
		.fd_in = -1, .fd_out = -1, .peer = "bob", .why = s->why,
		.why_size = sizeof s->why };
	s->b = (struct tunnel_ask){ .fd_in = -1, .fd_out = -1, .allow = "",
		.peer = "alice", .confh = rig_confh, .arg = &s->conf,
		.why = s->why, .why_size = sizeof s->why };
}

static inline void sending_init(struct sending *s, char *const *argv)
{
	sending_kind(s, "file", argv);
}

static inline void send_all(struct sending *s, char *const *argv)
{
	sending_init(s, argv);
	rig_call(&s->r, &s->a, &s->b);
	rig_wait(&s->r);
}

static inline int send_ok(char *const *argv)
{
	struct sending s;
	int err;

	send_all(&s, argv);
	err = s.r.a.err;
	if (err)
		printf("send: %s\n", s.r.a.why);
	CU_ASSERT_EQUAL(s.r.a.err, 0);
	CU_ASSERT_EQUAL(s.r.b.err, 0);
	rig_close(&s.r);
	return err;
}

/* Neither unfinished files nor stages. */
static inline void nothing_left(void)
{
	sh("test -z \"$(find %s/in -name '*dialtone*')\"", dir);
}

/* For rig_until: when so many bytes have come. */
static size_t cut_at;

static inline bool cut_reached(struct rig *r)
{
	return r->b.bytes >= cut_at || r->a.done;
}

#define ARGV(...) ((char *const []){ __VA_ARGS__, NULL })

#endif
