#!/usr/bin/env python3
"""Postern and Dovecot, measured side by side: CPU, waiting, memory.

All servers run at once, each in a control group of its own, and are loaded
in turn, round after round; ratios are taken inside a round, so whatever else
the machine does meets all of them alike.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

import boxes
import load
import maildirs
import scratch
from servers import Dovecot, Meter, Postern
from table import median_text

BUDGET_S = 150
LARGE = 5 * 1024 * 1024

# A row: name, what a session does, users, TLS?, clients, sessions per client
SMALL_BOXES = [f"small{number}" for number in range(16)]
MANY_BOXES = [f"many{number}" for number in range(4)]
LARGE_BOXES = ["large0", "large1"]
ROWS = [
    ("login-tls13", load.login, SMALL_BOXES, True, 4, 100),
    ("login-plain", load.login, SMALL_BOXES, False, 4, 100),
    ("retr-2k-pipelined", load.retr_pipelined(500), MANY_BOXES, False, 2, 3),
    ("retr-2k-pipelined-tls", load.retr_pipelined(500), MANY_BOXES, True, 2, 3),
    ("retr-5M-tls", load.retr_pipelined(5), LARGE_BOXES, True, 2, 1),
    ("retr-2k-sequential", load.retr_sequential(100), MANY_BOXES, True, 2, 2),
]
TIMED_ROW = "retr-2k-sequential"


def write_box(maildir, count, octets):
    """Fill a Maildir with 'count' messages of about 'octets' octets."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    line = "The quick brown fox jumps over the lazy dog, again and again.\n"
    text = line * (octets // len(line))
    for number in range(count):
        name = f"{1700000000 + number}.M{number}P1.bench"
        (maildir / "cur" / f"{name}:2,").write_text(
            f"From: a@example.org\nTo: b@example.org\nSubject: {number}\n"
            f"Message-ID: <{number}@example.org>\n\n{text}")


def write_boxes(top):
    """Write the mailboxes that each server gets a copy of."""
    for names, count, octets in (
            (SMALL_BOXES, 10, 2000), (MANY_BOXES, 500, 2000),
            (LARGE_BOXES, 5, LARGE)):
        for name in names:
            write_box(top / "mail" / name / "Maildir", count, octets)


def make_certificate(top):
    """Make a self-signed P-256 certificate; return its path and the key's."""
    template, key, certificate = (
        top / "template", top / "key.pem", top / "cert.pem")
    template.write_text("cn = localhost\ndns_name = localhost\nca\n"
                        "signing_key\ncert_signing_key\n"
                        "expiration_days = 30\n")
    for command in (
            ["--generate-privkey", "--key-type=ecdsa", "--curve=secp256r1",
             "--outfile", key],
            ["--generate-self-signed", "--load-privkey", key,
             "--template", template, "--outfile", certificate]):
        subprocess.run(["certtool", *command], check=True,
                       capture_output=True, stdin=subprocess.DEVNULL)
    return certificate, key


def measure(server, row):
    """Run one row on one server: CPU ms per session, times of commands."""
    _name, run, users, is_tls, clients, sessions = row
    port = server.ports["pop3s" if is_tls else "pop3"]
    certificate = server.certificate if is_tls else None
    before = server.cpu_seconds()
    try:
        times = load.load(port, certificate, run, users, clients, sessions)
    except RuntimeError as error:
        sys.exit(f"bench: {row[0]} on {server.name}: {error}\n"
                 f"{server.said()}")
    used = server.cpu_seconds() - before
    return 1000 * used / (clients * sessions), times


def measure_rounds(servers, rounds):
    """
    Warm up, then measure every row on every server in turn.

    Returns CPU per row and server, one number a round, and the times of
    single commands per server.
    """
    cpu = {(row[0], server.name): [] for row in ROWS for server in servers}
    times = {server.name: [] for server in servers}
    end = time.monotonic() + BUDGET_S
    for number in range(rounds + 1):
        if number > 1 and time.monotonic() > end:
            print(f"(time is up after {number - 1} rounds)")
            break
        for row in ROWS:
            for server in random.sample(servers, len(servers)):
                used, taken = measure(server, row)
                if number:
                    cpu[row[0], server.name].append(used)
                    times[server.name] += taken
    return cpu, times


def ratio_text(ours, theirs):
    """Median and range of the ratios inside each round."""
    return median_text([a / b for a, b in zip(ours, theirs) if b])


def print_table(cpu, times, servers):
    """Print what was measured, and the goals beside it."""
    base, *others = servers
    print(f"\n{'CPU ms per session':<22} {base.name:>9}", end="")
    for server in others:
        print(f"  {server.name:>13} {'ratio':>18}", end="")
    print()
    for name, *_ in ROWS:
        theirs = cpu[name, base.name]
        print(f"{name:<22} {statistics.median(theirs):>9.2f}", end="")
        for server in others:
            ours = cpu[name, server.name]
            print(f"  {statistics.median(ours):>13.2f}"
                  f" {ratio_text(ours, theirs):>18}", end="")
        print()
    print(f"\nOne {TIMED_ROW} RETR, wall ms:")
    for server in servers:
        taken = sorted(1000 * seconds for seconds in times[server.name])
        print(f"  {server.name:<14} p50 {statistics.median(taken):.2f}  "
              f"p99 {taken[int(len(taken) * 0.99)]:.2f}  max {taken[-1]:.2f}")
    print("\nRatio: Postern's CPU divided by Dovecot's in the same round, "
          "median [least..most].")
    print("Goals: login-tls13 at most 1.0 with 1 session per worker, at most "
          "0.6 with 1000;\n       p99 of a command far below 40 ms.")


def find_programs(postern):
    """Return the paths of both servers, or explain what is missing."""
    dovecot = shutil.which(
        "dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib")
    if not dovecot or not os.path.exists("/usr/lib/dovecot/pop3"):
        sys.exit("bench: no Dovecot here; ./quickstart bench installs it "
                 "(Debian package dovecot-pop3d)")
    if not os.access(postern, os.X_OK):
        sys.exit(f"bench: {postern} is not built yet; run make first")
    return dovecot, os.path.abspath(postern)


@contextlib.contextmanager
def started(programs, top, processes, sessions_per_worker):
    """Start the servers on copies of top/mail, and stop them in the end."""
    dovecot, postern = programs
    pair = make_certificate(top)
    servers = []
    try:
        servers.append(Dovecot("Dovecot", top, *pair))
        servers[-1].start(dovecot, processes)
        for sessions in sessions_per_worker:
            servers.append(Postern(f"Postern {sessions}", top, *pair))
            servers[-1].start(postern, sessions)
        yield servers
    finally:
        for server in servers:
            server.stop()


def bench_sessions(programs, rounds):
    """Measure what sessions on small boxes cost."""
    with scratch.directory() as top:
        write_boxes(top)
        with started(programs, top, Dovecot.REUSED, (1, 1000)) as servers:
            print(f"{rounds} rounds, CPU by {Meter.__name__}", flush=True)
            cpu, times = measure_rounds(servers, rounds)
            print_table(cpu, times, servers)


def bench_boxes(programs, options):
    """Measure how sessions depend on the size of the mailbox."""
    print(f"\nMailboxes of all sizes, CPU by {Meter.__name__}")
    with scratch.directory() as top:
        chosen = boxes.choose(options.sizes, options.huge, top)
        with scratch.file_system(top, *maildirs.needs(chosen, 2)) as place:
            for box in chosen:
                (place / "mail" / box.user).mkdir(parents=True)
            processes = (Dovecot.AS_SHIPPED if options.dovecot_as_shipped
                         else Dovecot.REUSED)
            with started(programs, place, processes,
                         (options.sessions_per_worker,)) as servers:
                boxes.run(chosen, servers, options.rounds, options.huge)


def read_sizes(text):
    """Read numbers of messages, separated by commas."""
    return [int(word) for word in text.split(",")]


def main():
    """Measure what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("all", "sessions", "boxes"),
                        default="all")
    parser.add_argument("--sizes", type=read_sizes, default=boxes.SIZES,
                        help="messages in a mailbox (10,1000,20000,100000)")
    parser.add_argument("--huge", action="store_true",
                        help=f"add a mailbox of {boxes.HUGE} messages")
    parser.add_argument("--sessions-per-worker", type=int, default=1,
                        help="of the Postern that serves mailboxes (1)")
    parser.add_argument("--dovecot-as-shipped", action="store_true",
                        help="compare mailboxes with a Dovecot that has a "
                        "process for each session, as Postern has")
    parser.add_argument("postern", nargs="?", default="./postern")
    options = parser.parse_args()
    programs = find_programs(options.postern)
    # What was written goes and the servers end, too, if we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: terminated"))
    if options.only != "boxes":
        bench_sessions(programs, options.rounds)
    if options.only != "sessions":
        bench_boxes(programs, options)


if __name__ == "__main__":
    main()
