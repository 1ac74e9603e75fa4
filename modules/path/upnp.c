/*
 * upnp.c: writes and reads the texts of UPnP. XML is searched for the few
 * elements that matter, as elements of one name never contain another of that
 * name here. Called by portmap.c for SSDP and by igd.c for the rest.
 *
 * libminiupnpc is not used: it blocks for seconds, so it would need a thread
 * that nobody can end; it does not ask the gateway itself by unicast; and it
 * follows URLs to wherever the answer says.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/http.h"
#include "modules/path/upnp.h"

size_t upnp_search(char *buf, size_t size, const struct sa *host,
		   unsigned version)
{
	int n = re_snprintf(buf, size, "M-SEARCH * HTTP/1.1\r\n"
			    "HOST: %J\r\n"
			    "MAN: \"ssdp:discover\"\r\nMX: 1\r\n"
			    "ST: urn:schemas-upnp-org:device:"
			    "InternetGatewayDevice:%u\r\n\r\n", host,
			    version);

	return n < 0 ? 0 : (size_t)n;
}

static int set_path(struct upnp_url *url, const struct pl *path)
{
	for (size_t i = 0; i < path->l; i++)
		if (path->p[i] <= ' ' || path->p[i] >= 0x7f)
			return EBADMSG;
	if (!path->l || *path->p != '/') {
		if (re_snprintf(url->path, sizeof url->path, "/%r", path) < 0)
			return EBADMSG;
		return 0;
	}
	return pl_strcpy(path, url->path, sizeof url->path) ? EBADMSG : 0;
}

/* Only the gateway itself is asked: who answers cannot send us anywhere. */
static int set_url(struct upnp_url *url, const struct sa *host,
		   const struct pl *text)
{
	struct pl path;

	if (http_url(&url->host, &path, text) ||
	    !sa_cmp(&url->host, host, SA_ADDR))
		return EBADMSG;
	return set_path(url, &path);
}

int upnp_location(struct upnp_url *url, const struct sa *host,
		  const char *p, size_t len)
{
	struct pl text = { p, len }, val;

	if (len < 12 || strncmp(p, "HTTP/1.1 200", 12) ||
	    !http_field(&val, &text, "LOCATION"))
		return EBADMSG;
	return set_url(url, host, &val);
}

/* The name in a tag, without its namespace and attributes. */
static struct pl tag_name(const char *p, const char *end)
{
	struct pl name = { p, 0 };

	for (; p < end && *p != '>' && *p != ' ' && *p != '\t' &&
	     *p != '\r' && *p != '\n' && *p != '/'; p++)
		if (*p == ':')
			name.p = p + 1;
	name.l = (size_t)(p - name.p);
	return name;
}

/* The inside of the first element of this name; `rest`: what follows it. */
static bool element(struct pl *inside, struct pl *rest, const struct pl *xml,
		    const char *name)
{
	const char *end = xml->p + xml->l, *p = xml->p, *begin = NULL;

	while ((p = memchr(p, '<', (size_t)(end - p)))) {
		const char *tag = p++;
		bool closing = p < end && *p == '/';
		struct pl found = tag_name(p + closing, end);

		if (pl_strcmp(&found, name) || closing != (begin != NULL))
			continue;
		p = memchr(p, '>', (size_t)(end - p));
		if (!p)
			return false;
		if (!closing) {
			begin = ++p;
			continue;
		}
		inside->p = begin;
		inside->l = (size_t)(tag - begin);
		rest->p = p + 1;
		rest->l = (size_t)(end - rest->p);
		return true;
	}
	return false;
}

bool upnp_value(struct pl *val, const struct pl *xml, const char *name)
{
	struct pl rest;

	if (!element(val, &rest, xml, name))
		return false;
	while (val->l && strchr(" \t\r\n", *val->p))
		pl_advance(val, 1);
	while (val->l && strchr(" \t\r\n", val->p[val->l - 1]))
		val->l--;
	return true;
}

/* RFC 3986 section 5.2, as far as routers go: whole, from the root, or in
 * the folder of URLBase or of the description. */
static int resolve_url(struct upnp_url *url, const struct upnp_url *from,
		       const struct pl *desc, const struct pl *text)
{
	struct pl base, path = *text;
	char joined[UPNP_PATH_MAX + 1];
	const char *slash;

	*url = *from;
	if (!re_regex(text->p, text->l, "http://"))
		return set_url(url, &from->host, text);
	if (upnp_value(&base, desc, "URLBase") && base.l &&
	    set_url(url, &from->host, &base))
		return EBADMSG;
	if (path.l && *path.p == '/')
		return set_path(url, &path);
	slash = strrchr(url->path, '/');
	if (re_snprintf(joined, sizeof joined, "%b/%r", url->path,
			slash ? (size_t)(slash - url->path) : 0, &path) < 0)
		return EBADMSG;
	pl_set_str(&path, joined);
	return set_path(url, &path);
}

/* Best first. */
static const char *const typev[] = {
	"urn:schemas-upnp-org:service:WANIPConnection:2",
	"urn:schemas-upnp-org:service:WANIPConnection:1",
	"urn:schemas-upnp-org:service:WANPPPConnection:1",
};

static bool find_type(struct pl *control, const struct pl *desc,
		      const char *want)
{
	struct pl left = *desc, service, type;

	while (element(&service, &left, &left, "service"))
		if (upnp_value(&type, &service, "serviceType") &&
		    !pl_strcmp(&type, want) &&
		    upnp_value(control, &service, "controlURL"))
			return true;
	return false;
}

int upnp_service(struct upnp_url *url, const char **type,
		 const struct upnp_url *from, const struct pl *desc)
{
	for (size_t i = 0; i < ARRAY_SIZE(typev); i++) {
		struct pl control;

		if (!find_type(&control, desc, typev[i]))
			continue;
		*type = typev[i];
		return resolve_url(url, from, desc, &control) ? ENOENT : 0;
	}
	return ENOENT;
}

size_t upnp_get(char *buf, size_t size, const struct upnp_url *url)
{
	int n = re_snprintf(buf, size, "GET %s HTTP/1.1\r\nHost: %J\r\n"
			    "Connection: close\r\n\r\n", url->path,
			    &url->host);

	return n < 0 ? 0 : (size_t)n;
}

static int print_args(struct re_printf *pf, const struct upnp_arg *argv)
{
	int err = 0;

	for (; argv->name; argv++)
		err |= re_hprintf(pf, "<%s>%s</%s>", argv->name, argv->value,
				  argv->name);
	return err;
}

size_t upnp_action(char *buf, size_t size, const struct upnp_url *url,
		   const char *type, const char *action,
		   const struct upnp_arg *argv)
{
	char body[UPNP_REQUEST_MAX];
	int n = re_snprintf(body, sizeof body, "<?xml version=\"1.0\"?>\r\n"
		"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/"
		"envelope/\" s:encodingStyle=\"http://schemas.xmlsoap.org/"
		"soap/encoding/\"><s:Body><u:%s xmlns:u=\"%s\">%H</u:%s>"
		"</s:Body></s:Envelope>\r\n", action, type, print_args, argv,
		action);

	if (n < 0)
		return 0;
	n = re_snprintf(buf, size, "POST %s HTTP/1.1\r\nHost: %J\r\n"
			"Content-Type: text/xml; charset=\"utf-8\"\r\n"
			"SOAPAction: \"%s#%s\"\r\nContent-Length: %d\r\n"
			"Connection: close\r\n\r\n%s", url->path, &url->host,
			type, action, n, body);
	return n < 0 ? 0 : (size_t)n;
}
