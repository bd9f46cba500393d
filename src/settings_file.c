/*
 * settings_file.c - the configuration file as libconfuse's tree of sections
 *
 * Owns: the messages, include(), and the way round three faults of libconfuse
 * 3.3: it forgets the file name in sections, accepts a missing '}' at the end
 * of a file, and has an include() that exits when it meets a directory.
 * Runs in: the master, or a child of it that tries a new file.  Distrusts:
 * nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "settings_options.h"
#include "settings_text.h"

#define MESSAGE_BYTES 512
#define INCLUDE_DEPTH_MAX 8

/* The comments behind the function close a forgotten quote. */
static const char end_text[] = "\n" OPTIONS_END_WORD "() #\"\n#'\n#*/\n";

/* libconfuse calls back without an argument of ours. */
static struct {
	cfg_t *root;
	FILE *errors;
	unsigned mistakes, depth;
	int lines;		/* of the file being read */
	bool is_parsing, has_ended;
} reading;

static void report(const cfg_t *section, const char *message)
{
	const cfg_t *named = reading.root;
	int line = section->line;

	/* Only the root knows the included file while that is being read. */
	if (!reading.is_parsing && section->filename != NULL)
		named = section;
	/* Lines behind the last one are end_text. */
	if (reading.is_parsing && line > reading.lines)
		line = reading.lines;
	fprintf(reading.errors, "%s:%d: %s\n", named->filename, line,
		message);
	reading.mistakes++;
}

static bool has_option(const cfg_t *section, const char *name, size_t octets)
{
	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++)
		if (strlen(opt->name) == octets &&
			memcmp(opt->name, name, octets) == 0)
			return true;
	return false;
}

/* Write what 'section' knows, and whether 'unknown' has its place outside. */
static void list_options(const cfg_t *section, const char *unknown, FILE *out)
{
	const char *separator = " (";

	if (section != reading.root && has_option(reading.root, unknown,
		strcspn(unknown, "'")))
		fprintf(out, " in %s; is the '}' of %s missing?",
			section->name, section->name);
	else if (section != reading.root)
		fprintf(out, " in %s", section->name);

	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++) {
		if (strcmp(opt->name, OPTIONS_END_WORD) == 0)
			continue;
		fprintf(out, "%s%s", separator, opt->name);
		separator = ", ";
	}
	fprintf(out, ")");
}

/* What libconfuse leaves out: what would be right. */
static const struct hint {
	const char *about, *advice;
} hints[] = {
	{ "missing title for section", " (write: listen \"name\" { ... })" },
	{ "missing opening brace", " (write '{' after its name or title)" },
	{ "missing equal sign", " (write: name = value)" },
	{ "unexpected token", " (write: name = value, name = { value, value } "
		"or name { ... })" },
	{ "unexpected closing brace", " (no section is open here)" },
	{ "found duplicate title", " (give each section its own)" },
	{ "function 'include'", " (write: include(\"file\"))" },
};

static void advise(const cfg_t *section, const char *message, FILE *out)
{
	static const char unknown[] = "no such option '";

	if (strncmp(message, unknown, sizeof(unknown) - 1) == 0)
		list_options(section, message + sizeof(unknown) - 1, out);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(message, hints[i].about) != NULL)
			fputs(hints[i].advice, out);
}

/* libconfuse's error function. */
static void __attribute__((format(printf, 2, 0)))
explain(cfg_t *section, const char *format, va_list arguments)
{
	char message[MESSAGE_BYTES], full[2 * MESSAGE_BYTES] = "";
	FILE *out;

	vsnprintf(message, sizeof(message), format, arguments);
	if (strstr(message, "'" OPTIONS_END_WORD "'") != NULL) {
		report(section, "the file ends too early: a '}' or a value is "
			"missing");
		return;
	}
	out = fmemopen(full, sizeof(full), "w");
	if (out == NULL)
		bug("no memory for a message");
	fputs(message, out);
	advise(section, message, out);
	if (section->line > reading.lines)
		fputs("; this is the end of the file: is a quote or a '}' "
			"missing?", out);
	fclose(out);
	report(section, full);
}

/* At the '}': remember the file for later; libconfuse does not. */
static int end_section(cfg_t *parent, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	(void)parent;
	free(section->filename);
	section->filename = strdup(reading.root->filename);
	if (section->filename == NULL)
		bug("no memory for settings");
	return options_check_title(section);
}

static int end_file(cfg_t *root, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)root, (void)opt, (void)argc, (void)argv;
	reading.has_ended = true;
	return 0;
}

/* Parse one file.  The buffer of 'text' has room for end_text at its end. */
static bool parse(struct settings_text *text)
{
	FILE *stream;
	int result;

	memcpy(text->octets + text->count, end_text, sizeof(end_text));
	stream = fmemopen(text->octets, text->count + sizeof(end_text) - 1,
		"r");
	if (stream == NULL)
		bug("no memory for settings");
	reading.lines = text->lines;
	reading.has_ended = false;
	result = cfg_parse_fp(reading.root, stream);
	fclose(stream);
	if (result == CFG_SUCCESS && !reading.has_ended)
		report(reading.root, "a comment or a quoted string is not "
			"closed before the end of the file");
	if (result != CFG_SUCCESS && reading.mistakes == 0)
		report(reading.root, "cannot be understood");
	return reading.mistakes == 0;
}

/* Parse 'text' as the content of 'path'; then the root is back where it was. */
static bool parse_included(char *path, struct settings_text *text)
{
	cfg_t *root = reading.root;
	char *outer_path = root->filename;
	int outer_line = root->line, outer_lines = reading.lines;
	bool is_good;

	root->filename = path;
	reading.depth++;
	is_good = parse(text);
	reading.depth--;
	root->filename = outer_path;
	root->line = outer_line;
	reading.lines = outer_lines;
	reading.has_ended = false;
	return is_good;
}

static int include_file(cfg_t *root, char *path)
{
	struct settings_text text;
	bool is_good;

	if (!settings_text_read(path, sizeof(end_text), &text)) {
		cfg_error(root, "cannot include %s: %s", path, text.cannot);
		return -1;
	}
	is_good = parse_included(path, &text);
	free(text.octets);
	return is_good ? 0 : -1;
}

/*
 * libconfuse calls this for include("file").  Its own cfg_include() is not
 * used; a parser inside the parser is what libconfuse does for defaults.
 */
static int include(cfg_t *root, cfg_opt_t *opt, int argc, const char **argv)
{
	char *path;
	int result;

	(void)opt;
	if (argc != 1) {
		cfg_error(root, "include takes one file (write: "
			"include(\"file\"))");
		return -1;
	}
	if (reading.depth == INCLUDE_DEPTH_MAX) {
		cfg_error(root, "files include each other more than %d deep "
			"(does one include itself?)", INCLUDE_DEPTH_MAX);
		return -1;
	}
	path = settings_text_beside(root->filename, argv[0]);
	result = include_file(root, path);
	free(path);
	return result;
}

static void report_unread(const char *path, const struct settings_text *text)
{
	fputs(path, reading.errors);
	if (text->lines > 0)
		fprintf(reading.errors, ":%d", text->lines);
	fprintf(reading.errors, ": %s\n", text->cannot);
}

static bool read_and_parse(const char *path)
{
	char nothing[sizeof(end_text)];
	struct settings_text text = { .octets = nothing };
	bool is_good;

	if (path != NULL &&
		!settings_text_read(path, sizeof(end_text), &text)) {
		report_unread(path, &text);
		return false;
	}
	reading.is_parsing = true;
	is_good = parse(&text);
	reading.is_parsing = false;
	if (text.octets != nothing)
		free(text.octets);
	return is_good;
}

cfg_t *settings_file_read(const char *path, FILE *errors)
{
	static const struct options_hooks hooks = { end_section, include,
		end_file };

	memset(&reading, 0, sizeof(reading));
	reading.errors = errors;
	reading.root = cfg_init(options_table(&hooks), CFGF_NONE);
	if (reading.root == NULL)
		bug("no memory for settings");
	cfg_set_error_function(reading.root, explain);
	reading.root->filename = strdup(path == NULL ? "(built-in)" : path);
	if (reading.root->filename != NULL && read_and_parse(path))
		return reading.root;
	settings_file_close(reading.root);
	return NULL;
}

void settings_file_mistake(const cfg_t *section, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	report(section, message);
}

unsigned settings_file_mistakes(void)
{
	return reading.mistakes;
}

void settings_file_close(cfg_t *tree)
{
	cfg_free(tree);
}
