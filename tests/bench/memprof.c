/*
 * memprof.c: who holds the memory of a process, to be preloaded.
 *
 *   LD_PRELOAD=memprof.so MEMPROF=FILE sipd ...; kill -USR2: FILE is written
 *
 * Each line: bytes, blocks, object, offset of the caller in it. The caller is
 * who asked libre (mem_zalloc and others), else who asked libc. Bytes are
 * those of malloc's chunks. Used by memory.sh.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS = 1 << 20, CALLERS = 1 << 13, EARLY = 65536 };

struct block { uintptr_t p, caller; };
struct caller { uintptr_t pc; size_t bytes, count; };

static struct block *blockv;            /* open addressing by address */
static struct caller callerv[CALLERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread uintptr_t asker __attribute__((tls_model("initial-exec")));

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_memalign)(size_t, size_t);
static void (*real_free)(void *);

static char early[EARLY];       /* dlsym itself allocates */
static size_t early_used;

static void *early_alloc(size_t n)
{
	void *p = early + early_used;

	early_used += (n + 15) & ~(size_t)15;
	if (early_used > EARLY)
		_exit(70);
	return p;
}

static bool is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + EARLY;
}

static size_t slot_of(uintptr_t p)
{
	return (size_t)((p >> 4) * 0x9E3779B97F4A7C15ull >> 44) % BLOCKS;
}

static void block_add(void *p, uintptr_t pc)
{
	size_t i;

	if (!p || !blockv)
		return;
	(void)pthread_mutex_lock(&lock);
	for (i = slot_of((uintptr_t)p); blockv[i].p; i = (i + 1) % BLOCKS)
		;
	blockv[i].p = (uintptr_t)p;
	blockv[i].caller = asker ? asker : pc;
	(void)pthread_mutex_unlock(&lock);
}

/* Those behind an emptied slot move up, so that look-ups end at a hole. */
static void block_remove(void *p)
{
	size_t i, j;

	if (!p || !blockv)
		return;
	(void)pthread_mutex_lock(&lock);
	for (i = slot_of((uintptr_t)p); blockv[i].p; i = (i + 1) % BLOCKS)
		if (blockv[i].p == (uintptr_t)p)
			break;
	if (blockv[i].p) {
		for (j = (i + 1) % BLOCKS; blockv[j].p; j = (j + 1) % BLOCKS) {
			size_t home = slot_of(blockv[j].p);

			if ((j - home) % BLOCKS < (j - i) % BLOCKS)
				continue;
			blockv[i] = blockv[j];
			i = j;
		}
		blockv[i].p = 0;
	}
	(void)pthread_mutex_unlock(&lock);
}

static void count(const struct block *b)
{
	size_t i = (size_t)(b->caller * 0x9E3779B97F4A7C15ull >> 51) % CALLERS;

	while (callerv[i].pc && callerv[i].pc != b->caller)
		i = (i + 1) % CALLERS;
	callerv[i].pc = b->caller;
	callerv[i].bytes += malloc_usable_size((void *)b->p) + 8;
	callerv[i].count++;
}

static void dump(void)
{
	FILE *f = fopen(getenv("MEMPROF"), "w");

	memset(callerv, 0, sizeof callerv);
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < BLOCKS; i++)
		if (blockv[i].p)
			count(&blockv[i]);
	(void)pthread_mutex_unlock(&lock);
	for (size_t i = 0; f && i < CALLERS; i++) {
		Dl_info di;

		if (!callerv[i].pc || !dladdr((void *)callerv[i].pc, &di))
			continue;
		(void)fprintf(f, "%zu %zu %s 0x%lx\n", callerv[i].bytes,
			      callerv[i].count, di.dli_fname,
			      callerv[i].pc - (uintptr_t)di.dli_fbase - 1);
	}
	if (f)
		(void)fclose(f);
}

static void *dumper(void *arg)
{
	sigset_t *set = arg;
	int sig;

	while (!sigwait(set, &sig))
		dump();
	return NULL;
}

static bool find_real(void)
{
	static bool finding;

	if (real_malloc || finding)
		return real_malloc != NULL;
	finding = true;
	real_calloc = dlsym(RTLD_NEXT, "calloc");
	real_realloc = dlsym(RTLD_NEXT, "realloc");
	real_memalign = dlsym(RTLD_NEXT, "memalign");
	real_free = dlsym(RTLD_NEXT, "free");
	real_malloc = dlsym(RTLD_NEXT, "malloc");
	return true;
}

__attribute__((constructor)) static void start(void)
{
	static sigset_t set;
	pthread_t t;

	(void)find_real();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	blockv = mmap(NULL, BLOCKS * sizeof *blockv, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)pthread_create(&t, NULL, dumper, &set);
}

#define PC ((uintptr_t)__builtin_return_address(0))

void *malloc(size_t n)
{
	void *p = find_real() ? real_malloc(n) : early_alloc(n);

	if (!is_early(p))
		block_add(p, PC);
	return p;
}

void *calloc(size_t n, size_t m)
{
	void *p = find_real() ? real_calloc(n, m) : early_alloc(n * m);

	if (!is_early(p))
		block_add(p, PC);
	return p;
}

void *realloc(void *old, size_t n)
{
	void *p;

	if (is_early(old)) {
		p = malloc(n);
		return p ? memcpy(p, old, n) : NULL;
	}
	block_remove(old);
	p = real_realloc(old, n);
	block_add(p ? p : old, PC);
	return p;
}

void free(void *p)
{
	if (!p || is_early(p))
		return;
	block_remove(p);
	real_free(p);
}

void *memalign(size_t align, size_t n)
{
	void *p = real_memalign(align, n);

	block_add(p, PC);
	return p;
}

void *aligned_alloc(size_t align, size_t n)
{
	void *p = real_memalign(align, n);

	block_add(p, PC);
	return p;
}

int posix_memalign(void **pp, size_t align, size_t n)
{
	void *p = real_memalign(align, n);

	if (!p)
		return 12;
	block_add(p, PC);
	*pp = p;
	return 0;
}

/* What libre allocates for somebody is counted as his. */
#define ASK(type, name, decl, args) \
	type name decl \
	{ \
		static type (*real) decl; \
		const uintptr_t before = asker; \
		type ret; \
		if (!real) \
			real = (type (*) decl)dlsym(RTLD_NEXT, #name); \
		if (!before) \
			asker = PC; \
		ret = real args; \
		asker = before; \
		return ret; \
	}

struct mbuf;
typedef void destroy_h(void *);

ASK(void *, mem_alloc, (size_t n, destroy_h *dh), (n, dh))
ASK(void *, mem_zalloc, (size_t n, destroy_h *dh), (n, dh))
ASK(void *, mem_realloc, (void *p, size_t n), (p, n))
ASK(struct mbuf *, mbuf_alloc, (size_t n), (n))
ASK(int, str_dup, (char **p, const char *s), (p, s))
