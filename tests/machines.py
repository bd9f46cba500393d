#!/usr/bin/env python3
"""Two machines on the same Maildirs, behind haproxy; one of them dies.

The machines are two network namespaces with a host name and a Postern each.
All of this runs in a third one, which ends with its last process.
"""

import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import threading

from postern_testing import (LOST, Client, Server, Suite, check, equal,
                             matches, run_cases, stuffed, wire)
from postern_testing.balancer import HAProxy
from postern_testing.client import TRANSPORTS
from postern_testing.fixtures import numbered
from postern_testing.maildir import unique
from postern_testing.processes import of_session, wait_until
from postern_testing.proxied import Proxied, binary
from postern_testing.server import program
from postern_testing.tap import environment

RECIPE = os.path.join(environment("top_srcdir", os.path.join(
    os.path.dirname(__file__), "..")), "contrib", "haproxy", "haproxy.cfg")
INSIDE = "POSTERN_TEST_NETWORK"
PORTS = {"pop3": 110, "pop3s": 995}  # nobody else is in these networks
PATIENCE_S = 120

suite = Suite()
case = suite.case


def move_inside():
    """Go on in a network of our own, or skip everything."""
    if INSIDE in os.environ:
        return
    if os.geteuid() != 0:
        print("1..0 # SKIP only root can make networks")
        sys.exit(0)
    try:
        subprocess.run(["unshare", "--net", "--uts", "ip", "link", "set",
                        "lo", "up"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"1..0 # SKIP no networks can be made: {error}")
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--uts", "sh", "-c",
                          'ip link set lo up && exec "$@"', "sh",
                          sys.executable, "-B", *sys.argv])


def ip(*words, within=()):
    """Run the program ip, in another network if need be."""
    subprocess.run([*within, "ip", *words], check=True)


class Machine(Server):
    """A Postern in a network of its own, which has one cable to ours."""

    made = 0

    def __init__(self, like=None, **sections):
        Machine.made += 1
        self.number = Machine.made
        self.near, self.far = (f"10.77.{self.number}.{end}" for end in (1, 2))
        super().__init__(
            {name: (tls, self.far, f"proxies = {{ {self.near} }}")
             for name, tls in (("pop3", "starttls"), ("pop3s", "implicit"))},
            pool={"spare": "4", "max": "64"}, **sections)
        self.holder = None
        self.like = like
        if like:
            self.users = like.users

    def prepare(self):
        """Make the network before anything wants its address."""
        super().prepare()
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c",
             f"hostname machine{self.number} && ip link set lo up && "
             "echo made && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(self.holder.stdout.readline(), b"made\n", "the network")
        pid = str(self.holder.pid)
        self.enter = ["nsenter", "-t", pid, "--net", "--uts"]
        cable = f"cable{self.number}"
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0",
           "netns", pid)
        for end, link, within in ((self.near, cable, ()),
                                  (self.far, "eth0", self.enter)):
            ip("addr", "add", f"{end}/24", "dev", link, within=within)
            ip("link", "set", link, "up", within=within)

    def make_certificate(self, stem, *names):
        """Have the same certificate on all machines, as the name is one."""
        if not self.like:
            super().make_certificate(stem, *names)
            return
        for kind in ("cert", "key"):
            shutil.copy(self.like.path(f"{stem}.{kind}.pem"), self.directory)
        self.context = self.like.context

    def config_lines(self):
        """Yield the same lines, with ports that a restart finds again."""
        for line in super().config_lines():
            for name, port in PORTS.items():
                if line.startswith(f'listen "{name}"'):
                    line = line.replace("port = 0", f"port = {port}")
            yield line

    def start(self):
        """Start the program on its machine, once more if need be."""
        self.log = []
        self.process = subprocess.Popen(
            [*self.enter, program(), "--config", self.config_path],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, cwd="/", env=os.environ | self.environment)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.ready = self.listening(self.wait_for_log(r"ready: (.*)"))

    def crash(self):
        """Kill all that runs on the machine, at once."""
        while victims := of_session(self.pid):
            for victim in victims:
                try:
                    os.kill(victim.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait()
        self.reader.join()

    def served(self):
        """Return how many sessions with a login have ended here."""
        return sum(session["user"] != "-" for session in self.sessions())

    def end_process(self, error):
        """End the network, too."""
        try:
            super().end_process(error)
        finally:
            if self.holder:
                self.holder.stdin.close()
                self.holder.wait()


def balanced(one, two):
    """Return the haproxy of the recipe in front of two machines."""
    return HAProxy(one, ["pop3", "pop3s"], [RECIPE], **{
        f"POSTERN_{number}_{name.upper()}": f"{machine.far}:{port}"
        for number, machine in ((1, one), (2, two))
        for name, port in PORTS.items()})


def visit(machine, source, user):
    """Return a client of one machine, logged in; haproxy is not asked."""
    client = Proxied(machine, binary(source))
    client.login(user)
    return client


def listed(client):
    """Return what UIDL and LIST say: [(unique-id, octets)]."""
    client.ok("UIDL")
    uidls = [line.split()[1].decode() for line in client.lines()]
    client.ok("LIST")
    sizes = [int(line.split()[1]) for line in client.lines()]
    equal(len(sizes), len(uidls), "lines of LIST")
    return list(zip(uidls, sizes))


def leave(client):
    """Say QUIT, and wait until the server has hung up."""
    client.ok("QUIT")
    client.expect_end()
    client.close()


@case("a maildrop that is open on one machine is in use on the other")
def _():
    with Machine() as one:
        maildir = one.add_user("joe")
        with Machine(like=one) as two:
            first = visit(one, "192.0.2.7", "joe")
            with Proxied(two, binary("192.0.2.8")) as second:
                second.ok("USER joe")
                matches(rb".* from 192\.0\.2\.7",
                        second.refused("PASS secret", "IN-USE"), "the reply")
                before = listed(first)
                first.ok("DELE 2")
                leave(first)
                second.login("joe")
                equal(listed(second), [before[0], before[2]], "what is left")
                leave(second)
            equal(len(maildir.messages()), 2, "files")


@case("what one machine remembers of a Maildir is right for the other one")
def _():
    with Machine() as one:
        maildir = one.add_user("joe")
        with Machine(like=one) as two:
            for number in range(4):
                for machine in (one, two):
                    maildir.deliver(f"new/17000001{number}{machine.number}"
                                    ".M1P1.host", b"x" * (number + 1))
                    with visit(machine, "192.0.2.7", "joe") as client:
                        equal([octets for _, octets in listed(client)],
                              [len(each) for each in maildir.wires()],
                              "octets")
                        equal([uidl for uidl, _ in listed(client)],
                              [unique(path) for path in maildir.messages()],
                              "unique-ids")
                        client.ok("DELE 1")
                        leave(client)


# One dies.

class Ledger:
    """What is known of one user's mail: who loses or doubles any is seen."""

    def __init__(self, name, maildir):
        self.name = name
        self.maildir = maildir
        self.lock = threading.Lock()
        self.delivered = {unique(path): wire(maildir.read(path))
                          for path in maildir.messages()}
        self.gone = set()
        self.doubtful = set()  # no reply came to QUIT

    def deliver(self, number):
        """Put one message more into the Maildir."""
        path = f"new/{1800000000 + number}.M{number}P1.host"
        stored = b"Subject: %d\n\n" % number + b".line\n" * (number % 50)
        # A session that begins meanwhile may have it or not.
        with self.lock:
            self.maildir.deliver(path, stored)
            self.delivered[unique(path)] = wire(stored)

    def due(self):
        """Return the unique-ids that every later session has to list."""
        with self.lock:
            return set(self.delivered) - self.gone - self.doubtful

    def now(self):
        """Return what is due, gone and doubtful, for compare()."""
        due = self.due()
        with self.lock:
            return due, set(self.gone), set(self.doubtful)

    def compare(self, uidls, before):
        """Judge what a session lists that began after now() was 'before'."""
        due, gone, doubtful = before
        found = set(uidls)
        equal(len(found), len(uidls), f"{self.name}: doubled unique-ids")
        equal(found & gone, set(), f"{self.name}: came back")
        # Another session may have ended between now() and the login.
        equal((due & self.due()) - found, set(), f"{self.name}: lost")
        with self.lock:
            equal(found - set(self.delivered), set(),
                  f"{self.name}: nobody's")
            self.gone |= doubtful - found
            self.doubtful -= doubtful


def take_turn(client, ledger, before, chance):
    """Serve oneself in the TRANSACTION state, and QUIT."""
    uidls = [uidl for uidl, _ in listed(client)]
    ledger.compare(uidls, before)
    marked = set()
    for idx in chance.sample(range(len(uidls)), min(3, len(uidls))):
        equal(client.retrieve(idx + 1),
              stuffed(ledger.delivered[uidls[idx]]), "a message")
        if len(marked) < 2 and len(uidls) > 10:
            client.ok(f"DELE {idx + 1}")
            marked.add(uidls[idx])
    # Once it is said, they may be removed even if no reply comes.
    with ledger.lock:
        ledger.doubtful |= marked
    client.ok("QUIT")
    with ledger.lock:
        ledger.gone |= marked
        ledger.doubtful -= marked


class Crowd:
    """Clients of all users that never rest, and mail that never ends."""

    def __init__(self, front, ledgers):
        self.front = front
        self.ledgers = ledgers
        self.stop = threading.Event()
        self.problems = []
        self.lost = 0  # connections
        self.threads = [threading.Thread(target=self.guard, args=work)
                        for work in self.work()]

    def work(self):
        """Yield (function, arguments) of each thread: two for each user."""
        yield self.deliver, ()
        for number in range(2 * len(self.ledgers)):
            yield self.fetch, (self.ledgers[number // 2], number)

    def guard(self, function, arguments):
        """Keep what goes wrong."""
        try:
            function(*arguments)
        except BaseException as problem:
            self.problems.append(problem)
            self.stop.set()

    def deliver(self):
        """Deliver to one user after the other."""
        number = 0
        while not self.stop.wait(0.005):
            self.ledgers[number % len(self.ledgers)].deliver(number)
            number += 1

    def fetch(self, ledger, number):
        """Log in again and again, from an address of one's own."""
        chance = random.Random(number)
        while not self.stop.is_set():
            try:
                with Client(self.front, TRANSPORTS[number % 3],
                            source=f"127.0.1.{number + 1}") as client:
                    client.ok(f"USER {ledger.name}")
                    before = ledger.now()
                    reply = client.ask("PASS secret")
                    if reply.startswith(b"-ERR [IN-USE]"):
                        continue
                    matches(rb"\+OK .*", reply, "reply to PASS")
                    take_turn(client, ledger, before, chance)
            except ssl.SSLCertVerificationError:
                raise
            except LOST:
                self.lost += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def wait_for(self, condition, what):
        """Wait until 'condition()', or until something goes wrong."""
        wait_until(lambda: self.problems or condition(), what, PATIENCE_S)
        if self.problems:
            raise self.problems[0]

    def __exit__(self, _kind, error, _traceback):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.problems and not error:
            raise self.problems[0]


def crash_amid(one, two, victim):
    """Kill machine one while 'victim' has marked messages on it."""
    with visit(one, "192.0.2.7", "victim") as client:
        for number in range(1, 6):
            client.ok(f"DELE {number}")
        before = victim.snapshot()
        one.crash()
        try:
            client.expect_end()
        except LOST:
            pass
    equal(victim.snapshot(), before, "the Maildir of the victim")
    with visit(two, "192.0.2.7", "victim") as client:
        equal(client.count(), 10, "messages of the victim")
        leave(client)


def look_again(machine, ledger):
    """Compare all at the end, with the index and without it."""
    before = ledger.now()
    with visit(machine, "192.0.2.7", ledger.name) as client:
        there = listed(client)
        for number, (uidl, _) in enumerate(there, 1):
            equal(client.retrieve(number), stuffed(ledger.delivered[uidl]),
                  f"message {number} of {ledger.name}")
        leave(client)
    ledger.compare([uidl for uidl, _ in there], before)
    equal(set(uidl for uidl, _ in there), ledger.due(), "what is there")
    equal(sorted(map(unique, ledger.maildir.messages())), sorted(ledger.due()),
          "the files")
    return there


@case("of two machines one dies amid sessions, and comes back: nothing is lost")
def _():
    with Machine() as one:
        victim = one.add_user("victim", "missing")
        make_maildir(victim, 10)
        ledgers = []
        for number in range(6):
            maildir = one.add_user(f"user{number}", "missing")
            make_maildir(maildir, 20)
            ledgers.append(Ledger(f"user{number}", maildir))
        with Machine(like=one) as two, balanced(one, two) as front:
            lost = live_through(one, two, front, ledgers, victim)
            for ledger in ledgers:
                there = look_again(one, ledger)
                equal(look_again(two, ledger), there, "the other machine")
                os.unlink(ledger.maildir.path("postern.index"))
                equal(look_again(two, ledger), there, "without the index")
            print(f"# {sum(len(each.delivered) for each in ledgers)} messages,"
                  f" {sum(len(each.gone) for each in ledgers)} removed, "
                  f"{lost} connections lost")


def live_through(one, two, front, ledgers, victim):
    """Let a crowd work while machine one dies and comes back."""
    with Crowd(front, ledgers) as crowd:
        crowd.wait_for(lambda: min(one.served(), two.served()) >= 20,
                       "both machines are busy")
        crash_amid(one, two, victim)
        before = two.served()
        crowd.wait_for(lambda: two.served() >= before + 40,
                       "the other machine serves all")
        one.start()
        crowd.wait_for(lambda: one.served() >= 20,
                       "the machine that came back serves its clients")
    return crowd.lost


def make_maildir(maildir, count):
    """Make an empty Maildir, with 'count' messages in it."""
    for folder in ("", "cur", "new", "tmp"):
        os.mkdir(maildir.path(folder), 0o700)
        maildir.own(folder)
    for path, stored in numbered(count).items():
        maildir.deliver(path, stored)


move_inside()
run_cases(suite)
