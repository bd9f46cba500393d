#!/usr/bin/env python3
"""Import what the real Dovecot and Courier left, and list it as they did.

The cases are in tests/golden/; tests/golden/make.py has made them.
"""

import json
import os
import pathlib
import subprocess
import tempfile

from postern_testing import Suite, check, equal
from postern_testing.server import program

CASES = pathlib.Path(__file__).parent / "golden"
DEFAULT = "%08Xu%08Xv"


def write(root, files):
    """Write the Maildir of a case."""
    for folder in ("cur", "new", "tmp"):
        os.mkdir(os.path.join(root, folder))
    for name, text in files.items():
        with open(os.path.join(root, name), "w", encoding="latin-1",
                  newline="") as file:
            file.write(text)


def look(root):
    """Return all that is in a Maildir, with the times of last change."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in pathlib.Path(root).rglob("*") if path.is_file()}


def imported(root, source, uidl_format):
    """Return the (unique-id, octets) that a server would list now."""
    result = subprocess.run(
        [program("tests/imported"), root, source, uidl_format or DEFAULT],
        capture_output=True, check=False)
    check(result.returncode == 0, result.stderr.decode())
    return [[uidl, int(octets)] for uidl, octets, _ in (
        line.split(" ", 2)
        for line in result.stdout.decode("latin-1").splitlines())]


def compare(path):
    """Import a case twice, and once by what lies there."""
    case = json.loads(path.read_text())
    for source in (case["from"], "auto"):
        with tempfile.TemporaryDirectory() as root:
            write(root, case["files"])
            before = look(root)
            first = imported(root, source, case["format"])
            equal(first, case["listed"], "what is listed after the import")
            after = look(root)
            equal({name: after[name] for name in before}, before,
                  "the files of the other server, and the mail")
            equal([name.name for name in after if name not in before],
                  ["postern.uidls"], "the new files")
            equal(imported(root, source, case["format"]), first,
                  "what is listed the next time")
            equal(look(root), after, "the files after the next time")


def main():
    """Compare every case."""
    suite = Suite()
    for path in sorted(CASES.glob("*.json")):
        suite.add(f"{path.stem} is listed as the old server did", compare,
                  path)
    suite.add("there are golden cases", check, bool(suite.cases),
              f"no case in {CASES}")
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
