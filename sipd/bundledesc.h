/*
 * bundledesc.h: the tunnels of a session in its offers and answers.
 *
 *   plan -> place -> settle           what we ask for
 *              \---> unplace
 *   answer                            what the peer asks for
 *   drop_line                         what one side has taken back
 */
#ifndef DIALTONE_BUNDLEDESC_H
#define DIALTONE_BUNDLEDESC_H

#include "sipd/bundle.h"

/* Ask a kind for a tunnel to be offered. Errors as tunnel_kind.offer. */
int bundledesc_plan(struct bundle *b, unsigned group,
		    const struct tunnel_kind *kind,
		    const struct tunnel_ask *ask);

/* Is there room for n more in our description? Lines become free again; the
 * numbers of tunnels do not, since what was sent for one may still come. */
bool bundledesc_room(const struct bundle *b, const struct desc *local,
		     size_t n);

/* Put what is planned into our description, on lines that are free or new, as
 * far as there are any: EOVERFLOW if one finds none. */
int bundledesc_place(struct bundle *b, struct desc *local);

/* Take it out again. refused: by the peer; else another offer goes first, and
 * it stays planned. */
void bundledesc_unplace(struct bundle *b, struct desc *local, bool refused);

/* The answer to an offer: what `remote` takes will be started, the rest is
 * refused. */
int bundledesc_settle(struct bundle *b, const struct desc *remote,
		      struct desc *local);

/* The peer's m-line `line` is answered by a new tunnel of this group; local is
 * ours in the answer and stays rejected on error. */
int bundledesc_answer(struct bundle *b, unsigned group, unsigned line,
		      const struct tunnel_kind *kind,
		      const struct tunnel_ask *ask,
		      const struct desc_media *remote,
		      struct desc_media *local);

/* Is there a tunnel on this line? *group: whose it is. */
bool bundledesc_line(const struct bundle *b, unsigned line, unsigned *group);

/* End the tunnel on it; in our description the line becomes free. */
void bundledesc_drop_line(struct bundle *b, unsigned line, struct desc *local);

#endif
