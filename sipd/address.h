/*
 * address.h: SIP addresses as people write them, made into one normal form:
 *
 *   bob@Example.org             sip:bob@example.org
 *   sips:bob@example.org        sip:bob@example.org;transport=tls
 *   192.0.2.7:5070              sip:192.0.2.7:5070
 *   2001:db8::1                 sip:[2001:db8::1]
 */
#ifndef DIALTONE_ADDRESS_H
#define DIALTONE_ADDRESS_H

#include <re.h>

enum { ADDRESS_SIZE = 256 };    /* of an address with its NUL */

/* Write the normal form of text into buf. EINVAL with `why`, the rest of a
 * sentence about it ("has no host after the '@'"), if it is no SIP address.
 * URI headers and passwords are refused (RFC 3261 section 19.1.5). */
int address_parse(char buf[ADDRESS_SIZE], const char *text, char *why,
		  size_t size);

/* What of a URI says who is meant (RFC 3261 section 19.1.4): user, host and
 * port, as text to be compared byte by byte. Parameters do not count, and no
 * port is 5060. EINVAL if it does not parse; it may come from a peer. */
enum { ADDRESS_KEY_SIZE = 2 * ADDRESS_SIZE };
int address_key(char key[ADDRESS_KEY_SIZE], const char *uri);

/* Have both the same key? What does not parse is equal to nothing. */
bool address_equal(const char *a, const char *b);

#endif
