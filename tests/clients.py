#!/usr/bin/env python3
"""Mail clients of the real world download what a real MTA delivered.

Exim delivers; curl, mpop, fetchmail, getmail and Python's poplib download
over STLS and over implicit TLS, verify the certificate against our own
authority, and must end up with every octet.  The clients that store mail as
Unix text turn CRLF into LF, and getmail quotes a line that begins with From
and a blank; no other difference is accepted.  fetchmail 6.4 damages lines of
more than 8 KiB, whatever the server, so it gets none of them.
"""

import os
import poplib
import shutil
import socket
import ssl
import subprocess

from postern_testing import Maildir, Server, Skip, Suite, as_root, check
from postern_testing import equal, mail_uid, programs
from postern_testing.delivery import Exim
from postern_testing.lmtp import Lmtp
from postern_testing.processes import wait_until

HEADER = b"From: Ann <ann@localhost>\nTo: user@localhost\nSubject: "
MESSAGES = [
    ("user", HEADER + b"plain\n\nHello,\n\nthis is all.\n"),
    ("user", HEADER + b"dots\n\n.\n..\n.leading\n...three\nend.\n.\n"),
    ("crlf", HEADER + b"CRLF on disk\n\n.one\n\ntwo\n.\n"),
    ("user", HEADER + "8 bit\n\nGr\u00fc\u00dfe, \u20ac 5\n".encode()
     + bytes(range(0xA0, 0x100)) + b"\n"),
    ("user", HEADER + b"long lines\n\n" + b"x" * 5000 + b"\n."
     + b"y" * 7000 + b"\n"),
    ("user", HEADER + b"longer lines\n\n" + b"x" * 9000 + b"\n."
     + b"y" * 200000 + b"\n"),
    ("user", HEADER + b"no body\n"),
    ("user", HEADER + b"empty body\n\n"),
    ("user", HEADER + b"From in the body\n\nFrom me\n>From you\n\nFrom\n"),
    ("user", HEADER + b"blank lines at the end\n\nbody\n\n\n\n"),
    ("user", HEADER + b"folded\n header line\nX-Long: " + b"z" * 60
     + b"\n\nbody without a final newline"),
    ("crlf", HEADER + b"half a megabyte\n\n"
     + b".0123456789abcdef0123456789abcdef\n" * 15000),
]
PASSWORD = "secret"
TRANSPORTS = {"STLS": "pop3", "implicit TLS": "pop3s"}


class VerifiedServer(Server):
    """A server whose certificate was signed by an authority of our own."""

    def make_certificate(self, stem, *names):
        """Make an authority and a certificate that it signs."""
        self.authority = self.path("ca.pem")
        self.certtool("--generate-privkey", "--key-type", "ecdsa",
                      "--outfile", self.path("ca.key"))
        self.certtool("--generate-self-signed",
                      "--load-privkey", self.path("ca.key"),
                      "--template", self.template("ca", "cn = Test CA", "ca",
                                                  "cert_signing_key"),
                      "--outfile", self.authority)
        key = self.path(f"{stem}.key.pem")
        self.certtool("--generate-privkey", "--key-type", "ecdsa",
                      "--outfile", key)
        self.certtool("--generate-certificate", "--load-privkey", key,
                      "--load-ca-certificate", self.authority,
                      "--load-ca-privkey", self.path("ca.key"),
                      "--template", self.template(
                          stem, "cn = localhost", "signing_key",
                          "tls_www_server", "dns_name = localhost"),
                      "--outfile", self.path(f"{stem}.cert.pem"))
        self.context = ssl.create_default_context(cafile=self.authority)

    def template(self, name, *lines):
        """Write a template of certtool and return its path."""
        path = self.path(f"{name}.template")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{line}\n"
                            for line in (*lines, "expiration_days = 2"))
        return path

    @staticmethod
    def certtool(*arguments):
        """Run certtool, which must succeed."""
        subprocess.run([programs.find("certtool"), *arguments], check=True,
                       capture_output=True, stdin=subprocess.DEVNULL)


class Account:
    """A user whose Maildir is a copy of what Exim delivered."""

    def __init__(self, server, name, delivered, client):
        self.server, self.user, self.client = server, name, client
        self.maildir = server.add_user(name, "missing")
        shutil.copytree(delivered.root, self.maildir.root,
                        ignore=too_long if client is fetchmail else None)
        for place, folders, files in os.walk(self.maildir.root):
            for entry in (".", *folders, *files):
                self.maildir.own(os.path.join(place, entry))
        self.home = server.path(f"client-{name}")
        os.mkdir(self.home, 0o700)
        for folder in ("", "got", "got/cur", "got/new", "got/tmp"):
            os.makedirs(self.path(folder), 0o700, exist_ok=True)
            if as_root():
                os.chown(self.path(folder), programs.NOBODY, programs.NOBODY)

    def path(self, *parts):
        """Return a path in the client's home directory."""
        return os.path.join(self.home, *parts)

    def write(self, name, text):
        """Write a configuration file of the client and return its path."""
        path = self.path(name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o600)
        if as_root():
            os.chown(path, programs.NOBODY, programs.NOBODY)
        return path

    def run(self, program, *arguments, wanted=(0,)):
        """Run the client in its home directory."""
        return programs.run_as(
            programs.client_user(), programs.find(program), *arguments,
            wanted=wanted, HOME=self.home, FETCHMAILHOME=self.home)

    def got(self):
        """Return the messages that the client stored, sorted."""
        return sorted(
            read(os.path.join(place, name))
            for place, _, names in os.walk(self.path("got"))
            for name in names)

    def expect_all_got(self):
        """Compare what the client stored with what was delivered."""
        wanted = sorted(map(STORES[self.client], self.before))
        got = self.got()
        equal(len(got), len(wanted), "how many messages the client stored")
        for ours, theirs in zip(got, wanted):
            place = len(os.path.commonprefix([ours, theirs]))
            place = max(0, place - 60)
            equal(ours[place:], theirs[place:],
                  f"what the client stored, from octet {place}")

    def remember(self):
        """Remember the mailbox as POP3 has to send it."""
        self.before = self.maildir.wires()

    def retrieved(self):
        """
        Return how many messages each finished session retrieved.

        fetchmail leaves mail on the server by TOP with very many lines.
        """
        return [int(session["retr"]) + int(session["top"])
                for session in self.server.sessions()
                if session["user"] == self.user]


def read(path):
    """Return the octets of a file."""
    with open(path, "rb") as file:
        return file.read()


def curl(account, listener):
    """Download by curl, which stores what was sent."""
    scheme = "pop3s" if listener == "pop3s" else "pop3"
    port = account.server.port(listener)
    account.run(
        "curl", "--silent", "--show-error", "--ssl-reqd", "--max-time", "30",
        "--cacert", account.server.authority, "--user",
        f"{account.user}:{PASSWORD}", "--resolve",
        f"localhost:{port}:127.0.0.1",
        f"{scheme}://localhost:{port}/[1-{len(MESSAGES)}]",
        "--output", account.path("got", "#1"))


def mpop(account, listener, keep=True):
    """Download by mpop into a Maildir."""
    config = account.write("mpoprc", f"""
account test
host localhost
port {account.server.port(listener)}
user {account.user}
password {PASSWORD}
tls on
tls_starttls {"off" if listener == "pop3s" else "on"}
tls_trust_file {account.server.authority}
received_header off
keep {"on" if keep else "off"}
uidls_file {account.path("uidls")}
delivery maildir {account.path("got")}
""")
    account.run("mpop", "--file", config, "test")


def fetchmail(account, listener, keep=True):
    """Download by fetchmail into files, by way of a delivery program."""
    script = account.write("mda", f"#!/bin/sh\nf=$(mktemp {account.path('got')}"
                           "/XXXXXXXX) && exec cat >\"$f\"\n")
    port = account.server.port(listener)
    config = account.write("fetchmailrc", f"""
set invisible
set idfile "{account.path("ids")}"
poll localhost service "{port}" protocol pop3 uidl
  username "{account.user}" password "{PASSWORD}" is nobody here
  {"ssl" if listener == "pop3s" else "sslproto TLS1.2+"}
  sslcertfile "{account.server.authority}" sslcertck
  no rewrite pass8bits {"keep" if keep else "nokeep"}
  mda "/bin/sh {script}"
""")
    account.run("fetchmail", "--fetchmailrc", config, "--pidfile",
                account.path("pid"), "--nosyslog", wanted=(0, 1))


def getmail(account, listener, keep=True):
    """Download by getmail, which hands the mail to an LMTP server.

    Its other destinations fork, and then may miss the end of their child.
    """
    if listener != "pop3s":
        raise Skip("getmail knows no STLS")
    with Lmtp(account.path("got")) as lmtp:
        config = account.write("getmailrc", f"""
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {account.server.port(listener)}
username = {account.user}
password = {PASSWORD}
ca_certs = {account.server.authority}
ssl_cert_hostname = localhost
[destination]
type = MDA_lmtp
host = 127.0.0.1
port = {lmtp.port}
override = user@localhost
[options]
read_all = false
delete = {"false" if keep else "true"}
delivered_to = false
received = false
verbose = 0
""")
        account.run("getmail", "--getmaildir", account.home, "--rcfile",
                    config)


def python(account, listener):
    """Download by poplib, which returns lines without their ends."""
    server = account.server
    if listener == "pop3s":
        session = poplib.POP3_SSL("localhost", server.port(listener),
                                  timeout=30, context=server.context)
    else:
        session = poplib.POP3("localhost", server.port(listener), timeout=30)
        session.stls(server.context)
    session.user(account.user)
    session.pass_(PASSWORD)
    for number in range(1, session.stat()[0] + 1):
        lines = session.retr(number)[1]
        with open(account.path("got", str(number)), "wb") as file:
            file.writelines(line + b"\r\n" for line in lines)
    session.quit()


def as_text(octets):
    """Turn the line ends of the network into those of Unix."""
    return octets.replace(b"\r\n", b"\n")


def as_lmtp(octets):
    """Do what Python's e-mail generator does, by which getmail delivers."""
    return as_text(octets).replace(b"\nFrom ", b"\n>From ")


# The clients, and what each makes of a message.
STORES = {curl: bytes, mpop: as_text, fetchmail: as_text, getmail: as_lmtp,
          python: bytes}


def too_long(folder, names):
    """Return which of 'names' are messages with lines above 8 KiB."""
    paths = [os.path.join(folder, name) for name in names]
    return [os.path.basename(path) for path in paths if os.path.isfile(path)
            and max(map(len, read(path).split(b"\n"))) > 8000]


def download(account, client, listener):
    """Run a client once and compare what it stored."""
    account.remember()
    client(account, listener)
    account.expect_all_got()
    equal(account.maildir.wires(), account.before,
          "the mailbox after the download")


def download_twice(account, client):
    """Leave mail on the server: the second run has nothing to fetch."""
    account.remember()
    for runs in (1, 2):
        client(account, "pop3s")
        account.expect_all_got()
        wait_until(lambda: len(account.retrieved()) >= runs,
                   "the session is in the log")
    equal(account.retrieved(), [len(account.before), 0],
          "the messages that each run retrieved")


def download_and_delete(account, client):
    """Take the mail away: it is with the client, and nowhere else."""
    account.remember()
    client(account, "pop3s", keep=False)
    account.expect_all_got()
    equal(account.maildir.messages(), [], "the mailbox after the download")


def distrust(account, client):
    """Give the client another authority: it must not even log in."""
    account.remember()
    other = account.server.path("other.pem")
    right, account.server = account.server, Other(account.server, other)
    try:
        client(account, "pop3s")
    except AssertionError:
        pass
    finally:
        account.server = right
    equal(account.got(), [], "the messages of a server without trust")


class Other:
    """A server seen by somebody who trusts another authority."""

    def __init__(self, server, authority):
        self.server, self.authority = server, authority

    def __getattr__(self, name):
        return getattr(self.server, name)


def expect_localhost():
    """Skip where the name in the certificate leads nowhere."""
    try:
        socket.create_connection(("localhost", 9), 1).close()
    except socket.gaierror as error:
        raise Skip(f"localhost: {error}") from error
    except OSError:
        pass


def deliver(server):
    """Let Exim deliver all messages; return the Maildir."""
    top = server.path("delivered")
    os.mkdir(top, 0o711)
    maildir = Maildir(os.path.join(top, "Maildir"), mail_uid(), "empty")
    exim = Exim(server.path("exim"), maildir.root)
    for recipient, message in MESSAGES:
        exim.send(message, recipient)
    check(len(maildir.messages()) == len(MESSAGES),
          f"Exim delivered {len(maildir.messages())} of {len(MESSAGES)}")
    return maildir


class Cases:
    """Cases that share a server, which starts with the first of them."""

    def __init__(self, suite):
        self.suite = suite
        self.server = VerifiedServer(limits={"per-address": "0"})
        self.problem = None
        self.delivered = None
        self.accounts = {}

    def start(self):
        """Deliver the mail and start the server."""
        try:
            expect_localhost()
            self.delivered = deliver(self.server)
        except Skip as reason:
            self.problem = reason
            return
        self.server.__enter__()
        self.server.certtool(
            "--generate-self-signed", "--load-privkey",
            self.server.path("ca.key"), "--template",
            self.server.template("other", "cn = Other CA", "ca",
                                 "serial = 7"),
            "--outfile", self.server.path("other.pem"))

    def add(self, sentence, function, client, *arguments):
        """Add a case with an account of its own."""
        user = f"user{len(self.suite.cases)}"

        def run():
            if self.problem:
                raise self.problem
            programs.find(client.__name__.replace("python", "python3"))
            try:
                function(self.accounts[user], client, *arguments)
            except AssertionError as error:
                self.server.explain(error)
                raise
        self.suite.add(sentence, run)
        self.accounts[user] = client

    def prepare(self):
        """Start, and make the accounts of all cases."""
        self.start()
        if not self.problem:
            self.accounts = {
                user: Account(self.server, user, self.delivered, client)
                for user, client in self.accounts.items()}

    def end(self):
        """End the server, which looks for processes left and for alarms."""
        if self.problem:
            self.server.remove_files()
            raise self.problem
        self.server.end(None)


def main():
    """Run every client against one server."""
    poplib._MAXLINE = 1 << 20  # its own limit is 2048 octets a line
    suite = Suite()
    cases = Cases(suite)
    for client in STORES:
        for transport, listener in TRANSPORTS.items():
            cases.add(f"{client.__name__} downloads every octet that Exim "
                      f"delivered over {transport}", download, client,
                      listener)
    for client in (mpop, fetchmail, getmail):
        cases.add(f"{client.__name__} leaves mail on the server and fetches "
                  "nothing the second time", download_twice, client)
        cases.add(f"{client.__name__} takes all mail away",
                  download_and_delete, client)
    for client in (curl, mpop, fetchmail):
        cases.add(f"{client.__name__} refuses a certificate of an authority "
                  "that it does not know", distrust, client)
    suite.add_last("the server of the clients ends, leaves no process and "
                   "has logged no alarm", cases.end)
    cases.prepare()
    suite.main()
    suite.exit()


if __name__ == "__main__":
    main()
