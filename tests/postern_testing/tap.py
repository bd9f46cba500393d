"""Cases that are sentences, run side by side, reported as TAP."""

import concurrent.futures
import os
import re
import sys
import traceback

WORKERS = 4


class Skip(Exception):
    """This case can't run here; the text says why."""


def check(condition, what):
    """Fail the case with the sentence 'what' unless 'condition' holds."""
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what):
    """Fail the case unless 'got' is 'wanted'."""
    if got != wanted:
        raise AssertionError(f"{what}:\n  got    {shown(got)}\n"
                             f"  wanted {shown(wanted)}")


def matches(pattern, octets, what):
    """Fail the case unless all of 'octets' matches; return the match."""
    match = re.fullmatch(pattern, octets, re.S)
    if match is None:
        raise AssertionError(f"{what}:\n  got    {shown(octets)}\n"
                             f"  wanted {shown(pattern)}")
    return match


def shown(value):
    """Return 'value' for a report, not endlessly long."""
    text = repr(value)
    return text if len(text) < 600 else f"{text[:500]}... ({len(text)})"


class Suite:
    """The cases of one test program, in the order of their definition."""

    def __init__(self):
        self.cases = []
        self.last = []
        self.count = 0
        self.failures = 0

    def add(self, sentence, function, *arguments):
        """Add a case that runs 'function' with 'arguments'."""
        self.cases.append((sentence, function, arguments))

    def add_last(self, sentence, function, *arguments):
        """Add a case that runs alone, after all others."""
        self.last.append((sentence, function, arguments))

    def case(self, sentence):
        """Decorate a function without arguments: it is a case."""
        def decorate(function):
            self.add(sentence, function)
            return function
        return decorate

    def main(self):
        """Run the cases whose sentence holds a word of argv (or all)."""
        words = sys.argv[1:]
        chosen = [case for case in self.cases
                  if not words or any(word in case[0] for word in words)]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            results = [pool.submit(run, case) for case in chosen]
            for case, result in zip(chosen, results):
                self.report(case[0], *result.result())
        for case in self.last:
            self.report(case[0], *run(case))

    def report(self, sentence, failed, note="", explanation=""):
        """Print the outcome of one case."""
        self.count += 1
        self.failures += failed
        print(f"{'not ok' if failed else 'ok'} {self.count} - "
              f"{sentence}{note}", flush=True)
        for line in explanation.splitlines():
            print(f"# {line}", flush=True)

    def adopt(self, prefix, child):
        """Report the cases of 'child', a running program that prints TAP."""
        planned = None
        start = self.count
        for line in child.stdout:
            if match := re.match(r"(not )?ok \d+ - (.*)", line):
                self.report(f"{prefix}: {match[2]}", bool(match[1]))
            elif match := re.match(r"1\.\.(\d+)", line):
                planned = int(match[1])
            else:
                print(line, end="", flush=True)
        child.wait()
        self.report(f"{prefix}: all planned cases have run",
                    planned != self.count - start)

    def exit(self):
        """Print the plan and end the program."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failures else 0)


def run(case):
    """Run one case.  Return (failed, note for its TAP line, report)."""
    sentence, function, arguments = case
    try:
        function(*arguments)
    except Skip as reason:
        return False, f" # SKIP {reason}", ""
    except Exception:  # a case may fail in any way; the others go on
        return True, "", traceback.format_exc()
    return False, "", ""


def environment(name, default):
    """Return the environment variable 'name', or 'default' if it is unset."""
    return os.environ.get(name) or default
