/*
 * oncall.c: a child of a child, which nobody has to wait for. Called by the
 * switchboard.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sipd/log.h"
#include "sipd/oncall.h"

enum { VARS = 6, VAR_SIZE = 640 };

struct environ {
	char text[VARS][VAR_SIZE];
	char *v[VARS + 1];
	size_t n;
};

static void put(struct environ *e, const char *key, const char *value)
{
	char *p = e->text[e->n];

	(void)re_snprintf(p, VAR_SIZE, "%s=%s", key, value ? value : "");
	e->v[e->n++] = p;
	for (; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void fill(struct environ *e, const struct session *s)
{
	struct session_info in;
	char fp[FP_TEXT_SIZE] = "";

	session_info(s, &in);
	if (in.fp)
		fp_print(fp, in.fp);
	memset(e, 0, sizeof *e);
	put(e, "PATH", "/usr/local/bin:/usr/bin:/bin");
	put(e, "DIALTONE_CALL", in.id);
	put(e, "DIALTONE_PEER", in.peer->name);
	put(e, "DIALTONE_ADDRESS", in.peer->address);
	put(e, "DIALTONE_KEY", fp);
	put(e, "DIALTONE_TUNNELS", in.tunnels);
}

/* In the child: only what is safe after fork in a process with threads. */
static void run(const char *program, char *const *envv)
{
	char *const argv[] = { (char *)program, NULL };
	const int null = open("/dev/null", O_RDWR);

	if (fork())
		_exit(0);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)setsid();
	(void)execve(program, argv, envv);
	_exit(127);
}

void oncall_tell(const char *program, const struct session *s)
{
	struct environ e;
	pid_t pid;

	fill(&e, s);
	pid = fork();
	if (!pid)
		run(program, e.v);
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		log_warn("%s cannot be run: %m", program, errno);
}
