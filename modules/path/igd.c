/*
 * igd.c: the talk with a UPnP gateway (WANIPConnection 1 and 2).
 *
 *   describe --> address --+-- version 2 --> add any --+
 *     (once)               |   refused: |              +--> granted
 *                          +--------> add, at most 5 ports
 *
 * Pure: the caller carries questions and answers. Called by portmap.c.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/igd.h"
#include "sdp/addr.h"

enum {
	PORTS_MAX = 5,
	PORT_MIN = 1024,
	ERR_CONFLICT = 718,             /* another host has that port */
	ERR_SAME_PORT = 724,            /* only with the internal number */
	ERR_PERMANENT = 725,            /* leases are not supported */
};

int igd_locate(struct igd *g, const struct sa *gateway, const char *p,
	       size_t len)
{
	struct upnp_url url;
	int err = upnp_location(&url, gateway, p, len);

	if (err)
		return err;
	if (!g->type && g->step == IGD_IDLE)
		g->where = url;
	return 0;
}

void igd_map(struct igd *g, const struct sa *client, uint32_t lifetime)
{
	g->client = *client;
	g->lifetime = lifetime;
	g->tries = 0;
	g->step = g->type ? IGD_ADDRESS : IGD_DESCRIBE;
}

void igd_remove(struct igd *g)
{
	g->step = IGD_REMOVE;
}

static size_t add_request(char *buf, size_t size, const struct igd *g)
{
	char ext[8], in[8], client[ADDR_TEXT_SIZE], lease[16];
	const struct upnp_arg argv[] = {
		{ "NewRemoteHost", "" }, { "NewExternalPort", ext },
		{ "NewProtocol", "UDP" }, { "NewInternalPort", in },
		{ "NewInternalClient", client }, { "NewEnabled", "1" },
		{ "NewPortMappingDescription", "dialtone" },
		{ "NewLeaseDuration", lease }, { NULL, NULL },
	};

	(void)re_snprintf(ext, sizeof ext, "%u", sa_port(&g->external));
	(void)re_snprintf(in, sizeof in, "%u", sa_port(&g->client));
	(void)addr_print(client, &g->client);
	(void)re_snprintf(lease, sizeof lease, "%u", g->lifetime);
	return upnp_action(buf, size, &g->control, g->type,
			   g->step == IGD_ADD ? "AddPortMapping"
			   : "AddAnyPortMapping", argv);
}

static size_t remove_request(char *buf, size_t size, const struct igd *g)
{
	char ext[8];
	const struct upnp_arg argv[] = {
		{ "NewRemoteHost", "" }, { "NewExternalPort", ext },
		{ "NewProtocol", "UDP" }, { NULL, NULL },
	};

	(void)re_snprintf(ext, sizeof ext, "%u", sa_port(&g->external));
	return upnp_action(buf, size, &g->control, g->type,
			   "DeletePortMapping", argv);
}

size_t igd_request(char *buf, size_t size, struct sa *dst,
		   const struct igd *g)
{
	static const struct upnp_arg none = { NULL, NULL };

	*dst = g->step == IGD_DESCRIBE ? g->where.host : g->control.host;
	switch (g->step) {
	case IGD_IDLE:
		return 0;
	case IGD_DESCRIBE:
		return upnp_get(buf, size, &g->where);
	case IGD_ADDRESS:
		return upnp_action(buf, size, &g->control, g->type,
				   "GetExternalIPAddress", &none);
	case IGD_ADD_ANY:
	case IGD_ADD:
		return add_request(buf, size, g);
	case IGD_REMOVE:
		return remove_request(buf, size, g);
	}
	return 0;
}

static enum igd_result over(struct igd *g, enum igd_result r)
{
	g->step = IGD_IDLE;
	g->mapped = r == IGD_GRANTED;
	return r;
}

static enum igd_result described(struct igd *g, unsigned scode,
				 const struct pl *body)
{
	if (scode != 200 ||
	    upnp_service(&g->control, &g->type, &g->where, body))
		return over(g, IGD_FAILED);
	g->step = IGD_ADDRESS;
	return IGD_MORE;
}

/* A mapping that is renewed keeps its port. */
static enum igd_result addressed(struct igd *g, unsigned scode,
				 const struct pl *body)
{
	uint16_t port = sa_port(g->mapped ? &g->external : &g->client);
	struct pl val;

	if (scode != 200 ||
	    !upnp_value(&val, body, "NewExternalIPAddress") ||
	    addr_decode(&g->external, &val, port) ||
	    sa_af(&g->external) != AF_INET || !sa_in(&g->external))
		return over(g, IGD_FAILED);
	g->step = !g->mapped && g->type[strlen(g->type) - 1] == '2'
		? IGD_ADD_ANY : IGD_ADD;
	return IGD_MORE;
}

static enum igd_result any_added(struct igd *g, unsigned scode,
				 const struct pl *body)
{
	struct pl val;

	if (scode == 200 && upnp_value(&val, body, "NewReservedPort") &&
	    val.l <= 5 && pl_u32(&val) && pl_u32(&val) <= UINT16_MAX) {
		sa_set_port(&g->external, (uint16_t)pl_u32(&val));
		return over(g, IGD_GRANTED);
	}
	if (!scode)
		return over(g, IGD_FAILED);
	g->step = IGD_ADD;
	return IGD_MORE;
}

static enum igd_result added(struct igd *g, unsigned scode,
			     const struct pl *body)
{
	struct pl val;
	uint32_t code;

	if (scode == 200)
		return over(g, IGD_GRANTED);
	if (!scode || !upnp_value(&val, body, "errorCode") ||
	    ++g->tries == PORTS_MAX)
		return over(g, IGD_FAILED);
	code = pl_u32(&val);
	if (code == ERR_PERMANENT && g->lifetime)
		g->lifetime = 0;
	else if (code == ERR_CONFLICT)
		sa_set_port(&g->external, (uint16_t)(PORT_MIN + rand_u16() %
						     (65536 - PORT_MIN)));
	else if (code == ERR_SAME_PORT &&
		 sa_port(&g->external) != sa_port(&g->client))
		sa_set_port(&g->external, sa_port(&g->client));
	else
		return over(g, IGD_FAILED);
	return IGD_MORE;
}

enum igd_result igd_answer(struct igd *g, unsigned scode,
			   const struct pl *body)
{
	switch (g->step) {
	case IGD_DESCRIBE:
		return described(g, scode, body);
	case IGD_ADDRESS:
		return addressed(g, scode, body);
	case IGD_ADD_ANY:
		return any_added(g, scode, body);
	case IGD_ADD:
		return added(g, scode, body);
	case IGD_REMOVE:
		return over(g, IGD_REMOVED);
	case IGD_IDLE:
		break;
	}
	return IGD_FAILED;
}
