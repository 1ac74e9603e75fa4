/*
 * table.h: mappings and their sessions, found by either end.
 */
#ifndef NATEMU_TABLE_H
#define NATEMU_TABLE_H

#include "wire.h"

enum tcp_state { T_NONE, T_SYN_OUT, T_SYN_IN, T_EST, T_FIN, T_CLOSED };

struct map;

struct sess {                   /* a remote endpoint that a mapping has seen */
	struct sess *hnext, **hprev;    /* hash by mapping and remote */
	struct sess *lnext, **lprev;    /* list of the mapping */
	struct map *m;
	struct ep rem;
	int64_t exp;
	enum tcp_state st;
	bool addr_only;                 /* for the filter, no session */
	bool dpi_ok;
};

struct map {                    /* inside endpoint <-> external endpoint */
	struct map *inext, **iprev;     /* hash by inside and key */
	struct map *enext, **eprev;     /* hash by external */
	struct map *lnext, **lprev;     /* list of all */
	enum proto proto;
	struct ep in, ext, key;         /* key: remote as far as it counts */
	int64_t exp, used, born;
	struct sess *sess;
	int sessc;
};

/* Those that have not expired; NULL if there is none. */
struct map *map_find(enum proto p, const struct ep *in, const struct ep *key);
/* The mapping of this external endpoint that a session with rem belongs to;
 * else one whose filter lets rem in. sp: the session or NULL; exists: is
 * there any mapping. */
struct map *map_find_ext(enum proto p, const struct ep *ext,
			 const struct ep *rem, struct sess **sp,
			 bool *exists);
struct sess *sess_find(const struct map *m, const struct ep *rem,
		       bool addr_only);

/* NULL if the table is full or no port is left; counted. */
struct map *map_add(enum proto p, const struct ep *in, const struct ep *ext,
		    const struct ep *key);
struct sess *sess_add(struct map *m, const struct ep *rem, bool addr_only);

bool map_room(void);
void map_touch(struct map *m, int64_t ttl);
bool ext_is_free(enum proto p, const struct ep *ext);
/* Does the filter let rem in that has no session? */
bool map_lets(const struct map *m, const struct ep *rem);

void table_sweep(void);
void table_flush(void);
int table_maps(void);
int table_sess(void);

#endif
