"""The servers that are compared, each in a place of its own, and their CPU."""

import contextlib
import grp
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

START_S = 10
IS_ROOT = os.geteuid() == 0
MAIL_USER = "games" if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
MAIL_UID, MAIL_GID = pwd.getpwnam(MAIL_USER)[2:4]


def wait_for(condition, what):
    """Poll until 'condition' returns something true, for START_S at most."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)
    raise RuntimeError(f"{what} took more than {START_S} s")


def free_ports(count):
    """Numbers of ports that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class CgroupMeter:
    """The CPU that the processes of one control group have used."""

    V1 = pathlib.Path("/sys/fs/cgroup/cpuacct")
    V2 = pathlib.Path("/sys/fs/cgroup")

    def __init__(self, name):
        base = self.V1 if self.V1.is_dir() else self.V2
        self.path = base / f"postern-bench-{os.getpid()}-{name}"
        self.path.mkdir()

    @classmethod
    def works(cls):
        """Say whether we may make control groups."""
        try:
            meter = cls("probe")
        except OSError:
            return False
        works = (meter.path / "cgroup.procs").exists()
        meter.close()
        return works

    def enter(self):
        """Put the calling process into the group."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self, _pid):
        """User and system time of all that ever ran in the group."""
        usage = self.path / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        text = (self.path / "cpu.stat").read_text()
        return int(re.search(r"usage_usec (\d+)", text)[1]) / 1e6

    def kill(self, _pid):
        """Kill all that run in the group."""
        for pid in (self.path / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def close(self):
        """Remove the group, once its processes have gone."""
        def removed():
            try:
                self.path.rmdir()
            except OSError:
                return False
            return True
        wait_for(removed, f"removing {self.path}")


class ProcMeter:
    """The same from /proc, in ticks of 10 ms, where we may not make groups."""

    def __init__(self, _name):
        self.tick = os.sysconf("SC_CLK_TCK")

    def enter(self):
        """Nothing to do."""

    def close(self):
        """Nothing to do."""

    def kill(self, pid):
        """Kill 'pid'; the others find out."""
        os.kill(pid, signal.SIGKILL)

    def seconds(self, pid):
        """User and system time of 'pid', its descendants and the reaped."""
        stats = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            stats[int(path.parent.name)] = fields
        family, ticks = {pid}, 0
        for child in sorted(stats):
            if child == pid or int(stats[child][1]) in family:
                family.add(child)
                ticks += sum(int(field) for field in stats[child][11:15])
        return ticks / self.tick


Meter = CgroupMeter if CgroupMeter.works() else ProcMeter


class Server:
    """A running server; 'name' is also its directory below 'top'."""

    def __init__(self, name, top, certificate, key):
        self.name = name
        self.directory = top / name.replace(" ", "-")
        self.directory.mkdir()
        self.directory.chmod(0o755)
        self.certificate, self.key = certificate, key
        self.log = self.directory / "log"
        self.meter = Meter(self.directory.name)
        self.users = self.directory / "users"
        shutil.copytree(top / "mail", self.directory / "mail")
        for parent, directories, files in os.walk(self.directory / "mail"):
            for entry in [".", *directories, *files]:
                os.chown(os.path.join(parent, entry), MAIL_UID, MAIL_GID)
        self.users.write_text("".join(
            f"{box.name}:{{PLAIN}}secret:{MAIL_UID}:{MAIL_GID}::{box}::\n"
            for box in sorted((self.directory / "mail").iterdir())))
        self.process = None
        self.ports = {}

    def spawn(self, *command):
        """Start 'command' in the group of its meter, its output in our log."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.meter.enter)

    def cpu_seconds(self):
        """CPU that the server has used since its start."""
        return self.meter.seconds(self.process.pid)

    def stop(self):
        """End the server that we started."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(START_S)
            except subprocess.TimeoutExpired:
                # It waits for a session that a failure has left behind.
                self.meter.kill(self.process.pid)
                self.process.wait(START_S)
        self.meter.close()

    def said(self):
        """The end of the server's log, for a message about a failure."""
        return self.log.read_text(errors="replace")[-1000:]


class Dovecot(Server):
    """Dovecot in its high-performance mode, or with processes as it ships."""

    CONFIG = """
protocols = pop3
listen = 127.0.0.1
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {users}
}}
userdb {{
  driver = passwd-file
  args = {users}
}}
service pop3-login {{
{login}
  inet_listener pop3 {{
    port = {ports[pop3]}
  }}
  inet_listener pop3s {{
    port = {ports[pop3s]}
    ssl = yes
  }}
}}
service pop3 {{
  vsz_limit = 4 G
{pop3}
}}
"""
    # How processes are used: again and again, or each for one session.
    REUSED = {
        "login": "  service_count = 0\n  process_min_avail = 4",
        "pop3": "  service_count = 1000\n  process_min_avail = 4",
    }
    AS_SHIPPED = {"login": "", "pop3": ""}
    WITHOUT_ROOT = """
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service anvil {{
  chroot =
}}
service pop3-login {{
  chroot =
}}
"""

    def start(self, program, processes):
        """Start on ports that are free, trying again if one was taken."""
        for _ in range(5):
            self.ports = dict(zip(("pop3", "pop3s"), free_ports(2)))
            self.write_config(processes)
            self.spawn(program, "-F", "-c", self.directory / "dovecot.conf")
            if wait_for(self.is_decided, "the start of Dovecot") == "up":
                return
        raise RuntimeError(f"Dovecot did not start: {self.said()}")

    def write_config(self, processes):
        """Write dovecot.conf for what this server is told to do."""
        text = self.CONFIG + ("" if IS_ROOT else self.WITHOUT_ROOT)
        group = grp.getgrgid(os.getegid()).gr_name
        (self.directory / "dovecot.conf").write_text(text.format(
            **vars(self), **processes, user=MAIL_USER, group=group))

    def is_decided(self):
        """Say "up" or "down" as soon as one of them is sure."""
        if self.process.poll() is not None:
            return "down"
        try:
            with socket.create_connection(
                    ("127.0.0.1", self.ports["pop3s"]), 1):
                return "up"
        except ConnectionRefusedError:
            return None


class Postern(Server):
    """Postern with so many sessions per worker."""

    CONFIG = """
user = "nobody"
signer-user = "daemon"
listen "pop3" {{ address = {{ "127.0.0.1" }} port = 0 tls = starttls }}
listen "pop3s" {{ address = {{ "127.0.0.1" }} port = 0 tls = implicit }}
tls {{ certificate = "{certificate}" key = "{key}" }}
auth {{
  cleartext = always
  backend "users" {{ type = passwd-file path = "{users}" }}
}}
mailbox {{ path = "~/Maildir" }}
pool {{ sessions-per-worker = {sessions} }}
limits {{ per-address = 0 }}
log {{ target = stderr }}
"""

    def start(self, program, sessions):
        """Start on ports that the system chooses."""
        config = self.directory / "postern.conf"
        config.write_text(self.CONFIG.format(**vars(self), sessions=sessions))
        self.spawn(program, "--config", config)
        ready = wait_for(self.read_ready, "the start of Postern")
        self.ports = {name: int(port) for name, port in re.findall(
            r"(pop3s?)=127\.0\.0\.1:(\d+)", ready[0])}

    def read_ready(self):
        """Return a match of the line that names the ports."""
        if self.process.poll() is not None:
            raise RuntimeError(f"Postern did not start: {self.said()}")
        return re.search(r"ready: .*\n", self.log.read_text())
