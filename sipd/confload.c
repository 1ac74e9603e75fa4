/*
 * confload.c: the one sentence on what is wrong with sipd.conf.
 */
#include <errno.h>
#include "sipd/confload.h"

/* The file's bytes are quoted, and the sentence goes to a terminal. */
static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

int load_fail(struct load *ld, unsigned line, const char *fmt, ...)
{
	char what[sizeof ld->e->text];
	va_list ap;

	if (ld->err)
		return ld->err;
	ld->err = EINVAL;
	va_start(ap, fmt);
	(void)re_vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (line)
		(void)re_snprintf(ld->e->text, sizeof ld->e->text,
				  "%s:%u: %s", ld->file, line, what);
	else
		(void)re_snprintf(ld->e->text, sizeof ld->e->text,
				  "%s: %s", ld->file, what);
	clean(ld->e->text);
	return EINVAL;
}

int load_section(struct re_printf *pf, const struct load *ld)
{
	return re_hprintf(pf, "[%s%s%s]", conf_sections[ld->sec].word,
			  str_isset(ld->name) ? " " : "",
			  ld->name ? ld->name : "");
}
