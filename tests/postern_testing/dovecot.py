"""A real Dovecot of which only the authentication runs, and a false one."""

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from . import predecessors, programs
from .processes import of_session, wait_until
from .server import as_root
from .tap import check

CONFIG = """
protocols =
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
libexec_dir = {programs}
import_environment = TZ LD_LIBRARY_PATH
ssl = no
auth_verbose = yes
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 1 secs
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
passdb {{
  driver = passwd-file
  args = {directory}/passdb
}}
userdb {{
  driver = passwd-file
  args = {directory}/userdb
}}
service auth {{
  unix_listener auth-client {{
    mode = 0600
    user = {owner}
  }}
  unix_listener auth-userdb {{
    mode = 0600
    user = {owner}
  }}
}}
service anvil {{
  chroot =
}}
"""


class DovecotAuth:
    """Dovecot's master, log, config, anvil and auth.  Use it in a with."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="postern-dovecot-")
        os.chmod(self.directory, 0o755)
        self.passdb, self.userdb = {}, {}
        self.process = None
        self.changes = 0

    @property
    def path(self):
        """Return the socket that checks passwords."""
        return os.path.join(self.directory, "run", "auth-client")

    @property
    def userdb_path(self):
        """Return the socket that tells who a user is."""
        return os.path.join(self.directory, "run", "auth-userdb")

    def add_user(self, name, password="secret", owner="", passdb=""):
        """Add a user.  owner: "uid:gid::home::fields" of the userdb."""
        self.passdb[name] = f"{name}:{{PLAIN}}{password}::::::{passdb}"
        self.userdb[name] = f"{name}::{owner}"
        self.write_users()

    def write_users(self):
        """Write both databases, which Dovecot looks at for each login."""
        for name in ("passdb", "userdb"):
            path = os.path.join(self.directory, name)
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n"
                                for line in getattr(self, name).values())
            os.chmod(path + ".new", 0o644)
            # Dovecot sees a change by the time of it, in seconds.
            self.changes += 1
            os.utime(path + ".new", (1700000000 + self.changes,) * 2)
            os.rename(path + ".new", path)

    def write_config(self):
        """Write dovecot.conf; return its path."""
        account = pwd.getpwnam("nobody") if as_root() else pwd.getpwuid(
            os.geteuid())
        path = os.path.join(self.directory, "dovecot.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIG.format(
                directory=self.directory, user=account.pw_name,
                programs=os.path.dirname(self.find("auth")),
                group=grp.getgrgid(account.pw_gid).gr_name,
                owner=pwd.getpwuid(os.geteuid()).pw_name))
        return path

    @staticmethod
    def find(*parts):
        """Return the path of a file of Dovecot's own directory."""
        return predecessors.find("usr", "lib", "dovecot", *parts)

    def start(self):
        """Start it, and return when both sockets answer.

        Its settings are read for it beforehand, so that a Dovecot that was
        only unpacked finds all of its parts.
        """
        doveconf, dovecot = map(programs.find, ("doveconf", "dovecot"))
        environ = programs.environ(doveconf)
        if "LD_LIBRARY_PATH" in environ:
            environ["LD_LIBRARY_PATH"] += ":" + os.path.dirname(
                self.find("modules", "old-stats", "libstats_auth.so"))
        self.write_users()
        config = self.write_config()
        self.process = subprocess.Popen(
            [doveconf, "-c", config, "-m", "master", "-e", dovecot, "-F",
             "-c", config], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/", env=environ)
        wait_until(lambda: self.answers(self.path)
                   and self.answers(self.userdb_path), "Dovecot answers")

    def answers(self, path):
        """Tell whether a socket is there and says its version."""
        check(self.process.poll() is None, f"Dovecot ended: {self.log()}")
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(20)
                one.connect(path)
                return one.recv(64).startswith(b"VERSION\t1\t")
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def log(self):
        """Return what Dovecot has logged."""
        path = os.path.join(self.directory, "log")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        """End it as its administrator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.none_left()

    def kill(self):
        """Kill all its processes: the sockets' files stay."""
        self.signal_all(signal.SIGKILL)
        self.process.wait()
        self.none_left()

    def signal_all(self, number):
        """Send a signal to all its processes."""
        for process in of_session(self.process.pid):
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                pass  # it has ended

    def none_left(self):
        """Wait until the last of its processes has ended."""
        wait_until(lambda: not of_session(self.process.pid),
                   "Dovecot has ended")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, _kind, error, _traceback):
        if error:
            error.add_note(f"log of Dovecot:\n{self.log()}")
        self.end()

    def end(self):
        """End what still runs and remove the files."""
        if self.process:
            self.signal_all(signal.SIGCONT)
            self.kill()
        shutil.rmtree(self.directory)


GREETING = (b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
            b"COOKIE\t00000000000000000000000000000000\nDONE\n")


class FalseDovecot:
    """A server that says what it is told to.  Use it in a with statement.

    'greeting' goes out at once, 'answer' behind the first octets that come
    after the client's greeting; then the connection is closed, or, if 'hold',
    left open.  Either may be an iterator without end.
    """

    def __init__(self, greeting=GREETING, answer=None, hold=False):
        self.greeting, self.answer, self.hold = greeting, answer, hold
        self.directory = tempfile.mkdtemp(prefix="postern-false-")
        self.path = os.path.join(self.directory, "socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.heard = []
        self.connections = []
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in self.connections:
            one.close()
        self.thread.join(20)
        self.listener.close()
        shutil.rmtree(self.directory)

    def serve(self):
        """Serve one connection after the other until it is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            try:
                connection.settimeout(20)
                self.talk(connection)
            except OSError:
                pass  # the other side has had enough
            if not self.hold:
                connection.close()

    def talk(self, connection):
        """Hold one conversation."""
        self.send(connection, self.greeting)
        if self.answer is None:
            return
        heard = b""
        while b"AUTH\t" not in heard and b"USER\t" not in heard:
            octets = connection.recv(65536)
            if not octets:
                return
            heard += octets
        self.heard.append(heard)
        self.send(connection, self.answer)

    @staticmethod
    def send(connection, octets):
        """Send octets, or all that an iterator yields."""
        for part in [octets] if isinstance(octets, bytes) else octets():
            connection.sendall(part)
