"""A delivery agent and a mail reader that never rest.

Run as a program in a Maildir: deliver into new/, move to cur/, change flags,
delete what was delivered here; the messages named "stay" are moved to and
fro, but never removed.  Ends at the end of standard input.
"""

import contextlib
import itertools
import os
import select
import sys


def turn(number):
    """Deliver one message, remove an older one, rename those that stay."""
    for folder in ("new", "cur"):
        for name in os.listdir(folder):
            unique, _, flags = name.partition(":2,")
            if ".stay" not in name:
                if number % 2:
                    os.unlink(f"{folder}/{name}")
                continue
            folder_then = "cur" if flags != "F" else "new"
            suffix = {"": ":2,S", "S": ":2,F", "F": ""}[flags]
            # The server may have removed it meanwhile.
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{folder}/{name}",
                          f"{folder_then}/{unique}{suffix}")
    with open("tmp/churn", "w", encoding="ascii") as file:
        file.write(f"Subject: churn\n\n{number}\n")
    os.rename("tmp/churn", f"new/16{number:08}.M{number}P7.host")


def main():
    """Take turns until nobody wants them any more."""
    print("turning", flush=True)
    for number in itertools.count():
        turn(number)
        if select.select([sys.stdin], [], [], 0)[0]:
            break
    print(number, flush=True)


if __name__ == "__main__":
    main()
