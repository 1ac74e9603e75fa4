/*
 * filemay.h: may this process store files in a folder?
 */
#ifndef DIALTONE_FILEMAY_H
#define DIALTONE_FILEMAY_H

/* Without touching what is there: 0, or the errno with which storing would
 * fail. A folder that is not there is judged by the one it would be made in.
 * Before a call is made: what is allowed now may not be later. */
int filemay_store(const char *path);

#endif
