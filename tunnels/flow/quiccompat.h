/*
 * quiccompat.h: one source for ngtcp2 0.12 (Debian 12) and 1.x (Debian 13):
 * what was renamed in between, and nothing else.
 */
#ifndef DIALTONE_QUICCOMPAT_H
#define DIALTONE_QUICCOMPAT_H

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#define QC_V1 (NGTCP2_VERSION_NUM >= 0x010000)

#if QC_V1

#define QC_CC_BBR NGTCP2_CC_ALGO_BBR
#define QC_LEVEL_INITIAL NGTCP2_ENCRYPTION_LEVEL_INITIAL
typedef ngtcp2_encryption_level qc_level;
typedef ngtcp2_ccerr qc_close;
#define QC_CLOSE_APP NGTCP2_CCERR_TYPE_APPLICATION
#define qc_close_init ngtcp2_ccerr_default
#define qc_close_set_lib ngtcp2_ccerr_set_liberr
#define qc_close_set_alert ngtcp2_ccerr_set_tls_alert
#define qc_close_set_app ngtcp2_ccerr_set_application_error

static inline void qc_close_get(ngtcp2_conn *conn, qc_close *ce)
{
	*ce = *ngtcp2_conn_get_ccerr(conn);
}

static inline int qc_shutdown_stream(ngtcp2_conn *conn, int64_t id,
				     uint64_t code)
{
	return ngtcp2_conn_shutdown_stream(conn, 0, id, code);
}

static inline void qc_set_original_dcid(ngtcp2_transport_params *tp,
					const ngtcp2_cid *cid)
{
	tp->original_dcid = *cid;
	tp->original_dcid_present = 1;
}

static inline void qc_info(ngtcp2_conn *conn, uint64_t *cwnd, uint64_t *rtt)
{
	ngtcp2_conn_info ci;

	ngtcp2_conn_get_conn_info(conn, &ci);
	*cwnd = ci.cwnd;
	*rtt = ci.smoothed_rtt;
}

#else

#define QC_CC_BBR NGTCP2_CC_ALGO_BBR2
#define QC_LEVEL_INITIAL NGTCP2_CRYPTO_LEVEL_INITIAL
typedef ngtcp2_crypto_level qc_level;
typedef ngtcp2_connection_close_error qc_close;
#define QC_CLOSE_APP NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION
#define qc_close_init ngtcp2_connection_close_error_default
#define qc_close_set_lib \
	ngtcp2_connection_close_error_set_transport_error_liberr
#define qc_close_set_alert \
	ngtcp2_connection_close_error_set_transport_error_tls_alert
#define qc_close_set_app ngtcp2_connection_close_error_set_application_error
#define qc_close_get ngtcp2_conn_get_connection_close_error
#define qc_shutdown_stream ngtcp2_conn_shutdown_stream

static inline void qc_set_original_dcid(ngtcp2_transport_params *tp,
					const ngtcp2_cid *cid)
{
	tp->original_dcid = *cid;
}

static inline void qc_info(ngtcp2_conn *conn, uint64_t *cwnd, uint64_t *rtt)
{
	ngtcp2_conn_stat cs;

	ngtcp2_conn_get_conn_stat(conn, &cs);
	*cwnd = cs.cwnd;
	*rtt = cs.smoothed_rtt;
}

#endif

#endif
