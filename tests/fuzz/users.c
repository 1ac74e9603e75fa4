/* fuzz: sipd/sip/digest.c sipd/sip/digest_client.c sipd/sip/digest_server.c sdp/base/clock.c
 *
 * The meeting point's users-file: each user that is taken has hashes to compare
 * with; else one sentence says which line is wrong.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "sipd/registrar/users.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_hashes(struct le *le, void *arg)
{
	const struct user *user = le->data;

	(void)arg;
	if (!*user->name || strlen(user->name) >= NAME_SIZE ||
	    strlen(user_ha1(user, DIGEST_MD5)) != 32)
		abort();
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("users", 0);
	char path[64], why[256] = "";
	struct users *u;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!users_read(&u, path, "demo.example", why, sizeof why)) {
		(void)hash_apply(u->ht, has_hashes, NULL);
		mem_deref(u);
	}
	else if (!*why) {
		abort();
	}
	(void)close(fd);
	return 0;
}
