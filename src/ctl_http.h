/*
 * ctl_http.h - one request of HTTP on standard input, one answer
 *
 * For a socket of systemd with Accept=yes: this is no web server.
 */
#ifndef POSTERN_CTL_HTTP_H
#define POSTERN_CTL_HTTP_H

#include <stdbool.h>

/* What is asked for. */
enum http_request {
	HTTP_GET, HTTP_HEAD,
	HTTP_BAD,	/* no request: 400 */
	HTTP_NO_METHOD,	/* neither GET nor HEAD: 405 */
	HTTP_NO_PATH,	/* not /metrics: 404 */
	HTTP_NO_ANSWER,	/* we have none: 503 */
	HTTP_GONE	/* nobody is there */
};

/*
 * Understand the first line of 'text', which is NUL-terminated: a whole head of
 * a request with its empty line.  Pure.
 */
enum http_request http_parse(const char *text);

/*
 * Read the head of a request from standard input, for a few seconds and a few
 * KiB at the most.  What is behind it is thrown away.
 */
enum http_request http_read(void);

/*
 * Answer 'request' on standard output: with 'body' of 'type', or with what is
 * wrong with it.  Returns whether that was written.
 */
bool http_answer(enum http_request request, const char *type,
	const char *body);

#endif
