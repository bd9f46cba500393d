#!/usr/bin/env python3
"""Clients behind a proxy: by headers of the PROXY protocol, good and bad."""

import socket
import ssl
import subprocess
import threading
import time

from postern_testing import (Client, Server, Suite, check, equal,
                             matches, run_cases)
from postern_testing import certificates
from postern_testing.processes import wait_until
from postern_testing.server import program
from postern_testing.proxied import (LISTENERS, LOCAL, PROXIES, SIGNATURE,
                                     Proxied, binary, field, line, tls_field)

suite = Suite()
case = suite.case

MOST_FAILURES = 12


def proxied_server(**sections):
    """Return a server whose listeners are for proxies, with one user."""
    server = Server(LISTENERS, **sections)
    server.add_user("joe")
    return server


# Headers, good ones.

GOOD = {
    "version 1": (line("192.0.2.7"), "192.0.2.7"),
    "version 1 of IPv6": (line("2001:db8::7"), "2001:db8::7"),
    "version 2": (binary("192.0.2.7"), "192.0.2.7"),
    "version 2 of IPv6": (binary("2001:db8::7"), "2001:db8::7"),
    "version 2 of a mapped IPv4": (binary("::ffff:192.0.2.7"), "192.0.2.7"),
    "version 2 with fields": (binary(
        "192.0.2.7", field(4, bytes(700)) + field(2, b"mail.example.net")
        + field(0xE1, b"anything")), "192.0.2.7"),
}


def good(header, address, transport):
    """Return a case: a session whose log line has the client's address."""
    def run():
        with proxied_server() as server:
            with Proxied(server, header, transport) as client:
                client.login("joe")
                equal(client.count(), 3, "messages")
                client.ok("QUIT")
                client.expect_end()
            server.wait_for_session(user="joe", ip=f"[{address}]", end="quit")
    return run


for name, (header, address) in GOOD.items():
    for transport in ("plain", "stls", "tls"):
        suite.add(f"behind {name}, a session passes over {transport}",
                  good(header, address, transport))


@case("a header that comes octet by octet is read")
def _():
    with proxied_server() as server:
        for header in (line("192.0.2.7"), binary("192.0.2.8")):
            with Client(server, greet=False) as client:
                for octet in header:
                    client.send(bytes([octet]))
                client.line()
                client.login("joe")
                client.ok("QUIT")
        for last in "78":
            server.wait_for_session(user="joe", ip=f"[192.0.2.{last}]")


@case("a ClientHello in the segment of the header is not swallowed")
def _():
    with proxied_server() as server:
        for header in (line("192.0.2.7"), binary("192.0.2.7")):
            with Client(server, greet=False, listener="pop3s") as client:
                begin_tls(client, header)
                client.login("joe")
                client.ok("QUIT")


def begin_tls(client, header):
    """Send 'header' and the first octets of TLS in one segment."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.context.wrap_bio(incoming, outgoing,
                                  server_hostname="localhost")
    plain, first = client.socket, [header]

    def step(function, *arguments):
        while True:
            try:
                result = function(*arguments)
            except ssl.SSLWantReadError:
                result = None
            plain.sendall(b"".join(first) + outgoing.read())
            first.clear()
            if result is not None:
                return result
            octets = plain.recv(65536)
            check(octets, "closed in the middle of TLS")
            incoming.write(octets)

    step(lambda: tls.do_handshake() or True)
    client.send = lambda octets: step(tls.write, octets)

    def receive():
        client.buffer += step(tls.read, 65536)
        return True
    client.receive = receive
    matches(rb"\+OK .*", client.line(), "the greeting")


@case("commands right behind the header are an early talker's, at its address")
def _():
    with proxied_server() as server:
        for header in (line("192.0.2.7"), binary("192.0.2.7")):
            with Client(server, greet=False) as client:
                client.send(header + b"CAPA\r\nQUIT\r\n")
                equal(client.line(), b"-ERR wait for the greeting first",
                      "reply")
                client.expect_end()
        server.wait_for_log(r"EARLY TALKER, ip=\[192\.0\.2\.7\], "
                            r"listener=pop3$")


@case("a trusted client may speak right behind the header")
def _():
    with proxied_server(auth={"trusted": "{ 192.0.2.0/24 }"}) as server:
        with Client(server, greet=False) as client:
            client.send(line("192.0.2.7") + b"CAPA\r\nQUIT\r\n")
            matches(rb"\+OK .*", client.line(), "greeting")
            client.line()
            client.lines()
            equal(client.line(), b"+OK bye", "reply to QUIT")


# Headers, bad ones.

BAD = {
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "a command": b"USER joe\r\n",
    "a ClientHello": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "a line without its CR": b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n",
    "a line of 108 octets": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "a port of 65536": b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n",
    "an endless line": b"PROXY UNKNOWN " + b"x" * 100000,
    "an unknown version": SIGNATURE + b"\x31\x11\0\0",
    "64 KiB of fields": SIGNATURE + b"\x21\x11\xff\xff" + bytes(65535),
    "a wrong checksum": binary("192.0.2.7", field(3, bytes(4))),
    "fields cut off": binary("192.0.2.7", b"\x20\0\x40\x01\0\0\0\0"),
    "another protocol's client": binary("192.0.2.7", field(1, b"imap")),
    "half a line": b"PROXY TCP4 192.0.2.7",
    "half a binary header": binary("192.0.2.7")[:20],
    "nothing": b"",
}


def bad(octets, listener):
    """Return a case: a header that is none ends the connection."""
    def run():
        with proxied_server() as server:
            with Client(server, greet=False, listener=listener) as client:
                try:
                    client.send(octets)
                    client.socket.shutdown(1)
                except OSError:
                    pass  # it was closed on us already
                client.expect_end()
            session = server.wait_for_session(end="no-proxy-header")
            equal((session["user"], session["ip"]), ("-", "[127.0.0.1]"),
                  "user and ip of the session")
            with Proxied(server, line("192.0.2.7")) as client:
                client.login("joe")
    return run


for name, octets in BAD.items():
    for listener in ("pop3", "pop3s"):
        suite.add(f"{name} in place of a header is refused by {listener}",
                  bad(octets, listener))


@case("a header that does not come in time ends the connection")
def _():
    with proxied_server(limits={"tls-timeout": "1s"}) as server:
        for octets in (b"", b"PROXY TCP4 192.0.2.7", LOCAL[:13]):
            with Client(server, greet=False) as client:
                client.send(octets)
                client.expect_end()
        server.wait_for_log("end=no-proxy-header it did not come in time")


@case("a client that is gone behind its header costs nothing")
def _():
    with proxied_server() as server:
        for header in (line("192.0.2.7"), binary("192.0.2.7"), LOCAL):
            with Client(server, greet=False) as client:
                client.send(header)
                client.abort()
        with Proxied(server, line("192.0.2.8")) as client:
            client.login("joe")


# From where.

@case("who is no proxy of the listener is closed at once, and logged")
def _():
    with proxied_server() as server:
        for listener in ("pop3", "pop3s"):
            with Client(server, greet=False, source="127.0.0.2",
                        listener=listener) as client:
                try:
                    client.send(line("192.0.2.7"))
                except OSError:
                    pass
                client.expect_end()
        server.wait_for_log(r"not one of the listener's proxies: "
                            r"ip=\[127\.0\.0\.2\], listener=pop3 ")
        equal(server.sessions(), [], "sessions")


@case("a listener without proxies never looks for a header")
def _():
    listeners = LISTENERS | {"open": ("starttls", "127.0.0.1")}
    with Server(listeners) as server:
        server.add_user("joe")
        with Client(server, listener="open") as client:
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_session(user="joe", ip="[127.0.0.1]",
                                listener="open")
        with Client(server, listener="open", greet=True) as client:
            reply = client.ask(line("192.0.2.7").rstrip())
            matches(rb"-ERR .*", reply, "reply to a header")


@case("a reload takes a listener's proxies, and gives them back")
def _():
    with Server({"pop3": ("starttls", "127.0.0.1")}) as server:
        server.add_user("joe")
        server.listeners["pop3"] += (PROXIES,)
        server.write_config()
        check(server.reload(), "the reload was refused")
        with Proxied(server, line("192.0.2.7")) as client:
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_session(user="joe", ip="[192.0.2.7]")
        server.listeners["pop3"] = server.listeners["pop3"][:2]
        server.write_config()
        check(server.reload(), "the reload was refused")
        Client(server).close()


@case("a reload between connection and header costs the client nothing")
def _():
    with proxied_server(auth={"cleartext": "tls-only"}) as server:
        with Client(server, greet=False) as client:
            client.send(b"PROXY ")
            # A policy that its worker has never heard of.
            server.write_config(**{'policy "lan"': {
                "match": "{ 192.0.2.0/24 }", "cleartext": "always"}})
            wait_until(lambda: is_taken(server), "a worker has it")
            check(server.reload(), "the reload was refused")
            client.send(line("192.0.2.7")[6:])
            matches(rb"\+OK .*", client.line(), "the greeting")
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_session(user="joe", ip="[192.0.2.7]", end="quit")


def is_taken(server):
    """Tell whether a second worker waits, as the first one has a client."""
    return len(server.processes("postern-worker")) == 2


# Judged by the client's address.

@case("sessions are limited by the client's address, not by the proxy's")
def _():
    with proxied_server(limits={"per-address": "2"}) as server:
        first, second = (Proxied(server, line("192.0.2.7")) for _ in "12")
        others = [Proxied(server, binary(f"192.0.2.{last}"))
                  for last in range(8, 12)]
        with Proxied(server, line("192.0.2.7"), greet=False) as third:
            matches(rb"-ERR \[SYS/TEMP\] too many connections.*",
                    third.line(), "refusal")
            third.expect_end()
        server.wait_for_log(r"too many connections: ip=\[192\.0\.2\.7\], "
                            r"listener=pop3 ")
        first.ok("QUIT")
        first.expect_end()
        server.wait_for_session(ip="[192.0.2.7]")
        with Proxied(server, binary("192.0.2.7")) as again:
            again.login("joe")
            again.ok("QUIT")
        for client in (second, *others):
            client.ok("QUIT")


@case("a refusal is no session, and over TLS it is the end")
def _():
    with proxied_server(limits={"per-address": "1"}) as server:
        with Proxied(server, line("192.0.2.7"), "tls"):
            with Proxied(server, line("192.0.2.7"), greet=False) as second:
                second.line()
                second.expect_end()
            with Client(server, greet=False, listener="pop3s") as third:
                third.send(line("192.0.2.7"))
                third.expect_end()
            equal(server.sessions(), [], "sessions")


def guess(server, source, count):
    """Try wrong passwords; return how many were checked."""
    for number in range(count):
        with Proxied(server, line(source)) as client:
            client.ok("USER joe")
            if client.ask(f"PASS wrong{number}").startswith(
                    b"-ERR [SYS/TEMP]"):
                return number
    return count


@case("who guesses behind the proxy is refused, and nobody else is")
def _():
    with proxied_server(auth={"failure-delay": "1ms"}) as server:
        count = guess(server, "192.0.2.7", MOST_FAILURES + 3)
        check(MOST_FAILURES <= count <= MOST_FAILURES + 2, f"{count} guesses")
        server.wait_for_log(r"LOGIN FAILED, user=joe, ip=\[192\.0\.2\.7\], "
                            r"listener=pop3$")
        server.wait_for_log(r"LOGIN REFUSED, too many failures, "
                            r"ip=\[192\.0\.2\.7\], listener=pop3$")
        with Proxied(server, line("192.0.2.8")) as client:
            client.login("joe")


@case("the wait for a wrong password grows by the client's address")
def _():
    with proxied_server(auth={"failure-delay": "300ms"}) as server:
        # By another user's name: names have waits, too.
        for user in ("ann", "bob", "eve"):
            with Proxied(server, line("192.0.2.7")) as client:
                client.ok(f"USER {user}")
                client.refused("PASS wrong", "AUTH")
        start = time.monotonic()
        with Proxied(server, line("192.0.2.7")) as client:
            client.ok("USER tom")
            client.refused("PASS wrong", "AUTH")
        waited = time.monotonic() - start
        check(waited >= 0.3 * 8, f"the fourth failure waited {waited} s")


@case("a policy is that of the client's network")
def _():
    with proxied_server(
            auth={"cleartext": "tls-only"},
            **{'policy "lan"': {"match": "{ 192.0.2.0/24 }",
                                "cleartext": "always"},
               'policy "proxies"': {"match": "{ 127.0.0.1 }",
                                    "cleartext": "always"}}) as server:
        with Proxied(server, line("192.0.2.7")) as client:
            client.login("joe")
        for header in (line("198.51.100.7"), binary("2001:db8::7")):
            with Proxied(server, header) as client:
                matches(rb"-ERR not without TLS.*", client.ask("USER joe"),
                        "USER in clear")


@case("a trusted network is that of the client, and a proxy in one is nobody's")
def _():
    with proxied_server(auth={"trusted": "{ 127.0.0.1, 192.0.2.7 }"},
                        limits={"per-address": "1"}) as server:
        with Proxied(server, line("192.0.2.7")), \
                Proxied(server, line("192.0.2.7")), \
                Proxied(server, line("192.0.2.8")):
            with Proxied(server, line("192.0.2.8"), greet=False) as client:
                matches(rb"-ERR .*", client.line(), "refusal")


@case("users bound to networks are judged by the client's address")
def _():
    with Server(LISTENERS) as server:
        server.add_user("joe", extra="allow_nets=192.0.2.0/24")
        with Proxied(server, line("192.0.2.7")) as client:
            client.login("joe")
        with Proxied(server, line("198.51.100.7")) as client:
            client.ok("USER joe")
            client.refused("PASS secret", "AUTH")


@case("the other session of a maildrop is told by the client's address")
def _():
    with proxied_server() as server:
        with Proxied(server, line("192.0.2.7")) as first:
            first.login("joe")
            with Proxied(server, binary("192.0.2.8")) as second:
                second.ok("USER joe")
                reply = second.refused("PASS secret", "IN-USE")
                matches(rb".* from 192\.0\.2\.7", reply, "the reply")


@case("a program that checks passwords is told both ends of the client")
def _():
    class Programs(Server):
        """A server with a program that writes down what it is told."""

        def backend_lines(self):
            yield ('\tbackend "program" { type = program  command = { '
                   f'"/bin/sh", "{self.path("check")}" }} }}')

        def prepare(self):
            super().prepare()
            with open(self.path("check"), "w", encoding="ascii") as file:
                file.write("env >" + self.path("told.new") + " && mv "
                           + self.path("told.new") + " "
                           + self.path("told") + "\nexit 1\n")

    with Programs(LISTENERS) as server:
        with Proxied(server, line("192.0.2.7", port=4711)) as client:
            client.ok("USER joe")
            client.refused("PASS wrong", "AUTH")
        with open(server.path("told"), encoding="utf-8") as file:
            told = set(file.read().split("\n"))
        check("TCPREMOTEIP=192.0.2.7" in told, f"it was told {told}")


# TLS that ends at the proxy.

@case("TLS that ended at the proxy is as good as our own, and STLS is over")
def _():
    with proxied_server(auth={"cleartext": "tls-only"}) as server:
        with Proxied(server, binary("192.0.2.7", tls_field())) as client:
            client.ok("CAPA")
            capabilities = client.lines()
            check(b"USER" in capabilities, "no USER in CAPA")
            check(b"STLS" not in capabilities, "STLS in CAPA")
            check(not any(b"-PLUS" in each or b"EXTERNAL" in each
                          for each in capabilities), f"{capabilities}")
            matches(rb"-ERR TLS is active already", client.ask("STLS"),
                    "reply to STLS")
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_session(user="joe", tls="TLSv1.3", end="quit")
        server.wait_for_log(r" end=quit TLS ended at the proxy$")
        with Proxied(server, binary("192.0.2.7", tls_field(flags=0))) \
                as client:
            client.refused("USER joe")
            client.ok("CAPA")
            check(b"STLS" in client.lines(), "no STLS in CAPA")


@case("proxy-tls = always: clients have TLS whatever the header says")
def _():
    always = PROXIES + "  proxy-tls = always"
    with Server({"pop3": ("starttls", "127.0.0.1", always)},
                auth={"cleartext": "tls-only"}) as server:
        server.add_user("joe")
        with Proxied(server, line("192.0.2.7")) as client:
            client.ok("CAPA")
            check(b"STLS" not in client.lines(), "STLS in CAPA")
            client.login("joe")
        with Proxied(server, LOCAL) as client:
            client.refused("USER joe")


@case("old TLS between client and proxy is logged as a warning")
def _():
    with proxied_server(auth={"cleartext": "tls-only"}) as server:
        with Proxied(server, binary("192.0.2.7", tls_field(b"TLSv1"))) \
                as client:
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_log(r"session user=joe .* tls=TLSv1 .* legacy-tls")


@case("a certificate that the proxy has verified is logged, forging no field")
def _():
    with proxied_server() as server:
        header = binary("192.0.2.7",
                        tls_field(name=b"joe, ip=[6.6.6.6]\r\nx"))
        with Proxied(server, header) as client:
            client.ok("QUIT")
        server.wait_for_log(r" end=quit TLS ended at the proxy; certificate "
                            r"of joe\?\?ip\?\?6\.6\.6\.6\?\?\?x$")


@case("TLS from the proxy to us binds no channel of a client whose TLS ended")
def _():
    with proxied_server() as server:
        with Proxied(server, binary("192.0.2.7", tls_field()), "tls") \
                as client:
            client.ok("CAPA")
            check(b"-PLUS" not in b"".join(client.lines()), "-PLUS in CAPA")
            client.login("joe")
        with Proxied(server, binary("192.0.2.7"), "tls") as client:
            client.login("joe")


# The proxy for itself.

PROXY_ITSELF = {
    "LOCAL": LOCAL, "UNKNOWN": b"PROXY UNKNOWN\r\n",
    "UNKNOWN with more": b"PROXY UNKNOWN 192.0.2.7 192.0.2.1 1 2\r\n",
    "a Unix socket": SIGNATURE + b"\x21\x31\0\xd8" + bytes(216),
    "no family": SIGNATURE + b"\x21\0\0\0",
}


@case("no proxy's TLS stands in for a certificate that clients must have")
def _():
    server = proxied_server()
    authority = certificates.Authority(server.directory)
    server.listeners = {
        "pop3": (*LISTENERS["pop3"], "tls-options {",
                 f'client-ca = "{server.path("ca.cert.pem")}"',
                 "client-certificate = required }")}
    with server:
        authority.make(server.path("ann"), "ann", "tls_www_client",
                       "signing_key")
        with Proxied(server, binary("192.0.2.7", tls_field()),
                     greet=False) as client:
            client.expect_end()
        server.wait_for_session(end="no-proxy-header")
        server.context.load_cert_chain(server.path("ann.cert.pem"),
                                       server.path("ann.key.pem"))
        with Proxied(server, binary("192.0.2.7"), "stls") as client:
            client.login("joe")
            client.ok("QUIT")


def itself(header):
    """Return a case: a health check may greet and quit, and nothing else."""
    def run():
        with proxied_server(limits={"per-address": "1"},
                            auth={"failure-delay": "20s"}) as server:
            clients = [Proxied(server, header) for _ in range(3)]
            for client in clients:
                matches(rb"-ERR passwords are not taken here",
                        client.ask("USER joe"), "reply to USER")
                matches(rb"-ERR .*", client.ask("AUTH PLAIN AGpvZQBzZWNyZXQ="),
                        "reply to AUTH")
                client.ok("CAPA")
                check(b"USER" not in client.lines(), "USER in CAPA")
                client.ok("QUIT")
                client.expect_end()
            server.wait_for_session(ip="[127.0.0.1]", end="quit")
            # At once behind it, as tcp-check may have it.
            with Client(server, greet=False) as client:
                client.send(header + b"QUIT\r\n")
                matches(rb"\+OK .*", client.line(), "greeting")
                equal(client.line(), b"+OK bye", "reply to QUIT")
                client.expect_end()
    return run


for name, header in PROXY_ITSELF.items():
    suite.add(f"{name} is greeted, is counted nowhere, and logs nobody in",
              itself(header))


@case("health checks are logged for those who debug only")
def _():
    with proxied_server(log={"level": "info"}) as server:
        with Proxied(server, LOCAL) as client:
            client.ok("QUIT")
            client.expect_end()
        with Proxied(server, line("192.0.2.7")) as client:
            client.ok("QUIT")
            client.expect_end()
        server.wait_for_session(ip="[192.0.2.7]")
        equal(len(server.sessions()), 1, "sessions in the log")


# One connection only.

class Single(Server):
    """A Postern for one connection, as systemd's Accept=yes has it."""

    def start(self):
        """Connect, and start the program with the other end."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.ours = socket.create_connection(listener.getsockname(), 30)
            theirs = listener.accept()[0]
        with theirs:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", "exec 3<&0 </dev/null; "
                 'LISTEN_FDS=1 LISTEN_FDNAMES=pop3 LISTEN_PID=$$ exec "$@"',
                 "sh", program(), "--config", self.config_path],
                stdin=theirs, stderr=subprocess.PIPE,
                start_new_session=True, cwd="/")
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def talk(self, *pieces):
        """Send each piece once something has come; return all that came."""
        received = b""
        with self.ours:
            for piece in pieces:
                self.ours.sendall(piece)
                received += self.ours.recv(65536)
            while piece := self.ours.recv(65536):
                received += piece
        return received


@case("a server for one connection reads a header, if its section says so")
def _():
    for header, address in GOOD.values():
        with Single(LISTENERS) as server:
            server.add_user("joe")
            said = server.talk(header, b"USER joe\r\nPASS secret\r\n"
                               b"QUIT\r\n")
            equal([line[:3] for line in said.split(b"\r\n")],
                  [b"+OK"] * 4 + [b""], "the replies")
            server.wait_for_session(user="joe", ip=f"[{address}]", end="quit")


@case("a server for one connection closes it if it is of no proxy")
def _():
    listeners = {"pop3": ("starttls", "127.0.0.1",
                          "proxies = { 192.0.2.1 }")}
    with Single(listeners) as server:
        try:
            equal(server.talk(), b"", "what was said")
        except ConnectionResetError:
            pass
        server.wait_for_log("not one of the listener's proxies")


run_cases(suite)
