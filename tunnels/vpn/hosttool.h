/*
 * hosttool.h: runs the host's own tools: nft, resolvectl, resolvconf.
 */
#ifndef DIALTONE_VPN_HOSTTOOL_H
#define DIALTONE_VPN_HOSTTOOL_H

/* Run one and wait for it, with text (or NULL) as its input, which a pipe
 * holds at once. ENOENT: it is not there; EIO: it failed. */
int hosttool_run(char *const argv[], const char *text);

#endif
