/*
 * test_holder.c - the line of postern.lock, and lines that others wrote
 */
#include "config.h"

#include "maildir/holder.h"

#include <string.h>

#include "maildir_fixture.h"

#define SESSION "000102030405060708090a0b0c0d0eff"
#define GOOD "postern 1 " SESSION " 1795757653 192.0.2.7\n"

static void a_line_is_read_as_it_was_written(void **state)
{
	struct holder holder = {
		.session = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
			255 },
		.since_s = 1795757653, .address = "192.0.2.7",
	};
	struct holder found;
	char line[HOLDER_LINE_OCTETS + 1];

	(void)state;
	assert_int_equal(holder_write(&holder, line), strlen(GOOD));
	assert_string_equal(line, GOOD);
	assert_int_equal(holder_read(&found, line, strlen(line)), 0);
	assert_memory_equal(found.session, holder.session,
		sizeof(found.session));
	assert_int_equal(found.since_s, 1795757653);
	assert_string_equal(found.address, "192.0.2.7");
}

static void the_longest_line_fits(void **state)
{
	struct holder holder = { .since_s = INT64_MIN };
	char line[HOLDER_LINE_OCTETS + 1];

	(void)state;
	memset(holder.session, 0xff, sizeof(holder.session));
	memset(holder.address, 'f', sizeof(holder.address) - 1);
	size_t count = holder_write(&holder, line);
	assert_true(count < HOLDER_LINE_OCTETS);
	assert_int_equal(strlen(line), count);
	assert_int_equal(line[count - 1], '\n');
}

/* Read 'line' and fail. */
static void refuse(const char *line)
{
	struct holder holder;

	if (holder_read(&holder, line, strlen(line)) == 0)
		fail_msg("read: %s", line);
}

static void a_line_wrong_in_any_octet_is_refused(void **state)
{
	struct holder holder;
	char line[2 * HOLDER_LINE_OCTETS];

	(void)state;
	refuse("");
	refuse("\n");
	refuse(GOOD GOOD);
	refuse("postern 2 " SESSION " 1795757653 192.0.2.7\n");
	refuse("postern 1 " SESSION " 1795757653 192.0.2.7");
	refuse("postern 1 " SESSION " 1795757653 192.0.2.7\r\n");
	refuse("postern 1 " SESSION " 1795757653 \n");
	refuse("postern 1 " SESSION " 1795757653\n");
	refuse("postern 1 " SESSION " 0 192.0.2.7\n");
	refuse("postern 1 " SESSION " -1 192.0.2.7\n");
	refuse("postern 1 " SESSION " 179575765300 192.0.2.7\n");
	refuse("postern 1 " SESSION "0 1795757653 192.0.2.7\n");
	refuse("postern 1  1795757653 192.0.2.7\n");
	refuse("postern 1 " SESSION " 1795757653 -\n");
	refuse("postern 1 " SESSION " 1795757653 192.0.2.7 x\n");
	refuse("postern 1 " SESSION " 1795757653 [AUTH]\n");
	refuse("postern 1 " SESSION " 1795757653 \x1b[2J\n");
	for (size_t i = 0; i < strlen(GOOD); i++) {
		assert_int_equal(holder_read(&holder, GOOD, i), -1);
		memcpy(line, GOOD, sizeof(GOOD));
		line[i] = '\0';
		assert_int_equal(holder_read(&holder, line, strlen(GOOD)), -1);
	}
	memset(line, 'a', sizeof(line));
	assert_int_equal(holder_read(&holder, line, sizeof(line)), -1);
}

static void an_address_forges_nothing(void **state)
{
	char endless[HOLDER_ADDRESS_BYTES];
	struct holder holder = { .since_s = 1, .address = "x\n+OK" };
	char line[HOLDER_LINE_OCTETS + 1];

	(void)state;
	assert_true(holder_is_address("192.0.2.7"));
	assert_true(holder_is_address("2001:db8::7"));
	assert_true(holder_is_address("::1"));
	assert_true(holder_is_address("fe80::1%br-lan.2"));
	assert_true(holder_is_address("local"));
	assert_false(holder_is_address(""));
	assert_false(holder_is_address("-"));
	assert_false(holder_is_address("a b"));
	assert_false(holder_is_address("a\r\n"));
	assert_false(holder_is_address("a\x7f"));
	assert_false(holder_is_address("\xff"));
	memset(endless, '1', sizeof(endless));
	assert_false(holder_is_address(endless));
	holder_write(&holder, line);
	assert_non_null(strstr(line, " 1 -\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("a line is read as it was written",
			a_line_is_read_as_it_was_written),
		PURE_CASE("the longest line fits", the_longest_line_fits),
		PURE_CASE("a line wrong in any octet is refused",
			a_line_wrong_in_any_octet_is_refused),
		PURE_CASE("an address forges nothing",
			an_address_forges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
