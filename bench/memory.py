"""What the two processes of one held session of Postern keep in memory."""

import os
import pathlib
import re

import load
import visits
from servers import wait_for

STATES = ("unchanged", "unchanged, RETR", "first visit")


def field(path, *names):
    """Sum fields that are given in kB; return octets."""
    text = path.read_text()
    return 1024 * sum(
        int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])
        for name in names)


def sizes(process):
    """Return what is a process's own now, and the most it ever had."""
    return (field(process / "smaps_rollup", "Private_Clean",
                  "Private_Dirty"),
            field(process / "status", "VmHWM"))


def children(server, name):
    """Return the directories in /proc of the server's processes so named."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            comm, fields = stat.read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        # The kernel keeps 15 octets of a name.
        if comm == name[:15] and int(fields.split()[1]) == server.process.pid:
            found.append(stat.parent)
    return found


def socket_inode(session):
    """Return the inode of the server's end of a session on IPv4."""
    ends = [f"0100007F:{port:04X}" for port in (
        session.sock.getpeername()[1], session.sock.getsockname()[1])]
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if fields[1:3] == ends:
            return fields[9]
    raise RuntimeError("the connection is not in /proc/net/tcp")


def worker_of(server, session):
    """Return the worker that has the other end of a session."""
    link = f"socket:[{socket_inode(session)}]"
    for process in children(server, "postern-worker"):
        for file in (process / "fd").iterdir():
            if os.readlink(file) == link:
                return process
    raise RuntimeError("no worker has the connection")


def hold(server, copy, state):
    """Hold one session; return the sizes of its keeper and its worker."""
    copy.reset()
    if state != "first visit":
        for _ in range(2):
            visits.visit(server, copy)
    session = load.Session(server.ports["pop3"], timeout=visits.TIMEOUT_S)
    session.login(copy.box.user)
    session.command("STAT")
    if state.endswith("RETR"):
        session.command("RETR 1")
        session.skip_message()
    # The one of the session before may not have gone yet.
    keeper, = wait_for(
        lambda: (found := children(server, "postern-keeper")) and
        len(found) == 1 and found, "the end of a keeper")
    held = sizes(keeper), sizes(worker_of(server, session))
    session.quit()
    return held


def measure(server, copies):
    """
    Measure the memory that each message costs, against the smallest box.

    Returns {(state, count): ((keeper's own, its peak), (the worker's ...))},
    in octets per message.
    """
    least, *others = sorted(copies, key=lambda copy: copy.box.count)
    growth = {}
    for state in STATES:
        base = hold(server, least, state)
        for copy in others:
            more = copy.box.count - least.box.count
            growth[state, copy.box.count] = tuple(
                tuple((size - small) / more
                      for size, small in zip(process, of_base))
                for process, of_base in zip(hold(server, copy, state), base))
    return growth
