"""Headers of the PROXY protocol, and clients that come behind a proxy."""

import socket
import struct

from .client import Client

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXIES = "proxies = { 127.0.0.1 }"
# What a server has whose listeners are for proxies only.
LISTENERS = {"pop3": ("starttls", "127.0.0.1", PROXIES),
             "pop3s": ("implicit", "127.0.0.1", PROXIES)}


def line(source, destination="192.0.2.1", port=56324):
    """Return a header of version 1."""
    protocol = "TCP6" if ":" in source else "TCP4"
    if ":" in source and ":" not in destination:
        destination = "2001:db8::1"
    return (f"PROXY {protocol} {source} {destination} {port} 110\r\n"
            ).encode()


def field(number, value):
    """Return one field (a TLV) of a header of version 2."""
    return struct.pack(">BH", number, len(value)) + value


def tls_field(version=b"TLSv1.3", name=None, flags=1):
    """Return the field that tells of TLS between client and proxy."""
    inner = field(0x21, version)
    if name is not None:
        inner, flags = inner + field(0x22, name), flags | 2
    return field(0x20, bytes([flags]) + bytes(4) + inner)


def binary(source, fields=b"", destination=None, command=1):
    """Return a header of version 2."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    destination = destination or ("2001:db8::1" if ":" in source
                                  else "192.0.2.1")
    body = (socket.inet_pton(family, source)
            + socket.inet_pton(family, destination)
            + struct.pack(">HH", 56324, 110) + fields)
    return (SIGNATURE + bytes([0x20 | command, 0x21 if ":" in source else 0x11])
            + struct.pack(">H", len(body)) + body)


LOCAL = SIGNATURE + b"\x20\0\0\0"


class Proxied(Client):
    """A client whose proxy sends 'header' first, all in one segment."""

    def __init__(self, server, header, transport="plain", **options):
        self.header = header
        options.setdefault("greet", True)
        greet = options.pop("greet")
        super().__init__(server, "plain", greet=False,
                         listener="pop3s" if transport == "tls" else "pop3",
                         **options)
        try:
            self.send(header)
            if transport == "tls":
                self.handshake()
            if greet:
                self.expect_greeting()
            if transport == "stls":
                self.ok("STLS")
                self.handshake()
        except BaseException:
            self.close()
            raise

    def expect_greeting(self):
        """Read the greeting, which must be one."""
        self.greeting = self.line()
        if not self.greeting.startswith(b"+OK "):
            raise AssertionError(f"the greeting is {self.greeting!r}")
