/*
 * confpath.h: the types of values in sipd.conf that are paths, one function
 * each, of type conf_set_h (conftab.h): ~/ is expanded, and what is relative
 * begins at the folder of the file.
 */
#ifndef DIALTONE_CONFPATH_H
#define DIALTONE_CONFPATH_H

#include "sipd/conftab.h"

conf_set_h confpath_any;
conf_set_h confpath_identity;   /* or a pkcs11: URI, or a handle: */
conf_set_h confpath_readable;   /* it can be read */
conf_set_h confpath_program;    /* it can be run */
conf_set_h confpath_folders;    /* list of them */
conf_set_h confpath_log;        /* or stderr, or syslog */
conf_set_h confpath_secret;     /* the value is the first line there */

#endif
