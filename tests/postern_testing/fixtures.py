"""The messages of the tests: {path in the Maildir: stored octets}."""

HEADER = b"From: joe@example.net\nSubject: test\n\n"


def numbered(count, text=b"one line\n"):
    """Return 'count' messages whose body tells their number."""
    return {f"new/{1700000000 + n}.M{n}P1.host": HEADER
            + b"This is message %d.\n" % n + text * n
            for n in range(1, count + 1)}


def three():
    """Three messages of three sizes, one of them read already."""
    messages = numbered(3)
    second = messages.pop("new/1700000002.M2P1.host")
    return messages | {"cur/1700000002.M2P1.host:2,S": second}


def odd():
    """Every message that some server gets wrong, in a fixed order."""
    around = 16384  # where buffers of common sizes end
    stored = {
        "dot-first": b".first octet is a dot\nSubject: x\n\nbody\n",
        "lone-dot-first": b".\nSubject: x\n\nbody\n",
        "lone-dots": HEADER + b".\n..\n...\n.\n",
        "only-dots": b"." * 5000,
        "only-one-dot": b".",
        "only-dot-line": b".\n",
        "dot-lines": b".\n" * 3000,
        "crlf": HEADER.replace(b"\n", b"\r\n") + b"a\r\n.b\r\n\r\n.\r\n",
        "crlf-unfinished": b"Subject: x\r\n\r\nbody\r\n.",
        "mixed-ends": b"Subject: x\n\na\r\nb\n\r\n\n.\r\n.\nc\n",
        "no-final-newline": HEADER + b"the last line has no newline",
        "ends-with-dot": HEADER + b"body\n.",
        "empty": b"",
        "one-newline": b"\n",
        "one-crlf": b"\r\n",
        "blank-lines": b"\n\n\n\n",
        "nul": HEADER + b"a\0b\n\0\n\0.\n.\0\n\0",
        "only-nul": b"\0",
        "lone-cr": HEADER + b"a\rb\r\r\nc\r.\r\n\r.\n",
        "ends-with-cr": HEADER + b"body\r",
        "only-cr": b"\r",
        "cr-cr-lf": HEADER + b"a\r\r\n\r\r\n.\r\r\n",
        "false-terminator": HEADER + b"a\r\n.\r\n+OK 99 messages\r\n",
        "false-terminator-lf": HEADER + b"a\n.\n-ERR no\n",
        "false-terminator-cr": HEADER + b"a\r.\rb\n.\rc\r\n.\r",
        "eight-bit": "Subject: Gr\u00fc\u00dfe\n\n\u20ac\n".encode()
                     + bytes(range(128, 256)) + b"\n",
        "all-octets": HEADER + bytes(range(256)) * 40,
        "header-only": b"Subject: no blank line\n",
        "header-unfinished": b"Subject: no newline at all",
        "body-only": b"\nThe header is empty.\n.\n",
        "long-line": HEADER + b"x" * (1 << 20) + b"\n.end\n",
        "long-dotted-line": HEADER + b"." * (1 << 20) + b"\n.\n",
        "long-header": b"Subject: " + b"y" * (1 << 20) + b"\n\nbody\n",
        "many-lines": HEADER + b".\nab\r\n\n" * 40000,
    }
    for shift in range(-3, 3):
        fill = b"z" * (around - len(HEADER) + shift)
        stored[f"dot-at-edge{shift:+}"] = HEADER + fill + b"\n.\n.x\n"
        stored[f"crlf-at-edge{shift:+}"] = HEADER + fill + b"\r\n.\r\nx"
        stored[f"edge{4 * around:}{shift:+}"] = (
            HEADER + b"w" * (4 * around - len(HEADER) + shift) + b"\r\n.\n")
    return {f"new/{1700000000 + n}.{name}.host": octets
            for n, (name, octets) in enumerate(stored.items())}


def names():
    """File names that give unique-ids, orders and sizes a hard time."""
    def body(text):
        return HEADER + text.encode() + b"\n"
    legal = "1700000004." + "u" * 59
    return {
        "new/1700000001.M1P1.host": body("plain"),
        "cur/1700000002.M2P1.host:2,FRS": body("with flags"),
        "new/1700000003.M3P1.host,S=9,W=9": body("with a wrong size"),
        f"cur/{legal}:2,": body("a unique part of 70 octets"),
        f"new/1700000005.{'v' * 60}": body("71 octets"),
        "new/1700000006.with space": body("an illegal octet"),
        "new/1700000007.\udcff\udcfe": body("octets above 0x7E"),
        "new/1700000008.twin": body("in new"),
        "cur/1700000008.twin:2,S": body("in cur"),
        "cur/999.early:2,S": body("a small time in cur"),
        "new/1000.later": body("a larger one in new"),
        "new/no-digits": body("no time at all"),
        "new/1700000009.~!\"#$%&'()*+-./".rstrip("/"): body("legal signs"),
        "cur/:2,S": body("an empty unique part"),
        "new/1700000010.star*%s%n": body("format signs"),
    }


def many():
    """A thousand small messages."""
    return {f"new/{1700000000 + n}.M{n}P1.host": HEADER + b"%d\n" % n
            for n in range(1000)}


def big():
    """One message of 8 MiB between two small ones."""
    return numbered(3) | {"new/1700000002.M2P1.host":
                          HEADER + b"0123456789abcde\n" * (1 << 19)}


FIXTURES = {"empty": dict, "three": three, "odd": odd, "names": names,
            "many": many, "big": big, "seven": lambda: numbered(7)}
