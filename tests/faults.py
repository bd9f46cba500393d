#!/usr/bin/env python3
"""Kill any process at any step, spoil files at any time: no mail is lost.

DESIGN.md, promises 1 and 2: what is not removed by a QUIT stays, and what was
not sent whole never looks whole.
"""

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

from postern_testing import (LOST, Client, Refused, Server, Skip, Suite,
                             as_root, check, equal, log_in, mail_uid, matches,
                             run_cases, stuffed, wire)
from postern_testing import churn, processes
from postern_testing.processes import wait_until

VICTIMS = ("postern-worker", "postern-keeper", "postern-signer", "postern")
HANG_S = 15

suite = Suite()
case = suite.case


def one_session_server():
    """Return a server whose only worker is easy to find."""
    return Server(pool={"spare": "1", "max": "1"})


# kill -9 at every step.

class Script:
    """A session that marks messages 1 and 3 of the fixture "big"."""

    STEPS = ("connect", "greeting", "user", "password", "stat", "listing",
             "half_a_message", "rest_of_message", "mark_first", "mark_third",
             "quit")

    def __init__(self, server):
        self.server = server
        self.client = None
        self.marked = set()
        self.quit_sent = False
        self.quit_reply = None

    def connect(self):
        """Connect and say nothing."""
        self.client = Client(self.server, "tls", greet=False)

    def greeting(self):
        """Read the greeting."""
        matches(rb"\+OK.*", self.client.line(), "the greeting")

    def user(self):
        """Say who we are."""
        self.client.ok("USER joe")

    def password(self):
        """Log in."""
        self.client.ok("PASS secret")

    def stat(self):
        """Ask for the totals."""
        self.client.ok("STAT")

    def listing(self):
        """Ask for all sizes."""
        self.client.ok("LIST")
        self.client.body()

    def half_a_message(self):
        """Begin to read 8 MiB."""
        self.client.read_slowly()
        self.client.ok("RETR 2")
        self.client.receive()

    def rest_of_message(self):
        """Read the rest; it is whole or it never ends."""
        equal(self.client.body(), self.wanted, "a message that looks whole")

    def mark_first(self):
        """Mark message 1."""
        self.client.ok("DELE 1")
        self.marked.add(1)

    def mark_third(self):
        """Mark message 3."""
        self.client.ok("DELE 3")
        self.marked.add(3)

    def quit(self):
        """Enter the UPDATE state."""
        self.quit_sent = True
        self.quit_reply = self.client.ask("QUIT")

    def go_on(self, steps):
        """Take 'steps' as far as the server lets us."""
        try:
            for step in steps:
                getattr(self, step)()
        except (Refused, *LOST):
            return


def compare(script, maildir, before, paths):
    """What QUIT with +OK removed is gone; what else is gone was marked."""
    after = maildir.snapshot()
    gone = {paths.index(path) + 1 for path in before if path not in after}
    kept = {path: facts for path, facts in before.items() if path in after}
    equal(after, kept, "what is left of the Maildir")
    check(gone <= script.marked, f"removed {gone}, marked {script.marked}")
    if not script.quit_sent:
        equal(gone, set(), "removed without QUIT")
    elif (script.quit_reply or b"").startswith(b"+OK"):
        equal(gone, script.marked, "removed by QUIT with +OK")
    return gone


def kill_after(step, victim):
    """Kill a process after a step and go on as far as possible."""
    with one_session_server() as server:
        maildir = server.add_user("joe", "big")
        before, paths = maildir.snapshot(), maildir.messages()
        script = Script(server)
        script.wanted = stuffed(maildir.wires()[1])
        done = Script.STEPS.index(step) + 1
        for name in Script.STEPS[:done]:
            getattr(script, name)()
        server.kill(victim)
        script.go_on(Script.STEPS[done:])
        gone = compare(script, maildir, before, paths)
        script.client.close()
        if victim == "postern":
            server.none_left()
        else:
            server.one("postern-signer")
            with log_in(server, "tls") as client:
                equal(client.count(), 3 - len(gone), "messages afterwards")


def steps_with(victim):
    """Return the steps after which there is such a process."""
    first = Script.STEPS.index("password") if victim == "postern-keeper" else 0
    last = -1 if victim in ("postern-keeper", "postern-worker") else None
    return Script.STEPS[first:last]


for name in VICTIMS:
    for step_name in steps_with(name):
        suite.add(f"kill -9 of {name} after the step {step_name} loses no "
                  f"mail", kill_after, step_name, name)


def kill_in_quit(victim):
    """Stop a process, send QUIT, kill it: no reply, and nothing is lost."""
    with one_session_server() as server:
        maildir = server.add_user("joe", "big")
        before = maildir.snapshot()
        with log_in(server, "tls") as client:
            client.ok("DELE 1")
            client.ok("DELE 3")
            stopped = server.one(victim)
            os.kill(stopped.pid, signal.SIGSTOP)
            client.send(b"QUIT\r\n")
            os.kill(stopped.pid, signal.SIGKILL)
            with contextlib.suppress(*LOST):
                matches(rb"-ERR .*", client.line(), "the reply to QUIT")
        equal(maildir.snapshot(), before, "the Maildir")


for name in ("postern-worker", "postern-keeper"):
    suite.add(f"kill -9 of {name} before it sees QUIT removes nothing",
              kill_in_quit, name)


def kill_while_removing(victim):
    """Kill a process at various moments while QUIT removes messages."""
    outcomes = set()
    for pause in (0, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016):
        with one_session_server() as server:
            maildir = server.add_user("joe", "many")
            before, paths = maildir.snapshot(), maildir.messages()
            script = Script(server)
            script.marked = set(range(1, 1000))
            script.quit_sent = True
            with log_in(server) as script.client:
                client = script.client
                client.send(b"".join(b"DELE %d\r\n" % n
                                     for n in range(1, 1000)))
                for _ in range(1, 1000):
                    matches(rb"\+OK.*", client.line(), "reply to DELE")
                pid = server.one(victim).pid
                client.send(b"QUIT\r\n")
                time.sleep(pause)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(*LOST):
                    script.quit_reply = client.line()
            wait_until(lambda: not server.processes("postern-keeper"),
                       "the keeper has ended")
            gone = compare(script, maildir, before, paths)
            outcomes.add((len(gone), script.quit_reply))
    check(outcomes, "nothing was tried")


for name in ("postern-worker", "postern-keeper", "postern"):
    suite.add(f"kill -9 of {name} while QUIT removes a thousand messages "
              f"loses none that was not marked", kill_while_removing, name)


@case("a client that hangs up right behind QUIT gets all or nothing removed")
def _():
    with Server() as server:
        for number in range(10):
            maildir = server.add_user(f"joe{number}", "seven")
            with log_in(server, user=f"joe{number}") as client:
                client.ok("DELE 1")
                client.ok("DELE 2")
                client.send(b"QUIT\r\n")
                if number % 2:
                    client.abort()
            server.wait_for_session(user=f"joe{number}")
            check(len(maildir.messages()) in (5, 7), "a part was removed")


@case("a client that hangs up in a message removes nothing, in spite of QUIT")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "big")
        before = maildir.snapshot()
        with log_in(server) as client:
            client.send(b"RETR 2\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n")
            client.line()
            client.abort()
        server.wait_for_session(user="joe")
        equal(maildir.snapshot(), before, "the Maildir")


@case("a client that comes when an idle worker was killed is served")
def _():
    with one_session_server() as server:
        server.add_user("joe")
        for _ in range(5):
            pid = server.kill("postern-worker").pid
            wait_until(lambda: pid not in [process.pid for process in
                                           server.processes()], "it is dead")
            with log_in(server, "tls") as client:
                equal(client.count(), 3, "messages")
                client.ok("QUIT")


@case("new sessions work after the signer was killed, old ones go on")
def _():
    with one_session_server() as server:
        server.sections["pool"]["max"] = "4"
        server.write_config()
        server.reload()
        maildir = server.add_user("joe")
        with log_in(server, "tls") as client:
            first = server.kill("postern-signer")
            client.ok("RETR 1")
            equal(client.body(), stuffed(maildir.wires()[0]), "message 1")
            client.ok("DELE 1")
            client.ok("QUIT")
        check(server.one("postern-signer").pid != first.pid, "same signer")
        with log_in(server, "tls") as client:
            equal(client.count(), 2, "messages")


# Files that change under a session.

def vanish(path):
    """another program removed it"""
    os.unlink(path)


def shrink(path):
    """it became shorter"""
    os.truncate(path, os.stat(path).st_size // 2)


def shrink_to_nothing(path):
    """it became empty"""
    os.truncate(path, 0)


def grow(path):
    """it became longer"""
    with open(path, "ab") as file:
        file.write(b"and more\n" * 1000)


def replace(path):
    """another file of the same size took its place"""
    with open(path, "rb") as file:
        octets = file.read()
    with open(f"{path}.copy", "wb") as file:
        file.write(octets.swapcase())
    own(f"{path}.copy")
    os.rename(f"{path}.copy", path)


def become_link(path):
    """it became a link to /etc/passwd"""
    os.unlink(path)
    os.symlink("/etc/passwd", path)


def become_link_to_itself(path):
    """it became a link to itself in tmp/"""
    moved = os.path.join(os.path.dirname(path), "..", "tmp", "moved")
    os.rename(path, moved)
    os.symlink("../tmp/moved", path)


def become_fifo(path):
    """it became a FIFO"""
    os.unlink(path)
    os.mkfifo(path, 0o666)
    own(path)


def become_directory(path):
    """it became a directory"""
    os.unlink(path)
    os.mkdir(path, 0o777)
    own(path)


def lose_permission(path):
    """nobody may read it any more"""
    os.chmod(path, 0)


def own(path):
    """Give a file to the mail user."""
    if as_root():
        os.chown(path, mail_uid(), mail_uid(), follow_symlinks=False)


SPOILERS = (vanish, shrink, shrink_to_nothing, grow, replace, become_link,
            become_link_to_itself, become_fifo, become_directory,
            lose_permission)


def change_before_retr(spoil):
    """RETR and TOP of a changed message fail; DELE can't remove it."""
    with Server() as server:
        maildir = server.add_user("joe")
        wires = maildir.wires()
        with log_in(server, "tls") as client:
            client.ok("LIST")
            client.body()
            spoil(maildir.path(maildir.messages()[1]))
            after = maildir.snapshot()
            client.refused("RETR 2", "SYS/TEMP")
            client.refused("TOP 2 0", "SYS/TEMP")
            client.refused("DELE 2", "SYS/TEMP")
            equal(client.retrieve(1), stuffed(wires[0]), "message 1")
            equal(client.retrieve(3), stuffed(wires[2]), "message 3")
            client.ok("QUIT")
        equal(maildir.snapshot(), after, "the Maildir")


def change_before_quit(spoil):
    """A marked message that is another file by now stays."""
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server, "tls") as client:
            client.retrieve(2)
            client.ok("DELE 2")
            client.ok("DELE 3")
            paths = maildir.messages()
            spoil(maildir.path(paths[1]))
            after = maildir.snapshot()
            del after[paths[2]]
            if spoil in (vanish, lose_permission):
                after.pop(paths[1], None)
                client.ok("QUIT")
            else:
                matches(rb"-ERR \[SYS/TEMP\] 1 of 2 .*",
                        client.ask("QUIT"), "reply to QUIT")
            client.expect_end()
        equal(maildir.snapshot(), after, "the Maildir")


for spoiler in SPOILERS:
    suite.add(f"RETR fails and DELE is refused when {spoiler.__doc__}",
              change_before_retr, spoiler)
    suite.add(f"QUIT removes the right files when, behind DELE, "
              f"{spoiler.__doc__}", change_before_quit, spoiler)


def change_in_retr(spoil, transport):
    """Change a message of 8 MiB while it is sent: cut, or the whole one."""
    with Server() as server:
        maildir = server.add_user("joe", "big")
        path = maildir.messages()[1]
        wanted = stuffed(wire(maildir.read(path)))
        with log_in(server, transport) as client:
            client.read_slowly()
            client.ok("RETR 2")
            client.receive()
            spoil(maildir.path(path))
            after = maildir.snapshot()
            client.send(b"DELE 2\r\nDELE 1\r\nQUIT\r\n")
            try:
                body = client.body()
            except LOST:
                check(not client.buffer.endswith(b"\r\n.\r\n"), "looks whole")
                server.wait_for_session(user="joe", end="message-cut")
                equal(maildir.snapshot(), after, "the Maildir")
                if transport == "tls":
                    check(client.ended != "closed", "a close_notify came")
                return
            equal(body, wanted, "a message that looks whole")
        check(spoil not in (shrink, shrink_to_nothing), "it can't be whole")


for spoiler in (shrink, shrink_to_nothing, grow, vanish, replace):
    for way in ("plain", "tls"):
        suite.add(f"RETR over {way} is cut or whole when, in the middle, "
                  f"{spoiler.__doc__}", change_in_retr, spoiler, way)


@case("a message that is renamed between LIST and RETR is served and removed")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        wires = maildir.wires()
        with log_in(server) as client:
            first = maildir.messages()[0]
            moved = f"cur/{os.path.basename(first)}:2,RS"
            os.rename(maildir.path(first), maildir.path(moved))
            equal(client.retrieve(1), stuffed(wires[0]), "message 1")
            client.ok("DELE 1")
            os.rename(maildir.path(moved),
                      maildir.path(moved.replace(":2,RS", ":2,FRS")))
            client.ok("QUIT")
        equal(maildir.wires(), wires[1:], "messages left")


@case("a message that comes during a session waits for the next one")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server) as client:
            maildir.deliver("new/1600000000.early", b"Subject: early\n\n")
            equal(client.count(), 3, "messages of the session")
            client.ok("DELE 1")
            client.ok("QUIT")
        equal(maildir.messages()[0], "new/1600000000.early", "first message")
        equal(len(maildir.messages()), 3, "messages left")


# Odd entries.

def add_odd_entries(maildir):
    """Put all kinds of entries into new/ and cur/; return their names."""
    outside = os.path.join(os.path.dirname(maildir.root), "outside")
    with open(outside, "wb") as file:
        file.write(b"Subject: secret outside\n\n")
    own(outside)
    made = {
        "1700000010.link-out": lambda path: os.symlink("/etc/passwd", path),
        "1700000011.link-up": lambda path: os.symlink("../../outside", path),
        "1700000012.link-in": lambda path: os.symlink(
            os.path.basename(maildir.messages()[0]), path),
        "1700000013.dangling": lambda path: os.symlink("nowhere", path),
        "1700000014.fifo": lambda path: os.mkfifo(path, 0o666),
        "1700000015.directory": os.mkdir,
        "1700000016.socket": lambda path: os.mknod(
            path, stat.S_IFSOCK | 0o666),
        "1700000017.unreadable": unreadable,
    }
    if as_root():
        made["1700000018.device"] = lambda path: os.mknod(
            path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    for folder in ("new", "cur"):
        for entry, make in made.items():
            path = maildir.path(folder, entry)
            try:
                make(path)
            except PermissionError:
                continue
            if not os.path.islink(path):
                own(path)
            yield entry


def unreadable(path):
    """Make a file that nobody may read."""
    with open(path, "wb"):
        os.chmod(path, 0)


@case("odd entries are left out and logged, and cost no other message")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        wires = maildir.wires()
        odd = set(add_odd_entries(maildir))
        before = maildir.snapshot()
        with log_in(server) as client:
            equal(client.count(), 3, "messages")
            for number, octets in enumerate(wires, 1):
                equal(client.retrieve(number), stuffed(octets), "a message")
            for number in (1, 2, 3):
                client.ok(f"DELE {number}")
            client.ok("QUIT")
        for entry in odd:
            server.wait_for_log(re.escape(entry), seconds=5)
        after = maildir.snapshot()
        equal({path for path in before if path not in after},
              {path for path in before if re.search("M[123]P1", path)},
              "what was removed")


@case("names of 255 octets and with any octets are served like others")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        names = ["1700000001." + "n" * 244, "1700000002." + "\udcff" * 244,
                 "1700000003." + "".join(map(chr, range(1, 47))),
                 "1700000004.\x1b]0;title\x07", "-rf", "1700000005.%n%s\\",
                 "9" * 255, "1700000006.line\nbreak"]
        for entry in names:
            maildir.deliver(f"new/{entry}", b"Subject: odd name\n\nx\n")
        with log_in(server) as client:
            equal(client.count(), len(names), "messages")
            for number in range(1, len(names) + 1):
                client.retrieve(number)
                matches(rb"\+OK \d+ [\x21-\x7e]{1,70}",
                        client.ok(f"UIDL {number}"), "unique-id")
                client.ok(f"DELE {number}")
            client.ok("QUIT")
        equal(maildir.messages(), [], "messages left")


@case("an odd name can not forge a log line")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        os.mkdir(maildir.path("new", "1.\npostern: error: forged \x1b[2J"))
        with log_in(server) as client:
            equal(client.count(), 0, "messages")
        server.wait_for_session(user="joe")
        check(not any(line.startswith("postern: error: forged")
                      or "\x1b" in line for line in server.log), "forged")


@case("files outside new/ and cur/, and hidden ones, are no messages")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        for path in ("tmp/1.x", "1.x", "new/.hidden", "cur/.nfs0001"):
            with open(maildir.path(path), "wb") as file:
                file.write(b"Subject: no message\n\n")
            maildir.own(path)
        before = maildir.snapshot()
        with log_in(server) as client:
            equal(client.count(), 3, "messages")
            client.ok("QUIT")
        equal(maildir.snapshot(), before, "the Maildir")


@case("a folder that is a link out of the Maildir is not served")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        other = server.add_user("ann", "seven", which=0)
        os.rename(maildir.path("cur"), maildir.path("real-cur"))
        os.symlink(other.path("new"), maildir.path("cur"))
        before = other.snapshot()
        with Client(server) as client:
            client.ok("USER joe")
            if client.ask("PASS secret").startswith(b"+OK"):
                check(client.count() <= 3, "mail of another Maildir")
                for number in range(1, client.count() + 1):
                    client.ok(f"DELE {number}")
                client.ok("QUIT")
        equal(other.snapshot(), before, "the other Maildir")


# Permissions.

def maildir_fails(spoil, code):
    """A Maildir that can't be used is told, and nobody else is hurt."""
    with Server() as server:
        maildir = server.add_user("joe")
        server.add_user("ann", which=1)
        spoil(maildir)
        with Client(server) as client:
            client.ok("USER joe")
            client.refused("PASS secret", code)
        with log_in(server, user="ann") as client:
            equal(client.count(), 3, "messages of another user")


def forbid(*path):
    """Return a spoiler that takes all permissions of a directory."""
    return lambda maildir: os.chmod(maildir.path(*path), 0)


def without_home(maildir):
    """Remove the home directory."""
    home = os.path.dirname(maildir.root)
    os.rename(home, f"{home}.away")


def file_for_maildir(maildir):
    """Put a file where the Maildir was."""
    os.rename(maildir.root, f"{maildir.root}.away")
    with open(maildir.root, "wb"):
        pass
    own(maildir.root)


def file_for_new(maildir):
    """Put a file where new/ was."""
    os.rename(maildir.path("new"), maildir.path("new.away"))
    with open(maildir.path("new"), "wb"):
        pass
    maildir.own("new")


for what, spoiler in {
        "the Maildir has no permissions": forbid(""),
        "new/ has no permissions": forbid("new"),
        "cur/ has no permissions": forbid("cur"),
        "the home directory is missing": without_home,
        "the Maildir is a file": file_for_maildir,
        "new/ is a file": file_for_new}.items():
    suite.add(f"[SYS/TEMP] for the user alone when {what}",
              maildir_fails, spoiler, "SYS/TEMP")


@case("the log tells a Maildir not made yet from one that is out of reach")
def _():
    with Server() as server:
        for user in ("joe", "ann"):
            shutil.rmtree(server.add_user(user).root)
        server.write_users()
        with log_in(server) as client:
            equal(client.count(), 0, "messages")
        server.wait_for_log("user=joe: .*/Maildir is not there yet: no ")
        os.rmdir(server.path("home1"))
        with Client(server) as client:
            client.ok("USER ann")
            client.refused("PASS secret", "SYS/TEMP")
        server.wait_for_log("error: user=ann: can't open .*/Maildir: ")


@case("a directory that is no Maildir is empty, and the log wonders")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        for folder in ("new", "cur"):
            with log_in(server) as client:
                equal(client.count(), 0, "messages")
                client.ok("QUIT")
            server.wait_for_session(user="joe", end="quit")
            check(not any("Maildir?" in line for line in server.log),
                  "it wonders too soon")
            os.rmdir(maildir.path(folder))
        with log_in(server) as client:
            equal(client.count(), 0, "messages")
        server.wait_for_log("user=joe: .* neither new/ nor cur/: is it a ")


@case("a ledger that can't be read is named, and refuses the login")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        os.mkdir(maildir.path("postern.uidls"))
        with Client(server) as client:
            client.ok("USER joe")
            client.refused("PASS secret", "SYS/TEMP")
        server.wait_for_log("user=joe: can't read postern.uidls: ")
        os.rmdir(maildir.path("postern.uidls"))
        with log_in(server) as client:
            equal(client.count(), 3, "messages")


@case("a Maildir that may not be written is read, and QUIT tells what stays")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        for folder in ("", "new", "cur"):
            os.chmod(maildir.path(folder), 0o500)
        before = maildir.snapshot()
        with log_in(server) as client:
            equal(client.retrieve(1), stuffed(maildir.wires()[0]), "message")
            client.ok("DELE 1")
            client.ok("DELE 2")
            matches(rb"-ERR \[SYS/TEMP\] 2 of 2 .*", client.ask("QUIT"),
                    "reply to QUIT")
            client.expect_end()
        server.wait_for_session(user="joe", end="refused-commit")
        equal(maildir.snapshot(), before, "the Maildir")


@case("of two folders only the one that may be written loses messages")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        os.chmod(maildir.path("cur"), 0o500)
        with log_in(server) as client:
            for number in (1, 2, 3):
                client.ok(f"DELE {number}")
            matches(rb"-ERR \[SYS/TEMP\] 1 of 3 .*", client.ask("QUIT"),
                    "reply to QUIT")
        equal(len(maildir.messages()), 1, "messages left")


@case("the Maildir of another user is not served")
def _():
    if not as_root():
        raise Skip("only root can be several users")
    with Server() as server:
        server.add_user("joe", which=0)
        home = server.path("home0")
        server.add_user("eve", line=f"eve:{{PLAIN}}secret:20002:20002::"
                                    f"{home}::")
        with Client(server) as client:
            client.ok("USER eve")
            client.refused("PASS secret", "SYS/TEMP")


# Others at work.

@contextlib.contextmanager
def churning(maildir):
    """Let a delivery agent and a reader work in the Maildir meanwhile."""
    identity = processes.identity(mail_uid())
    python = processes.interpreter(identity)
    if python is None:
        raise Skip("no Python that the mail user can run")
    with open(churn.__file__, encoding="utf-8") as file:
        source = file.read()
    with subprocess.Popen([python, "-c", source], text=True,
                          cwd=maildir.root, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, **identity) as child:
        equal(child.stdout.readline(), "turning\n", "the other program")
        yield
        count, _ = child.communicate("\n", timeout=20)
        check(int(count) > 0, "the other program did nothing")


@case("while others deliver, rename and delete, each scan is complete")
def _():
    with Server() as server:
        maildir = server.add_user("joe", "empty")
        for number in range(100):
            maildir.deliver(f"new/{1700000000 + number}.stay{number}",
                            b"Subject: stay\n\n%d\n" % number)
        end = time.monotonic() + 4
        with churning(maildir):
            for turn in range(100):
                with log_in(server) as client:
                    scan_is_complete(client, turn)
                if turn > 20 and time.monotonic() > end:
                    break


def scan_is_complete(client, turn):
    """All that stay are listed once, in order, and one can be read."""
    chosen = turn % 100
    client.ok("UIDL")
    lines = [line.decode().split() for line in client.lines()]
    stay = [uidl.partition(".stay")[2] for _, uidl in lines
            if ".stay" in uidl]
    equal(stay, [str(number) for number in range(100)], f"scan {turn}")
    number, uidl = next(line for line in lines
                        if line[1].endswith(f".stay{chosen}"))
    wanted = f"Subject: stay\r\n\r\n{chosen}\r\n".encode()
    equal(client.retrieve(number), wanted, uidl)
    client.ok("QUIT")


def remove_in_churn(delete):
    """Remove every second message while others rename all."""
    with Server(mailbox={"delete": delete}) as server:
        maildir = server.add_user("joe", "empty")
        with churning(maildir):
            for turn in range(1, 11):
                remove_even(server, maildir, turn)
        return in_trash(maildir)


def in_trash(maildir):
    """Return turn and number of each message in the trash, in order."""
    names = [name for folder in ("new", "cur")
             if os.path.isdir(maildir.path("postern.trash", folder))
             for name in os.listdir(maildir.path("postern.trash", folder))]
    found = (re.search(r"\.stay(\d+)-(\d+)", name) for name in names)
    return sorted((int(match[1]), int(match[2])) for match in found)


@case("while others rename them, all marked messages are removed, no other")
def _():
    equal(remove_in_churn("unlink"), [], "the trash")


@case("while others rename them, each marked message gets into the trash once")
def _():
    equal(remove_in_churn("trash"), [(turn, number) for turn in range(1, 11)
                                     for number in range(0, 100, 2)],
          "the trash")


def turns(maildir):
    """Return how often the other program has renamed all messages."""
    return max((int(number) for number in re.findall(
        r"M(\d+)P7", " ".join(maildir.messages()))), default=0)


def remove_even(server, maildir, turn):
    """Deliver a hundred messages and remove every second of them."""
    for number in range(100):
        maildir.deliver(f"new/{1700000000 + 100 * turn + number}"
                        f".stay{turn}-{number}", b"Subject: stay\n\n")
    with log_in(server) as client:
        client.ok("UIDL")
        for line in client.lines():
            number, uidl = line.decode().split()
            if re.search(rf"\.stay{turn}-\d*[02468]$", uidl):
                client.ok(f"DELE {number}")
        then = turns(maildir)
        wait_until(lambda: turns(maildir) > then + 1, "all are renamed")
        client.ok("QUIT")

    def left():
        found = re.findall(rf"\.stay{turn}-(\d+)",
                           " ".join(maildir.messages()))
        return {int(number) for number in found}

    # Who lists while others rename may miss one, but none twice in a row.
    wait_until(lambda: left() == set(range(1, 100, 2)),
               f"the right ones are left, not {left()}")


@case("twenty users at once get their own mail and lose their own marks")
def _():
    with Server(pool={"spare": "4", "max": "32"}) as server:
        boxes = {}
        for number in range(20):
            boxes[f"user{number}"] = server.add_user(
                f"user{number}", "empty", which=number % 2)
        for user, maildir in boxes.items():
            for number in range(50):
                maildir.deliver(f"new/{1700000000 + number}.x",
                                f"To: {user}\n\n{number}\n".encode() * 50)
        problems = []

        def fetch(user, maildir):
            try:
                for _ in range(3):
                    fetch_all(server, user, maildir)
            except Exception as problem:
                problems.append(f"{user}: {problem!r}")

        threads = [threading.Thread(target=fetch, args=box)
                   for box in boxes.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        equal(problems, [], "problems")


def fetch_all(server, user, maildir):
    """Fetch all messages of one user and remove the first half."""
    wires = maildir.wires()
    with log_in(server, "tls", user) as client:
        for number, octets in enumerate(wires, 1):
            equal(client.retrieve(number), stuffed(octets), user)
        for number in range(1, len(wires) // 2 + 1):
            client.ok(f"DELE {number}")
        client.ok("QUIT")
    equal(maildir.wires(), wires[len(wires) // 2:], "messages left")


@case("lock, index and ledger are all that a session leaves in a Maildir")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        before = set(os.listdir(maildir.root))
        with log_in(server) as client:
            client.retrieve(1)
            client.ok("QUIT")
        made = set(os.listdir(maildir.root)) - before
        equal(made, {"postern.lock", "postern.index", "postern.uidls"}, "made")


def odd_lock_file(make):
    """Whatever lies where the lock file should be, nothing hangs or leaks."""
    with Server() as server:
        maildir = server.add_user("joe")
        target = os.path.join(os.path.dirname(maildir.root), "target")
        make(maildir.path("postern.lock"), target)
        own(maildir.path("postern.lock"))
        with Client(server) as first, Client(server) as second:
            first.ok("USER joe")
            reply = first.ask("PASS secret")
            matches(rb"\+OK .*|-ERR \[SYS/TEMP\] .*", reply, "reply to PASS")
            if reply.startswith(b"+OK"):
                second.ok("USER joe")
                second.refused("PASS secret", "IN-USE")
        check(not os.path.exists(target), "the link was followed")


def lock_link(path, target):
    """a link to a missing file"""
    os.symlink(target, path)


def lock_fifo(path, _):
    """a FIFO"""
    os.mkfifo(path, 0o600)


def lock_directory(path, _):
    """a directory"""
    os.mkdir(path)


def lock_unreadable(path, _):
    """a file without permissions"""
    with open(path, "wb"):
        os.chmod(path, 0)


for maker in (lock_link, lock_fifo, lock_directory, lock_unreadable):
    suite.add(f"postern.lock may be {maker.__doc__}: it is not followed, "
              f"nothing hangs, sessions exclude each other", odd_lock_file,
              maker)


@case("kill -9 of the keeper while a failed login waits ends that session")
def _():
    with Server(auth={"failure-delay": "30s"}) as server:
        server.add_user("joe")
        with Client(server) as client:
            client.ok("USER joe")
            client.send(b"PASS wrong\r\n")
            server.kill("postern-keeper")
            matches(rb"-ERR \[SYS/TEMP\] .*", client.line(), "reply to PASS")
            client.expect_end()
        server.wait_for_session(user="-", end="keeper-lost")
        with log_in(server) as client:
            equal(client.count(), 3, "messages")


if __name__ == "__main__":
    run_cases(suite)
