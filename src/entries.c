/*
 * entries.c - the many lines of LIST and UIDL
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "entries.h"

#include <string.h>

/* Two numbers, or a number and a unique-id, a blank and CRLF. */
#define ENTRY_OCTETS (20 + 1 + NAME_UIDL_OCTETS + 2)

/* Write what is listed of message 'idx'; returns its end, NULL if none. */
typedef char *write_entry(const struct mailbox *box, uint32_t idx, char *to);

/*
 * A listing may have a hundred thousand lines, of which printf would be the
 * most expensive part.
 */
static char *write_number(uint64_t number, char *to)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + sizeof(digits) - at;
}

static char *write_octets(const struct mailbox *box, uint32_t idx, char *to)
{
	return write_number(mailbox_octets(box, idx), to);
}

static char *write_uidl(const struct mailbox *box, uint32_t idx, char *to)
{
	const char *uidl = mailbox_uidl(box, idx);
	size_t count;

	if (uidl == NULL)
		return NULL;
	count = strlen(uidl);
	memcpy(to, uidl, count);
	return to + count;
}

static int write_line(struct session *session, uint32_t idx,
	write_entry *write)
{
	size_t room;
	char *start = stream_room(&session->stream, ENTRY_OCTETS, &room), *to;

	/* The stream remembers a failure; the engine asks it. */
	if (start == NULL)
		return 0;
	to = write_number(pop3_msgno(idx), start);
	*to++ = ' ';
	to = write(&session->mailbox, idx, to);
	if (to == NULL)
		return -1;
	memcpy(to, "\r\n", 2);
	stream_wrote(&session->stream, (size_t)(to + 2 - start));
	return 0;
}

static enum pop3_event write_entries(struct session *session,
	write_entry *write)
{
	const struct mailbox *box = &session->mailbox;

	for (uint32_t idx = 0; idx < mailbox_count(box); idx++)
		if (!mailbox_is_marked(box, idx) &&
				write_line(session, idx, write) < 0)
			return pop3_over(session, WIRE_END_KEEPER_LOST);
	return pop3_end_of_lines(session);
}

enum pop3_event entries_of_octets(struct session *session)
{
	return write_entries(session, write_octets);
}

enum pop3_event entries_of_uidls(struct session *session)
{
	return write_entries(session, write_uidl);
}
