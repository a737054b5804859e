/*
 * replay.c: runs every file of the folders named on the command line through a fuzz target's entry, so that the
 * kept corpora are regression tests in builds without libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	size_t cap = 1 << 20;
	uint8_t *all = malloc(cap);
	size_t n = all ? fread(all, 1, cap, f) : 0;
	fclose(f);
	/* An exact-size copy lets AddressSanitizer see a read past the end. */
	uint8_t *exact = malloc(n ? n : 1);
	if (!all || !exact) {
		free(all);
		free(exact);
		return -1;
	}
	memcpy(exact, all, n);
	free(all);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	size_t ran = 0;
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		if (!d) {
			perror(argv[i]);
			return 1;
		}
		for (struct dirent *e; (e = readdir(d));) {
			char path[4096];
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			if (replay_file(path))
				return 1;
			ran++;
		}
		closedir(d);
	}
	printf("%zu inputs replayed\n", ran);
	return ran ? 0 : 1;
}
