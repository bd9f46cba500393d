#!/usr/bin/env python3
"""What the program says of settings, and whether the manual says the same."""

import os
import pathlib
import re
import subprocess
import tempfile

from postern_testing import Server, Suite, check, equal
from postern_testing.server import program
from postern_testing.tap import environment

TOP = pathlib.Path(environment(
    "top_srcdir", os.path.join(os.path.dirname(__file__), "..")))
EXAMPLE = TOP / "man" / "postern.conf.example"
MANUAL = TOP / "man" / "postern.conf.5"

# Every setting of the mailbox, other than it is by itself.
MAILBOX = {
    "path": '"/var/mail/%d/%n"', "folder-separator": '"+"',
    "import": "dovecot", "uidl-format": '"%v.%u"', "mark-seen": "yes",
    "delete": "trash", "trash-days": "7", "expire": "180d",
    "expire-retrieved": "14d", "quota": "courier", "takeover-after": "90s",
}
# What a setting needs beside it.
COMPANIONS = {"trash-days": "delete = trash"}


def run(*arguments):
    """Run the program to its end."""
    return subprocess.run([program(), *arguments], capture_output=True,
                          text=True, check=False, timeout=60)


def print_of(text):
    """Return what --print-config makes of a configuration file."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        said = run("--config", file.name, "--print-config")
    equal((said.returncode, said.stderr), (0, ""), f"the outcome of {text!r}")
    return said.stdout


def section(title, settings):
    """Return a section of a configuration file."""
    lines = [f"\t{name} = {value}" for name, value in settings.items()]
    return "\n".join([f"{title} {{", *lines, "}", ""])


def prints_the_mailbox():
    """Print all settings of the mailbox, and print what was printed."""
    first = print_of(section("mailbox", MAILBOX))
    check(section("mailbox", MAILBOX) in first, f"it prints {first}")
    equal(print_of(first), first, "what was printed, printed again")


def check_config(**mailbox):
    """Return what --check-config says of settings of the mailbox."""
    server = Server(mailbox=mailbox)
    try:
        server.prepare()
        said = run("--config", server.config_path, "--check-config")
        with open(server.config_path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    finally:
        server.remove_files()
    return said, server.config_path, lines


def good_settings():
    """Check settings that are right."""
    said, path, _ = check_config(**MAILBOX)
    equal((said.returncode, said.stdout, said.stderr),
          (0, f"{path}: good\n", ""), "the outcome")


def mistake_with_its_place():
    """Check a value that is wrong: file, line, and what would be right."""
    said, path, lines = check_config(**MAILBOX | {"expire": "36h"})
    line = lines.index("\texpire = 36h") + 1
    equal((said.returncode, said.stdout, said.stderr),
          (1, "", f"{path}:{line}: '36h' is no number of days for expire "
           "(write 30d, or 0 for never)\n"), "the outcome")


def format_with_its_place():
    """Check a format that no Dovecot has: it is told where it was set."""
    for mailbox, wrong in (
            ({"uidl-format": '"%08Xu%q"'}, '"%08Xu%q" names a variable'),
            ({"uidl-format": '"%v"'}, '"%v" makes the same of all messages'),
            ({"uidl-format": '""'}, '"" makes the same of all messages')):
        said, path, lines = check_config(**mailbox)
        line = lines.index("}", lines.index("mailbox {")) + 1
        equal((said.returncode, said.stdout), (1, ""), "the outcome")
        check(f"{path}:{line}: uidl-format = {wrong}" in said.stderr,
              f"it says {said.stderr}")


def commented_out():
    """Yield (text, the same without a setting) of what the example hides."""
    text = EXAMPLE.read_text()
    hidden = re.findall(r"^#\w.*(?:\n#(?:\t.*|\})$)*", text, re.M)
    yield re.sub("^#", "", "\n".join(hidden), flags=re.M), ""
    for title, body in re.findall(r"^(\w+) \{(.*?)^\}", text, re.M | re.S):
        for name, value in re.findall(
                r"^#\t([a-z-]+) = (.*?)[ \t]*(?:#.*)?$", body, re.M):
            companion = COMPANIONS.get(name, "")
            yield (f"{title} {{ {companion} {name} = {value} }}",
                   f"{title} {{ {companion} }}")


def example_shows_defaults():
    """Set each value that the example comments out: nothing may change."""
    pairs = list(commented_out())
    check(len(pairs) > 20, f"only {len(pairs)} were found")
    wrong = [text for text, without in pairs
             if print_of(f"{text}\n") != print_of(f"{without}\n")]
    equal(wrong, [], "what is no default")


def names_of(text):
    """Return the names of all settings in a configuration file."""
    return set(re.findall(r"^\t*([a-z-]+) = ", text, re.M))


def example_has_all():
    """Look for each setting that is printed in the example."""
    printed = names_of(print_of("mailbox { delete = trash }\n"))
    shown = names_of(re.sub("^#", "", EXAMPLE.read_text(), flags=re.M))
    equal(sorted(printed - shown), [], "what the example lacks")


def manual_has_all():
    """Look for each setting that is printed in the manual."""
    printed = names_of(print_of("mailbox { delete = trash }\n"))
    explained = set(re.findall(r"Cm ([a-z-]+) No =", MANUAL.read_text()))
    equal(sorted(printed - explained), [], "what the manual lacks")


def main():
    """Run all cases."""
    suite = Suite()
    for sentence, case in (
            ("--print-config prints every setting of the mailbox, and reads "
             "it back", prints_the_mailbox),
            ("--check-config says that right settings are good",
             good_settings),
            ("--check-config tells a mistake with its line and what would be "
             "right", mistake_with_its_place),
            ("--check-config tells a format of unique-ids that has no "
             "meaning", format_with_its_place),
            ("each line that the example comments out shows the default",
             example_shows_defaults),
            ("the example has every setting", example_has_all),
            ("the manual has every setting", manual_has_all)):
        suite.add(sentence, case)
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
