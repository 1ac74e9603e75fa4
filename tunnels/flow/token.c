/*
 * token.c: the engine "pkcs11" (libp11's; it finds the tokens' modules by
 * p11-kit), loaded when the first key is asked of it. What OpenSSL 3 has
 * instead, a provider, is not in Debian 12.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <string.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include "tunnels/flow/token.h"

bool token_is_uri(const char *text)
{
	return !strncmp(text, "pkcs11:", 7);
}

/* Instead of a question on the terminal. */
static int no_pin(UI *ui, UI_STRING *s)
{
	(void)ui;
	(void)s;
	return 0;
}

static ENGINE *engine(void)
{
	ENGINE *e = ENGINE_by_id("pkcs11");

	if (e && !ENGINE_init(e)) {
		ENGINE_free(e);
		return NULL;
	}
	return e;
}

int token_load(EVP_PKEY **kp, const char *uri)
{
	ENGINE *e = engine();
	UI_METHOD *ui;
	EVP_PKEY *key = NULL;

	if (!e) {
		ERR_clear_error();
		return ENOTSUP;
	}
	ui = UI_create_method("no questions");
	if (ui && !UI_method_set_reader(ui, no_pin))
		key = ENGINE_load_private_key(e, uri, ui, NULL);
	UI_destroy_method(ui);
	/* the key holds on to the engine */
	(void)ENGINE_finish(e);
	(void)ENGINE_free(e);
	ERR_clear_error();
	if (!key)
		return ENOKEY;
	*kp = key;
	return 0;
}
