/*
 * confval.h: the types of values in sipd.conf, one function each, all of
 * type conf_set_h (conftab.h). Text fields are char *, replaced; list fields
 * are appended to.
 */
#ifndef DIALTONE_CONFVAL_H
#define DIALTONE_CONFVAL_H

#include "sipd/conftab.h"

conf_set_h confval_string;      /* anything but nothing */
conf_set_h confval_list;        /* appended: "a,b,c" */
conf_set_h confval_user;        /* of this system */
conf_set_h confval_u16;
conf_set_h confval_u32;
conf_set_h confval_bool;        /* yes or no */
conf_set_h confval_size;        /* 10M; text of the bytes: "10485760" */
conf_set_h confval_seconds;     /* 90s, 8h; a uint32_t */
conf_set_h confval_hours;       /* rights.h */
conf_set_h confval_unknown;     /* enum conf_unknown */
conf_set_h confval_address;     /* a SIP address, in its normal form */
conf_set_h confval_server;      /* the same without a user */
conf_set_h confval_hosts;       /* list of host[:port] */
conf_set_h confval_relay;       /* enum conf_relay */
conf_set_h confval_turns;       /* list of turn: and turns: URIs */
conf_set_h confval_proxy;       /* http://host:port */
conf_set_h confval_listen;      /* list of udp|tcp|tls:ip:port */
conf_set_h confval_secret;
conf_set_h confval_fp;          /* field is a struct conf_peer */

/* Write the refusal into ctx->why; returns EINVAL. */
int confval_bad(const struct conf_ctx *ctx, const char *fmt, ...);

/* One element of a comma list, its blanks cut off; false at the end. A line
 * of the file, and so an item, is shorter than buf (confread.c). */
bool confval_item(const char **pp, char *buf, size_t size);

#endif
