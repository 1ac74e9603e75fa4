/*
 * filehash.h: XXH3 as fast as the processor has it: the library is built for
 * the oldest, and chooses at run time only under these names. The bytes of
 * the hash are the same.
 */
#ifndef DIALTONE_FILEHASH_H
#define DIALTONE_FILEHASH_H

#include <xxhash.h>

#if defined __x86_64__ && defined __has_include
#if __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif
#endif

#endif
