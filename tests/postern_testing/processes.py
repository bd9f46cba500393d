"""Processes of a server, found in /proc by the session they belong to."""

import contextlib
import os
import subprocess
import sys
import time


class Process:
    """One process as /proc shows it at the moment of the look."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            before, _, after = file.read().rpartition(") ")
        fields = after.split()
        self.pid = pid
        self.name = before.partition("(")[2]
        self.state = fields[0]
        self.parent = int(fields[1])
        self.session = int(fields[3])

    def __repr__(self):
        return f"{self.name}[{self.pid}]"

    def status(self):
        """Return /proc/PID/status as a dictionary of strings."""
        with open(f"/proc/{self.pid}/status", encoding="latin-1") as file:
            lines = (line.partition(":") for line in file)
            return {key: value.strip() for key, _, value in lines}

    def uids(self):
        """Return the real, effective, saved and file system uid."""
        return [int(uid) for uid in self.status()["Uid"].split()]

    def groups(self):
        """Return the supplementary groups."""
        return [int(gid) for gid in self.status()["Groups"].split()]

    def resident_kib(self):
        """Return how much memory of the process is resident, in KiB."""
        return int(self.status()["VmRSS"].split()[0])


def of_session(session):
    """Return the living processes of session 'session' (a pid)."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            process = Process(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if process.session == session and process.state not in "ZX":
            found.append(process)
    return found


def wait_until(condition, what, seconds=20):
    """Poll until 'condition()' is true and return its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not true: {what}")
        time.sleep(0.01)


def identity(uid):
    """Return what makes subprocess start a program as 'uid'."""
    if os.geteuid() != 0:
        return {}
    return {"user": uid, "group": uid, "extra_groups": []}


def interpreter(options):
    """Return a Python that can be started with 'options', or None."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [path, "-c", "import ssl, sys; assert sys.version_info > "
                 "(3, 11)"], check=True, stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd="/", **options)
            return path
    return None
