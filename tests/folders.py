#!/usr/bin/env python3
"""Folders and logins that may only read, in real sessions."""

import os
import re
import shutil
import time

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             equal, mail_uid, run_cases, stuffed)

EARLY_S = 0.02  # a clock may tick between the two ends
DENIED = b"-ERR [AUTH] wrong user name or password"
NO_FOLDER = b"-ERR [SYS/PERM] there is no such folder"

suite = Suite()
case = suite.case


class House(Server):
    """A server with folders, and a user joe with a folder Junk."""

    def __init__(self, **sections):
        mailbox = {"folder-separator": '"+"'} | sections.pop("mailbox", {})
        super().__init__(mailbox=mailbox, **sections)
        self.joe = self.add_user("joe", "three")
        self.junk = self.joe.folder("Junk", "seven")

    def add_reader(self, name, maildir, extra=""):
        """Add a user who may only read what is in another's Maildir."""
        uid = mail_uid()
        gid = uid if as_root() else os.getegid()
        home = os.path.dirname(maildir.root)
        self.add_user(name, line=f"{name}:{{PLAIN}}secret:{uid}:{gid}::"
                      f"{home}::readonly {extra}")

    def client(self, user, transport="plain"):
        """Return a client in the TRANSACTION state."""
        client = Client(self, transport)
        try:
            client.login(user)
        except BaseException:
            client.close()
            raise
        return client

    def reply(self, user, password="secret"):
        """Return the reply to PASS on a connection of its own."""
        with Client(self) as client:
            client.ok(f"USER {user}")
            return client.ask(f"PASS {password}")


def retrieve_all(client, maildir):
    """Expect that RETR gives the messages of a Maildir or folder."""
    for number, octets in enumerate(maildir.wires(), 1):
        equal(client.retrieve(number), stuffed(octets), f"message {number}")


def inbox_and_folder(transport):
    """Each has its own messages, marks and end."""
    with House() as server:
        kept = server.joe.messages()[1:], server.junk.messages()[:6]
        with (server.client("joe", transport) as inbox,
              server.client("joe+Junk", transport) as junk):
            retrieve_all(inbox, server.joe)
            retrieve_all(junk, server.junk)
            inbox.ok("DELE 1")
            junk.ok("DELE 7")
            junk.ok("QUIT")
            equal(len(server.joe.messages()), 3, "messages before QUIT")
            inbox.ok("QUIT")
        equal((server.joe.messages(), server.junk.messages()), kept,
              "messages left")


for name in ("plain", "stls", "tls"):
    suite.add(f"the INBOX and a folder are open at once over {name}, and "
              "DELE is of each", inbox_and_folder, name)


@case("the second session of a folder gets [IN-USE], those of others do not")
def _():
    with House() as server:
        server.joe.folder("Work", "three")
        with server.client("joe+Junk") as junk:
            check(server.reply("joe+Junk").startswith(b"-ERR [IN-USE]"),
                  "a second session is admitted")
            with server.client("joe"), server.client("joe+Work"):
                equal(junk.count(), 7, "messages of the folder")
        with server.client("joe") as inbox:
            equal(inbox.count(), 3, "messages of the INBOX")


def link_is_refused(target):
    """Nothing that leads out of the Maildir is opened."""
    with House() as server:
        ann = server.add_user("ann", "seven")  # of the same uid as joe
        ann.folder("Junk", "seven")
        neighbour = os.path.basename(os.path.dirname(ann.root))
        target = target.format(ann=ann.root, joe=server.joe.root,
                               neighbour=neighbour)
        os.symlink(target, server.joe.path(".Link"))
        check(os.path.isdir(server.joe.path(".Link")), "a link to nothing")
        before = ann.snapshot(), server.joe.snapshot()
        equal(server.reply("joe+Link"), NO_FOLDER, "reply to PASS")
        equal((ann.snapshot(), server.joe.snapshot()), before, "Maildirs")
        check(not os.path.exists(ann.path("postern.lock")), "a lock of ann's")
        server.wait_for_log(r"user=joe: folder \.Link: ")


for what, place in {
        "/etc": "/etc",
        "another user's Maildir": "{ann}",
        "another user's Maildir by a relative way":
            "../../{neighbour}/Maildir",
        "another user's folder": "{ann}/.Junk",
        "the Maildir's own parent": "..",
        "its own Maildir by way of the parent": "../Maildir/.Junk",
        "its own folder by an absolute way": "{joe}/.Junk"}.items():
    suite.add(f"a folder that is a link to {what} is refused",
              link_is_refused, place)


@case("a folder that is a link to another folder is that one, lock included")
def _():
    with House() as server:
        os.symlink(".Junk", server.joe.path(".Spam"))
        reply = server.reply("joe+Spam")
        if reply == NO_FOLDER:
            raise Skip("this kernel has no openat2")
        with server.client("joe+Spam") as client:
            retrieve_all(client, server.junk)
            check(server.reply("joe+Junk").startswith(b"-ERR [IN-USE]"),
                  "two sessions of one folder")


@case("what is no directory is no folder, and nobody waits for a FIFO")
def _():
    with House() as server:
        server.joe.deliver(".File", b"")
        os.mkfifo(server.joe.path(".Fifo"))
        os.symlink(".Loop", server.joe.path(".Loop"))
        os.symlink(".None", server.joe.path(".Dangling"))
        for folder in ("File", "Fifo", "Loop", "Dangling", "None"):
            equal(server.reply(f"joe+{folder}"), NO_FOLDER, folder)


@case("a folder that becomes a link during the session stays what it was")
def _():
    with House() as server:
        ann = server.add_user("ann", "seven")
        before = ann.snapshot()
        with server.client("joe+Junk") as client:
            client.ok("RETR 1")
            client.body()
            os.rename(server.junk.root, server.joe.path(".Moved"))
            os.symlink(ann.root, server.junk.root)
            server.junk.root = server.joe.path(".Moved")
            retrieve_all(client, server.junk)
            for number in range(1, 8):
                client.ok(f"DELE {number}")
            equal(client.ok("QUIT"), b"+OK bye, 7 messages removed", "QUIT")
        equal(server.junk.messages(), [], "messages of the folder")
        equal(ann.snapshot(), before, "the Maildir of ann")


@case("a folder whose new/ and cur/ are links out is not read by way of them")
def _():
    with House() as server:
        ann = server.add_user("ann", "seven")
        before = ann.snapshot()
        for part in ("new", "cur"):
            shutil.rmtree(server.junk.path(part))
            os.symlink(ann.path(part), server.junk.path(part))
        reply = server.reply("joe+Junk")
        check(reply.startswith((b"-ERR [SYS/TEMP]", b"+OK 0 ")),
              f"reply {reply}")
        equal(ann.snapshot(), before, "the Maildir of ann")


@case("whoever does not know the password gets one and the same reply")
def _():
    with House() as server:
        for user in ("joe", "joe+Junk", "joe+None", "joe+", "jim", "jim+Junk",
                     "+Junk", "joe+../ann", "joe+.Junk", "joe+a/b"):
            equal(server.reply(user, "wrong"), DENIED, user)
        for user in ("joe+", "joe+.", "joe+..", "joe+../ann", "joe+/etc"):
            equal(server.reply(user), DENIED, user)


@case("a user's own folder= is the INBOX, unless another is asked for")
def _():
    with House() as server:
        server.joe.folder("Work", "three")
        for name, folder in (("lists", "Junk"), ("lost", "None")):
            server.add_reader(name, server.joe, f"folder={folder}")
        with server.client("lists") as client:
            equal(client.count(), 7, "messages of the folder")
        with server.client("lists+Work") as client:
            equal(client.count(), 3, "messages of the other")
        equal(server.reply("lost"), NO_FOLDER, "a folder that is not there")


@case("a wrong password for a folder waits like any other, and so does a bad "
      "folder")
def _():
    with House(auth={"failure-delay": "1s"}) as server, \
            Client(server) as client:
        for user, seconds in (("joe+Junk", 1), ("joe+", 2)):
            start = time.monotonic()
            client.ok(f"USER {user}")
            equal(client.ask("PASS wrong"), DENIED, user)
            taken = time.monotonic() - start
            check(taken >= seconds - EARLY_S, f"{taken:.3f} s is too early")


@case("a missing folder is no failed login, however often it is asked for")
def _():
    with House(auth={"attempts": "2"}) as server:
        with Client(server) as client:
            for _ in range(5):
                client.ok("USER joe+None")
                equal(client.ask("PASS secret"), NO_FOLDER, "reply")
            client.ok("USER joe+None")
            client.refused("PASS wrong", "AUTH")
            client.ok("USER joe+")
            client.refused("PASS secret", "AUTH")
            client.expect_end()
        server.wait_for_session(user="-", end="too-many-attempts")
        failed = [line for line in server.log if "LOGIN FAILED" in line]
        equal(len(failed), 2, "failed logins in the log")


@case("the log has the name as it was sent, %n and %d are the bare user's")
def _():
    with House(mailbox={"path": '"~/%n.%d"'}) as server:
        ann = server.add_user("ann@example.net", "seven")
        folder = ann.folder("Junk", "three")
        moved = os.path.join(os.path.dirname(ann.root), "ann.example.net")
        os.rename(ann.root, moved)
        folder.root = os.path.join(moved, ".Junk")
        for user in ("ann+Junk@example.net", "ann@example.net+Junk"):
            equal(server.reply(user, "wrong"), DENIED, user)
            with server.client(user) as client:
                retrieve_all(client, folder)
                client.ok("QUIT")
            server.wait_for_session(user=user, end="quit")
            server.wait_for_log(f"LOGIN FAILED, user={re.escape(user)},")


# Logins that may only read.

@case("two that may only read and one that may write are open at once")
def _():
    with House() as server:
        server.add_reader("reader", server.joe)
        with (server.client("reader") as first, server.client("joe") as joe,
              server.client("reader", "tls") as second):
            for client in (first, joe, second):
                retrieve_all(client, server.joe)
            check(server.reply("joe").startswith(b"-ERR [IN-USE]"),
                  "the one that may write has no lock")
            joe.ok("DELE 2")
            equal(joe.ok("QUIT"), b"+OK bye, 1 message removed", "QUIT")
            first.refused("RETR 2", "SYS/TEMP")
            first.refused("DELE 2", "SYS/PERM")
            equal(second.count(), 3, "messages that were listed")
            for client in (first, second):
                client.ok("QUIT")
        equal(len(server.joe.messages()), 2, "messages left")


@case("one that may only read is refused DELE, and its QUIT changes nothing")
def _():
    with House() as server:
        server.add_reader("reader", server.joe)
        before = server.joe.snapshot()
        for transport in ("plain", "stls", "tls"):
            for user, messages in (("reader", 3), ("reader+Junk", 7)):
                with server.client(user, transport) as client:
                    for number in range(1, messages + 1):
                        client.retrieve(number)
                        equal(client.ask(f"DELE {number}"),
                              b"-ERR [SYS/PERM] this login may only read",
                              "reply to DELE")
                    equal(client.count(), messages, "messages")
                    equal(client.ok("QUIT"), b"+OK bye, 0 messages removed",
                          "reply to QUIT")
        equal(server.joe.snapshot(), before, "the Maildir")


@case("one that may only read gets in while another session has the lock, "
      "and blocks none")
def _():
    with House() as server:
        server.add_reader("reader", server.joe)
        for _ in range(10):
            with server.client("joe+Junk") as joe:
                with server.client("reader+Junk") as reader:
                    joe.ok("QUIT")
                    with server.client("joe+Junk") as again:
                        equal((again.count(), reader.count()), (7, 7),
                              "messages")
                        again.ok("QUIT")


if __name__ == "__main__":
    run_cases(suite)
