/* host.c: the name of this machine. */
#include "base/host.h"

#include <string.h>
#include <unistd.h>

void host_name(char ret[static HOST_NAME_ROOM])
{
	char name[HOST_NAME_ROOM] = "";
	if (gethostname(name, sizeof(name) - 1) || !*name)
		memcpy(name, "localhost", sizeof("localhost"));
	memcpy(ret, name, sizeof(name));
}
