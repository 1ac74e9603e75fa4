/*
 * conf.h: sipd.conf, read once into one struct. Every key, its type and its
 * default stands in one table, conftab.c; etc/sipd.conf is tested against it.
 */
#ifndef DIALTONE_CONF_H
#define DIALTONE_CONF_H

#include <re.h>

enum conf_unknown { UNKNOWN_REJECT, UNKNOWN_PIN, UNKNOWN_ASK };

/* DEFAULT: of a peer, as [nat] says. */
enum conf_relay { RELAY_DEFAULT, RELAY_AUTO, RELAY_NEVER, RELAY_ONLY };

struct conf_account {
	struct le le;
	char *name;             /* [account NAME], "" for [account] */
	char *address;          /* sip:alice@example.org or alice@... */
	char *password;         /* password-file already read */
	char *user;
	char *registrar, *outbound, *tls_ca, *tls_cert;
	uint32_t expires;
	bool audio_line;
};

/* NULL and 0: not said here; see rights.h. */
struct conf_rights {
	char *allow;            /* "file, pipe, forward 127.0.0.1:22" */
	char *hours;
	uint32_t sessions, rate, duration;
	char *bytes;
};

struct conf_group {
	struct le le;
	char *name;
	struct conf_rights rights;
};

struct conf_peer {
	struct le le;
	char *name;
	char *address;          /* NULL: only recognised by its key */
	char *account;          /* call it by this account, NULL: the first */
	bool has_fp;
	uint8_t fp[32];
	char *group;            /* NULL: none */
	struct conf_rights rights;
	enum conf_relay relay;
};

/* A relay, by one or several ways. */
struct conf_turn {
	struct le le;
	char *name;             /* [turn NAME], "" for [turn] */
	char *server;           /* comma list of turn: and turns: URIs */
	char *user;
	char *password, *secret;        /* one of them */
	char *tls_ca, *proxy;
};

/* Any section named after a tunnel kind: [file], [pipe]. In one with a name,
 * [vpn office], the key is "office/address"; "office/" is there if the section
 * is, and "/" is the name of the first. */
struct conf_kind {
	struct le le;
	char *kind;
	char *key, *value;
};

struct conf_registrar {
	bool enabled;           /* a [registrar] section is there */
	char *listen, *domain, *users_file, *tls_cert;
	bool stun;
	uint32_t expires;
};

struct conf {
	char *file;             /* as read; NULL: defaults only */
	char *state;            /* folder: identity, known_peers, call log */
	char *identity;         /* the key's file or pkcs11: URI, NULL: in
	                           state */
	char *certificate;      /* NULL: with the key, or in state */
	char *trust_ca, *trust_crl;     /* files, NULL: none */
	char *control;          /* socket path */
	char *log;              /* "stderr", "syslog" or a file */
	bool syslog_calls;      /* the call log goes to syslog as well */
	char *user;             /* to run as, NULL: stay */
	char *on_call;          /* a program, NULL: none */
	bool contain;           /* contain.h */
	char *write;            /* more folders to write to */
	enum conf_unknown unknown;
	uint16_t sip_port;
	char *allow;            /* for pinned peers without a [peer] */
	uint32_t sessions, per_peer, rate;      /* limits */
	uint32_t source_rate;   /* quota.h */

	uint16_t nat_port;
	char *stun;             /* comma list host[:port] */
	char *interfaces;
	enum conf_relay relay;
	bool portmap, guess;
	bool tcp;
	uint16_t tls_port;      /* 0: none */

	struct list accountl;   /* struct conf_account */
	struct list turnl;      /* struct conf_turn */
	struct list groupl;     /* struct conf_group */
	struct list peerl;      /* struct conf_peer */
	struct list kindl;      /* struct conf_kind */
	struct conf_registrar registrar;
};

struct conf_error {
	char text[256];         /* "sipd.conf:12: unknown key ...; did you
	                           mean ...?" */
};

/* Read FILE; NULL: defaults only (for dial without a configuration). State
 * and control default to folders of the user, or of the system (places.h).
 * Errno with the text filled in. */
int conf_load(struct conf **cp, const char *file, struct conf_error *e);

/* Value of KEY ("NAME/KEY" if the sections have names) in the section of a
 * tunnel kind, or its default, or NULL. */
const char *conf_kind_get(const struct conf *c, const char *kind,
			  const char *key);

/* Is there a section of this kind with anything in it? */
bool conf_kind_any(const struct conf *c, const char *kind);

#endif
