/*
 * filestore.h: the receiving folder. Every name is looked up below it, a
 * symbolic link is never followed, and an existing name never overwritten
 * unless that was asked for.
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

/* Open the folder, made with its parents (0700) if it is not there. *made:
 * their names are not synced. */
int filestore_folder(int *fdp, const char *path, bool *made);

/* Open a folder below root; "" is root itself. ELOOP if a symbolic link is in
 * the way, EXDEV if it leads out. */
int filestore_dir(int *fdp, int root, const char *path);

/* Is the open folder on another mount than root? Then nothing can be renamed
 * from one to the other, nor is one synced with the other. */
bool filestore_apart(int dir, int root);

/* Open or make the unfinished file of NAME, locked for us alone, and say what
 * it is called. Another name is taken while somebody else writes it. */
int filestore_part(int *fdp, char part[FILESTORE_NAME], int dir,
		   const char *name);

/* The n-th name to try for NAME: "a (1).txt"; n = 0 is NAME itself. */
void filestore_name(char out[FILESTORE_NAME], const char *name, unsigned n);

/* Open a plain file to read; -1 with errno, ENOTSUP or ELOOP if it is
 * something else. */
int filestore_plain(int dir, const char *name, struct stat *st);

/* What to do where the name is taken. */
enum filestore_taken {
	FILESTORE_RENAME,       /* leave it, take the next free name */
	FILESTORE_OVERWRITE,    /* replace a file or link, never a folder */
};

/* Give the complete file `part` in folder `from` its NAME in `to`; out says
 * which one it got. *had: the same bytes are there under that name already,
 * and part is gone. */
int filestore_place(int from, const char *part, int to, const char *name,
		    enum filestore_taken taken, char out[FILESTORE_NAME],
		    bool *had);

/* The same for a symbolic link. */
int filestore_link(const char *target, int to, const char *name,
		   enum filestore_taken taken, char out[FILESTORE_NAME],
		   bool *had);

/* Make the folder NAME, or the next name that is free of other spellings of
 * it; out says which. *made: it was not there, or a try that was cut short has
 * made it, so its mode and times are ours to set. */
int filestore_mkdir(int dir, const char *name, char out[FILESTORE_NAME],
		    bool *made);

/* The bytes of a file, or the names in a folder, are on the disk when this
 * returns. ELOOP: it is a link. */
int filestore_sync(int dir, const char *name);

#endif
