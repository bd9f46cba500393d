#!/usr/bin/env python3
"""Limits, locks, timeouts, log lines, reloads and processes of real sessions.

Times are tested as lower bounds; the upper ones only say "not for ever".
"""

import contextlib
import os
import random
import re
import signal
import socket
import ssl
import time
import warnings

from postern_testing import (Client, Closed, Server, Skip, Suite, as_root,
                             check, equal, log_in, mail_uid, matches,
                             run_cases, stuffed)
from postern_testing.processes import wait_until

LONG = bool(os.environ.get("POSTERN_LONG"))
AT_LAST_S = 10  # "at once" and "in time" end here
EARLY_S = 0.02  # a clock may tick between the two ends

suite = Suite()
case = suite.case


@contextlib.contextmanager
def takes_at_least(seconds):
    """Expect that the block takes 'seconds', and no eternity."""
    start = time.monotonic()
    yield
    taken = time.monotonic() - start
    check(taken >= seconds - EARLY_S, f"{taken:.3f} s is too early")
    check(taken < seconds + AT_LAST_S, f"{taken:.3f} s is far too late")


def is_refused(server, listener="pop3"):
    """Tell whether nobody listens any more."""
    try:
        socket.create_connection(
            (server.address(listener), server.port(listener)), 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it came just as the listener was closed: look again
    return False


# The lock: RFC 1939 section 4.

@case("the second session of a maildrop gets [IN-USE], the first goes on")
def _():
    with Server() as server:
        server.add_user("joe")
        with log_in(server) as first, Client(server) as second:
            second.ok("USER joe")
            second.refused("PASS secret", "IN-USE")
            equal(first.count(), 3, "messages of the first session")


@case("[IN-USE] is told only to those who know the password")
def _():
    with Server() as server:
        server.add_user("joe")
        with log_in(server), Client(server) as second:
            second.ok("USER joe")
            second.refused("PASS wrong", "AUTH")


@case("after [IN-USE] the same connection can log in when the lock is free")
def _():
    with Server() as server:
        server.add_user("joe")
        first = log_in(server)
        with Client(server) as second:
            second.ok("USER joe")
            second.refused("PASS secret", "IN-USE")
            first.ok("QUIT")
            first.close()
            second.login("joe")


@case("two users have sessions at the same time")
def _():
    with Server() as server:
        server.add_user("joe")
        server.add_user("ann", "seven", which=1)
        with log_in(server) as joe, log_in(server, user="ann") as ann:
            equal((joe.count(), ann.count()), (3, 7), "messages")


@case("the maildrop is free as soon as the reply to QUIT is there")
def _():
    with Server() as server:
        server.add_user("joe")
        for _ in range(20):
            with log_in(server) as client:
                client.ok("QUIT")


@case("a client that hangs up frees the maildrop")
def _():
    with Server() as server:
        server.add_user("joe")
        for way in (Client.close, Client.abort) * 3:
            client = log_in(server)
            client.ok("DELE 1")
            client.send(b"QUI")
            way(client)
        with log_in(server) as client:
            equal(client.count(), 3, "messages")


def lock_ends_with(victim):
    """Kill a process of a session; the maildrop is free and whole."""
    with Server(pool={"spare": "1", "max": "1"}) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server, "tls") as client:
            client.ok("DELE 1")
            server.kill(victim)
            if victim == "postern-worker":
                client.expect_end()
        with log_in(server, "tls") as client:
            equal(client.count(), 3, "messages")
        equal(maildir.snapshot(), before, "the Maildir")


for name in ("worker", "keeper"):
    suite.add(f"kill -9 of the {name} frees the maildrop and removes nothing",
              lock_ends_with, f"postern-{name}")


# Limits.

def limit_per_address(address, other):
    """Two sessions of an address, not three; another one has its own."""
    listeners = {"pop3": ("starttls", address)}
    with Server(listeners, limits={"per-address": "2"}) as server:
        server.add_user("joe")

        def is_admitted(source=None):
            with Client(server, greet=False, source=source) as client:
                reply = client.line()
                if reply.startswith(b"+OK"):
                    return True
                matches(rb"-ERR \[SYS/TEMP\] .*", reply, "refusal")
                client.expect_end()
                return False

        with Client(server) as first, log_in(server) as second:
            check(not is_admitted(), "a third session is admitted")
            if other:
                check(is_admitted(other), f"{other} is refused")
            equal(second.count(), 3, "messages")
            first.ok("QUIT")
            wait_until(is_admitted, "one is admitted for one that ended")


suite.add("a third session of an IPv4 address is refused where 2 are allowed",
          limit_per_address, "127.0.0.1", "127.0.0.2")


@case("a third session of an IPv6 /64 is refused where 2 are allowed")
def _():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as reason:
        raise Skip(f"no ::1: {reason}") from reason
    limit_per_address("::1", None)


@case("a session above pool.max waits and is served when one ends")
def _():
    with Server(pool={"spare": "1", "max": "2"}) as server:
        server.add_user("joe")
        with Client(server) as first, Client(server):
            with Client(server, greet=False) as third:
                third.silent_for(1)
                first.ok("QUIT")
                matches(rb"\+OK .*", third.line(), "the late greeting")
                third.login("joe")
        check(len(server.processes("postern-worker")) <= 2, "workers")


@case("where one password is checked at a time, eight logins wait their turn")
def _():
    with Server(pool={"spare": "2", "max": "8"},
                auth={"concurrent-checks": "1"}) as server:
        for number in range(8):
            server.add_user(f"joe{number}")
        clients = [Client(server) for _ in range(8)]
        for number, client in enumerate(clients):
            client.send(b"USER joe%d\r\nPASS secret\r\nSTAT\r\n" % number)
        for client in clients:
            matches(rb"\+OK.*", client.line(), "reply to USER")
            matches(rb"\+OK.*", client.line(), "reply to PASS")
            matches(rb"\+OK 3 .*", client.line(), "reply to STAT")
            client.close()


# Timeouts: RFC 1939 section 3, autologout.

@case("an idle session is closed without a reply, not early, without UPDATE")
def _():
    with Server(limits={"idle-timeout": "3s"}) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        for transport in ("plain", "tls"):
            with log_in(server, transport) as client:
                with takes_at_least(3):
                    client.ok("DELE 1")
                    equal(client.expect_end(), "closed", "the end")
        server.wait_for_session(user="joe", end="idle-timeout")
        equal(maildir.snapshot(), before, "the Maildir")


@case("half a line does not keep an idle session alive")
def _():
    with Server(limits={"idle-timeout": "3s"}) as server:
        server.add_user("joe")
        with log_in(server) as client, takes_at_least(3):
            client.ok("NOOP")
            client.send(b"QUI")
            client.expect_end()


@case("each command starts the idle timeout again")
def _():
    with Server(limits={"idle-timeout": "8s"}) as server:
        server.add_user("joe")
        with log_in(server) as client:
            for _ in range(5):
                client.silent_for(2)
                client.ok("NOOP")


@case("a slow reader of a big message is not idle")
def _():
    with Server(limits={"idle-timeout": "4s"}) as server:
        maildir = server.add_user("joe", "big")
        with Client(server) as client:
            client.read_slowly()
            client.login("joe")
            client.ok("RETR 2")
            end = time.monotonic() + 6
            while time.monotonic() < end:
                client.receive()
                time.sleep(0.05)
            equal(client.body(), stuffed(maildir.wires()[1]), "message 2")


@case("a client that stops to read is idle")
def _():
    with Server(limits={"idle-timeout": "3s"}) as server:
        server.add_user("joe", "big")
        with log_in(server) as client:
            client.send(b"RETR 2\r\n" * 20)
            with takes_at_least(3):
                server.wait_for_session(user="joe", end="idle-timeout")


def login_timeout(transport):
    """Commands do not prolong the time to log in."""
    with Server(limits={"login-timeout": "4s"}) as server:
        server.add_user("joe")
        with takes_at_least(4), Client(server, transport) as client:
            with contextlib.suppress(Closed, BrokenPipeError, ssl.SSLError,
                                     ConnectionResetError):
                for _ in range(100):
                    client.ok("CAPA")
                    client.body()
                    time.sleep(0.1)
        server.wait_for_session(user="-", end="login-timeout")
        with log_in(server, transport) as client:
            client.silent_for(5)
            client.ok("NOOP")


for transport_name in ("plain", "tls"):
    suite.add(f"login-timeout ends what does not log in, and nothing else, "
              f"over {transport_name}", login_timeout, transport_name)


@case("tls-timeout ends a client that sends no handshake")
def _():
    with Server(limits={"tls-timeout": "1s"}) as server:
        with takes_at_least(1), Client(
                server, listener="pop3s", greet=False) as client:
            client.expect_end()
        server.wait_for_session(listener="pop3s", end="tls-timeout")
        with takes_at_least(1), Client(server) as client:
            client.ok("STLS")
            client.expect_end()
        server.wait_for_session(listener="pop3", end="tls-timeout")


@case("tls-timeout ends a client that sends its handshake in drops")
def _():
    with Server(limits={"tls-timeout": "1s"}) as server:
        with takes_at_least(1), Client(
                server, listener="pop3s", greet=False) as client:
            client.send(b"\x16\x03\x01\x02\x00\x01")
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                for _ in range(100):
                    client.send(b"\0")
                    time.sleep(0.1)
        server.wait_for_session(listener="pop3s", end="tls-timeout")


@case("a timeout of 0 is no limit")
def _():
    limits = {"idle-timeout": "0", "login-timeout": "0", "tls-timeout": "0"}
    with Server(limits=limits) as server:
        server.add_user("joe")
        with Client(server, "tls") as client:
            client.silent_for(1)
            client.login("joe")
            client.silent_for(1)
            client.ok("QUIT")


# Failed logins.

@case("failed logins wait failure-delay, then twice as long")
def _():
    with Server(auth={"failure-delay": "1s"}) as server:
        server.add_user("joe")
        with Client(server) as client:
            for seconds in (1, 2):
                client.ok("USER joe")
                with takes_at_least(seconds):
                    client.refused("PASS wrong", "AUTH")


@case("failed logins in one segment wait no less: 1 s, 2 s and 4 s")
def _():
    with Server(auth={"failure-delay": "1s"}) as server:
        server.add_user("joe")
        with Client(server) as client, takes_at_least(1 + 2 + 4):
            client.send(b"USER joe\r\nPASS wrong\r\n" * 3)
            for _ in range(3):
                matches(rb"\+OK.*", client.line(), "reply to USER")
                matches(rb"-ERR \[AUTH\].*", client.line(), "reply to PASS")


@case("penalties stay with the address across connections")
def _():
    with Server(auth={"failure-delay": "1s"}) as server:
        for seconds in (1, 2):
            with Client(server) as client:
                client.ok("USER joe")
                with takes_at_least(seconds):
                    client.refused("PASS wrong", "AUTH")


@case("with a failure-delay of 0 failed logins do not wait")
def _():
    with Server() as server:
        server.add_user("joe")
        with takes_at_least(0), Client(server) as client:
            for _ in range(12):
                client.ok("USER joe")
                client.refused("PASS wrong", "AUTH")
            client.login("joe")


@case("an unknown user gets the very reply of a wrong password")
def _():
    with Server() as server:
        server.add_user("joe")
        replies = set()
        with Client(server) as client:
            for user in ("joe", "nobody-of-this-name", "j", "joe2"):
                replies.add(client.ok(f"USER {user}"))
                replies.add(client.refused("PASS wrong", "AUTH"))
        equal(len(replies), 2, f"different replies {replies}")


@case("the last of auth.attempts failed logins ends the connection")
def _():
    with Server(auth={"attempts": "3"}) as server:
        server.add_user("joe")
        with Client(server) as client:
            for _ in range(3):
                client.ok("USER joe")
                client.refused("PASS wrong", "AUTH")
            client.expect_end()
        server.wait_for_session(user="-", end="too-many-attempts")


def too_many_errors(most, user):
    """Good commands forgive bad ones; too many in a row end it."""
    with Server() as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with Client(server) as client:
            if user != "-":
                client.login(user)
                client.ok("DELE 1")
            for _ in range(2):
                for _ in range(most - 1):
                    client.refused("BAD")
                client.ok("CAPA")
                client.body()
            client.send(b"BAD\r\n" * most)
            while client.receive():
                pass
            matches(rb"(-ERR (?!\[)[^\r\n]*\r\n){%d,%d}" % (most, most + 1),
                    client.take(1 << 20), "the last replies")
        server.wait_for_session(user=user, end="too-many-errors")
        equal(maildir.snapshot(), before, "the Maildir")


suite.add("10 bad commands in a row end the AUTHORIZATION state",
          too_many_errors, 10, "-")
suite.add("20 bad commands in a row end the TRANSACTION state, no UPDATE",
          too_many_errors, 20, "joe")


# Log lines.

@case("the session line tells user, address, TLS, counts, octets and end")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server, "tls") as client:
            for command in ("RETR 1", "RETR 2", "TOP 3 1"):
                client.ok(command)
                client.body()
            client.ok("DELE 2")
            client.ok("QUIT")
        line = server.wait_for_session(user="joe")
        wanted = {"ip": "[127.0.0.1]", "listener": "pop3s", "tls": "TLS1.3",
                  "retr": "2", "top": "1", "dele": "1", "expired": "0",
                  "end": "quit"}
        equal({key: line.get(key) for key in wanted}, wanted, "the line")
        check(len(line["cipher"]) > 3, f"cipher={line['cipher']}")
        check(0 <= float(line["seconds"]) < 60, line["seconds"])
        check(int(line["octets"]) > len(maildir.wires()[0]), line["octets"])


@case("sessions without login or TLS are logged as such, once each")
def _():
    with Server() as server:
        with Client(server) as client:
            client.ok("QUIT")
        line = server.wait_for_session(end="quit")
        equal(line["user"], "-", "user")
        check(not line["tls"].startswith("TLS"), f"tls={line['tls']}")
        with Client(server):
            pass
        server.wait_for_session(end="disconnected")
        equal(len(server.sessions()), 2, "session lines")


def hang_up_line(transport):
    """A client that hangs up is no fault of the connection."""
    with Server() as server:
        server.add_user("joe")
        with log_in(server, transport) as client:
            client.ok("DELE 1")
        line = server.wait_for_session(user="joe")
        equal((line["end"], line["dele"]), ("disconnected", "0"), "the line")


for way in ("plain", "stls", "tls"):
    suite.add(f"a client that hangs up over {way} is logged as disconnected",
              hang_up_line, way)


@case("each of 300 TLS sessions that end by QUIT is logged as such")
def _():
    with Server() as server:
        for _ in range(300):
            with Client(server, "tls") as client:
                client.ok("QUIT")
                client.expect_end()
        wait_until(lambda: len(server.sessions()) == 300, "300 lines")
        ends = {line["end"] for line in server.sessions()}
        equal(ends, {"quit"}, "ends in the log")


@case("clients that come to two listeners at once are all served")
def _():
    with Server() as server:
        for _ in range(100):
            pair = [Client(server, greet=False, listener=title)
                    for title in ("pop3", "pop3s")]
            with pair[0], pair[1]:
                matches(rb"\+OK .*", pair[0].line(), "the greeting")
                pair[1].handshake()
                matches(rb"\+OK .*", pair[1].line(), "the greeting")


# As fail2ban's filter courier-auth[_daemon=postern] has it, with a syslog line.
SYSLOG = "Nov 24 22:00:00 mail postern[123]: "
FAIL2BAN = (r"\S+ +\d+ [\d:]+ \S+ postern\[\d+\]: LOGIN FAILED, (?:(?!ip=)(?:user=(?P<user>[^,]*)|\w+=[^,]*), )*"
            r"ip=\[(?P<host>[^\]]*)\]")


def failed_login_line(user, shown):
    """Fail to log in; fail2ban must find who did."""
    with Server() as server:
        server.add_user("joe")
        with Client(server) as client:
            client.ok(b"USER " + user)
            client.refused("PASS wrong", "AUTH")
        line = server.wait_for_log(r"LOGIN FAILED.*")[0]
        match = matches(FAIL2BAN + ".*", SYSLOG + line, "the log line")
        equal(match["host"], "127.0.0.1", "who fail2ban bans")
        matches(shown, match["user"], "the user in the log")


suite.add("a failed login is one line as fail2ban's filter for courier has it",
          failed_login_line, b"joe", "joe")
suite.add("a name with commas and ip= does not frame another address",
          failed_login_line, b"x,ip=[9.9.9.9]", ".*")
suite.add("a name with blanks and ip= does not frame another address",
          failed_login_line, b"x, ip=[9.9.9.9], y", ".*")
suite.add("a name with control characters is escaped in the log",
          failed_login_line, b"x\x1b[2J\x7f\r\xff", "[ -~]*")


@case("no password is ever logged")
def _():
    with Server() as server:
        server.add_user("joe", password="right-Horse")
        with Client(server) as client:
            client.ok("USER joe")
            client.refused("PASS wrong-Horse", "AUTH")
            client.refused("right-Horse")
            client.login("joe", "right-Horse")
            client.ok("QUIT")
        server.wait_for_session(user="joe")
        check("Horse" not in "\n".join(server.log), "a password is logged")


# Workers.

@case("a worker serves one session if sessions-per-worker is 1")
def _():
    workers = worker_pids(1, 4)
    equal(len(set(workers)), 4, f"workers {workers}")


@case("a worker serves three sessions if sessions-per-worker is 3")
def _():
    workers = worker_pids(3, 6)
    equal(len(set(workers[:3])), 1, f"workers {workers}")
    equal(len(set(workers[3:])), 1, f"workers {workers}")
    check(workers[0] != workers[3], f"workers {workers}")


def worker_pids(per_worker, count):
    """Return the pids of the workers of 'count' sessions, one by one."""
    pids = []
    with Server(pool={"spare": "1", "max": "1",
                      "sessions-per-worker": str(per_worker)}) as server:
        server.add_user("joe")
        for number in range(count):
            with log_in(server, ("plain", "stls", "tls")[number % 3]) as one:
                pids.append(server.one("postern-worker").pid)
                one.ok("QUIT")
    return pids


@case("a second session of a worker knows nothing of the first")
def _():
    with Server(pool={"spare": "1", "max": "1",
                      "sessions-per-worker": "100"}) as server:
        server.add_user("joe")
        server.add_user("ann", "seven", which=1)
        with log_in(server) as client:
            client.ok("DELE 1")
            client.send(b"LIST\r\nUIDL\r\nST")
        with Client(server, "tls") as client:
            client.refused("STAT")
            client.refused("PASS secret")
            client.login("ann")
            equal(client.count(), 7, "messages")
        with Client(server) as client:
            client.ok("USER joe")
        with Client(server) as client:
            client.refused("PASS secret")


# Reload: promise 8.

@case("SIGHUP changes settings for new sessions and drops none")
def _():
    with Server() as server:
        server.add_user("joe")
        server.add_user("ann")
        with log_in(server, "tls") as old:
            old.ok("DELE 1")
            server.write_config(limits={"idle-timeout": "3s"},
                                auth={"cleartext": "tls-only"})
            check(server.reload(), "the reload is refused")
            with Client(server) as new:
                new.refused("USER ann")
            with takes_at_least(3), log_in(server, "tls", "ann") as new:
                new.expect_end()
            old.silent_for(1)
            old.ok("QUIT")
        server.wait_for_session(user="joe", end="quit")


@case("SIGHUP takes a renewed certificate into use; old sessions go on")
def _():
    with Server() as server:
        server.add_user("joe")
        with log_in(server, "tls") as old:
            before = old.socket.getpeercert(binary_form=True)
            server.make_certificate("main", "localhost")
            check(server.reload(), "the reload is refused")
            with Client(server, "tls") as new:
                after = new.socket.getpeercert(binary_form=True)
                check(before != after, "the old certificate is still in use")
                new.ok("QUIT")
            with Client(server, "stls") as new:
                equal(new.socket.getpeercert(binary_form=True), after,
                      "the certificate over STLS")
            old.ok("RETR 1")
            old.body()
            old.ok("QUIT")


@case("SIGHUP opens new listeners and closes old ones")
def _():
    with Server() as server:
        server.add_user("joe")
        gone = server.ready["pop3s"]
        with log_in(server, "tls") as old:
            del server.listeners["pop3s"]
            server.listeners["more"] = ("implicit", "127.0.0.1")
            server.write_config()
            check(server.reload(), "the reload is refused")
            equal(sorted(server.ready), ["more", "pop3"], "listeners")
            with Client(server, "tls", listener="more") as new:
                new.ok("QUIT")
            server.ready["gone"] = gone
            wait_until(lambda: is_refused(server, "gone"), "it is closed")
            old.ok("QUIT")


def bad_reload(spoil):
    """Spoil the configuration; the server must go on with the old one."""
    with Server() as server:
        server.add_user("joe")
        with log_in(server, "tls") as old:
            spoil(server)
            check(not server.reload(), "the bad settings are taken")
            old.ok("NOOP")
            for transport in ("plain", "stls", "tls"):
                with Client(server, transport) as new:
                    new.ok("QUIT")
            old.ok("QUIT")


def spoil_syntax(server):
    """Break the syntax of the configuration."""
    with open(server.config_path, "a", encoding="ascii") as file:
        file.write("limits {\n")


def spoil_value(server):
    """Set a setting to nonsense."""
    server.write_config(limits={"idle-timeout": "soon"})


def spoil_format(server):
    """Set a format of unique-ids that makes the same of all messages."""
    server.write_config(mailbox={"uidl-format": '"%v"'})


def spoil_certificate(server):
    """Cut the certificate file."""
    with open(server.path("main.cert.pem"), "r+b") as file:
        file.truncate(100)


def spoil_key(server):
    """Put the key of another certificate in place."""
    server.make_certificate("other", "localhost")
    os.rename(server.path("other.key.pem"), server.path("main.key.pem"))


def spoil_file(server):
    """Remove the configuration."""
    os.unlink(server.config_path)


for spoiler in (spoil_syntax, spoil_value, spoil_format, spoil_certificate,
                spoil_key, spoil_file):
    suite.add("a reload is refused, and all goes on as before, after: "
              + spoiler.__doc__.rstrip("."), bad_reload, spoiler)


@case("a hundred SIGHUPs while sessions come and go drop none")
def _():
    with Server() as server:
        server.add_user("joe")
        with log_in(server, "tls") as old:
            server.add_user("ann")
            for _ in range(20):
                for _ in range(5):
                    server.send_signal(signal.SIGHUP)
                with log_in(server, "tls", "ann") as new:
                    new.ok("QUIT")
                old.ok("NOOP")
            old.ok("QUIT")


# The end.

@case("SIGTERM closes the listeners, lets sessions end, exits with 0")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server, "tls") as client:
            client.ok("DELE 2")
            server.send_signal(signal.SIGTERM)
            wait_until(lambda: is_refused(server), "nobody listens")
            client.ok("RETR 1")
            equal(client.body(), stuffed(maildir.wires()[0]), "message 1")
            check(server.process.poll() is None, "the master left")
            client.ok("QUIT")
        equal(server.process.wait(AT_LAST_S), 0, "exit status")
        equal(len(maildir.messages()), 2, "messages left")
        server.none_left()


@case("SIGTERM lets a session log in that was greeted before")
def _():
    with Server() as server:
        server.add_user("joe")
        with Client(server, "tls") as client:
            server.send_signal(signal.SIGTERM)
            wait_until(lambda: is_refused(server), "nobody listens")
            client.login("joe")
            client.ok("QUIT")
        equal(server.process.wait(AT_LAST_S), 0, "exit status")


@case("SIGTERM without sessions ends at once with 0 and leaves no process")
def _():
    with Server() as server:
        server.send_signal(signal.SIGTERM)
        equal(server.process.wait(AT_LAST_S), 0, "exit status")
        server.none_left()


def ends_at_once(numbers):
    """Signals end the sessions; nothing is deleted."""
    with Server() as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server, "tls") as client:
            client.ok("DELE 1")
            for number in numbers:
                server.send_signal(number)
                wait_until(lambda: is_refused(server), "nobody listens")
            client.expect_end()
        server.process.wait(AT_LAST_S)
        server.none_left()
        server.wait_for_session(user="joe", end="stopped")
        equal(maildir.snapshot(), before, "the Maildir")


suite.add("SIGINT ends sessions at once and deletes nothing",
          ends_at_once, [signal.SIGINT])
suite.add("a second SIGTERM ends sessions at once and deletes nothing",
          ends_at_once, [signal.SIGTERM, signal.SIGTERM])


@case("SIGINT ends a failed login that still waits for its penalty")
def _():
    with Server(auth={"failure-delay": "30s"}) as server:
        server.add_user("joe")
        with Client(server) as client:
            client.ok("USER joe")
            client.send(b"PASS wrong\r\n")
            server.one("postern-keeper")
            server.send_signal(signal.SIGINT)
            server.process.wait(AT_LAST_S)
            server.none_left()


# Processes that hang.

@case("a keeper that its user has stopped costs its own session only")
def _():
    with Server(limits={"idle-timeout": "5s"}) as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        with log_in(server) as client:
            keeper = server.one("postern-keeper").pid
            os.kill(keeper, signal.SIGSTOP)
            client.ok("DELE 2")
            client.send(b"RETR 1\r\n")
            matches(rb"-ERR \[SYS/TEMP\].*", client.line(), "reply")
            equal(client.expect_end(), "closed", "the end")
        server.wait_for_session(user="joe", end="keeper-lost")
        os.kill(keeper, signal.SIGCONT)
        equal(maildir.snapshot(), before, "the Maildir")


@case("a worker that hangs does not keep the master from stopping")
def _():
    with Server(pool={"spare": "1", "max": "1"}) as server:
        server.add_user("joe")
        with log_in(server):
            os.kill(server.one("postern-worker").pid, signal.SIGSTOP)
            server.send_signal(signal.SIGINT)
            server.process.wait(AT_LAST_S)
            server.none_left()


# TLS.

def only(server, version):
    """Return a context for one version of TLS."""
    context = server.new_context()
    context.minimum_version = context.maximum_version = version
    return context


def resumption(version):
    """Resume a session that another worker has begun."""
    with Server(pool={"spare": "1", "max": "1"}) as server:
        server.add_user("joe")
        context = only(server, version)
        with log_in(server, "tls", context=context) as client:
            first = server.one("postern-worker").pid
            check(not client.socket.session_reused, "resumed from nothing")
            client.ok("NOOP")
            session = client.socket.session
            client.ok("QUIT")
        check(session is not None and session.has_ticket, "no ticket")
        with log_in(server, "tls", context=context, session=session) as one:
            check(one.socket.session_reused, "the session is not resumed")
            check(server.one("postern-worker").pid != first, "same worker")
            equal(one.count(), 3, "messages")
            one.ok("QUIT")
        with Client(server, "stls", context=context, session=session) as one:
            check(one.socket.session_reused, "it is not resumed over STLS")


suite.add("a TLS 1.2 session is resumed by another worker",
          resumption, ssl.TLSVersion.TLSv1_2)
suite.add("a TLS 1.3 session is resumed by another worker",
          resumption, ssl.TLSVersion.TLSv1_3)


@case("a name chooses its certificate, in any case and with a final dot")
def _():
    with Server(hosts=["one.example.net", "two.example.net"]) as server:
        def shown(host):
            with Client(server, "tls", host=host) as client:
                return client.socket.getpeercert(binary_form=True)

        def stored(stem):
            with open(server.path(f"{stem}.cert.pem"),
                      encoding="ascii") as file:
                return ssl.PEM_cert_to_DER_cert(file.read())

        one, two = stored("one.example.net"), stored("two.example.net")
        equal(shown("one.example.net"), one, "certificate of one")
        equal(shown("two.example.net"), two, "certificate of two")
        equal(shown("Two.EXAMPLE.net"), two, "certificate in capitals")
        equal(shown("two.example.net."), two, "certificate with a dot")
        for host in ("three.example.net", "xtwo.example.net", "example.net",
                     None, "a" * 60 + ".example.net"):
            equal(shown(host), stored("main"), f"certificate for {host}")


def tls_version(version, works):
    """Try a version of TLS that the client is made to accept."""
    with Server() as server:
        context = only(server, version)
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with Client(server, "tls", context=context) as client:
                check(works, f"{client.socket.version()} is accepted")
                client.ok("QUIT")
        except ssl.SSLError as error:
            check(not works, f"refused: {error}")
            check("VERSION" in str(error).upper(), f"other error: {error}")


warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0, 1.1
for tls in ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1:
    suite.add(f"{tls.name} is refused", tls_version, tls, False)
for tls in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    suite.add(f"{tls.name} is accepted", tls_version, tls, True)


def send_all(client, octets):
    """Send 'octets' and the end of them; read all that comes."""
    with contextlib.suppress(OSError):
        client.send(octets)
        client.socket.shutdown(socket.SHUT_WR)
    while client.receive():
        pass


@case("garbage instead of a handshake ends that session only")
def _():
    with Server() as server:
        server.add_user("joe")
        for garbage in (b"USER joe\r\nPASS secret\r\n", b"\0" * 4096,
                        b"\x16\x03\x01\xff\xff" + b"\xff" * 8192,
                        b"\x80\x2e\x01\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
            with Client(server, listener="pop3s", greet=False) as client:
                send_all(client, garbage)
                check(b"+OK" not in client.buffer, "a greeting")
            with Client(server) as client:
                client.ok("STLS")
                send_all(client, garbage)
                check(b"+OK" not in client.buffer, "it goes on")
        server.wait_for_session(end="tls-failed")
        with log_in(server, "tls") as client:
            equal(client.count(), 3, "messages")


@case("a listener without TLS neither announces nor takes STLS")
def _():
    with Server({"pop3": ("none", "127.0.0.1")}) as server:
        server.add_user("joe")
        with Client(server) as client:
            client.ok("CAPA")
            check(b"STLS" not in client.lines(), "STLS is announced")
            client.refused("STLS")
            client.login("joe")
            client.ok("QUIT")


# Processes.

@case("each kind of process has its own user, and no capability")
def _():
    if not as_root():
        raise Skip("only root can be several users")
    with Server() as server:
        server.add_user("joe")
        with log_in(server):
            worker = server.processes("postern-worker")[0]
            signer = server.one("postern-signer")
            keeper = server.one("postern-keeper")
            equal(server.one("postern").uids(), [0] * 4, "uids of the master")
            equal(worker.uids(), [65534] * 4, "uids of the worker")
            equal(signer.uids(), [1] * 4, "uids of the signer")
            equal(keeper.uids(), [mail_uid()] * 4, "uids of the keeper")
            for process in (worker, signer, keeper):
                status = process.status()
                check(0 not in process.groups(), f"{process} is in group 0")
                equal(int(status["CapEff"], 16), 0, f"power of {process}")
                equal(int(status["CapPrm"], 16), 0, f"power of {process}")
                equal(status["NoNewPrivs"], "1", f"NoNewPrivs of {process}")
                equal(process.parent, server.pid, f"parent of {process}")


@case("as an ordinary user all processes are that user")
def _():
    if as_root():
        raise Skip("we are root")
    with Server() as server:
        server.add_user("joe")
        with log_in(server):
            for process in server.processes():
                equal(process.uids(), [os.geteuid()] * 4, f"{process}")
                if process.name != "postern":
                    equal(process.status()["NoNewPrivs"], "1", f"{process}")


@case("a keeper is the user whose Maildir it serves")
def _():
    if not as_root():
        raise Skip("only root can be several users")
    with Server(backend='uid = "20003" gid = "20003"') as server:
        server.add_user("joe", which=0)
        server.add_user("ann", which=1)
        for user, uid in (("joe", 20001), ("ann", 20002)):
            with log_in(server, user=user) as client:
                keeper = server.one("postern-keeper")
                equal(keeper.uids(), [uid] * 4, f"uids of {user}'s keeper")
                equal(keeper.status()["Gid"].split(), [str(uid)] * 4, "gids")
                client.ok("QUIT")
            wait_until(lambda: not server.processes("postern-keeper"),
                       "the keeper ends")


@case("a user without a uid of their own gets the back end's")
def _():
    if not as_root():
        raise Skip("only root can be several users")
    with Server(backend='uid = "20001" gid = "20001"') as server:
        home = server.path("home0")
        server.add_user("virtual", line=f"virtual:{{PLAIN}}secret::::{home}::")
        with log_in(server, user="virtual") as client:
            equal(server.one("postern-keeper").uids(), [20001] * 4, "uids")
            equal(client.count(), 3, "messages")


@case("nobody logs in as root, and the right password is told [SYS/PERM]")
def _():
    with Server() as server:
        home = server.path("home0")
        server.add_user("joe", line=f"joe:{{PLAIN}}secret:0:0::{home}::")
        with Client(server) as client:
            client.ok("USER joe")
            client.refused("PASS secret", "SYS/PERM")
            client.ok("USER joe")
            client.refused("PASS wrong", "AUTH")


@case("a worker sees an empty directory and has few descriptors")
def _():
    if not as_root():
        raise Skip("only root can chroot and look")
    with Server() as server:
        server.add_user("joe")
        with log_in(server, "tls"):
            for worker in server.processes("postern-worker"):
                place = f"/proc/{worker.pid}"
                check(os.readlink(f"{place}/root") != "/", "not confined")
                equal(os.listdir(f"{place}/root"), [], "the root directory")
                files = {os.readlink(f"{place}/fd/{fd}")
                         for fd in os.listdir(f"{place}/fd")}
                check(len(files) <= 8, f"descriptors {files}")
                for file in files:
                    check(not file.startswith((server.directory, "/etc")),
                          f"{file} is open in a worker")


@case("a keeper has no descriptor of the network or of the password file")
def _():
    if not as_root():
        raise Skip("only root can look")
    with Server() as server:
        maildir = server.add_user("joe")
        with log_in(server, "tls"):
            keeper = server.one("postern-keeper")
            for fd in os.listdir(f"/proc/{keeper.pid}/fd"):
                file = os.readlink(f"/proc/{keeper.pid}/fd/{fd}")
                if file.startswith("socket:"):
                    check(not is_network(file), f"{file} is a network socket")
                elif file.startswith(server.directory):
                    check(file.startswith(maildir.root), f"{file} is open")


def is_network(link):
    """Tell whether "socket:[inode]" is a TCP socket."""
    inode = re.fullmatch(r"socket:\[(\d+)\]", link)[1]
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            if any(line.split()[9] == inode for line in file):
                return True
    return False


@case("the key and the password file are read by nobody but their process")
def _():
    if not as_root():
        raise Skip("only root can look")
    with Server() as server:
        server.add_user("joe")
        with log_in(server, "tls"):
            for process in server.processes():
                links = [os.readlink(f"/proc/{process.pid}/fd/{fd}")
                         for fd in os.listdir(f"/proc/{process.pid}/fd")]
                for file in ("users", "main.key.pem"):
                    check(server.path(file) not in links,
                          f"{process} holds {file}")


# What a client costs.

def memory_of_pipeliner(command, transport):
    """A client that sends but never reads must not make a worker grow."""
    with Server(pool={"spare": "1", "max": "1"}) as server:
        server.add_user("joe", "big")
        with log_in(server, transport) as client:
            client.ok("RETR 2")
            client.body()
            worker = server.one("postern-worker")
            before = worker.resident_kib()
            client.socket.settimeout(1)
            batch = command * 1000
            with contextlib.suppress(TimeoutError):
                for _ in range(100):
                    client.send(batch)
            # Less than one message; a sanitizer keeps some freed memory.
            grown = worker.resident_kib() - before
            check(grown < 8192, f"the worker grew by {grown} KiB")


for way in ("plain", "tls"):
    suite.add(f"100 000 RETR of a client that never reads do not make a "
              f"worker grow, over {way}", memory_of_pipeliner,
              b"RETR 2\r\n", way)
suite.add("100 000 LIST of a client that never reads do not make a worker "
          "grow", memory_of_pipeliner, b"LIST\r\n", "plain")


@case("100 000 commands in a row, read late, get 100 000 replies in order")
def _():
    with Server() as server:
        maildir = server.add_user("joe")
        wires = maildir.wires()
        with log_in(server) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                                     1 << 22)
            for _ in range(100):
                client.send(b"LIST 1\r\nLIST 2\r\n" * 500)
                for _ in range(500):
                    equal(client.line(), b"+OK 1 %d" % len(wires[0]), "LIST")
                    equal(client.line(), b"+OK 2 %d" % len(wires[1]), "LIST")


def no_delay(transport):
    """A reply that waited for a timer of TCP would cost 40 ms each."""
    with Server() as server:
        maildir = server.add_user("joe")
        wanted = stuffed(maildir.wires()[0])
        with log_in(server, transport) as client, takes_at_least(0):
            for _ in range(250):
                equal(client.retrieve(1), wanted, "message 1")
                client.ok("UIDL")
                client.body()


for way in ("plain", "stls", "tls"):
    suite.add(f"500 commands one by one over {way} take no 40 ms each",
              no_delay, way)


@case("random octets in every state end no server and forge no login")
def _():
    chance = random.Random(1939)
    with Server() as server:
        maildir = server.add_user("joe")
        before = maildir.snapshot()
        for turn in range(150):
            client = Client(server, ("plain", "tls")[turn % 2])
            if turn % 3:
                client.login("joe")
            octets = b"".join(random_line(chance) for _ in range(60))
            with client:
                send_all(client, octets)
                check(client.buffer.count(b"+OK") < 60, "too many successes")
        with log_in(server) as client:
            equal(client.count(), 3, "messages")
        equal(maildir.snapshot(), before, "the Maildir")


def random_line(chance):
    """Return a line that is nearly a command, or no command at all."""
    verb = chance.choice([b"STAT", b"LIST", b"RETR", b"DELE", b"TOP", b"UIDL",
                          b"USER", b"PASS", b"CAPA", b"RSET", b"NOOP", b""])
    filler = chance.choice([b" 1", b" 0", b" 4294967297", b" -1", b" 2 3",
                            b"\0", b"", b" " * 300, b"%n%s", b"\xff\xfe"])
    noise = chance.randbytes(chance.choice([0, 0, 0, 3, 80, 600]))
    end = chance.choice([b"\r\n", b"\r\n", b"\n", b"\r", b""])
    return verb + filler + noise.replace(b"QUIT", b"") + end


def sparse(maildir, size):
    """Put a message of 'size' zeros behind a header into the Maildir."""
    path = maildir.path("new", "1800000000.M9P9.host")
    with open(path, "wb") as file:
        file.write(b"Subject: huge\n\n")
        file.truncate(size)
    maildir.own("new/1800000000.M9P9.host")
    return size + 4  # two LF of the header become CRLF, the end gets one


@case("a message of 4 GiB is listed and sent to the octet")
def _():
    with Server(limits={"login-timeout": "2min"}) as server:
        maildir = server.add_user("joe")
        size = sparse(maildir, (1 << 32) + 5)
        limit = time.monotonic() + (600 if LONG else 40)
        with Client(server) as client:
            client.socket.settimeout(120)  # its octets are counted
            client.login("joe")
            equal(client.ok("LIST 4"), b"+OK 4 %d" % size, "LIST")
            client.ok("TOP 4 0")
            equal(client.body(), b"Subject: huge\r\n\r\n", "TOP")
            equal(client.ok("RETR 4"), b"+OK %d octets" % size, "RETR")
            tail = client.take(len(client.buffer))
            received = len(tail)
            buffer = bytearray(1 << 20)
            while received < size + 3:
                count = client.socket.recv_into(buffer)
                check(count, f"closed after {received} octets")
                received += count
                tail = tail[-8:] + buffer[max(0, count - 16):count]
                if time.monotonic() > limit:
                    raise Skip("too slow here without POSTERN_LONG=1")
            equal(received, size + 3, "octets of RETR")
            check(tail.endswith(b"\0\r\n.\r\n"), f"the end {tail}")
            client.ok("QUIT")


if __name__ == "__main__":
    run_cases(suite)
