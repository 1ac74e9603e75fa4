/*
 * pipe.c: the tunnel kind `pipe`: bytes both ways between the caller's stdin
 * and stdout and the callee's, or those of the command configured there.
 *
 *   a=x-dialtone-tunnel:pipe v=1
 *
 * What may be piped is decided here, how it goes in pipe/piperun.c.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/ask.h"
#include "tunnels/pipe/piperun.h"
#include "tunnels/pipe/pipetunnel.h"

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	ending_stop(&t->end);
	timer_stop(&t->linger);
	if (t->flow)
		(void)flow_listen(t->flow, t->number, NULL, NULL);
	stream_reset(t->s, record_errno_code(ECANCELED));
	mem_deref(t->in);
	mem_deref(t->out);
	mem_deref(t->command);
	pipefd_close(&t->fd_in);
	pipefd_close(&t->fd_out);
	mem_deref(t->rd.body);
	mem_deref(t->wr.backlog);
	mem_deref(t->line);
	mem_deref(t->peer);
}

static int pipe_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->fd_in.fd = t->fd_out.fd = -1;
	err = ask_peer(&t->peer, ask);
	if (!err && ask->fd_in >= 0)
		err = pipefd_open(&t->fd_in, ask->fd_in, false);
	if (!err && ask->fd_out >= 0)
		err = pipefd_open(&t->fd_out, ask->fd_out, true);
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static bool has_ends(const struct tunnel_ask *ask)
{
	return ask->fd_in >= 0 && ask->fd_out >= 0;
}

static bool pipe_stdio(char *const *argv, size_t argc)
{
	(void)argv;
	(void)argc;
	return true;
}

static int pipe_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		      struct desc_media *local)
{
	struct tunnel *t;
	int err;

	if (ask->argc)
		return ask_refuse(ask, EINVAL, "pipe takes no words: what the"
				  " far end runs is set there (command in"
				  " [pipe]).");
	if (!has_ends(ask))
		return ask_refuse(ask, EINVAL, "A pipe needs a standard input"
				  " and output.");
	err = pipe_alloc(&t, ask);
	if (err)
		return err;
	t->caller = true;
	err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int pipe_answer(struct tunnel **tp, const struct tunnel_ask *ask,
		       const struct desc_media *remote,
		       struct desc_media *local)
{
	const char *line = ask->confh ? ask->confh("command", ask->arg) :
					NULL;
	struct tunnel *t;
	int err;

	err = ask_version(ask, remote, "pipe");
	if (err)
		return err;
	if (!has_ends(ask) && (!line || !*line))
		return ask_refuse(ask, ENOENT, "Nobody is at the other end of"
				  " the pipe: run `dial wait pipe` there, or"
				  " set command in [pipe].");
	err = pipe_alloc(&t, ask);
	if (err)
		return err;
	if (!has_ends(ask))
		err = str_dup(&t->line, line);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int pipe_start(struct tunnel *t, const struct desc_media *remote,
		      const struct tunnel_way *way,
		      const struct tunnel_events *ev)
{
	(void)remote;
	if (t->flow)
		return EALREADY;
	t->loop = way->loop;
	ending_init(&t->end, t->loop, ev);
	t->flow = way->flow;
	t->number = way->number;
	return piperun_start(t);
}

static int pipe_status(struct re_printf *pf, const struct tunnel *t)
{
	return re_hprintf(pf, "sent=%llu received=%llu",
			  t->sent + pipein_bytes(t->in),
			  t->received + pipeout_bytes(t->out));
}

const struct tunnel_kind pipe_tunnel = {
	.name = "pipe",
	.usage = "",
	.help = "stdin and stdout, to those of `dial wait pipe` or of a"
		" command there",
	.need = FLOW_STREAM,
	.stdio = pipe_stdio,
	.offer = pipe_offer,
	.answer = pipe_answer,
	.start = pipe_start,
	.status = pipe_status,
};
