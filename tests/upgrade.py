#!/usr/bin/env python3
"""A new program, new settings, the end: nobody's session, nobody's connection.

DESIGN.md, promise 8; and what the service manager hears of it, sd_notify(3).
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from postern_testing import (Client, Server, Suite, check, equal, log_in,
                             matches, run_cases)
from postern_testing.maildir import stuffed
from postern_testing.processes import wait_until
from postern_testing.server import program

suite = Suite()
case = suite.case
WAIT_S = 60


class Lasting(Server):
    """A server whose master may be another process after an upgrade."""

    def __init__(self, **sections):
        super().__init__(**sections)
        self.master = None

    def start(self):
        """Start it; it is its own master."""
        super().start()
        self.master = self.pid

    def send_signal(self, number):
        """Send a signal to the master of now."""
        os.kill(self.master, number)

    def ask_to_upgrade(self):
        """Ask the master to let a new program take over."""
        start = len(self.log)
        self.send_signal(signal.SIGUSR2)
        return start

    def upgrade(self):
        """Upgrade; return when the new program serves."""
        start = self.ask_to_upgrade()
        found = self.wait_for_log(r"upgrade: process (\d+) serves", start)
        self.ready = self.listening(self.wait_for_log(r"ready: (.*)", start))
        self.master = int(found[1])

    def stop(self, number=signal.SIGTERM, seconds=WAIT_S):
        """End the master of now; return its exit status if it is the first."""
        with contextlib.suppress(ProcessLookupError):
            self.send_signal(number)
        status = self.process.wait(seconds)
        wait_until(lambda: not self.processes("postern"), "all masters ended",
                   seconds)
        return status


class Visitors:
    """Somebody who logs in again and again, from a thread."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.count, self.errors = 0, []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        """Log in every 10 ms until told to stop, or refused."""
        while not self.errors and not self.is_over.wait(0.01):
            try:
                with log_in(self.server, user=self.user) as client:
                    client.ok("QUIT")
                    client.expect_end()
                self.count += 1
            except (AssertionError, OSError) as error:
                self.errors.append(repr(error))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def go_on(self):
        """Wait until some more have come and gone."""
        seen = self.count
        wait_until(lambda: self.errors or self.count >= seen + 5,
                   "five more logins", WAIT_S)
        equal(self.errors, [], "what went wrong with a login")


@case("a download and logins every 10 ms pass through reloads and upgrades")
def _():
    with Lasting() as server:
        big = server.add_user("joe", "big")
        server.add_user("ann", which=1)
        with Client(server, "tls") as slow, Visitors(server, "ann") as others:
            slow.read_slowly()
            slow.login("joe")
            slow.ok("RETR 2")
            for _ in range(2):
                others.go_on()
                check(server.reload(), "the reload is refused")
                others.go_on()
                server.upgrade()
                others.go_on()
            check(server.process.poll() is None, "the first one has ended")
            equal(slow.body(), stuffed(big.wires()[1]), "the message")
            slow.ok("DELE 2")
            slow.ok("QUIT")
        equal(server.process.wait(WAIT_S), 0, "status of the first master")
        print(f"# {others.count} logins")
        wait_until(lambda: len(server.processes("postern")) == 1,
                   "only the last master is left", WAIT_S)


@case("after SIGTERM a download comes to its end, and its QUIT counts")
def _():
    with Lasting() as server:
        big = server.add_user("joe", "big")
        server.upgrade()
        with Client(server, "tls") as slow:
            slow.read_slowly()
            slow.login("joe")
            slow.ok("RETR 2")
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping: 1 sessions go on")
            equal(slow.body(), stuffed(big.wires()[1]), "the message")
            left = big.wires()
            slow.ok("DELE 2")
            slow.ok("QUIT")
            slow.expect_end()
        equal(big.wires(), left[:1] + left[2:], "messages left")
        wait_until(lambda: not server.processes("postern"), "it has ended",
                   WAIT_S)


def goes_on(server):
    """Expect that the present master serves as before."""
    with log_in(server) as client:
        client.ok("QUIT")
        client.expect_end()
    equal(server.process.poll(), None, "the exit status")


@case("an upgrade that fails leaves the old program as it was")
def _():
    with Lasting() as server:
        server.add_user("joe")
        good = server.sections
        server.write_config(auth={"cleartext": "perhaps"})
        start = server.ask_to_upgrade()
        server.wait_for_log("the new program has ended before it served: "
                            "this one goes on", start)
        goes_on(server)
        server.write_config(**good | {"auth": {"cleartext": "always"}})
        server.upgrade()
        with log_in(server) as client:
            client.ok("QUIT")


@case("the new program is the one that is installed at the path now")
def _():
    server = Lasting()
    server.program = path = server.path("postern-copy")
    shutil.copy(program(), path)
    with server:
        server.add_user("joe")
        os.rename(path, path + ".old")
        start = server.ask_to_upgrade()
        server.wait_for_log("can't start .*: No such file", start)
        server.wait_for_log("this one goes on", start)
        goes_on(server)
        shutil.copy(program(), path)
        server.upgrade()
        equal(os.stat(f"/proc/{server.master}/exe").st_ino,
              os.stat(path).st_ino, "the program that runs")
        with log_in(server) as client:
            client.ok("QUIT")


@case("an upgrade takes new listeners from the settings, and closes others")
def _():
    with Lasting() as server:
        server.add_user("joe")
        old = server.port("pop3s")
        server.listeners = {"pop3": ("starttls", "127.0.0.1"),
                            "new": ("implicit", "127.0.0.1")}
        server.write_config()
        kept = server.port("pop3")
        server.upgrade()
        equal(sorted(server.ready), ["new", "pop3"], "listeners")
        equal(server.port("pop3"), kept, "the port that stays")
        server.process.wait(WAIT_S)
        with log_in(server, "tls", listener="new") as client:
            client.ok("QUIT")
        try:
            socket.create_connection(("127.0.0.1", old), 5).close()
            check(False, "the port that went is open")
        except ConnectionRefusedError:
            pass
        check(server.reload(), "the reload is refused")
        equal(server.port("pop3"), kept, "the port after a reload")


@case("a new program that stops waits for the sessions of the old one")
def _():
    with Lasting() as server:
        server.add_user("joe")
        with log_in(server) as old:
            server.upgrade()
            server.send_signal(signal.SIGTERM)
            old.ok("NOOP")
            wait_until(lambda: len(server.processes("postern-worker")) == 1,
                       "only the old session is left", WAIT_S)
            server.send_signal(signal.SIGHUP)
            equal(len(server.processes("postern")), 2, "masters")
            old.silent_for(0.5)
            equal(len(server.processes("postern")), 2, "masters after SIGHUP")
            old.ok("QUIT")
            old.expect_end()
        equal(server.process.wait(WAIT_S), 0, "status of the first master")
        wait_until(lambda: not server.processes("postern"), "all have ended",
                   WAIT_S)


@case("an upgrade finds listeners with odd names")
def _():
    server = Lasting()
    server.listeners = {"pop3:a": ("starttls", "127.0.0.1"),
                        "x" * 80: ("starttls", "127.0.0.1")}
    with server:
        server.add_user("joe")
        before = sorted(port for _, port in server.ready.values())
        server.upgrade()
        equal(sorted(port for _, port in server.ready.values()), before,
              "ports")
        check(server.reload(), "the reload is refused")


@case("posternctl finds the new program after an upgrade")
def _():
    server = Lasting()
    server.sections["control"] = {"path": f'"{server.path("run", "socket")}"'}
    with server:
        server.add_user("joe")

        def served_by():
            said = subprocess.run(
                [program("posternctl"), "who", "--json", "--config",
                 server.config_path], capture_output=True, check=False,
                timeout=WAIT_S)
            return said.returncode, said.stdout.count(b'"joe"')

        with log_in(server) as old:
            equal(served_by(), (0, 1), "who is there")
            server.upgrade()
            wait_until(lambda: served_by() == (0, 0), "the new one answers",
                       WAIT_S)
            old.ok("QUIT")
        server.process.wait(WAIT_S)
        equal(served_by(), (0, 0), "the new one's answer after the old's end")
        server.send_signal(signal.SIGTERM)
        wait_until(lambda: served_by()[0] == 3, "nobody answers", WAIT_S)


def descriptors(pid):
    """Return how many descriptors of each kind a process has."""
    kinds = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            kind = re.sub(r"[\[(:].*|-.*", "", os.readlink(
                f"/proc/{pid}/fd/{fd}"))
            kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


@case("no descriptor and no signal's state is handed down by upgrades")
def _():
    def signals(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return [line.split()[1] for line in file
                    if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]

    with Lasting() as server:
        server.add_user("joe")
        wait_until(lambda: len(server.processes("postern-worker")) == 1,
                   "one worker")
        before = descriptors(server.master), signals(server.master)
        # It waits for the end of who was there before: one pipe more.
        wanted = before[0] | {"pipe": before[0]["pipe"] + 1}
        for _ in range(3):
            server.upgrade()
            wait_until(lambda: len(server.processes("postern")) == 1,
                       "the old master is gone", WAIT_S)
        wait_until(lambda: descriptors(server.master) == wanted,
                   f"the descriptors are {wanted}")
        equal(signals(server.master), before[1], "masks of signals")


@case("who asks for two upgrades at once gets one")
def _():
    with Lasting() as server:
        start = server.ask_to_upgrade()
        server.wait_for_log("is started as process", start)
        server.ask_to_upgrade()
        found = server.wait_for_log(r"upgrade: process (\d+) serves", start)
        server.master = int(found[1])
        server.process.wait(WAIT_S)
        equal(len(server.processes("postern")), 1, "masters")


@case("who stops while an upgrade is under way stops both")
def _():
    with Lasting() as server:
        start = server.ask_to_upgrade()
        server.wait_for_log("is started as process", start)
        server.send_signal(signal.SIGTERM)
        server.process.wait(WAIT_S)
        wait_until(lambda: not server.processes("postern"), "none is left",
                   WAIT_S)


# What the service manager hears.

class Manager:
    """The end of a service manager that is told how we are."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(WAIT_S)
        self.heard = []

    def hear(self, wanted):
        """Return the next datagram that has 'wanted' among its lines."""
        while True:
            octets, control, _, _ = self.socket.recvmsg(4096, 256)
            lines = octets.decode("ascii").split("\n")
            pid = int.from_bytes(control[0][2][:4], "little")
            self.heard.append((pid, lines))
            if any(re.fullmatch(wanted, line) for line in lines):
                return pid, lines

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def told(server, manager):
    """Start, reload well and badly, upgrade and stop a server."""
    with server:
        server.add_user("joe")
        equal(manager.hear("READY=1")[0], server.pid, "who is ready")
        server.send_signal(signal.SIGHUP)
        lines = manager.hear("RELOADING=1")[1]
        stamp = re.fullmatch(r"MONOTONIC_USEC=(\d+)", lines[1])
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        check(now - WAIT_S * 1000000 < int(stamp[1]) <= now, "its time")
        manager.hear("READY=1")
        server.write_config(auth={"cleartext": "perhaps"})
        server.send_signal(signal.SIGHUP)
        manager.hear("RELOADING=1")
        manager.hear("READY=1")
        server.write_config(auth={"cleartext": "always"})
        server.upgrade()
        pid, lines = manager.hear(r"MAINPID=\d+")
        equal((pid, lines[0]), (server.pid, f"MAINPID={server.master}"),
              "who is the main process")
        with log_in(server) as client:
            server.send_signal(signal.SIGTERM)
            pid, lines = manager.hear("STOPPING=1")
            equal(pid, server.master, "who stops")
            matches(rb"STATUS=stopping: 1 sessions go on",
                    lines[1].encode(), "the status")
            client.ok("QUIT")
    ready = [pid for pid, lines in manager.heard if "READY=1" in lines]
    check(server.master in ready, "the successor was ready")


@case("a service manager hears of all, at a path")
def _():
    server = Lasting()
    with Manager(server.path("notify")) as manager:
        server.environment = {"NOTIFY_SOCKET": server.path("notify")}
        told(server, manager)


@case("a service manager hears of all, at an abstract address")
def _():
    server = Lasting()
    name = f"postern-test-{os.getpid()}"
    with Manager(f"\0{name}") as manager:
        server.environment = {"NOTIFY_SOCKET": f"@{name}"}
        told(server, manager)


@case("the watchdog is fed by the master, also after an upgrade")
def _():
    server = Lasting()
    with Manager(server.path("notify")) as manager:
        server.environment = {"NOTIFY_SOCKET": server.path("notify"),
                              "WATCHDOG_USEC": "400000"}
        with server:
            for _ in range(3):
                equal(manager.hear("WATCHDOG=1")[0], server.pid, "who is fed")
            server.upgrade()
            server.process.wait(WAIT_S)
            wait_until(lambda: manager.hear("WATCHDOG=1")[0] == server.master,
                       "the successor feeds it")


@case("nobody is told who has not asked, or what is not for this process")
def _():
    server = Lasting()
    with Manager(server.path("notify")) as manager:
        server.environment = {"NOTIFY_SOCKET": server.path("notify"),
                              "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
        with server:
            manager.hear("READY=1")
            server.send_signal(signal.SIGHUP)
            manager.hear("RELOADING=1")
        check(not any("WATCHDOG=1" in lines for _, lines in manager.heard),
              "a watchdog of another process is fed")
    for address in ("relative", "/nonexistent/socket", "/" + 200 * "x", ""):
        server = Lasting()
        server.environment = {"NOTIFY_SOCKET": address}
        with server:
            server.add_user("joe")
            goes_on(server)


@case("how many sessions there are is told")
def _():
    server = Lasting()
    with Manager(server.path("notify")) as manager:
        server.environment = {"NOTIFY_SOCKET": server.path("notify")}
        with server:
            server.add_user("joe")
            with log_in(server):
                manager.hear(r"STATUS=postern \S+, 1 sessions")
            manager.hear(r"STATUS=postern \S+, 0 sessions")


run_cases(suite)
