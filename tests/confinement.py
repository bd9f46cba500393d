#!/usr/bin/env python3
"""Live processes are confined, and do all of their work nevertheless."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading

from postern_testing import (Maildir, Server, Skip, Suite, as_root, check,
                             equal, log_in, run_cases)
from postern_testing.server import program

suite = Suite()

ORDINARY_UID = 20009
NAMES = ("postern-worker", "postern-signer", "postern-keeper")
CANT_RUN = 77
KILLED = "killed 31"        # by SIGSYS
ACCESS, NO_CALL, NO_RIGHT = "result -13", "result -38", "result -1"

# What is injected, as x86_64 numbers it: (call, arguments).
OPEN = ("257", "-100", "=/etc/passwd", "0")
SOCKET = ("41", "2", "1", "0")
EXEC = ("59", "=/bin/true", "0", "0")
FORK = ("57",)
CLONE_PROCESS = ("56", "17", "0", "0", "0", "0")
KILL = ("62", "1", "0")
CONNECT = ("42", "0", "=x", "2")
PTRACE = ("101", "16", "1", "0", "0")
MAP_CODE = ("9", "0", "4096", "5", "0x22", "-1", "0")
RENAME = ("82", "=/etc/hostname", "=/etc/hostname.old")
DUMPABLE = ("157", "4", "1", "0", "0", "0")
GET_PID = ("39",)

# (what, call, the answer in a worker or the signer, that in a keeper)
INJECTED = (
    ("getpid() works", GET_PID, None, None),
    ("prctl() is unknown", DUMPABLE, NO_CALL, NO_CALL),
    ("open() is refused", OPEN, KILLED, ACCESS),
    ("rename() is refused", RENAME, KILLED, ACCESS),
    ("socket() is refused", SOCKET, KILLED, NO_RIGHT),
    ("connect() is refused", CONNECT, KILLED, NO_RIGHT),
    ("execve() kills", EXEC, KILLED, KILLED),
    ("fork() kills", FORK, KILLED, KILLED),
    ("clone() kills", CLONE_PROCESS, KILLED, KILLED),
    ("kill() kills", KILL, KILLED, KILLED),
    ("ptrace() kills", PTRACE, KILLED, KILLED),
    ("code can't be mapped", MAP_CODE, KILLED, KILLED),
)


def has_sanitizer():
    """Tell whether the program was built with AddressSanitizer."""
    with open(program(), "rb") as file:
        return b"__asan_init" in file.read()


def layers(server):
    """Return what the log says is in force: (filters?, Landlock's version)."""
    line = server.wait_for_log(r"confined by: (.*)")[1]
    version = re.search(r"Landlock (\d+)", line)
    return ("system-call filters" in line.partition("missing")[0],
            int(version[1]) if version else 0)


@contextlib.contextmanager
def served(**options):
    """Yield a server that has one worker, and joe logged in to it."""
    with Server(pool={"max": "1"}, **options) as server:
        server.joe = server.add_user("joe")
        with log_in(server, "tls") as client:
            yield server, client


def whole(server):
    """Skip the case where this kernel, or build, has not all layers."""
    has_filters, version = layers(server)
    if not has_filters or version < 2:
        raise Skip("this kernel or build can't confine all")


def expect_confined(server, name, seccomp="2"):
    """Expect the flags of /proc of a process."""
    status = server.one(name).status()
    equal(status["Seccomp"], seccomp, f"{name}: the filter")
    equal(status["NoNewPrivs"], "1", f"{name}: no new privileges")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        equal(int(status[kind], 16), 0, f"{name}: {kind}")
    check(0 not in server.one(name).uids() or not as_root(),
          f"{name} is not root")
    check(0 not in server.one(name).groups(), f"{name} is not in root's group")


@suite.case("worker, signer and keeper have a filter, no privilege, no group "
            "of root")
def _():
    with served() as (server, client):
        whole(server)
        for name in NAMES:
            expect_confined(server, name)
        client.ok("QUIT")


def descriptors(process):
    """Return what the descriptors of a process lead to."""
    folder = f"/proc/{process.pid}/fd"
    return {int(fd): os.readlink(f"{folder}/{fd}")
            for fd in os.listdir(folder)}


@suite.case("a worker has its sockets and nothing else, and an empty root")
def _():
    if not as_root():
        raise Skip("only root sees the descriptors")
    with served() as (server, client):
        worker = server.one("postern-worker")
        open_fds = descriptors(worker)
        others = {fd: what for fd, what in open_fds.items() if fd > 2}
        check(2 <= len(others) <= 5, f"a few sockets: {others}")
        check(all(what.startswith("socket:") for what in others.values()),
              f"only sockets: {others}")
        if not has_sanitizer():
            equal({open_fds[fd] for fd in range(3)}, {"/dev/null"},
                  "standard input, output and error")
        equal(os.listdir(f"/proc/{worker.pid}/root/"), [], "its root")
        signer = server.one("postern-signer")
        equal(os.listdir(f"/proc/{signer.pid}/root/"), [], "the signer's")
        client.ok("QUIT")


@suite.case("a keeper has its worker's socket, and files of its Maildir")
def _():
    if not as_root():
        raise Skip("only root sees the descriptors")
    with served() as (server, client):
        others = {fd: what for fd, what
                  in descriptors(server.one("postern-keeper")).items()
                  if fd > 2 and not what.startswith(server.joe.root)}
        equal(len(others), 1, f"all but its Maildir: {others}")
        check(all(what.startswith("socket:") for what in others.values()),
              f"a socket: {others}")
        client.ok("QUIT")


@suite.case("nobody of the same user can trace a worker or a keeper")
def _():
    if not as_root():
        raise Skip("needs two users")
    with served() as (server, client):
        for name in NAMES:
            process = server.one(name)
            owner = os.stat(f"/proc/{process.pid}/status")
            equal(owner.st_uid, 0, f"{name} is not dumpable: its /proc")
        client.ok("QUIT")


def inject(process, call):
    """Let a process make a call; return what came of it."""
    ran = subprocess.run([program("tests/inject"), str(process.pid), *call],
                         capture_output=True, text=True, check=False)
    if ran.returncode == CANT_RUN:
        raise Skip("no injection on this processor")
    equal(ran.returncode, 0, f"inject: {ran.stderr}")
    return ran.stdout.strip()


def forget_alarms(server):
    """This case has killed: let the log be without alarms again."""
    with server.logged:
        server.log[:] = [line for line in server.log if not re.search(
            r"killed by signal 31|signer ended", line)]


def expect_answers(name, call, wanted):
    """Inject one call into a live process 'name' of a logged-in session."""
    if not as_root():
        raise Skip("only root traces them")
    with served() as (server, client):
        whole(server)
        if wanted == KILLED and call is OPEN and has_sanitizer():
            wanted = NO_RIGHT
        process = server.one(name)
        got = inject(process, call)
        equal(got, wanted or f"result {process.pid}", f"{call} in {name}")
        if got == KILLED:
            client.close()
            expect_attack_logged(server, name, process)
            forget_alarms(server)
        else:
            equal(client.count(), 3, "messages, as before")
            client.retrieve(1)
            client.ok("QUIT")


def expect_attack_logged(server, name, process):
    """Expect the line of a process that was killed, and a server that lives."""
    if name == "postern-signer":
        server.wait_for_log(r"the signer ended \(status 31\)")
    else:
        kind = name.rpartition("-")[2]
        server.wait_for_log(f"{kind} {process.pid} killed by signal 31; "
                            r"ip=\[127\.0\.0\.1\]")
    with log_in(server, "tls") as client:
        equal(client.count(), 3, "messages of the next session")
        client.ok("QUIT")


for what, call, for_network, for_keeper in INJECTED:
    for one in NAMES:
        wanted = for_keeper if one == "postern-keeper" else for_network
        suite.add(f"in a live {one} {what}", expect_answers, one, call,
                  wanted)


# --- kernels that have less ---

class Started(Server):
    """A server that is started by a command, with a setting of sandbox."""

    def __init__(self, *command, sandbox="auto", **options):
        super().__init__(**options)
        self.sandbox = sandbox
        self.start_by(*command)

    def start_by(self, *command):
        """Let 'command', with the program's path, start the program."""
        self.program = self.path("start")
        with open(self.program, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nexec {" ".join(command)} {program()} '
                       '"$@"\n')
        os.chmod(self.program, 0o755)

    def config_lines(self):
        """Yield the lines of the configuration."""
        yield f"sandbox = {self.sandbox}"
        yield from super().config_lines()


def old_kernel(lack, **options):
    """Return a server on a kernel that lacks something."""
    return Started(program("tests/old_kernel"), lack, **options)


def filters(process):
    """Return how many filters a process has, those of its parents too."""
    return int(process.status()["Seccomp_filters"])


def own_filters(server, name):
    """Return how many filters a process has put on itself."""
    master = next(process for process in server.processes()
                  if process.pid == server.pid)
    return filters(server.one(name)) - filters(master)


def use_all(server, joe):
    """Log in, read, remove; expect that all is as it should be."""
    with log_in(server, "tls") as client:
        equal(client.count(), 3, "messages")
        client.retrieve(2)
        client.ok("DELE 1")
        client.ok("QUIT")
    equal(len(joe.messages()), 2, "messages after the QUIT")


def works_with_less(lack, missing):
    """Expect one warning at the start, and a server that works."""
    with old_kernel(lack, pool={"max": "1"}) as server:
        joe = server.add_user("joe")
        line = server.wait_for_log("warning: confined by: (.*)")[1]
        check(re.search(missing, line), f"{missing} in {line}")
        wanted = int("system-call filters" in line.partition("missing")[0])
        with log_in(server, "tls") as client:
            for name in NAMES:
                equal(own_filters(server, name), wanted, f"{name}: filters")
                equal(server.one(name).status()["NoNewPrivs"], "1",
                      f"{name}: no new privileges")
            client.ok("QUIT")
        use_all(server, joe)
        check(server.reload(), "reloads")
        equal(sum("confined by" in line for line in server.log), 1,
              "lines about it")
        server.sandbox = "require"
        server.write_config()
        check(not server.reload(), "a reload that requires more is refused")
        equal(len(joe.messages()), 2, "messages")


def refuses_less(lack, missing):
    """Expect that a server that requires more does not start."""
    server = old_kernel(lack, sandbox="require")
    try:
        server.prepare()
        ran = subprocess.run(
            [server.program, "--config", server.config_path], timeout=60,
            capture_output=True, text=True, check=False)
    finally:
        server.remove_files()
    equal(ran.returncode, 1, "the exit status")
    check(re.search(f"sandbox = require, but there are no .*{missing}",
                    ran.stderr), f"{missing} in {ran.stderr}")


for lack, missing in (
        ("no-landlock", r"Landlock \("),
        ("no-seccomp", r"system-call filters \("),
        ("neither", r"system-call filters \(.* and Landlock \(")):
    suite.add(f"a kernel with {lack} is told of once, and serves",
              works_with_less, lack, missing)
    suite.add(f"with sandbox = require a kernel with {lack} does not do",
              refuses_less, lack, missing)


@suite.case("with sandbox = require a kernel that has all does")
def _():
    with served() as (server, _client):
        whole(server)
    with Started(sandbox="require") as server:
        use_all(server, server.add_user("joe"))
        server.wait_for_log("^postern: confined by: ")


@suite.case("with sandbox = off no filter is there, and the log warns")
def _():
    with Started(sandbox="off", pool={"max": "1"}) as server:
        joe = server.add_user("joe")
        server.wait_for_log("warning: sandbox = off")
        with log_in(server, "tls") as client:
            for name in NAMES:
                equal(own_filters(server, name), 0, f"{name}: filters")
                equal(server.one(name).status()["NoNewPrivs"], "1",
                      f"{name}: no new privileges")
            client.ok("QUIT")
        use_all(server, joe)


# --- who needs no root, and who is somewhere else ---

class Ordinary(Started):
    """A server of an ordinary user, with mail of that user."""

    def __init__(self, **options):
        super().__init__("setpriv", f"--reuid={ORDINARY_UID}",
                         f"--regid={ORDINARY_UID}", "--clear-groups",
                         "--inh-caps=-all", **options)
        self.users.append(f"joe:{{PLAIN}}secret:{ORDINARY_UID}:"
                          f"{ORDINARY_UID}::{self.path('home')}::")
        os.mkdir(self.path("home"), 0o700)
        self.joe = Maildir(self.path("home", "Maildir"), ORDINARY_UID,
                           "three")

    def start(self):
        """Start it, with files that are its own."""
        for place, folders, files in os.walk(self.directory):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(place, name), ORDINARY_UID, ORDINARY_UID)
        super().start()


@suite.case("a server of an ordinary user is confined by all that needs no "
            "root")
def _():
    if not as_root():
        raise Skip("dialogues.py runs as an ordinary user")
    if not os.access(program(), os.X_OK) or subprocess.run(
            ["setpriv", f"--reuid={ORDINARY_UID}", "--clear-groups",
             "test", "-x", program()], check=False).returncode:
        raise Skip("the build tree is not open to others")
    with Ordinary(pool={"max": "1"}) as server:
        whole(server)
        with log_in(server, "tls") as client:
            for name in NAMES:
                expect_confined(server, name)
                equal(inject(server.one(name), DUMPABLE), NO_CALL,
                      f"prctl() in {name}")
            equal(inject(server.one("postern-keeper"), OPEN), ACCESS,
                  "open() in the keeper")
            client.ok("QUIT")
        use_all(server, server.joe)


@suite.case("a Maildir that is a link elsewhere is served whole")
def _():
    with Server() as server:
        joe = server.add_user("joe")
        elsewhere = server.path("disk")
        shutil.move(joe.root, elsewhere)
        os.symlink(elsewhere, joe.root)
        use_all(server, joe)


@suite.case("for a Maildir that is a folder the maildirsize above it is kept")
def _():
    with Server(mailbox={"path": '"~/Maildir/.Sub"'}) as server:
        joe = server.add_user("joe")
        folder = joe.folder("Sub")
        joe.deliver(".Sub/maildirfolder", b"")
        joe.deliver("maildirsize", b"1000000S\n3000 3\n")
        use_all(server, folder)
        with open(joe.path("maildirsize"), "rb") as file:
            lines = file.read().split(b"\n")
        check(re.fullmatch(rb" *-\d+ +-1", lines[2]),
              f"what was removed: {lines}")


# --- the log of a process that can't call syslog any more ---

class Syslog(Started):
    """A server that logs to a syslog of ours, in a /dev of its own."""

    def __init__(self):
        super().__init__(log={"target": "syslog", "level": "debug"})
        self.start_by("unshare", "--mount", self.path("with-syslog"))
        with open(self.path("with-syslog"), "w", encoding="ascii") as file:
            file.write(f"""#!/bin/sh -e
mount -t tmpfs none {self.path("dev")}
for name in null zero random urandom; do
    touch {self.path("dev")}/$name
    mount --bind /dev/$name {self.path("dev")}/$name
done
ln -s {self.path("log")} {self.path("dev")}/log
mount --rbind {self.path("dev")} /dev
exec "$@"
""")
        os.chmod(self.path("with-syslog"), 0o755)
        os.mkdir(self.path("dev"))
        self.syslog = None

    def listen_syslog(self):
        """Be the syslog, or be it once more after a restart."""
        if self.syslog:
            self.syslog.close()
            os.unlink(self.path("log"))
        self.syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.syslog.bind(self.path("log"))
        os.chmod(self.path("log"), 0o666)
        threading.Thread(target=self.read_syslog, args=(self.syslog,),
                         daemon=True).start()

    def read_syslog(self, source):
        """Collect what comes, as if it had come on standard error."""
        with contextlib.suppress(OSError):
            while line := source.recv(65536):
                text = re.sub(r"^<\d+>.{15} (postern)\[\d+\]: ", r"\1: ",
                              line.decode("utf-8", "replace"))
                with self.logged:
                    self.log.append(text)
                    self.logged.notify_all()

    def start(self):
        """Start the syslog, then the server."""
        self.listen_syslog()
        super().start()


@suite.case("a keeper logs to syslog, and outlives a syslog that restarts")
def _():
    if not as_root() or not shutil.which("unshare"):
        raise Skip("only root can have a /dev of its own")
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none",
                       "/mnt"], check=False, capture_output=True).returncode:
        raise Skip("no mount is permitted here")
    with Syslog() as server:
        joe = server.add_user("joe")
        use_all(server, joe)
        server.wait_for_log("user=joe: removed ")
        with log_in(server, "tls") as client:
            client.ok("DELE 1")
            server.listen_syslog()
            client.ok("QUIT")
        equal(len(joe.messages()), 1, "messages")
        start = len(server.log)
        with log_in(server, "tls") as client:
            client.ok("DELE 1")
            client.ok("QUIT")
        server.wait_for_log("user=joe: removed ", start)


def main():
    """Run the cases."""
    run_cases(suite)


if __name__ == "__main__":
    main()
