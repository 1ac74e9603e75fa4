/*
 * unixsock.h: a Unix socket as either end of a forward.
 */
#ifndef DIALTONE_UNIXSOCK_H
#define DIALTONE_UNIXSOCK_H

/* Connected and non-blocking, the caller's. EACCES if who listens there is
 * this very process: its control socket may do everything. */
int unixsock_connect(int *fdp, const char *path);

/* Made with mode 0600, listening, non-blocking. A socket that nobody answers
 * is replaced; EADDRINUSE: somebody does, or it is no socket. */
int unixsock_listen(int *fdp, const char *path);

#endif
