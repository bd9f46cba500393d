"""Ports for programs of others, which can't find one that is free."""

import socket

LISTEN = "0A"  # the state of a listening socket in /proc/net/tcp


def free_port():
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def is_listening(port):
    """Say whether somebody listens on 127.0.0.1:port, without connecting."""
    with open("/proc/self/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return any(row[1] == f"0100007F:{port:04X}" and row[3] == LISTEN
               for row in rows[1:])
