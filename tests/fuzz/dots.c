/*
 * dots.c - fuzz target: a message as a multi-line response, in pieces
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dots.h"
#include "fuzz.h"

#define MOST_ROOM 300

/* What a client has seen so far: it looks for CR LF . CR LF. */
struct client {
	char last[2];		/* the octets before */
	size_t line_octets;
	bool is_dot_line;	/* the line so far is one dot */
};

static void see(struct client *client, const char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char octet = octets[i];
		/* A lone LF, or the end of the response, must not appear. */
		FUZZ_CHECK(octet != '\n' || client->last[1] == '\r');
		FUZZ_CHECK(!(octet == '\n' && client->is_dot_line &&
			client->line_octets == 2));
		if (client->line_octets == 0)
			client->is_dot_line = octet == '.';
		client->line_octets++;
		client->last[0] = client->last[1];
		client->last[1] = octet;
		if (octet == '\n')
			client->line_octets = 0;
	}
}

/* The first three octets: pieces, room, lines of TOP (255: all). */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct client client = { .line_octets = 0 };
	char out[MOST_ROOM];
	struct dots dots;

	if (count < 3)
		return 0;
	size_t piece = octets[0] + 1u, room = octets[1] + 3u, done = 3;
	dots_begin(&dots, octets[2] == 255 ? DOTS_ALL : octets[2]);
	while (done < count && !dots.is_done) {
		size_t left = count - done < piece ? count - done : piece;
		size_t written = room;
		size_t taken = dots_convert(&dots,
			(const char *)octets + done, left, out, &written);
		FUZZ_CHECK(taken > 0 && taken <= left && written <= room);
		see(&client, out, written);
		done += taken;
	}
	const char *end = dots_end(&dots);
	see(&client, end, strlen(end));
	FUZZ_CHECK(client.line_octets == 0);
	return 0;
}
