#!/usr/bin/env python3
"""Who guesses passwords, whom that hurts, and who is trusted."""

import base64
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

from postern_testing import (Client, Server, Suite, check, equal, log_in,
                             matches, run_cases)
from postern_testing.processes import wait_until
from postern_testing.programs import environ, find, tree
from postern_testing.tap import environment

suite = Suite()
case = suite.case

LAN = 'policy "lan"'


# Policies.

def lan(**rules):
    """Return the section of a policy for 127.0.0.2 and 127.0.0.3."""
    return {LAN: {"match": '{ "127.0.0.2/31" }'}
            | {key.replace("_", "-"): value for key, value in rules.items()}}


@case("a policy allows cleartext to its own network only")
def _():
    with Server(auth={"cleartext": "tls-only"},
                **lan(cleartext="always")) as server:
        server.add_user("joe")
        for source in ("127.0.0.2", "127.0.0.3"):
            log_in(server, source=source).close()
        for source in ("127.0.0.1", "127.0.0.4"):
            with Client(server, source=source) as client:
                matches(rb"-ERR not without TLS.*", client.ask("USER joe"),
                        "USER in clear")
                client.ok("CAPA")
                check(b"USER" not in client.lines(), "CAPA has USER")


def pass_in_clear(server, user, password="secret"):
    """Return the replies to USER and PASS, or to USER if that is refused."""
    with Client(server) as client:
        replies = [client.ask(f"USER {user}")]
        if replies[0].startswith(b"+OK"):
            replies.append(client.ask(f"PASS {password}"))
        return replies


WRONG = b"-ERR [AUTH] wrong user name or password"


@case("only users with cleartext=always log in by USER without TLS")
def _():
    with Server(auth={"cleartext": "tls-only"}) as server:
        server.add_user("joe")
        equal(pass_in_clear(server, "joe"),
              [b"-ERR not without TLS: use STLS first"], "without it")
        server.add_user("old", extra="cleartext=always", which=1)
        wait_until(lambda: pass_in_clear(server, "old")[0] == b"+OK send PASS",
                   "USER is taken in clear")
        server.add_user("slip", extra="cleartext=yes", which=1)
        for user, wanted in (("old", rb"\+OK 3 messages.*"),
                             ("joe", re.escape(WRONG)),
                             ("slip", rb"-ERR \[SYS/PERM\] .*"),
                             ("nobody-here", re.escape(WRONG))):
            matches(wanted, pass_in_clear(server, user)[1], user)
        equal(pass_in_clear(server, "old", "wrong")[1], WRONG, "a guess")
        server.wait_for_log(r"users:1: user cannot log in: auth.cleartext "
                            r"forbids how its password came, and it has no "
                            r"cleartext=always$")
        with Client(server) as client:
            client.ok("CAPA")
            lines = client.lines()
            check(b"USER" not in lines and not any(
                line.startswith(b"SASL") and b"PLAIN" in line
                for line in lines), f"CAPA says {lines}")
            matches(rb"-ERR not without TLS.*", client.ask("AUTH PLAIN"),
                    "PLAIN")


@case("a policy limits the sessions per address of its own network only")
def _():
    with Server(**lan(per_address="1")) as server:
        with Client(server, source="127.0.0.2"), Client(server), \
                Client(server), Client(server, source="127.0.0.3"):
            with Client(server, greet=False, source="127.0.0.2") as third:
                matches(rb"-ERR \[SYS/TEMP\].*", third.line(), "refusal")


@case("a policy's attempts and timeouts count in its network")
def _():
    with Server(**lan(attempts="1", idle_timeout="3s", login_timeout="3s")) \
            as server:
        server.add_user("joe")
        with Client(server, source="127.0.0.2") as client:
            client.ok("USER joe")
            client.refused("PASS wrong", "AUTH")
            client.expect_end()
        with Client(server, source="127.0.0.3") as client:
            client.expect_end()
        server.wait_for_session(end="login-timeout")
        with log_in(server, source="127.0.0.2") as client:
            client.expect_end()
        server.wait_for_session(end="idle-timeout")
        with Client(server) as client:
            for _ in range(2):
                client.ok("USER joe")
                client.refused("PASS wrong", "AUTH")
            client.ok("USER joe")


# Guessers.

MOST_FAILURES = 12
REFUSED = rb"-ERR \[SYS/TEMP\] too many logins.*"
HONEST_S = 10  # it takes a moment; the longest penalty is 30 s


def guess(server, source, user="joe", count=MOST_FAILURES + 3):
    """Try wrong passwords until refused; return how many were checked."""
    for number in range(count):
        with Client(server, source=source) as client:
            client.ok(f"USER {user}")
            reply = client.ask(f"PASS wrong{number}")
            if reply.startswith(b"-ERR [SYS/TEMP]"):
                matches(REFUSED, reply, "refusal")
                return number
            matches(rb"-ERR \[AUTH\] .*", reply, "reply to a guess")
    return count


@case("an address that guesses is refused in the end, and no other one is")
def _():
    with Server(auth={"failure-delay": "1ms"}) as server:
        server.add_user("joe")
        equal(guess(server, "127.0.0.2"), MOST_FAILURES, "guesses")
        server.wait_for_log(r"LOGIN REFUSED, too many failures, "
                            r"ip=\[127\.0\.0\.2\], listener=pop3$")
        with Client(server, source="127.0.0.2") as client:
            client.ok("USER joe")
            matches(REFUSED, client.ask("PASS secret"), "the right password")
        with Client(server, source="127.0.0.4") as client:
            client.login("joe")


@case("while two addresses guess, the user logs in again and again")
def _():
    with Server(auth={"failure-delay": "1ms"}) as server:
        server.add_user("joe")
        guessers = [threading.Thread(target=guess, args=(
            server, source, user)) for source in ("127.0.0.2", "127.0.0.3")
            for user in ("joe", "JOE", "joan")]
        for guesser in guessers:
            guesser.start()
        slowest = 0
        logins = 0
        while logins < 20 or (logins < 500 and any(
                guesser.is_alive() for guesser in guessers)):
            start = time.monotonic()
            with Client(server, source="127.0.0.4") as client:
                client.login("joe")
                slowest = max(slowest, time.monotonic() - start)
                client.ok("QUIT")
                client.expect_end()
            logins += 1
        for guesser in guessers:
            guesser.join()
        server.wait_for_log(r"LOGIN REFUSED")
        print(f"# {logins} logins, the slowest in {slowest:.3f} s")
        check(slowest < HONEST_S, f"a login took {slowest} s")


@case("failures of a user by others make a wrong password wait, to a bound")
def _():
    with Server(auth={"failure-delay": "300ms"}) as server:
        server.add_user("joe")
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.5"):
            guess(server, source, "Joe", 1)
        start = time.monotonic()
        log_in(server, source="127.0.0.4").close()
        guess(server, "127.0.0.4", "joe", 1)
        waited = time.monotonic() - start
        check(waited >= 1.2, f"it waited {waited} s only")


@case("failures by AUTH count for their user, too")
def _():
    with Server(auth={"failure-delay": "300ms"}) as server:
        server.add_user("joe")
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.5"):
            with Client(server, source=source) as client:
                client.refused("AUTH PLAIN "
                               + base64.b64encode(b"\0Joe\0wrong").decode(),
                               "AUTH")
        start = time.monotonic()
        guess(server, "127.0.0.4", "joe", 1)
        waited = time.monotonic() - start
        check(waited >= 1.2, f"it waited {waited} s only")


def guess_and_go(server, source, count):
    """Try wrong passwords and hang up as soon as each has failed."""
    for _ in range(count):
        start = len(server.log)
        with Client(server, source=source) as client:
            client.ok("USER joe")
            client.send(b"PASS wrong\r\n")
            server.wait_for_log(rf"LOGIN FAILED, user=joe, ip=\[{source}\]",
                                start)


@case("a guess counts while its wait goes on, though its client is gone")
def _():
    with Server(auth={"failure-delay": "30s"},
                limits={"per-address": "0"}) as server:
        server.add_user("joe")
        guess_and_go(server, "127.0.0.2", MOST_FAILURES)
        equal(guess(server, "127.0.0.2"), 0, "guesses after these")
        log_in(server).close()


@case("trusted clients are neither refused nor counted")
def _():
    with Server(auth={"failure-delay": "20s",
                      "trusted": '{ "127.0.0.2/31" }'},
                limits={"per-address": "1"}) as server:
        server.add_user("joe")
        equal(guess(server, "127.0.0.2"), MOST_FAILURES + 3, "guesses")
        with Client(server, source="127.0.0.3"), \
                Client(server, source="127.0.0.3"), Client(server):
            with Client(server, greet=False) as second:
                matches(rb"-ERR.*", second.line(), "refusal")


# Early talkers.

@contextlib.contextmanager
def early(server, source):
    """Speak before the greeting: while no worker is free to greet."""
    with Client(server) as first:
        with Client(server, greet=False, source=source) as client:
            client.send(b"CAPA\r\n")
            first.ok("QUIT")
            first.expect_end()
            yield client


@case("who speaks before the greeting is told to wait, and counted")
def _():
    with Server(pool={"spare": "1", "max": "1"}) as server:
        with early(server, "127.0.0.2") as client:
            equal(client.line(), b"-ERR wait for the greeting first", "reply")
            equal(client.expect_end(), "closed", "the end")
        server.wait_for_session(end="early-talker")
        server.wait_for_log(r"EARLY TALKER, ip=\[127\.0\.0\.2\], "
                            r"listener=pop3$")
        with Client(server, source="127.0.0.2") as client:
            client.ok("CAPA")


@case("trusted clients may speak before the greeting")
def _():
    with Server(pool={"spare": "1", "max": "1"},
                auth={"trusted": "{ 127.0.0.2 }"}) as server:
        with early(server, "127.0.0.2") as client:
            matches(rb"\+OK .*", client.line(), "greeting")
            matches(rb"\+OK .*", client.line(), "reply to CAPA")


# Who exists.

def times_of(server, kinds, rounds):
    """Return the times of failed logins by kind, in turns."""
    times = {kind: [] for kind in kinds}
    replies = set()
    for _ in range(rounds):
        for kind, name in kinds.items():
            with Client(server) as client:
                client.ok(b"USER " + name)
                start = time.monotonic()
                replies.add(client.ask("PASS wrong"))
                times[kind].append(time.monotonic() - start)
    equal(replies, {b"-ERR [AUTH] wrong user name or password"}, "replies")
    return times


def are_alike(ones, others):
    """Tell whether nobody could tell these times from those."""
    slower = sum(a > b for a in ones for b in others)
    share = slower / len(ones) / len(others)
    ratio = statistics.median(ones) / statistics.median(others)
    return 0.1 < share < 0.9 or 0.7 < ratio < 1.4


def add_slow_user(server):
    """Add a user whose password takes long to check: haste would be seen."""
    secret = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", "rounds=300000$postern", "secret"],
        capture_output=True, check=True, text=True).stdout.strip()
    server.add_user("joe")
    server.users[-1] = server.users[-1].replace("{PLAIN}secret",
                                                "{CRYPT}" + secret)
    server.write_users()


@case("nobody learns from words or time which users exist")
def _():
    with Server() as server:
        add_slow_user(server)
        times = times_of(server, {
            "known": b"joe", "unknown": b"nobody-here", "unusable": b"../joe",
            "long": b"j" * 300}, 15)
        for kind, ones in times.items():
            print(f"# {kind}: {statistics.median(ones) * 1000:.1f} ms")
        for kind, ones in times.items():
            check(are_alike(ones, times["known"]), f"{kind} is told apart")
        # A keeper that did no such work would be seen: for ann it does none.
        server.add_user("ann", which=1)
        quick = times_of(server, {"slow": b"joe", "quick": b"ann"}, 15)
        check(not are_alike(quick["quick"], quick["slow"]),
              "this case sees nothing")



# fail2ban.

def banned(server, name):
    """Return the addresses that a filter of fail2ban finds in the log."""
    program = find("fail2ban-regex")
    log = server.path("mail.log")
    with open(log, "w", encoding="utf-8") as file:
        file.writelines("Nov 24 22:00:00 mail postern[123]: "
                        + line.removeprefix("postern: ") + "\n"
                        for line in list(server.log))
    stock = "/etc/fail2ban"
    if program.startswith(tree()):
        stock = tree("etc/fail2ban")
    filters = server.path("filter.d")
    if not os.path.exists(filters):
        shutil.copytree(os.path.join(stock, "filter.d"), filters)
        shutil.copy(os.path.join(
            environment("top_srcdir", os.path.join(
                os.path.dirname(__file__), "..")),
            "contrib/fail2ban/filter.d/postern.conf"), filters)
    done = subprocess.run(
        [sys.executable, program, "-o", "<ip>", log,
         os.path.join(filters, f"{name}.conf") + "[_daemon=postern]"],
        env=environ(program, PYTHONPATH=tree("usr/lib/python3/dist-packages")),
        capture_output=True, text=True, check=False, timeout=60)
    equal(done.returncode, 0, f"status of fail2ban-regex: {done.stderr}")
    return sorted(done.stdout.split())


@case("fail2ban finds who failed, was refused or early, and nobody else")
def _():
    find("fail2ban-regex")
    with Server(pool={"spare": "1", "max": "1"},
                auth={"failure-delay": "1ms"}) as server:
        server.add_user("joe")
        guess(server, "127.0.0.2")
        names = (b"x ip=[6.6.6.6]", b"x, ip=[6.6.6.6], y",
                 b"x, ip=[6.6.6.6], listener=pop3",
                 b"LOGIN FAILED, user=x, ip=[6.6.6.6], listener=")
        for name in names:
            with Client(server, source="127.0.0.3") as client:
                client.ok(b"USER " + name)
                client.refused("PASS wrong", "AUTH")
        with early(server, "127.0.0.5") as client:
            client.line()
            client.expect_end()
        server.wait_for_log("EARLY TALKER")
        log_in(server).close()
        equal(set(banned(server, "courier-auth")),
              {"127.0.0.2", "127.0.0.3"}, "found by courier-auth")
        found = banned(server, "postern")
        equal(set(found), {"127.0.0.2", "127.0.0.3", "127.0.0.5"},
              "found by our filter")
        equal(found.count("127.0.0.3"), len(names), "failures")


run_cases(suite)
