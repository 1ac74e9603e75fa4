/*
 * recompat.h: one source for libre 1.1 (Debian 12) and 2.0 and later (Debian
 * 13). RE_VER is MMmmpp, from pkg-config by the Makefile.
 */
#ifndef DIALTONE_RECOMPAT_H
#define DIALTONE_RECOMPAT_H

#include <re.h>

#ifndef RE_ARRAY_SIZE
#define RE_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

/* A descriptor in libre's loop; 3.6 made the registration an object. */
struct rc_fd {
	int fd;
#if RE_VER >= 30600
	struct re_fhs *fhs;
#endif
};

static inline int rc_fd_listen(struct rc_fd *f, int flags, fd_h *fh,
			       void *arg)
{
#if RE_VER >= 30600
	return fd_listen(&f->fhs, f->fd, flags, fh, arg);
#else
	return fd_listen(f->fd, flags, fh, arg);
#endif
}

static inline void rc_fd_close(struct rc_fd *f)
{
#if RE_VER >= 30600
	f->fhs = fd_close(f->fhs);
#else
	fd_close(f->fd);
#endif
}

#endif
