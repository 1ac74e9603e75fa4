/*
 * addr.h: address literals in SDP, the same with every version of libre (they
 * differ in taking "127.1" and in printing scopes).
 */
#ifndef DIALTONE_ADDR_H
#define DIALTONE_ADDR_H

#include <netinet/in.h>
#include <re.h>

enum { ADDR_TEXT_SIZE = INET6_ADDRSTRLEN };

/* The address without port and scope; "0.0.0.0" if none is set. Returns
 * buf. */
const char *addr_print(char buf[ADDR_TEXT_SIZE], const struct sa *sa);

/* Decode a literal. ENOTSUP: a name (.local too), for nothing here asks the
 * DNS because a peer says so. EBADMSG: neither address nor name. On errors
 * sa is unset. */
int addr_decode(struct sa *sa, const struct pl *text, uint16_t port);

#endif
