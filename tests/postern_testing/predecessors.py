"""The servers that people come from: real Dovecot and Courier, on stdio.

What runs is the part behind the login, so nothing has to be installed or set
up: as the mail user, with the connection as standard input and output.
"""

import glob
import os
import re
import socket
import subprocess
import threading

from . import programs
from .server import as_root
from .tap import Skip, check

TIMEOUT_S = 60
DOVECOT_CONF = """
mail_location = maildir:{maildir}
base_dir = {directory}/run
log_path = /dev/stderr
protocols = pop3
ssl = no
default_internal_user = mail
default_internal_group = mail
default_login_user = mail
pop3_uidl_format = {format}
"""


def find(*parts):
    """Return the path of a file of the unpacked tree or of the system."""
    for path in (programs.tree(*parts), os.path.join("/", *parts)):
        if os.path.exists(path):
            return path
    raise Skip(f"{parts[-1]} is not installed")


class Predecessor:
    """A server of one Maildir, which runs as 'uid' if we are root.

    'directory' is for its own files; it may be entered by that user.
    """

    def __init__(self, maildir, uid, directory):
        self.maildir = maildir
        self.directory = directory
        self.identity = ({"user": uid, "group": uid, "extra_groups": []}
                         if as_root() else {})

    def command(self):
        """Return the command that serves the Maildir on stdio."""
        raise NotImplementedError

    greeting = b""  # what PASS is answered, if the program does not

    def environ(self):
        """Return the environment of the program."""
        return programs.environ(
            self.command()[0], USER="user", HOME=self.directory,
            AUTHENTICATED="user", MAILDIR=self.maildir)

    def start(self, stdin, stdout):
        """Start the program on a connection."""
        return subprocess.Popen(
            self.command(), stdin=stdin, stdout=stdout,
            stderr=subprocess.PIPE, cwd=self.maildir, env=self.environ(),
            **self.identity)

    def talk(self, *lines):
        """Hold a session and return all that the program said."""
        process = self.start(subprocess.PIPE, subprocess.PIPE)
        octets = b"".join(line + b"\r\n" for line in lines)
        said, errors = process.communicate(octets, TIMEOUT_S)
        check(process.returncode == 0,
              f"{self.command()} failed: {errors.decode()}")
        check(b"Error" not in errors, errors)
        return self.greeting + said

    def listed(self):
        """Return the (unique-id, octets) that UIDL and LIST tell."""
        said = self.talk(b"UIDL", b"LIST", b"QUIT")
        replies = re.findall(rb"(?:^\d+ [^\r]+\r\n)*^\.\r\n", said, re.M)
        check(len(replies) == 2, f"two listings: {said}")
        uidls, sizes = ([line.split(b" ", 1)[1] for line in reply.splitlines()[:-1]]
                        for reply in replies)
        return [(uidl.decode(), int(size))
                for uidl, size in zip(uidls, sizes, strict=True)]


class Dovecot(Predecessor):
    """Dovecot 2.3."""

    name = "dovecot"
    source = "dovecot-uidlist"
    greeting = b"+OK Logged in.\r\n"

    def __init__(self, maildir, uid, directory, uidl_format="%08Xu%08Xv"):
        super().__init__(maildir, uid, directory)
        self.conf = os.path.join(directory, "dovecot.conf")
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(DOVECOT_CONF.format(maildir=maildir,
                                           directory=directory,
                                           format=uidl_format))
        os.chmod(self.conf, 0o644)

    def command(self):
        """Return the command, by way of the program that reads the file."""
        return [find("usr", "bin", "doveconf"), "-c", self.conf, "-m", "pop3",
                "-e", find("usr", "lib", "dovecot", "pop3")]

    def version(self):
        """Return the version."""
        return subprocess.run(
            [self.command()[0], "--version"], env=self.environ(), check=True,
            capture_output=True, text=True).stdout.split()[0]


class Courier(Predecessor):
    """Courier 1."""

    name = "courier"
    source = "courierpop3dsizelist"

    def command(self):
        """Return the command."""
        return [find("usr", "lib", "courier", "courier", "courierpop3d"),
                self.maildir]


class Front:
    """The login in front of a predecessor: any user, any password.

    Use it in a with statement; 'port' is on 127.0.0.1.
    """

    def __init__(self, predecessor):
        predecessor.command()  # skips the case if it is not there
        self.predecessor = predecessor
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.problems = []
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(TIMEOUT_S)
        self.listener.close()
        check(not self.problems, f"the old server: {self.problems}")

    def serve(self):
        """Serve connections until the listener is shut down."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(TIMEOUT_S)
                try:
                    self.session(connection)
                except (OSError, subprocess.TimeoutExpired) as error:
                    self.problems.append(error)

    def session(self, connection):
        """Let a client log in, then leave it to the program."""
        connection.sendall(b"+OK\r\n")
        while line := read_line(connection):
            verb = line.split()[0].upper()
            if verb == b"PASS":
                self.hand_over(connection)
                return
            connection.sendall(b"+OK\r\n" if verb in (b"USER", b"QUIT")
                               else b"-ERR\r\n")
            if verb == b"QUIT":
                return

    def hand_over(self, connection):
        """Run the program on the connection."""
        connection.settimeout(None)
        if self.predecessor.greeting:
            connection.sendall(self.predecessor.greeting)
        process = self.predecessor.start(connection, connection)
        _, errors = process.communicate(timeout=TIMEOUT_S)
        if process.returncode:
            self.problems.append(errors)


def read_line(connection):
    """Read a line and no octet more, which belongs to the program."""
    line = b""
    while not line.endswith(b"\n"):
        octet = connection.recv(1)
        if not octet:
            return b""
        line += octet
    return line


def own(root, uid):
    """Give a tree to 'uid', if we are root."""
    if not as_root():
        return
    for path in (root, *glob.glob(f"{glob.escape(root)}/**", recursive=True,
                                  include_hidden=True)):
        os.chown(path, uid, uid, follow_symlinks=False)
