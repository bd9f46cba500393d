"""A POP3 client that speaks raw octets and believes nothing."""

import re
import select
import socket
import ssl
import struct
import time

from .tap import check, equal, matches, shown

TRANSPORTS = ("plain", "stls", "tls")
TIMEOUT_S = 30


class Closed(Exception):
    """The server closed the connection where more was expected."""


class Refused(AssertionError):
    """The server answered -ERR to what should succeed."""


# What may be raised when a server is killed, or cuts a session.
LOST = (Closed, ConnectionError, ssl.SSLError)


class Client:
    """One connection, greeted (and through STLS) unless told otherwise.

    'ended' says how the server closed: "closed" (on TLS: with a close_notify),
    "ragged" (TLS without one) or "reset".
    """

    def __init__(self, server, transport="plain", *, greet=True, session=None,
                 context=None, host="localhost", address=None,
                 listener=None, source=None):
        self.context = context or server.context
        self.host = host
        self.session = session
        self.ended = None
        self.buffer = bytearray()
        self.greeting = None
        listener = listener or ("pop3s" if transport == "tls" else "pop3")
        self.socket = socket.create_connection(
            (address or server.address(listener), server.port(listener)),
            TIMEOUT_S, source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if transport == "tls":
                self.handshake()
            if greet:
                self.greeting = self.line()
                matches(rb"\+OK .*", self.greeting, "the greeting")
                if transport == "stls":
                    self.ok("STLS")
                    self.handshake()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def handshake(self):
        """Go on with TLS."""
        check(not self.buffer, "octets were sent ahead of the handshake")
        self.socket = self.context.wrap_socket(
            self.socket, server_hostname=self.host, session=self.session,
            suppress_ragged_eofs=False)

    def send(self, octets):
        """Send 'octets' as they are, in one segment or record."""
        self.socket.sendall(octets)

    def receive(self):
        """Add what comes to the buffer.  Return False at the end."""
        if self.ended:
            return False
        try:
            octets = self.socket.recv(65536)
        except ssl.SSLEOFError:
            octets, self.ended = b"", "ragged"
        except ConnectionResetError:
            octets, self.ended = b"", "reset"
        if not octets:
            self.ended = self.ended or "closed"
        self.buffer += octets
        return bool(octets)

    def take(self, count):
        """Remove 'count' octets from the buffer and return them."""
        octets = bytes(self.buffer[:count])
        del self.buffer[:count]
        return octets

    def line(self):
        """Return the next line without its CRLF."""
        start = 0
        while (end := self.buffer.find(b"\n", start)) < 0:
            start = len(self.buffer)
            if not self.receive():
                raise Closed(f"{self.ended} after {shown(self.buffer)}")
        line = self.take(end + 1)
        check(line.endswith(b"\r\n"), f"a line without CR: {shown(line)}")
        return line[:-2]

    def body(self):
        """Return a multi-line reply to its final dot, as it was sent."""
        start = 0
        while not self.buffer.startswith(b".\r\n"):
            end = self.buffer.find(b"\r\n.\r\n", start)
            if end >= 0:
                octets = self.take(end + 2)
                self.take(3)
                return octets
            start = max(0, len(self.buffer) - 4)
            if not self.receive():
                raise Closed(f"{self.ended} in a multi-line reply after "
                             f"{shown(self.buffer)}")
        self.take(3)
        return b""

    def lines(self):
        """Return the lines of a multi-line reply, without stuffed dots."""
        return [line.removeprefix(b".")
                for line in self.body().split(b"\r\n")[:-1]]

    def ask(self, command):
        """Send one command and return the first line of the reply."""
        octets = command if isinstance(command, bytes) else command.encode()
        self.send(octets + b"\r\n")
        return self.line()

    def ok(self, command):
        """Send one command, which must succeed; return the reply."""
        reply = self.ask(command)
        if reply.startswith(b"-ERR "):
            raise Refused(f"{shown(command)}: {shown(reply)}")
        matches(rb"\+OK( .*)?", reply, f"reply to {shown(command)}")
        return reply

    def refused(self, command, code=""):
        """Send one command, which must fail with the response code 'code'."""
        reply = self.ask(command)
        code = re.escape(f"[{code}]".encode()) if code else rb"(?!\[)"
        matches(rb"-ERR " + code + rb".*", reply,
                f"reply to {shown(command)}")
        return reply

    def login(self, user, password="secret"):
        """Enter the TRANSACTION state; return the reply to PASS."""
        self.ok(f"USER {user}")
        return self.ok(f"PASS {password}")

    def count(self):
        """Return the number of messages by STAT."""
        return int(self.ok("STAT").split()[1])

    def retrieve(self, number):
        """Return message 'number' as it was sent, dots stuffed."""
        reply = self.ok(f"RETR {number}")
        matches(rb"\+OK \d+ octets.*", reply, "reply to RETR")
        return self.body()

    def expect_end(self):
        """Expect that the server closes and says nothing more."""
        while self.receive():
            pass
        equal(bytes(self.buffer), b"", "octets before the close")
        return self.ended

    def read_slowly(self):
        """Let the system keep little for us, so that the server waits."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def silent_for(self, seconds):
        """Expect that nothing comes and nothing closes for 'seconds'."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self.receive()
                check(False, f"not silent: {self.ended} {self.buffer!r}")

    def close(self):
        """Hang up without a word."""
        self.socket.close()

    def abort(self):
        """Hang up with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()


def log_in(server, transport="plain", user="joe", **options):
    """Return a client in the TRANSACTION state."""
    client = Client(server, transport, **options)
    client.login(user)
    return client
