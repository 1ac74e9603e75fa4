/* fuzz: tunnels/get.c tunnels/ask.c tunnels/ending.c tunnels/errand.c tunnels/record.c tunnels/file/filebatch.c tunnels/file/filecase.c tunnels/file/filecount.c tunnels/file/fileentry.c tunnels/file/fileopts.c tunnels/file/fileprefix.c tunnels/file/filefolder.c tunnels/file/filemay.c tunnels/file/filepump.c tunnels/file/filequeue.c tunnels/file/filerecv.c tunnels/file/fileroom.c tunnels/file/filesend.c tunnels/file/filesource.c tunnels/file/filestage.c tunnels/file/filestore.c tunnels/file/filetail.c tunnels/file/filetell.c tunnels/file/filetree.c tunnels/file/filewalk.c tunnels/file/filewire.c tunnels/file/filewish.c tunnels/file/filezip.c tunnels/file/incoming.c tunnels/flow/flow.c tunnels/flow/loop.c sdp/base/mailbox.c sdp/base/clock.c sdp/base/outside.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c */
/*
 * Who gives files to a peer that asks for anything, and then answers what it is
 * sent by any records: HAVE and PART of entries that there are and are not,
 * verdicts, DONE. Each input byte is a step. What was not allowed is not sent.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/fuzz/talk.h"
#include "tunnels/file/filewire.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tunnel_kind get_tunnel;

enum { STEPS = 64, BIG = 200000 };

/* Our streams: the wish, and the files' that the tunnel opens. */
enum { WISH, FILES };

static const char *const wishv[] = {
	"a", "big", "d", ".", "", "..", "../out", "d/../../out", "link",
	"/etc/passwd", "d/b", "a/", "no", "d//b",
};
static const uint64_t sizev[] = { 0, 1, 65536, 70000, BIG, BIG + 1, ~0ULL };

static struct {
	struct talk t;
	struct talk_input in;
	struct desc *offer, *answer;
	struct tunnel *tunnel;
	char base[40], in_dir[64];
} f;

static void record(unsigned i, uint8_t type, const void *body, size_t n)
{
	uint8_t hdr[RECORD_HDR];

	record_header(hdr, type, (uint32_t)n);
	talk_say(&f.t, i, hdr, sizeof hdr);
	talk_say(&f.t, i, body, n);
}

static void say(unsigned i, struct filewire *w, enum filewire_type type)
{
	struct mbuf *mb = mbuf_alloc(64);

	w->type = type;
	if (!filewire_encode(mb, w))
		record(i, (uint8_t)type, mb->buf, mb->end);
	mem_deref(mb);
}

static void wish(struct filewire *w, uint8_t b)
{
	if (b & 0x40)                   /* as people write it, in full */
		(void)re_snprintf(w->path, sizeof w->path, "%s/%s", f.in_dir,
				  wishv[b % RE_ARRAY_SIZE(wishv)]);
	else
		str_ncpy(w->path, wishv[b % RE_ARRAY_SIZE(wishv)],
			 sizeof w->path);
	say(WISH, w, FW_WISH);
}

static void step(uint8_t b)
{
	static struct filewire w;
	const uint8_t c = talk_byte(&f.in);
	const unsigned i = b & 0x80 ? WISH : FILES;

	memset(&w, 0, sizeof w);
	w.entry = c & 3;
	w.size = sizev[c % RE_ARRAY_SIZE(sizev)];
	w.outcome = c & 7;
	w.err = c & 1 ? EACCES : 0;
	str_ncpy(w.path, "a", sizeof w.path);
	switch (b % 16) {
	case 0:
	case 1: w.version = c & 7 ? FW_VERSION : c;
		w.flags = c >> 4 & 1;
		say(i, &w, FW_HELLO);
		break;
	case 2:
	case 3:
	case 4: wish(&w, c); break;
	case 5: say(WISH, &w, FW_FINISH); break;
	case 6: say(FILES, &w, FW_PART); break;
	case 7: say(FILES, &w, FW_HAVE); break;
	case 8: say(FILES, &w, FW_VERDICT); break;
	case 9: say(i, &w, FW_DONE); break;
	case 10: say(i, &w, FW_FAIL); break;
	case 11: talk_fin(&f.t, i, c & 1); break;
	case 12: talk_flush(&f.t); break;
	case 13: record(i, c, "abcdefgh", 8); break;
	default:
		talk_say(&f.t, i, f.in.p, f.in.n < 16 ? f.in.n : 16);
		break;
	}
}

static void begin(void *arg)
{
	(void)arg;
	talk_hear(&f.t, FILES);
	talk_start(&f.t, &get_tunnel, f.tunnel, f.offer->mediav);
}

static void some(void *arg)
{
	*(bool *)arg = talk_some(&f.t, &f.in, step);
}

static void finish(void *arg)
{
	(void)arg;
	talk_fin(&f.t, WISH, true);
	talk_fin(&f.t, FILES, true);
	talk_flush(&f.t);
}

static void put(const char *name, size_t n)
{
	char path[96];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", f.base, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || (n && pwrite(fd, "x", 1, (off_t)n - 1) != 1))
		abort();
	(void)close(fd);
}

/* in/ may be got from; out is beside it. Once for the process. */
static void folder(void)
{
	char path[96];

	if (*f.base)
		return;
	(void)strcpy(f.base, "/dev/shm/dialtone-fuzz-XXXXXX");
	if (!mkdtemp(f.base))
		abort();
	(void)snprintf(f.in_dir, sizeof f.in_dir, "%s/in", f.base);
	(void)snprintf(path, sizeof path, "%s/in/d", f.base);
	if (mkdir(f.in_dir, 0700) || mkdir(path, 0700))
		abort();
	(void)snprintf(path, sizeof path, "%s/in/link", f.base);
	if (symlink("../out", path))
		abort();
	put("in/a", 100);
	put("in/big", BIG);
	put("in/d/b", 1);
	put("out", 10);
}

static int drop(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void clean(void)
{
	(void)nftw(f.base, drop, 16, FTW_PHYS | FTW_DEPTH);
}

static void words(void)
{
	const struct tunnel_ask ask = { .fd_in = -1, .fd_out = -1,
		.allow = f.in_dir, .peer = "x" };
	struct desc_media *m;

	if (desc_alloc(&f.offer) ||
	    media_add(f.offer, &m, DESC_QUIC, "get") ||
	    desc_param_set(m, "v", "1") ||
	    desc_answer_init(&f.answer, f.offer) ||
	    get_tunnel.answer(&f.tunnel, &ask, f.offer->mediav,
			      f.answer->mediav))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool more = size > 0;

	if (!*f.base) {
		folder();
		(void)atexit(clean);
	}
	f.in = (struct talk_input){ data, size };
	words();
	talk_begin(&f.t);
	fake_call(f.t.loop, begin, NULL);
	for (int i = 0; i < STEPS && more; i++)
		fake_call(f.t.loop, some, &more);
	fake_call(f.t.loop, finish, NULL);
	talk_end(&f.t);
	f.offer = mem_deref(f.offer);
	f.answer = mem_deref(f.answer);
	return 0;
}
