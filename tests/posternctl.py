#!/usr/bin/env python3
"""posternctl passwd: what it makes of a file, and who may come in then."""

import base64
import contextlib
import hashlib
import hmac
import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import threading
import time

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             equal, mail_uid, matches, run_cases)
from postern_testing import sasl
from postern_testing.server import program

suite = Suite()
case = suite.case

OTHERS = (b"# users of the house\n\nann:{PLAIN}x:5:5:Ann, of the house:/h/ann:"
          b"/bin/sh:mail=x  y=z\nno colon\n \nbert:!:::::\nann:twice\n"
          b"#joe:{PLAIN}comment\njo:x\njoey:x\nbad\xff:\0:x\n")
SECONDS = 60


@contextlib.contextmanager
def users(octets=OTHERS, mode=0o640):
    """Make a directory with a passwd-file; yield the file's path."""
    with tempfile.TemporaryDirectory(prefix="posternctl-") as directory:
        path = os.path.join(directory, "users")
        if octets is not None:
            with open(path, "wb") as file:
                file.write(octets)
            os.chmod(path, mode)
        yield path


def read(path):
    """Return the octets of a file."""
    with open(path, "rb") as file:
        return file.read()


def ctl(*arguments, password="secret", code=0):
    """Run posternctl with a password on standard input; return its errors."""
    done = subprocess.run([program("posternctl"), *arguments],
                          input=password.encode(), capture_output=True,
                          check=False, timeout=SECONDS)
    equal(done.returncode, code, f"exit code; it said {done.stderr}")
    for secret in (b"$y$", b"4096,", *re.findall(rb"\S{4,}",
                                                 password.encode())):
        check(secret not in done.stdout + done.stderr, "it told a secret")
    return done.stderr


def passwd(path, *arguments, **more):
    """Run posternctl passwd on a file."""
    return ctl("passwd", "--file", path, *arguments, **more)


def fields(path, user):
    """Return the fields of the only line of a user."""
    found = [line for line in read(path).split(b"\n")
             if line.startswith(user.encode() + b":")]
    equal(len(found), 1, f"lines of {user}")
    return found[0].decode().split(":", 7)


def keys(field, digest, password=b"secret"):
    """Check that "4096,salt,StoredKey,ServerKey" are keys of the password."""
    count, salt, stored, server = field.split(",")
    equal(count, "4096", "iterations")
    equal(len(base64.b64decode(salt)), 16, "octets of salt")
    salted = hashlib.pbkdf2_hmac(digest, password, base64.b64decode(salt),
                                 4096)
    client = hmac.new(salted, b"Client Key", digest).digest()
    equal(base64.b64decode(stored), hashlib.new(digest, client).digest(),
          "the StoredKey")
    equal(base64.b64decode(server),
          hmac.new(salted, b"Server Key", digest).digest(), "the ServerKey")


def check_secrets(words, password=b"secret"):
    """Check the two extra fields at the end of a list."""
    matches(rb"scram-sha-1=\S+", words[-2].encode(), "the last but one")
    matches(rb"scram-sha-256=\S+", words[-1].encode(), "the last")
    keys(words[-2].split("=", 1)[1], "sha1", password)
    keys(words[-1].split("=", 1)[1], "sha256", password)


@case("a new user is added at the end, and nothing else is changed")
def _():
    for octets in (OTHERS, OTHERS[:-1], b""):
        with users(octets) as path:
            passwd(path, "joe", password="secret\nrest")
            new = read(path)
            whole = octets if octets[-1:] in (b"\n", b"") else octets + b"\n"
            equal(new[:len(whole)], whole, "what was there")
            got = fields(path, "joe")
            matches(rb"\$y\$\S+", got[1].encode(), "the hash")
            equal(got[2:7], [""] * 5, "fields between")
            check_secrets(got[7].split(" "))
            equal(len(got[7].split(" ")), 2, "extra fields")


@case("a user is changed in place; other fields, users, comments stay")
def _():
    with users(OTHERS + b"joe:{PLAIN}old:7:8:Joe:/h/joe:/sh:a=b scram_sha_1=x "
               b"nologin scram-sha-256=y c\nlast:x") as path:
        passwd(path, "joe")
        got = fields(path, "joe")
        equal(got[2:7], ["7", "8", "Joe", "/h/joe", "/sh"], "fields between")
        words = got[7].split(" ")
        equal(words[:3], ["a=b", "nologin", "c"], "extra fields that stay")
        check_secrets(words)
        equal(len(words), 5, "extra fields")
        line = ":".join(got).encode()
        equal(read(path), OTHERS + line + b"\nlast:x\n", "the file")


@case("of several lines the first is changed, and all are removed")
def _():
    with users() as path:
        passwd(path, "ann")
        lines = read(path).split(b"\n")
        before = OTHERS.split(b"\n")
        matches(rb"ann:\$y\$.*:5:5:Ann, of the house:/h/ann:/bin/sh:mail=x y=z"
                rb" scram-sha-1=\S+ scram-sha-256=\S+", lines[2], "the first")
        equal(lines[:2] + lines[3:], before[:2] + before[3:], "all others")
        passwd(path, "--delete", "ann", password="")
        equal(read(path), b"".join(
            line for line in OTHERS.splitlines(True)
            if not line.startswith(b"ann:")), "without ann")
        matches(rb".*there is no user ann\n",
                passwd(path, "-d", "ann", password="", code=1), "again")


@case("a lock keeps the password, and is undone")
def _():
    with users(b"a:b\nann:{PLAIN}x:::::::scram-sha-1=x\nc:*\n") as path:
        before = read(path)
        passwd(path, "--lock", "ann", password="")
        passwd(path, "--lock", "ann", password="")
        check(fields(path, "ann")[7].split(" ").count("nologin") == 1,
              "nologin is there once")
        equal(fields(path, "ann")[1], "{PLAIN}x", "the hash")
        passwd(path, "--unlock", "ann", password="")
        equal(read(path), before, "the file")
        matches(rb".*c still has no password.*",
                passwd(path, "--unlock", "c", password=""), "c")
        for option in ("--lock", "--unlock", "--delete"):
            now = read(path)
            passwd(path, option, "bob", password="", code=1)
            equal(read(path), now, "the file")


@case("owner and permissions stay; a new file is for its maker only")
def _():
    with users(mode=0o640) as path:
        if as_root():
            os.chown(path, mail_uid(0), mail_uid(1))
            os.chmod(path, 0o640)
        before = os.stat(path)
        passwd(path, "joe")
        after = os.stat(path)
        equal((after.st_mode, after.st_uid, after.st_gid),
              (before.st_mode, before.st_uid, before.st_gid), "the file's")
        check(after.st_ino != before.st_ino, "it was written in place")
        equal(sorted(os.listdir(os.path.dirname(path))),
              ["users", "users.lock"], "files")
        equal(os.stat(path + ".lock").st_mode & 0o777, 0o600, "the lock's")
    with users(None) as path:
        passwd(path, "joe")
        equal(os.stat(path).st_mode & 0o777, 0o600, "permissions")


@case("what can't be kept is refused, and stays as it was")
def _():
    with users() as path:
        link = path + "-link"
        os.symlink(path, link)
        matches(rb"posternctl: .*: is a symbolic link: .*\n",
                passwd(link, "joe", code=1), "a symbolic link")
        check(os.path.islink(link), "the link is gone")
        os.unlink(link)
        os.link(path, link)
        matches(rb".*hard link.*", passwd(path, "joe", code=1), "a hard link")
        os.unlink(link)
        os.mkfifo(link)
        matches(rb".*not a regular file\n", passwd(link, "joe", code=1),
                "a FIFO")
        os.unlink(path + ".lock")
        os.symlink("/dev/null", path + ".lock")
        matches(rb".*can't open users\.lock.*", passwd(path, "joe", code=1),
                "a link as the lock")
        passwd(os.path.join(path, "users"), "joe", code=1)
        passwd(os.path.dirname(path) + "/", "joe", code=1)
        passwd(os.path.join(path + "-none", "users"), "joe", code=1)
        equal(read(path), OTHERS, "the file")


@case("a wrong line of the user is told by its number")
def _():
    with users(OTHERS + b"joe:x\r\n") as path:
        for option in ((), ("--lock",)):
            matches(rb".*users:12: the user's line has a control character\n",
                    passwd(path, *option, "joe", code=1), "it said")
        equal(read(path), OTHERS + b"joe:x\r\n", "the file")
        passwd(path, "--delete", "joe")
        equal(read(path), OTHERS, "without joe")


@case("bad names, passwords and options change nothing")
def _():
    with users() as path:
        for name in ("", "a:b", "#a", ".a", "a/b", "a\nb", "x" * 256):
            passwd(path, name, code=2)
        for password in ("", "\n", "a\tb\n", "a\0b\n", "x" * 512, "\r\n"):
            passwd(path, "joe", password=password, code=1)
        passwd(path, code=2)
        passwd(path, "joe", "jim", code=2)
        passwd(path, "--lock", "--delete", "ann", code=2)
        passwd(path, "--config", path, "ann", code=2)
        passwd(path, "--none", "ann", code=2)
        ctl(code=2)
        ctl("unheard", code=2)
        ctl("passwd", "--config", path + "-none", "joe", code=1)
        equal(read(path), OTHERS, "the file")
        passwd(path, "joe", password="x" * 511)
        passwd(path, "x" * 255)


@case("without --file the first passwd-file of the settings is changed")
def _():
    with users() as path, open(path + ".conf", "w+", encoding="utf-8") as file:
        file.write('auth {\nbackend "a" { type = program  '
                   'command = { "/bin/false" } }\n'
                   f'backend "b" {{ type = passwd-file  path = "{path}" }}\n'
                   'backend "c" { type = passwd-file  path = "/none/c" }\n}\n'
                   'tls { certificate = "/none"  key = "/none" }\n')
        file.flush()
        ctl("passwd", "--config", file.name, "joe")
        fields(path, "joe")
        file.truncate(0)
        file.seek(0)
        file.write('auth { backend "a" { type = program  command = '
                   '{ "/bin/false" } } }\n')
        file.flush()
        matches(rb".*names no passwd-file.*",
                ctl("passwd", "-c", file.name, "joe", code=1), "it said")


@contextlib.contextmanager
def terminal(path, user):
    """Run posternctl at a terminal; yield it and the terminal's master.

    A suite in the background may have SIGINT ignored: it must not be here.
    """
    if not shutil.which("setsid"):
        raise Skip("setsid is not installed (Debian package util-linux)")
    master, slave = pty.openpty()
    with subprocess.Popen(["setsid", "--ctty", program("posternctl"),
                           "passwd", "--file", path, user], stdin=slave,
                          stdout=slave, stderr=slave,
                          preexec_fn=lambda: signal.signal(
                              signal.SIGINT, signal.SIG_DFL)) as process:
        try:
            yield process, master, slave
        finally:
            process.kill()
            os.close(master)
            os.close(slave)


def read_until(master, wanted):
    """Read from a terminal until it has shown some text."""
    shown = b""
    while wanted not in shown:
        check(select.select([master], [], [], SECONDS)[0],
              f"the terminal shows no more than {shown}")
        octets = os.read(master, 1024)
        shown += octets
    return shown


def answer(path, first, second, code):
    """Answer both questions; return what the terminal has shown."""
    with terminal(path, "joe") as (process, master, _):
        shown = read_until(master, b"New password of joe: ")
        os.write(master, first + b"\n")
        shown += read_until(master, b"The same again for joe: ")
        os.write(master, second + b"\n")
        equal(process.wait(SECONDS), code, "exit code")
        return shown + read_until(
            master, b"passwords\r\n" if code else b"\n")


@case("at a terminal the password is asked for twice, and not shown")
def _():
    with users() as path:
        shown = answer(path, b"two words", b"two words", 0)
        check(b"two words" not in shown, f"it shows {shown}")
        check_secrets(fields(path, "joe")[7].split(" "), b"two words")
        before = read(path)
        shown = answer(path, b"two words", b"two worlds", 1)
        check(b"two different" in shown, f"it shows {shown}")
        check(b"wor" not in shown.replace(b"passwords", b"").replace(
            b"password", b""), f"it shows {shown}")
        equal(read(path), before, "the file")


@case("a signal at the question leaves the terminal as it was")
def _():
    with users() as path, terminal(path, "joe") as (process, master, slave):
        read_until(master, b"New password of joe: ")
        check(not termios.tcgetattr(slave)[3] & termios.ECHO, "it echoes")
        os.write(master, b"abc\x03")
        equal(process.wait(SECONDS), -2, "exit status")
        check(termios.tcgetattr(slave)[3] & termios.ECHO, "no echo any more")
        equal(read(path), OTHERS, "the file")


@case("of many at the same time no change gets lost")
def _():
    with users() as path:
        errors = []

        def change(name):
            try:
                passwd(path, name)
                passwd(path, "--lock", name)
            except AssertionError as error:
                errors.append(error)

        names = [f"user{n}" for n in range(8)]
        threads = [threading.Thread(target=change, args=(name,))
                   for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(errors, [], "errors")
        for name in names:
            check(" nologin" in fields(path, name)[7], f"{name} has no lock")
        check(read(path).startswith(OTHERS), "the others have changed")


@case("kill -9 at any moment leaves the old or the new file whole")
def _():
    many = b"".join(b"user%d:{PLAIN}x:5:5::/h/%d::a=b\n" % (n, n)
                    for n in range(20000))
    with users(many) as path:
        command = [program("posternctl"), "passwd", "--file", path]
        old = many
        new = many.replace(b"user7:{PLAIN}x:5:5::/h/7::a=b\n",
                           b"user7:{PLAIN}x:5:5::/h/7::a=b nologin\n")
        begin = time.monotonic()
        passwd(path, "--lock", "user7")
        took = time.monotonic() - begin
        equal(read(path), new, "a change that is not killed")
        killed = 0
        for turn in range(40):
            option = "--lock" if turn % 2 else "--unlock"
            with subprocess.Popen([*command, option, "user7"],
                                  stderr=subprocess.DEVNULL) as process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(random.uniform(0, took))
                process.kill()
            killed += process.returncode == -9
            check(read(path) in (old, new), f"turn {turn} left half a file")
        check(killed > 0, "none was killed")
        passwd(path, "--unlock", "user7")
        equal(read(path), old, "the file")
        equal(sorted(os.listdir(os.path.dirname(path))),
              ["users", "users.lock"], "files")


@case("a full disk leaves the old file")
def _():
    with users(b"ann:{PLAIN}x\n" * 1000) as path:
        before = read(path)
        done = subprocess.run(
            ["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "sh",
             program("posternctl"), "passwd", "--file", path, "joe"],
            input=b"secret\n", capture_output=True, check=False,
            timeout=SECONDS)
        equal(done.returncode, 1, f"exit code; it said {done.stderr}")
        matches(rb".*File too large\n", done.stderr, "it said")
        equal(read(path), before, "the file")
        equal(sorted(os.listdir(os.path.dirname(path))),
              ["users", "users.lock"], "files")


def by_scram(client, user, password):
    """Log in by SCRAM-SHA-256."""
    exchange = sasl.Scram(sasl.DIGESTS["SCRAM-SHA-256"], user, password)
    return sasl.scram(client, "SCRAM-SHA-256", exchange)


def by_pass(client, user, password):
    """Log in by USER and PASS."""
    client.ok(f"USER {user}")
    return client.ask(f"PASS {password}")


def try_ways(server, user, password, wanted):
    """Try both ways with a password."""
    for way in (by_pass, by_scram):
        with Client(server) as client:
            matches(wanted, way(client, user, password), way.__doc__)


@case("whoever was added, changed, locked or removed comes in or not, by PASS "
      "and by SCRAM, while the server runs")
def _():
    right, wrong = rb"\+OK \d+ messages? .*", rb"-ERR \[AUTH\] .*"
    with Server() as server:
        server.add_user("jim")
        server.add_user("joe", password="old")
        path = server.path("users")
        add = ("passwd", "--config", server.config_path)
        try_ways(server, "joe", "old", right)
        ctl(*add, "joe", password="new one")
        try_ways(server, "joe", "new one", right)
        try_ways(server, "joe", "old", wrong)
        ctl(*add, "--lock", "joe")
        try_ways(server, "joe", "new one", wrong)
        ctl(*add, "--unlock", "joe")
        try_ways(server, "joe", "new one", right)
        ctl(*add, "--delete", "joe")
        try_ways(server, "joe", "new one", wrong)
        check(not re.search(rb"^joe:", read(path), re.M), "joe is there")


@case("a user added to settings that say the rest comes in at once")
def _():
    uid = mail_uid()
    gid = uid if as_root() else os.getegid()
    with tempfile.TemporaryDirectory(prefix="posternctl-") as home:
        os.chmod(home, 0o711)
        os.mkdir(os.path.join(home, "ann"), 0o700)
        os.chown(os.path.join(home, "ann"), uid, gid)
        with Server(backend=f'uid = "{uid}"  gid = "{gid}"  '
                    f'home = "{home}/%u"') as server:
            ctl("passwd", "-c", server.config_path, "ann",
                password="pässwort\n")
            try_ways(server, "ann", "pässwort", rb"\+OK 0 messages .*")


if __name__ == "__main__":
    run_cases(suite)
