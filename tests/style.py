#!/usr/bin/env python3
"""Check the layers of the house (DESIGN.md section 4) and the code's shape."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from postern_testing.tap import Skip, Suite, environment

TOP = pathlib.Path(environment(
    "top_srcdir", os.path.join(os.path.dirname(__file__), "..")))

# Each row may include headers of lower rows only, or of its own group (the
# names of a group are separated by blanks, the groups of a row by "|").
SRC_ROWS = (
    "main | posternctl",
    "master | ctl ctl_metrics ctl_orders ctl_passwd ctl_stats ctl_who "
    "ctl_link",
    "ctl_openmetrics",
    "ctl_http | ctl_text",
    "waiting | passwd_edit passwd_lines | prompt",
    "arrivals | departures requests | control",
    "presence",
    "guessers master_state admission | session_log",
    "renewal | upgrade",
    "pool",
    "generation",
    "keeper login | worker | signer | trial",
    "commit | authorization | transaction | child | introduction",
    "sasl sasl_none sasl_relay sasl_state sasl_tell "
    "| exchange | maildrop | hold | entries | door door_place",
    "control_wire | progress",
    "counters",
    "auth auth_account auth_child auth_dovecot auth_ends auth_file "
    "auth_hash auth_identity auth_keys auth_name auth_nets auth_normal "
    "auth_offer auth_program auth_rules auth_scheme auth_userdb passwd_file "
    "| capa | language",
    "pop3 | confine | sandbox",
    "mailbox | stream",
    "tls tls_certificate tls_chain tls_client tls_context tls_key tls_policy "
    "tls_staple tls_trust",
    "attempts | penalty | inherit | texts | stamp | fence | filter "
    "filter_calls",
    "auth_scram auth_salt | token | scrub",
    "catalogue | line | dots | proxy proxy_binary | peers | listen | notify "
    "| wire | tabbed",
    "settings settings_auth settings_file settings_mailbox settings_options "
    "settings_parts settings_policy settings_print settings_text settings_tls "
    "settings_value",
    "auth_socket | gate",
    "log | deadline | mechanism | network | readn",
)
MAILDIR_ROWS = (
    "drop | update",
    "identify",
    "expunge | seen | expire | index index_format index_write | import",
    "import_dovecot import_courier import_rule",
    "import_list | import_popa3d | listing | chase | trash | quota | uidls",
    "scan refresh gather known crew count file locate | lock",
    "ledger ledger_file ledger_table | uidl_format uidl_place",
    "text",
    "beneath | folder | holder | octets | checksum | name | whole | move "
    "| bits",
)
# What of src/ may include headers of maildir/, and which.
CROSSING = {
    "commit": {"bits", "update"},
    "maildrop": {"beneath", "drop", "lock", "quota", "uidl_format"},
    "mailbox": {"bits", "holder", "listing"},
}
# Who may know a library.
OWNERS = {
    "confuse.h": {"settings_file", "settings_options"},
    "gnutls/gnutls.h": {"tls", "tls_client", "tls_context", "tls_policy",
                        "auth_dovecot", "auth_hash", "auth_normal",
                        "auth_salt", "auth_scheme", "auth_scram", "maildrop",
                        "master", "penalty", "signer"},
    "gnutls/abstract.h": {"tls_context", "signer"},
    "gnutls/crypto.h": {"auth_hash", "auth_salt", "auth_scheme", "auth_scram",
                        "maildrop", "master", "penalty", "signer"},
    "gsasl.h": {"sasl", "sasl_relay", "sasl_state", "sasl_tell"},
    "security/pam_appl.h": set(),
    "seccomp.h": {"filter"},
}
# Where the design names an exception: (file, header): why.
EXCEPTIONS = {}

MOST_LINES = 400
MOST_FUNCTION_LINES = 60
COLUMNS = 80
FORBIDDEN_CALLS = ("strcpy", "strcat", "sprintf", "vsprintf", "gets",
                   "strncpy", "strncat", "atoi", "system", "alloca")
FORBIDDEN_WORDS = ("TODO", "XXX", "FIXME", "HACK")

suite = Suite()


def places(rows):
    """Return {file: (row, group)} of a table of rows."""
    return {name: (number, group)
            for number, row in enumerate(rows)
            for group in row.split("|") for name in group.split()}


SRC, MAILDIR = places(SRC_ROWS), places(MAILDIR_ROWS)


def code_of(path):
    """Return a C file with comments and literals blanked, lines kept."""
    def blank(match):
        text = match[0]
        if text.startswith("/"):
            return re.sub(r"[^\n]", " ", text)
        return text[0] + "_" * (len(text) - 2) + text[0]
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\""
                  r"|'(\\.|[^'\\\n])*'", blank, path.read_text(), flags=re.S)


def includes(path):
    """Return the names in the #include "..." lines of a file."""
    return re.findall(r'^#\s*include\s+"([^"]+)"', path.read_text(), re.M)


def is_allowed(here, header, table):
    """Tell whether a file may include a header of its own directory."""
    if here not in table or header not in table:
        return False
    return here == header or table[here][0] < table[header][0] or (
        table[here] == table[header])


def layers(path):
    """Find the includes of a file that its row does not permit."""
    here = path.stem
    for name in includes(path):
        directory, _, base = name.rpartition("/")
        header = base.removesuffix(".h")
        if name == "config.h" or (here, header) in EXCEPTIONS:
            continue
        if path.parent.name == "maildir":
            good = directory in ("", "maildir") and is_allowed(
                here, header, MAILDIR)
        elif directory == "maildir":
            good = header in CROSSING.get(here, ())
        else:
            good = directory == "" and is_allowed(here, header, SRC)
        if not good:
            yield f"may not include {name}"


def system_includes(path):
    """Find libraries in files that must do without them."""
    for header in re.findall(r"^#\s*include\s+<([^>]+)>", path.read_text(),
                             re.M):
        if path.stem not in OWNERS.get(header, {path.stem}):
            yield f"may not include <{header}>"
        if path.parent.name == "maildir" and re.match(
                "gnutls|confuse|syslog|sys/socket|netinet|arpa", header):
            yield f"storage links libc only, not <{header}>"


def first_include(path):
    """Find a .c file whose first include is not config.h."""
    found = re.findall(r"^#\s*include\s+(\S+)", path.read_text(), re.M)
    if path.suffix == ".c" and found[:1] != ['"config.h"']:
        yield 'the first include is not "config.h"'


def known_file(path):
    """Find a file that has no place in the tables."""
    table = MAILDIR if path.parent.name == "maildir" else SRC
    if path.stem not in table and path.parent.name in ("src", "maildir"):
        yield "has no row in the table of layers"


def header_comment(path):
    """Find a file that does not begin with what it is."""
    if not path.read_text().startswith(f"/*\n * {path.name} - "):
        yield f'does not begin with "/*", " * {path.name} - ..."'


def lines_of_text(path):
    """Find long lines, blanks for tabs, trailing blanks."""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if len(line.expandtabs(8)) > COLUMNS:
            yield f"line {number} has more than {COLUMNS} columns"
        if re.match(r" (?! *\*)", line) or re.match(r"\t* {8}", line):
            yield f"line {number} is indented by blanks"
        if line != line.rstrip():
            yield f"line {number} ends with blanks"
    if not path.read_text().endswith("\n"):
        yield "has no newline at its end"


def words(path):
    """Find words of unfinished work."""
    for word in FORBIDDEN_WORDS:
        if re.search(rf"\b{word}\b", path.read_text()):
            yield f"holds the word {word}"


def calls(path):
    """Find calls that can't be used safely."""
    code = code_of(path)
    for call in FORBIDDEN_CALLS:
        for match in re.finditer(rf"\b{call}\s*\(", code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"line {line} calls {call}()"


def length(path):
    """Find a file that is too long."""
    count = path.read_text().count("\n")
    if count > MOST_LINES:
        yield f"has {count} lines, more than {MOST_LINES}"


def functions(path):
    """Return (name, first line, lines) of each function of a .c file."""
    lines = code_of(path).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = "\n".join(lines[:start - 1]).rstrip()
            name = re.findall(r"(\w+)\s*\((?:[^;{}]*)\)\s*\Z",
                              re.split(r"\n\s*\n|[;}]", head)[-1])
            yield (name or ["?"])[0], start, number - start + 1
            start = None


def function_length(path):
    """Find functions that fit no screen."""
    for name, start, count in functions(path):
        if count > MOST_FUNCTION_LINES:
            yield f"{name} (line {start}) has {count} lines"


def forward_declarations(path):
    """Find declarations of static functions ahead of their definition."""
    code = code_of(path)
    for match in re.finditer(r"^static\b[^;{}=]*\([^;{}=]*\)\s*;", code,
                             re.M):
        line = code.count("\n", 0, match.start()) + 1
        yield f"line {line} declares a static function"


def prototypes(path):
    """Find prototypes in a header that no comment stands before.

    One comment may document several prototypes that follow each other.
    """
    text = path.read_text()
    blocks = re.split(r"\n[ \t]*\n", text)
    for block in blocks:
        code = re.sub(r"/\*.*?\*/", "", block, flags=re.S)
        code = re.sub(r"^#(.*\\\n)*.*$", "", code, flags=re.M)
        is_prototype = re.search(r"^\w[^{}=]*\w\s*\([^{}]*\)[^{}]*;\s*\Z",
                                 code, re.S | re.M)
        if not is_prototype or "typedef" in code or "static" in code:
            continue
        if not block.lstrip().startswith("/*"):
            yield f"no comment before: {' '.join(code.split())[:60]}"


def guards(path):
    """Find headers that may not be included twice."""
    if not re.search(r"^#ifndef (\w+)\n#define \1$", path.read_text(), re.M):
        yield "has no include guard"


def manual(path):
    """Find what mandoc warns of in a manual page."""
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed (Debian package mandoc)")
    said = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path],
                          capture_output=True, text=True, check=False)
    yield from (said.stdout + said.stderr).splitlines()


def run(rule, paths):
    """Apply a rule to all files and tell all that breaks it."""
    broken = [f"{path.relative_to(TOP)}: {what}"
              for path in paths for what in rule(path)]
    if broken:
        raise AssertionError("\n".join(broken))


def main():
    """Check every file of src/ and maildir/."""
    house = sorted(path for directory in ("src", "maildir")
                   for path in (TOP / directory).glob("*.[ch]"))
    headers = [path for path in house if path.suffix == ".h"]
    sources = [path for path in house if path.suffix == ".c"]
    tests = sorted((TOP / "tests").glob("*.[ch]"))
    if not sources:
        print("1..0 # SKIP the sources are not here")
        sys.exit(0)
    for sentence, rule, paths in (
            ("every file of the house has its row", known_file, house),
            ("files include only what their row permits", layers, house),
            ("libraries are included by their owners", system_includes,
             house),
            ("config.h is the first include of each .c file", first_include,
             sources),
            ("each file begins with what it owns", header_comment,
             house + tests),
            ("lines have 80 columns and are indented by tabs", lines_of_text,
             house + tests),
            ("no file holds a mark of unfinished work", words,
             house + tests),
            ("no unsafe string call is used", calls, house),
            (f"no file has more than {MOST_LINES} lines", length, house),
            (f"no function has more than {MOST_FUNCTION_LINES} lines",
             function_length, sources),
            ("no static function is declared ahead", forward_declarations,
             sources),
            ("a comment stands before each prototype", prototypes, headers),
            ("each header can be included twice", guards, headers),
            ("mandoc has no warning about the manuals", manual,
             sorted((TOP / "man").glob("*.[58]")))):
        suite.add(sentence, run, rule, paths)
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
