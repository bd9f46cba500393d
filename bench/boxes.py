"""Sessions on Maildirs of all sizes: first, unchanged and with news."""

import random
import statistics
import sys
import time

import maildirs
import memory
import visits
from table import PHASES, Table, median_text

SIZES = (10, 1000, 20000, 100000)
LARGE, LARGE_KINDS = 100000, ("Postfix new/", "Dovecot cur/")
HUGE = 1000000
BUDGET_S = 210
HUGE_BUDGET_S = 600
FEWEST_ROUNDS = 1

# How often a small box is visited in a row, so that the CPU can be told.
SMALL, SMALL_VISITS = 1000, 5


def choose(sizes, is_huge, directory):
    """Return the boxes that are measured on two servers here."""
    boxes = [maildirs.Box(kind, size)
             for kind in maildirs.KINDS for size in sorted(set(sizes))
             if size < LARGE or kind in LARGE_KINDS]
    if max(sizes) >= LARGE:
        print(f"(left out, to spare time: Postfix cur/ from {LARGE} messages)")
    if is_huge:
        boxes.append(maildirs.Box("Postfix new/", HUGE, is_short=True))
        print(f"(left out, to spare the disk: {HUGE} messages of other kinds "
              "and of more than one line)")
    else:
        print(f"(left out: {HUGE} messages, which --huge adds)")
    return maildirs.affordable(boxes, 2, directory)


def first(server, copy, count):
    """Visit a Maildir that the server has never seen."""
    return visits.sample(server, copy, count, copy.reset)


def unchanged(server, copy, count):
    """Visit it again and again, time stamps of its folders being old."""
    copy.age()
    visits.visit(server, copy)
    return visits.sample(server, copy, 3 * count, lambda: None)


def delivered(server, copy, count):
    """Visit it after one message has come."""
    return visits.sample(server, copy, count, copy.deliver)


def measure_box(box, servers, copies):
    """Run all phases, each on all servers; return {(phase, server): sample}."""
    count = SMALL_VISITS if box.count <= SMALL else 1
    samples = {}
    for phase, run in zip(PHASES, (first, unchanged, delivered)):
        for server in random.sample(servers, len(servers)):
            samples[phase, server] = run(server, copies[box, server], count)
    for server in servers:
        if (samples["first visit", server].uidls !=
                samples["unchanged", server].uidls):
            raise RuntimeError(f"{server.name} changed unique-ids of "
                               f"{box.user}")
    return samples


def measure_rounds(boxes, servers, copies, rounds, budget_s):
    """
    Warm up, then measure all boxes in each round.

    Large ones get no round to warm up, for the time that it takes.
    Returns {(box, phase, server): samples, one a round}.
    """
    results = {(box, phase, server): [] for box in boxes
               for phase in PHASES for server in servers}
    begin, longest = time.monotonic(), 0
    for number in range(rounds + 1):
        used = time.monotonic() - begin
        if number > FEWEST_ROUNDS and used + longest > budget_s:
            print(f"(time is up after {number - 1} rounds)")
            break
        for box in boxes:
            if box.count >= LARGE and number == 0:
                continue
            measured = measure_box(box, servers, copies)
            for (phase, server), one in measured.items():
                if number:
                    results[box, phase, server].append(one)
        longest = max(longest, time.monotonic() - begin - used)
    return results


def judge(is_met, goal, found):
    """Print one goal, and whether it was met."""
    print(f"  {'met   ' if is_met else 'MISSED'}  {goal}: {found}")


def judge_unchanged(table):
    """Compare the time to STAT with that of the smallest box."""
    server = table.servers[1]
    for kind in maildirs.KINDS:
        boxes = [box for box in table.boxes if box.kind == kind]
        for box in boxes:
            if box.count < LARGE:
                continue
            more = [a - b for a, b in zip(*(
                table.values(one, "unchanged", server, "stat_ms")
                for one in (box, boxes[0])))]
            judge(statistics.median(more) <= 2,
                  f"{box.count} {kind}, unchanged: STAT at most 2 ms after "
                  f"that of {boxes[0].count}", f"{median_text(more)} ms")


def judge_first(table):
    """Compare first visits with Dovecot's."""
    for box in table.boxes:
        cpu, wall = (table.ratios(box, "first visit", what)
                     for what in ("cpu_ms", "session_ms"))
        most = 1 / 3 if (box.count == 20000 and
                         "Postfix" in box.kind) else 1
        judge(max(statistics.median(cpu), statistics.median(wall)) <= most,
              f"{box.count} {box.kind}, first visit: at most {most:.2f} of "
              "Dovecot's",
              f"CPU {median_text(cpu)}, wall {median_text(wall)}")


def print_memory(growth):
    """Print the memory of a held session, and its goal."""
    print(f"\nOctets a message of a held session\n{'':<34}"
          f"{'keeper':>11}{'its peak':>11}{'worker':>11}{'its peak':>11}")
    for (state, count), (keeper, worker) in growth.items():
        print(f"{count:>7} {state:<26}" + "".join(
            f"{octets:>11.1f}" for octets in keeper + worker))
    print("\nGoals of memory:")
    for (state, count), (keeper, _worker) in growth.items():
        judge(keeper[0] < 100, f"{count} {state}: keeper below 100 octets a "
              "message", f"{keeper[0]:.1f}, at its peak {keeper[1]:.1f}")


def hold_sessions(boxes, server, copies):
    """Measure the memory of sessions on the smallest and the large boxes."""
    kind = "Postfix new/"
    chosen = [box for box in boxes if box.kind == kind]
    chosen = chosen[:1] + [box for box in chosen[1:] if box.count >= LARGE]
    if len(chosen) < 2:
        print("\n(left out: memory, for want of a large box)")
        return
    try:
        growth = memory.measure(server, [copies[box, server]
                                         for box in chosen])
    except PermissionError:
        print("\n(left out: memory, which only root can measure)")
        return
    print_memory(growth)


def run(boxes, servers, rounds, is_huge):
    """Measure 'boxes' on Dovecot and Postern and print it all."""
    begin = time.monotonic()
    copies = maildirs.make_copies(boxes, servers)
    print(f"{2 * sum(box.count for box in boxes)} messages written in "
          f"{time.monotonic() - begin:.0f} s, {rounds} rounds", flush=True)
    try:
        results = measure_rounds(boxes, servers, copies, rounds,
                                 HUGE_BUDGET_S if is_huge else BUDGET_S)
        table = Table(boxes, servers, results)
        table.print("CPU ms per session", "cpu_ms")
        table.print("Wall ms, from the connection to the reply of STAT",
                    "stat_ms")
        table.print("Wall ms, the whole session", "session_ms")
        print("\nGoals of time:")
        judge_unchanged(table)
        judge_first(table)
        hold_sessions(boxes, servers[1], copies)
    except (OSError, RuntimeError) as error:
        sys.exit(f"bench: {error}\n" + "\n".join(
            f"{server.name}:\n{server.said()}" for server in servers))
