/*
 * conftab.c: the table of sections and keys. To add a key: one row here, one
 * member in conf.h, two lines in etc/sipd.conf and etc/sipd.conf.5.
 */
#include <stddef.h>
#include <string.h>
#include "sipd/conftab.h"
#include "sipd/confallow.h"
#include "sipd/confpath.h"
#include "sipd/confval.h"
#include "sipd/confvpn.h"
#include "sipd/places.h"

const struct conf_section conf_sections[SEC_COUNT] = {
	[SEC_SIPD]      = { "sipd",      NAME_NO,   false, false },
	[SEC_TRUST]     = { "trust",     NAME_NO,   false, true  },
	[SEC_ACCOUNT]   = { "account",   NAME_MAY,  false, true  },
	[SEC_NAT]       = { "nat",       NAME_NO,   false, false },
	[SEC_TURN]      = { "turn",      NAME_MAY,  false, true  },
	[SEC_GROUP]     = { "group",     NAME_MUST, false, true  },
	[SEC_PEER]      = { "peer",      NAME_MUST, false, true  },
	[SEC_FILE]      = { "file",      NAME_NO,   true,  false },
	[SEC_PIPE]      = { "pipe",      NAME_NO,   true,  false },
	[SEC_VPN]       = { "vpn",       NAME_MUST, true,  true  },
	[SEC_REGISTRAR] = { "registrar", NAME_NO,   false, true  },
};

#define IN(type, member) offsetof(struct type, member)

/* What a peer may do, or all of a group. */
#define RIGHTS(sec, type) \
	{ sec, "allow", confval_allow, IN(type, rights.allow), \
	  NULL, "file, forward 127.0.0.1:22", true, 0, 0 }, \
	{ sec, "hours", confval_hours, IN(type, rights.hours), \
	  NULL, "mon-fri 08:00-18:00", true, 0, 0 }, \
	{ sec, "sessions", confval_u32, IN(type, rights.sessions), \
	  NULL, "4", false, 1, 1000000 }, \
	{ sec, "rate", confval_u32, IN(type, rights.rate), \
	  NULL, "10", false, 1, 1000000 }, \
	{ sec, "duration", confval_seconds, IN(type, rights.duration), \
	  NULL, "8h", false, 1, 31536000 }, \
	{ sec, "bytes", confval_size, IN(type, rights.bytes), \
	  NULL, "10G", false, 0, 0 }

const struct conf_key conf_keys[] = {
	{ SEC_SIPD, "state", confpath_any, IN(conf, state),
	  NULL, "/var/lib/dialtone", false, 0, 0 },
	{ SEC_SIPD, "identity", confpath_identity, IN(conf, identity),
	  NULL, "/var/lib/dialtone/identity.pem", false, 0, 0 },
	{ SEC_SIPD, "certificate", confpath_readable, IN(conf, certificate),
	  NULL, "/etc/dialtone/certificate.pem", false, 0, 0 },
	{ SEC_SIPD, "control", confpath_any, IN(conf, control),
	  NULL, PLACES_CONTROL, false, 0, 0 },
	{ SEC_SIPD, "log", confpath_log, IN(conf, log),
	  "stderr", NULL, false, 0, 0 },
	{ SEC_SIPD, "syslog-calls", confval_bool, IN(conf, syslog_calls),
	  "no", NULL, false, 0, 0 },
	{ SEC_SIPD, "user", confval_user, IN(conf, user),
	  NULL, "dialtone", false, 0, 0 },
	{ SEC_SIPD, "contain", confval_bool, IN(conf, contain),
	  "yes", NULL, false, 0, 0 },
	{ SEC_SIPD, "write", confpath_folders, IN(conf, write),
	  "", NULL, true, 0, 0 },
	{ SEC_SIPD, "port", confval_u16, IN(conf, sip_port),
	  "5060", NULL, false, 0, 65534 },      /* TLS has the next one */
	{ SEC_SIPD, "unknown", confval_unknown, IN(conf, unknown),
	  "reject", NULL, false, 0, 0 },
	{ SEC_SIPD, "on-call", confpath_program, IN(conf, on_call),
	  NULL, "/bin/true", false, 0, 0 },
	{ SEC_SIPD, "allow", confval_allow, IN(conf, allow),
	  "", NULL, true, 0, 0 },
	{ SEC_SIPD, "sessions", confval_u32, IN(conf, sessions),
	  "1000", NULL, false, 1, 1000000 },
	{ SEC_SIPD, "per-peer", confval_u32, IN(conf, per_peer),
	  "32", NULL, false, 1, 1000000 },
	{ SEC_SIPD, "rate", confval_u32, IN(conf, rate),
	  "600", NULL, false, 1, 10000000 },
	{ SEC_SIPD, "source-rate", confval_u32, IN(conf, source_rate),
	  "200", NULL, false, 0, 1000000 },

	{ SEC_TRUST, "ca", confpath_readable, IN(conf, trust_ca),
	  NULL, "/etc/dialtone/ca.pem", false, 0, 0 },
	{ SEC_TRUST, "crl", confpath_readable, IN(conf, trust_crl),
	  NULL, "/etc/dialtone/crl.pem", false, 0, 0 },

	{ SEC_ACCOUNT, "address", confval_address,
	  IN(conf_account, address),
	  NULL, "sip:alice@example.org", false, 0, 0 },
	{ SEC_ACCOUNT, "password", confval_secret,
	  IN(conf_account, password), NULL, "secret", false, 0, 0 },
	{ SEC_ACCOUNT, "password-file", confpath_secret,
	  IN(conf_account, password),
	  NULL, "/etc/dialtone/password", false, 0, 0 },
	{ SEC_ACCOUNT, "user", confval_string, IN(conf_account, user),
	  NULL, "alice", false, 0, 0 },
	{ SEC_ACCOUNT, "registrar", confval_server,
	  IN(conf_account, registrar),
	  NULL, "sip:example.org;transport=tls", false, 0, 0 },
	{ SEC_ACCOUNT, "outbound", confval_server,
	  IN(conf_account, outbound),
	  NULL, "sip:proxy.example.org;transport=tls", false, 0, 0 },
	{ SEC_ACCOUNT, "expires", confval_u32, IN(conf_account, expires),
	  "600", NULL, false, 5, 604800 },
	{ SEC_ACCOUNT, "tls-ca", confpath_readable,
	  IN(conf_account, tls_ca),
	  NULL, "/etc/ssl/certs/ca-certificates.crt", false, 0, 0 },
	{ SEC_ACCOUNT, "tls-cert", confpath_readable,
	  IN(conf_account, tls_cert),
	  NULL, "/etc/dialtone/tls.pem", false, 0, 0 },
	{ SEC_ACCOUNT, "audio-line", confval_bool,
	  IN(conf_account, audio_line), "no", NULL, false, 0, 0 },

	{ SEC_NAT, "port", confval_u16, IN(conf, nat_port),
	  "0", NULL, false, 0, 65535 },
	{ SEC_NAT, "stun", confval_hosts, IN(conf, stun),
	  "", NULL, true, 0, 0 },
	{ SEC_NAT, "interfaces", confval_list, IN(conf, interfaces),
	  "", NULL, true, 0, 0 },
	{ SEC_NAT, "portmap", confval_bool, IN(conf, portmap),
	  "yes", NULL, false, 0, 0 },
	{ SEC_NAT, "tcp", confval_bool, IN(conf, tcp),
	  "yes", NULL, false, 0, 0 },
	{ SEC_NAT, "tls-port", confval_u16, IN(conf, tls_port),
	  "0", NULL, false, 0, 65535 },
	{ SEC_NAT, "guess", confval_bool, IN(conf, guess),
	  "no", NULL, false, 0, 0 },

	{ SEC_NAT, "relay", confval_relay, IN(conf, relay),
	  "auto", NULL, false, 0, 0 },

	{ SEC_TURN, "server", confval_turns, IN(conf_turn, server),
	  NULL, "turn:turn.example.org, turns:turn.example.org:443", true,
	  0, 0 },
	{ SEC_TURN, "user", confval_string, IN(conf_turn, user),
	  NULL, "alice", false, 0, 0 },
	{ SEC_TURN, "password", confval_secret, IN(conf_turn, password),
	  NULL, "secret", false, 0, 0 },
	{ SEC_TURN, "password-file", confpath_secret,
	  IN(conf_turn, password),
	  NULL, "/etc/dialtone/turn-password", false, 0, 0 },
	{ SEC_TURN, "secret", confval_secret, IN(conf_turn, secret),
	  NULL, "shared-secret", false, 0, 0 },
	{ SEC_TURN, "tls-ca", confpath_readable, IN(conf_turn, tls_ca),
	  NULL, "/etc/ssl/certs/ca-certificates.crt", false, 0, 0 },
	{ SEC_TURN, "proxy", confval_proxy, IN(conf_turn, proxy),
	  NULL, "http://proxy.example.org:3128", false, 0, 0 },

	RIGHTS(SEC_GROUP, conf_group),

	{ SEC_PEER, "address", confval_address, IN(conf_peer, address),
	  NULL, "sip:bob@example.org", false, 0, 0 },
	{ SEC_PEER, "account", confval_string, IN(conf_peer, account),
	  NULL, "NAME", false, 0, 0 },
	{ SEC_PEER, "fingerprint", confval_fp, 0,
	  NULL, "AB:CD:...", false, 0, 0 },
	{ SEC_PEER, "group", confval_string, IN(conf_peer, group),
	  NULL, "staff", false, 0, 0 },
	RIGHTS(SEC_PEER, conf_peer),
	{ SEC_PEER, "relay", confval_relay, IN(conf_peer, relay),
	  NULL, "only", false, 0, 0 },

	{ SEC_FILE, "inbox", confpath_any, 0,
	  NULL, "~/Downloads", false, 0, 0 },
	{ SEC_FILE, "max-size", confval_size, 0, "0", NULL, false, 0, 0 },
	{ SEC_FILE, "quota", confval_size, 0, "0", NULL, false, 0, 0 },
	{ SEC_FILE, "overwrite", confval_switch, 0, "no", NULL, false, 0, 0 },

	{ SEC_PIPE, "command", confval_string, 0,
	  NULL, "cat", false, 0, 0 },

	{ SEC_VPN, "address", confval_prefixes, 0,
	  NULL, "10.7.0.1/24, fd07::1/64", true, 0, 0 },
	{ SEC_VPN, "pool", confval_prefixes, 0,
	  NULL, "10.7.0.128/25", true, 0, 0 },
	{ SEC_VPN, "routes", confval_prefixes, 0, "", NULL, true, 0, 0 },
	{ SEC_VPN, "accept-routes", confval_accept, 0,
	  "no", NULL, true, 0, 0 },
	{ SEC_VPN, "dns", confval_prefixes, 0, "", NULL, true, 0, 0 },
	{ SEC_VPN, "accept-dns", confval_switch, 0, "no", NULL, false, 0, 0 },
	{ SEC_VPN, "peer-to-peer", confval_switch, 0,
	  "no", NULL, false, 0, 0 },
	{ SEC_VPN, "nat", confval_switch, 0, "no", NULL, false, 0, 0 },
	{ SEC_VPN, "exit", confval_exit, 0, "no", NULL, false, 0, 0 },
	{ SEC_VPN, "mtu", confval_mtu, 0, "auto", NULL, false, 0, 0 },
	{ SEC_VPN, "interface", confval_ifname, 0,
	  NULL, "office0", false, 0, 0 },
	{ SEC_VPN, "users", confval_users, 0, "", NULL, true, 0, 0 },

	{ SEC_REGISTRAR, "listen", confval_listen,
	  IN(conf_registrar, listen),
	  "udp:0.0.0.0:5060, tcp:0.0.0.0:5060", NULL, true, 0, 0 },
	{ SEC_REGISTRAR, "domain", confval_hosts,
	  IN(conf_registrar, domain), "", NULL, true, 0, 0 },
	{ SEC_REGISTRAR, "users-file", confpath_readable,
	  IN(conf_registrar, users_file),
	  NULL, "/etc/dialtone/users", false, 0, 0 },
	{ SEC_REGISTRAR, "tls-cert", confpath_readable,
	  IN(conf_registrar, tls_cert),
	  NULL, "/etc/dialtone/tls.pem", false, 0, 0 },
	{ SEC_REGISTRAR, "stun", confval_bool, IN(conf_registrar, stun),
	  "yes", NULL, false, 0, 0 },
	{ SEC_REGISTRAR, "expires", confval_u32,
	  IN(conf_registrar, expires), "3600", NULL, false, 5, 604800 },
};

_Static_assert(sizeof conf_keys / sizeof conf_keys[0] <= CONF_KEYS_MAX,
	       "confread.c has room to note each key seen");

const size_t conf_keyc = sizeof conf_keys / sizeof conf_keys[0];

const struct conf_key *conf_key_find(enum conf_sec sec, const char *word)
{
	for (size_t i = 0; i < conf_keyc; i++)
		if (conf_keys[i].sec == sec &&
		    !strcmp(conf_keys[i].word, word))
			return &conf_keys[i];
	return NULL;
}
