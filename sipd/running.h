/*
 * running.h: the sipd that has this control socket, seen from outside.
 */
#ifndef DIALTONE_RUNNING_H
#define DIALTONE_RUNNING_H

#include <stdbool.h>

/* Connect to a control socket; *fdp is then the caller's. */
int running_connect(int *fdp, const char *path);

/* Does a sipd live there? One that was killed and is not yet gone with all
 * that it had open is waited for, up to 3 s. */
bool running_at(const char *path);

#endif
