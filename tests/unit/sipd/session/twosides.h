/*
 * twosides.h: for the tests of sessions: two whole sides, alice and bob, in
 * one loop: each has its key, peers, sockets and worker; they call each other
 * directly on loopback.
 */
#ifndef DIALTONE_SESSION_TWOSIDES_H
#define DIALTONE_SESSION_TWOSIDES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "sipd/switchboard.h"
#include "tests/unit/unit.h"

struct side {
	char dir[64], fp[FP_TEXT_SIZE];
	struct conf *conf;
	struct board *board;
};

static struct side alice, bob;
static char bob_uri[128];

/* What one call came to. */
static struct {
	enum reason reason;
	char text[256];
	bool opened, asked, accept, hang_when_open;
	struct session *s;
	struct session_times times;
} got;

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	(void)fputs(text, f);
	(void)fclose(f);
	(void)chmod(path, 0600);
}

static inline void side_key(struct side *sd)
{
	char file[128];
	struct identity *id;

	unit_folder(sd->dir, sizeof sd->dir);
	(void)re_snprintf(file, sizeof file, "%s/identity.pem", sd->dir);
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	fp_print(sd->fp, identity_fp(id));
	mem_deref(id);
}

static inline void side_open(struct side *sd, const char *more)
{
	char file[128], text[1024], why[256];
	struct conf_error ce;

	(void)re_snprintf(file, sizeof file, "%s/sipd.conf", sd->dir);
	(void)re_snprintf(text, sizeof text, "[sipd]\nstate = %s\nport = 0\n"
			  "%s\n[nat]\ninterfaces = lo\n", sd->dir, more);
	write_file(file, text);
	CU_ASSERT_EQUAL_FATAL(conf_load(&sd->conf, file, &ce), 0);
	CU_ASSERT_EQUAL_FATAL(board_alloc(&sd->board, sd->conf, HOUSE_WAITER,
					  why, sizeof why), 0);
}

static inline void side_close(struct side *sd)
{
	char cmd[128];

	sd->board = mem_deref(sd->board);
	sd->conf = mem_deref(sd->conf);
	(void)re_snprintf(cmd, sizeof cmd, "rm -rf %s", sd->dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

/* alice and bob, each with these lines in its configuration; %s is the
 * other's fingerprint. */
static inline void both_open(const char *a, const char *b)
{
	char more[512];
	const struct house *h;
	const struct account *direct;

	memset(&got, 0, sizeof got);
	side_key(&alice);
	side_key(&bob);
	(void)re_snprintf(more, sizeof more, b, alice.fp);
	side_open(&bob, more);
	(void)re_snprintf(more, sizeof more, a, bob.fp);
	side_open(&alice, more);
	h = board_house(bob.board);
	direct = list_tail(accounts_list(h->accounts))->data;
	(void)re_snprintf(bob_uri, sizeof bob_uri, "%H", ua_contact,
			  direct->ua);
}

static inline void both_close(void)
{
	side_close(&alice);
	side_close(&bob);
}

static inline const char *no_conf(const char *key, void *arg)
{
	(void)key;
	(void)arg;
	return NULL;
}

#endif
