/*
 * descparam.c: the parameters of one tunnel, "size=5120;name=a%20b".
 *
 * They are kept as they stand on the wire. A value is escaped wherever a byte
 * might mean something to SDP or to a box on the way: only printable ASCII
 * without space ; = % stays itself.
 */
#include <string.h>
#include "sdp/desc.h"
#include "sdp/descparam.h"
#include "sdp/words.h"

bool descparam_name(const struct pl *name)
{
	for (size_t i = 0; i < name->l; i++) {
		char c = name->p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return name->l > 0;
}

/* The next "key=value" of rest, which moves on; key is all of it when there
 * is no '='. */
static bool param_next(struct pl *rest, struct pl *key, struct pl *val)
{
	const char *end;

	if (!rest->l)
		return false;
	end = memchr(rest->p, ';', rest->l);
	key->p = rest->p;
	key->l = end ? (size_t)(end - rest->p) : rest->l;
	pl_advance(rest, (ssize_t)(key->l + (end ? 1 : 0)));
	*val = pl_null;
	end = memchr(key->p, '=', key->l);
	if (end) {
		val->p = end + 1;
		val->l = key->l - (size_t)(val->p - key->p);
		key->l = (size_t)(end - key->p);
	}
	return true;
}

static bool plain(char c)
{
	return c > ' ' && c < 0x7f && c != ';' && c != '=' && c != '%';
}

/* One byte off an escaped value; -1 for what is none, NUL included. */
static int value_byte(struct pl *val)
{
	char c = val->p[0];
	int hi, lo;

	if (c != '%') {
		pl_advance(val, 1);
		return plain(c) ? c : -1;
	}
	if (val->l < 3)
		return -1;
	hi = words_hex(val->p[1]);
	lo = words_hex(val->p[2]);
	pl_advance(val, 3);
	return hi < 0 || lo < 0 || !(hi | lo) ? -1 : hi << 4 | lo;
}

bool descparam_valid(const struct pl *text)
{
	struct pl rest = *text, key, val;

	if (text->l > DESC_PARAM_MAX ||
	    (text->l && text->p[text->l - 1] == ';'))
		return false;
	while (param_next(&rest, &key, &val)) {
		if (!descparam_name(&key) || !val.p)
			return false;
		while (val.l)
			if (value_byte(&val) < 0)
				return false;
	}
	return true;
}

static int value_write(struct mbuf *mb, const char *value)
{
	int err = 0;

	for (; *value && !err; value++)
		err = plain(*value) ? mbuf_write_u8(mb, (uint8_t)*value) :
			mbuf_printf(mb, "%%%02X", (uint8_t)*value);
	return err;
}

/* All parameters but `key`, each with a ';' behind it. */
static int others_write(struct mbuf *mb, const char *param, const char *key)
{
	struct pl rest, k, v;
	int err = 0;

	pl_set_str(&rest, param ? param : "");
	while (!err && param_next(&rest, &k, &v))
		if (pl_strcmp(&k, key))
			err = mbuf_printf(mb, "%r=%r;", &k, &v);
	return err;
}

int desc_param_set(struct desc_media *m, const char *key, const char *value)
{
	struct mbuf *mb = NULL;
	char *param = NULL;
	struct pl k;
	int err;

	if (!m || !key || !value)
		return EINVAL;
	pl_set_str(&k, key);
	if (!descparam_name(&k))
		return EINVAL;
	mb = mbuf_alloc(256);
	if (!mb)
		return ENOMEM;
	err = others_write(mb, m->param, key);
	err = err ? err : mbuf_printf(mb, "%s=", key);
	err = err ? err : value_write(mb, value);
	if (!err && mb->end > DESC_PARAM_MAX)
		err = EOVERFLOW;
	mb->pos = 0;
	err = err ? err : mbuf_strdup(mb, &param, mb->end);
	if (!err) {
		mem_deref(m->param);
		m->param = param;
	}
	mem_deref(mb);
	return err;
}

static int value_copy(char *buf, size_t size, struct pl val)
{
	size_t n = 0;

	while (val.l) {
		int c = value_byte(&val);

		if (c < 0)
			return EBADMSG;
		if (n + 1 >= size)
			return EOVERFLOW;
		buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return 0;
}

int desc_param_get(const struct desc_media *m, const char *key,
		   char *buf, size_t size)
{
	struct pl rest, k, v;

	if (!m || !key || !buf || !size)
		return EINVAL;
	pl_set_str(&rest, m->param ? m->param : "");
	while (param_next(&rest, &k, &v))
		if (!pl_strcmp(&k, key))
			return value_copy(buf, size, v);
	return ENOENT;
}
