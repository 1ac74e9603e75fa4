/* fuzz: sipd/address.c sipd/log.c
 *
 * The certificates that a peer shows, before anybody has vouched for them:
 * the chain is taken apart, and for the first one is looked which address it
 * names. What names alice@example.org has it as a whole.
 */
#include "sipd/trust.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "alice@example.org";
	char why[1024];
	STACK_OF(X509) *v = size ? read_chain(data, size) : NULL;

	if (!v)
		return 0;
	for (int i = 0; i < sk_X509_num(v); i++)
		(void)for_tls(sk_X509_value(v, i));
	if (!check_name(sk_X509_value(v, 0), "sip:alice@example.org", why,
			sizeof why) &&
	    !memmem(data, size, text + 5, sizeof text - 6) &&
	    !strcasestr("example.org", text + 6))
		abort();
	sk_X509_pop_free(v, X509_free);
	return 0;
}
