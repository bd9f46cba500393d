"""POP3 clients that load a server: sessions as fast as it answers them."""

import multiprocessing
import socket
import ssl
import time

TIMEOUT_S = 20


class Session:
    """One connection, from the greeting to the end."""

    def __init__(self, port, context=None, timeout=TIMEOUT_S):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.sock = context.wrap_socket(
                self.sock, server_hostname="localhost",
                suppress_ragged_eofs=True)
        self.input = self.sock.makefile("rb", 65536)
        self.expect_ok()

    def expect_ok(self):
        """Read one line of status, insist on +OK, and return the rest."""
        line = self.input.readline()
        if not line.startswith(b"+OK"):
            raise RuntimeError(f"the server said {line!r}")
        return line[len(b"+OK"):]

    def command(self, text):
        """Send one command; return what follows +OK in its status line."""
        self.sock.sendall(text.encode() + b"\r\n")
        return self.expect_ok()

    def lines(self, text):
        """Send one command, no other on its way; return the lines of it."""
        self.command(text)
        pieces, end = [], b"\r\n"
        while end != b"\r\n.\r\n":
            piece = self.input.read1(65536)
            if not piece:
                raise RuntimeError(f"the connection ended inside {text}")
            pieces.append(piece)
            end = (end + piece)[-5:]
        return b"".join(pieces)[:-len(b".\r\n")]

    def login(self, user):
        """Give the user's name and the password that all of them have."""
        self.command(f"USER {user}")
        self.command("PASS secret")

    def skip_message(self):
        """Read a message to its final dot and return its octets."""
        octets = 0
        while (line := self.input.readline()) != b".\r\n":
            if not line:
                raise RuntimeError("the connection ended inside a message")
            octets += len(line)
        return octets

    def quit(self):
        """Leave, and wait until the server has closed the connection."""
        self.command("QUIT")
        while self.input.read(65536):
            pass
        self.input.close()
        self.sock.close()


def login(session, user, _times):
    """USER, PASS, STAT and QUIT."""
    session.login(user)
    session.command("STAT")
    session.quit()


def retr_pipelined(count):
    """A session that fetches 'count' messages, 64 commands under way."""
    def run(session, user, _times):
        session.login(user)
        for first in range(1, count + 1, 64):
            numbers = range(first, min(first + 64, count + 1))
            session.sock.sendall(
                b"".join(b"RETR %d\r\n" % number for number in numbers))
            for _ in numbers:
                session.expect_ok()
                session.skip_message()
        session.quit()
    return run


def retr_sequential(count):
    """A session that waits for each of 'count' messages and times them."""
    def run(session, user, times):
        session.login(user)
        for number in range(1, count + 1):
            begin = time.perf_counter()
            session.command(f"RETR {number}")
            session.skip_message()
            times.append(time.perf_counter() - begin)
        session.quit()
    return run


def tls_context(certificate):
    """A TLS 1.3 client that trusts one certificate and resumes nothing."""
    context = ssl.create_default_context(cafile=certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def client(queue, port, certificate, run, users, sessions):
    """Hold sessions one after another; report the times of commands."""
    times = []
    try:
        context = tls_context(certificate) if certificate else None
        for number in range(sessions):
            run(Session(port, context), users[number % len(users)], times)
        queue.put(times)
    except (OSError, RuntimeError) as error:
        queue.put(f"{type(error).__name__}: {error}")


def load(port, certificate, run, users, clients, sessions):
    """
    Run 'clients' processes of 'sessions' sessions each, no user shared by two.

    Returns how long each single command took, in seconds.
    """
    queue = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=client, args=(
            queue, port, certificate, run, users[number::clients], sessions))
        for number in range(clients)]
    for process in processes:
        process.start()
    results = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    for result in results:
        if isinstance(result, str):
            raise RuntimeError(result)
    return [seconds for result in results for seconds in result]
