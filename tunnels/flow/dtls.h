/*
 * dtls.h: a dgram that is a DTLS 1.2 association (RFC 6347) pinned to the
 * peer's key in both directions.
 *
 * dtls_alloc, dtls_path, dtls_close and the handlers belong to the control
 * thread; the association itself lives on the worker.
 */
#ifndef DIALTONE_DTLS_H
#define DIALTONE_DTLS_H

#include "tunnels/flow/dgram.h"
#include "tunnels/flow/flowend.h"
#include "tunnels/flow/worker.h"

struct dtls;
struct identity;

enum { DTLS_SEED_SIZE = 32 };

struct dtls_conf {
	bool client;                    /* a=setup:active is the client */
	const struct identity *identity; /* own key; outlives the dtls */
	uint8_t peer_fp[32];            /* SHA-256 of the peer's certificate */
	bool chain;                     /* keep them for dtls_chain */
	/* Known to both sides from the descriptions. The upper bits of the
	 * sequence numbers of unprotected records are made of it, so that
	 * handshakes of many sessions between the same two sockets are told
	 * apart. A peer without is taken as the one that is waited for. */
	uint8_t seed[DTLS_SEED_SIZE];
	uint64_t keepalive;             /* ns of silence until a heartbeat
	                                   (RFC 6520), default 5 s */
	uint64_t idle;                  /* ns without a packet from the peer
	                                   until it is lost, default 20 s; only
	                                   if it speaks heartbeats */
	uint64_t rekey_time;            /* ns until new keys, default 1 h */
	uint64_t rekey_records;         /* or so many, default 2^26 */
	bool by_ssl;                    /* records by OpenSSL's SSL object, as
	                                   where its keys cannot be had */
	bool no_aes;                    /* as on a machine without AES */
};

struct dtls_handlers {
	/* handshake done and the key is the expected one. On the control
	 * thread. The dgram may be used on the worker from now on. */
	void (*securedh)(struct dgram *d, void *arg);
	/* on the control thread */
	flow_end_h *endh;
};

/* Nothing is sent before the first dtls_path. mem_deref closes if dtls_close
 * was not called; no handler is called after it. */
int dtls_alloc(struct dtls **dp, struct worker *w,
	       const struct dtls_conf *conf, const struct dtls_handlers *h,
	       void *arg);

/* Where to send from now on (the agent's selected pair). Packets are taken
 * from there and, for those under way, from the two addresses before. The
 * check that was answered on it is consent for 30 s. */
void dtls_path(struct dtls *d, int proto, const struct sa *local,
	       const struct sa *remote);

/* Nothing is sent after `until` (CLOCK_MONOTONIC ns), RFC 7675. */
void dtls_consent(struct dtls *d, uint64_t until);

/* An authenticated close_notify goes to the peer, whose endh is told. What
 * has not left the socket yet is dropped. */
void dtls_close(struct dtls *d);

/* The peer's certificates, DER, one behind the other, its own first, at most
 * 16 KB; 0 bytes unless conf.chain asked for them and it is secured. Valid as
 * long as the handle. */
size_t dtls_chain(const struct dtls *p, const uint8_t **der);

/* Counters, updated by the worker, read from any thread. */
struct dtls_stats {
	uint64_t rx_bytes, tx_bytes;    /* UDP payload */
	uint64_t rx_packets, tx_packets;
	uint64_t bad;                   /* forged, damaged or replayed */
	uint64_t keys;                  /* handshakes that were completed */
	uint64_t mtu;                   /* UDP payload known to pass */
};
void dtls_stats(const struct dtls *d, struct dtls_stats *st);

#endif
