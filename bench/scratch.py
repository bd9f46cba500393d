"""Places for what is measured, which are gone without a trace after it."""

import contextlib
import os
import pathlib
import subprocess
import tempfile


@contextlib.contextmanager
def directory():
    """Make a directory that all users can enter, and remove it."""
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as name:
        top = pathlib.Path(name)
        top.chmod(0o755)
        yield top


def make_file_system(image, mounted_at, size_bytes, inodes):
    """Mount an ext4 in a sparse file; return why not, or None."""
    with open(image, "wb") as file:
        file.truncate(size_bytes)
    for command in (
            ["/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(inodes),
             image],
            ["mount", "-o", "loop", image, mounted_at]):
        try:
            subprocess.run(command, check=True, capture_output=True,
                           stdin=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            return (getattr(error, "stderr", b"").decode().strip() or
                    str(error))
    return None


@contextlib.contextmanager
def file_system(top, size_bytes, inodes):
    """
    Make a file system below 'top', or else a directory.

    Removing a million files takes minutes where the disk is told of each
    (mount option discard); a file system in a file goes all at once.
    """
    place, image = top / "disk", top / "image"
    place.mkdir(mode=0o755)
    why_not = make_file_system(image, place, size_bytes, inodes)
    if why_not:
        print(f"(no ext4 of our own for the Maildirs: {why_not})")
        image.unlink()
        yield place
        return
    try:
        os.chmod(place, 0o755)
        yield place
    finally:
        # Whatever still looks at it does not keep it for ever.
        subprocess.run(["umount", "--lazy", place], check=True)
