/*
 * users.h: who may register: the users file.
 */
#ifndef DIALTONE_REGISTRAR_USERS_H
#define DIALTONE_REGISTRAR_USERS_H

#include <re.h>
#include "sipd/sip/digest.h"

struct users;
struct user;

/* Read "user:password" and "user:realm:HA1-MD5[:HA1-SHA256]" lines; empty
 * lines and # comments pass. why gets "file:line: sentence". */
int users_read(struct users **up, const char *file, const char *realm,
	       char *why, size_t why_size);

/* NULL if there is none of that name. */
const struct user *users_find(const struct users *u, const struct pl *name);

const char *user_name(const struct user *user);

/* The stored hash, NULL if the file has none for that algorithm. */
const char *user_ha1(const struct user *user, enum digest_alg alg);

unsigned users_count(const struct users *u);

#endif
