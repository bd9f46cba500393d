#!/usr/bin/env python3
"""posternctl who, kick, stats, metrics, reload, stop; and hostile peers."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import threading

from postern_testing import (LOST, Client, Server, Skip, Suite, as_root, check,
                             equal, log_in, matches, programs, run_cases)
from postern_testing import openmetrics
from postern_testing.ports import free_port, is_listening
from postern_testing.processes import identity, wait_until
from postern_testing.server import program

suite = Suite()
case = suite.case

SECONDS = 60
DONE, FAILED, MISUSED, NO_SERVER, NOBODY = range(5)
REQUEST_BYTES = 328
END = 9
PEERS = 8
STRANGER, GROUP = 20777, 20778  # need no accounts
MESSAGE = b"Subject: long\n\n" + b"x" * 70 + b"\n"


class Controlled(Server):
    """A server with a control socket in its own directory."""

    def __init__(self, group="", **more):
        super().__init__(**more)
        self.socket_path = self.path("run", "control")
        self.sections["control"] = {"path": f'"{self.socket_path}"',
                                    "group": f'"{group}"'}
        # No client is ever too slow on a busy machine.
        self.sections["limits"] = ({"login-timeout": "10min"}
                                   | self.sections.get("limits", {}))

    def ctl(self, *words, code=DONE, options=None):
        """Run posternctl; return what it printed."""
        said = self.run(*words, options=options)
        equal(said.returncode, code,
              f"exit code of {words}: {said.stdout!r} {said.stderr!r}")
        return said.stdout

    def run(self, *words, options=None, stdin=b""):
        """Run posternctl; return how that went."""
        return subprocess.run(
            [program("posternctl"), words[0], "--config", self.config_path,
             *words[1:]], input=stdin, capture_output=True, check=False,
            timeout=SECONDS, **(options or {}))

    def json(self, *words, code=DONE):
        """Run posternctl --json; return what it printed as Python has it."""
        return json.loads(self.ctl(*words, "--json", code=code))

    def who(self):
        """Return the sessions that go on."""
        return self.json("who")

    def until(self, condition, what):
        """Ask who is there until 'condition' of that is true; return it."""
        def found():
            there = self.who()
            return (there,) if condition(there) else None
        return wait_until(found, what, SECONDS)[0]

    def peer(self):
        """Return a connection to the control socket."""
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.settimeout(SECONDS)
        peer.connect(self.socket_path)
        return peer


def request(kind, what=b"", version=1):
    """Return a request as posternctl sends it."""
    record = struct.pack("=II320s", version, kind, what)
    equal(len(record), REQUEST_BYTES, "octets of a request")
    return record


def plain(name, password="secret"):
    """Return the response of PLAIN."""
    return base64.b64encode(f"\0{name}\0{password}".encode()).decode()


def is_ended(client):
    """Expect that the server has ended the connection of a client."""
    with contextlib.suppress(*LOST):
        while client.receive():
            pass


@case("who shows each session: user, address, TLS, state, age and octets")
def _():
    server = Controlled()
    server.add_user("joe")
    server.add_user("ann@example.net")
    with server, Client(server) as silent, Client(server, "tls") as ann, \
            log_in(server) as joe:
        ann.ok(f"AUTH PLAIN {plain('ann@example.net')}")
        there = server.until(
            lambda all: [s["state"] for s in all] ==
            ["transaction", "transaction", "authorization"],
            "two sessions are in the TRANSACTION state, one is before")
        equal([s["user"] for s in there], ["ann@example.net", "joe", None],
              "the users")
        equal([s["mechanism"] for s in there], ["PLAIN", "PASS", None],
              "the mechanisms")
        equal([s["listener"] for s in there], ["pop3s", "pop3", "pop3"],
              "the listeners")
        matches(rb"TLS1\.[23]", there[0]["tls"].encode(), "ann's TLS")
        check(there[0]["cipher"], "ann's cipher is not there")
        equal([s["tls"] for s in there[1:]], [None, None], "others' TLS")
        equal({s["address"] for s in there}, {"127.0.0.1"}, "the addresses")
        equal([s["port"] for s in there],
              [c.socket.getsockname()[1] for c in (ann, joe, silent)],
              "the ports")
        check(all(0 <= s["age"] < SECONDS for s in there), "strange ages")
        lines = server.ctl("who").decode().splitlines()
        equal(lines[0].split(), ["USER", "ADDRESS", "TLS", "STATE", "AGE",
                                 "OCTETS"], "the titles")
        equal([line.split()[0] for line in lines[1:]],
              ["ann@example.net", "joe", "-"], "the first column")
        equal({len(line) for line in lines}, {len(lines[0])}, "the widths")
        at = lines[0].index("ADDRESS")
        check(all(line[at:].startswith("127.0.0.1 ") for line in lines[1:]),
              "a column is not aligned")


@case("who of a server without sessions is a title, and an empty list")
def _():
    with Controlled() as server:
        equal(server.ctl("who").split()[0], b"USER", "the first word")
        equal(server.ctl("who").count(b"\n"), 1, "lines")
        equal(server.who(), [], "sessions")



@case("a handshake that is not over, and the octets of a download that goes "
      "on, are seen meanwhile")
def _():
    server = Controlled(limits={"tls-timeout": "10min"})
    maildir = server.add_user("joe", "empty")
    maildir.deliver("new/1.long", MESSAGE * 200000)
    with server, Client(server, "stls") as client, \
            socket.create_connection(("127.0.0.1", server.port("pop3s"))):
        client.read_slowly()
        client.login("joe")
        client.send(b"RETR 1\r\n")
        first = server.until(lambda all: all and all[0]["octets"] > 1000,
                             "octets were sent")
        equal([s["state"] for s in first], ["transaction", "handshake"],
              "the states")
        matches(rb"TLS1\.[23]", first[0]["tls"].encode(), "the TLS version")
        # What the client has got, the server has sent.
        more = first[0]["octets"] + 1000000
        while len(client.buffer) < more:
            check(client.receive(), "the download ended")
        server.until(lambda all: all[0]["octets"] >= more,
                     "more octets were sent")


@case("after a download an idle client has the octets that were sent to it")
def _():
    server = Controlled()
    server.add_user("joe", "three")
    with server, log_in(server) as client:
        client.retrieve(1)
        client.retrieve(2)
        octets = server.until(lambda all: all and all[0]["octets"] > 200,
                              "all octets are told")[0]["octets"]
        client.ok("QUIT")
        said = server.wait_for_session(end="quit")
        check(octets <= int(said["octets"]) < octets + 200,
              f"{octets} octets of {said}")
        stats = server.json("stats")
        equal(stats["sent_octets"], int(said["octets"]), "octets in stats")


@case("a client that is silent for takeover-after is silent, and no more once "
      "it speaks")
def _():
    server = Controlled(mailbox={"takeover-after": "3s"})
    server.add_user("joe")
    with server, log_in(server) as client:
        server.until(lambda all: all and all[0]["state"] == "silent",
                     "the client is silent")

        def is_there():
            client.ok("NOOP")
            return server.who()[0]["state"] == "transaction"
        wait_until(is_there, "the client is there", SECONDS)


@case("names that could steer a terminal or break JSON are shown harmless")
def _():
    names = ['a"b\\c', "x<y>$(id)`id`", "j\u00f6e\u0440@ex\u00e4mple",
             "tab'in;name|&"]
    server = Controlled()
    for name in names:
        server.add_user(name)
    with server, contextlib.ExitStack() as stack:
        for name in names:
            client = stack.enter_context(Client(server))
            client.ok(f"AUTH PLAIN {plain(name)}")
        there = server.until(lambda all: all and all[-1]["user"],
                             "all are logged in")
        equal(sorted(s["user"] for s in there), sorted(names), "the users")
        shown = server.ctl("who")
        check(re.fullmatch(rb"[\x20-\x7e\n]*", shown), f"it shows {shown!r}")
        check(b'a"b\\\\c ' in shown and b"j\\xc3\\xb6e" in shown,
              f"names are not escaped: {shown!r}")
        server.ctl("kick", names[2])
        server.until(lambda all: len(all) == len(names) - 1, "one is gone")
        check(any(re.search(r"kicked by uid \d+: user=[^ ]* ip=", line)
                  for line in server.log), "the log does not tell")


def kicked(whom, count, address="127.0.0.1"):
    """Return a case: 'whom' means 'count' of three sessions."""
    def run():
        server = Controlled(listeners={"pop3": ("none", address)})
        for name in ("joe", "joey"):
            server.add_user(name)
        with server, log_in(server) as joe, log_in(server, user="joey"), \
                Client(server):
            server.until(lambda all: [s["user"] for s in all] ==
                         ["joe", "joey", None], "all three are there")
            code = DONE if count else NOBODY
            said = server.json("kick", whom, code=code)
            equal(said, {"kicked": count}, "what kick says")
            server.until(lambda all: len(all) == 3 - count,
                         "those are gone, the others are not")
            if count == 0:
                joe.ok("NOOP")
            else:
                is_ended(joe)
                said = server.wait_for_session(user="joe")
                equal(said["end"], "kicked", "joe's end in the log")
                equal(server.json("stats")["ended_sessions"]["kicked"], count,
                      "kicked sessions in stats")
    return run


for words, whom_of, number, *place in (
        ("a user", "joe", 1), ("an address", "127.0.0.1", 3),
        ("a network", "127.0.0.0/8", 3), ("an unknown user", "jo", 0),
        ("an unknown address", "127.0.0.2", 0),
        ("another network", "10.0.0.0/8", 0),
        ("the longest name", "x" * 319, 0),
        ("an IPv6 address", "::1", 3, "::1"),
        ("an IPv6 network", "::/64", 3, "::1")):
    suite.add(f"kick ends the sessions of {words} and no other",
              kicked(whom_of, number, *place))


@case("kick says how many sessions it has ended, and what is wrong with it")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, log_in(server):
        server.until(lambda all: all and all[0]["user"] == "joe", "joe is there")
        equal(server.ctl("kick", "joe"), b"1 session kicked\n", "it says")
        server.until(lambda all: not all, "joe is gone")
        said = server.run("kick", "joe")
        equal((said.returncode, said.stdout, said.stderr),
              (NOBODY, b"", b"posternctl: there is no such session\n"),
              "what it says of nobody")
        for wrong in ((), ("",), ("joe", "ann"), ("x" * 320,), ("--joe",)):
            server.ctl("kick", *wrong, code=MISUSED)


@case("a session that is kicked in the middle of RETR, with messages marked, "
      "removes nothing")
def _():
    server = Controlled(pool={"sessions-per-worker": "100"})
    maildir = server.add_user("joe", "three")
    maildir.deliver("new/1900000000.long", MESSAGE * 200000)
    with server:
        before = maildir.snapshot()
        for transport in ("plain", "stls"):
            with Client(server, transport) as client:
                client.read_slowly()
                client.login("joe")
                client.ok("DELE 1")
                client.ok("DELE 2")
                client.send(b"RETR 4\r\n")
                server.until(lambda all: all and all[0]["octets"] > 1000,
                             "octets are sent")
                server.ctl("kick", "joe")
                is_ended(client)
                check(not client.buffer.endswith(b"\r\n.\r\n"),
                      "the message looks whole")
            server.until(lambda all: not all, "the session is over")
        equal(maildir.snapshot(), before, "the Maildir")
        with log_in(server) as client:
            equal(client.count(), 4, "messages")


@case("a worker that is kicked serves nobody else")
def _():
    server = Controlled(pool={"sessions-per-worker": "100", "spare": "1"})
    server.add_user("joe")
    with server:
        for _ in range(20):
            with log_in(server) as client:
                server.until(lambda all: all and all[-1]["user"] == "joe",
                             "joe is there")
                server.ctl("kick", "127.0.0.0/8")
                is_ended(client)


@case("stats count connections, refusals, logins by mechanism, failures, "
      "messages and TLS versions")
def _():
    server = Controlled(limits={"per-address": "2"})
    maildir = server.add_user("joe", "three")
    count = len(maildir.messages())
    with server:
        with log_in(server, "tls") as client:
            client.retrieve(1)
            client.ok("TOP 2 0")
            client.lines()
            client.ok("DELE 1")
            client.ok("QUIT")
            client.expect_end()
        with Client(server) as client:
            client.ok("USER joe")
            client.refused("PASS wrong", "AUTH")
            client.ok(f"AUTH PLAIN {plain('joe')}")
            with Client(server), Client(server, greet=False) as third:
                matches(rb"-ERR .*", third.line(), "the third connection")
            equal(client.count(), count - 1, "messages")
            client.ok("QUIT")
        server.until(lambda all: not all, "all are gone")
        stats = wait_until(lambda: (found := server.json("stats"))[
            "login_failures"] and found, "the failure is counted", SECONDS)
        equal({name: stats[name] for name in (
            "connections", "login_failures", "retrieved_messages",
            "previewed_messages", "removed_messages", "expired_messages")},
            {"connections": 4, "login_failures": 1, "retrieved_messages": 1,
             "previewed_messages": 1, "removed_messages": 1,
             "expired_messages": 0}, "the counts")
        equal({k: v for k, v in stats["logins"].items() if v},
              {"PASS": 1, "PLAIN": 1}, "the logins")
        equal(stats["refusals"], {"per-address": 1, "failures": 0, "busy": 0},
              "the refusals")
        equal({k: v for k, v in stats["ended_sessions"].items() if v},
              {"quit": 2, "disconnected": 1}, "the ends")
        equal(sum(stats["session_tls"].values()), 3, "sessions by TLS")
        equal(stats["session_tls"]["none"], 2, "sessions without TLS")
        equal(sum(stats["sessions"].values()), 0, "sessions that go on")
        equal(stats["workers"]["max"], 16, "pool.max")
        text = server.ctl("stats").decode()
        for line in (r"logins +2", r"  PLAIN +1", r"failed logins +1",
                     r"workers +\d+ idle, 0 busy, .* at most 16",
                     r"started +\d{4}-.*, \d+s ago", r"sessions +0"):
            check(re.search(f"^{line}$", text, re.M),
                  f"no line {line} in\n{text}")
        check("EXTERNAL" not in text, "what is 0 of a sum is shown")


@case("metrics are OpenMetrics, to the letter, and say what stats say")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, log_in(server):
        server.until(lambda all: all and all[0]["user"] == "joe", "joe is there")
        text = server.ctl("metrics").decode()
        stats = server.json("stats")
        samples = openmetrics.parse(text)
        for name, value in stats.items():
            if name in ("version", "started", "settings_read",
                        "settings_readings", "stopping", "keepers",
                        "sessions", "workers"):
                continue
            got = {labels.partition("=")[2].strip('"'): number
                   for (sample, labels), number in samples.items()
                   if sample == f"postern_{name}_total"}
            equal(got, value if isinstance(value, dict) else {"": value},
                  f"the counter {name}")
        equal(samples["postern_up", ""], 1, "postern_up")
        equal(samples["postern_sessions", 'state="transaction"'], 1,
              "sessions in the TRANSACTION state")
        equal(samples["postern_start_time_seconds", ""], stats["started"],
              "the start")
        equal(samples["postern_build", f'version="{stats["version"]}"'], 1,
              "the version")


@case("promtool finds nothing in the metrics that it can't read")
def _():
    promtool = programs.find("promtool")
    with Controlled() as server:
        text = server.ctl("metrics")
    done = subprocess.run([promtool, "check", "metrics"], input=text,
                          capture_output=True, check=False, timeout=SECONDS,
                          env=programs.environ(promtool))
    check(done.returncode != 1 and b"error while" not in done.stderr,
          f"promtool says {done.stdout!r} {done.stderr!r}")


@case("metrics --output replaces a file as a whole, for all to read, and "
      "leaves no other")
def _():
    with Controlled() as server:
        folder = server.path("textfile")
        os.mkdir(folder)
        path = os.path.join(folder, "postern.prom")
        for _ in range(2):
            equal(server.ctl("metrics", "--output", path), b"", "it says")
            with open(path, encoding="utf-8") as file:
                equal(openmetrics.parse(file.read())["postern_up", ""], 1,
                      "postern_up")
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o644, "the mode")
            equal(os.listdir(folder), ["postern.prom"], "files there")
        server.ctl("metrics", "--output", server.path("no", "x.prom"),
                   code=FAILED)
        server.ctl("metrics", "--output", folder, code=FAILED)
        equal(os.listdir(folder), ["postern.prom"], "files after failures")
        equal([name for name in os.listdir(server.directory)
               if "textfile." in name], [], "files left behind")
        server.stop()
        server.ctl("metrics", "--output", path, code=NO_SERVER)
        with open(path, encoding="utf-8") as file:
            equal(openmetrics.parse(file.read()), {("postern_up", ""): 0},
                  "the metrics without a server")


def http(server, octets, code=DONE):
    """Ask metrics --http; return status, head as a dictionary, body."""
    said = server.run("metrics", "--http", stdin=octets)
    equal(said.returncode, code, f"exit code; {said.stderr!r}")
    head, _, body = said.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    words = matches(rb"HTTP/1\.1 (\d{3}) [A-Za-z ]+", lines[0].encode(),
                    "the status line")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    return int(words[1]), fields, body


@case("metrics --http answers GET and HEAD of /metrics, and says what is wrong "
      "with anything else")
def _():
    with Controlled() as server:
        for target in (b"/metrics", b"/metrics?x=1"):
            status, head, body = http(
                server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            equal(status, 200, "the status")
            equal(head["Content-Type"], "application/openmetrics-text; "
                  "version=1.0.0; charset=utf-8", "the type")
            equal(int(head["Content-Length"]), len(body), "the length")
            equal(openmetrics.parse(body.decode())["postern_up", ""], 1,
                  "postern_up")
        status, head, body = http(server, b"HEAD /metrics HTTP/1.0\r\n\r\n")
        equal((status, body), (200, b""), "the answer to HEAD")
        check(int(head["Content-Length"]) > 1000, "the length for HEAD")
        for octets, wanted in (
                (b"GET / HTTP/1.1\r\n\r\n", 404),
                (b"GET /metricsx HTTP/1.1\r\n\r\n", 404),
                (b"GET /metrics/../x HTTP/1.1\r\n\r\n", 404),
                (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
                (b"GET /metrics\r\n\r\n", 400), (b"GET\r\n\r\n", 400),
                (b"\r\n\r\n", 400), (b"GET /metrics HTTP/1.1\r\n", 400),
                (b"GET /metrics HTTP/2\r\n\r\n", 400),
                (b"GET /metrics HTTP/1.1\r\n\0\r\n\r\n", 400),
                (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, 400),
                (b"\x16\x03\x01\x02\x00\x01\x00", 400)):
            equal(http(server, octets)[0], wanted, f"status of {octets!r}")
        equal(server.run("metrics", "--http").stdout, b"",
              "the answer to nothing")
        server.stop()
        _, _, body = http(server, b"GET /metrics HTTP/1.1\r\n\r\n")
        equal(openmetrics.parse(body.decode()), {("postern_up", ""): 0},
              "the metrics without a server")


@case("systemd-socket-activate serves metrics --http to curl and to Python")
def _():
    activate = programs.find("systemd-socket-activate")
    with Controlled() as server:
        port = free_port()
        with subprocess.Popen(
                [activate, f"--listen=127.0.0.1:{port}", "--accept",
                 "--inetd", program("posternctl"), "metrics", "--config",
                 server.config_path, "--http"], stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=programs.environ(activate)) as child:
            try:
                wait_until(lambda: is_listening(port) or
                           child.poll() is not None, "it listens", SECONDS)
                if child.poll() is not None:
                    raise Skip("the port was taken meanwhile")
                body = subprocess.run(
                    [programs.find("curl"), "--silent", "--show-error",
                     "--fail", "--max-time", str(SECONDS), "--noproxy", "*",
                     f"http://127.0.0.1:{port}/metrics"],
                    capture_output=True, check=True).stdout.decode()
                equal(openmetrics.parse(body)["postern_up", ""], 1,
                      "postern_up")
            finally:
                child.terminate()


@case("reload tells that new settings were taken, or why they were not")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, log_in(server) as client:
        server.write_config(pool={"max": "17"})
        equal(server.ctl("reload"), b"reloaded\n", "it says")
        equal(server.json("stats")["workers"]["max"], 17, "pool.max")
        equal(server.json("reload"), {"reloaded": True, "messages": []},
              "it says to programs")
        stats = server.json("stats")
        equal((stats["reloads"], stats["settings_readings"]),
              ({"done": 2, "refused": 0}, 3), "reloads in stats")
        client.ok("NOOP")
        bad = server.path("bad.conf")
        with open(server.config_path, encoding="utf-8") as file:
            text = file.read()
        with open(bad, "w", encoding="utf-8") as file:
            file.write(text.replace("max = 17", "max = many"))
        good = server.path("good.conf")
        os.rename(server.config_path, good)
        os.rename(bad, server.config_path)
        server.config_path, bad = good, server.config_path
        said = server.run("reload")
        equal((said.returncode, said.stdout), (FAILED, b""), "it fails")
        check(f"{bad}:".encode() in said.stderr and
              b"'many'" in said.stderr and b"old settings" in said.stderr,
              f"it says {said.stderr!r}")
        said = server.json("reload", code=FAILED)
        equal(said["reloaded"], False, "what it says to programs")
        check(any("'many'" in line for line in said["messages"]),
              f"the messages are {said['messages']}")
        equal(server.json("stats")["reloads"], {"done": 2, "refused": 2},
              "reloads in stats")
        equal(server.json("stats")["workers"]["max"], 17, "pool.max")
        os.rename(good, bad)
        server.config_path = bad
        client.ok("NOOP")
        client.ok("QUIT")


@case("reload moves the socket where the settings want it, or away")
def _():
    with Controlled() as server:
        old, new = server.socket_path, server.path("run2", "control")
        server.write_config(control={"path": f'"{new}"'})
        equal(server.ctl("reload", "--socket", old), b"reloaded\n", "it says")
        check(not os.path.exists(old), "the old socket is there")
        equal(server.who(), [], "sessions")
        server.write_config(control={"path": '""'})
        server.ctl("reload", "--socket", new)
        check(not os.path.exists(new), "the new socket is there")
        said = server.run("who")
        equal(said.returncode, FAILED, "the exit code without a socket")
        check(b"no control socket" in said.stderr, f"it says {said.stderr!r}")


@case("stop lets sessions end, can still be asked meanwhile, and refuses "
      "reload")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, log_in(server) as client:
        server.until(lambda all: all and all[0]["user"] == "joe", "joe is there")
        equal(server.ctl("stop"), b"stopping: 1 session still open\n",
              "it says")
        equal(server.json("stats")["stopping"], True, "stopping")
        equal([s["user"] for s in server.who()], ["joe"], "who is there")
        said = server.json("reload", code=FAILED)
        equal(said["reloaded"], False, "reload while stopping")
        check(b"stopping" in server.run("reload").stderr, "it says not why")
        client.ok("NOOP")
        client.ok("QUIT")
        equal(server.process.wait(SECONDS), 0, "the exit status")
        check(not os.path.exists(server.socket_path), "the socket is left")
        for command in ("who", "stats", "metrics", "reload", "stop"):
            said = server.run(command)
            equal(said.returncode, NO_SERVER, f"exit code of {command}")
        server.ctl("kick", "joe", code=NO_SERVER)


@case("stop --now ends the sessions, and nothing is removed")
def _():
    server = Controlled()
    maildir = server.add_user("joe")
    with server, log_in(server) as client:
        before = maildir.snapshot()
        client.ok("DELE 1")
        equal(server.json("stop", "--now"),
              {"stopping": True, "sessions": 1}, "it says")
        is_ended(client)
        equal(server.process.wait(SECONDS), 0, "the exit status")
        equal(maildir.snapshot(), before, "the Maildir")


@case("peers that are silent, talk garbage, or go away hold up neither mail nor "
      "each other")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, contextlib.ExitStack() as stack:
        for octets in (b"x", b"\0" * REQUEST_BYTES, b"x" * REQUEST_BYTES,
                       request(1)[:-1], request(1) + b"x", b"x" * 100000,
                       request(0), request(7), request(8), request(9),
                       request(2**32 - 1), request(2, b"x" * 320)):
            with server.peer() as peer:
                peer.send(octets)
                equal(peer.recv(10000), b"", f"answer to {octets[:20]!r}")
        with server.peer() as peer:
            read, write = os.pipe()
            socket.send_fds(peer, [request(1)], [read])
            equal(peer.recv(10000), b"", "answer to a descriptor")
            os.close(read)
            os.close(write)
        with server.peer() as peer:
            peer.send(request(1, version=2))
            answer = struct.unpack_from("=III", peer.recv(10000))
            check(answer[2] != 0, "another version is served")
        for kind in (1, 2, 3, 4):
            with server.peer() as peer:
                peer.send(request(kind))
        silent = [stack.enter_context(server.peer()) for _ in range(PEERS + 1)]
        with log_in(server) as client:
            client.ok("QUIT")
        # Those are sent away after a few seconds, then it is our turn.
        equal(server.who(), [], "sessions")
        equal(silent[0].recv(100), b"", "the first one hears")


@case("200 connections at once, of which some ask and some don't, hurt nobody")
def _():
    server = Controlled()
    server.add_user("joe")

    def knock():
        with contextlib.suppress(OSError), server.peer() as peer:
            peer.send(request(3))

    with server:
        before = count_fds(server.pid)
        threads = [threading.Thread(target=knock) for _ in range(200)]
        for thread in threads:
            thread.start()
        with log_in(server, "tls") as client:
            client.retrieve(1)
            client.ok("QUIT")
        for thread in threads:
            thread.join()
        server.until(lambda all: not all, "nobody is there")
        wait_until(lambda: count_fds(server.pid) <= before,
                   "no descriptor is left open", SECONDS)


def count_fds(pid):
    """Return how many descriptors a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@case("who is whole with more sessions than a socket takes at once, and a peer "
      "that reads nothing of it holds up nobody")
def _():
    count = 150
    server = Controlled(pool={"max": "200", "spare": "1"})
    server.add_user("joe")
    with server, contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(Client(server))
        with server.peer() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.send(request(1))
            equal(len(server.who()), count, "sessions")
            with log_in(server) as client:
                client.ok("QUIT")
            records = 0
            while record := stuck.recv(100000):
                records += 1
                last = record
            # On a busy machine it may have been sent away before the end.
            if struct.unpack_from("=II", last)[1] == END:
                check(records >= count + 1, f"only {records} records")


def as_other(uid, *groups):
    """Return what makes subprocess start a program as somebody else."""
    if not as_root():
        raise Skip("only root can become others")
    return identity(uid) | {"extra_groups": list(groups)}


@case("only root and the group come in: others can't even connect")
def _():
    for group, uid, groups, code in (
            ("", STRANGER, (), FAILED),
            (str(GROUP), STRANGER, (), FAILED),
            ("", STRANGER, (GROUP,), FAILED),
            (str(GROUP), STRANGER, (GROUP,), DONE),
            (str(GROUP), GROUP, (), DONE),
            (str(GROUP), STRANGER, (20001, GROUP, 20002), DONE)):
        options = as_other(uid, *groups)
        with Controlled(group=group) as server:
            said = subprocess.run(
                [program("posternctl"), "who", "--socket",
                 server.socket_path], capture_output=True, check=False,
                timeout=SECONDS, **options)
            equal(said.returncode, code, f"{group}, {uid}, {groups}: "
                  f"{said.stderr!r}")
            check(code == DONE or b"Permission denied" in said.stderr,
                  f"it says {said.stderr!r}")
            mode = os.stat(server.socket_path).st_mode
            equal(stat.S_IMODE(mode), 0o660 if group else 0o600, "the mode")


@case("whoever comes in by a wrong mode of the file is sent away all the same")
def _():
    options = as_other(STRANGER)
    with Controlled(group=str(GROUP)) as server:
        os.chmod(server.socket_path, 0o666)
        said = subprocess.run(
            [program("posternctl"), "stop", "--socket", server.socket_path],
            capture_output=True, check=False, timeout=SECONDS, **options)
        equal(said.returncode, FAILED, f"the exit code; {said.stderr!r}")
        check(b"only root and the group" in said.stderr,
              f"it says {said.stderr!r}")
        equal(server.json("stats")["stopping"], False, "stopping")


@case("a group that does not exist opens the door to nobody, with a warning")
def _():
    with Controlled(group="no such group") as server:
        server.wait_for_log(r"warning: control: group = \"no such group\"")
        equal(stat.S_IMODE(os.stat(server.socket_path).st_mode), 0o600,
              "the mode")
        equal(server.who(), [], "sessions")


@case("the socket of a dead server is replaced, that of a living one is not")
def _():
    server, second = Controlled(), Controlled()
    with server:
        second.socket_path = server.socket_path
        second.sections["control"]["path"] = f'"{server.socket_path}"'
        with second:
            second.wait_for_log(
                "warning: no control socket: .*: another server has it")
            equal(server.json("stats")["connections"], 0, "connections")
        inode = os.stat(server.socket_path).st_ino
        equal(server.json("stats")["stopping"], False, "the first one lives")
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        server.reader.join(SECONDS)
        equal(os.stat(server.socket_path).st_ino, inode, "the stale socket")
        server.ctl("who", code=NO_SERVER)
        server.log.clear()
        server.start()
        equal(server.who(), [], "sessions of the new one")


@case("what is no socket, is too long, or lies where others may write, is left "
      "alone with a warning, and mail is served")
def _():
    for spoil, words in (
            (lambda path: open(path, "x", encoding="ascii").close(),
             "there is something that is no socket"),
            (os.mkdir, "there is something that is no socket"),
            (lambda path: os.chmod(os.path.dirname(path), 0o777),
             "others may write to its directory"),
            (lambda path: os.symlink("/dev/null", f"{path}.lock"),
             "Too many levels of symbolic links")):
        server = Controlled()
        server.add_user("joe")
        os.mkdir(server.path("run"), 0o755)
        spoil(server.socket_path)
        with server:
            server.wait_for_log(f"warning: no control socket: .*: {words}")
            with log_in(server) as client:
                client.ok("QUIT")
        check(not os.path.exists(server.directory), "files are left")
    server = Controlled()
    server.sections["control"]["path"] = f'"{server.path("x" * 200)}"'
    with server:
        server.wait_for_log("no control socket: .*: File name too long")
        said = server.run("who")
        equal(said.returncode, FAILED, "exit code")


@case("somebody else's socket under our name is not removed at the end")
def _():
    server = Controlled()
    with server:
        os.unlink(server.socket_path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.bind(server.socket_path)
            equal(server.stop(), 0, "the exit status")
            check(os.path.exists(server.socket_path), "it is removed")


@case("under inetd there is no socket")
def _():
    server = Controlled()
    server.add_user("joe")
    server.prepare()
    try:
        ours, theirs = socket.socketpair()
        with ours, theirs, subprocess.Popen(
                [program(), "--config", server.config_path, "--inetd"],
                stdin=theirs, stdout=theirs, stderr=subprocess.PIPE) as child:
            theirs.close()
            ours.settimeout(SECONDS)
            matches(rb"\+OK .*", ours.recv(1000), "the greeting")
            check(not os.path.exists(server.path("run")), "a socket is there")
            ours.sendall(b"QUIT\r\n")
            child.stderr.read()
            equal(child.wait(SECONDS), 0, "the exit status")
    finally:
        server.remove_files()


@case("no process of a session has a descriptor of the control socket")
def _():
    server = Controlled()
    server.add_user("joe")
    with server, server.peer(), log_in(server):
        server.who()
        inodes = set()
        with open("/proc/net/unix", encoding="utf-8") as file:
            for line in file:
                if line.rstrip().endswith(server.socket_path):
                    inodes.add(line.split()[6])
        check(inodes, "the socket is not in /proc/net/unix")
        for process in server.processes():
            if process.pid == server.pid:
                continue
            places = [os.readlink(f"/proc/{process.pid}/fd/{fd}")
                      for fd in os.listdir(f"/proc/{process.pid}/fd")]
            check(not any(f"socket:[{inode}]" in places for inode in inodes),
                  f"{process} has it")


@contextlib.contextmanager
def false_server(*records):
    """Serve one posternctl with these records; yield the socket's path."""
    server = Controlled()
    path = server.path("control")

    def serve(listener):
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.recv(10000)
                for record in records:
                    peer.send(record)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(path)
            listener.listen(1)
            thread = threading.Thread(target=serve, args=(listener,))
            thread.start()
            yield path
            thread.join(SECONDS)
    finally:
        server.remove_files()


@case("posternctl refuses what no server of its version says")
def _():
    end = struct.pack("=IIII4096s", 1, 9, 0, 0, b"")
    for records in ((), (b"x",), (b"x" * 5000,), (end[:-1],),
                    (struct.pack("=IIII4096s", 2, 9, 0, 0, b""),),
                    (b"\1\0\0\0\x08\0\0\0" + b"\xff" * 20, end)):
        with false_server(*records) as path:
            said = subprocess.run(
                [program("posternctl"), "who", "--socket", path],
                capture_output=True, check=False, timeout=SECONDS)
            equal((said.returncode, said.stdout), (FAILED, b""),
                  f"the outcome of {records!r:.50}; {said.stderr!r}")
            check(said.stderr.startswith(b"posternctl: the server "),
                  f"it says {said.stderr!r}")
    for command in ("stats", "metrics"):
        with false_server(end) as path:
            said = subprocess.run(
                [program("posternctl"), command, "--socket", path],
                capture_output=True, check=False, timeout=SECONDS)
            equal((said.returncode, said.stdout), (FAILED, b""),
                  f"{command} without numbers")


@case("wrong options are refused, --help and full disks are told")
def _():
    with Controlled() as server:
        for command in ("who", "kick", "stats", "metrics", "reload", "stop"):
            said = server.run(command, "--help")
            equal((said.returncode, said.stderr), (DONE, b""), "--help")
            check(said.stdout.startswith(b"Usage: posternctl " +
                                         command.encode()), "the usage")
            server.ctl(command, "--nonsense", code=MISUSED)
            said = subprocess.run([program("posternctl"), command,
                                   "--config", "/nonexistent", "joe"],
                                  capture_output=True, check=False)
            equal(said.returncode, FAILED if command == "kick" else MISUSED,
                  f"exit code of {command}")
        server.ctl("metrics", "--json", code=MISUSED)
        server.ctl("metrics", "--http", "--output", "x", code=MISUSED)
        for command in ("who", "stats", "metrics"):
            with open("/dev/full", "wb") as full:
                said = subprocess.run(
                    [program("posternctl"), command, "--config",
                     server.config_path], stdout=full,
                    stderr=subprocess.PIPE, check=False, timeout=SECONDS)
            equal(said.returncode, FAILED, f"{command} into a full disk")


def complete(server, *words):
    """Return what bash makes of the words typed so far."""
    script = r"""
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _posternctl
        printf '%s\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        [programs.find("bash"), "--norc", "-c", script, "bash", COMPLETION,
         *words], capture_output=True, check=True, timeout=SECONDS,
        cwd=server.directory)
    equal(done.stderr, b"", "what bash complains of")
    return [word for word in done.stdout.decode().split("\n") if word]


COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                          "contrib", "bash-completion", "posternctl")


@case("bash completes commands, options, files, and whom to kick; no name is "
      "ever run")
def _():
    names = ("joe", "$(touch${IFS}hacked)", "a;b`id`")
    server = Controlled()
    for name in names:
        server.add_user(name)
    with server, contextlib.ExitStack() as stack:
        subprocess.run([programs.find("bash"), "-n", COMPLETION], check=True)
        for name in names:
            client = stack.enter_context(Client(server))
            client.ok(f"AUTH PLAIN {plain(name)}")
        server.until(lambda all: all and all[-1]["user"], "all logged in")
        wrapper = server.path("posternctl")
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {program("posternctl")} "$@" '
                       f"--config {server.config_path}\n")
        os.chmod(wrapper, 0o755)
        equal(complete(server, wrapper, "st"), ["stats", "stop"], "st")
        equal(complete(server, wrapper, "who", "--j"), ["--json"], "--j")
        equal(complete(server, wrapper, "stop", "--n"), ["--now"], "--n")
        check("users" in complete(server, wrapper, "passwd", "--file", "us"),
              "no file is offered")
        equal(complete(server, wrapper, "kick", "jo"), ["joe"], "jo")
        equal(complete(server, wrapper, "kick", "127"), ["127.0.0.1"], "127")
        offered = complete(server, wrapper, "kick", "")
        equal(len(offered), 4, f"all sessions: {offered}")
        check(r"\$\(touch\$\{IFS\}hacked\)" in offered, f"{offered}")
        check(not os.path.exists(server.path("hacked")), "a name was run")


if __name__ == "__main__":
    run_cases(suite)
