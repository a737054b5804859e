/* host.h: the name of this machine. */
#ifndef PERDURE_BASE_HOST_H
#define PERDURE_BASE_HOST_H

enum { HOST_NAME_ROOM = 256 };
/* Into ret; "localhost" when the machine has none. */
void host_name(char ret[static HOST_NAME_ROOM]);

#endif
