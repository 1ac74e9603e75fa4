/*
 * folder.h: the state folder: making it, and whose the files in it are.
 */
#ifndef DIALTONE_FOLDER_H
#define DIALTONE_FOLDER_H

/* Make a folder for us alone, and those above it. */
int folder_make(const char *path);

/* As root: the files of root in this folder of another user become that
 * user's. Those with more names than one stay as they are. */
void folder_give(const char *path);

#endif
