#!/usr/bin/env python3
"""Behind real proxies: haproxy, and nginx with its mail module."""

import contextlib
import http.server
import os
import socket
import threading

from postern_testing import (LOST, Client, Server, Suite, certificates, check, equal,
                             matches, programs, run_cases)
from postern_testing.balancer import Front, HAProxy
from postern_testing.processes import wait_until
from postern_testing.proxied import LISTENERS
from postern_testing.tap import environment

suite = Suite()
case = suite.case

RECIPE = os.path.join(environment("top_srcdir", os.path.join(
    os.path.dirname(__file__), "..")), "contrib", "haproxy", "haproxy.cfg")
DEFAULTS = """
defaults
\tmode tcp
\ttimeout connect 5s
\ttimeout client 2m
\ttimeout server 2m
"""


def one_server(server_options, bind_options=""):
    """Return a configuration of haproxy for one Postern."""
    return (DEFAULTS + f"""
listen pop3
\tbind "${{POP3}}" {bind_options}
\toption tcp-check
\ttcp-check expect rstring ^\\+OK
\ttcp-check send QUIT\\r\\n
\ttcp-check expect rstring ^\\+OK
\tserver one "${{POSTERN}}" check inter 60s {server_options}
""")


@contextlib.contextmanager
def behind(options, bind_options="", listener="pop3", **sections):
    """Start a server with a user, and one haproxy in front of it."""
    with Server(LISTENERS, **sections) as server:
        server.add_user("joe")
        with HAProxy(server, ["pop3"], [one_server(options, bind_options)],
                     POSTERN=f"127.0.0.1:{server.port(listener)}") as front:
            yield server, front


def session(server, front, transport, source, **wanted):
    """Log in through 'front' and leave; the log has the client's address."""
    with Client(front, transport, source=source, listener="pop3") as client:
        client.login("joe")
        equal(client.count(), 3, "messages")
        client.retrieve(1)
        client.ok("QUIT")
        client.expect_end()
    server.wait_for_session(user="joe", ip=f"[{source}]", end="quit", **wanted)


def whole(options, transport, listener):
    """Return a case: sessions of two clients, and a health check."""
    def run():
        with behind(options, listener=listener) as (server, front):
            for source in ("127.0.0.7", "127.0.0.8"):
                session(server, front, transport, source, listener=listener)
            # Its own address is in the line of its own checks alone.
            server.wait_for_session(user="-", ip="[127.0.0.1]", end="quit")
            equal(front.states()["pop3", "one"], "UP", "the server")
    return run


for options in ("send-proxy", "send-proxy-v2"):
    for transport in ("plain", "stls"):
        suite.add(f"haproxy's {options}: sessions and checks over {transport}",
                  whole(options + " check-send-proxy", transport, "pop3"))
    suite.add(f"haproxy's {options}: TLS passes through it to us",
              whole(options + " check-send-proxy check-ssl verify none",
                    "tls", "pop3s"))


class Ending(HAProxy):
    """A haproxy where TLS ends."""

    def command(self):
        """Join certificate and key: haproxy wants one file."""
        with open(self.path("pair.pem"), "wb") as pair:
            for kind in ("cert", "key"):
                with open(self.server.path(f"main.{kind}.pem"), "rb") as file:
                    pair.write(file.read())
        self.variables["PAIR"] = self.path("pair.pem")
        # An authority's certificate that is a client's, too.
        certificates.make(self.path("client"), "joe")
        self.variables["CA"] = self.path("client.cert.pem")
        return super().command()


@contextlib.contextmanager
def ending(options, bind_options="", listener="pop3", **sections):
    """Start a server, and a haproxy in front of it where TLS ends."""
    bind = f'ssl crt "${{PAIR}}" {bind_options}'
    with Server(LISTENERS, auth={"cleartext": "tls-only"}, **sections) \
            as server:
        server.add_user("joe")
        with Ending(server, ["pop3"], [one_server(options, bind)],
                    POSTERN=f"127.0.0.1:{server.port(listener)}") as front:
            yield server, front


def begin_tls(front, source, context=None):
    """Return a client that has TLS with the proxy."""
    client = Client(front, greet=False, source=source, context=context)
    try:
        client.handshake()
        matches(rb"\+OK .*", client.line(), "the greeting")
    except BaseException:
        client.close()
        raise
    return client


@case("haproxy's send-proxy-v2-ssl: TLS that ends there counts as TLS")
def _():
    with ending("send-proxy-v2-ssl check-send-proxy") as (server, front):
        with begin_tls(front, "127.0.0.7") as client:
            client.ok("CAPA")
            capabilities = client.lines()
            check(b"USER" in capabilities, "no USER in CAPA")
            check(b"STLS" not in capabilities, "STLS in CAPA")
            client.login("joe")
            client.ok("QUIT")
        session = server.wait_for_session(user="joe", ip="[127.0.0.7]",
                                          end="quit")
        matches(r"TLSv1\.[23]", session["tls"], "tls of the session")


@case("haproxy's send-proxy-v2 tells of no TLS, and so there is none")
def _():
    with ending("send-proxy-v2 check-send-proxy") as (_server, front):
        with begin_tls(front, "127.0.0.7") as client:
            matches(rb"-ERR not without TLS.*", client.ask("USER joe"),
                    "reply to USER")


@case("haproxy's send-proxy-v2-ssl-cn with all of its options is understood")
def _():
    options = ("send-proxy-v2-ssl-cn check-send-proxy proxy-v2-options "
               "ssl,cert-cn,cert-key,cert-sig,ssl-cipher,authority,crc32c,"
               "unique-id")
    bind = 'alpn pop3 verify optional ca-file "${CA}"'
    with ending(options, bind) as (server, front):
        context = server.new_context()
        context.set_alpn_protocols(["pop3"])
        context.load_cert_chain(front.path("client.cert.pem"),
                                front.path("client.key.pem"))
        with begin_tls(front, "127.0.0.7", context) as client:
            client.login("joe")
            client.ok("QUIT")
        match = server.wait_for_log(r"session user=joe ip=\[127\.0\.0\.7\].* "
                                    r"cipher=(\S+) .*TLS ended at the proxy; "
                                    r"certificate of joe")
        check(match[1] != "-", "no cipher in the log")


@case("haproxy's TLS to us and from its client: nothing is bound or offered")
def _():
    options = ("send-proxy-v2-ssl check-send-proxy ssl verify none")
    with ending(options, listener="pop3s") as (server, front):
        with begin_tls(front, "127.0.0.7") as client:
            client.ok("CAPA")
            check(b"-PLUS" not in b"".join(client.lines()), "-PLUS in CAPA")
            client.login("joe")
            client.ok("QUIT")
        server.wait_for_session(user="joe", ip="[127.0.0.7]", end="quit")


def visit(front, transport, source):
    """Log in and leave; try again while no server is up on a slow machine."""
    def done():
        try:
            with Client(front, transport, source=source) as client:
                client.login("joe")
                client.ok("QUIT")
                client.expect_end()
                return True
        except LOST:
            return False
    wait_until(done, f"{source} was served over {transport}", 60)


@case("haproxy's health check takes out who does not greet, and back again")
def _():
    with Server(LISTENERS) as server:
        server.add_user("joe")
        with socket.create_server(("127.0.0.1", 0)) as mute, \
                HAProxy(server, ["pop3", "pop3s"], [RECIPE], **{
                    f"POSTERN_{number}_{listener.upper()}": f"127.0.0.1:{port}"
                    for listener in ("pop3", "pop3s")
                    for number, port in (
                        (1, server.port(listener)),
                        (2, mute.getsockname()[1]))}) as front:
            for backend in ("pop3", "pop3s"):
                front.wait_for_state(backend, "two", "DOWN")
                front.wait_for_state(backend, "one", "UP")
            for transport in ("plain", "stls", "tls"):
                for last in range(2, 8):
                    visit(front, transport, f"127.0.0.{last}")
            server.send_signal(19)  # SIGSTOP: it accepts, and is mute
            front.wait_for_state("pop3", "one", "DOWN")
            server.send_signal(18)
            front.wait_for_state("pop3", "one", "UP")
            visit(front, "plain", "127.0.0.7")


# nginx: it checks passwords itself, and logs in by them once more.

class Checker(http.server.BaseHTTPRequestHandler):
    """What nginx's auth_http asks: good passwords, and where to go."""

    def do_GET(self):
        """Answer in headers, as ngx_mail_auth_http_module wants it."""
        good = self.headers["Auth-Pass"] == "secret"
        self.send_response(200)
        self.send_header("Auth-Status", "OK" if good else "Invalid login")
        self.send_header("Auth-Server", "127.0.0.1")
        self.send_header("Auth-Port", str(self.server.port_of_postern))
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


class Nginx(Front):
    """An nginx with its mail module, in front of one Postern."""

    def command(self):
        """Write the configuration; the module is beside the program."""
        module = programs.library("nginx/modules/ngx_mail_module.so")
        config = self.write("nginx.conf", f"""
load_module {module};
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {self.path("pid")};
error_log {self.path("error.log")} notice;
events {{ worker_connections 64; }}
mail {{
    auth_http 127.0.0.1:{self.checker.server_port}/;
    proxy_protocol on;
    proxy_pass_error_message on;
    server {{
        listen 127.0.0.1:{self.port("pop3")};
        protocol pop3;
    }}
    server {{
        listen 127.0.0.1:{self.port("pop3s")} ssl;
        protocol pop3;
        ssl_certificate {self.server.path("main.cert.pem")};
        ssl_certificate_key {self.server.path("main.key.pem")};
    }}
}}
""")
        program = programs.find("nginx")
        return [program, "-p", self.directory.name, "-e",
                self.path("error.log"), "-c", config], {}

    def __enter__(self):
        self.checker = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                       Checker)
        self.checker.port_of_postern = self.server.port("pop3")
        self.thread = threading.Thread(target=self.checker.serve_forever)
        self.thread.start()
        try:
            return super().__enter__()
        except BaseException:
            self.end_checker()
            raise

    def end_checker(self):
        """End the stub."""
        self.checker.shutdown()
        self.checker.server_close()
        self.thread.join()

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self.end_checker()


@case("nginx's mail module: clients log in, and we know where from")
def _():
    with Server(LISTENERS) as server:
        server.add_user("joe")
        with Nginx(server, "pop3", "pop3s") as front:
            for transport in ("plain", "tls"):
                for source in ("127.0.0.7", "127.0.0.8"):
                    with Client(front, transport, source=source) as client:
                        client.login("joe")
                        equal(client.count(), 3, "messages")
                        client.retrieve(3)
                        client.ok("QUIT")
                    server.wait_for_session(user="joe", ip=f"[{source}]",
                                            end="quit")


@case("nginx's mail module: with proxy-tls = always, no cleartext is needed")
def _():
    lines = ("proxies = { 127.0.0.1 }", "proxy-tls = always")
    with Server({"pop3": ("none", "127.0.0.1", *lines)},
                auth={"cleartext": "tls-only"}) as server:
        server.add_user("joe")
        with Nginx(server, "pop3", "pop3s") as front:
            with Client(front, "tls", source="127.0.0.7") as client:
                client.login("joe")
                client.ok("QUIT")
            server.wait_for_session(user="joe", ip="[127.0.0.7]", end="quit")


@case("nginx's mail module: too many sessions are refused by client")
def _():
    with Server(LISTENERS, limits={"per-address": "1"}) as server:
        server.add_user("joe")
        server.add_user("ann")
        with Nginx(server, "pop3", "pop3s") as front:
            with Client(front, source="127.0.0.7") as first, \
                    Client(front, source="127.0.0.7") as second, \
                    Client(front, source="127.0.0.8") as third:
                first.login("joe")
                second.ok("USER ann")
                matches(rb"-ERR .*", second.ask("PASS secret"), "refusal")
                third.login("ann")
            server.wait_for_log(r"too many connections: ip=\[127\.0\.0\.7\]")


run_cases(suite)
