/*
 * media.h: for tests and fuzzers: a tunnel's line in a description, as
 * sipd/bundledesc.c places it.
 */
#ifndef DIALTONE_UNIT_MEDIA_H
#define DIALTONE_UNIT_MEDIA_H

#include <errno.h>
#include "sdp/desc.h"

/* mp may be NULL. EOVERFLOW beyond DESC_MEDIA_MAX. */
static inline int media_add(struct desc *d, struct desc_media **mp,
			    enum desc_proto proto, const char *kind)
{
	struct desc_media *m = &d->mediav[d->mediac];

	if (mp)
		*mp = NULL;
	if (d->mediac == DESC_MEDIA_MAX)
		return EOVERFLOW;
	m->proto = proto;
	m->known = true;
	(void)re_snprintf(m->mid, sizeof m->mid, "%zu", d->mediac++);
	str_ncpy(m->kind, kind, sizeof m->kind);
	if (mp)
		*mp = m;
	return 0;
}

#endif
