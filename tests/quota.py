#!/usr/bin/env python3
"""Other programs' readers of maildirsize believe what a QUIT left there.

Dovecot, Courier and Exim read the file and then take in a message of just so
many octets as the quota has left, and none that is one octet longer.  That they
really read it, and did not count the mail anew, shows in the file: it is the
same one, and begins with what was in it.
"""

import os
import re
import shutil

from postern_testing import (Client, Maildir, Server, Skip, Suite, check,
                             equal, mail_uid, programs)
from postern_testing.delivery import Exim

# With all that Exim would add if it were missing.
HEADER = (b"From: joe@example.net\nDate: Tue, 3 Nov 2026 12:00:00 +0000\n"
          b"Message-Id: <1@example.net>\n\n")
ROOM = 2000         # octets that the quota has left after the QUIT
ROOM_COUNT = 2      # messages that it has left
AMPLE = 1000000     # where the other one is limited


def message(octets):
    """Return a message of that many octets."""
    return HEADER + b"x" * (octets - len(HEADER) - 1) + b"\n"


# name: (octets, are they marked).  A program that has added a header after the
# delivery leaves a size in the name that is not the file's.
STORED = {
    "new/1700000001.M1P1.host,S=1100": (1100, True),
    "new/1700000002.M2P1.host": (1234, True),
    "cur/1700000003.M3P1.host,S=500:2,S": (777, True),
    "cur/1700000004.M4P1.host,S=3000,W=3010:2,S": (3000, False),
    "new/1700000005.M5P1.host": (4321, False),
    "cur/1700000006.M6P1.host,S=640:2,ST": (640, True),
    "cur/1700000007.M7P1.host,S=900:2,T": (900, False),
}


def size_of(name, octets):
    """Return what a message counts."""
    found = re.search(r",S=(\d+)", name.partition(":")[0])
    return int(found[1]) if found else octets


def counted(names, courier):
    """Return the octets and the number of what a program counts of 'names'."""
    sizes = [size_of(name, STORED[name][0]) for name in names
             if not (courier and "T" in name.partition(":2,")[2])]
    return sum(sizes), len(sizes)


class Quota:
    """A user whose Maildir has a quota, which a QUIT is to keep right.

    courier: the rule of Courier, and a file that shows that it was here.
    by_count: the number of messages is limited, not their octets.
    """

    def __init__(self, server, name, courier=False, by_count=False):
        self.server, self.name = server, name
        self.courier, self.by_count = courier, by_count
        self.maildir = server.add_user(name, "empty")
        for path, (octets, _) in STORED.items():
            self.maildir.deliver(path, message(octets))
        before = counted(STORED, courier)
        kept = [path for path in STORED if not STORED[path][1]]
        self.octets, self.count = counted(kept, courier)
        self.limit = (AMPLE if by_count else self.octets + ROOM,
                      self.count + ROOM_COUNT if by_count else AMPLE)
        self.before = f"{self.definition()}\n{before[0]} {before[1]}\n"
        self.write("maildirsize", self.before)
        if courier:
            self.write("courierpop3dsizelist", "/3 1 1\n")

    def definition(self):
        """Return the quota as the first line of maildirsize has it."""
        return "{}S,{}C".format(*self.limit)

    def write(self, name, text):
        """Write a file of the Maildir."""
        with open(self.maildir.path(name), "w", encoding="ascii") as file:
            file.write(text)
        self.maildir.own(name)

    def text(self, maildir=None):
        """Return what maildirsize holds."""
        return (maildir or self.maildir).read("maildirsize").decode()

    def quit(self):
        """Remove the marked messages by a session."""
        with Client(self.server) as client:
            client.login(self.name)
            for number, path in enumerate(sorted(STORED, key=by_time), 1):
                if STORED[path][1]:
                    client.ok(f"DELE {number}")
            client.ok("QUIT")
            client.expect_end()
        equal(sorted(self.maildir.messages()),
              sorted(path for path in STORED if not STORED[path][1]),
              "the messages after QUIT")

    def copy(self, number):
        """Return a copy of the Maildir, so that each reader has its own."""
        home = self.server.path(f"{self.name}-{number}")
        os.mkdir(home, 0o700)
        os.chown(home, mail_uid(), -1)
        root = os.path.join(home, "Maildir")
        shutil.copytree(self.maildir.root, root)
        copy = Maildir(root, mail_uid(), "missing")
        for place, folders, files in os.walk(root):
            for entry in (".", *folders, *files):
                copy.own(os.path.join(place, entry))
        return copy

    def expect_one_line(self):
        """Expect that the session has appended one line for all."""
        marked = [path for path in STORED if STORED[path][1]]
        octets, count = counted(marked, self.courier)
        equal(self.text(), f"{self.before}{-octets:12} {-count:12}\n",
              "maildirsize after QUIT")

    def expect_accepted(self, reader, copy, octets):
        """Expect that 'reader' takes a message in, by what it has read."""
        before, inode = self.text(copy), inode_of(copy)
        wanted = len(copy.messages()) + 1
        check(reader(self, copy, message(octets)), f"{octets} octets refused")
        equal(len(copy.messages()), wanted, "the messages with the new one")
        equal(inode_of(copy), inode, "the inode of maildirsize")
        check(self.text(copy).startswith(before),
              f"maildirsize was made anew: {self.text(copy)}")

    def expect_refused(self, reader, copy, octets):
        """Expect that 'reader' does not take a message in."""
        wanted = len(copy.messages())
        check(not reader(self, copy, message(octets)),
              f"{octets} octets accepted")
        equal(len(copy.messages()), wanted, "the messages without the new one")


def by_time(path):
    """Return what messages are ordered by."""
    return os.path.basename(path)


def inode_of(maildir):
    """Return which file maildirsize is."""
    return os.stat(maildir.path("maildirsize")).st_ino


# The readers: each takes a message in and returns True, or refuses it.

def courier(quota, maildir, octets):
    """Deliver by Courier's deliverquota, which reads maildirsize first."""
    program = programs.find("deliverquota.courier")
    said = programs.run_as(mail_uid(), program, maildir.root,
                           quota.definition(), stdin=octets, wanted=(0, 75, 77))
    check(not said or b"quota exceeded" in said, f"deliverquota said {said}")
    return not said


DOVECOT = """
base_dir = {home}/run
log_path = /dev/stderr
ssl = no
mail_location = maildir:{root}
mail_plugins = quota
mail_plugin_dir = {modules}
plugin {{
  quota = maildir:User quota
  quota_rule = *:{rule}
}}
"""


def doveadm(quota, maildir, *arguments, stdin=b"", wanted=(0,)):
    """Run Dovecot's doveadm with a configuration of its own."""
    program = programs.find("doveadm")
    home = os.path.dirname(maildir.root)
    path = os.path.join(home, "dovecot.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(DOVECOT.format(
            home=home, root=maildir.root, modules=os.path.join(
                os.path.dirname(os.path.dirname(program)),
                "lib/dovecot/modules"),
            rule="bytes={}:messages={}".format(*quota.limit)))
    os.chmod(path, 0o644)
    # doveconf gives it the settings, so that it runs from any place.
    return programs.run_as(
        mail_uid(), programs.find("doveconf"), "-c", path, "-m", "doveadm",
        "-e", program, *arguments, stdin=stdin, wanted=wanted, HOME=home,
        USER="joe")


def dovecot(quota, maildir, octets):
    """Store a message by Dovecot's doveadm, which reads maildirsize first."""
    said = doveadm(quota, maildir, "save", "-m", "INBOX", stdin=octets,
                   wanted=(0, 73, 75))
    check(not said or b"Quota exceeded" in said, f"doveadm said {said}")
    return not said


def exim(quota, maildir, octets):
    """Deliver by Exim, which reads maildirsize first."""
    size, count = quota.limit
    options = (f"quota = {size}", f"quota_filecount = {count}",
               "maildir_use_size_file = true", "quota_is_inclusive = true")
    mta = Exim(os.path.join(os.path.dirname(maildir.root), "exim"),
               maildir.root, bare="\n  ".join(options))
    mta.send(octets, "bare", "<>")
    return b"mailbox is full" not in mta.log()


READERS = (courier, dovecot, exim)


def octets_left(quota, reader):
    """The quota has exactly so many octets left."""
    quota.quit()
    quota.expect_one_line()
    quota.expect_accepted(reader, quota.copy(1), ROOM)
    quota.expect_refused(reader, quota.copy(2), ROOM + 1)


def messages_left(quota, reader):
    """The quota has exactly so many messages left."""
    quota.quit()
    quota.expect_one_line()
    copy = quota.copy(1)
    for _ in range(ROOM_COUNT):
        quota.expect_accepted(reader, copy, 200)
    quota.expect_refused(reader, copy, 200)


def wrong_file(quota, reader):
    """A file that is wrong by one octet is told from the right one."""
    quota.quit()
    quota.write("maildirsize", quota.text() + "-1 0\n")
    quota.expect_accepted(reader, quota.copy(1), ROOM + 1)


def doveadm_prints(quota):
    """Dovecot prints the sums, and has not counted anew."""
    quota.quit()
    copy = quota.copy(1)
    before = quota.text(copy), inode_of(copy)
    said = doveadm(quota, copy, "-f", "tab", "quota", "get", wanted=(0, 64))
    if b"usage:" in said:
        raise Skip("doveadm is unpacked, and so without its quota command")
    rows = [row.split("\t") for row in said.decode().splitlines()[1:]]
    equal({row[1]: row[2] for row in rows},
          {"STORAGE": str((quota.octets + 1023) // 1024),
           "MESSAGE": str(quota.count)}, "what Dovecot prints")
    equal((quota.text(copy), inode_of(copy)), before, "maildirsize")


def no_quota(quota):
    """Without maildirsize there is none after the QUIT."""
    os.unlink(quota.maildir.path("maildirsize"))
    quota.quit()
    check(not os.path.exists(quota.maildir.path("maildirsize")),
          "maildirsize was made")


def main():
    """Run all cases on one server."""
    suite = Suite()
    server = Server()

    def add(sentence, function, *reader, by_count=False):
        """Add a case that has a user of its own."""
        quota = Quota(server, f"user{len(suite.cases)}", courier in reader,
                      by_count)
        suite.add(sentence, function, quota, *reader)

    for reader in READERS:
        name = reader.__name__.capitalize()
        add(f"{name} reads how many octets are left after a QUIT",
            octets_left, reader)
        add(f"{name} reads how many messages are left after a QUIT",
            messages_left, reader, by_count=True)
        add(f"{name} believes the file, so that it must be right",
            wrong_file, reader)
    add("Dovecot prints what is left in the Maildir after a QUIT",
        doveadm_prints)
    add("a QUIT makes no maildirsize where there was none", no_quota)
    with server:
        suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
