"""Maildirs on file systems of their own: small ones, or with coarse clocks."""

import contextlib
import os
import subprocess

from .server import as_root
from .tap import Skip


def run_or_skip(*command):
    """Run a program that may be missing, or not permitted here."""
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise Skip(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise Skip(f"{command[0]}: {error.stderr.strip()}") from error


def tmpfs(options):
    """Return what mounts a tmpfs with 'options'."""
    def mount(_server, maildir):
        run_or_skip("mount", "-t", "tmpfs", "-o", options, "tmpfs",
                    maildir.root)
    return mount


def ext4(mebibytes, *options, mode="loop"):
    """Return what mounts a new ext4 in a file, made with 'options'."""
    def mount(server, maildir):
        image = server.path("disk")
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        run_or_skip("mkfs.ext4", "-q", *options, image)
        run_or_skip("mount", "-o", mode, image, maildir.root)
    return mount


@contextlib.contextmanager
def mounted(server, maildir, mount):
    """Let the Maildir, which is empty, be a file system of its own."""
    if not as_root():
        raise Skip("only root can mount a file system")
    mount(server, maildir)
    try:
        os.chmod(maildir.root, 0o700)
        maildir.own("")
        for folder in ("cur", "new", "tmp"):
            os.mkdir(maildir.path(folder), 0o700)
            maildir.own(folder)
        yield
    finally:
        subprocess.run(["umount", "-l", maildir.root], check=True)
