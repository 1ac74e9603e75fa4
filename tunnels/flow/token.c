/*
 * token.c: the engine "pkcs11" (libp11's; it finds the tokens' modules by
 * p11-kit), loaded when the first key is asked of it. What OpenSSL 3 has
 * instead, a provider, is not in Debian 12. Keys in a TPM: tpm.c.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <string.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include "tunnels/flow/token.h"
#include "tunnels/flow/tpm.h"

static bool is_handle(const char *text)
{
	return !strncmp(text, "handle:", 7);
}

bool token_is_uri(const char *text)
{
	return !strncmp(text, "pkcs11:", 7) || is_handle(text);
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

static int engine_load(EVP_PKEY **kp, const char *uri, UI_METHOD *ui)
{
	ENGINE *e = engine();

	if (!e)
		return ENOTSUP;
	*kp = ENGINE_load_private_key(e, uri, ui, NULL);
	/* the key holds on to the engine */
	(void)ENGINE_finish(e);
	(void)ENGINE_free(e);
	return *kp ? 0 : ENOKEY;
}

int token_load(EVP_PKEY **kp, const char *uri)
{
	UI_METHOD *ui = UI_create_method("no questions");
	int err = ENOMEM;

	if (ui && !UI_method_set_reader(ui, no_pin))
		err = is_handle(uri) ? tpm_load(kp, uri, ui)
			: engine_load(kp, uri, ui);
	UI_destroy_method(ui);
	ERR_clear_error();
	return err;
}
