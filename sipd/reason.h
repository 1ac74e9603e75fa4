/*
 * reason.h: the one list of why a session ends.
 */
#ifndef DIALTONE_REASON_H
#define DIALTONE_REASON_H

#include <stdint.h>

/* X(enum, word on the wire and in JSON, exit code, sentence). The sentence is
 * read by people: what happened and what to do. %s is the peer. */
#define REASONS(X) \
	X(NONE, "none", 0, "The session is still going on.") \
	X(DONE, "done", 0, "Done.") \
	X(LOCAL_HANGUP, "local-hangup", 0, "You ended the session with %s.") \
	X(PEER_HANGUP, "peer-hangup", 0, "%s ended the session.") \
	X(PEER_STOPPED, "peer-stopped", 1, "%s ended the session before everything was transferred.") \
	X(INTERRUPTED, "interrupted", 130, "Interrupted.") \
	X(NO_ACCOUNT, "no-account", 1, "No account can call %s: add an [account] section to sipd.conf, or give an address such as sip:192.0.2.7.") \
	X(BAD_ADDRESS, "bad-address", 2, "%s is not a SIP address or the name of a [peer]: write sip:user@host or user@host.") \
	X(NAME_NOT_FOUND, "name-not-found", 1, "The host of %s is not known to the DNS: check the address.") \
	X(UNREACHABLE, "unreachable", 1, "Nothing answers at the address of %s: check that sipd or `dial wait` runs there, or its SIP server, and that the port is right.") \
	X(NO_SERVER, "no-server", 1, "The SIP server that calls to %s go by does not answer: check that it runs, and registrar and outbound in [account].") \
	X(NO_ANSWER, "no-answer", 1, "%s did not answer: try again later.") \
	X(BUSY, "busy", 1, "%s is busy: try again later.") \
	X(NOT_FOUND, "not-found", 1, "%s does not exist at its server: check the address.") \
	X(OFFLINE, "offline", 1, "%s is not online now: its sipd is not registered at the server.") \
	X(NOT_ACCEPTED, "not-accepted", 1, "What %s offered was not accepted.") \
	X(DECLINED, "declined", 1, "%s declined the call.") \
	X(AUTH_FAILED, "auth-failed", 1, "The server refused our name or password: check [account].") \
	X(FORBIDDEN, "forbidden", 1, "The server does not allow the call to %s: check [account] and the address.") \
	X(TLS_FAILED, "tls-failed", 1, "The server's TLS certificate cannot be trusted: check the registrar's name and tls-ca in [account].") \
	X(SERVER_ERROR, "server-error", 1, "The SIP server could not pass the call on to %s.") \
	X(UNKNOWN_HERE, "unknown-here", 1, "%s is unknown here and unknown=reject: add it as a [peer], or answer with `dial wait`.") \
	X(UNKNOWN_THERE, "unknown-there", 1, "%s does not know our key: it must add the fingerprint that `dial identity` prints here.") \
	X(NOT_ALLOWED, "not-allowed", 1, "%s does not allow us this tunnel: it must name it in the allow line of its [peer] section for us.") \
	X(REFUSED, "refused", 1, "%s refused the tunnel.") \
	X(NOT_TRUSTED, "not-trusted", 1, "The key of %s was not accepted.") \
	X(WRONG_KEY, "wrong-key", 1, "%s has another key than the one pinned: either its key was made anew or somebody is in between. Compare fingerprints by another way before changing it.") \
	X(WRONG_KEY_THERE, "wrong-key-there", 1, "%s has another key pinned for us than the one we showed: it must compare and replace it.") \
	X(NOT_DIALTONE, "not-dialtone", 1, "%s answered, but it does not speak Dialtone.") \
	X(BAD_PEER, "bad-peer", 1, "%s does not follow the protocol.") \
	X(NO_PATH, "no-path", 1, "No path to %s was found: UDP between the two networks is blocked.") \
	X(PATH_LOST, "path-lost", 1, "The path to %s was lost.") \
	X(PEER_LOST, "peer-lost", 1, "%s has vanished: nothing was heard from it for too long.") \
	X(SECURE_FAILED, "secure-failed", 1, "No secure connection to %s could be made.") \
	X(TUNNEL_FAILED, "tunnel-failed", 1, "The tunnel failed.") \
	X(LIMIT, "limit", 1, "A limit of this sipd was reached: see sessions=, per-peer= and rate= in [sipd].") \
	X(SHUTDOWN, "shutdown", 1, "sipd is shutting down.") \
	X(INTERNAL, "internal", 1, "Something went wrong inside: see the log.") \
	X(LOCAL_STOP, "local-stop", 1, "The session with %s was ended here before everything was transferred.")

enum reason {
#define REASON_ENUM(e, word, code, text) REASON_##e,
	REASONS(REASON_ENUM)
#undef REASON_ENUM
	REASON_COUNT
};

/* "peer-hangup"; for JSON, the call log and SIP's Reason header. */
const char *reason_name(enum reason r);

/* The other way round; REASON_NONE if it is none of ours. */
enum reason reason_find(const char *name);

/* The sentence, about this peer. */
int reason_text(char *buf, unsigned size, enum reason r, const char *peer);

/* Exit code of dial. */
int reason_exit(enum reason r);

#endif
