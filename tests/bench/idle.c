/*
 * idle.c: opens COUNT sessions of `forward`, or of `vpn` where no port is
 * named, by the control socket of a sipd and holds them until it is killed.
 * Used by memory.sh.
 *
 *   idle SOCKET PEER COUNT [FIRST-PORT]
 *
 * Prints "open" when all are. One connection, one tag a session; WINDOW calls
 * at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WINDOW = 16 };

static int dial(FILE *f, const char *peer, int n, int port)
{
	(void)fprintf(f, "{\"cmd\":\"dial\",\"anew\":true,\"tag\":\"%d\",\"peer\":\"%s\","
		      "\"cwd\":\"/\",\"tunnels\":[{", n, peer);
	if (port)
		(void)fprintf(f, "\"kind\":\"forward\",\"args\":"
			      "[\"127.0.0.1:%d:127.0.0.1:9\"]}]}\n",
			      port + n);
	else
		(void)fputs("\"kind\":\"vpn\",\"args\":[]}]}\n", f);
	return fflush(f);
}

static int connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof sun))
		return -1;
	return fd;
}

int main(int argc, char *argv[])
{
	static char line[65536];
	int fd, count, port, sent = 0, open = 0;
	FILE *in, *out;

	if (argc != 4 && argc != 5)
		return 2;
	count = atoi(argv[3]);
	port = argc == 5 ? atoi(argv[4]) : 0;
	fd = connect_to(argv[1]);
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	if (fd < 0 || !in || !out)
		return 1;
	while (open < count) {
		while (sent < count && sent - open < WINDOW) {
			if (dial(out, argv[2], sent, port))
				return 1;
			++sent;
		}
		if (!fgets(line, sizeof line, in))
			return 1;
		if (strstr(line, "\"exit\"")) {
			(void)fprintf(stderr, "%s", line);
			return 1;
		}
		open += strstr(line, "\"event\":\"open\"") != NULL;
	}
	(void)puts("open");
	(void)fflush(stdout);
	(void)pause();
	return 0;
}
