#!/usr/bin/env python3
"""Postern beside a Dovecot, which checks the passwords: a real one, stopped,
killed and started again, and false ones that say what they should not."""

import base64
import contextlib
import os
import signal
import subprocess
import time

from postern_testing import (Client, Server, Suite, as_root, check, equal,
                             log_in, mail_uid, matches, programs, run_cases,
                             sasl)
from postern_testing.dovecot import GREETING, DovecotAuth, FalseDovecot
from postern_testing.processes import wait_until
from postern_testing.server import program

suite = Suite()
case = suite.case

NOT_NOW = rb"-ERR \[SYS/TEMP\] .*"
WRONG = rb"-ERR \[AUTH\] .*"
NEVER = rb"-ERR \[SYS/PERM\] .*"


def mail_gid():
    """Return the group that owns mail."""
    return mail_uid() if as_root() else os.getegid()


class Beside(Server):
    """A Postern that asks a Dovecot, real or false.

    'before' and 'after' are back ends around it; 'owner' are settings of its
    own, such as a userdb.
    """

    def __init__(self, dovecot, owner=None, before="", after="", **more):
        super().__init__(**more)
        self.dovecot = dovecot
        self.owner = owner or f"uid = {mail_uid()} gid = {mail_gid()}"
        self.before, self.after = before, after
        self.connections = 0  # of those that are to be in the log

    def backend_lines(self):
        """Yield the back ends."""
        files = f'type = passwd-file path = "{self.path("users")}"'
        if self.before:
            yield f'\tbackend "before" {{ {self.before.format(files)} }}'
        yield (f'\tbackend "there" {{ type = dovecot '
               f'path = "{self.dovecot.path}" {self.owner} }}')
        if self.after:
            yield f'\tbackend "after" {{ {self.after.format(files)} }}'

    def refusals(self):
        """Return what the log says of wrong passwords."""
        return [line for line in self.log if "LOGIN FAILED" in line]

    def complaints(self):
        """Return what the log says of the back end since it was ready.

        At the start it was asked which mechanisms it has.
        """
        log = list(self.log)
        ready = next(i for i, line in enumerate(log) if "ready: " in line)
        return [line for line in log[ready:] if "backend there: " in line]

    def expect(self, refusals, complaints):
        """Expect so many of both, once all is logged that will be."""
        wait_until(lambda: len(self.sessions()) == self.connections,
                   "all sessions are in the log")
        equal((len(self.refusals()), len(self.complaints())),
              (refusals, complaints), "refusals and complaints in the log")


def pass_reply(server, user, password="secret", transport="tls"):
    """Return the reply to PASS."""
    server.connections += 1
    with Client(server, transport) as client:
        client.ok(f"USER {user}")
        return client.ask(f"PASS {password}")


def home_of(server, number=0):
    """Return the home of the user that was added as the nth."""
    return server.path(f"home{number}")


def beside(dovecot, **more):
    """Return a Postern that finds all users' mail by the userdb."""
    return Beside(dovecot, f'userdb = "{dovecot.userdb_path}"', **more)


def add_user(server, dovecot, name, **more):
    """Add a user with a home to both servers, for the userdb."""
    number = len(server.users)
    maildir = server.add_user(name)
    dovecot.add_user(name, owner=f"{mail_uid()}:{mail_gid()}::"
                     f"{home_of(server, number)}::", **more)
    return maildir


# A real one.

@case("the right password opens the mailbox, a wrong one and an unknown user "
      "do not, over each kind of connection")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe")
        for transport in ("plain", "stls", "tls"):
            with log_in(server, transport) as client:
                equal(client.count(), 3, "messages")
                client.ok("QUIT")
        server.connections = 3
        matches(WRONG, pass_reply(server, "joe", "wrong"), "wrong password")
        matches(WRONG, pass_reply(server, "nobody-here"), "unknown user")
        server.expect(refusals=2, complaints=0)


@case("mpop fetches mail by a password that Dovecot checks")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        maildir = add_user(server, dovecot, "joe@example.net")
        path = server.path("mpop.log")
        mpop = programs.find("mpop")
        subprocess.run(
            [mpop, "--host=127.0.0.1", f"--port={server.port('pop3s')}",
             "--user=joe@example.net", "--passwordeval=echo secret",
             "--tls=on", "--tls-starttls=off", "--tls-certcheck=off",
             "--auth=user", "--keep=on", "--uidls-file=" + path + ".uidls",
             "--delivery=mbox," + path, "--received-header=off"],
            check=True, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=60, env=programs.environ(mpop, HOME=server.directory))
        with open(path, "rb") as file:
            fetched = file.read().count(b"\nSubject: test\n")
        equal(fetched, len(maildir.messages()), "messages fetched")


@case("names and passwords of any octets reach Dovecot as they are")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe-x@example.net",
                 password=" p  %u{}\\\u20ac ")
        with Client(server, "tls") as client:
            client.ok("USER joe-x@example.net")
            client.ok("PASS  p  %u{}\\\u20ac ")
            equal(client.count(), 3, "messages")


@case("the Dovecot is told who connects, to where, and that it was by TLS")
def _():
    with FalseDovecot(answer=b"FAIL\t1\n") as false, Beside(false) as server:
        with Client(server, "tls", source="127.0.0.7") as client:
            ours = client.socket.getsockname()[1]
            client.ok("USER joe")
            client.refused("PASS x", "AUTH")
        pass_reply(server, "joe", transport="plain")
        with_tls, without = (text.decode().splitlines()[-1]
                             for text in false.heard)
        equal(with_tls, "AUTH\t1\tPLAIN\tservice=pop3\tsecured"
              f"\tlip=127.0.0.1\tlport={server.port('pop3s')}"
              f"\trip=127.0.0.7\trport={ours}\tresp=AGpvZQB4", "the request")
        check("\tsecured\t" not in without, without)


@case("the password is in no log, and the failure of a name is one line")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        matches(WRONG, pass_reply(server, "joe", "hidden-word"), "reply")
        server.expect(refusals=1, complaints=0)
        text = "\n".join(server.log)
        check("hidden-word" not in text, text)


@case("uid, gid and home of the userdb count, not those of the settings")
def _():
    with DovecotAuth() as dovecot, Beside(
            dovecot, f'userdb = "{dovecot.userdb_path}" home = "/nonexistent" '
            'uid = 54321 gid = 54321') as server:
        add_user(server, dovecot, "joe")
        with log_in(server, "tls") as client:
            equal(client.count(), 3, "messages")
            keeper = server.one("postern-keeper")
            equal(set(keeper.uids()), {mail_uid()}, "uids of the keeper")


@case("without a userdb, uid, gid and home of the settings count")
def _():
    with DovecotAuth() as dovecot:
        server = Beside(dovecot)
        server.owner += f' home = "{server.directory}/%n"'
        with server:
            server.add_user("joe")
            os.rename(home_of(server), server.path("joe"))
            dovecot.add_user("joe@example.net")
            with log_in(server, "tls", user="joe@example.net") as client:
                equal(client.count(), 3, "messages")


@case("what the userdb leaves open the settings fill in")
def _():
    with DovecotAuth() as dovecot:
        server = Beside(dovecot)
        server.owner += (f' home = "{server.directory}/home0" '
                         f'userdb = "{dovecot.userdb_path}"')
        with server:
            server.add_user("joe")
            dovecot.add_user("joe", owner="::::")
            with log_in(server, "tls") as client:
                equal(client.count(), 3, "messages")


@case("a Maildir that the userdb names is the one that is opened")
def _():
    with DovecotAuth() as dovecot, beside(
            dovecot, mailbox={"path": '"/nonexistent/%u"'}) as server:
        server.add_user("joe")
        home, mails = home_of(server), {}
        for number, mail in enumerate((
                f"maildir:{home}/Maildir", "maildir:~/Maildir",
                "maildir:%%h/Maildir:LAYOUT=fs:INDEX=MEMORY",
                f"maildir:/nonexistent:INBOX={home}/Maildir")):
            mails[number] = mail
            dovecot.add_user(f"u{number}", owner=f"{mail_uid()}:{mail_gid()}"
                             f"::{home}::userdb_mail={mail}")
        for number, mail in mails.items():
            with log_in(server, "tls", user=f"u{number}") as client:
                equal(client.count(), 3, f"messages in {mail}")
                client.ok("QUIT")


@case("mail that is in no Maildir is refused, not shown as an empty mailbox")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        server.add_user("joe")
        mails = dict(enumerate(("mbox:~/mail", "mdbox:~/m", "maildir:rela",
                                "maildir:", "maildir:~/%%Lu")))
        for number, mail in mails.items():
            dovecot.add_user(f"u{number}", owner=f"{mail_uid()}:{mail_gid()}"
                             f"::{home_of(server)}::userdb_mail={mail}")
        for number, mail in mails.items():
            start = len(server.log)
            matches(NEVER, pass_reply(server, f"u{number}"), mail)
            server.wait_for_log("Maildir, says|not absolute, or has", start)


@case("a user that Dovecot renames is the one whose mail it is")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe")
        dovecot.add_user("alias@example.net", passdb="user=joe")
        with log_in(server, "tls", user="alias@example.net") as client:
            equal(client.count(), 3, "messages")


@case("a user whom the userdb does not know, or whom Dovecot wants elsewhere, "
      "gets [SYS/PERM]")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe")
        add_user(server, dovecot, "ann", passdb="nologin")
        del dovecot.userdb["joe"]
        dovecot.write_users()
        matches(NEVER, pass_reply(server, "joe"), "not in the userdb")
        server.wait_for_log("user=joe cannot log in: the userdb does not")
        matches(NEVER, pass_reply(server, "ann"), "nologin")
        server.wait_for_log("user=ann may not log in here, says the field")


@case("uid 0 and gid 0 of a userdb never get a mailbox, and no uid at all "
      "does not")
def _():
    for uid, gid in ((0, 0), (mail_uid(), 0), (0, mail_gid()), (-1, 1),
                     (2**32 - 1, 1), (2**32, 1), (1, 2**32 - 1)):
        answer = b"USER\t1\tjoe\tuid=%d\tgid=%d\thome=/home\n" % (uid, gid)
        passdb = FalseDovecot(answer=b"OK\t1\tuser=joe\n")
        userdb = FalseDovecot(b"VERSION\t1\t1\nSPID\t1\n", answer)
        with Beside(passdb, f'userdb = "{userdb.path}"') as server, \
                passdb, userdb:
            matches(NEVER, pass_reply(server, "joe"), f"{uid}:{gid}")
            server.wait_for_log("user=joe cannot log in: (uid 0|its .id)")


def gone(how):
    """Take Dovecot away, look, and bring it back."""
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe")
        getattr(dovecot, how)()
        matches(NOT_NOW, pass_reply(server, "joe"), "reply without Dovecot")
        server.wait_for_log(r"backend there: .*/auth-client: (Connection "
                            "refused|No such file or directory)")
        server.expect(refusals=0, complaints=1)
        dovecot.start()
        with log_in(server, "tls") as client:
            equal(client.count(), 3, "messages")


suite.add("a Dovecot that was stopped is [SYS/TEMP]; started again, it works",
          gone, "stop")
suite.add("a Dovecot that was killed is [SYS/TEMP]; started again, it works",
          gone, "kill")


@case("a Dovecot that hangs is [SYS/TEMP] after the timeout; when it goes on, "
      "it works")
def _():
    with DovecotAuth() as dovecot, Beside(
            dovecot, f'userdb = "{dovecot.userdb_path}" timeout = 1s',
            limits={"per-address": "0", "login-timeout": "1h"}) as server:
        add_user(server, dovecot, "joe")
        dovecot.signal_all(signal.SIGSTOP)
        matches(NOT_NOW, pass_reply(server, "joe"), "reply of the hanging one")
        server.wait_for_log("auth-client: no answer in time")
        dovecot.signal_all(signal.SIGCONT)
        log_in(server, "tls").close()


@case("sockets that are not there at the start are warnings, not mistakes")
def _():
    with DovecotAuth() as dovecot:
        server = beside(dovecot)
        add_user(server, dovecot, "joe")
        dovecot.stop()
        os.unlink(dovecot.path)
        os.unlink(dovecot.userdb_path)
        with server:
            for path in (dovecot.path, dovecot.userdb_path):
                check(any(f'warning: {server.config_path}' in line
                          and f'backend "there": {path}: No such' in line
                          for line in server.log), server.log)
            dovecot.start()
            log_in(server, "tls").close()


@case("while others wait for a slow answer of Dovecot, logins go on")
def _():
    false = FalseDovecot(greeting=b"", hold=True)
    with Beside(false, before="{}", pool={"spare": "1", "max": "8"},
                auth={"concurrent-checks": "1"}) as server, false:
        server.add_user("joe")
        clients = [Client(server) for _ in range(4)]
        with contextlib.ExitStack() as stack:
            for client in clients:
                stack.enter_context(client)
                client.ok("USER ann")
                client.send(b"PASS x\r\n")
            wait_until(lambda: len(false.connections) > 0,
                       "somebody waits for the false one")
            log_in(server, "tls").close()


@case("Dovecot's failures count: the next one waits longer")
def _():
    with FalseDovecot(answer=b"FAIL\t1\tuser=joe\n") as false, Beside(
            false, auth={"failure-delay": "100ms"}) as server:
        with Client(server) as client:
            start = time.monotonic()
            for _ in range(4):
                client.ok("USER joe")
                client.refused("PASS x", "AUTH")
            taken = time.monotonic() - start
            check(taken >= 1.4, f"{taken} s for 100, 200, 400 and 800 ms")
            server.connections = 1
            client.ok("QUIT")
        server.expect(refusals=4, complaints=0)


# Reasons.

@case("a refusal with a reason is a refusal, and the reason is in the log")
def _():
    for answer, reason in ((b"user_disabled", "the user is disabled"),
                           (b"code=user_disabled", "the user is disabled"),
                           (b"pass_expired", "the password has expired"),
                           (b"code=pass_expired", "the password has expired"),
                           (b"code=authz_fail", "may not act"),
                           (b"authz", "may not act")):
        with FalseDovecot(answer=b"FAIL\t1\tuser=joe\t" + answer + b"\n") as \
                false, Beside(false) as server:
            matches(WRONG, pass_reply(server, "joe"), answer)
            server.wait_for_log(f"user=joe: .*{reason}")
            server.expect(refusals=1, complaints=1)


@case("what Dovecot calls temporary is [SYS/TEMP], and no failure")
def _():
    for answer in (b"temp", b"code=temp_fail"):
        with FalseDovecot(answer=b"FAIL\t1\tuser=joe\t" + answer + b"\n") as \
                false, Beside(false) as server:
            matches(NOT_NOW, pass_reply(server, "joe"), answer)
            server.expect(refusals=0, complaints=1)


# False ones.

def endless():
    """Yield a line without end."""
    while True:
        yield b"x" * 65536


def endless_lines():
    """Yield greetings without end."""
    while True:
        yield b"MECH\tPLAIN\n" * 1000


HOSTILE_GREETINGS = {
    "garbage": os.urandom(512) + b"\n" + bytes(300) + b"\n",
    "an endless line": endless,
    "endless lines": endless_lines,
    "an early end": b"VERSION\t1\t2\nMECH\tPLA",
    "no version": b"MECH\tPLAIN\nDONE\n",
    "another version": b"VERSION\t2\t0\nMECH\tPLAIN\nDONE\n",
    "no mechanism": b"VERSION\t1\t2\nDONE\n",
    "too many fields": b"VERSION\t1\t2" + b"\tx" * 300 + b"\nDONE\n",
    "half an escape": b"VERSION\t1\t2\nMECH\tPLAIN\t\x01\nDONE\n",
    "a NUL by escape": b"VERSION\t1\t2\nMECH\tPLAIN\t\x010\nDONE\n",
}
HOSTILE_ANSWERS = {
    "a challenge after the password": b"CONT\t1\tYWJj\n",
    "another id": b"OK\t2\tuser=joe\n",
    "no id": b"OK\n",
    "no word": b"\n",
    "an unknown word": b"YES\t1\tuser=joe\n",
    "a name with a path": b"OK\t1\tuser=../joe\n",
    "a name with a line end": b"OK\t1\tuser=joe\x01n\n",
    "a long name": b"OK\t1\tuser=" + b"j" * 300 + b"\n",
    "half a line": b"OK\t1\tuser=jo",
    "no answer": b"",
    "a NUL": b"OK\t1\tuser=joe\0\n",
    "an endless line": endless,
}
HOSTILE_USERS = {
    "an early end": b"USER\t1\tjo",
    "another id": b"USER\t2\tjoe\tuid=1\tgid=1\n",
    "no name": b"USER\t1\n",
    "an unknown word": b"OK\t1\tjoe\n",
    "failure": b"FAIL\t1\tno\n",
    "another version": b"VERSION\t7\t1\n",
    "endless lines": endless_lines,
    "endless greetings": b"SPID\t1\n" * 1000,
}


def expect_trouble(server, what):
    """Expect [SYS/TEMP], one complaint, no failure counted."""
    server.add_user("joe")
    matches(NOT_NOW, pass_reply(server, "joe"), what)
    server.expect(refusals=0, complaints=1)
    with Client(server) as client:
        client.ok("CAPA")


def hostile_greeting(what):
    """Greet in a way that cannot be understood."""
    with FalseDovecot(HOSTILE_GREETINGS[what]) as false, \
            Beside(false) as server:
        expect_trouble(server, what)


def hostile_answer(what):
    """Answer in a way that cannot be understood."""
    with FalseDovecot(answer=HOSTILE_ANSWERS[what]) as false, \
            Beside(false) as server:
        expect_trouble(server, what)


def hostile_userdb(what):
    """Grant, and then say nothing good about the user."""
    with FalseDovecot(answer=b"OK\t1\tuser=joe\n") as passdb, FalseDovecot(
            b"VERSION\t1\t1\nSPID\t1\n", HOSTILE_USERS[what]) as userdb, \
            Beside(passdb, f'userdb = "{userdb.path}"') as server:
        expect_trouble(server, what)


for name in HOSTILE_GREETINGS:
    suite.add(f"a false Dovecot whose greeting is {name} is [SYS/TEMP]",
              hostile_greeting, name)
for name in HOSTILE_ANSWERS:
    suite.add(f"a false Dovecot whose answer is {name} is [SYS/TEMP]",
              hostile_answer, name)
for name in HOSTILE_USERS:
    suite.add(f"a false userdb whose answer is {name} is [SYS/TEMP]",
              hostile_userdb, name)


def silent(greeting, answer):
    """Fall silent somewhere: the timeout ends it."""
    with FalseDovecot(greeting, answer, hold=True) as false:
        server = Beside(false)
        server.owner += " timeout = 1s"
        with server:
            expect_trouble(server, "silence")
            check("no answer in time" in server.complaints()[0],
                  server.complaints())


for where, begun in {"before it greets": (b"", None),
                     "in its greeting": (b"VERSION\t1\t2\nMECH", None),
                     "before its answer": (GREETING, None),
                     "in its answer": (GREETING, b"OK\t1\tus")}.items():
    suite.add(f"a false Dovecot that falls silent {where} is [SYS/TEMP] after "
              "the timeout", silent, *begun)


# Any mechanism, relayed.

def relay(path, *arguments):
    """Start the program that relays an exchange."""
    return subprocess.Popen(
        [program("tests/relay"), path, *arguments], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)


def base64_of(text):
    """Return octets or text in base64, as text."""
    octets = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(octets).decode()


def scram_relay(dovecot, scram):
    """Start the relay of an exchange by SCRAM-SHA-256."""
    return relay(dovecot.path, "SCRAM-SHA-256", base64_of(scram.first()))


def answer_scram(child, scram):
    """Answer the server's first challenge."""
    challenge = base64.b64decode(challenge_of(child))
    answer(child, base64_of(scram.final(challenge)))


def challenge_of(child):
    """Return the next challenge that was relayed."""
    line = child.stdout.readline()
    check(line.startswith("+ "), f"no challenge but {line!r}")
    return line[2:].rstrip("\n")


def answer(child, response):
    """Send a response to the relay."""
    child.stdin.write(response + "\n")
    child.stdin.flush()


@case("AUTH SCRAM-SHA-256 is relayed where a Dovecot is the only back end")
def _():
    with DovecotAuth() as dovecot, beside(dovecot) as server:
        add_user(server, dovecot, "joe")
        server.reload()
        with Client(server, "tls") as client:
            client.ok("CAPA")
            check(b"SASL SCRAM-SHA-256 PLAIN LOGIN" in client.lines(),
                  "it is not announced")
            for early in (True, False):
                for user, password in (("joe", "wrong"), ("jim", "secret")):
                    exchange = sasl.Scram("sha256", user, password)
                    matches(WRONG, sasl.scram(client, "SCRAM-SHA-256",
                                              exchange, early=early),
                            "the reply")
                    server.wait_for_log(f"LOGIN FAILED, user={user}, ")
                    if early:
                        break
            matches(rb"-ERR .*", client.ask("STAT"), "STAT")
        with Client(server, "tls") as client:
            exchange = sasl.Scram("sha256", "joe")
            matches(rb"\+OK 3 .*", sasl.scram(client, "SCRAM-SHA-256",
                                              exchange), "the reply")
            client.ok("QUIT")
        server.wait_for_session(user="joe", end="quit")


@case("in a longer chain no SCRAM is announced, and PLAIN works")
def _():
    with DovecotAuth() as dovecot, \
            Beside(dovecot, f'userdb = "{dovecot.userdb_path}"',
                   after="{}") as server:
        add_user(server, dovecot, "joe")
        with Client(server, "tls") as client:
            client.ok("CAPA")
            check(b"SASL PLAIN LOGIN" in client.lines(), "it is announced")
            response = sasl.encode(sasl.plain("joe"))
            matches(rb"\+OK 3 .*", client.ask(f"AUTH PLAIN {response}"),
                    "the reply")


@case("SCRAM-SHA-256 is relayed to Dovecot, its signature included")
def _():
    with DovecotAuth() as dovecot:
        dovecot.add_user("joe")
        scram = sasl.Scram("sha256", "joe")
        with scram_relay(dovecot, scram) as child:
            answer_scram(child, scram)
            check(scram.trusts(base64.b64decode(challenge_of(child))),
                  "the signature")
            answer(child, "")
            equal(child.stdout.read(), "granted joe\n", "the result")


@case("SCRAM-SHA-256 with a wrong password is denied by Dovecot")
def _():
    with DovecotAuth() as dovecot:
        dovecot.add_user("joe")
        scram = sasl.Scram("sha256", "joe", "wrong")
        with scram_relay(dovecot, scram) as child:
            answer_scram(child, scram)
            equal(child.stdout.read(), "denied \n", "the result")


@case("PLAIN and LOGIN without an initial response ask for one")
def _():
    with DovecotAuth() as dovecot:
        dovecot.add_user("joe")
        with relay(dovecot.path, "PLAIN") as child:
            equal(challenge_of(child), "", "the challenge of PLAIN")
            answer(child, base64_of("\0joe\0secret"))
            equal(child.stdout.read(), "granted joe\n", "the result")
        with relay(dovecot.path, "LOGIN") as child:
            challenge_of(child)
            answer(child, base64_of("joe"))
            challenge_of(child)
            answer(child, base64_of("secret"))
            equal(child.stdout.read(), "granted joe\n", "the result")


@case("what is no base64, or would be another field, is denied by Dovecot")
def _():
    with DovecotAuth() as dovecot:
        dovecot.add_user("joe")
        for response in ("!", "AGpv\tno-penalty", "AGpvZQBzZWNyZXQ=\x01",
                         base64_of("\0joe\0secret") + "\tx"):
            with relay(dovecot.path, "PLAIN", response) as child:
                equal(child.stdout.read(), "denied \n", repr(response))


@case("an exchange that the client gives up is denied")
def _():
    with DovecotAuth() as dovecot:
        with relay(dovecot.path, "PLAIN") as child:
            challenge_of(child)
            child.stdin.close()
            equal(child.stdout.read(), "denied \n", "the result")


@case("a response of more than 16 KiB is denied, not cut")
def _():
    with FalseDovecot(answer=b"OK\t1\tuser=joe\n") as false:
        with relay(false.path, "PLAIN", "A" * 16400) as child:
            equal(child.stdout.read(), "denied \n", "the result")
        equal(false.heard, [], "requests")


@case("a mechanism that Dovecot does not offer is temporary trouble")
def _():
    with DovecotAuth() as dovecot, relay(dovecot.path, "CRAM-MD5") as child:
        equal(child.stdout.read(), "temporary \n", "the result")


@case("the mechanisms that can be relayed are listed, and no others")
def _():
    with DovecotAuth() as dovecot, relay(dovecot.path) as child:
        equal(child.stdout.read(), "PLAIN LOGIN SCRAM-SHA-256\n", "the list")
    greeting = (b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\n"
                b"MECH\tAPOP\tprivate\nMECH\tANONYMOUS\tanonymous\n"
                b"MECH\tSCRAM-SHA-256-PLUS\tmutual-auth\nMECH\tlower\n"
                b"MECH\tGSSAPI\tchannel-binding\nMECH\tA B\nMECH\n"
                b"MECH\tOAUTHBEARER\nDONE\n")
    with FalseDovecot(greeting, b"") as false, relay(false.path) as child:
        equal(child.stdout.read(), "PLAIN OAUTHBEARER\n", "the list")


@case("a challenge that is no base64 never reaches a client")
def _():
    with FalseDovecot(answer=b"CONT\t1\tYQ==\x01r\x01n+OK\n") as false:
        with relay(false.path, "PLAIN", "AGEAYg==") as child:
            equal(child.stdout.read(), "temporary \n", "the result")


# The chain.

@case("a passwd-file before Dovecot decides about its users, and Dovecot about "
      "all others")
def _():
    with DovecotAuth() as dovecot, beside(dovecot, before="{}") as server:
        add_user(server, dovecot, "ann")
        server.add_user("joe", password="file")
        server.users[0] = "# ann is in the userdb only"
        server.write_users()
        dovecot.add_user("joe", password="dovecot")
        matches(WRONG, pass_reply(server, "joe", "dovecot"), "joe by Dovecot")
        log_in_as(server, "joe", "file")
        log_in_as(server, "ann", "secret")


@case("Dovecot's refusal is the last word; only while it is away is the next "
      "back end asked")
def _():
    with DovecotAuth() as dovecot, beside(dovecot, after="{}") as server:
        server.add_user("joe", password="file")
        matches(WRONG, pass_reply(server, "joe", "file"), "with Dovecot")
        dovecot.stop()
        log_in_as(server, "joe", "file")
        matches(NOT_NOW, pass_reply(server, "ann", "file"), "nobody knows ann")


def log_in_as(server, user, password):
    """Log in and out."""
    with Client(server, "tls") as client:
        client.login(user, password)
        client.ok("QUIT")


if __name__ == "__main__":
    run_cases(suite)
