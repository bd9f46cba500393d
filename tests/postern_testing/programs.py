"""Other people's programs: where they are and how they run.

A program is taken from the tree POSTERN_PROGRAMS, into which ./quickstart
unpacks the packages that nobody wants to install only for a test, or else
from PATH and the directories of daemons.
"""

import glob
import os
import shutil
import subprocess

from .server import as_root
from .tap import Skip, environment

TIMEOUT_S = 60
NOBODY = 65534  # who runs the mail clients when the tests run as root


def tree(*parts):
    """Return a path in the tree of unpacked packages."""
    return os.path.join(environment("POSTERN_PROGRAMS", "/nonexistent"),
                        *parts)


def find(name):
    """Return the path of program 'name', or skip the case."""
    places = [tree("usr", "bin"), tree("usr", "sbin"), tree("bin"),
              os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    path = shutil.which(name, path=":".join(places))
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def library(name):
    """Return the path of a shared library of the tree or the system."""
    for root in (tree(), "/"):
        for pattern in ("usr/lib/*/", "usr/lib/", "lib/*/"):
            found = glob.glob(os.path.join(root, pattern, name))
            if found:
                return found[0]
    raise Skip(f"{name} is not installed")


def environ(path, **more):
    """Return the environment in which program 'path' finds its libraries."""
    result = os.environ | more
    if path.startswith(tree()):
        folders = ([tree("usr/lib")] + glob.glob(tree("usr/lib/*/"))
                   + glob.glob(tree("lib/*/"))
                   + glob.glob(tree("usr/lib/*/systemd/")))
        result["LD_LIBRARY_PATH"] = ":".join(folders)
    return result


def run_as(uid, *command, stdin=b"", wanted=(0,), **more):
    """Run 'command' as 'uid' (if we are root) and return what it printed."""
    identity = {"user": uid, "group": uid, "extra_groups": []}
    try:
        result = subprocess.run(
            command, input=stdin, timeout=TIMEOUT_S, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environ(command[0], **more),
            **(identity if as_root() else {}))
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{' '.join(command)} took more than "
                             f"{TIMEOUT_S} s and said {error.output}")
    if result.returncode not in wanted:
        raise AssertionError(f"{' '.join(command)}: exit status "
                             f"{result.returncode}\n"
                             f"{result.stdout.decode('utf-8', 'replace')}")
    return result.stdout


def client_user():
    """Return the uid that runs the mail clients."""
    return NOBODY if as_root() else os.geteuid()
