/*
 * caps.c: three system calls that no library is needed for.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sipd/caps.h"

int caps_prepare(void)
{
	return prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) ? errno : 0;
}

int caps_keep_net_admin(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	memset(d, 0, sizeof d);
	d[0].effective = d[0].permitted = d[0].inheritable =
		1u << CAP_NET_ADMIN;
	if (syscall(SYS_capset, &h, d))
		return errno;
	return prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_RAISE,
		     (unsigned long)CAP_NET_ADMIN, 0L, 0L) ? errno : 0;
}
