"""A strict reader of OpenMetrics 1.0 text, for what Postern writes of it."""

import re

from .tap import check, equal

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)")
META = re.compile(rf"# (TYPE|HELP|UNIT) ({NAME}) (.+)")
SUFFIX = {"gauge": "", "counter": "_total"}


def parse(text):
    """Return {(sample name, labels): value}; fail where a line is wrong.

    Each family has TYPE, HELP, samples, in this order, in one piece; no
    sample is there twice; the last line is "# EOF".
    """
    check(text.endswith("\n# EOF\n"), "the end is no EOF")
    check("\r" not in text and "\n\n" not in text, "no lines of OpenMetrics")
    samples, families, family = {}, {}, None
    for line in text.split("\n")[:-2]:
        meta = META.fullmatch(line)
        if meta and meta[1] == "TYPE":
            family = meta[2]
            check(family not in families, f"{family} is in two pieces")
            check(meta[3] in SUFFIX, f"type {meta[3]}")
            check(not family.endswith(("_total", "_created", "_info",
                                       "_bucket", "_count", "_sum")),
                  f"the name {family} has a suffix")
            families[family] = [meta[3], False, 0]
        elif meta:
            equal((meta[1], meta[2]), ("HELP", family), "what follows TYPE")
            check(not families[family][1], "there are two HELP")
            families[family][1] = True
        else:
            sample(line, family, families[family], samples)
    check(families and all(f[1] and f[2] for f in families.values()),
          "a family lacks HELP or samples")
    return samples


def sample(line, family, facts, samples):
    """Take one line with a value."""
    match = SAMPLE.fullmatch(line)
    check(match, f"this is no sample: {line!r}")
    equal(match[1], family + SUFFIX[facts[0]], "the name of a sample")
    labels = match[2] or ""
    names = re.findall(r'(?:^|,)([a-zA-Z0-9_]+)="', labels)
    equal(len(names), len(set(names)), "labels are there once")
    check((match[1], labels) not in samples, f"{line!r} is there twice")
    value = float(match[3])
    check(facts[0] != "counter" or 0 <= value < float("inf"),
          f"a counter is {value}")
    samples[match[1], labels] = value
    facts[2] += 1
