/*
 * pairing.c: tests of sipd/pairing.c: how long a code lives. Minutes pass in
 * no time: orders have timers of their own here, which are run as of then.
 * That three wrong guesses end a code is shown by tests/e2e/pair.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/commands.h"
#include "sipd/control.h"
#include "sipd/paircode.h"
#include "tests/unit/unit.h"

static char dir[64];
static struct conf *conf;
static struct board *board;
static struct control *control;
static struct timers *minutes;
static int fd;                  /* dial's end */

static void begin(void)
{
	struct control_env env = { .findh = command_find };
	char file[96], why[256];
	struct conf_error ce;
	int fdv[2];
	FILE *f;

	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/sipd.conf", dir);
	f = fopen(file, "w");
	fprintf(f, "[sipd]\nstate = %s\nport = 0\n[nat]\ninterfaces = lo\n",
		dir);
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(conf_load(&conf, file, &ce), 0);
	CU_ASSERT_EQUAL_FATAL(board_alloc(&board, conf, HOUSE_WAITER, why,
					  sizeof why), 0);
	env.board = board;
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&minutes), 0);
	env.timers = minutes;
	CU_ASSERT_EQUAL_FATAL(control_alloc(&control, &env), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM |
					 SOCK_NONBLOCK, 0, fdv), 0);
	CU_ASSERT_EQUAL_FATAL(control_serve(control, fdv[1]), 0);
	fd = fdv[0];
}

static void end(void)
{
	char cmd[96];

	close(fd);
	control = mem_deref(control);
	minutes = mem_deref(minutes);
	board = mem_deref(board);
	conf = mem_deref(conf);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static void stop_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

/* What is said until nothing is, for a while; "" if nothing is at all. */
static const char *said(void)
{
	static char text[4096];
	struct timer t = { 0 };
	size_t n = 0;
	ssize_t k = 0;

	for (int i = 0; i < 100 && (i < 5 || !n); i++) {
		(void)timer_start(board_house(board)->timers, &t, 10 * MSEC,
				  stop_handler, NULL);
		(void)re_main(NULL);
		while (n < sizeof text - 1 &&
		       (k = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0)
			n += (size_t)k;
	}
	text[n] = '\0';
	return text;
}

/* A code is made, and is in `code`. */
static void make(char code[PAIRCODE_SIZE])
{
	static const char order[] = "{\"cmd\":\"pair\",\"tag\":\"1\"}\n";
	static const char key[] = "\"code\":\"";
	const char *text, *p;

	CU_ASSERT_EQUAL(send(fd, order, sizeof order - 1, 0),
			(ssize_t)sizeof order - 1);
	text = said();
	p = strstr(text, key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	snprintf(code, PAIRCODE_SIZE, "%.*s",
		 (int)strcspn(p + sizeof key - 1, "\""), p + sizeof key - 1);
}

static void pass(uint64_t seconds)
{
	timers_run(minutes, clock_ns() + seconds * SEC);
}

static void test_ten_minutes(void)
{
	char code[PAIRCODE_SIZE], again[PAIRCODE_SIZE];
	const char *text;

	begin();
	make(code);
	CU_ASSERT_EQUAL(list_count(board_waits(board)), 1);
	pass(595);
	CU_ASSERT_EQUAL(list_count(board_waits(board)), 1);
	pass(601);
	CU_ASSERT_EQUAL(list_count(board_waits(board)), 0);
	text = said();
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ten minutes: it is dead"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"exit\":1"));
	/* a new one is another one, with ten minutes of its own */
	make(again);
	CU_ASSERT_STRING_NOT_EQUAL(code, again);
	pass(595);
	CU_ASSERT_EQUAL(list_count(board_waits(board)), 1);
	end();
}

/* Who made it has gone away: so has the code. */
static void test_given_up(void)
{
	char code[PAIRCODE_SIZE];
	struct timer t = { 0 };

	begin();
	make(code);
	shutdown(fd, SHUT_RDWR);
	for (int i = 0; i < 100 && board_waits(board)->head; i++) {
		(void)timer_start(board_house(board)->timers, &t, 10 * MSEC,
				  stop_handler, NULL);
		(void)re_main(NULL);
	}
	CU_ASSERT_EQUAL(list_count(board_waits(board)), 0);
	pass(700);
	end();
}

UNIT_SUITE("pairing",
	   { "ten minutes", test_ten_minutes },
	   { "given up", test_given_up })
