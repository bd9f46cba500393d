/*
 * ctl_http.c - one request of HTTP on standard input, one answer
 *
 * Runs in: posternctl metrics --http.  Distrusts: the client.
 */
#include "config.h"

#include "ctl_http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"

#define HEAD_BYTES 8192
#define HEAD_S 10

static const struct {
	const char *status;
	const char *more;	/* a line of the head */
} replies[] = {
	[HTTP_GET] = { "200 OK", "" },
	[HTTP_HEAD] = { "200 OK", "" },
	[HTTP_BAD] = { "400 Bad Request", "" },
	[HTTP_NO_METHOD] = { "405 Method Not Allowed",
		"Allow: GET, HEAD\r\n" },
	[HTTP_NO_PATH] = { "404 Not Found", "" },
	[HTTP_NO_ANSWER] = { "503 Service Unavailable", "" },
};

/* Whether the head is over: an empty line, with or without its CR. */
static bool is_whole(const char *text)
{
	return strstr(text, "\r\n\r\n") != NULL ||
		strstr(text, "\n\n") != NULL;
}

/* RFC 9112 section 3: method SP target SP version. */
enum http_request http_parse(const char *text)
{
	size_t line = strcspn(text, "\r\n");
	size_t method = strcspn(text, " \r\n");
	const char *target = text + method + 1;

	if (method == 0 || method >= line)
		return HTTP_BAD;
	size_t length = strcspn(target, " \r\n");
	const char *version = target + length + 1;
	if (length == 0 || version >= text + line ||
			strncmp(version, "HTTP/1.", 7) != 0)
		return HTTP_BAD;

	bool is_get = method == 3 && memcmp(text, "GET", 3) == 0;
	if (!is_get && (method != 4 || memcmp(text, "HEAD", 4) != 0))
		return HTTP_NO_METHOD;
	size_t path = strcspn(target, "? \r\n");
	if (path != strlen("/metrics") || memcmp(target, "/metrics", path) != 0)
		return HTTP_NO_PATH;
	return is_get ? HTTP_GET : HTTP_HEAD;
}

/* Returns how many octets came; 0 or -1: no more will. */
static ssize_t read_some(char *to, size_t room, int64_t deadline_ms)
{
	struct pollfd wanted = { .fd = STDIN_FILENO, .events = POLLIN };
	int ready;

	do
		ready = poll(&wanted, 1, deadline_poll_ms(deadline_ms));
	while (ready < 0 && errno == EINTR);
	return ready > 0 ? read(STDIN_FILENO, to, room) : -1;
}

enum http_request http_read(void)
{
	char head[HEAD_BYTES + 1] = "";
	size_t count = 0;
	int64_t deadline_ms = deadline_in_s(HEAD_S);

	while (!is_whole(head)) {
		ssize_t got = count < HEAD_BYTES ? read_some(head + count,
			HEAD_BYTES - count, deadline_ms) : 0;
		if (got <= 0)
			return count == 0 ? HTTP_GONE : HTTP_BAD;
		/* No NUL may hide what is behind it. */
		if (memchr(head + count, '\0', (size_t)got) != NULL)
			return HTTP_BAD;
		count += (size_t)got;
		head[count] = '\0';
	}
	return http_parse(head);
}

bool http_answer(enum http_request request, const char *type, const char *body)
{
	bool is_good = request == HTTP_GET || request == HTTP_HEAD;

	if (request == HTTP_GONE)
		return true;
	if (!is_good) {
		type = "text/plain; charset=utf-8";
		body = replies[request].status;
	}
	printf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Connection: close\r\n%s\r\n%s", replies[request].status, type,
		strlen(body), replies[request].more,
		request == HTTP_HEAD ? "" : body);
	return fflush(stdout) == 0 && !ferror(stdout);
}
