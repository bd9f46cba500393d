#!/usr/bin/env python3
"""What is installed for those who start Postern: units, scripts, lines."""

import grp
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             equal, run_cases)
from postern_testing.programs import environ, find
from postern_testing.server import program
from postern_testing.tap import environment

suite = Suite()
case = suite.case

# The exposure that systemd-analyze finds, from 0 to 10, and the most of it.
EXPOSURES = {"postern.service": 2.8, "postern-virtual.service": 1.5,
             "postern-inetd-pop3@.service": 2.8,
             "postern-inetd-pop3s@.service": 2.8}


def build_tree():
    """Return the folder in which this was built."""
    return os.path.dirname(program())


def call(*command, **options):
    """Run a command; return what it printed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False, timeout=300,
                          **options)
    equal(done.returncode, 0, f"status of {command}:\n{done.stderr}")
    return done.stdout


class Installed:
    """A whole installation below a folder of its own."""

    def __enter__(self):
        self.root = tempfile.mkdtemp(prefix="postern-installed-")
        call("make", "-C", build_tree(), "install", f"DESTDIR={self.root}",
             env={key: value for key, value in os.environ.items()
                  if not key.startswith(("MAKE", "MFLAGS"))})
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def files(self):
        """Return {name: path} of what was installed."""
        return {os.path.join(folder, name)[len(self.root):]:
                os.path.join(folder, name)
                for folder, _, names in os.walk(self.root) for name in names}

    def find(self, end):
        """Return the path of the one file whose name ends so."""
        found = [path for name, path in self.files().items()
                 if name.endswith(end)]
        equal(len(found), 1, f"files that end in {end}")
        return found[0]

    def units(self):
        """Copy the units, so that they start programs that are there."""
        folder = os.path.join(self.root, "units")
        os.makedirs(folder)
        for name, path in self.files().items():
            if "/systemd/" in name:
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                text = re.sub(r"(?m)^ExecStart=(/)", rf"ExecStart={self.root}\1",
                              text)
                text = re.sub(r"(?m)^Documentation=.*\n", "", text)
                with open(os.path.join(folder, os.path.basename(path)), "w",
                          encoding="utf-8") as file:
                    file.write(text)
        return folder


@case("make install puts every file where it belongs, with its paths")
def _():
    with Installed() as installed:
        files = installed.files()
        for end in ("/lib/systemd/system/postern.service",
                    "/lib/sysusers.d/postern.conf",
                    "/lib/tmpfiles.d/postern.conf",
                    "/supervisors/openrc/postern", "/supervisors/s6/run",
                    "/supervisors/inetd/postern",
                    "/supervisors/xinetd/postern-pop3",
                    "/supervisors/tcpserver/postern-pop3s"):
            path = installed.find(end)
            with open(path, encoding="utf-8") as file:
                check("@" not in re.sub(r"@(system-service|resources|keyring"
                                        r"|privileged|memlock|setuid)\b", "",
                                        file.read()), f"{end} has an @")
        server = next(name for name in files if name.endswith("sbin/postern"))
        for name, path in files.items():
            if "/supervisors/" in name or "/systemd/" in name:
                with open(path, encoding="utf-8") as file:
                    for found in re.findall(r"/\S+/postern(?= |$)",
                                            file.read(), re.M):
                        check(found in (server, "/run/postern",
                                        "/etc/init.d/postern"),
                              f"{name} says {found}")


@case("what is installed is uninstalled")
def _():
    with Installed() as installed:
        call("make", "-C", build_tree(), "uninstall",
             f"DESTDIR={installed.root}",
             env={key: value for key, value in os.environ.items()
                  if not key.startswith(("MAKE", "MFLAGS"))})
        equal(sorted(installed.files()), [], "what is left")


@case("systemd finds no fault with any unit")
def _():
    analyze = find("systemd-analyze")
    with Installed() as installed:
        folder = installed.units()
        done = subprocess.run(
            [analyze, "verify", "--man=no", *(
                os.path.join(folder, name) for name in os.listdir(folder))],
            env=environ(analyze, SYSTEMD_UNIT_PATH=f"{folder}:"),
            capture_output=True, text=True, check=False, timeout=120)
        mine = [line for line in done.stderr.splitlines() if "postern" in line
                and "Failed to create" not in line]
        equal(mine, [], "complaints")


@case("the units expose as little as they may")
def _():
    analyze = find("systemd-analyze")
    with Installed() as installed:
        folder = installed.units()
        for name, most in EXPOSURES.items():
            done = subprocess.run(
                [analyze, "security", "--offline=yes",
                 os.path.join(folder, name)], env=environ(analyze),
                capture_output=True, text=True, check=False, timeout=120)
            found = re.search(r"Overall exposure level for \S+: ([\d.]+)",
                              done.stdout)
            check(found, f"no verdict on {name}: {done.stderr}")
            print(f"# {name}: {found[1]}")
            check(float(found[1]) <= most, f"{name} has {found[1]}")


class Bounded(Server):
    """A server that has no more capabilities than its unit gives."""

    def start(self):
        """Start it by setpriv."""
        with open(os.path.join(build_tree(), "supervisors", "systemd",
                               "postern.service"), encoding="ascii") as unit:
            names = re.findall(r"\bCAP_(\w+)", "".join(
                line for line in unit
                if line.startswith("CapabilityBoundingSet=")))
        check(len(names) >= 5, f"capabilities: {names}")
        bounds = ",".join(["-all", *(f"+{name.lower()}" for name in names)])
        self.program = self.path("bounded")
        with open(self.program, "w", encoding="ascii") as script:
            script.write("#!/bin/sh\nexec setpriv --no-new-privs "
                         f"--bounding-set={bounds} {program()} \"$@\"\n")
        os.chmod(self.program, 0o755)
        super().start()


@case("the capabilities of the unit are enough")
def _():
    if not as_root() or not shutil.which("setpriv"):
        raise Skip("only root has capabilities to lose, by setpriv")
    server = Bounded()
    server.sections["control"] = {
        "path": f'"{server.path("run", "socket")}"', "group": '"mail"'}
    with server:
        found = os.stat(server.path("run", "socket"))
        equal((stat.S_IMODE(found.st_mode), found.st_gid),
              (0o660, grp.getgrnam("mail").gr_gid), "who may ask the server")
        maildir = server.add_user("joe")
        with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
            check("CapBnd:\t000001ffffffffff" not in file.read(),
                  "nothing is bounded")
        os.chmod(server.path("users"), 0o600)
        os.chown(server.path("users"), 12345, 12345)
        with Client(server, "tls") as client:
            client.login("joe")
            client.ok("DELE 1")
            client.ok("QUIT")
        equal(len(maildir.messages()), 2, "messages left")
        check(server.reload(), "the reload is refused")
        with Client(server) as client:
            client.login("joe")
            equal(server.stop(signal.SIGINT), 0, "the exit status")


@case("the accounts of sysusers.d are those of the built-in settings")
def _():
    settings = call(program(), "--print-config",
                    env=os.environ | {"HOME": "/"})
    with Installed() as installed:
        with open(installed.find("sysusers.d/postern.conf"),
                  encoding="ascii") as file:
            accounts = re.findall(r"(?m)^u (\S+)", file.read())
    wanted = re.findall(r'(?m)^(?:signer-)?user = "(.*)"', settings)
    equal(sorted(accounts), sorted(wanted), "accounts")


@case("scripts are sound shell, and lines are those of inetd")
def _():
    with Installed() as installed:
        for end in ("/supervisors/openrc/postern", "/supervisors/s6/run",
                    "/supervisors/tcpserver/postern-pop3"):
            call("sh", "-n", installed.find(end))
        with open(installed.find("/supervisors/inetd/postern"),
                  encoding="ascii") as file:
            for line in file:
                check(line.startswith("#") or len(line.split()) == 8,
                      f"{line} has not the fields of inetd.conf")


run_cases(suite)
