/*
 * census.c - some known messages, and how often each is where
 */
#include "config.h"

#include "census.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES 4096

/* Every message has another content and another size. */
static const char *content(unsigned int number)
{
	static char text[MOST_BYTES];
	int count = snprintf(text, sizeof(text),
		"From: joe@example.net\nSubject: message %u\n\n", number);

	for (unsigned int line = 0; line <= number * 7; line++)
		count += snprintf(text + count, sizeof(text) - (size_t)count,
			"Line %u of message %u.\n", line, number);
	return text;
}

void census_store(struct fixture *fixture, unsigned int number,
	const char *path)
{
	assert_int_equal(census_number(strchr(path, '/') + 1), number);
	fixture_write(fixture, path, content(number));
}

unsigned int census_number(const char *name)
{
	unsigned long number = strtoul(name, NULL, 10) - CENSUS_TIME;

	return number < CENSUS_MESSAGES ? (unsigned int)number :
		CENSUS_MESSAGES;
}

long census_bytes(unsigned int number)
{
	return (long)strlen(content(number));
}

/* One Maildir: its two folders, and which files were counted there. */
struct place {
	const char *folders[2];
	unsigned int *counts;
	ino_t inodes[CENSUS_MESSAGES];	/* the last one of each message */
};

/* Whether it is message 'number', as it was stored; and its inode. */
static bool is_whole(int folder_fd, const char *name, unsigned int number,
	ino_t *inode)
{
	const char *wanted = content(number);
	char text[MOST_BYTES + 1];
	struct stat status;
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		O_CLOEXEC);
	ssize_t count;

	if (fd < 0)
		return false;
	assert_int_equal(fstat(fd, &status), 0);
	*inode = status.st_ino;
	count = read(fd, text, sizeof(text));
	close(fd);
	return count == (ssize_t)strlen(wanted) &&
		memcmp(text, wanted, strlen(wanted)) == 0;
}

static void count_entry(struct census *census, struct place *place,
	int folder_fd, const char *name)
{
	unsigned int number = census_number(name);
	const char *flags = strstr(name, ":2,");
	ino_t inode;

	if (number == CENSUS_MESSAGES ||
		!is_whole(folder_fd, name, number, &inode)) {
		census->strange++;
		snprintf(census->strange_name, sizeof(census->strange_name),
			"%s", name);
		return;
	}
	if (place->counts[number] == 0 || place->inodes[number] != inode)
		place->counts[number]++;
	place->inodes[number] = inode;
	if (place->counts == census->kept && flags != NULL &&
		strchr(flags, 'S') != NULL)
		census->is_seen[number] = true;
}

/* A folder that is not there has nothing in it. */
static void count_folder(struct fixture *fixture, struct census *census,
	struct place *place, const char *path)
{
	int fd = openat(fixture->root_fd, path, O_RDONLY | O_DIRECTORY |
		O_CLOEXEC);
	struct dirent *entry;
	DIR *directory;

	if (fd < 0) {
		assert_int_equal(errno, ENOENT);
		return;
	}
	directory = fdopendir(fd);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			count_entry(census, place, fd, entry->d_name);
	closedir(directory);
}

void census_take(struct fixture *fixture, struct census *census)
{
	struct place places[] = {
		{ { "new", "cur" }, census->kept, { 0 } },
		{ { "postern.trash/new", "postern.trash/cur" },
			census->trashed, { 0 } },
	};

	memset(census, 0, sizeof(*census));
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++)
			count_folder(fixture, census, &places[i],
				places[i].folders[j]);
}
