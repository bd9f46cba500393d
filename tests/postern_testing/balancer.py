"""Programs of others that stand in front of Postern, on ports found free."""

import os
import signal
import socket
import subprocess
import tempfile

from . import programs
from .ports import free_port, is_listening
from .processes import wait_until

TRIES = 5


class Front:
    """A program in front of 'server'.  A Client takes it for a server.

    'names' are its listeners; command() says how to start it once their
    ports are chosen.
    """

    def __init__(self, server, *names):
        self.context = server.context
        self.server = server
        self.names = names
        self.ports = {}
        self.directory = tempfile.TemporaryDirectory(prefix="postern-front-")
        self.process = None

    def command(self):
        """Return (the command line, variables for its environment)."""
        raise NotImplementedError

    def path(self, name):
        """Return a path in the program's temporary directory."""
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        """Write a file for the program and return its path."""
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def address(self, _listener):
        """Return the address of a listener."""
        return "127.0.0.1"

    def port(self, listener):
        """Return the port of a listener."""
        return self.ports[listener]

    def said(self):
        """Return what the program has printed."""
        with open(self.path("said"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self):
        """Start the program; take other ports if these are taken."""
        for _ in range(TRIES):
            self.ports = {name: free_port() for name in self.names}
            command, variables = self.command()
            with open(self.path("said"), "wb") as said:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=said,
                    stderr=said, cwd="/", start_new_session=True,
                    env=programs.environ(command[0], **variables))
            if wait_until(self.outcome, "it listens or ends", 60) \
                    == "listens":
                return
        raise AssertionError(f"{command}: {self.said()}")

    def outcome(self):
        """Return "listens" or "ended" as soon as one of them is sure."""
        if self.process.poll() is not None:
            return "ended"
        return "listens" if all(map(is_listening, self.ports.values())) \
            else None

    def __exit__(self, _kind, error, _traceback):
        if error:
            error.add_note(f"it said: {self.said()}")
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.directory.cleanup()


class HAProxy(Front):
    """A haproxy with the files 'configs', where "${NAME}" is a variable.

    A listener's variable is its name in capitals.
    """

    def __init__(self, server, names, configs, **variables):
        super().__init__(server, *names)
        self.configs = configs
        self.variables = variables

    def command(self):
        """Also have a socket by which it tells of its servers."""
        stats = self.write("stats.cfg", "global\n\tstats socket "
                           + self.path("stats") + "\n")
        files = [stats] + [
            config if os.path.exists(config) else self.write("front.cfg",
                                                             config)
            for config in self.configs]
        return ([programs.find("haproxy"), "-db"]
                + [word for file in files for word in ("-f", file)],
                {name.upper(): f"127.0.0.1:{port}"
                 for name, port in self.ports.items()} | self.variables)

    def states(self):
        """Return {(back end, server): its state} as haproxy sees it now."""
        with socket.socket(socket.AF_UNIX) as stats:
            stats.settimeout(60)
            stats.connect(self.path("stats"))
            stats.sendall(b"show stat\n")
            octets = b""
            while piece := stats.recv(65536):
                octets += piece
        rows = [line.split(",") for line in octets.decode().splitlines()]
        return {(row[0], row[1]): row[17] for row in rows if len(row) > 17}

    def wait_for_state(self, backend, server, state):
        """Wait until a server has a state, such as UP and DOWN."""
        wait_until(lambda: self.states()[backend, server].startswith(state),
                   f"{backend}/{server} is {state}", 60)
