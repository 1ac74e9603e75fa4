/*
 * checknat.c: the words for what STUN servers and gateways have shown.
 * Called by check.c.
 */
#include <string.h>
#include "modules/path/netif.h"
#include "sipd/checknat.h"

static void find_ports(struct check *ck, const struct nat *nat)
{
	char text[48];

	if (nat->preserves == NAT_HAS) {
		check_find(ck, CHECK_PORTS, "preserved", "outside as inside");
	}
	else if (nat->delta) {
		(void)re_snprintf(text, sizeof text, "in steps of %u",
				  nat->delta);
		check_find(ck, CHECK_PORTS, text,
			   "the next one can be predicted");
	}
	else {
		check_find(ck, CHECK_PORTS, "random",
			   "not preserved, in no order");
	}
}

static const char *mapping_text(enum nat_kind kind)
{
	switch (kind) {
	case NAT_UNKNOWN:
		return "more than one STUN server is needed to tell";
	case NAT_NONE:
		return "no NAT";
	case NAT_INDEPENDENT:
		return "every destination sees the same port";
	default:
		return "every destination sees another port";
	}
}

static const char *filtering_text(enum nat_kind kind)
{
	switch (kind) {
	case NAT_UNKNOWN:
		return "a STUN server with two addresses (RFC 5780) is needed"
			" to tell";
	case NAT_INDEPENDENT:
		return "who knows the port can send to it";
	default:
		return "only who was sent to can send back";
	}
}

static void nat4_handler(const struct nat *nat, void *arg)
{
	static const char *const hairpinv[] = { "unknown", "no", "yes" };
	struct check *ck = arg;
	char address[48];

	ck->nat = *nat;
	if (!nat->udp) {
		check_find(ck, CHECK_UDP, "no", "no STUN server answers");
		check_done(ck);
		return;
	}
	check_find(ck, CHECK_UDP, "yes", "%J answers after %u ms",
		   &nat->server, (unsigned)(nat->rtt / MSEC));
	(void)re_snprintf(address, sizeof address, "%j", &nat->mapped);
	check_find(ck, CHECK_ADDRESS, address, "how others see this host");
	check_find(ck, CHECK_MAPPING, nat_kind_name(nat->mapping), "%s",
		   mapping_text(nat->mapping));
	check_find(ck, CHECK_FILTERING, nat_kind_name(nat->filtering), "%s",
		   filtering_text(nat->filtering));
	if (nat->mapping != NAT_NONE) {
		find_ports(ck, nat);
		check_find(ck, CHECK_HAIRPIN, hairpinv[nat->hairpin], "%s",
			   "for two behind the same NAT");
	}
	check_done(ck);
}

/* A global address of this host; false: there is none. */
static bool global6(struct sa *sa, const struct check *ck)
{
	struct netif v[NETIF_MAX];
	size_t n = 0;

	if (netif_list(v, &n, ck->house->conf->interfaces))
		return false;
	for (size_t i = 0; i < n; i++) {
		*sa = v[i].addr;
		if (sa_af(sa) == AF_INET6 && !v[i].rank)
			return true;
	}
	return false;
}

static void find_ipv6(struct check *ck)
{
	struct sa sa;

	if (global6(&sa, ck))
		check_find(ck, CHECK_IPV6, "address", "%j; no STUN server has"
			   " answered by IPv6", &sa);
	else
		check_find(ck, CHECK_IPV6, "no",
			   "this host has no global address");
}

static void nat6_handler(const struct nat *nat, void *arg)
{
	struct check *ck = arg;

	if (nat->udp)
		check_find(ck, CHECK_IPV6, "yes",
			   "%j; mapping %s, filtering %s", &nat->mapped,
			   nat_kind_name(nat->mapping),
			   nat_kind_name(nat->filtering));
	else
		find_ipv6(ck);
	check_done(ck);
}

static size_t servers(struct sa v[CLASSIFY_SERVERS], const struct check *ck,
		      int af)
{
	const struct sa *all;
	size_t allc = paths_stun(ck->house->paths, &all), n = 0;

	for (size_t i = 0; i < allc && n < CLASSIFY_SERVERS; i++)
		if (sa_af(&all[i]) == af)
			v[n++] = all[i];
	return n;
}

void check_nat(struct check *ck)
{
	struct sa v[CLASSIFY_SERVERS];
	struct timers *timers = ck->house->timers;
	size_t n = servers(v, ck, AF_INET);

	ck->waiting++;
	ck->asked = n > 0;
	if (!n)
		check_find(ck, CHECK_UDP, "unknown", "no STUN server is known:"
			   " set stun= in [nat]");
	else if (natcheck_alloc(&ck->nat4, timers, v, n, true, nat4_handler,
				ck))
		check_find(ck, CHECK_UDP, "no", "no route to %J", &v[0]);
	if (!ck->nat4)
		ck->waiting--;
	n = servers(v, ck, AF_INET6);
	ck->waiting++;
	if (!n || natcheck_alloc(&ck->nat6, timers, v, n, false,
				 nat6_handler, ck)) {
		find_ipv6(ck);
		ck->waiting--;
	}
}

static void gate_handler(const struct sa *gateway, const struct portmap *p,
			 void *arg)
{
	struct check *ck = arg;
	struct check_finding *f = &ck->v[CHECK_PORTMAP];
	size_t n = strlen(f->text);

	ck->found |= portmap_found(p);
	if (!sa_isset(portmap_external(p), SA_ALL))
		return;
	ck->mapped |= sa_af(gateway) == AF_INET;
	(void)re_snprintf(f->text + n, sizeof f->text - n, "%s%j gives %J",
			  n ? "; " : "", gateway, portmap_external(p));
}

static void name_found(struct check_finding *f, unsigned found)
{
	for (int i = 0; i < PORTMAP_PROTOS; i++) {
		size_t n = strlen(f->value);

		if (found & 1u << i)
			(void)re_snprintf(f->value + n, sizeof f->value - n,
					  "%s%s", n ? ", " : "",
					  portmap_proto_name(i));
	}
}

void check_gates(void *arg)
{
	struct check *ck = arg;
	struct check_finding *f = &ck->v[CHECK_PORTMAP];

	mapper_apply(ck->house->mapper, gate_handler, ck);
	name_found(f, ck->found);
	if (!ck->house->mapper)
		check_find(ck, CHECK_PORTMAP, "off", "portmap = no in [nat]");
	else if (!ck->found)
		check_find(ck, CHECK_PORTMAP, "none",
			   "no router answers by PCP, NAT-PMP or UPnP");
	else if (!*f->text)
		(void)str_ncpy(f->text, "but nothing is mapped",
			       sizeof f->text);
	check_done(ck);
}
