#!/usr/bin/env python3
"""Who guesses passwords, whom that hurts, and who is trusted."""

import time

from postern_testing import (Client, Server, Suite, check, equal, log_in,
                             matches, run_cases)
from postern_testing.processes import wait_until

suite = Suite()
case = suite.case

LAN = 'policy "lan"'


# Policies.

def lan(**rules):
    """Return the section of a policy for 127.0.0.2 and 127.0.0.3."""
    return {LAN: {"match": '{ "127.0.0.2/31" }'}
            | {key.replace("_", "-"): value for key, value in rules.items()}}


@case("a policy allows cleartext to its own network only")
def _():
    with Server(auth={"cleartext": "tls-only"},
                **lan(cleartext="always")) as server:
        server.add_user("joe")
        for source in ("127.0.0.2", "127.0.0.3"):
            log_in(server, source=source).close()
        for source in ("127.0.0.1", "127.0.0.4"):
            with Client(server, source=source) as client:
                matches(rb"-ERR not without TLS.*", client.ask("USER joe"),
                        "USER in clear")
                client.ok("CAPA")
                check(b"USER" not in client.lines(), "CAPA has USER")


@case("a policy limits the sessions per address of its own network only")
def _():
    with Server(**lan(per_address="1")) as server:
        with Client(server, source="127.0.0.2"), Client(server), \
                Client(server), Client(server, source="127.0.0.3"):
            with Client(server, greet=False, source="127.0.0.2") as third:
                matches(rb"-ERR \[SYS/TEMP\].*", third.line(), "refusal")


@case("a policy's attempts and timeouts count in its network")
def _():
    with Server(**lan(attempts="1", idle_timeout="1s", login_timeout="1s")) \
            as server:
        server.add_user("joe")
        with Client(server, source="127.0.0.2") as client:
            client.ok("USER joe")
            client.refused("PASS wrong", "AUTH")
            client.expect_end()
        with Client(server, source="127.0.0.3") as client:
            client.expect_end()
        server.wait_for_session(end="login-timeout")
        with log_in(server, source="127.0.0.2") as client:
            client.expect_end()
        server.wait_for_session(end="idle-timeout")
        with Client(server) as client:
            for _ in range(2):
                client.ok("USER joe")
                client.refused("PASS wrong", "AUTH")
            client.ok("USER joe")


run_cases(suite)
