"""Maildirs of any size, as Postfix and Dovecot fill them."""

import functools
import multiprocessing
import os
import shutil
import time

from servers import IS_ROOT, MAIL_GID, MAIL_UID

LINE = b"The quick brown fox jumps over the lazy dog, again and again.\n"
AGE_S = 60
# What a file costs at most: blocks, the inode and its place in folders.
FILE_BYTES = 4096 + 256 + 3 * 150
# What else servers write, and what the file system needs itself.
SPARE_BYTES, SPARE_INODES = 1 << 29, 1000


def postfix_name(second, number, _size, _wire):
    """Name a file as local(8) of Postfix does; no size is in it."""
    return f"{second}.Vfe01I{number:x}M{number % 1000000}.mail.example.org"


def dovecot_name(second, number, size, wire):
    """Name a file as Dovecot's LDA does, with both of its sizes."""
    return (f"{second}.M{number % 1000000}P4711.mail.example.org"
            f",S={size},W={wire}")


# Who made the names, where they are, and what follows them there.
KINDS = {
    "Postfix new/": ("p", postfix_name, "new", ""),
    "Postfix cur/": ("q", postfix_name, "cur", ":2,S"),
    "Dovecot cur/": ("d", dovecot_name, "cur", ":2,S"),
}


class Box:
    """A mailbox that every server gets a copy of: one kind, one size."""

    def __init__(self, kind, count, is_short=False):
        self.kind, self.count, self.is_short = kind, count, is_short
        letter, self.name_of, self.folder, self.flags = KINDS[kind]
        self.user = f"{letter}{count}"

    def message(self, number):
        """Return the name, the text and the octets of a message."""
        text = b"Subject: %d\n" % number
        if not self.is_short:
            text = (b"From: a@example.org\nTo: b@example.org\n%b"
                    b"Message-ID: <%d@example.org>\n\n%b"
                    % (text, number, LINE * (number % 8 + 28)))
        wire = len(text) + text.count(b"\n")
        name = self.name_of(1700000000 + number, number, len(text), wire)
        return name, text, wire

    @functools.cached_property
    def octets(self):
        """What STAT has to say of the whole box."""
        return sum(self.message(number)[2] for number in range(self.count))


class Copy:
    """The copy of a box that one server has."""

    def __init__(self, box, maildir):
        self.box, self.maildir = box, maildir
        self.box_octets = self.octets = box.octets
        self.count = box.count
        self.arrived = []

    def write(self, folder, name, text):
        """Write one file."""
        file = os.open(self.maildir / folder / name,
                       os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(file, text)
        os.close(file)

    def fill(self):
        """Write all messages; to be called as the owner of the mail."""
        for folder in ("cur", "new", "tmp"):
            (self.maildir / folder).mkdir(parents=True, mode=0o700)
        folder_fd = os.open(self.maildir / self.box.folder, os.O_RDONLY)
        for number in range(self.box.count):
            name, text, _wire = self.box.message(number)
            file = os.open(name + self.box.flags,
                           os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600,
                           dir_fd=folder_fd)
            os.write(file, text)
            os.close(file)
        os.close(folder_fd)

    def deliver(self):
        """Let one more message arrive in new/."""
        number = self.box.count + len(self.arrived)
        name, text, wire = self.box.message(number)
        temporary = self.maildir / "tmp" / name
        self.write("tmp", name, text)
        os.chown(temporary, MAIL_UID, MAIL_GID)
        temporary.rename(self.maildir / "new" / name)
        self.arrived.append(name)
        self.count += 1
        self.octets += wire

    def age(self):
        """Set the folders' time stamps back, so that they tell all."""
        then = time.time() - AGE_S
        for folder in ("cur", "new", "."):
            os.utime(self.maildir / folder, (then, then))

    def reset(self):
        """Make it what it was when no server had seen it."""
        for entry in list(os.scandir(self.maildir)):
            if entry.name in ("cur", "new", "tmp"):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        self.remove_arrived()
        if self.box.folder == "new":
            self.move_back()
        self.age()

    def remove_arrived(self):
        """Remove what was delivered after the first visit."""
        for name in self.arrived:
            for place in (f"new/{name}", f"cur/{name}:2,", f"cur/{name}"):
                (self.maildir / place).unlink(missing_ok=True)
        self.arrived = []
        self.count, self.octets = self.box.count, self.box_octets

    def move_back(self):
        """Move from cur/ to new/ what a server has moved the other way."""
        cur = os.open(self.maildir / "cur", os.O_RDONLY)
        new = os.open(self.maildir / "new", os.O_RDONLY)
        for name in os.listdir(cur):
            os.rename(name, name.partition(":")[0],
                      src_dir_fd=cur, dst_dir_fd=new)
        os.close(cur)
        os.close(new)


def fill_as_owner(copies):
    """Fill copies, as the user whose mail it is."""
    if IS_ROOT:
        os.setgroups([])
        os.setresgid(MAIL_GID, MAIL_GID, MAIL_GID)
        os.setresuid(MAIL_UID, MAIL_UID, MAIL_UID)
    os.umask(0o077)
    for copy in copies:
        copy.fill()


def make_copies(boxes, servers):
    """Give each server a copy of each box; return {(box, server): copy}."""
    copies = {
        (box, server): Copy(
            box, server.directory / "mail" / box.user / "Maildir")
        for box in boxes for server in servers}
    processes = [
        multiprocessing.Process(target=fill_as_owner, args=([
            copy for (_box, owner), copy in copies.items()
            if owner is server],))
        for server in servers]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError("could not write the Maildirs")
    os.sync()
    return copies


def needs(boxes, copies):
    """Return the octets and inodes that so many copies take at most."""
    count = copies * sum(box.count for box in boxes)
    return (SPARE_BYTES + count * FILE_BYTES * 11 // 10,
            SPARE_INODES + count * 11 // 10)


def affordable(boxes, copies, directory):
    """Return those of 'boxes' that the disk has room for 'copies' times."""
    disk = os.statvfs(directory)
    space = disk.f_bavail * disk.f_frsize
    # Some file systems count no inodes.
    inodes = disk.f_favail if disk.f_files else float("inf")
    chosen = []
    for box in sorted(boxes, key=lambda box: box.count):
        needed = needs([*chosen, box], copies)
        if needed[0] > space or needed[1] > inodes:
            print(f"(left out: {box.count} messages, {box.kind}: the disk "
                  f"of {directory} is too small)")
        else:
            chosen.append(box)
    return chosen
