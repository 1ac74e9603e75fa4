/*
 * filecase.h: names on file systems that take "Readme" and "README", or two
 * ways to write the same letter, for one.
 */
#ifndef DIALTONE_FILECASE_H
#define DIALTONE_FILECASE_H

#include <stdbool.h>

/* What NAME finds in the folder: is it spelled exactly so? */
bool filecase_exact(int dir, const char *name);

#endif
