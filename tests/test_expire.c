/*
 * test_expire.c - which messages are too old, and which only look so
 */
#include "config.h"

#include "maildir/expire.h"

#include "maildir_fixture.h"

#define TODAY 20000
#define DAY_S INT64_C(86400)

/* A message by its name, the time of its file, and when it was retrieved. */
struct sample {
	const char *name;
	int64_t mtime_s;
	uint16_t retrieved_day;
};

static bool is_due(struct sample sample, uint32_t days,
	uint32_t retrieved_days)
{
	struct expire_rules rules = { days, retrieved_days, TODAY };

	return expire_is_due(&rules, sample.name, sample.mtime_s,
		sample.retrieved_day);
}

static void never_without_a_rule(void **state)
{
	(void)state;
	assert_false(is_due((struct sample){ "1000000000.a", 0, 9 }, 0, 0));
}

static void whole_days_only(void **state)
{
	struct sample last = { "x", (TODAY - 1) * DAY_S - 1, 0 };
	struct sample first = { "x", (TODAY - 1) * DAY_S, 0 };

	(void)state;
	/* Delivered a second before the day before, so a day ago at least. */
	assert_true(is_due(last, 1, 0));
	assert_false(is_due(first, 1, 0));
	assert_false(is_due(last, 2, 0));
	first.mtime_s = last.mtime_s = (TODAY - 30) * DAY_S;
	last.mtime_s--;
	assert_true(is_due(last, 30, 0));
	assert_false(is_due(first, 30, 0));
}

static void the_later_time_counts(void **state)
{
	/* Day 19965 and day 19995. */
	const char *old = "1724976000.a", *young = "1727568000.b";

	(void)state;
	assert_true(is_due((struct sample){ old, 19965 * DAY_S, 0 }, 30, 0));
	assert_false(is_due((struct sample){ old, 19995 * DAY_S, 0 }, 30, 0));
	assert_false(is_due((struct sample){ young, 19965 * DAY_S, 0 }, 30,
		0));
	assert_true(is_due((struct sample){ young, 19965 * DAY_S, 0 }, 4, 0));
}

static void a_clock_that_is_wrong_expires_nothing(void **state)
{
	static const struct sample samples[] = {
		{ "9999999999.a", 19000 * DAY_S, 0 },
		{ "99999999999999999999999.a", 19000 * DAY_S, 0 },
		{ "1700000000123456.a", 19000 * DAY_S, 0 },
		{ "x", (TODAY + 1) * DAY_S, 0 },
		{ "x", 0, 0 },
		{ "x", -1, 0 },
		{ "x", INT64_MIN, 0 },
		{ "x", INT64_MAX, 0 },
		{ "1.a", 100, 0 },
		{ "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		assert_false(is_due(samples[i], 1, 1));
}

static void days_after_the_retrieval(void **state)
{
	struct sample sample = { "x", TODAY * DAY_S, 0 };

	(void)state;
	assert_false(is_due(sample, 0, 1));
	sample.retrieved_day = TODAY;
	assert_false(is_due(sample, 0, 1));
	sample.retrieved_day = TODAY - 1;
	assert_false(is_due(sample, 0, 1));
	sample.retrieved_day = TODAY - 2;
	assert_true(is_due(sample, 0, 1));
	assert_false(is_due(sample, 0, 2));
	assert_false(is_due(sample, 0, UINT32_MAX));
	sample.retrieved_day = UINT16_MAX;
	assert_false(is_due(sample, 0, 1));
}

static void either_rule_is_enough(void **state)
{
	struct sample sample = { "x", 19000 * DAY_S, TODAY };

	(void)state;
	assert_true(is_due(sample, 30, 30));
	sample.mtime_s = TODAY * DAY_S;
	assert_false(is_due(sample, 30, 30));
	sample.retrieved_day = 19000;
	assert_true(is_due(sample, 30, 30));
	assert_false(is_due(sample, 30, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("without a rule nothing expires",
			never_without_a_rule),
		PURE_CASE("a message has its days whole before it expires",
			whole_days_only),
		PURE_CASE("the later time of name and file is the delivery",
			the_later_time_counts),
		PURE_CASE("times in the future or of 1970 expire nothing",
			a_clock_that_is_wrong_expires_nothing),
		PURE_CASE("days after the retrieval count for what was "
			"retrieved", days_after_the_retrieval),
		PURE_CASE("either of two rules is enough",
			either_rule_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
