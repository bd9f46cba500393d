"""A real postern with its own configuration, users and Maildirs."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from . import certificates, processes
from .maildir import Maildir
from .tap import Skip, check, environment

START_S = 30
UIDS = (20001, 20002)  # of mail users; they need no account
DEFAULTS = {
    "auth": {"cleartext": "always", "failure-delay": "0s", "attempts": "50"},
    "mailbox": {"path": '"~/Maildir"'},
    "pool": {"spare": "1", "max": "16"},
    "limits": {"per-address": "0"},
    "control": {"path": '""'},
    "log": {"target": "stderr", "level": "debug"},
}
# What must never be said by a server, whatever a client does.
# (Children have no standard error: a sanitizer shows by their exit status.)
ALARMS = re.compile(r"AddressSanitizer|runtime error:|LeakSanitizer|\bbug\b"
                    r"|killed by signal (?!9\b)|failed: exit status"
                    r"|must not send")


def as_root():
    """Tell whether the tests run as root."""
    return os.geteuid() == 0


def mail_uid(which=0):
    """Return the uid that owns mail: not ours when we are root."""
    return UIDS[which] if as_root() else os.geteuid()


def program(name="postern", mode=os.X_OK):
    """Return the path of a program, or another file, of the build tree."""
    here = os.path.dirname(os.path.abspath(__file__))
    top = environment("top_builddir", os.path.join(here, "..", ".."))
    path = os.path.abspath(os.path.join(top, name))
    if not os.access(path, mode):
        what = "run" if mode == os.X_OK else "read"
        raise Skip(f"{path} can't be {what}")
    return path


class Server:
    """One postern in the foreground.  Use it in a with statement.

    'sections' override DEFAULTS, by section and setting.  'listeners' maps a
    title to (tls mode, address, further lines).  'hosts' are further names
    with certificates of their own.  'backend' adds settings to the back end.
    'environment' (set before the start) adds variables.
    """

    def __init__(self, listeners=None, hosts=(), backend="", **sections):
        self.listeners = listeners or {"pop3": ("starttls", "127.0.0.1"),
                                       "pop3s": ("implicit", "127.0.0.1")}
        self.hosts = hosts
        self.backend = backend
        self.sections = sections
        self.users = []
        self.program = None  # another one than that of the build tree
        self.environment = {}
        self.process = None
        self.log = []
        self.ready = None
        self.logged = threading.Condition()
        self.directory = tempfile.mkdtemp(prefix="postern-")
        os.chmod(self.directory, 0o711)
        self.config_path = self.path("postern.conf")

    def path(self, *parts):
        """Return a path in the server's temporary directory."""
        return os.path.join(self.directory, *parts)

    def add_user(self, name, fixture="three", password="secret", *,
                 which=0, extra="", line=None):
        """Add a user with a home of their own; return the Maildir."""
        home = self.path(f"home{len(self.users)}")
        uid = mail_uid(which)
        os.mkdir(home, 0o700)
        os.chown(home, uid, uid if as_root() else -1)
        maildir = Maildir(os.path.join(home, "Maildir"), uid, fixture)
        gid = uid if as_root() else os.getegid()
        self.users.append(line or f"{name}:{{PLAIN}}{password}:"
                          f"{uid}:{gid}::{home}::{extra}")
        if self.process:
            self.write_users()
        return maildir

    def write_users(self):
        """Write the password file."""
        temporary = self.path("users.new")
        with open(temporary, "w", encoding="utf-8",
                  errors="surrogateescape") as file:
            file.writelines(f"{user}\n" for user in self.users)
        os.rename(temporary, self.path("users"))

    def write_config(self, **sections):
        """Write the configuration; 'sections' override those of before."""
        for title, settings in sections.items():
            self.sections.setdefault(title, {}).update(settings)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.config_lines()) + "\n")

    def config_lines(self):
        """Yield the lines of the configuration."""
        if as_root():
            yield 'user = "nobody"'
            yield 'signer-user = "daemon"'
        for title, (tls, address, *more) in self.listeners.items():
            yield (f'listen "{title}" {{ address = {{ "{address}" }}  '
                   f"port = 0  tls = {tls}")
            yield from more
            yield "}"
        yield "tls {"
        yield from self.certificate_lines("main")
        for host in self.hosts:
            yield f'host "{host}" {{'
            yield from self.certificate_lines(host)
            yield "}"
        yield "}"
        for title in DEFAULTS | self.sections:
            yield f"{title} {{"
            settings = DEFAULTS.get(title, {}) | self.sections.get(title, {})
            for key, value in settings.items():
                yield f"\t{key} = {value}"
            if title == "auth":
                yield from self.backend_lines()
            yield "}"

    def backend_lines(self):
        """Yield the back ends in the order in which they are asked."""
        yield ('\tbackend "users" { type = passwd-file  '
               f'path = "{self.path("users")}" {self.backend} }}')

    def certificate_lines(self, stem):
        """Yield the two settings of a certificate."""
        yield f'\tcertificate = "{self.path(stem)}.cert.pem"'
        yield f'\tkey = "{self.path(stem)}.key.pem"'

    def make_certificate(self, stem, *names):
        """Make (or renew) a certificate; trust what is there now."""
        certificates.make(self.path(stem), *names)
        self.context = self.new_context()

    def new_context(self):
        """Return a TLS context that trusts the server's certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        for stem in ("main", *self.hosts):
            path = self.path(f"{stem}.cert.pem")
            if os.path.exists(path):
                context.load_verify_locations(path)
        return context

    def prepare(self):
        """Write all files that the server needs."""
        self.make_certificate("main", "localhost", "mail.example.net")
        for host in self.hosts:
            self.make_certificate(host, host)
        self.write_users()
        self.write_config()

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException as error:
            self.end(error)
            raise
        return self

    def start(self):
        """Start the program and wait until it is ready."""
        self.process = subprocess.Popen(
            [self.program or program(), "--config", self.config_path],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, cwd="/",
            env=os.environ | self.environment)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        self.ready = self.listening(self.wait_for_log(r"ready: (.*)"))

    def read_log(self):
        """Collect the lines that the server writes."""
        with self.process.stderr as stream:
            for octets in stream:
                with self.logged:
                    self.log.append(octets.decode("utf-8", "replace").rstrip())
                    self.logged.notify_all()
        with self.logged:
            self.log.append("(end of the log)")
            self.logged.notify_all()

    def wait_for_log(self, pattern, start=0, seconds=START_S):
        """Return the match of the first log line, from 'start' on."""
        end = time.monotonic() + seconds
        with self.logged:
            while True:
                for line in self.log[start:]:
                    if match := re.search(pattern, line):
                        return match
                ended = self.log and self.log[-1] == "(end of the log)"
                left = end - time.monotonic()
                check(left > 0 and not ended, f"no log line matches {pattern}")
                self.logged.wait(left)

    @staticmethod
    def listening(match):
        """Return {title: (address, port)} of a "ready:" line."""
        found = {}
        for word in match[1].split():
            title, _, place = word.partition("=")
            address, _, port = place.rpartition(":")
            found[title] = (address.strip("[]"), int(port))
        return found

    def address(self, listener):
        """Return the address of a listener."""
        return self.ready[listener][0]

    def port(self, listener):
        """Return the port of a listener."""
        return self.ready[listener][1]

    def send_signal(self, number):
        """Send a signal to the master."""
        self.process.send_signal(number)

    def reload(self):
        """Reload; return when it is done.  True: the settings were taken."""
        start = len(self.log)
        self.send_signal(signal.SIGHUP)
        match = self.wait_for_log(r"reloaded: (.*)|reload refused: ", start)
        if match[1] is None:
            return False
        self.ready = self.listening(match)
        return True

    def processes(self, name=None):
        """Return the living processes of this server, master included."""
        return [process for process in processes.of_session(self.pid)
                if name in (None, process.name)]

    def one(self, name):
        """Return the one process called 'name'; wait until it is the one."""
        def alone():
            found = self.processes(name)
            return found[0] if len(found) == 1 else None
        return processes.wait_until(alone, f"there is one {name}")

    def kill(self, name):
        """Kill the one process called 'name' with SIGKILL; wait for its end."""
        def killed():
            victim = self.one(name)
            try:
                os.kill(victim.pid, signal.SIGKILL)
            except ProcessLookupError:
                return None  # it was ending already: take the next one
            return victim
        victim = processes.wait_until(killed, f"a {name} could be killed")
        processes.wait_until(lambda: victim.pid not in [
            process.pid for process in self.processes()], f"{victim} is dead")
        return victim

    def sessions(self):
        """Return the session lines of the log as dictionaries."""
        lines = [line.split("session ", 1)[1] for line in list(self.log)
                 if re.search(r"^postern: (\w+: )?session ", line)]
        return [dict(word.partition("=")[::2] for word in line.split())
                for line in lines]

    def wait_for_session(self, **wanted):
        """Return the first session line that has all of 'wanted'."""
        def found():
            return next((s for s in self.sessions()
                         if wanted.items() <= s.items()), None)
        return processes.wait_until(found, f"a session line has {wanted}")

    def stop(self, number=signal.SIGTERM, seconds=20):
        """End the server by a signal; return its exit status."""
        if self.process.poll() is None:
            self.send_signal(number)
        return self.process.wait(seconds)

    def none_left(self):
        """Expect that every process of the server has ended."""
        processes.wait_until(lambda: not self.processes(),
                             "no process is left behind")

    def __exit__(self, _kind, error, _traceback):
        self.end(error)

    def end(self, error):
        """End what still runs and remove the files; show the log if wrong."""
        try:
            if self.process:
                self.end_process(error)
        except Exception as problem:
            self.explain(problem)
            raise
        finally:
            if error:
                self.explain(error)
            self.remove_files()

    def remove_files(self):
        """Remove the temporary directory, whatever the modes in it are."""
        for place, folders, _ in os.walk(self.directory):
            for folder in folders:
                path = os.path.join(place, folder)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(self.directory)

    def end_process(self, error):
        """End the processes; a good server leaves none and no alarm."""
        try:
            self.stop(signal.SIGINT)
            if not error:
                self.none_left()
        finally:
            for process in processes.of_session(self.pid):
                os.kill(process.pid, signal.SIGKILL)
            self.process.wait()
            self.reader.join(5)
        alarms = [line for line in self.log if ALARMS.search(line)]
        check(error or not alarms,
              f"the log holds an alarm: {alarms}")

    def explain(self, error):
        """Add the end of the log to a report."""
        error.add_note("log of the server:\n" + "\n".join(self.log[-40:]))


def run_cases(suite):
    """Run the cases of a suite that needs our program; end this one."""
    try:
        program()
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    suite.main()
    suite.exit()
