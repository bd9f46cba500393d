"""Maildirs with known messages, and how POP3 has to send them."""

import contextlib
import hashlib
import os
import re
import stat

from . import fixtures


def wire(stored):
    """Return a stored message as POP3 sends it, without dot-stuffing."""
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", stored)
    if octets and not octets.endswith(b"\n"):
        octets += b"\r\n"
    return octets


def stuffed(octets):
    """Return 'octets' with a dot before each dot that begins a line."""
    if octets.startswith(b"."):
        octets = b"." + octets
    return octets.replace(b"\r\n.", b"\r\n..")


def top(octets, lines):
    """Return the header, the blank line and 'lines' lines of the body."""
    parts = octets.split(b"\r\n")[:-1]
    blank = parts.index(b"") if b"" in parts else len(parts)
    return b"".join(part + b"\r\n" for part in parts[:blank + 1 + lines])


def unique(path):
    """Return the unique-id of a message by its path."""
    part = re.split(rb"[,:]", os.fsencode(os.path.basename(path)))[0]
    if re.fullmatch(rb"[\x21-\x7e]{1,70}", part):
        return part.decode()
    return f"h{hashlib.sha256(part).hexdigest()[:32]}"


def order(path):
    """Return what messages are ordered by: the time, then the name."""
    name = os.fsencode(os.path.basename(path))
    digits = re.match(b"[0-9]*", name)[0]
    return int(digits or 0), re.split(b"[,:]", name)[0], name


class Maildir:
    """A Maildir with a fixture in it; remembers what it put there."""

    def __init__(self, root, uid, fixture):
        self.root = root
        self.owner = uid
        self.uid = uid if os.geteuid() == 0 else None
        if fixture == "missing":
            return
        for folder in ("", "cur", "new", "tmp"):
            os.mkdir(self.path(folder), 0o700)
            self.own(folder)
        for path, stored in fixtures.FIXTURES[fixture]().items():
            self.deliver(path, stored)

    def folder(self, name, fixture="three"):
        """Make a Maildir++ folder with a fixture in it; return it."""
        return Maildir(self.path(f".{name}"), self.owner, fixture)

    def path(self, *parts):
        """Return a path in the Maildir."""
        return os.path.join(self.root, *parts)

    def own(self, path):
        """Give a file to the mail user."""
        if self.uid is not None:
            os.chown(self.path(path), self.uid, self.uid,
                     follow_symlinks=False)

    def deliver(self, path, stored):
        """Put a message into the Maildir, by way of tmp/."""
        temporary = self.path("tmp", "delivery")
        with open(temporary, "wb") as file:
            file.write(stored)
        os.chmod(temporary, 0o600)
        self.own("tmp/delivery")
        os.rename(temporary, self.path(path))

    def messages(self):
        """Return the paths of all messages in message-number order."""
        paths = [f"{folder}/{name}" for folder in ("new", "cur")
                 for name in os.listdir(self.path(folder))
                 if not name.startswith(".")]
        return sorted(paths, key=order)

    def read(self, path):
        """Return a stored message."""
        with open(self.path(path), "rb") as file:
            return file.read()

    def wires(self):
        """Return all messages as POP3 sends them, unstuffed, in order."""
        return [wire(self.read(path)) for path in self.messages()]

    def snapshot(self):
        """Return {path: what is there} of everything but our own files."""
        found = {}
        for place, folders, files in os.walk(self.root):
            for name in folders + files:
                path = os.path.relpath(os.path.join(place, name), self.root)
                if not name.startswith("postern."):
                    found[path] = self.look(path)
        return found

    def look(self, path):
        """Return all that nobody may change of one entry."""
        about = os.lstat(self.path(path))
        facts = (about.st_mode, about.st_uid, about.st_gid, about.st_ino)
        if stat.S_ISREG(about.st_mode):
            facts += (about.st_size, about.st_mtime_ns)
            if about.st_size < 1 << 24:
                with contextlib.suppress(PermissionError):
                    facts += (self.read(path),)
        return facts
