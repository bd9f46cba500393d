#!/usr/bin/env python3
"""What a QUIT does by the settings: trash, expiry, mark-seen; killed, too.

Nothing is lost: each message is in new/, cur/ or the trash exactly once, or
gone because the client or the settings wanted that.
"""

import contextlib
import os
import re
import signal
import time

from postern_testing import (LOST, Client, Server, Suite, check, equal,
                             log_in, matches, run_cases, stuffed)
from postern_testing import mounts
from postern_testing.processes import wait_until

DAY_S = 86400
TRASH = "postern.trash"
FOLDERS = ("new", "cur", f"{TRASH}/new", f"{TRASH}/cur")
TO_TRASH = {"delete": "trash"}
MARK_SEEN = {"mark-seen": "yes"}

suite = Suite()
case = suite.case


def uidls(client):
    """Return the unique-ids of a session, in order."""
    client.ok("UIDL")
    return [line.split()[1] for line in client.lines()]


def deliver_old(maildir, path, days, stored=b"Subject: old\n\n"):
    """Deliver a message whose file and name are 'days' days old."""
    then = time.time() - days * DAY_S
    path = path.replace("DAYS", str(int(then)))
    maildir.deliver(path, stored)
    os.utime(maildir.path(path), (then, then))
    return path


def places(maildir):
    """Return {number of a message of "many": its places}."""
    found = {}
    for folder in FOLDERS:
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(maildir.path(folder)):
                number = int(re.search(r"\.M(\d+)P", name)[1])
                found.setdefault(number, []).append(f"{folder}/{name}")
    return found


# mark-seen.

@case("without mark-seen a retrieved message stays as it is")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server) as client:
            client.retrieve(1)
            matches(rb"\+OK bye, 0 messages removed", client.ok("QUIT"),
                    "reply to QUIT")
        equal(maildir.snapshot(), before, "the Maildir")


@case("a QUIT that has nothing to do asks no keeper")
def _():
    with Server() as server:
        server.add_user("joe")
        with log_in(server) as client:
            client.retrieve(1)
            client.ok("DELE 1")
            client.ok("RSET")
            keeper = server.one("postern-keeper").pid
            os.kill(keeper, signal.SIGSTOP)
            client.ok("QUIT")
            os.kill(keeper, signal.SIGCONT)


@case("with mark-seen what RETR sent is seen, not what TOP sent")
def _():
    with Server(mailbox=MARK_SEEN) as server:
        maildir = server.add_user("joe", "seven")
        wires = maildir.wires()
        with log_in(server) as client:
            ids = uidls(client)
            equal(client.retrieve(1), stuffed(wires[0]), "message 1")
            client.ok("TOP 2 9999")
            client.body()
            client.retrieve(4)
            client.retrieve(4)
            client.ok("QUIT")
        equal([path for path in maildir.messages() if "cur/" in path],
              [f"cur/170000000{n}.M{n}P1.host:2,S" for n in (1, 4)],
              "what is seen")
        with log_in(server) as client:
            equal(uidls(client), ids, "unique-ids")
        equal(maildir.wires(), wires, "the messages")


@case("with mark-seen flags are kept, and what is seen already stays")
def _():
    with Server(mailbox=MARK_SEEN) as server:
        maildir = server.add_user("joe", "names")
        with log_in(server) as client:
            for number in range(1, client.count() + 1):
                client.retrieve(number)
            client.ok("QUIT")
        names = os.listdir(maildir.path("cur"))
        check("1700000002.M2P1.host:2,FRS" in names, f"{names}")
        check("1700000003.M3P1.host,S=9,W=9:2,S" in names, f"{names}")
        equal(os.listdir(maildir.path("new")), ["1700000008.twin"],
              "the one whose new name is another file's")
        server.wait_for_log(r"user=joe: messages not marked as seen: 1: ")


@case("with mark-seen a session without QUIT changes nothing")
def _():
    with Server(mailbox=MARK_SEEN) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        for leave in (Client.close, Client.abort):
            client = log_in(server)
            client.retrieve(1)
            leave(client)
            server.wait_for_session(user="joe")
        equal(maildir.snapshot(), before, "the Maildir")


@case("a failure to mark as seen is logged and is no failure of QUIT")
def _():
    with Server(mailbox=MARK_SEEN) as server:
        maildir = server.add_user("joe")
        os.chmod(maildir.path("cur"), 0o500)
        before = maildir.snapshot()
        with log_in(server) as client:
            client.retrieve(1)
            client.ok("QUIT")
        equal(maildir.snapshot(), before, "the Maildir")
        server.wait_for_log(r"user=joe: messages not marked as seen: 1: "
                            r"Permission denied")


def pipelined(transport):
    """RETR, DELE and QUIT in one segment work as one by one."""
    with Server(mailbox=MARK_SEEN) as server:
        maildir = server.add_user("joe")
        wires = maildir.wires()
        with log_in(server, transport) as client:
            client.send(b"RETR 1\r\nDELE 3\r\nRETR 2\r\nQUIT\r\n")
            for number in (1, 2):
                matches(rb"\+OK \d+ octets", client.line(), "RETR")
                equal(client.body(), stuffed(wires[number - 1]), "message")
                if number == 1:
                    matches(rb"\+OK .*", client.line(), "DELE")
            matches(rb"\+OK bye, 1 message removed", client.line(), "QUIT")
            client.expect_end()
        equal(maildir.messages(), ["cur/1700000001.M1P1.host:2,S",
                                   "cur/1700000002.M2P1.host:2,S"],
              "what is left")


for name in ("plain", "tls"):
    suite.add(f"RETR and QUIT in one segment over {name} mark as seen",
              pipelined, name)


def hang_up_in_retr(leave, transport):
    """A client that leaves in the middle has retrieved nothing."""
    rules = MARK_SEEN | {"expire": "1d"}
    with Server(mailbox=rules) as server:
        maildir = server.add_user("joe", "big")
        deliver_old(maildir, "new/DAYS.old", 9)
        before = maildir.snapshot()
        with log_in(server, transport) as client:
            client.read_slowly()
            client.send(b"RETR 2\r\nQUIT\r\n")
            matches(rb"\+OK \d+ octets", client.line(), "RETR")
            leave(client)
        server.wait_for_session(user="joe", end="write-failed")
        wait_until(lambda: not server.processes("postern-keeper"),
                   "the keeper has ended")
        equal(maildir.snapshot(), before, "the Maildir")


for name in ("plain", "tls"):
    suite.add(f"a client that hangs up in a message, with QUIT sent already, "
              f"has retrieved nothing ({name})", hang_up_in_retr,
              Client.abort, name)


# The trash.

@case("with delete = trash a removed message waits, and a rename undoes it")
def _():
    with Server(mailbox=TO_TRASH) as server:
        maildir = server.add_user("joe")
        before, paths = maildir.snapshot(), maildir.messages()
        with log_in(server, "tls") as client:
            ids = uidls(client)
            client.ok("DELE 1")
            client.ok("DELE 2")
            matches(rb"\+OK bye, 2 messages removed", client.ok("QUIT"),
                    "reply to QUIT")
        with log_in(server) as client:
            equal(uidls(client), ids[2:], "unique-ids")
            client.ok("QUIT")
        after = maildir.snapshot()
        for path in paths[:2]:
            check(path not in after, f"{path} is still there")
            equal(after[f"{TRASH}/{path}"], before[path], "the message")
            os.rename(maildir.path(TRASH, path), maildir.path(path))
        with log_in(server) as client:
            equal(uidls(client), ids, "unique-ids")
        equal(os.stat(maildir.path(TRASH)).st_mode & 0o7777, 0o700, "mode")


@case("with delete = trash and nothing marked there is no trash")
def _():
    with Server(mailbox=TO_TRASH | MARK_SEEN) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server) as client:
            client.ok("DELE 1")
            client.ok("RSET")
            client.ok("QUIT")
        equal(maildir.snapshot(), before, "the Maildir")


def spoiled_trash(spoil):
    """Nothing is removed when the trash can't take it."""
    with Server(mailbox=TO_TRASH) as server:
        maildir = server.add_user("joe")
        spoil(maildir)
        before = maildir.snapshot()
        with log_in(server) as client:
            for number in (1, 2, 3):
                client.ok(f"DELE {number}")
            matches(rb"-ERR \[SYS/TEMP\] 3 of 3 messages not removed",
                    client.ask("QUIT"), "reply to QUIT")
            client.expect_end()
        after = maildir.snapshot()
        equal({path: after[path] for path in before}, before, "the Maildir")
        server.wait_for_session(user="joe", end="refused-commit", dele="0")
        server.wait_for_log(r"user=joe: 3 of 3 messages not removed: ")
        with log_in(server) as client:
            equal(client.count(), 3, "messages")


def file_in_place(maildir):
    """a file is in its place"""
    with open(maildir.path(TRASH), "w", encoding="ascii"):
        pass


def link_in_place(maildir):
    """a link is in its place"""
    os.mkdir(maildir.path("elsewhere"))
    maildir.own("elsewhere")
    os.symlink("elsewhere", maildir.path(TRASH))


def root_not_writable(maildir):
    """it can't be made"""
    os.chmod(maildir.path(), 0o500)


def folder_not_writable(maildir):
    """it can't be written"""
    for path in (TRASH, f"{TRASH}/new", f"{TRASH}/cur"):
        os.mkdir(maildir.path(path), 0o700)
        maildir.own(path)
    for path in (f"{TRASH}/new", f"{TRASH}/cur"):
        os.chmod(maildir.path(path), 0o500)


for spoiler in (file_in_place, link_in_place, root_not_writable,
                folder_not_writable):
    suite.add(f"nothing is removed when the trash fails: {spoiler.__doc__}",
              spoiled_trash, spoiler)


def fill(maildir):
    """Write files until there is no room for one more octet."""
    filler = []
    with contextlib.suppress(OSError):
        while True:
            path = maildir.path(f"fill{len(filler)}")
            filler.append(path)
            with open(path, "wb", buffering=0) as file:
                file.write(bytes(4096))
    return filler


def full_disk(mount):
    """Without room nothing is removed; with room the same QUIT works."""
    with Server(mailbox=TO_TRASH | MARK_SEEN) as server:
        maildir = server.add_user("joe", "empty")
        with mounts.mounted(server, maildir, mount):
            for number in range(1, 8):
                maildir.deliver(f"new/170000000{number}.M{number}P1.host",
                                b"Subject: full\n\n%d\n" % number)
            wires = maildir.wires()
            filler = fill(maildir)
            with log_in(server) as client:
                for number in (1, 2):
                    client.retrieve(number)
                client.ok("DELE 1")
                client.ok("DELE 3")
                matches(rb"-ERR \[SYS/TEMP\] 2 of 2 .*", client.ask("QUIT"),
                        "reply to QUIT")
            server.wait_for_log(r"2 of 2 messages not removed: No space")
            equal(maildir.wires(), wires, "the messages")
            for path in filler[:16]:
                os.unlink(path)
            with log_in(server) as client:
                client.ok("DELE 1")
                client.ok("QUIT")
            equal(maildir.wires(), wires[1:], "the messages")
            equal(len(os.listdir(maildir.path(TRASH, "new"))), 1, "trash")


for kind, mounter in (
        ("few inodes", mounts.tmpfs("nr_inodes=40")),
        ("few blocks", mounts.ext4(2, "-m", "0", "-O", "^has_journal"))):
    suite.add(f"on a full disk nothing is lost for the trash, and with room "
              f"it works ({kind})", full_disk, mounter)


# Expiry.

def expire_line(client):
    """Return the line EXPIRE of CAPA."""
    client.ok("CAPA")
    lines = [line for line in client.lines() if line.startswith(b"EXPIRE")]
    equal(len(lines), 1, "lines with EXPIRE")
    return lines[0]


def capa(rules, wanted):
    """CAPA tells the same in both states."""
    with Server(mailbox=rules) as server:
        server.add_user("joe")
        for transport in ("plain", "tls"):
            with Client(server, transport) as client:
                equal(expire_line(client), wanted, "before the login")
                client.login("joe")
                equal(expire_line(client), wanted, "after the login")
                client.ok("QUIT")


for settings, line in (({}, b"EXPIRE NEVER"),
                       ({"expire": "30d"}, b"EXPIRE 30"),
                       ({"expire-retrieved": "7d"}, b"EXPIRE 7"),
                       ({"expire": "30d", "expire-retrieved": "7d"},
                        b"EXPIRE 7"),
                       ({"expire": "2d", "expire-retrieved": "7d"},
                        b"EXPIRE 2")):
    suite.add(f"CAPA tells {line.decode()} with {settings or 'defaults'}",
              capa, settings, line)


@case("with expire what is older goes at QUIT, and the reply and log tell it")
def _():
    with Server(mailbox={"expire": "30d"}) as server:
        maildir = server.add_user("joe", "empty")
        old = [deliver_old(maildir, f"new/DAYS.old{n}", 40 + n)
               for n in range(3)]
        young = deliver_old(maildir, "cur/DAYS.young:2,S", 20)
        maildir.deliver("new/1000000000.looks-old", b"\n")
        with log_in(server) as client:
            equal(client.count(), 5, "messages")
            client.retrieve(1)
            client.ok("DELE 5")
            matches(rb"\+OK bye, 1 message removed, 3 expired",
                    client.ok("QUIT"), "reply to QUIT")
        equal(maildir.messages(), ["new/1000000000.looks-old"],
              f"what is left of {old} and {young}")
        server.wait_for_session(user="joe", dele="1", expired="3",
                                end="quit")
        server.wait_for_log(r"user=joe: messages expired: 3$")


@case("with level = debug the log names each message that a QUIT removes")
def _():
    with Server(mailbox={"expire": "30d"}, log={"level": "debug"}) as server:
        maildir = server.add_user("joe")
        old = deliver_old(maildir, "new/DAYS.old", 31)
        with log_in(server) as client:
            marked = uidls(client)[2].decode()
            client.ok("DELE 3")
            client.ok("QUIT")
        server.wait_for_log(f"user=joe: removed {re.escape(marked)}")
        server.wait_for_log(f"user=joe: expired {os.path.basename(old)}$")
        server.wait_for_session(user="joe", dele="1", expired="1")


@case("without QUIT nothing expires")
def _():
    with Server(mailbox={"expire": "30d"}) as server:
        maildir = server.add_user("joe", "empty")
        deliver_old(maildir, "new/DAYS.old", 40)
        before = maildir.snapshot()
        for leave in (Client.close, Client.abort):
            client = log_in(server)
            client.retrieve(1)
            leave(client)
            server.wait_for_session(user="joe")
        equal(maildir.snapshot(), before, "the Maildir")


@case("by default nothing expires, however old")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        deliver_old(maildir, "new/DAYS.old", 9000)
        with log_in(server) as client:
            client.retrieve(1)
            matches(rb"\+OK bye, 0 messages removed", client.ok("QUIT"),
                    "reply to QUIT")
        equal(len(maildir.messages()), 1, "messages")


@case("what expires goes into the trash if what is deleted does")
def _():
    with Server(mailbox={"expire": "30d"} | TO_TRASH) as server:
        maildir = server.add_user("joe", "empty")
        path = deliver_old(maildir, "new/DAYS.old", 40)
        facts = maildir.look(path)
        with log_in(server) as client:
            matches(rb"\+OK bye, 0 messages removed, 1 expired",
                    client.ok("QUIT"), "reply to QUIT")
        equal(maildir.messages(), [], "messages")
        equal(maildir.look(f"{TRASH}/{path}"), facts, "the message")


@case("what can not expire is logged and is no failure of QUIT")
def _():
    with Server(mailbox={"expire": "30d"}) as server:
        maildir = server.add_user("joe", "empty")
        deliver_old(maildir, "new/DAYS.old", 40)
        os.chmod(maildir.path("new"), 0o500)
        with log_in(server) as client:
            matches(rb"\+OK bye, 0 messages removed", client.ok("QUIT"),
                    "reply to QUIT")
        equal(len(maildir.messages()), 1, "messages")
        server.wait_for_log(r"user=joe: messages due and not removed: 1: "
                            r"Permission denied")


# kill -9.

class Wish:
    """What a QUIT is to do with a thousand messages of "many"."""

    def __init__(self, rules):
        self.has_trash = rules.get("delete") == "trash"
        self.marked = set(range(0, 1000, 4)) | {1}
        self.expired = set(range(2, 1000, 4)) if "expire" in rules else set()
        self.retrieved = set(range(3, 1000, 40))

    def prepare(self, maildir):
        """Make what shall expire old."""
        for path in maildir.messages():
            number = int(re.search(r"\.M(\d+)P", path)[1])
            days = 40 if number in self.expired else 0
            then = time.time() - days * DAY_S
            os.utime(maildir.path(path), (then, then))
            # The name tells when the others were delivered.

    def talk(self, client):
        """Retrieve and mark, all but QUIT."""
        for number in self.retrieved:
            client.retrieve(number + 1)
        client.send(b"".join(b"DELE %d\r\n" % (number + 1)
                             for number in sorted(self.marked)))
        for _ in self.marked:
            matches(rb"\+OK.*", client.line(), "reply to DELE")

    def compare(self, found, reply):
        """Each message is there once, or gone as it may be."""
        leaving = self.marked | self.expired
        for number in range(1000):
            where = found.get(number, [])
            check(len(where) <= 1, f"{number} is there twice: {where}")
            in_trash = bool(where) and where[0].startswith(TRASH)
            if number not in leaving or self.has_trash:
                check(where, f"message {number} is lost")
            if number not in leaving:
                check(not in_trash, f"{where} was not marked")
            if where and where[0].endswith("S"):
                check(number in self.retrieved, f"{where} is not seen")
        if reply and reply.startswith(b"+OK"):
            left = {number for number, where in found.items()
                    if not where[0].startswith(TRASH)}
            equal(left, set(range(1000)) - leaving, "what is left")


def kill_in_update(rules, victim):
    """Kill a process at various moments of a QUIT that has much to do."""
    for pause in (0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016):
        with Server(mailbox=rules, pool={"spare": "1", "max": "1"}) as server:
            maildir = server.add_user("joe", "many")
            wish = Wish(rules)
            wish.prepare(maildir)
            reply = None
            with log_in(server) as client:
                wish.talk(client)
                pid = server.one(victim).pid
                client.send(b"QUIT\r\n")
                time.sleep(pause)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(*LOST):
                    reply = client.line()
            wait_until(lambda: not server.processes("postern-keeper"),
                       "the keeper has ended")
            wish.compare(places(maildir), reply)


ALL_RULES = TO_TRASH | MARK_SEEN | {"expire": "30d"}
for name in ("postern-keeper", "postern-worker", "postern"):
    suite.add(f"kill -9 of {name} while QUIT fills the trash and marks as "
              f"seen loses nothing", kill_in_update, ALL_RULES, name)
suite.add("kill -9 of postern-keeper while QUIT unlinks, expires and marks "
          "as seen loses nothing else", kill_in_update,
          MARK_SEEN | {"expire": "30d"}, "postern-keeper")


@case("a QUIT behind one that was killed ends what that began")
def _():
    with Server(mailbox=ALL_RULES) as server:
        maildir = server.add_user("joe", "many")
        wish = Wish(ALL_RULES)
        wish.prepare(maildir)
        with log_in(server) as client:
            wish.talk(client)
            pid = server.one("postern-keeper").pid
            client.send(b"QUIT\r\n")
            time.sleep(0.002)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(*LOST):
                client.line()
        with log_in(server) as client:
            for number, uidl in enumerate(uidls(client), 1):
                if int(re.search(rb"\.M(\d+)P", uidl)[1]) in wish.marked:
                    client.ok(f"DELE {number}")
            client.ok("QUIT")
        wish.retrieved = set(range(1000))
        wish.compare(places(maildir), b"+OK")


if __name__ == "__main__":
    run_cases(suite)
