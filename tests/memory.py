#!/usr/bin/env python3
"""What processes remember: no password after a login, and no key but in one.

DESIGN.md, promise 5.  Reads the memory of the server's processes as root.
"""

import base64
import os
import secrets

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             matches, run_cases)
from postern_testing import sasl

suite = Suite()
case = suite.case


def memory(process):
    """Yield all that is mapped privately or writable, piece by piece."""
    with open(f"/proc/{process.pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{process.pid}/mem", "rb", 0) as octets:
        for line in maps:
            place, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith(
                    ("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            begin, end = (int(part, 16) for part in place.split("-"))
            if end - begin > 1 << 32:  # a sanitizer's shadow
                continue
            octets.seek(begin)
            try:
                yield line.split()[-1], octets.read(end - begin)
            except OSError:
                continue  # a guard page, or gone


def places(process, wanted):
    """Return where 'wanted' is found in the memory of 'process'."""
    return [where for where, octets in memory(process) if wanted in octets]


def by_password(client, password):
    """USER and PASS"""
    client.login("joe", password)


def by_plain(client, password):
    """PLAIN"""
    response = sasl.encode(sasl.plain("joe", password))
    matches(rb"\+OK.*", client.ask(f"AUTH PLAIN {response}"), "the reply")


def by_login(client, password):
    """LOGIN"""
    sasl.ask(client, "AUTH LOGIN")
    sasl.ask(client, sasl.encode(b"joe"))
    matches(rb"\+OK.*", client.ask(sasl.encode(password.encode())), "reply")


def by_scram(client, password):
    """SCRAM"""
    exchange = sasl.Scram("sha256", "joe", password)
    matches(rb"\+OK.*", sasl.scram(client, "SCRAM-SHA-256", exchange),
            "the reply")


def traces(password):
    """Pieces of the password, plain and in base64 at any offset.

    Whoever frees memory may overwrite the beginning of it, or the end.
    """
    whole = password.encode()
    yield whole[:12]
    yield whole[len(whole) // 2 - 6:len(whole) // 2 + 6]
    yield whole[-12:]
    for skipped in range(3):
        # What of the base64 depends on nothing but the password.
        octets = whole[skipped:]
        yield base64.b64encode(octets[:len(octets) // 3 * 3])[4:-4]


def offers_sasl(client):
    """Whether CAPA announces any mechanism."""
    client.ok("CAPA")
    return any(line.startswith(b"SASL ") for line in client.lines())


def search(way, transport):
    """Log in, and look into each process."""
    if not as_root():
        raise Skip("only root can look")
    if os.environ.get("ASAN_OPTIONS") or has_sanitizer():
        raise Skip("a sanitizer keeps what was freed")
    password = secrets.token_hex(24)
    with Server(auth={"cleartext": "always"},
                pool={"spare": "1", "max": "2"}) as server:
        server.add_user("joe", password=password)
        with Client(server, transport) as client:
            if way is not by_password and not offers_sasl(client):
                raise Skip("built without GNU SASL")
            way(client, password)
            client.ok("NOOP")
            for name in ("postern", "postern-signer", "postern-worker",
                         "postern-keeper"):
                found = server.processes(name)
                check(found, f"there is no {name}")
                for process in found:
                    for trace in traces(password):
                        check(not (where := places(process, trace)),
                              f"{process} holds {trace} in {where}")
            client.ok("QUIT")


def has_sanitizer():
    """Whether the program was built with one."""
    program = os.path.join(os.environ.get("top_builddir", "."), "postern")
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


for login in (by_password, by_plain, by_login, by_scram):
    for place in ("plain", "stls", "tls"):
        suite.add(f"no process holds the password after a login by "
                  f"{login.__doc__}, over {place}", search, login, place)


@case("the search finds a password where there is one")
def _():
    if not as_root():
        raise Skip("only root can look")
    password = secrets.token_hex(24)
    with Server() as server, Client(server) as client:
        client.send(f"XYZZY {password}".encode())  # half a line: it stays
        client.send(b"")
        found = []
        for _ in range(1000):
            found = [where for worker in server.processes("postern-worker")
                     for where in places(worker, password.encode())]
            if found:
                break
        check(found, "it is not found")


if __name__ == "__main__":
    run_cases(suite)
