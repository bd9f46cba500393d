/*
 * replay.c - run a fuzz target on its corpus, and on changes of it
 *
 * For 'make check', where no fuzzer is: every file of the directory that is
 * named as argument, then each with some octets changed, cut off or doubled in
 * a way that is the same every time.  Prints TAP.  Nothing of it is wanted in
 * a program of libFuzzer, which has its own main().
 */
#include "config.h"

#ifndef LIBFUZZER

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_OCTETS 65536
#define CHANGES 2000

struct input {
	uint8_t octets[MOST_OCTETS];
	size_t count;
};

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Change a few octets, or the length. */
static void change(struct input *input, uint32_t *random)
{
	static const uint8_t special[] = { 0, '\n', '\r', '.', ':', ',', ' ',
		0x7f, 0x80, 0xff };
	uint32_t times = 1 + next_random(random) % 4;

	while (times-- > 0 && input->count > 0) {
		size_t at = next_random(random) % input->count;
		switch (next_random(random) % 4) {
		case 0:
			input->octets[at] = (uint8_t)next_random(random);
			break;
		case 1:
			input->octets[at] = special[next_random(random) %
				sizeof(special)];
			break;
		case 2:
			input->count = at;
			break;
		default:
			if (input->count + at <= MOST_OCTETS) {
				memmove(input->octets + input->count,
					input->octets, at);
				input->count += at;
			}
		}
	}
}

/* Run on memory of exactly that size, so that a sanitizer sees its end. */
static void run(const struct input *input)
{
	uint8_t *octets = malloc(input->count + (input->count == 0));

	if (octets == NULL)
		abort();
	memcpy(octets, input->octets, input->count);
	(void)LLVMFuzzerTestOneInput(octets, input->count);
	free(octets);
}

static void replay(int directory_fd, const char *name)
{
	static struct input original, changed;
	uint32_t random = 20260101;
	int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? -1 :
		read(fd, original.octets, sizeof(original.octets));

	if (count < 0) {
		perror(name);
		exit(EXIT_FAILURE);
	}
	close(fd);
	original.count = (size_t)count;
	run(&original);
	for (int i = 0; i < CHANGES; i++) {
		changed = original;
		change(&changed, &random);
		run(&changed);
	}
}

int main(int argc, char **argv)
{
	DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	int files = 0;

	if (directory == NULL) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return EXIT_FAILURE;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay(dirfd(directory), entry->d_name);
		printf("ok %d - %s and %d changes of it do no harm\n",
			++files, entry->d_name, CHANGES);
	}
	printf("1..%d\n", files);
	closedir(directory);
	return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
