#!/usr/bin/env python3
"""Move mailboxes from the real Dovecot and Courier to Postern.

mpop leaves its mail on the old server and remembers what it has fetched.  After
the switch it must fetch what came since, and nothing again.
"""

import contextlib
import os

from postern_testing import Client, Server, Suite, as_root, check, equal
from postern_testing import mail_uid, programs
from postern_testing.predecessors import Courier, Dovecot, Front, own
from postern_testing.processes import wait_until

HEADER = b"From: Ann <ann@localhost>\nSubject: %d\n\nThis is message %d.\n"
FORMATS = {
    "its default format": "%08Xu%08Xv",
    "file names": "%f",
    "the format of Cyrus": "%v.%u",
    "MD5s of file names": "%Mf",
}


def message(number):
    """Return a message."""
    return HEADER % (number, number)


def name(number):
    """Return the name of a message, as one of many writers would have it."""
    return (f"17{number:08}.M{number}P1.host",
            f"17{number:08}.M{number}P1.host,S={len(message(number))}",
            f"17{number:08}.V801I{number}M{number}.host",
            f"17{number:08}.{number}_1.ho=st")[number % 4]


class Move:
    """A mailbox, its old server, its new one, and a client."""

    def __init__(self, server, number, make_old):
        self.server = server
        self.user = f"user{number}"
        self.maildir = server.add_user(self.user, "empty")
        self.directory = server.path(f"old{number}")
        os.mkdir(self.directory, 0o711)
        self.old = make_old and make_old(self.maildir.root, mail_uid(),
                                         self.directory)
        own(self.directory, mail_uid())
        self.home = server.path(f"client{number}")
        os.makedirs(os.path.join(self.home, "got"), 0o700)
        for folder in ("cur", "new", "tmp"):
            os.mkdir(os.path.join(self.home, "got", folder))
        own(self.home, programs.NOBODY)

    def deliver(self, *numbers):
        """Deliver messages with these numbers."""
        for number in numbers:
            self.maildir.deliver(f"new/{name(number)}", message(number))

    def flag(self, number):
        """Mark a message as read and answered, as a mail reader does."""
        found = self.find(number)
        os.rename(self.maildir.path(found), self.maildir.path(
            "cur", os.path.basename(found).split(":")[0] + ":2,RS"))

    def remove(self, number):
        """Remove a message behind the server's back."""
        os.unlink(self.maildir.path(self.find(number)))

    def find(self, number):
        """Return the path of a message in the Maildir."""
        return next(path for path in self.maildir.messages()
                    if f"/17{number:08}." in path)

    def fetch(self, port):
        """Run mpop, and return the numbers of the messages it stored."""
        before = self.got()
        config = os.path.join(self.home, "mpoprc")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"account test\nhost 127.0.0.1\nport {port}\n"
                       f"user {self.user}\npassword secret\nauth user\n"
                       "tls off\nreceived_header off\nkeep on\n"
                       f"uidls_file {self.home}/uidls\n"
                       f"delivery maildir {self.home}/got\n")
        os.chmod(config, 0o600)
        if as_root():
            os.chown(config, programs.NOBODY, programs.NOBODY)
        programs.run_as(programs.client_user(), programs.find("mpop"),
                        "--file", config, "test", HOME=self.home)
        return sorted(set(self.got()) - set(before))

    def got(self):
        """Return the numbers of all messages that mpop has stored."""
        folder = os.path.join(self.home, "got", "new")
        numbers = []
        for entry in os.listdir(folder):
            with open(os.path.join(folder, entry), "rb") as file:
                numbers.append(int(file.read().split()[-1].strip(b".")))
        equal(len(numbers), len(set(numbers)),
              "how many messages mpop stored, and how many different ones")
        return numbers

    def fetch_from_old(self):
        """Fetch from the old server."""
        with Front(self.old) as front:
            return self.fetch(front.port)

    def fetch_from_postern(self):
        """Fetch from Postern, and return what that retrieved, too."""
        before = len(self.sessions())
        numbers = self.fetch(self.server.port("pop3"))
        wait_until(lambda: len(self.sessions()) > before,
                   "the session is in the log")
        retrieved = int(self.sessions()[-1]["retr"])
        equal(retrieved, len(numbers), "the messages that were retrieved")
        return numbers

    def sessions(self):
        """Return the sessions of this user with Postern."""
        return [session for session in self.server.sessions()
                if session["user"] == self.user]

    def live(self):
        """Have a mailbox that is older than the switch."""
        self.deliver(3, 1, 2, 5, 4)
        equal(self.fetch_from_old(), [1, 2, 3, 4, 5], "fetched at first")
        self.flag(2)
        self.remove(3)
        self.deliver(7, 6, 9)
        equal(self.fetch_from_old(), [6, 7, 9], "fetched after that")
        self.flag(9)
        equal(self.fetch_from_old(), [], "fetched from the old server again")

    def listed(self):
        """Return what Postern lists: (unique-id, octets) in order."""
        before = len(self.sessions())
        with Client(self.server) as client:
            client.login(self.user)
            client.ok("UIDL")
            uidls = client.lines()
            client.ok("LIST")
            sizes = client.lines()
            client.ok("QUIT")
        wait_until(lambda: len(self.sessions()) > before,
                   "the session is in the log")
        return [(uidl.split()[1].decode(), int(size.split()[1]))
                for uidl, size in zip(uidls, sizes, strict=True)]


def move(mailbox):
    """Switch, with mail that the old server has never seen."""
    mailbox.live()
    source = mailbox.maildir.path(mailbox.old.source)
    listed = mailbox.old.listed()
    with open(source, "rb") as file:
        before = file.read()
    mailbox.deliver(8, 10)
    mailbox.flag(4)
    equal(mailbox.fetch_from_postern(), [8, 10], "fetched after the switch")
    equal(mailbox.fetch_from_postern(), [], "fetched after that")
    equal(mailbox.listed()[:len(listed)], listed,
          "what Postern lists of the old server's messages")
    with open(source, "rb") as file:
        equal(file.read(), before, "the old server's file")


def stay(mailbox):
    """After the switch: flags, deliveries, the loss of the index."""
    move(mailbox)
    listed = mailbox.listed()
    for number in (1, 5, 8):
        mailbox.flag(number)
    index = mailbox.maildir.path("postern.index")
    if os.path.exists(index):
        os.unlink(index)
    os.unlink(mailbox.maildir.path(mailbox.old.source))
    equal(mailbox.listed(), listed, "what is listed without index and source")
    mailbox.deliver(11)
    equal(mailbox.fetch_from_postern(), [11], "fetched at last")
    check(os.path.exists(mailbox.maildir.path("postern.uidls")),
          "there is a ledger")


def age(mailbox):
    """A rule of old servers: names are unique-ids, age is the order."""
    stored = message(1)
    sizes = f",S={len(stored)},W={len(stored) + stored.count(10)}"
    for number in (1, 2, 3):
        path = f"cur/170000000{number}.M1P1.host{sizes}:2,S"
        mailbox.maildir.deliver(path, stored)
        os.utime(mailbox.maildir.path(path), (0, 1000000 - number))
    names = [f"170000000{number}.M1P1.host{sizes}" for number in (3, 2, 1)]
    equal([uidl for uidl, _ in mailbox.listed()], names,
          "the unique-ids, the oldest message first")
    mailbox.maildir.deliver("new/1600000000.late", stored)
    equal([uidl for uidl, _ in mailbox.listed()],
          [*names, "1600000000.late"], "the unique-ids after a delivery")


def broken(mailbox):
    """What can't be imported now must not be lost by a login."""
    mailbox.deliver(1)
    os.mkfifo(mailbox.maildir.path("dovecot-uidlist"))
    with Client(mailbox.server) as client:
        client.ok(f"USER {mailbox.user}")
        client.refused("PASS secret", "SYS/TEMP")
    check(not os.path.exists(mailbox.maildir.path("postern.uidls")),
          "no ledger was written")
    os.unlink(mailbox.maildir.path("dovecot-uidlist"))
    mailbox.maildir.deliver("dovecot-uidlist",
                            f"3 V16\n1 :{name(1)}\n".encode())
    equal([uidl for uidl, _ in mailbox.listed()], ["0000000100000010"],
          "the unique-id at last")


class Cases:
    """Cases that share a server of each configuration."""

    def __init__(self, suite):
        self.suite = suite
        self.servers = []
        self.count = 0

    def add_server(self, **mailbox):
        """Have one more server."""
        server = Server(mailbox=mailbox)
        self.servers.append(server)
        return server

    def add(self, sentence, function, server, make_old=None):
        """Add a case with a mailbox of its own."""
        self.count += 1
        mailbox = Move(server, self.count, make_old)

        def run():
            try:
                function(mailbox)
            except AssertionError as error:
                server.explain(error)
                raise
        self.suite.add(sentence, run)

    def start(self):
        """Start the servers, all or none."""
        with contextlib.ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server)
            stack.pop_all()

    def end(self):
        """End the servers, which look for processes left and for alarms."""
        for server in self.servers:
            server.end(None)


def main():
    """Move every mailbox."""
    suite = Suite()
    cases = Cases(suite)
    for title, uidl_format in FORMATS.items():
        server = cases.add_server(**{"import": "auto",
                                     "uidl-format": f'"{uidl_format}"'})
        cases.add("mpop fetches nothing again after the switch from Dovecot "
                  f"with {title}", move, server,
                  lambda *where, wanted=uidl_format: Dovecot(*where, wanted))
    server = cases.add_server(**{"import": "auto"})
    cases.add("mpop fetches nothing again after the switch from Courier",
              move, server, Courier)
    for old in (Dovecot, Courier):
        cases.add(f"what came from {old.__name__} outlives the index and the "
                  "old server's file", stay, server, old)
    cases.add("a file that can't be read now is no reason to make new "
              "unique-ids", broken, server)
    cases.add("unique-ids and order are taken over by the rule of "
              "qmail-pop3d", age, cases.add_server(**{"import": "qmail-pop3d"}))
    suite.add_last("the servers end, leave no process and have logged no "
                   "alarm", cases.end)
    cases.start()
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
