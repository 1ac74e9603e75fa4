/*
 * places.h: where things are when nobody says: the home folder, the folders
 * of the XDG base directories, those of the system.
 */
#ifndef DIALTONE_PLACES_H
#define DIALTONE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#define PLACES_STATE   "/var/lib/dialtone"
#define PLACES_CONTROL "/run/dialtone/control"
#define PLACES_CONF    "/etc/dialtone/sipd.conf"

/* Is this the system's sipd, which has no home? Root's is, and one that
 * systemd or drop.c has given the folder of the system's. */
bool places_system(void);

/* REST in the home folder. ENOENT: there is none; ENAMETOOLONG. */
int places_home(char *buf, size_t size, const char *rest);

/* REST in the folder that the variable VAR names, or in IN_HOME of the home
 * folder (NULL: nowhere else). Errors as above. */
int places_xdg(char *buf, size_t size, const char *var, const char *in_home,
	       const char *rest);

/* The default configuration: ~/.config/dialtone/sipd.conf if it exists, then
 * PLACES_CONF if we may read it; else ENOENT and "". */
int places_conf(char *buf, size_t size);

#endif
