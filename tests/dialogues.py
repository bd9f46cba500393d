#!/usr/bin/env python3
"""Run the dialogues of tests/pop3 over plain POP3, STLS and implicit TLS.

A dialogue is a text file.  Its first line, "# RFC 1939 section 5: ...", says
what it proves.  Then come settings, a blank line, and the steps.  Blank lines
and lines that begin with '#' mean nothing.

Settings, each at most once, one a line:
  maildir: three          fixture of postern_testing/fixtures.py (default)
  transports: plain stls  where it applies (default: plain stls tls)
  user: {id}@x            user name; {id} is different in each run (default)
  password: a b           password (default: secret)
  cleartext: tls-only     the server's setting (default: always)
  separator: +            the server's folder-separator (default: none)
  folder: Junk            the fixture lies in this folder, and the Maildir
                          itself has another one (default: no folder)
  login: {user}+Junk      what LOGIN says to USER (default: {user})
  extra: readonly         the user's extra fields (default: none)
  language: de            the case needs this language (default: none)
  remains: 1 3            messages left afterwards: numbers, "all" (default)
                          or "none"; nothing else in the Maildir may change

Steps:
  C: text       send the line and CRLF
  C| text       keep the line; it leaves in one segment with the next C:
  C. text       send the line octet by octet, each in its own segment
  S: text       the next line of the server is exactly this
  S~ regex      the next line matches this as a whole
  S*            the rest of a multi-line reply, whatever it is
  HAS regex     a line of the multi-line reply that follows matches this ...
  LACKS regex   ... and none matches this (HAS and LACKS stand together)
  MESSAGE n     the body of message n follows, to the final dot
  TOP n m       its header and m lines of its body follow, to the final dot
  LOGIN         USER and PASS succeed
  EVERYTHING    STAT, LIST, UIDL, and RETR and TOP of each message agree
                with the files
  TLS           go on with a TLS handshake
  HANGUP        close the connection
  CLOSED        the server closes, on TLS with a close_notify
  CONNECT       open another connection over the same transport

In a text, \\r \\n \\t \\0 \\\\ \\xNN are octets, and \\c at the end leaves out
the CRLF.  In a text or regex {id} {user} {password} {count} {total}
{octets n} {uidl n} stand for facts, and {repeat n text} for n times the text.

The greeting is read (and STLS done) before the first step.  A dialogue that
does not end with CLOSED or HANGUP ends in step: a command that nobody knows
gets one line that begins with -ERR, and nothing else comes.
"""

import os
import pathlib
import re
import subprocess
import sys

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             equal, matches, stuffed)
from postern_testing import certificates, processes
from postern_testing.client import TRANSPORTS
from postern_testing.maildir import top, unique
from postern_testing.server import program

NOBODY = 65534
DIRECTORY = pathlib.Path(__file__).parent / "pop3"
SETTINGS = {"maildir": "three", "transports": " ".join(TRANSPORTS),
            "user": "{id}", "password": "secret", "cleartext": "always",
            "separator": "", "folder": "", "login": "{user}", "extra": "",
            "language": "", "remains": "all"}
ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0",
           b"\\": b"\\", b"c": b"\\c"}


class Dialogue:
    """One file of tests/pop3."""

    def __init__(self, path):
        self.name = path.stem
        lines = path.read_text(encoding="utf-8").splitlines()
        self.clause = lines[0].removeprefix("# ")
        check(self.clause.startswith("RFC "), f"{path}: no RFC clause")
        body = [line for line in lines if not line.startswith("#")]
        blank = body.index("")
        self.settings = dict(SETTINGS)
        for line in body[:blank]:
            key, _, value = line.partition(": ")
            check(key in SETTINGS, f"{path}: unknown setting {key}")
            self.settings[key] = value
        self.steps = [line for line in body[blank:] if line]


class Run:
    """One dialogue over one transport, with a user of its own."""

    def __init__(self, dialogue, transport, number):
        self.dialogue = dialogue
        self.transport = transport
        self.client = None
        self.kept = b""
        self.reply = None  # body that HAS and LACKS look at
        settings = dialogue.settings
        self.facts = {"id": f"u{number}"}
        for key in ("user", "password"):
            self.facts[key] = self.text(settings[key])

    def add_to(self, server):
        """Create the user and the Maildir."""
        self.server = server
        settings = self.dialogue.settings
        folder, fixture = settings["folder"], settings["maildir"]
        self.maildir = self.maildrop = server.add_user(
            self.facts["user"], "seven" if folder else fixture,
            self.facts["password"], which=int(self.facts["id"][1:]) % 2,
            extra=settings["extra"])
        if folder:
            self.maildrop = self.maildir.folder(folder, fixture)

    def play(self):
        """Run all steps, then compare the Maildir."""
        language = self.dialogue.settings["language"]
        if language:
            program(f"po/{language}.mo", os.R_OK)
        before = self.look()
        try:
            self.connect()
            for number, step in enumerate(self.dialogue.steps, 1):
                self.step(number, step)
            self.finish()
        except Exception as problem:
            self.server.explain(problem)
            raise
        finally:
            if self.client:
                self.client.close()
        self.compare(before)

    def look(self):
        """Note all facts of the maildrop; return the Maildir's snapshot."""
        has_any = os.path.isdir(self.maildrop.root)
        self.paths = self.maildrop.messages() if has_any else []
        self.wires = self.maildrop.wires() if has_any else []
        self.facts["count"] = len(self.wires)
        self.facts["total"] = sum(map(len, self.wires))
        return self.maildir.snapshot()

    def connect(self):
        """Open a connection."""
        self.client = Client(self.server, self.transport)

    def step(self, number, step):
        """Carry out one step; a failure tells which."""
        word, _, argument = step.partition(" ")
        try:
            if word not in ("HAS", "LACKS"):
                self.reply = None
            STEPS[word](self, argument)
        except Exception as problem:
            problem.add_note(f"in step {number}: {step}")
            raise

    def fill(self, text, quote=str):
        """Put facts and repetitions into a text."""
        def repetition(match):
            return match[2] * int(match[1])

        def fact(match):
            word, _, number = match[1].partition(" ")
            if word == "octets":
                return str(len(self.wires[int(number) - 1]))
            if word == "uidl":
                return quote(unique(self.paths[int(number) - 1]))
            return quote(str(self.facts[word]))

        text = re.sub(r"(?s)\{repeat (\d+) (.*?)\}", repetition, text)
        names = "id|user|password|count|total|octets [0-9]+|uidl [0-9]+"
        return re.sub(r"\{(" + names + r")\}", fact, text)

    def text(self, text):
        """Return what a text stands for, with odd octets as surrogates."""
        def escape(match):
            if match[1].startswith(b"x"):
                return bytes.fromhex(match[1][1:].decode())
            return ESCAPES[match[1]]

        octets = re.sub(rb"\\(x[0-9a-f]{2}|.)", escape, text.encode())
        return self.fill(octets.decode("utf-8", "surrogateescape"))

    def octets(self, text):
        """Return what a text stands for, as octets with CRLF."""
        octets = self.text(text).encode("utf-8", "surrogateescape")
        return (octets + b"\r\n").removesuffix(b"\\c\r\n")

    def send(self, text):
        """C: and what C| kept."""
        octets, self.kept = self.kept + self.octets(text), b""
        self.client.send(octets)

    def keep(self, text):
        """C|"""
        self.kept += self.octets(text)

    def dribble(self, text):
        """C."""
        for octet in self.octets(text):
            self.client.send(bytes([octet]))

    def line(self, text):
        """S:"""
        equal(self.client.line() + b"\r\n", self.octets(text), "reply")

    def pattern(self, text):
        """S~"""
        matches(self.fill(text, re.escape).encode(), self.client.line(),
                "reply")

    def any_body(self, _):
        """S*"""
        self.client.body()

    def lines_of_reply(self):
        """Return the lines of the reply that HAS and LACKS look at."""
        if self.reply is None:
            self.reply = self.client.lines()
        return self.reply

    def has(self, text):
        """HAS"""
        regex = self.fill(text, re.escape).encode()
        check(any(re.fullmatch(regex, line) for line in
                  self.lines_of_reply()), f"not in {self.reply}")

    def lacks(self, text):
        """LACKS"""
        regex = self.fill(text, re.escape).encode()
        check(not any(re.fullmatch(regex, line) for line in
                      self.lines_of_reply()), f"found in {self.reply}")

    def message(self, argument):
        """MESSAGE"""
        wanted = stuffed(self.wires[int(argument) - 1])
        equal(self.client.body(), wanted, "the message")

    def top(self, argument):
        """TOP"""
        number, lines = map(int, argument.split())
        wanted = stuffed(top(self.wires[number - 1], lines))
        equal(self.client.body(), wanted, "the top of the message")

    def everything(self, _):
        """EVERYTHING"""
        count, total = self.facts["count"], self.facts["total"]
        reply = self.client.ok("STAT")
        equal(reply, b"+OK %d %d" % (count, total), "reply to STAT")
        self.client.ok("LIST")
        sizes = [b"%d %d" % (number, len(octets))
                 for number, octets in enumerate(self.wires, 1)]
        equal(self.client.lines(), sizes, "reply to LIST")
        self.unique_ids()
        for number, octets in enumerate(self.wires, 1):
            equal(self.client.retrieve(number), stuffed(octets),
                  f"message {number}")
            for lines in (0, 1, 7, 4000000000):
                self.client.ok(f"TOP {number} {lines}")
                equal(self.client.body(), stuffed(top(octets, lines)),
                      f"TOP {number} {lines}")

    def unique_ids(self):
        """Compare all unique-ids; of twins only one has the plain one."""
        self.client.ok("UIDL")
        lines = [line.decode().split(" ") for line in self.client.lines()]
        equal([line[0] for line in lines],
              [str(n + 1) for n in range(len(self.paths))], "UIDL numbers")
        equal(len({uidl for _, uidl in lines}), len(lines), "unique-ids")
        wanted = [unique(path) for path in self.paths]
        for (number, uidl), one in zip(lines, wanted):
            is_twin = wanted.count(one) > 1 and uidl != one
            matches("h[0-9a-f]{32}" if is_twin else re.escape(one), uidl,
                    f"unique-id of message {number}")

    def login(self, _):
        """LOGIN"""
        self.send("USER " + self.dialogue.settings["login"])
        matches(rb"\+OK.*", self.client.line(), "reply to USER")
        self.send("PASS {password}")
        matches(rb"\+OK.*", self.client.line(), "reply to PASS")

    def tls(self, _):
        """TLS"""
        self.client.handshake()

    def hang_up(self, _):
        """HANGUP"""
        self.client.close()

    def closed(self, _):
        """CLOSED"""
        ended = self.client.expect_end()
        check(ended == "closed" or ended == "reset"
              and self.transport == "plain", f"ended {ended}")

    def again(self, _):
        """CONNECT"""
        self.client.close()
        self.connect()

    def finish(self):
        """End in step."""
        if self.dialogue.steps[-1] not in ("CLOSED", "HANGUP"):
            matches(rb"-ERR.*", self.client.ask("XYZZY"), "in step")
            self.client.socket.settimeout(0.05)
            try:
                ended = not self.client.receive()
            except TimeoutError:
                return
            check(ended, f"more came: {self.client.buffer}")

    def compare(self, before):
        """Expect that what 'remains:' says is there, and nothing changed."""
        remains = self.dialogue.settings["remains"]
        if remains != "all":
            left = [int(n) for n in remains.split() if n != "none"]
            for number, path in enumerate(self.paths, 1):
                if number not in left:
                    del before[os.path.relpath(self.maildrop.path(path),
                                               self.maildir.root)]
        after = self.maildir.snapshot()
        equal(sorted(after), sorted(before), "entries of the Maildir")
        equal(after, before, "the Maildir")


STEPS = {
    "C:": Run.send, "C|": Run.keep, "C.": Run.dribble, "S:": Run.line,
    "S~": Run.pattern, "S*": Run.any_body, "HAS": Run.has,
    "LACKS": Run.lacks, "MESSAGE": Run.message, "TOP": Run.top,
    "EVERYTHING": Run.everything, "LOGIN": Run.login, "TLS": Run.tls,
    "HANGUP": Run.hang_up, "CLOSED": Run.closed, "CONNECT": Run.again,
}


def make_runs(suite):
    """Add one case per dialogue and transport; return their servers."""
    servers = {}
    for path in sorted(DIRECTORY.glob("*.txt")):
        dialogue = Dialogue(path)
        cleartext = dialogue.settings["cleartext"]
        separator = dialogue.settings["separator"]
        kind = cleartext, separator
        if kind not in servers:
            servers[kind] = Server(
                auth={"cleartext": cleartext},
                mailbox={"folder-separator": f'"{separator}"'})
        for transport in dialogue.settings["transports"].split():
            run = Run(dialogue, transport, len(suite.cases))
            run.add_to(servers[kind])
            suite.add(f"{dialogue.name} over {transport}: "
                      f"{dialogue.clause}", run.play)
    return servers.values()


def end(server):
    """End a server, which looks for processes left and for alarms."""
    server.end(None)


def run_as_ordinary_user(suite):
    """Run this very program again as an ordinary user."""
    here = os.path.abspath(__file__)
    ordinary = processes.identity(NOBODY)
    readable = subprocess.run(["test", "-r", here, "-a", "-x", program()],
                              cwd="/", **ordinary)
    python = processes.interpreter(ordinary)
    if readable.returncode or python is None:
        suite.report("as an ordinary user", False, " # SKIP the build tree "
                     "or Python is not open to others")
        return
    with subprocess.Popen(
            [python, "-B", here] + sys.argv[1:], text=True, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **ordinary,
            env=os.environ | {"TMPDIR": "/tmp", "top_builddir":
                              os.path.dirname(program())}) as child:
        suite.adopt("as an ordinary user", child)


def main():
    """Play all dialogues."""
    try:
        program()
        certificates.probe()
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    suite = Suite()
    for server in make_runs(suite):
        server.__enter__()
        suite.add_last("a server of dialogues ends, leaves no process and "
                       "has logged no alarm", end, server)
    suite.main()
    if as_root():
        run_as_ordinary_user(suite)
    suite.exit()


if __name__ == "__main__":
    main()
