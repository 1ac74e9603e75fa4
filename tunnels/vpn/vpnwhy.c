/*
 * vpnwhy.c: where it was noticed is where it is told.
 */
#include <re.h>
#include <stdarg.h>
#include "tunnels/vpn/vpnwhy.h"

int vpnwhy(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}
