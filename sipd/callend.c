/*
 * callend.c: the tables that map SIP's answers and errors to reasons.
 *
 * Our own word, carried in Reason or Warning, tells more than a status code
 * and goes first; it is the peer's claim, so it is mapped to what it means on
 * this side.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/callend.h"
#include "sipd/ua/request.h"

static const struct {
	uint16_t scode;
	enum reason reason;
} scodev[] = {
	{ 401, REASON_AUTH_FAILED  },
	{ 403, REASON_FORBIDDEN    },
	{ 404, REASON_NOT_FOUND    },
	{ 407, REASON_AUTH_FAILED  },
	{ 408, REASON_NO_ANSWER    },
	{ 410, REASON_NOT_FOUND    },
	{ 415, REASON_NOT_DIALTONE },
	{ 480, REASON_OFFLINE      },
	{ 484, REASON_NOT_FOUND    },
	{ 486, REASON_BUSY         },
	{ 487, REASON_INTERRUPTED  },
	{ 488, REASON_NOT_DIALTONE },
	{ 503, REASON_SERVER_ERROR },
	{ 600, REASON_BUSY         },
	{ 603, REASON_DECLINED     },
	{ 604, REASON_NOT_FOUND    },
	{ 606, REASON_NOT_DIALTONE },
};

static const struct {
	int err;
	enum reason reason;
	bool all;               /* the reason's sentence says as much */
} errv[] = {
	{ ETIMEDOUT,    REASON_UNREACHABLE,    true  },
	{ ECONNREFUSED, REASON_UNREACHABLE,    true  },
	{ ECONNRESET,   REASON_UNREACHABLE,    false },
	{ ENETUNREACH,  REASON_UNREACHABLE,    false },
	{ EHOSTUNREACH, REASON_NAME_NOT_FOUND, true  },
	{ ENOENT,       REASON_NAME_NOT_FOUND, false },
	{ EACCES,       REASON_TLS_FAILED,     true  },
	{ EPROTO,       REASON_BAD_PEER,       false },
	{ EBADMSG,      REASON_BAD_PEER,       false },
};

/* What the peer's word means for us. */
static const struct {
	enum reason theirs, ours;
} mirrorv[] = {
	{ REASON_LOCAL_HANGUP, REASON_PEER_HANGUP   },
	{ REASON_LOCAL_STOP,   REASON_PEER_HANGUP   },
	{ REASON_INTERRUPTED,  REASON_PEER_HANGUP   },
	{ REASON_SHUTDOWN,     REASON_PEER_HANGUP   },
	/* we were called, and asked, for too long */
	{ REASON_NO_ANSWER,    REASON_PEER_HANGUP   },
	{ REASON_UNKNOWN_HERE, REASON_UNKNOWN_THERE },
	{ REASON_NOT_TRUSTED,  REASON_UNKNOWN_THERE },
	{ REASON_NOT_ACCEPTED, REASON_DECLINED      },
	{ REASON_PEER_LOST,    REASON_PATH_LOST     },
	{ REASON_WRONG_KEY,    REASON_WRONG_KEY_THERE },
	{ REASON_LIMIT,        REASON_BUSY          },
	{ REASON_INTERNAL,     REASON_REFUSED       },
};

static enum reason mirror(enum reason theirs)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(mirrorv); i++)
		if (mirrorv[i].theirs == theirs)
			return mirrorv[i].ours;
	return theirs;
}

/* "word" or "word: sentence"? Then the sentence is left in *text. */
static enum reason text_word(const char **text)
{
	size_t n = strcspn(*text, ":");
	char word[32];
	enum reason r;

	if (n >= sizeof word)
		return REASON_NONE;
	(void)str_ncpy(word, *text, n + 1);
	r = reason_find(word);
	if (r != REASON_NONE) {
		*text += n;
		*text += strspn(*text, ": ");
	}
	return r;
}

static enum reason scode_reason(uint16_t scode)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(scodev); i++)
		if (scodev[i].scode == scode)
			return scodev[i].reason;
	return scode >= 600 ? REASON_DECLINED :
	       scode >= 500 ? REASON_SERVER_ERROR : REASON_REFUSED;
}

/* Our own server: its word for nobody there. */
static enum reason server_reason(enum reason r)
{
	return r == REASON_UNREACHABLE || r == REASON_NAME_NOT_FOUND
		? REASON_NO_SERVER : r;
}

static enum reason err_reason(const struct call_end *end, const char **text)
{
	enum reason r = REASON_UNREACHABLE;

	for (size_t i = 0; i < RE_ARRAY_SIZE(errv); i++) {
		if (errv[i].err != end->err)
			continue;
		if (errv[i].all && !strcmp(*text, request_sentence(end->err)))
			*text = "";
		r = errv[i].reason;
		break;
	}
	return end->server ? server_reason(r) : r;
}

enum reason callend_reason(const struct call_end *end, bool answered,
			   const char **text)
{
	enum reason r = reason_find(end->key);

	*text = end->text;
	if (r == REASON_NONE)
		r = text_word(text);
	if (r != REASON_NONE)
		return mirror(r);
	if (answered && end->scode == 481)      /* it has forgotten us */
		return REASON_PEER_LOST;
	if (end->err)
		return answered ? REASON_PEER_LOST
			: err_reason(end, text);
	if (end->by_peer || !end->scode)
		return REASON_PEER_HANGUP;
	return scode_reason(end->scode);
}

int callend_warning(char *buf, size_t size, enum reason r, const char *text)
{
	return re_snprintf(buf, size, "%s%s%s", reason_name(r),
			   str_isset(text) ? ": " : "", text) < 0
		? EOVERFLOW : 0;
}
