#!/usr/bin/env python3
"""Make the golden cases of the import with the real servers.

Each case is a file: what was in a Maildir, and what Dovecot or Courier made of
that: the unique-id and the octets of each message, in order.  tests/golden.py
imports the Maildir and must come to the same.  Run it only to add a case or to
try another version; POSTERN_PROGRAMS may name a tree of unpacked packages.
"""

import json
import os
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from postern_testing import mail_uid  # noqa: E402
from postern_testing.predecessors import (  # noqa: E402
    Courier, Dovecot, own)

BODY = "Subject: {0}\n\nThis is {0}.\n"
NAMES = {
    "new/1700000005.M5P1.host": "five",
    "cur/1700000001.M1P1.host,S=27,W=30:2,S": "one",
    "cur/1700000002.V801I2M2.host:2,": "two",
    "cur/1700000003.M3P1.ho st:2,RS": "three",
    "cur/1700000004.M4P1.'quo\"te'+:2,FS": "four",
    "cur/999999999.0.host:2,S": "old",
}
LATER = {
    "new/1700000006.M6P1.host,S=27": "six",
    "new/1600000000.late": "late",
}
FORMATS = ("%08Xu%08Xv", "%v.%u", "%u", "%v-%u", "%08Xv%08Xu", "%Xu.%Xv",
           "%f", "%g", "%Mf", "%012u", "x%2v%%%LUf")
GUID = "0123456789abcdef0123456789abcdef"


class Case:
    """A Maildir in the making."""

    def __init__(self, directory):
        self.directory = directory
        os.chmod(directory, 0o777)
        self.root = os.path.join(directory, "Maildir")
        for folder in ("", "cur", "new", "tmp"):
            os.mkdir(os.path.join(self.root, folder))

    def write(self, files, body=None):
        """Write files; 'body' makes a message of what is said of it."""
        for name, text in files.items():
            with open(os.path.join(self.root, name), "w",
                      encoding="latin-1", newline="") as file:
                file.write(body.format(text) if body else text)
        own(self.root, mail_uid())

    def rename(self, before, after):
        """Rename a message, as other programs do."""
        os.rename(os.path.join(self.root, before),
                  os.path.join(self.root, after))

    def find(self, unique):
        """Return the path of a message by a part of its name."""
        return next(f"{folder}/{name}" for folder in ("cur", "new")
                    for name in os.listdir(os.path.join(self.root, folder))
                    if unique in name)

    def files(self, source):
        """Return all messages and the server's file."""
        found = {}
        for folder in ("cur", "new"):
            for name in sorted(os.listdir(os.path.join(self.root, folder))):
                found[f"{folder}/{name}"] = self.read(f"{folder}/{name}")
        found[source] = self.read(source)
        return found

    def read(self, path):
        """Return a file as text, octet by octet."""
        with open(os.path.join(self.root, path), encoding="latin-1",
                  newline="") as file:
            return file.read()


def save(name, server, files, listed, uidl_format=None):
    """Write a case."""
    case = {"from": server.name, "format": uidl_format, "files": files,
            "listed": listed}
    with open(HERE / f"{name}.json", "w", encoding="ascii") as file:
        json.dump(case, file, indent=1)
        file.write("\n")


def in_new_maildir(make, *arguments):
    """Call 'make' with a new Case."""
    with tempfile.TemporaryDirectory() as directory:
        make(Case(directory), *arguments)


def dovecot(case, uidl_format="%08Xu%08Xv"):
    """Return a Dovecot for a case."""
    return Dovecot(case.root, mail_uid(), case.directory, uidl_format)


def grown(case, number, uidl_format):
    """A Maildir that Dovecot has seen twice, and others between."""
    server = dovecot(case, uidl_format)
    case.write(NAMES, BODY)
    server.listed()
    case.write(LATER, BODY)
    case.rename(case.find("V801"), "cur/1700000002.V801I2M2.host:2,FRS")
    os.unlink(os.path.join(case.root, case.find("1700000003")))
    listed = server.listed()
    save(f"dovecot-grown-{number}", server, case.files(server.source), listed,
         uidl_format)


def prepared(case, name, uidlist, uidl_format="%08Xu%08Xv"):
    """A file of Dovecot that was prepared, and what Dovecot makes of it."""
    server = dovecot(case, uidl_format)
    case.write({path.replace(" st", "_st"): text
                for path, text in NAMES.items()}, BODY)
    case.write({server.source: uidlist})
    before = case.files(server.source)
    listed = server.listed()
    save(f"dovecot-{name}-before", server, before, listed, uidl_format)
    save(f"dovecot-{name}-after", server, case.files(server.source), listed,
         uidl_format)


def courier_grown(case):
    """A Maildir that Courier has seen twice, and others between."""
    server = Courier(case.root, mail_uid(), case.directory)
    case.write(NAMES, BODY)
    server.listed()
    case.write(LATER, BODY)
    case.rename(case.find("V801"), "cur/1700000002.V801I2M2.host:2,FRS")
    os.unlink(os.path.join(case.root, case.find("1700000003")))
    listed = server.listed()
    save("courier-grown", server, case.files(server.source), listed)


def courier_prepared(case, name, sizelist):
    """A file of Courier that was prepared, and what Courier makes of it."""
    server = Courier(case.root, mail_uid(), case.directory)
    case.write({path.replace("new/", "cur/"): text
                for path, text in NAMES.items()}, BODY)
    case.write({server.source: sizelist})
    before = case.files(server.source)
    listed = server.listed()
    save(f"courier-{name}-before", server, before, listed)
    save(f"courier-{name}-after", server, case.files(server.source), listed)


V3 = f"""3 V1234567890 N40 G{GUID}
3 :1700000002.V801I2M2.host
7 P O4 :999999999.0.host
8 PUID77-1111 :1700000001.M1P1.host,S=27,W=30
9 O2 Gfedc :1700000005.M5P1.host
12 O0 :1700000004.M4P1.'quo"te'+
14 O2 S31 W34 :1700000003.M3P1.ho_st
15 PUID78-1111 :1700000000.gone
"""
V1 = """1 1234567890 40
3 1700000002.V801I2M2.host:2,
7 999999999.0.host
8 1700000001.M1P1.host,S=27,W=30
9 1700000005.M5P1.host:2,S
12 1700000004.M4P1.'quo"te'+
14 1700000003.M3P1.ho_st:2,S
15 1700000000.gone
"""
COURIER_ENTRIES = """999999999.0.host:2,S 30 4:5:0
1700000000.gone:2, 34 9:1795758817:0
1700000001.M1P1.host,S=27,W=30:2,S 30 0:0:0
1700000002.V801I2M2.host:2, 30 7:0:0
1700000003.M3P1.ho st:2,RS 34 0:0:0
1700000004.M4P1.'quo"te'+:2,FS 32 0:0:0
1700000005.M5P1.host 32 8:1795758817:0
"""


def main():
    """Make all cases."""
    for number, uidl_format in enumerate(FORMATS, 1):
        in_new_maildir(grown, number, uidl_format)
    in_new_maildir(prepared, "version-3", V3)
    in_new_maildir(prepared, "version-3-guid", V3, "%g")
    in_new_maildir(prepared, "version-1", V1)
    in_new_maildir(courier_grown)
    in_new_maildir(courier_prepared, "version-3",
                   "/3 10 1795758817\n" + COURIER_ENTRIES)
    in_new_maildir(courier_prepared, "version-2",
                   "/2 10 1795758817\n" + COURIER_ENTRIES.replace(":0\n", "\n"))


if __name__ == "__main__":
    main()
