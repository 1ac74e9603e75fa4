/*
 * libcfail.h: counts what a thread takes of the C library's memory, by
 * OpenSSL, libmnl or opendir as well as by us, and lets the n-th fail; fail.h
 * is for our own, and for every case. Include it in one file of the program.
 * Where a sanitizer needs malloc for itself LIBCFAIL is 0 and there is no
 * counting.
 */
#ifndef DIALTONE_LIBCFAIL_H
#define DIALTONE_LIBCFAIL_H

#include <errno.h>
#include "tests/unit/unit.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define LIBCFAIL 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIBCFAIL 0
#endif
#endif
#ifndef LIBCFAIL
#define LIBCFAIL 1
#endif

static __thread long libc_left; /* counts down to the one that fails, 0: off */
static __thread bool libc_done; /* that one has been */
static __thread unsigned long libc_count __attribute__((unused));

/* The n-th allocation of this thread from now on fails, once; 0 stops that. */
static inline void libc_fail_at(long n)
{
	libc_left = n;
	libc_done = false;
}

#if LIBCFAIL

#pragma push_macro("malloc")
#pragma push_macro("calloc")
#undef malloc
#undef calloc

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static inline bool libc_now(void)
{
	libc_count++;
	if (!libc_left || --libc_left)
		return false;
	libc_done = true;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return libc_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return libc_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return libc_now() ? NULL : __libc_realloc(p, size);
}

#pragma pop_macro("calloc")
#pragma pop_macro("malloc")

#endif
#endif
