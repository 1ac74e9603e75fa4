/* fuzz: tunnels/file.c tunnels/ask.c tunnels/ending.c tunnels/errand.c tunnels/record.c tunnels/file/filebatch.c tunnels/file/filecase.c tunnels/file/filecount.c tunnels/file/fileentry.c tunnels/file/fileopts.c tunnels/file/fileprefix.c tunnels/file/filepump.c tunnels/file/filequeue.c tunnels/file/filerecv.c tunnels/file/fileroom.c tunnels/file/filesend.c tunnels/file/filesource.c tunnels/file/filestage.c tunnels/file/filestore.c tunnels/file/filetail.c tunnels/file/filetell.c tunnels/file/filetree.c tunnels/file/filewalk.c tunnels/file/filewire.c tunnels/file/filezip.c tunnels/file/incoming.c tunnels/flow/flow.c tunnels/flow/loop.c sdp/base/mailbox.c sdp/base/clock.c sdp/base/outside.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c */
/*
 * The receiver of files, in any state that a sender can bring it to: entries
 * in any order and size, jumps and holes, packed and plain bytes, several
 * tries one after the other into the same folder. Each input byte is a step.
 *
 * Whatever was said: nothing is outside of the folder, and what has a name is
 * of a size that was sent whole, with its hash, and has no mode that nobody
 * may give.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include "tests/fuzz/talk.h"
#include "tunnels/file/filehash.h"
#include "tunnels/file/filewire.h"
#include "tunnels/file/filezip.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tunnel_kind file_tunnel;

enum { STEPS = 64, TRIES = 3, SAID_MAX = 4 << 20, WHOLE_MAX = STEPS * TRIES };

static const char *const namev[] = {
	"a", "b", "A", "..", ".", "", "a/b", ".a.dialtone-part",
	".dialtone-stage-1", "/etc", "d", "\n\xff",
};
static const uint32_t sizev[] = {
	0, 1, 100, 65536, 65537, 70000, 100000, 131072, 200000, 300000,
};

static struct {
	struct talk t;
	struct talk_input in;
	struct desc *offer, *answer;
	struct tunnel *tunnel;
	char dir[64];
	XXH3_state_t *hash;             /* of what was said of this file */
	uint64_t at, size;              /* in it */
	bool open;
	uint64_t whole[WHOLE_MAX];      /* sizes that were */
	unsigned wholes;
	size_t said;
	bool down;                      /* how the try ends */
} f;

static uint8_t pattern[301000];

static void record(uint8_t type, const void *body, size_t n)
{
	uint8_t hdr[RECORD_HDR];

	f.said += n;
	if (f.said > SAID_MAX)
		return;
	record_header(hdr, type, (uint32_t)n);
	talk_say(&f.t, 0, hdr, sizeof hdr);
	talk_say(&f.t, 0, body, n);
}

static void say(struct filewire *w, enum filewire_type type)
{
	struct mbuf *mb = mbuf_alloc(64);

	w->type = type;
	if (!filewire_encode(mb, w))
		record((uint8_t)type, mb->buf, mb->end);
	mem_deref(mb);
}

static uint32_t size_of(uint8_t b)
{
	return sizev[b % RE_ARRAY_SIZE(sizev)];
}

static void say_file(struct filewire *w)
{
	f.size = w->size = w->data = size_of(talk_byte(&f.in));
	w->mode = (uint16_t)(talk_byte(&f.in) << 4);
	f.open = true;
	f.at = 0;
	(void)XXH3_128bits_reset(f.hash);
	say(w, FW_FILE);
}

static void say_data(bool packed)
{
	const uint32_t n = size_of(talk_byte(&f.in));
	const uint8_t *p = pattern + f.at % 1000;
	struct filezip *z = NULL;
	size_t k = 0;

	if (f.at > sizeof pattern / 2)
		p = pattern;
	if (packed && n <= FILEZIP_BLOCK &&
	    !filezip_alloc(&z, FILEZIP_ALWAYS)) {
		const uint8_t *q;

		memcpy(filezip_block(z), p, n);
		k = filezip_pack(z, n, &q);
		if (k)
			record(FW_ZDATA, q, k);
		mem_deref(z);
	}
	if (!k && n <= sizeof pattern - 1000)
		record(FW_DATA, p, n);
	(void)XXH3_128bits_update(f.hash, p, n);
	f.at += n;
}

static void say_hole(struct filewire *w)
{
	uint8_t len[8];

	w->size = size_of(talk_byte(&f.in));
	for (unsigned i = 0; i < sizeof len; i++)
		len[i] = (uint8_t)(w->size >> (56 - 8 * i));
	(void)XXH3_128bits_update(f.hash, len, sizeof len);
	f.at += w->size;
	say(w, FW_HOLE);
}

static void say_end(struct filewire *w, bool right)
{
	XXH128_canonical_t own;

	XXH128_canonicalFromHash(&own, XXH3_128bits_digest(f.hash));
	memcpy(w->hash, own.digest, sizeof own.digest);
	w->hash[0] ^= !right;
	if (right && f.open && f.wholes < WHOLE_MAX)
		f.whole[f.wholes++] = f.size;
	f.open = false;
	say(w, FW_END);
}

static void step(uint8_t b)
{
	static struct filewire w;
	const char *name = namev[(b >> 4) % RE_ARRAY_SIZE(namev)];

	memset(&w, 0, sizeof w);
	str_ncpy(w.name, name, sizeof w.name);
	str_ncpy(w.path, namev[talk_byte(&f.in) % RE_ARRAY_SIZE(namev)],
		 sizeof w.path);
	switch (b % 16) {
	case 0: w.version = FW_VERSION; say(&w, FW_HELLO); break;
	case 1: say(&w, FW_DIR); break;
	case 2:
	case 3: say_file(&w); break;
	case 4: say(&w, FW_LINK); break;
	case 5: w.mode = 0777; say(&w, FW_LEAVE); break;
	case 6: say_data(false); break;
	case 7: say_data(true); break;
	case 8: say_hole(&w); break;
	case 9:
		w.size = size_of(talk_byte(&f.in));
		f.at = w.size;
		say(&w, FW_SEEK);
		break;
	case 10: say(&w, FW_KEEP); break;
	case 11: say_end(&w, true); break;
	case 12: say_end(&w, b < 240); break;
	case 13: say(&w, FW_DROP); f.open = false; break;
	case 14: say(&w, FW_FINISH); break;
	default:                /* as it is */
		talk_say(&f.t, 0, f.in.p, f.in.n < 16 ? f.in.n : 16);
		break;
	}
}

static void script(void *arg)
{
	const uint8_t how = talk_byte(&f.in);
	struct filewire w;

	(void)arg;
	talk_start(&f.t, &file_tunnel, f.tunnel, f.offer->mediav);
	((struct fakeflow *)(void *)f.t.y)->piece = 16 + how * 97u;
	if (!(how & 1)) {
		memset(&w, 0, sizeof w);
		w.version = FW_VERSION;
		say(&w, FW_HELLO);
	}
	for (int i = 0; i < STEPS && f.in.n; i++) {
		const uint8_t b = talk_byte(&f.in);

		if (b == 255)           /* the next try */
			break;
		step(b);
	}
	/* lost somewhere, or ended */
	if (how & 2)
		((struct fakeflow *)(void *)f.t.y)->cut = 1 + f.said / 2;
	talk_fin(&f.t, 0, how & 4);
	talk_flush(&f.t);
}

static const char *confh(const char *key, void *arg)
{
	const uint8_t bits = *(const uint8_t *)arg;

	if (!strcmp(key, "inbox"))
		return f.dir;
	if (!strcmp(key, "quota"))
		return bits & 8 ? "400000" : NULL;
	if (!strcmp(key, "max-size"))
		return bits & 16 ? "500000" : NULL;
	return !strcmp(key, "overwrite") ? "yes" : NULL;
}

static void one_try(uint8_t bits)
{
	const struct tunnel_ask ask = { .fd_in = -1, .fd_out = -1,
		.allow = "", .peer = "x", .confh = confh, .arg = &bits };
	struct desc_media *m;

	if (desc_alloc(&f.offer) ||
	    media_add(f.offer, &m, DESC_QUIC, "file") ||
	    desc_param_set(m, "v", "1") || desc_param_set(m, "op", "send") ||
	    (bits & 32 && desc_param_set(m, "taken", "overwrite")) ||
	    desc_answer_init(&f.answer, f.offer) ||
	    file_tunnel.answer(&f.tunnel, &ask, f.offer->mediav,
			       f.answer->mediav))
		abort();
	f.said = 0;
	f.open = false;
	talk_begin(&f.t);
	fake_call(f.t.loop, script, NULL);
	talk_wait(&f.t);
	talk_end(&f.t);
	f.offer = mem_deref(f.offer);
	f.answer = mem_deref(f.answer);
}

/* Of what has a name of its own. */
static int look(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	(void)ftw;
	if (strstr(path, "dialtone-part") || strstr(path, "dialtone-stage"))
		return 0;
	if (type == FTW_SL)
		return 0;
	if (st->st_mode & 06000)
		abort();
	if (type == FTW_F) {
		unsigned i = 0;

		while (i < f.wholes && f.whole[i] != (uint64_t)st->st_size)
			i++;
		if (i == f.wholes)
			abort();
	}
	return 0;
}

static int drop(const char *path, const struct stat *st, int type,
		struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char base[32] = "/dev/shm/dialtone-fuzz-XXXXXX";
	struct dirent *de;
	DIR *d;

	if (!mkdtemp(base))
		return 0;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i % 1000 * 7 >> (i & 3));
	(void)snprintf(f.dir, sizeof f.dir, "%s/in", base);
	f.hash = XXH3_createState();
	(void)XXH3_128bits_reset(f.hash);
	f.in = (struct talk_input){ data, size };
	f.wholes = 0;
	for (int i = 0; i < TRIES && f.in.n; i++)
		one_try(talk_byte(&f.in));
	(void)nftw(f.dir, look, 16, FTW_PHYS);
	d = opendir(base);
	while (d && (de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..") &&
		    strcmp(de->d_name, "in"))
			abort();
	(void)closedir(d);
	(void)nftw(base, drop, 16, FTW_PHYS | FTW_DEPTH);
	XXH3_freeState(f.hash);
	return 0;
}
