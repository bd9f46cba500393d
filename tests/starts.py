#!/usr/bin/env python3
"""Every way to start Postern: by itself, by inetd and its kin, by systemd.

Each way is tried with the real program, which listens on a port that was
free a moment ago and, should it be taken, on another one.
"""

import os
import pwd
import signal
import socket
import subprocess
import threading

from postern_testing import Client, Server, Suite, check, equal, programs
from postern_testing.ports import free_port, is_listening
from postern_testing.processes import wait_until
from postern_testing.server import program

TRIES = 5
LOUD = {"target": "stderr", "level": "debug"}


class Started(Server):
    """A server that another program starts, on ports we choose for it.

    'starter' makes the command line from this server and its listeners;
    'names' are the listeners that the other program opens.
    """

    def __init__(self, starter, *names):
        super().__init__(log=LOUD)
        self.starter, self.names = starter, names
        self.maildir = self.add_user("user", "three")

    def start(self):
        """Start the other program and wait until it listens."""
        for _ in range(TRIES):
            self.ready = {name: ("127.0.0.1", free_port())
                          for name in self.names}
            self.spawn(self.starter(self))
            if wait_until(self.outcome, "the other program listens or ends") \
                    == "listens":
                return
            self.reader.join()
        raise AssertionError(f"{self.starter.__name__} never listened")

    def spawn(self, command):
        """Start 'command' in a session of its own, its words in our log."""
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True, cwd="/",
            env=programs.environ(command[0]))
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def outcome(self):
        """Return "listens" or "ended" as soon as one of them is sure."""
        if self.process.poll() is not None:
            return "ended"
        listening = all(is_listening(self.port(name)) for name in self.names)
        return "listens" if listening else None

    def stop(self, _number=signal.SIGTERM, seconds=20):
        """End the other program by SIGTERM, which all of them obey."""
        return super().stop(signal.SIGTERM, seconds)

    def write(self, name, text):
        """Write a file for the other program and return its path."""
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)


def serve_inetd(server):
    """Return the command line of Postern for the connection on stdin."""
    return [program(), f"--inetd={server.names[0]}", "--config",
            server.config_path]


def account():
    """Return the name of the account that runs this test."""
    return pwd.getpwuid(os.geteuid()).pw_name


def xinetd(server):
    """Write a service for xinetd and return its command line."""
    command = serve_inetd(server)
    config = server.write("xinetd.conf", f"""
service postern
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    wait = no
    user = {account()}
    bind = 127.0.0.1
    port = {server.port(server.names[0])}
    server = {command[0]}
    server_args = {" ".join(command[1:])}
}}
""")
    return [programs.find("xinetd"), "-dontfork", "-f", config, "-pidfile",
            server.path("pid"), "-filelog", server.path("xinetd.log")]


def tcpserver(server):
    """Return the command line of tcpserver, of the package ucspi-tcp."""
    return [programs.find("tcpserver"), "-HRl0", "127.0.0.1",
            str(server.port(server.names[0])), *serve_inetd(server)]


def inetd_line(server):
    """Write a line for inetd and return the file's path."""
    command = serve_inetd(server)
    return server.write("inetd.conf", (
        f"127.0.0.1:{server.port(server.names[0])} stream tcp nowait "
        f"{account()} {command[0]} {' '.join(command)}\n"))


def inetd(server):
    """Return the command line of OpenBSD's inetd."""
    return [programs.find("inetd"), "-i", inetd_line(server)]


def inetutils_inetd(server):
    """Return the command line of GNU inetd."""
    return [programs.find("inetutils-inetd"), "--debug",
            f"--pidfile={server.path('pid')}", inetd_line(server)]


def socket_activate(server, *options):
    """Return the start of a systemd-socket-activate command line."""
    listeners = [f"--listen=127.0.0.1:{server.port(name)}"
                 for name in server.names]
    return [programs.find("systemd-socket-activate"), *listeners, *options]


def systemd_listeners(server):
    """Hand over listening sockets with their names, as Accept=no does."""
    return socket_activate(server, f"--fdname={':'.join(server.names)}",
                           program(), "--config", server.config_path)


def systemd_accept(server):
    """Hand over each connection on descriptor 3, as Accept=yes does."""
    return socket_activate(server, "--accept", program(), "--config",
                           server.config_path)


def systemd_inetd(server):
    """Hand over each connection on descriptors 0 to 2, as inetd does."""
    return socket_activate(server, "--accept", "--inetd",
                           *serve_inetd(server))


def s6_supervise(server):
    """Write a service directory, which s6 runs, and return its command."""
    folder = server.path("service")
    os.mkdir(folder)
    with open(os.path.join(folder, "run"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexec "
                   f"{program()} --config {server.config_path}\n")
    os.chmod(os.path.join(folder, "run"), 0o755)
    return [programs.find("s6-supervise"), folder]


class Supervised(Started):
    """A server that a supervisor starts, which opens its own listeners."""

    def start(self):
        """Start the supervisor and wait until the server is ready."""
        self.spawn(self.starter(self))
        self.ready = self.listening(self.wait_for_log(r"ready: (.*)"))


def supervised():
    """End the service: it comes again; end the supervisor: it does not."""
    with Supervised(s6_supervise) as server:
        with Client(server, listener="pop3") as client:
            client.login("user")
            client.ok("QUIT")
        start = len(server.log)
        svc = programs.find("s6-svc")
        subprocess.run([svc, "-t", server.path("service")], check=True,
                       env=programs.environ(svc), timeout=60)
        server.wait_for_log("stopping", start)
        server.ready = server.listening(
            server.wait_for_log(r"ready: (.*)", start))
        whole_session(server, "tls", "pop3s")
        equal(server.stop(), 0, "the exit status of the supervisor")
        wait_until(lambda: not is_listening(server.port("pop3")),
                   "nobody listens")


def the_same_line(starter, *names, listener=None):
    """Return a case: a session is logged as if we had started by ourselves."""
    def logged(server, listener):
        with Client(server, listener=listener) as client:
            client.login("user")
            client.ok("RETR 1")
            client.body()
            client.ok("QUIT")
            client.expect_end()
        line = server.wait_for_session(user="user")
        check(line.pop("seconds") is not None, "it has no time")
        return line

    def case():
        alone = Server()
        alone.add_user("user", "three")
        with alone, Started(starter, *names) as server:
            equal(logged(server, listener or names[0]),
                  logged(alone, listener or names[0]), "the line")
    return case


def whole_session(server, transport, listener):
    """Log in, read every message octet for octet, delete one, leave."""
    before = server.maildir.wires()
    with Client(server, transport, listener=listener) as client:
        client.login("user")
        equal(client.count(), len(before), "the number of messages")
        for number, message in enumerate(before, 1):
            lines = client_message(client, number)
            equal(lines, message, f"message {number}")
        client.ok("DELE 1")
        client.ok("QUIT")
        client.expect_end()
    equal(server.maildir.wires(), before[1:], "the mailbox after QUIT")


def client_message(client, number):
    """Return message 'number' as the client understands it."""
    client.ok(f"RETR {number}")
    return b"".join(line + b"\r\n" for line in client.lines())


def by(starter, transport, *names, listener=None):
    """Return a case: a whole session with what 'starter' starts."""
    def case():
        with Started(starter, *names) as server:
            whole_session(server, transport, listener or names[0])
    return case


def two_sessions_at_once(starter, *names):
    """Return a case: one maildrop can't be had twice, a second one can."""
    def case():
        server = Started(starter, *names)
        server.add_user("other", "three")
        with server, Client(server, listener=names[0]) as first, \
                Client(server, listener=names[0]) as second:
            first.login("user")
            second.ok("USER user")
            second.refused("PASS secret", "IN-USE")
            second.login("other")
            first.ok("QUIT")
            second.ok("QUIT")
    return case


class Pair(Server):
    """A Postern for one connection whose other end is ours."""

    def __init__(self, *arguments):
        super().__init__(log=LOUD)
        self.arguments = arguments
        self.maildir = self.add_user("user", "three")

    def start(self):
        """Connect a pair of sockets and start the program on one of them."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.ours = socket.create_connection(listener.getsockname(), 30)
            theirs = listener.accept()[0]
        with theirs:
            self.process = subprocess.Popen(
                [program(), "--config", self.config_path, *self.arguments],
                stdin=theirs, stdout=theirs, stderr=theirs,
                start_new_session=True, cwd="/")
        self.pid = self.process.pid
        self.reader = threading.Thread()
        self.reader.start()

    def talk(self, octets):
        """Send 'octets', once greeted; return all that comes to the end."""
        with self.ours:
            received = self.ours.recv(65536)
            self.ours.sendall(octets)
            while piece := self.ours.recv(65536):
                received += piece
        return received


def only_replies_reach_the_client():
    """Fail a login and end a session while everything is logged to stderr."""
    with Pair("--inetd") as server:
        said = server.talk(b"USER user\r\nPASS wrong\r\nUSER user\r\n"
                           b"PASS secret\r\nSTAT\r\nNONSENSE\r\nQUIT\r\n")
        server.process.wait(20)
    lines = said.split(b"\r\n")
    equal(lines[-1], b"", "what follows the last line")
    status = [line.split(b" ")[0] for line in lines[:-1]]
    equal(status, [b"+OK", b"+OK", b"-ERR", b"+OK", b"+OK", b"+OK", b"-ERR",
                   b"+OK"], f"the first words of {said!r}")


def no_complaint_reaches_the_client():
    """Start with a configuration that is wrong: the client sees no word."""
    with Pair("--inetd", "--config", "/nonexistent/postern.conf") as server:
        equal(server.talk(b""), b"", "what a refused start says to the client")
        check(server.process.wait(20) != 0, "a refused start exits with 0")


def exit_status_of_inetd():
    """A session that ends well ends the program well, with no child left."""
    with Pair("--inetd") as server:
        server.talk(b"USER user\r\nPASS secret\r\nQUIT\r\n")
        equal(server.process.wait(20), 0, "the exit status")
        server.none_left()


def inetd_chooses(listener, handshake):
    """Return a case: --inetd=LISTENER speaks as that listener does."""
    def case():
        with Pair(f"--inetd={listener}") as server:
            if not handshake:
                equal(server.talk(b"QUIT\r\n")[:4], b"+OK ", "the greeting")
                return
            with server.context.wrap_socket(
                    server.ours, server_hostname="localhost",
                    suppress_ragged_eofs=True) as stream:
                equal(stream.recv(4), b"+OK ", "the greeting")
                check(stream.version() in ("TLSv1.2", "TLSv1.3"), "no TLS")
    return case


def unknown_listener():
    """Name a listener that isn't configured: no greeting, but a failure."""
    with Pair("--inetd=imap") as server:
        equal(server.talk(b""), b"", "what is said on an unknown listener")
        check(server.process.wait(20) != 0, "an unknown listener is served")


class Misled(Started):
    """A server that inherits variables meant for another process."""

    def start(self):
        """Start the program with them and wait until it is ready."""
        self.spawn(["/usr/bin/env", "LISTEN_PID=1", "LISTEN_FDS=2",
                    "LISTEN_FDNAMES=pop3:pop3s", program(), "--config",
                    self.config_path])
        self.ready = self.listening(self.wait_for_log(r"ready: (.*)"))


def wrong_listen_pid():
    """A server that heeds LISTEN_PID opens its own listeners."""
    with Misled(None) as server:
        whole_session(server, "plain", "pop3")


def stand_alone(transport, listener):
    """Return a case: the program opens its listeners itself."""
    def case():
        server = Server()
        server.maildir = server.add_user("user", "three")
        with server:
            whole_session(server, transport, listener)
            equal(server.stop(), 0, "the exit status after SIGTERM")
    return case


def drained_after_sigterm():
    """End an activated server by SIGTERM while a session goes on."""
    with Started(systemd_listeners, "pop3") as server:
        with Client(server, listener="pop3") as client:
            client.login("user")
            server.send_signal(signal.SIGTERM)
            client.ok("NOOP")
            client.ok("QUIT")
        equal(server.process.wait(20), 0, "the exit status")


INETDS = {"xinetd": xinetd, "tcpserver": tcpserver, "OpenBSD inetd": inetd,
          "GNU inetd": inetutils_inetd,
          "systemd-socket-activate --inetd": systemd_inetd}


def add_cases(suite):
    """Add every way to start."""
    for transport, listener in (("plain", "pop3"), ("stls", "pop3"),
                                ("tls", "pop3s")):
        suite.add(f"stand-alone, a whole session passes over {transport}",
                  stand_alone(transport, listener))
        for name, starter in INETDS.items():
            suite.add(f"under {name}, a whole session passes over "
                      f"{transport}", by(starter, transport, listener))
    # The others leave no standard error that we could read.
    for starter in (tcpserver, systemd_inetd, systemd_accept,
                    systemd_listeners):
        suite.add(f"by {starter.__name__}, a session is logged like any other",
                  the_same_line(starter, "pop3"))
    suite.add("s6 starts it, and starts it again", supervised)
    for name, starter in (("xinetd", xinetd),
                          ("one systemd listener", systemd_listeners)):
        suite.add(f"under {name}, two sessions run side by side and exclude "
                  "each other from a maildrop",
                  two_sessions_at_once(starter, "pop3"))
    suite.add("one systemd listener named pop3 is served",
              by(systemd_listeners, "stls", "pop3"))
    suite.add("one systemd listener named pop3s is served",
              by(systemd_listeners, "tls", "pop3s"))
    for transport, listener in (("stls", "pop3"), ("tls", "pop3s")):
        suite.add("of two systemd listeners pop3:pop3s, the one named "
                  f"{listener} is served by its own rules",
                  by(systemd_listeners, transport, "pop3", "pop3s",
                     listener=listener))
        suite.add("of two systemd listeners pop3s:pop3, the one named "
                  f"{listener} is served by its own rules",
                  by(systemd_listeners, transport, "pop3s", "pop3",
                     listener=listener))
    suite.add("a connection that systemd accepted is served from "
              "descriptor 3", by(systemd_accept, "plain", "pop3"))
    suite.add("SIGTERM lets a session on a systemd listener end",
              drained_after_sigterm)
    suite.add("LISTEN_PID of another process is ignored", wrong_listen_pid)
    suite.add("with --inetd the client sees replies and no log line",
              only_replies_reach_the_client)
    suite.add("with --inetd the client sees no complaint about the "
              "configuration", no_complaint_reaches_the_client)
    suite.add("with --inetd the program ends with its session",
              exit_status_of_inetd)
    suite.add("--inetd=pop3 greets in cleartext",
              inetd_chooses("pop3", False))
    suite.add("--inetd=pop3s begins with a TLS handshake",
              inetd_chooses("pop3s", True))
    suite.add("--inetd=imap is refused", unknown_listener)


def main():
    """Run all cases."""
    suite = Suite()
    add_cases(suite)
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
