/*
 * main.c: the program's entry.
 */
#include <stdio.h>

int main(void)
{
	puts("perdure " PERDURE_VERSION);
	return 0;
}
