/*
 * commands.h: the words of the control socket.
 */
#ifndef DIALTONE_COMMANDS_H
#define DIALTONE_COMMANDS_H

#include "sipd/conn.h"

/* NULL if there is no such command; those that guests may not use refuse. */
command_h *command_find(const char *name, bool guest);

#endif
