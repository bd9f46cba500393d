"""Visits to Maildirs: login, STAT, UIDL, LIST and QUIT, checked and timed."""

import hashlib
import time

import load

TIMEOUT_S = 900
# Servers are at rest when they have used less than this in a pause.
PAUSE_S, REST_S, PAUSES = 0.02, 0.0002, 25


class Visit:
    """What one session took on the wall, in seconds, and what it was told."""

    def __init__(self, stat_s, session_s, uidls):
        self.stat_s, self.session_s, self.uidls = stat_s, session_s, uidls


def check(server, copy, stat, uidls, sizes):
    """Insist that all replies tell what is in the Maildir."""
    octets = [int(line.split()[1]) for line in sizes.splitlines()]
    told = (*(int(word) for word in stat.split()[:2]),
            len(uidls.splitlines()), len(octets), sum(octets))
    right = (copy.count, copy.octets, copy.count, copy.count, copy.octets)
    if told != right:
        raise RuntimeError(
            f"{server.name} said of {copy.box.user}: {told}, "
            f"but messages and octets of STAT, lines of UIDL, lines and "
            f"octets of LIST are {right}")


def visit(server, copy):
    """Hold one session, from the connection to its end."""
    begin = time.perf_counter()
    session = load.Session(server.ports["pop3"], timeout=TIMEOUT_S)
    session.login(copy.box.user)
    stat = session.command("STAT")
    stat_s = time.perf_counter() - begin
    uidls = session.lines("UIDL")
    sizes = session.lines("LIST")
    session.quit()
    session_s = time.perf_counter() - begin
    check(server, copy, stat, uidls, sizes)
    return Visit(stat_s, session_s, hashlib.sha256(uidls).digest())


def rest(server):
    """Wait until the server has done what a session leaves to it."""
    for _ in range(PAUSES):
        used = server.cpu_seconds()
        time.sleep(PAUSE_S)
        if server.cpu_seconds() - used < REST_S:
            break


class Sample:
    """Medians are taken of these: the mean of a few visits in a row."""

    def __init__(self, cpu_s, visited):
        self.cpu_ms = 1000 * cpu_s / len(visited)
        self.stat_ms = 1000 * sum(
            one.stat_s for one in visited) / len(visited)
        self.session_ms = 1000 * sum(
            one.session_s for one in visited) / len(visited)
        self.uidls = visited[-1].uidls


def sample(server, copy, count, prepare):
    """Visit 'count' times, after prepare() each time."""
    visited = []
    rest(server)
    before = server.cpu_seconds()
    for _ in range(count):
        prepare()
        visited.append(visit(server, copy))
    rest(server)
    return Sample(server.cpu_seconds() - before, visited)
