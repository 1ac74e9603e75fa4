/*
 * seen.h: a client asks what of its request has arrived, to learn whether
 * somebody on the way rewrites SIP (`dial check`).
 *
 *   OPTIONS with "Dialtone-Seen: ?" --> "Dialtone-Seen: " base64 of
 *   the first Via, "\n", the Contact, "\n", the body
 */
#ifndef DIALTONE_REGISTRAR_SEEN_H
#define DIALTONE_REGISTRAR_SEEN_H

#include <re.h>

#define SEEN_HEADER "Dialtone-Seen"

enum { SEEN_MAX = 512 };        /* bytes before base64 */

/* The header line of the answer; nothing if it was not asked for, or would be
 * too long. For re's %H. */
int seen_print(struct re_printf *pf, const struct sip_msg *msg);

#endif
