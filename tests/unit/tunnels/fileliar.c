/*
 * fileliar.c: tests tunnels/file.c against a peer that lies: names, races,
 * bombs, nonsense.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include "tests/unit/tunnels/filerig.h"
#include "tunnels/file/filewire.h"
#include "tunnels/file/filezip.h"
#include "tunnels/record.h"

/* A peer that does not keep to the rules: records by hand. */
struct liar {
	struct rig r;
	struct sending s;
	struct stream *stream;
	struct mbuf *mb;
	bool over;
};

static void liar_close(struct stream *s, int err, uint64_t code, void *arg)
{
	struct liar *l = arg;

	(void)s;
	(void)err;
	(void)code;
	l->stream = NULL;
}

static void lie(struct liar *l, uint8_t type, const void *body, size_t n)
{
	uint8_t hdr[RECORD_HDR];

	record_header(hdr, type, (uint32_t)n);
	(void)mbuf_write_mem(l->mb, hdr, sizeof hdr);
	if (n)
		(void)mbuf_write_mem(l->mb, body, n);
}

static void lie_file(struct liar *l, const char *name, const char *text)
{
	struct mbuf *mb = mbuf_alloc(64);
	struct filewire w = { .type = FW_FILE, .mode = 06777,
			      .size = strlen(text) };
	uint8_t hash[16] = { 0 };

	str_ncpy(w.name, name, sizeof w.name);
	(void)filewire_encode(mb, &w);
	lie(l, FW_FILE, mb->buf, mb->end);
	lie(l, FW_DATA, text, strlen(text));
	lie(l, FW_END, hash, sizeof hash);
	mem_deref(mb);
}

static void lie_dir(struct liar *l, const char *name)
{
	struct mbuf *mb = mbuf_alloc(64);

	(void)fields_put_text(mb, name);
	lie(l, FW_DIR, mb->buf, mb->end);
	mem_deref(mb);
}

static void lie_link(struct liar *l, const char *name, const char *target)
{
	struct mbuf *mb = mbuf_alloc(64);

	(void)fields_put_text(mb, name);
	(void)fields_put_text(mb, target);
	lie(l, FW_LINK, mb->buf, mb->end);
	mem_deref(mb);
}

static void lie_leave(struct liar *l)
{
	uint8_t body[14] = { 0x0f, 0xff };

	lie(l, FW_LEAVE, body, sizeof body);
}

static void lie_open(struct liar *l)
{
	const uint8_t hello = FW_VERSION;

	memset(l, 0, sizeof *l);
	l->mb = mbuf_alloc(1024);
	lie(l, FW_HELLO, &hello, 1);
}

static void lie_handler(void *arg)
{
	static const struct stream_handlers h = { .closeh = liar_close };
	struct liar *l = arg;

	CU_ASSERT_EQUAL(stream_open(&l->stream, l->s.r.a.flow, 0, &h, l), 0);
	CU_ASSERT_EQUAL(stream_write(l->stream, l->mb->buf, l->mb->end),
			l->mb->end);
	stream_fin(l->stream);
}

/* Tell it; then what the receiver made of it. */
static int lie_tell(struct liar *l)
{
	int err;

	sending_init(&l->s, ARGV("x"));
	CU_ASSERT_EQUAL(desc_alloc(&l->s.r.offer), 0);
	{
		struct desc_media *m;

		CU_ASSERT_EQUAL(media_add(l->s.r.offer, &m, DESC_QUIC,
					  "file"), 0);
		CU_ASSERT_EQUAL(desc_param_set(m, "v", "1"), 0);
		CU_ASSERT_EQUAL(desc_param_set(m, "op", "send"), 0);
	}
	CU_ASSERT_EQUAL(rig_answer(&l->s.r, &l->s.b), 0);
	rig_start(&l->s.r);
	fake_call(l->s.r.loop, lie_handler, l);
	CU_ASSERT(rig_until(&l->s.r, rig_b_done));
	err = l->s.r.b.err;
	rig_close(&l->s.r);
	mem_deref(l->mb);
	return err;
}

static void test_liar(void)
{
	static const char *const names[] = {
		"..", ".", "", "a/b", "/etc/x", "../x", ".x.dialtone-part",
		".dialtone-stage-00000000", "../in/x",
	};
	struct liar l;

	fresh();
	sh("cd %s && echo 1 > keep && ls -A > before", dir);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		lie_open(&l);
		lie_file(&l, names[i], "evil");
		lie_link(&l, names[i], "evil");
		lie_dir(&l, names[i]);
		lie_file(&l, "x", "evil");
		lie_leave(&l);
		lie(&l, FW_FINISH, NULL, 0);
		CU_ASSERT_EQUAL(lie_tell(&l), EIO);
	}
	/* through a link of its own */
	lie_open(&l);
	lie_link(&l, "up", "..");
	lie_dir(&l, "up");
	lie_file(&l, "x", "evil");
	lie_leave(&l);
	lie(&l, FW_FINISH, NULL, 0);
	(void)lie_tell(&l);
	lie_open(&l);
	lie_link(&l, "up", "..");
	lie(&l, FW_FINISH, NULL, 0);
	(void)lie_tell(&l);
	lie_open(&l);
	lie_dir(&l, "up");
	lie_file(&l, "x", "evil");
	lie_leave(&l);
	lie(&l, FW_FINISH, NULL, 0);
	CU_ASSERT_EQUAL(lie_tell(&l), EIO);
	sh("cd %s && rm -r in && ls -A | diff before -", dir);
	/* a wrong hash is no file */
	lie_open(&l);
	lie_file(&l, "x", "data");
	lie(&l, FW_FINISH, NULL, 0);
	CU_ASSERT_EQUAL(lie_tell(&l), EIO);
	sh("test -z \"$(ls -A %s/in)\"", dir);
	sweep();
}

/* A link swapped for the folder that is being written to, over and over, by
 * somebody who may write to the inbox: nothing gets out. */
static void *swap_thread(void *arg)
{
	atomic_bool *stop = arg;

	while (!atomic_load(stop)) {
		(void)rename(at("in/d/e"), at("in/d/was"));
		(void)symlink(at("away"), at("in/d/e"));
		(void)unlink(at("in/d/e"));
		(void)rename(at("in/d/was"), at("in/d/e"));
	}
	return NULL;
}

static void test_race(void)
{
	atomic_bool stop = false;
	pthread_t thread;

	fresh();
	sh("cd %s && mkdir -p away src/d/e in/d/e && for i in $(seq 40); do "
	   "echo $i > src/d/e/f$i; done", dir);
	fill(at("src/d/e/big"), 100000, 1);
	CU_ASSERT_EQUAL(pthread_create(&thread, NULL, swap_thread, &stop), 0);
	for (int i = 0; i < 20; i++) {
		struct sending s;

		send_all(&s, ARGV("d"));
		rig_close(&s.r);
	}
	atomic_store(&stop, true);
	(void)pthread_join(thread, NULL);
	sh("test -z \"$(ls -A %s/away)\"", dir);
	sweep();
}

/* Sizes that nobody has: no room is taken for them, nothing is stored. */
static void test_bomb(void)
{
	static const struct {
		uint64_t size, data, hole;
		int err;
	} v[] = {
		{ UINT64_MAX, 0, 0, EIO },
		{ INT64_MAX, 0, INT64_MAX, EIO },
		{ 1ULL << 60, 1ULL << 60, 0, 0 },
		{ 1 << 20, 0, 1 << 21, EBADMSG },       /* more than it has */
		{ 1 << 20, 0, UINT64_MAX, EBADMSG },
		{ 10, 10, 10, EBADMSG },                /* in a small one */
	};

	fresh();
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct filewire w = { .type = FW_FILE, .size = v[i].size,
				      .data = v[i].data };
		struct mbuf *mb = mbuf_alloc(64);
		uint8_t body[16] = { 0 };
		struct liar l;
		int err;

		lie_open(&l);
		str_ncpy(w.name, "bomb", sizeof w.name);
		(void)filewire_encode(mb, &w);
		lie(&l, FW_FILE, mb->buf, mb->end);
		mbuf_rewind(mb);
		w.type = FW_HOLE;
		w.size = v[i].hole;
		(void)filewire_encode(mb, &w);
		if (v[i].hole)
			lie(&l, FW_HOLE, mb->buf, mb->end);
		lie(&l, FW_END, body, sizeof body);
		lie(&l, FW_FINISH, NULL, 0);
		err = lie_tell(&l);
		CU_ASSERT_NOT_EQUAL(err, 0);
		if (v[i].err)
			CU_ASSERT_EQUAL(err, v[i].err);
		mem_deref(mb);
		sh("test ! -e %s/in/bomb && rm -rf %s/in", dir, dir);
	}
	/* the same of a limit on all */
	sweep();
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A large file that is there, announced and dropped, over and over: it is not
 * read by ever more threads. */
static void test_hashes(void)
{
	const int before = threads();
	struct filewire w = { .type = FW_FILE, .size = 4ULL << 30 };
	struct mbuf *mb = mbuf_alloc(64);
	struct liar l;

	fresh();
	sh("mkdir %s/in && truncate -s 4G %s/in/f", dir, dir);
	lie_open(&l);
	str_ncpy(w.name, "f", sizeof w.name);
	(void)filewire_encode(mb, &w);
	for (int i = 0; i < 50; i++) {
		lie(&l, FW_FILE, mb->buf, mb->end);
		lie(&l, FW_DROP, "\x01\0\0", 3);
	}
	lie(&l, FW_FINISH, NULL, 0);
	CU_ASSERT_EQUAL(lie_tell(&l), 0);
	for (int i = 0; i < 30 && threads() > before; i++)
		usleep(100000);
	CU_ASSERT(threads() <= before);
	mem_deref(mb);
	sweep();
}

/* Frames that unpack to more than the file has, or are none. */
static void test_zip_bomb(void)
{
	static const uint8_t zeros[1000];
	uint8_t frame[4096];
	const uint8_t *p;
	struct filezip *z;

	fresh();
	CU_ASSERT_EQUAL(filezip_alloc(&z, FILEZIP_ALWAYS), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(filezip_block(z));
	memset(filezip_block(z), 0, FILEZIP_BLOCK);
	for (int i = 0; i < 4; i++) {
		struct filewire w = { .type = FW_FILE, .size = 100000 };
		struct mbuf *mb = mbuf_alloc(64);
		struct liar l;
		size_t n = filezip_pack(z, FILEZIP_BLOCK, &p);

		CU_ASSERT(n > 0 && n < sizeof frame);
		memcpy(frame, p, n);
		lie_open(&l);
		str_ncpy(w.name, "f", sizeof w.name);
		(void)filewire_encode(mb, &w);
		lie(&l, FW_FILE, mb->buf, mb->end);
		if (i == 1)
			frame[0] ^= 1;
		if (i == 2)
			lie(&l, FW_ZDATA, zeros, sizeof zeros);
		else
			lie(&l, FW_ZDATA, frame, i == 3 ? n / 2 : n);
		lie(&l, FW_END, zeros, 16);
		CU_ASSERT_EQUAL(lie_tell(&l), EBADMSG);
		mem_deref(mb);
		sh("test ! -e %s/in/f && rm -rf %s/in", dir, dir);
	}
	mem_deref(z);
	sweep();
}

/* Jumps and holes in an order that no sender has. */
static void test_jumps(void)
{
	static const struct {
		uint8_t type[4];
		uint64_t n[4];
	} v[] = {
		{ { FW_SEEK }, { 5000 } },
		{ { FW_KEEP }, { 0 } },
		{ { FW_SEEK, FW_SEEK }, { 200000, 0 } },
		{ { FW_SEEK, FW_SEEK }, { 200000, 200000 } },
		{ { FW_SEEK, FW_KEEP, FW_KEEP }, { 200000, 0, 0 } },
		{ { FW_SEEK, FW_HOLE, FW_END }, { 200000, 100000, 0 } },
		{ { FW_SEEK, FW_HOLE, FW_SEEK, FW_KEEP },
		  { 200000, 100000, 0, 0 } },
	};

	fresh();
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct filewire w = { .type = FW_FILE, .size = 300000,
				      .data = 300000 };
		struct mbuf *mb = mbuf_alloc(64);
		struct liar l;

		sh("mkdir -p %s/in", dir);
		fill(at("in/.f.dialtone-part"), 200000, 1);
		lie_open(&l);
		str_ncpy(w.name, "f", sizeof w.name);
		(void)filewire_encode(mb, &w);
		lie(&l, FW_FILE, mb->buf, mb->end);
		for (size_t k = 0; k < 4 && v[i].type[k]; k++) {
			mbuf_rewind(mb);
			memset(&w, 0, sizeof w);
			w.type = v[i].type[k];
			w.size = v[i].n[k];
			(void)filewire_encode(mb, &w);
			lie(&l, v[i].type[k], mb->buf, mb->end);
		}
		CU_ASSERT_EQUAL(lie_tell(&l), EBADMSG);
		mem_deref(mb);
		sh("test ! -e %s/in/f && rm -rf %s/in", dir, dir);
	}
	sweep();
}

/* Nonsense of all kinds ends it with EBADMSG and nothing else. */
static void test_nonsense(void)
{
	static const struct {
		uint8_t type;
		uint8_t n;
	} v[] = {
		{ FW_LEAVE, 14 }, { FW_END, 16 }, { FW_SEEK, 8 },
		{ FW_DATA, 3 }, { FW_DROP, 3 }, { FW_FILE, 3 },
		{ FW_HAVE, 48 }, { FW_DONE, 32 }, { 99, 0 }, { FW_HELLO, 1 },
		{ FW_HELLO, 0 }, { 0, 0 }, { 0, 3 }, { FW_ZDATA, 3 }, { FW_LINK, 1 }, { FW_DIR, 0 },
	};
	static const uint8_t zero[64];
	struct liar l;

	fresh();
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		int err;

		lie_open(&l);
		lie(&l, v[i].type, zero, v[i].n);
		err = lie_tell(&l);
		CU_ASSERT(err == EBADMSG || err == ENOTSUP);
	}
	/* more bytes than said; a folder not left; not finished; too long */
	lie_open(&l);
	lie_file(&l, "x", "data");
	lie(&l, FW_DATA, "more", 4);
	CU_ASSERT_EQUAL(lie_tell(&l), EBADMSG);
	lie_open(&l);
	lie_dir(&l, "d");
	lie(&l, FW_FINISH, NULL, 0);
	CU_ASSERT_EQUAL(lie_tell(&l), EBADMSG);
	lie_open(&l);
	CU_ASSERT_EQUAL(lie_tell(&l), ECONNRESET);
	lie_open(&l);
	(void)mbuf_write_mem(l.mb, (const uint8_t *)"\x02\xff\xff\xff\xff",
			     5);
	CU_ASSERT_EQUAL(lie_tell(&l), EBADMSG);
	/* a later version's optional record is no nonsense */
	lie_open(&l);
	lie(&l, 0xfe, zero, 9);
	lie(&l, FW_FINISH, NULL, 0);
	CU_ASSERT_EQUAL(lie_tell(&l), 0);
	sweep();
}

UNIT_SUITE("tunnels/fileliar",
	{ "liar", test_liar },
	{ "race", test_race },
	{ "bomb", test_bomb },
	{ "hashes", test_hashes },
	{ "zip_bomb", test_zip_bomb },
	{ "jumps", test_jumps },
	{ "nonsense", test_nonsense })
