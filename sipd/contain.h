/*
 * contain.h: what a running sipd gives up: new privileges, system calls that
 * it has no use for, and writing anywhere but in its own folders. So does
 * every command that it runs.
 */
#ifndef DIALTONE_CONTAIN_H
#define DIALTONE_CONTAIN_H

#include "sipd/conf.h"

/* Before the first thread is made; no way back. Folders that are to be written
 * to are made. What the kernel does not have is logged and left out. On error
 * one sentence in why. */
int contain(const struct conf *conf, char *why, size_t size);

#endif
