#!/usr/bin/env python3
"""The index and the sizes: never wrong, whatever a Maildir goes through.

A login to an unchanged Maildir believes postern.index.  So each of these cases
tries to let it believe too much: changes within one tick of a coarse clock,
sizes in names that lie, an index that is damaged, foreign or somebody else's.
"""

import contextlib
import os
import ssl

from postern_testing import (LOST, Server, Skip, Suite, check, equal, log_in,
                             matches, run_cases, stuffed, wire)
from postern_testing import mounts
from postern_testing.processes import wait_until
from postern_testing.server import as_root

INDEX = "postern.index"
LEDGER = "postern.uidls"
ROUNDS = 40

suite = Suite()
case = suite.case


def listed(client):
    """Return [(octets, unique-id)] of a session, in order."""
    client.ok("LIST")
    sizes = [int(line.split()[1]) for line in client.lines()]
    client.ok("UIDL")
    uidls = [line.split()[1].decode() for line in client.lines()]
    equal(len(sizes), len(uidls), "the lines of LIST and UIDL")
    return list(zip(sizes, uidls))


def look(server, user="joe"):
    """Return what a short session lists."""
    with log_in(server, user=user) as client:
        found = listed(client)
        client.ok("QUIT")
    server.wait_for_session(user=user, end="quit")
    return found


def expect_whole(server, maildir):
    """All messages are listed with the right octets, and served so."""
    with log_in(server) as client:
        wires = maildir.wires()
        equal([octets for octets, _ in listed(client)],
              [len(octets) for octets in wires], "the sizes")
        for number, octets in enumerate(wires, 1):
            equal(client.retrieve(number), stuffed(octets), "a message")
        client.ok("QUIT")


def age(maildir):
    """Let both folders look unchanged for long."""
    for folder in ("new", "cur"):
        os.utime(maildir.path(folder), (1e9, 1e9))


def stored_index(maildir):
    """Return what tells one index from the next."""
    about = os.stat(maildir.path(INDEX))
    return about.st_ino, about.st_mtime_ns


def settled(server, maildir):
    """Log in until the index is believed, that is, not written again."""
    age(maildir)
    before = None

    def is_believed():
        nonlocal before
        look(server)
        last, before = before, stored_index(maildir)
        return last == before
    wait_until(is_believed, "the index is believed")


# Changes that a clock does not show.

def racy(mount):
    """Deliver, rename and remove right behind logins: all is seen."""
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        with mounts.mounted(server, maildir, mount):
            wanted = set()
            for turn in range(ROUNDS):
                name = f"{1700000000 + turn}.M{turn}P1.host"
                maildir.deliver(f"new/{name}", b"Subject: x\n\n%d\n" % turn)
                wanted.add(name)
                equal({uidl for _, uidl in look(server)}, wanted,
                      f"delivered in turn {turn}")
                os.rename(maildir.path("new", name),
                          maildir.path("cur", f"{name}:2,"))
                with log_in(server) as client:
                    client.retrieve(len(wanted))
                    client.ok("QUIT")
                if turn % 3 == 0:
                    os.unlink(maildir.path("cur", f"{name}:2,"))
                    wanted.remove(name)
                equal({uidl for _, uidl in look(server)}, wanted,
                      f"changed in turn {turn}")


def restored(mount):
    """Set the folders' times back right behind deliveries, as rsync does."""
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        with mounts.mounted(server, maildir, mount):
            wanted = set()
            for turn in range(ROUNDS):
                age(maildir)
                equal({uidl for _, uidl in look(server)}, wanted,
                      f"before turn {turn}")
                name = f"{1700000000 + turn}.M{turn}P1.host"
                maildir.deliver(f"new/{name}", b"Subject: x\n\n%d\n" % turn)
                wanted.add(name)
                age(maildir)
                equal({uidl for _, uidl in look(server)}, wanted,
                      f"restored in turn {turn}")


for title, mounter in (
        ("ext4 with 128-byte inodes, whose clock shows seconds",
         mounts.ext4(16, "-I", "128")),
        ("tmpfs", mounts.tmpfs("size=16m"))):
    suite.add(f"changes within the same second are seen on {title}", racy,
              mounter)
    suite.add("changes are seen though the folders' times are set back on "
              f"{title}", restored, mounter)


@case("a session that is open while mail comes leaves no index that hides it")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "seven")
        settled(server, maildir)
        for turn in range(10):
            with log_in(server) as client:
                maildir.deliver(f"new/{1800000000 + turn}.during",
                                b"Subject: during\n\n")
                client.ok("RETR 1")
                client.body()
                client.ok("QUIT")
            equal(len(look(server)), 8 + turn, "messages")


# Sizes.

WHOLE = b"From: a@example.org\nSubject: whole\n\nthe only copy of this mail\n"


def lying_size(name):
    """A message whose name lies about its size is listed, sent, removed."""
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        maildir.deliver(f"cur/{name}", WHOLE)
        for _ in range(2):
            with log_in(server) as client:
                equal([size for size, _ in listed(client)],
                      [len(wire(WHOLE))], "the size")
                equal(client.retrieve(1), stuffed(wire(WHOLE)), "the message")
                client.ok("QUIT")
        server.wait_for_log(r"user=joe: corrected .*S= is not its size")
        with log_in(server) as client:
            client.retrieve(1)
            client.ok("DELE 1")
            client.ok("QUIT")
        equal(maildir.messages(), [], "the messages left")


for title, lie in (
        ("S= and W= are smaller (Dovecot serves an empty message, and the "
         "mail is lost after DELE)", "1600000001.M1P1.host,S=25,W=27:2,S"),
        ("S= is smaller, without W= (Dovecot refuses the login)",
         "1600000002.M1P1.host,S=25:2,S"),
        ("S= and W= are larger", "1600000003.M1P1.host,S=2500,W=2700:2,S"),
        ("S= is absurd",
         "1600000004.M1P1.host,S=99999999999999999999,W=1,S=0:2,")):
    suite.add(f"no octet is lost of a message whose {title}", lying_size, lie)


def expect_cut(client, number):
    """RETR ends the session, and nothing that came looks whole."""
    client.send(b"RETR %d\r\nDELE %d\r\nQUIT\r\n" % (number, number))
    with contextlib.suppress(*LOST):
        while client.receive():
            pass
    check(b"\r\n.\r\n" not in client.buffer, f"looks whole {client.buffer}")
    if isinstance(client.socket, ssl.SSLSocket):
        check(client.ended != "closed", "a close_notify came")


def lying_w(change, transport):
    """W= lies: the message is cut, never looks whole, and right next time."""
    octets = len(wire(WHOLE))
    name = f"1600000001.M1P1.host,S={len(WHOLE)},W={octets + change}:2,"
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        maildir.deliver(f"cur/{name}", WHOLE)
        with log_in(server, transport) as client:
            equal(listed(client), [(octets + change, "1600000001.M1P1.host")],
                  "what is listed")
            expect_cut(client, 1)
        server.wait_for_session(user="joe", end="message-cut")
        server.wait_for_log(r"user=joe: corrected the size of message 1")
        equal(len(maildir.messages()), 1, "messages left")
        for _ in range(2):
            expect_whole(server, maildir)
        equal(maildir.messages(), [f"cur/{name}"], "the message")


for difference in (-1, 1):
    for way in ("plain", "tls"):
        suite.add(f"a message whose W= is wrong by {difference:+} is cut over "
                  f"{way}, not removed, and right the next time", lying_w,
                  difference, way)


@case("a message that grows or shrinks in place is right in the next session")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "three")
        settled(server, maildir)
        for octets in (b"Subject: longer\n\n" + b"x\n" * 500, b"Subject: s\n"):
            path = maildir.messages()[1]
            with open(maildir.path(path), "r+b") as file:
                file.truncate(0)
                file.write(octets)
            with log_in(server) as client:
                client.refused("RETR 2", "SYS/TEMP")
                client.refused("DELE 2", "SYS/TEMP")
                client.ok("QUIT")
            expect_whole(server, maildir)


@case("a message whose line ends change in place is cut, and right the next "
      "time")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "three")
        settled(server, maildir)
        path = maildir.messages()[1]
        stored = maildir.read(path)
        with open(maildir.path(path), "r+b") as file:
            file.write(stored.replace(b"\n\n", b"\r\n", 1))
        equal(os.path.getsize(maildir.path(path)), len(stored), "the size")
        with log_in(server) as client:
            expect_cut(client, 2)
        server.wait_for_session(user="joe", end="message-cut")
        expect_whole(server, maildir)


@case("a message that another server keeps compressed is left out and told")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        maildir.deliver("cur/1600000001.M1P1.host,S=4000,W=4100:2,",
                        b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(50))
        maildir.deliver("cur/1600000002.M1P1.host:2,", WHOLE)
        equal([uidl for _, uidl in look(server)], ["1600000002.M1P1.host"],
              "unique-ids")
        server.wait_for_log(r"left out 1600000001\.M1P1\.host.*: compressed")


# Files that are not as we left them.

def truncate(path, _):
    """it was cut off"""
    os.truncate(path, os.path.getsize(path) - 10)


def empty(path, _):
    """it is empty"""
    os.truncate(path, 0)


def flip(path, _):
    """an octet of each part was flipped"""
    with open(path, "r+b") as file:
        octets = bytearray(file.read())
        for at in range(150, len(octets), 40):
            octets[at] ^= 1
        file.seek(0)
        file.write(octets)


def random_octets(path, _):
    """its octets are random"""
    with open(path, "r+b") as file:
        file.write(os.urandom(os.path.getsize(path)))


def swap(path, _):
    """it has the other byte order"""
    with open(path, "r+b") as file:
        words = [file.read(8)[::-1] for _ in range(22)]
        file.seek(0)
        file.writelines(words)


def other_users(path, other):
    """it is that of another Maildir"""
    with open(other, "rb") as file:
        octets = file.read()
    with open(path, "wb") as file:
        file.write(octets)


def become_link(path, other):
    """it is a link to that of another Maildir"""
    os.unlink(path)
    os.symlink(other, path)


def become_fifo(path, _):
    """it is a FIFO"""
    os.unlink(path)
    os.mkfifo(path)


def vanish(path, _):
    """it is gone"""
    os.unlink(path)


def spoilt(spoil):
    """Whatever the index is, all mail is listed and served as before."""
    with Server() as server:
        maildir = server.add_user("joe", "odd")
        other = server.add_user("ann", "three")
        before = look(server)
        look(server, "ann")
        for _ in range(2):
            settled(server, maildir)
            spoil(maildir.path(INDEX), other.path(INDEX))
            if os.path.lexists(maildir.path(INDEX)):
                maildir.own(INDEX)
            expect_whole(server, maildir)
            equal(look(server), before, "what is listed")


for spoiler in (truncate, empty, flip, random_octets, swap, other_users,
                become_link, become_fifo, vanish):
    suite.add("whatever became of the index, all mail is listed and served: "
              f"{spoiler.__doc__}", spoilt, spoiler)


@case("all mail is listed and served where a directory is in the index's "
      "place")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "three")
        os.mkdir(maildir.path(INDEX))
        for _ in range(2):
            expect_whole(server, maildir)


@case("unique-ids outlive the index, flags, a move to cur/ and S= in names")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "names")
        before = look(server)
        for path in maildir.messages():
            name = os.path.basename(path)
            if ":" not in name and "," not in name:
                os.rename(maildir.path(path),
                          maildir.path("cur", f"{name},S=9:2,FS"))
        for vanishing in (None, INDEX, None):
            if vanishing:
                os.unlink(maildir.path(vanishing))
            equal([uidl for _, uidl in look(server)],
                  [uidl for _, uidl in before], "unique-ids")


@case("a full disk serves all mail, with the unique-ids of later logins")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        with mounts.mounted(server, maildir, mounts.tmpfs("nr_inodes=20")):
            for number in range(1, 4):
                maildir.deliver(f"new/170000000{number}.x", WHOLE * number)
            maildir.deliver("cur/1700000002.x:2,S", b"a twin\n")
            filler = []
            with contextlib.suppress(OSError):
                while True:
                    path = maildir.path(f"fill{len(filler)}")
                    with open(path, "wb"):
                        filler.append(path)
            expect_whole(server, maildir)
            before = look(server)
            check(not os.path.exists(maildir.path(INDEX)), "there is an index")
            for path in filler:
                os.unlink(path)
            equal(look(server), before, "what is listed with room")
            # The client need not wait for it.
            wait_until(lambda: os.path.exists(maildir.path(INDEX)),
                       "there is an index")
            equal(look(server), before, "what is listed with an index")


@case("a read-only Maildir serves all mail, and stays as it is")
def _():
    if not as_root():
        raise Skip("only root can mount a file system")
    with Server() as server:
        maildir = server.add_user("joe", "three")
        before = maildir.snapshot()
        mounts.run_or_skip("mount", "--bind", maildir.root, maildir.root)
        try:
            mounts.run_or_skip("mount", "-o", "remount,bind,ro",
                               maildir.root)
            for _ in range(2):
                expect_whole(server, maildir)
            with log_in(server) as client:
                client.ok("DELE 1")
                matches(rb"-ERR \[SYS/TEMP\] 1 of 1 .*", client.ask("QUIT"),
                        "reply to QUIT")
        finally:
            mounts.run_or_skip("umount", "-l", maildir.root)
        equal(maildir.snapshot(), before, "the Maildir")
        check(not os.path.exists(maildir.path(INDEX)), "there is an index")


if __name__ == "__main__":
    run_cases(suite)
