/*
 * confvpn.h: the types of values in [vpn NAME], of type conf_set_h; all are
 * kept as text, which the tunnel kind reads again.
 */
#ifndef DIALTONE_CONFVPN_H
#define DIALTONE_CONFVPN_H

#include "sipd/conftab.h"

conf_set_h confval_prefixes;    /* list of addresses, with lengths or not */
conf_set_h confval_accept;      /* the same, or yes or no */
conf_set_h confval_switch;      /* yes or no */
conf_set_h confval_exit;        /* no, offer or use */
conf_set_h confval_mtu;         /* auto or a number */
conf_set_h confval_users;       /* list of users and @groups */
conf_set_h confval_ifname;      /* name of an interface */

#endif
