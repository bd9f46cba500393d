"""Medians and ranges of what was measured, as text."""

import statistics

PHASES = ("first visit", "unchanged", "one delivery")


def median_text(values):
    """Return the median and the range of some values."""
    if not values:
        return "-"
    return (f"{statistics.median(values):.2f} "
            f"[{min(values):.2f}..{max(values):.2f}]")


class Table:
    """What was measured, by box, phase and server."""

    def __init__(self, boxes, servers, results):
        self.boxes, self.servers, self.results = boxes, servers, results

    def values(self, box, phase, server, what):
        """Return what was measured in each round."""
        return [getattr(one, what)
                for one in self.results[box, phase, server]]

    def median(self, box, phase, server, what):
        """Return the median of all rounds."""
        return statistics.median(self.values(box, phase, server, what))

    def ratios(self, box, phase, what):
        """Return ours divided by theirs, in each round."""
        base, ours = self.servers
        return [a / b for a, b in zip(
            self.values(box, phase, ours, what),
            self.values(box, phase, base, what)) if b]

    def print(self, title, *measures):
        """Print some measures of all boxes."""
        names = "".join(f"{server.name:>11}" for server in self.servers)
        print(f"\n{title}\n{'':<34}" + "".join(
            f"{names}{'ratio':>22}" for _ in measures))
        for box in self.boxes:
            for phase in PHASES:
                print(f"{box.count:>7} {box.kind} {phase:<12} " + "".join(
                    self.cells(box, phase, what) for what in measures))

    def cells(self, box, phase, what):
        """Return the numbers of both servers and their ratio."""
        numbers = "".join(
            f"{self.median(box, phase, server, what):>11.2f}"
            for server in self.servers)
        return numbers + f"{median_text(self.ratios(box, phase, what)):>22}"
