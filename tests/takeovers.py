#!/usr/bin/env python3
"""Who holds a maildrop, and what becomes of a client that falls silent.

A silent client lets others in after mailbox.takeover-after; it goes on as if
nothing had been if nobody came, and removes nothing if somebody did.
"""

import contextlib
import datetime
import os
import signal
import socket
import time

from postern_testing import (LOST, Client, Server, Skip, Suite,
                             as_root, check, equal, log_in, matches,
                             run_cases, stuffed)
from postern_testing.processes import wait_until

TRANSPORTS = ("plain", "stls", "tls")
LONG = bool(os.environ.get("POSTERN_LONG"))
AT_LAST_S = 20  # "soon" and "at once" end here
EARLY_S = 0.02  # a clock may tick between the two ends
IN_USE = (rb"-ERR \[IN-USE\] the mailbox is open since (\d{4}-\d\d-\d\d "
          rb"\d\d:\d\d:\d\d) UTC \((\d+) s\) from (\S+)")
TAKEN_OVER = (b"-ERR [IN-USE] another session has taken over the mailbox; "
              b"nothing was removed")

suite = Suite()
case = suite.case


def server_with(after, **sections):
    """Return a server whose clients are silent after 'after'."""
    sections.setdefault("mailbox", {})["takeover-after"] = after
    return Server(**sections)


def is_in_use(server, transport="plain"):
    """Tell whether the maildrop is in use; another refusal is wrong."""
    with Client(server, transport) as client:
        client.ok("USER joe")
        reply = client.ask("PASS secret")
        check(reply.startswith((b"+OK", b"-ERR [IN-USE]")), f"{reply}")
        return reply.startswith(b"-ERR")


def take_over(server, transport="plain"):
    """Log in as soon as the session before is silent for long enough."""
    client = Client(server, transport)

    def is_in():
        client.ok("USER joe")
        reply = client.ask("PASS secret")
        check(reply.startswith((b"+OK", b"-ERR [IN-USE]")), f"{reply}")
        return reply.startswith(b"+OK")
    wait_until(is_in, "the second session gets in", AT_LAST_S)
    return client


# What [IN-USE] tells.

def told(transport):
    """Log in twice; the second time the first session is told."""
    with Server() as server:
        server.add_user("joe")
        before = int(time.time())
        with log_in(server, transport, source="127.0.0.5"):
            with Client(server, transport) as second:
                second.ok("USER joe")
                match = matches(IN_USE, second.ask("PASS secret"), "PASS")
        since = datetime.datetime.strptime(
            match[1].decode() + " +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()
        check(before <= since <= time.time(), f"since {match[1]}")
        check(int(match[2]) <= time.time() - before + 1, f"{match[2]} s")
        equal(match[3], b"127.0.0.5", "the address")
        server.wait_for_log(r"user=joe: refused, in use for \d+ s from "
                            r"127\.0\.0\.5; ip=\[127\.0\.0\.1\]$")


for way in TRANSPORTS:
    suite.add(f"[IN-USE] tells since when and from where over {way}",
              told, way)


@case("what the mail user writes into the lock file is not told")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server):
            for forged in (b"postern 1 " + b"0" * 32 + b" 1 x\r\n+OK\r\n",
                           b"postern 1 " + b"0" * 32 + b" 99999999999 ::1\n",
                           b"\xff" * 5000, b""):
                with open(maildir.path("postern.lock"), "wb") as file:
                    file.write(forged)
                with Client(server) as second:
                    second.ok("USER joe")
                    equal(second.ask("PASS secret"), b"-ERR [IN-USE] the "
                          b"mailbox is open in another session", "reply")
                    equal(bytes(second.buffer), b"", "more octets")
            server.wait_for_log("user=joe: refused, in use by another session; "
                                r"ip=\[127\.0\.0\.1\]$")


# What becomes of the silent one.

def next_command(transport, command):
    """Another session was there: nothing is done for the old one any more."""
    with server_with("4s") as server:
        maildir = server.add_user("joe")
        with log_in(server, transport) as old:
            old.ok("DELE 1")
            before = maildir.snapshot()
            start = time.monotonic()
            with take_over(server, transport) as new:
                check(time.monotonic() - start > 3, "it came too early")
                equal(old.ask(command), TAKEN_OVER, f"reply to {command}")
                equal(old.expect_end(), "closed", "the end")
                equal(new.count(), 3, "messages of the new session")
                equal(maildir.snapshot(), before, "the Maildir")
                line = server.wait_for_session(end="taken-over")
                equal((line["user"], line["dele"]), ("joe", "0"), "the line")
                new.ok("DELE 2")
                new.ok("QUIT")
        equal(len(maildir.messages()), 2, "messages left")


for way, words in (("plain", "QUIT"), ("plain", "DELE 2"), ("plain", "BAD"),
                   ("stls", "RETR 1"), ("tls", "QUIT"), ("tls", "NOOP")):
    suite.add(f"{words} of a client that was taken over is refused and "
              f"removes nothing, over {way}", next_command, way, words)


@case("a session that came and went meanwhile has taken over, too")
def _():
    with server_with("4s") as server:
        maildir = server.add_user("joe")
        with log_in(server) as old:
            old.ok("DELE 1")
            with take_over(server) as new:
                new.ok("DELE 2")
                new.ok("QUIT")
            equal(old.ask("QUIT"), TAKEN_OVER, "reply to QUIT")
            old.expect_end()
        equal(len(maildir.messages()), 2, "messages left")


def closed_soon(transport):
    """Nobody waits for the silent one's next command."""
    with server_with("1s") as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server, transport) as old:
            old.ok("DELE 1")
            with take_over(server, transport) as new:
                equal(old.expect_end(), "closed", "the end")
                line = server.wait_for_session(end="taken-over")
                equal(line["dele"], "0", "removed")
                server.one("postern-keeper")
                equal(new.count(), 3, "messages")
        equal(maildir.snapshot(), before, "the Maildir")


for way in TRANSPORTS:
    suite.add(f"a silent client that was taken over is closed soon over {way}",
              closed_soon, way)


def goes_on(transport):
    """Nobody came: silence has no consequence."""
    with server_with("1s") as server:
        maildir = server.add_user("joe", "seven")
        wires = maildir.wires()
        with log_in(server, transport) as client:
            client.ok("DELE 1")
            for number in (2, 3):
                client.silent_for(2.2)
                equal(client.retrieve(number), stuffed(wires[number - 1]),
                      f"message {number}")
            client.silent_for(1.2)
            client.ok("DELE 2")
            client.silent_for(1.2)
            check(b"2 messages removed" in client.ok("QUIT"), "the removal")
        equal(maildir.wires(), wires[2:], "messages left")
        server.wait_for_session(user="joe", end="quit", dele="2")


for way in TRANSPORTS:
    suite.add(f"a silent client that nobody took over goes on over {way}",
              goes_on, way)


@case("who logs in while a silent client speaks again finds it in use")
def _():
    with server_with("1s") as server:
        server.add_user("joe")
        with log_in(server) as client:
            client.silent_for(2)
            client.ok("NOOP")
            start = time.monotonic()
            is_refused = is_in_use(server)
            if time.monotonic() - start > 5:
                raise Skip("this machine is too slow now")
            with contextlib.suppress(*LOST):
                is_served = client.ask("NOOP").startswith(b"+OK")
                check(is_refused == is_served, "both or none have it")


def never_taken_over(server, stay):
    """Expect that nobody gets in for 10 s while the client calls 'stay'."""
    with Client(server) as second:
        second.send(b"USER joe\r\nPASS secret\r\n" * 8)
        last = time.monotonic()
        end = last + 10
        while last < end:
            stay()
            now = time.monotonic()
            if now - last > 3:
                raise Skip("this machine is too slow now")
            last = now
        for number in range(8):
            matches(rb"\+OK.*", second.line(), "USER")
            matches(IN_USE, second.line(), f"PASS {number}")


def talking():
    """Commands are signs of life."""
    with server_with("4s") as server:
        server.add_user("joe")
        with log_in(server) as client:
            def talk():
                client.ok("NOOP")
                time.sleep(0.1)
            never_taken_over(server, talk)


def slow():
    """So are octets that are taken, long before there is room for more."""
    with server_with("4s") as server:
        maildir = server.add_user("joe", "big")
        with Client(server) as client:
            def read():
                client.receive()
                time.sleep(0.7)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                     1 << 18)
            client.login("joe")
            client.ok("RETR 2")
            never_taken_over(server, read)
            equal(client.body(), stuffed(maildir.wires()[1]), "message 2")


# Alone: other cases make a client of this process silent for seconds.
suite.add_last("a client that goes on talking is never taken over", talking)
suite.add_last("a client that takes a message slowly is never taken over",
               slow)


@case("with takeover-after = 0 a silent client keeps its maildrop")
def _():
    with server_with("0") as server:
        maildir = server.add_user("joe")
        with log_in(server) as client:
            client.ok("DELE 1")
            client.silent_for(3)
            check(is_in_use(server), "it is taken over")
            client.ok("QUIT")
        equal(len(maildir.messages()), 2, "messages left")


# A client that stops to read in the middle of a message.

def stop_reading(server, transport):
    """Ask for so much that the server must wait for us."""
    client = Client(server, transport)
    client.read_slowly()
    client.login("joe")
    client.ok("DELE 1")
    client.send(b"RETR 2\r\n" * 20 + b"QUIT\r\n")
    return client


def cut(transport):
    """The rest never comes, and what came does not look whole."""
    with server_with("1s") as server:
        maildir = server.add_user("joe", "big")
        before = maildir.snapshot()
        whole = stuffed(maildir.wires()[1])
        with stop_reading(server, transport) as old:
            with take_over(server, transport) as new:
                server.wait_for_session(end="taken-over", dele="0")
                count = 0
                with contextlib.suppress(*LOST):
                    while True:
                        matches(rb"\+OK \d+ octets", old.line(), "RETR")
                        equal(old.body(), whole, f"message {count}")
                        count += 1
                check(count < 20, "all messages came")
                check(old.ended != "closed" or transport == "plain",
                      "TLS was closed as if nothing was missing")
                check(not old.buffer.endswith(b"\r\n.\r\n"), "a final dot")
                new.ok("NOOP")
        equal(maildir.snapshot(), before, "the Maildir")


def reads_on(transport):
    """Nobody came: the whole message comes."""
    with server_with("1s") as server:
        maildir = server.add_user("joe", "big")
        whole = stuffed(maildir.wires()[1])
        with stop_reading(server, transport) as client:
            time.sleep(2.5)
            for number in range(20):
                matches(rb"\+OK \d+ octets", client.line(), "RETR")
                equal(client.body(), whole, f"message {number}")
            check(b"1 message removed" in client.line(), "the removal")


for way in TRANSPORTS:
    suite.add(f"a client that stops to read is taken over, and its message "
              f"cut, over {way}", cut, way)
    suite.add(f"a client that stops to read, then reads on, gets all over "
              f"{way}", reads_on, way)


# More than two.

@case("a session that took over can be taken over; the last one goes on")
def _():
    with server_with("4s") as server:
        maildir = server.add_user("joe")
        with log_in(server) as one, take_over(server, "tls") as two:
            one.expect_end()
            with take_over(server) as three:
                three.ok("DELE 3")
                equal(two.ask("QUIT"), TAKEN_OVER, "QUIT of the second")
                three.ok("QUIT")
        equal(len(maildir.messages()), 2, "messages left")


@case("of two silent clients the one that came last has the maildrop")
def _():
    with server_with("3s") as server:
        server.add_user("joe")
        with log_in(server) as one, take_over(server) as two:
            one.expect_end()
            two.silent_for(4)
            two.ok("NOOP")
            check(is_in_use(server), "it is free")


@case("of ten that want a silent client's maildrop at once, one gets it")
def _():
    with server_with("6s") as server:
        server.add_user("joe")
        with contextlib.ExitStack() as stack:
            old = stack.enter_context(log_in(server))
            rivals = [stack.enter_context(Client(server)) for _ in range(10)]
            old.silent_for(6.2)
            for rival in rivals:
                rival.send(b"USER joe\r\nPASS secret\r\n")
            replies = []
            for rival in rivals:
                matches(rb"\+OK.*", rival.line(), "USER")
                replies.append(rival.line()[:4])
            equal(sorted(replies), [b"+OK "] + [b"-ERR"] * 9, "replies")


@case("a worker takes no silence from one session to the next")
def _():
    pool = {"spare": "1", "max": "2", "sessions-per-worker": "50"}
    with server_with("1s", pool=pool) as server:
        maildir = server.add_user("joe")
        for _ in range(2):
            with log_in(server, "tls") as old, take_over(server) as new:
                old.expect_end()
                new.silent_for(1.5)
                new.ok("NOOP")
        with log_in(server) as client:
            client.ok("DELE 1")
            client.silent_for(1.5)
            client.ok("QUIT")
        equal(len(maildir.messages()), 2, "messages left")


@contextlib.contextmanager
def two_servers(**mailbox):
    """Two servers with one Maildir: as two hosts on the same NFS."""
    with Server(mailbox=dict(mailbox)) as here:
        maildir = here.add_user("joe")
        with Server(mailbox=dict(mailbox)) as there:
            there.add_user("joe", line=here.users[0])
            yield here, there, maildir


@case("two servers exclude each other from one Maildir, and tell")
def _():
    with two_servers() as (here, there, _):
        for first, second in ((here, there), (there, here)):
            with log_in(first, source="127.0.0.7") as holder:
                with Client(second) as other:
                    other.ok("USER joe")
                    match = matches(IN_USE, other.ask("PASS secret"), "PASS")
                    equal(match[3], b"127.0.0.7", "the address")
                    holder.ok("QUIT")
                    other.login("joe")
                    other.ok("QUIT")


@case("two servers take over from each other")
def _():
    with two_servers(**{"takeover-after": "4s"}) as (here, there, maildir):
        before = maildir.snapshot()
        for first, second in ((here, there), (there, here)):
            with log_in(first, "tls") as old:
                old.ok("DELE 1")
                with take_over(second) as new:
                    equal(old.ask("QUIT"), TAKEN_OVER, "reply to QUIT")
                    equal(new.count(), 3, "messages")
        equal(maildir.snapshot(), before, "the Maildir")


# Processes that die or hang while the maildrop is let go or held.

def killed(victim):
    """Kill a process of a silent client's session."""
    with server_with("1s", pool={"spare": "1", "max": "1"}) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server) as old:
            old.ok("DELE 1")
            old.silent_for(1.5)
            server.kill(victim)
            with contextlib.suppress(*LOST):
                matches(rb"-ERR \[SYS/TEMP\].*", old.ask("QUIT"), "QUIT")
                old.expect_end()
            old.close()
            with log_in(server) as new:
                equal(new.count(), 3, "messages")
        equal(maildir.snapshot(), before, "the Maildir")


for name in ("worker", "keeper"):
    suite.add(f"kill -9 of a silent client's {name} removes nothing and "
              f"blocks nobody", killed, f"postern-{name}")


@case("a keeper that is stopped excludes others until it ends")
def _():
    with server_with("1s") as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server) as old:
            old.ok("DELE 1")
            keeper = server.one("postern-keeper").pid
            os.kill(keeper, signal.SIGSTOP)
            time.sleep(2)
            check(is_in_use(server), "it is taken over")
            os.kill(keeper, signal.SIGKILL)
            with take_over(server) as new:
                equal(new.count(), 3, "messages")
            server.wait_for_session(end="keeper-lost", dele="0")
        equal(maildir.snapshot(), before, "the Maildir")


@case("a Maildir that can't be written is never taken over")
def _():
    with server_with("1s") as server:
        maildir = server.add_user("joe")
        os.chmod(maildir.root, 0o500)
        with log_in(server) as client:
            client.silent_for(2.5)
            with Client(server) as second:
                second.ok("USER joe")
                equal(second.ask("PASS secret"), b"-ERR [IN-USE] the mailbox "
                      b"is open in another session", "reply to PASS")
            equal(client.count(), 3, "messages")
        os.chmod(maildir.root, 0o700)


@case("a user without a Maildir may be silent, too")
def _():
    with server_with("1s") as server:
        server.add_user("joe", "missing")
        with log_in(server) as client:
            client.silent_for(2.5)
            equal(client.count(), 0, "messages")
            client.ok("QUIT")


# Clients that are gone.

def keepalive_s(client):
    """Return in how many seconds the system will ask if we are there."""
    here = f"{client.socket.getsockname()[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            if fields[2].endswith(f":{here}"):
                kind, _, ticks = fields[5].partition(":")
                if kind == "02":  # not 01: octets wait for their receipt
                    return int(ticks, 16) / os.sysconf("SC_CLK_TCK")
    return None


@case("the system asks the client's host after takeover-after, and 30 s")
def _():
    for after, least, most in (("1s", 1, 30), ("100s", 31, 100),
                               ("12h", 101, 32767), ("0", 101, 1 << 24)):
        with server_with(after) as server:
            server.add_user("joe")
            with log_in(server) as client:
                found = wait_until(lambda: keepalive_s(client),
                                   "the timer of the keep-alive runs")
                check(least < found <= most, f"{after}: {found} s")


@case("the session of a client whose host is gone ends by itself")
def _():
    if not LONG or not as_root():
        raise Skip("takes 30 s: only with POSTERN_LONG=1, as root")
    with server_with("30s") as server:
        server.add_user("joe")
        client = log_in(server)
        wait_until(lambda: keepalive_s(client), "nothing is under way")
        tcp_repair = 19
        client.socket.setsockopt(socket.IPPROTO_TCP, tcp_repair, 1)
        client.close()  # without a word to the server
        check(is_in_use(server), "the server was told")
        wait_until(lambda: any(line["user"] == "joe"
                               and line["end"] == "disconnected"
                               for line in server.sessions()),
                   "the session ends", 60)
        check(not is_in_use(server), "it is in use")


if __name__ == "__main__":
    run_cases(suite)
