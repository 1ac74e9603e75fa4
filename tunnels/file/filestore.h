/*
 * filestore.h: the receiving folder. Every name is looked up below it, a
 * symbolic link is never followed, and an existing name never overwritten.
 *
 *   FOLDER/.dialtone-stage-XXXX/N      small files until they are synced
 *   FOLDER/a/.NAME.dialtone-part       a large file, until it is complete
 *   FOLDER/a/NAME, NAME (1)...         whole and verified
 */
#ifndef DIALTONE_FILESTORE_H
#define DIALTONE_FILESTORE_H

#include <sys/stat.h>
#include <re.h>

#define FILESTORE_PART  ".dialtone-part"
#define FILESTORE_STAGE ".dialtone-stage-"

enum { FILESTORE_NAME = 256 };          /* a component and its NUL */

/* Open the folder, made with its parents (0700) if it is not there. */
int filestore_folder(int *fdp, const char *path);

/* Open a folder below root; "" is root itself. ELOOP if a symbolic link is in
 * the way, EXDEV if it leads out. */
int filestore_dir(int *fdp, int root, const char *path);

/* Open or make the unfinished file of NAME, locked for us alone, and say what
 * it is called. Another name is taken while somebody else writes it. */
int filestore_part(int *fdp, char part[FILESTORE_NAME], int dir,
		   const char *name);

/* The n-th name to try for NAME: "a (1).txt"; n = 0 is NAME itself. */
void filestore_name(char out[FILESTORE_NAME], const char *name, unsigned n);

/* Open a plain file to read; -1 with errno, ENOTSUP or ELOOP if it is
 * something else. */
int filestore_plain(int dir, const char *name, struct stat *st);

/* Give the complete file `part` in folder `from` its NAME in `to`, or the
 * next one that is free; out says which. *had: the same bytes are there under
 * that name already, and part is gone. */
int filestore_place(int from, const char *part, int to, const char *name,
		    char out[FILESTORE_NAME], bool *had);

/* The same for a symbolic link. */
int filestore_link(const char *target, int to, const char *name,
		   char out[FILESTORE_NAME], bool *had);

#endif
