/*
 * caps.h: what is kept of root's rights (capabilities(7)).
 */
#ifndef DIALTONE_CAPS_H
#define DIALTONE_CAPS_H

/* Before setuid: what follows will be possible. errno. */
int caps_prepare(void);

/* After it: keep CAP_NET_ADMIN alone, for this process and for the tools it
 * runs (nft). errno. */
int caps_keep_net_admin(void);

#endif
