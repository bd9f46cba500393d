#!/usr/bin/env python3
"""AUTH: every mechanism, over every transport, right and wrong.

RFC 5034, RFC 4422; PLAIN RFC 4616, SCRAM RFC 5802 and RFC 7677, OAUTHBEARER
RFC 7628, channel bindings RFC 9266.
"""

import base64
import os
import poplib
import select
import subprocess

from postern_testing import (Client, Server, Skip, Suite, as_root, check,
                             equal, log_in, matches, run_cases)
from postern_testing import programs, sasl
from postern_testing.client import TRANSPORTS
from postern_testing.processes import wait_until

BOUND_CLIENT = os.path.join(os.environ.get("top_builddir", "."), "tests",
                            "bound_client")

suite = Suite()
case = suite.case

WRONG = rb"-ERR \[AUTH\] .*"
MALFORMED = rb"-ERR (?!\[).*"
ANSWERED = rb"\+OK 3 messages .*"
TOKEN = b"eyJhbGciOi.J9-x_y~z+/=="


def server_with(name="joe", **sections):
    """Return a server with a user of the password "secret"."""
    if not os.path.exists(BOUND_CLIENT):
        raise Skip("built without GNU SASL")
    server = Server(**sections)
    server.add_user(name)
    return server


def anywhere(**auth):
    """Settings under which passwords may come in clear."""
    return {"auth": {"cleartext": "always"} | auth}


def mechanisms(client):
    """Return the mechanisms that CAPA announces."""
    client.ok("CAPA")
    lines = [line.decode().split() for line in client.lines()]
    return next((line[1:] for line in lines if line[0] == "SASL"), [])


# Whoever knows the password, and whoever does not.

def by_plain(client, user, password):
    """PLAIN with an initial response."""
    return client.ask(f"AUTH PLAIN {sasl.encode(sasl.plain(user, password))}")


def by_late_plain(client, user, password):
    """PLAIN with its response after an empty challenge"""
    equal(sasl.ask(client, "auth plain"), b"", "the challenge")
    return client.ask(sasl.encode(sasl.plain(user, password)))


def by_login(client, user, password):
    """LOGIN"""
    sasl.ask(client, "AUTH LOGIN")
    sasl.ask(client, sasl.encode(user.encode()))
    return client.ask(sasl.encode(password.encode()))


def by_early_login(client, user, password):
    """LOGIN with an initial response"""
    sasl.ask(client, f"AUTH LOGIN {sasl.encode(user.encode())}")
    return client.ask(sasl.encode(password.encode()))


def by_scram(mechanism, early=True):
    """SCRAM"""
    def way(client, user, password):
        exchange = sasl.Scram(sasl.DIGESTS[mechanism], user, password)
        return sasl.scram(client, mechanism, exchange, early=early)
    return way


WAYS = {
    "PLAIN": by_plain, "PLAIN without an initial response": by_late_plain,
    "LOGIN": by_login, "LOGIN with an initial response": by_early_login,
    "SCRAM-SHA-1": by_scram("SCRAM-SHA-1"),
    "SCRAM-SHA-256": by_scram("SCRAM-SHA-256"),
    "SCRAM-SHA-256 without an initial response":
        by_scram("SCRAM-SHA-256", early=False),
}


def try_way(way):
    """Wrong ones get the same reply all, then the right one gets in."""
    with server_with(**anywhere(attempts="9")) as server:
        for left, transport in enumerate(TRANSPORTS[::-1], start=1):
            with Client(server, transport) as client:
                replies = {way(client, user, password) for user, password in (
                    ("joe", "wrong"), ("joe", "secre"), ("jim", "secret"),
                    ("../joe", "secret"), ("j,o=e", "secret"))}
                equal(len(replies), 1, f"{transport}: replies {replies}")
                matches(WRONG, replies.pop(), f"{transport}: the reply")
                matches(rb"\+OK \d messages? .*",
                        way(client, "joe", "secret"), transport)
                equal(client.count(), 4 - left, "messages")
                client.ok("DELE 1")
                client.ok("QUIT")
        server.wait_for_session(user="joe", end="quit", dele="1")


for title, function in WAYS.items():
    suite.add(f"{title} tells right from wrong over every transport", try_way,
              function)


RULES = {"nologin": rb"it has nologin",
         "valid-until=2001-02-03": rb"its valid-until is over",
         "allow_nets=192.0.2.0/24,2001:db8::/32":
             rb"the client is in none of its allow-nets"}


def by_pass(client, user, password):
    """USER and PASS"""
    client.ok(f"USER {user}")
    return client.ask(f"PASS {password}")


def try_rule(extra, why):
    """Refused with the right password as with a wrong one."""
    with server_with(**anywhere(attempts="9")) as server:
        server.add_user("ann", extra=extra)
        for way in (by_pass, by_plain, by_scram("SCRAM-SHA-256")):
            with Client(server) as client:
                matches(WRONG, way(client, "ann", "secret"), way.__doc__)
                matches(rb"-ERR .*", client.ask("STAT"), "not logged in")
                matches(rb"\+OK .*", way(client, "joe", "secret"), "joe")
        server.wait_for_log(why.decode())


for title, reason in RULES.items():
    suite.add(f"with {title} the right password is refused by all mechanisms",
              try_rule, title, reason)


@case("a user's own maildir= is opened, and a network that has the client is "
      "no hindrance")
def _():
    with server_with(**anywhere()) as server:
        maildir = server.add_user("ann", fixture="seven")
        server.add_user("bob", extra=f"maildir={maildir.root} "
                        "valid-until=9999-12-31 allow-nets=127.0.0.0/8,::1")
        with Client(server) as client:
            matches(rb"\+OK .*", by_scram("SCRAM-SHA-256")(
                client, "bob", "secret"), "bob")
            equal(client.count(), 7, "messages")
            client.ok("QUIT")


# What is announced.

@case("CAPA and a bare AUTH announce the same, before and after the login")
def _():
    with server_with(**anywhere()) as server, \
            Client(server, "stls") as client:
        before = mechanisms(client)
        client.ok("AUTH")
        equal([line.decode() for line in client.lines()], before, "AUTH")
        for name in ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
                     "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"):
            check(name in before, f"{name} is not in {before}")
        check("EXTERNAL" not in before, "EXTERNAL without a certificate")
        check("OAUTHBEARER" not in before, "OAUTHBEARER without a back end")
        client.login("joe")
        equal(mechanisms(client), before, "after the login")


@case("without TLS no password is asked for, but SCRAM is")
def _():
    with server_with(auth={"cleartext": "tls-only"}) as server, \
            Client(server) as client:
        equal(mechanisms(client), ["SCRAM-SHA-256", "SCRAM-SHA-1"],
              "mechanisms")
        for name in ("PLAIN", "LOGIN", "plain AGpvZQBzZWNyZXQ="):
            matches(rb"-ERR not without TLS.*", client.ask(f"AUTH {name}"),
                    "the reply")
        matches(ANSWERED, WAYS["SCRAM-SHA-1"](client, "joe", "secret"),
                "the reply")


@case("mechanisms = { ... } permits those and no others")
def _():
    wanted = '{ "scram-sha-256", "PLAIN" }'
    with server_with(auth={"mechanisms": wanted}) as server, \
            Client(server, "tls") as client:
        equal(mechanisms(client), ["SCRAM-SHA-256", "PLAIN"], "mechanisms")
        client.refused("AUTH SCRAM-SHA-1")
        client.refused("AUTH LOGIN")
        # No bound mechanism was offered, and this client says so.
        exchange = sasl.Scram("sha256", "joe", flag="y")
        matches(ANSWERED, sasl.scram(client, "SCRAM-SHA-256", exchange),
                "the reply")


@case("a user with a mere hash is a reason not to offer SCRAM")
def _():
    with server_with() as server:
        server.add_user("ann", line="ann:$5$rounds=1000$abc$x:1:1::/::")
        server.reload()
        with Client(server, "tls") as client:
            equal(mechanisms(client), ["PLAIN", "LOGIN"], "mechanisms")


# Malformed, cancelled, cut.

MALFORMED_RESPONSES = {
    "no base64": "PLAIN ====", "no base64 at all": "PLAIN not-base64!",
    "base64 cut short": "PLAIN AGpvZQBzZWNyZXQ",
    "PLAIN without a NUL": "PLAIN " + sasl.encode(b"joe"),
    "PLAIN with one NUL": "PLAIN " + sasl.encode(b"\0joe"),
    "PLAIN with three NULs": "PLAIN " + sasl.encode(b"\0joe\0secret\0"),
    "a SCRAM message of rubbish": "SCRAM-SHA-256 " + sasl.encode(b"rubbish"),
    "a SCRAM message without a nonce":
        "SCRAM-SHA-256 " + sasl.encode(b"n,,n=joe"),
    "a SCRAM message with a NUL":
        "SCRAM-SHA-256 " + sasl.encode(b"n,,n=jo\0e,r=abc"),
    "a SCRAM message with an extension we must know":
        "SCRAM-SHA-256 " + sasl.encode(b"n,,m=x,n=joe,r=abc"),
}


def try_malformed(text):
    """It is refused, and the next command is understood."""
    with server_with(auth={"attempts": "9"}) as server, \
            Client(server, "tls") as client:
        matches(rb"-ERR .*", client.ask(f"AUTH {text}"), "the reply")
        client.login("joe")
        equal(client.count(), 3, "messages")


for what, line_text in MALFORMED_RESPONSES.items():
    suite.add(f"{what} is refused", try_malformed, line_text)


@case("unknown mechanisms and odd arguments are refused without a keeper")
def _():
    with server_with() as server, Client(server, "tls") as client:
        for text in ("CRAM-MD5", "X" * 20, "X" * 21, " ", "PLAIN  ",
                     "PLAIN AA== BB==", "GSSAPI", "ANONYMOUS", "*", "="):
            matches(rb"-ERR .*", client.ask(f"AUTH {text}"), text)
            client.ok("CAPA")
            client.lines()
        client.login("joe")


@case("'*' cancels at any step and is no failed login")
def _():
    with server_with(auth={"attempts": "1"}) as server, \
            Client(server, "tls") as client:
        for _ in range(2):
            sasl.ask(client, "AUTH PLAIN")
            matches(rb"-ERR cancelled", client.ask("*"), "the reply")
            sasl.ask(client, "AUTH LOGIN")
            sasl.ask(client, "am9l")
            matches(rb"-ERR cancelled", client.ask("*"), "the reply")
        exchange = sasl.Scram("sha256", "joe")
        sasl.ask(client,
                 f"AUTH SCRAM-SHA-256 {sasl.encode(exchange.first())}")
        matches(rb"-ERR cancelled", client.ask("*"), "the reply")
        client.login("joe")


@case("failed exchanges count as failed logins")
def _():
    with server_with(auth={"attempts": "3"}) as server:
        with Client(server, "tls") as client:
            matches(WRONG, by_plain(client, "joe", "wrong"), "the reply")
            matches(MALFORMED, client.ask("AUTH PLAIN AAAA"), "the reply")
            matches(WRONG, by_login(client, "jim", "x"), "the reply")
            client.expect_end()
        server.wait_for_session(user="-", end="too-many-attempts")
        for name in ("joe", "jim"):
            server.wait_for_log(rf"LOGIN FAILED, user={name}, ip=")


@case("responses of 12 KiB are taken, longer ones refused, and it goes on")
def _():
    with server_with(auth={"attempts": "9"}) as server, \
            Client(server, "tls") as client:
        for count, wanted in ((8000, WRONG), (9212, WRONG),
                              (9216, MALFORMED), (300000, MALFORMED)):
            sasl.ask(client, "AUTH PLAIN")
            octets = sasl.plain("joe", "p" * (count - 5))
            matches(wanted, client.ask(sasl.encode(octets)),
                    f"the reply to {count} octets")
        client.login("joe")


@case("a NUL in a response is refused, and the next command understood")
def _():
    with server_with() as server, Client(server, "tls") as client:
        sasl.ask(client, "AUTH PLAIN")
        matches(MALFORMED, client.ask(b"AGpv\0ZQBz"), "the reply")
        client.login("joe")


@case("commands sent behind AUTH in one segment are answered in order")
def _():
    with server_with() as server, Client(server, "tls") as client:
        right = sasl.encode(sasl.plain("joe"))
        client.send(f"AUTH PLAIN {right}\r\nSTAT\r\nQUIT\r\n".encode())
        matches(ANSWERED, client.line(), "the reply to AUTH")
        matches(rb"\+OK 3 .*", client.line(), "the reply to STAT")
        matches(rb"\+OK.*", client.line(), "the reply to QUIT")


@case("a client that goes in the midst of an exchange leaves no keeper")
def _():
    with server_with() as server:
        for command in ("AUTH PLAIN", "AUTH LOGIN", "AUTH SCRAM-SHA-256"):
            with Client(server, "tls") as client:
                sasl.ask(client, command)
        with Client(server, "tls") as client:
            sasl.ask(client, "AUTH LOGIN")
            sasl.ask(client, "am9l")
        wait_until(lambda: not server.processes("postern-keeper"),
                            "all keepers ended")


@case("login-timeout ends a client that is silent in an exchange")
def _():
    with server_with(limits={"login-timeout": "1s"}) as server, \
            Client(server, "tls") as client:
        sasl.ask(client, "AUTH PLAIN")
        client.expect_end()
        server.wait_for_session(end="login-timeout")


@case("AUTH is no command after the login")
def _():
    with server_with() as server, log_in(server, "tls") as client:
        client.refused("AUTH PLAIN")
        client.refused("AUTH")
        client.ok("QUIT")


@case("[IN-USE] is told in place of the reply to AUTH, too")
def _():
    with server_with() as server, log_in(server, "tls"), \
            Client(server, "tls") as other:
        for way in ("PLAIN", "SCRAM-SHA-256"):
            matches(rb"-ERR \[IN-USE\] .*",
                    WAYS[way](other, "joe", "secret"), "the reply")
            matches(WRONG, WAYS[way](other, "joe", "wrong"), "the reply")


@case("nobody may be somebody else: an authorization identity must be one's")
def _():
    with server_with(auth={"attempts": "9"}) as server:
        server.add_user("ann")
        with Client(server, "tls") as client:
            for authzid, wanted in (("ann", WRONG), ("joe", ANSWERED)):
                octets = sasl.plain("joe", "secret", authzid)
                matches(wanted,
                        client.ask(f"AUTH PLAIN {sasl.encode(octets)}"),
                        f"PLAIN for {authzid}")
        for authzid, wanted in (("ann", WRONG), ("joe", ANSWERED)):
            with Client(server, "tls") as client:
                exchange = sasl.Scram("sha1", "joe", authzid=authzid)
                matches(wanted, sasl.scram(client, "SCRAM-SHA-1", exchange),
                        f"SCRAM for {authzid}")
                if client.ask("NOOP").startswith(b"+OK"):
                    client.ok("QUIT")


@case("USER, PLAIN and LOGIN take one password in any of its forms")
def _():
    name, password = "jo\u0308rg", "\u00bd e\u0301 \u00a0 \ufb01x"
    with Server() as server:
        if not os.path.exists(BOUND_CLIENT):
            raise Skip("built without GNU SASL")
        server.add_user("j\u00f6rg", password="\u00bd \u00e9   \ufb01x")
        for way in ("USER", "PLAIN", "LOGIN", "SCRAM-SHA-256"):
            with Client(server, "tls") as client:
                if way == "SCRAM-SHA-256":  # the client knows the form
                    password = "\u00bd \u00e9   \ufb01x"
                if way == "USER":
                    client.ok(f"USER {name}")
                    reply = client.ask(f"PASS {password}")
                else:
                    reply = WAYS[way](client, name, password)
                matches(ANSWERED, reply, way)
                client.ok("QUIT")


@case("a folder can be named in an exchange as after USER")
def _():
    with server_with(mailbox={"folder-separator": '"+"'}) as server:
        os.makedirs(os.path.join(server.path("home0"), "Maildir", ".Junk",
                                 "cur"))
        for way in ("PLAIN", "SCRAM-SHA-256"):
            with Client(server, "tls") as client:
                reply = WAYS[way](client, "joe+Junk", "secret")
                matches(rb"(\+OK 0 messages|-ERR \[SYS).*", reply, "reply")


# SCRAM's own attacks.

@case("a client that was told of no -PLUS though we offered it is refused")
def _():
    with server_with() as server, Client(server, "tls") as client:
        for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            exchange = sasl.Scram(sasl.DIGESTS[name], "joe", flag="y")
            matches(WRONG, sasl.scram(client, name, exchange), "the reply")
        exchange = sasl.Scram("sha256", "joe", flag="n")
        matches(ANSWERED, sasl.scram(client, "SCRAM-SHA-256", exchange),
                "the reply")


@case("a wrong channel binding is refused, whoever knows the password")
def _():
    with server_with(auth={"attempts": "9"}) as server, \
            Client(server, "tls") as client:
        for name, digest in (("SCRAM-SHA-256-PLUS", "sha256"),
                             ("SCRAM-SHA-1-PLUS", "sha1")):
            for flag, bound in (("p=tls-exporter", os.urandom(32)),
                                ("p=tls-exporter", b""),
                                ("p=tls-unique", b"x" * 12)):
                exchange = sasl.Scram(digest, "joe", flag=flag, bound=bound)
                matches(rb"-ERR .*", sasl.scram(client, name, exchange),
                        "the reply")
        client.login("joe")


@case("a bound mechanism is not to be had without its binding")
def _():
    with server_with() as server, Client(server, "tls") as client:
        exchange = sasl.Scram("sha256", "joe", flag="n")
        matches(rb"-ERR .*",
                sasl.scram(client, "SCRAM-SHA-256-PLUS", exchange),
                "the reply")
        with Client(server) as other:
            other.refused("AUTH SCRAM-SHA-256-PLUS")


@case("what was said in one exchange is worth nothing in the next")
def _():
    with server_with(auth={"attempts": "9"}) as server, \
            Client(server, "tls") as client:
        exchange = sasl.Scram("sha256", "joe", nonce="always-the-same")
        first = sasl.encode(exchange.first())
        final = exchange.final(sasl.ask(
            client, f"AUTH SCRAM-SHA-256 {first}"))
        sasl.ask(client, sasl.encode(final))
        client.ok("")
        client.ok("QUIT")
        with Client(server, "tls") as other:
            sasl.ask(other, f"AUTH SCRAM-SHA-256 {first}")
            matches(rb"-ERR .*", other.ask(sasl.encode(final)), "a replay")


@case("salts tell nobody which users there are")
def _():
    with server_with(auth={"attempts": "99"}) as server, \
            Client(server, "tls") as client:
        def salt(user):
            exchange = sasl.Scram("sha256", user)
            challenge = sasl.ask(
                client, f"AUTH SCRAM-SHA-256 {sasl.encode(exchange.first())}")
            client.ask("*")
            return dict(part.split(b"=", 1)
                        for part in challenge.split(b","))
        for user in ("joe", "jim", "nobody-there"):
            one, two = salt(user), salt(user)
            equal(one[b"s"], two[b"s"], f"salts of {user}")
            equal(one[b"i"], salt("joe")[b"i"], "iterations")
            equal(len(one[b"s"]), len(salt("joe")[b"s"]), "length of a salt")
        check(salt("jim")[b"s"] != salt("jon")[b"s"], "one salt for all")


# Tokens.

CHECK_TOKEN = r"""#!/bin/sh
# Descriptor 3 has "name\0token\0time\0"; the owner goes to descriptor 4.
set -- $(tr '\000' '\n' <&3 | sed 's/^$/-/')
case $2 in
eyJhbGciOi.J9-x_y~z+/==) echo joe >&4; exit 0 ;;
other) echo ann >&4; exit 0 ;;
silent) exit 0 ;;
rude) printf 'a/b' >&4; exit 0 ;;
late) exit 111 ;;
slow) sleep 60 ;;
*) exit 1 ;;
esac
"""


def token_server(**auth):
    """Return a server with a back end for tokens."""
    server = server_with(auth=auth)
    program = server.path("check-token")
    with open(program, "w", encoding="ascii") as file:
        file.write(CHECK_TOKEN)
    os.chmod(program, 0o755)
    server.backend = (f'}} backend "tokens" {{ type = token  timeout = 2s  '
                      f'command = {{ "{program}" }}')
    return server


def by_oauthbearer(client, token, user):
    """OAUTHBEARER; the JSON of a failure is acknowledged."""
    octets = sasl.oauthbearer(token, user)
    reply = client.ask(f"AUTH OAUTHBEARER {sasl.encode(octets)}")
    return client.ask("AQ==") if reply.startswith(b"+ ") else reply


def by_xoauth2(client, token, user):
    """XOAUTH2; the JSON of a failure is acknowledged."""
    octets = sasl.xoauth2(token, user)
    reply = client.ask(f"AUTH XOAUTH2 {sasl.encode(octets)}")
    return client.ask("") if reply.startswith(b"+ ") else reply


def try_token(way, transport):
    """The program says whose token it is."""
    with token_server(cleartext="always") as server:
        server.add_user("ann")
        for token, user, wanted in (
                (TOKEN, "joe", ANSWERED), (b"wrong", "joe", WRONG),
                (TOKEN, "ann", WRONG), (b"other", "ann", ANSWERED),
                (b"other", "joe", WRONG), (TOKEN, "no/body", WRONG),
                (b"silent", "joe", rb"-ERR \[SYS/TEMP\].*"),
                (b"rude", "joe", rb"-ERR \[SYS/TEMP\].*"),
                (b"late", "joe", rb"-ERR \[SYS/TEMP\].*"),
                (b"slow", "joe", rb"-ERR \[SYS/TEMP\].*")):
            with Client(server, transport) as client:
                matches(wanted, way(client, token, user), f"{token} {user}")


for place in TRANSPORTS:
    suite.add(f"OAUTHBEARER asks the program, over {place}", try_token,
              by_oauthbearer, place)
    suite.add(f"XOAUTH2 asks the program, over {place}", try_token,
              by_xoauth2, place)


@case("a token without a name opens the mailbox of its owner")
def _():
    with token_server() as server, Client(server, "tls") as client:
        matches(ANSWERED, by_oauthbearer(client, TOKEN, ""), "the reply")
        client.ok("QUIT")
        server.wait_for_session(user="joe", end="quit")


@case("a token that is refused is explained in JSON before -ERR")
def _():
    with token_server() as server, Client(server, "tls") as client:
        octets = sasl.oauthbearer(b"wrong", "joe")
        why = sasl.ask(client, f"AUTH OAUTHBEARER {sasl.encode(octets)}")
        matches(rb'\{.*"status":.*\}', why, "the challenge")
        matches(WRONG, client.ask("AQ=="), "the reply")
        client.login("joe")


@case("responses without a token are refused")
def _():
    with token_server(attempts="99") as server, \
            Client(server, "tls") as client:
        for octets in (b"", b"n,,", b"n,,\1", b"n,,\1\1", b"n,a=joe,\1\1",
                       b"p=x,,\1auth=Bearer x\1\1", b"x,,\1auth=Bearer x\1\1",
                       b"n,,\1auth=Bearer x\1", b"n,,\1auth=Bearer \1\1",
                       b"n,,\1auth=Basic x\1\1", b"n,,\1auth=Bearer x y\1\1",
                       b"n,,\1auth=Bearer x\1auth=Bearer y\1\1",
                       b"n,a=jo=e,\1auth=Bearer x\1\1",
                       b"n,,\1auth=Bearer x\0\1\1", b"\1" * 4000):
            sasl.ask(client, "AUTH OAUTHBEARER")
            matches(MALFORMED, client.ask(sasl.encode(octets).strip("=")
                                          if not octets else
                                          sasl.encode(octets)),
                    f"the reply to {octets[:40]}")


@case("tokens alone may be permitted")
def _():
    with token_server(mechanisms='{ "OAUTHBEARER" }') as server, \
            Client(server, "tls") as client:
        equal(mechanisms(client), ["OAUTHBEARER"], "mechanisms")


# Real clients.

PORTS = {"plain": "pop3", "stls": "pop3", "tls": "pop3s"}


class Gsasl:
    """GNU SASL's own client: it speaks base64 on its standard output."""

    def __init__(self, mechanism, password):
        self.process = subprocess.Popen(
            [programs.find("gsasl"), "--client", "--quiet", "--no-cb",
             "--mechanism", mechanism, "--authentication-id", "joe",
             "--password", password],
            bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        equal(self.process.stdout.readline().decode().strip(), mechanism,
              "mechanism")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def step(self, challenge):
        """Tell it a challenge (None: say something); return its response."""
        if challenge is not None:
            self.process.stdin.write(challenge + b"\n")
        if challenge and base64.b64decode(challenge).startswith(b"v="):
            return ""  # the last word of SCRAM; it says nothing to that
        check(select.select([self.process.stdout], [], [], 20)[0],
              f"gsasl does not answer {challenge}")
        return self.process.stdout.readline().decode().strip()


def converse(client, mechanism, password):
    """Relay between that client and the server; return the last reply."""
    with Gsasl(mechanism, password) as other:
        if mechanism == "LOGIN":
            reply = client.ask("AUTH LOGIN")
        else:
            reply = client.ask(f"AUTH {mechanism} {other.step(None)}")
        while reply.startswith(b"+ "):
            reply = client.ask(other.step(reply[2:]))
        return reply


def try_gsasl(mechanism):
    """Right and wrong."""
    with server_with() as server, Client(server, "tls") as client:
        matches(WRONG, converse(client, mechanism, "wrong"), "the reply")
        matches(ANSWERED, converse(client, mechanism, "secret"), "the reply")


for name in ("PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"):
    suite.add(f"the client of GNU SASL logs in by {name}", try_gsasl, name)


def try_bound(mechanism):
    """Right, wrong, and with somebody between us."""
    with server_with(auth={"attempts": "9"}) as server:
        def run(*arguments, wanted):
            programs.run_as(programs.client_user(), BOUND_CLIENT,
                            str(server.port("pop3s")),
                            server.path("main.cert.pem"), mechanism,
                            *arguments, wanted=(wanted,))
        run("joe", "secret", wanted=0)
        server.wait_for_session(user="joe", end="quit")
        run("joe", "wrong", wanted=1)
        run("jim", "secret", wanted=1)
        run("joe", "secret", "wrong binding", wanted=1)


for name in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"):
    suite.add(f"a client bound to its TLS channel logs in by {name}",
              try_bound, name)


def mpop(server, transport, method, password, wanted):
    """Fetch all mail by mpop; return how many messages it got."""
    home = server.path(f"mpop-{len(os.listdir(server.directory))}")
    os.makedirs(os.path.join(home, "new"))
    for folder in ("cur", "tmp"):
        os.mkdir(os.path.join(home, folder))
    rc = os.path.join(home, "mpoprc")
    with open(rc, "w", encoding="ascii") as file:
        file.write(f"""account test
host localhost
port {server.port(PORTS[transport])}
user joe
auth {method}
passwordeval "printf %s '{password}'"
tls {"off" if transport == "plain" else "on"}
tls_starttls {"on" if transport == "stls" else "off"}
tls_trust_file {server.path("main.cert.pem")}
keep on
uidls_file {home}/uidls
delivery maildir {home}
""".replace("tls_trust_file" if transport == "plain" else "\0", "#"))
    os.chmod(rc, 0o600)
    if as_root():
        for place, folders, files in os.walk(home):
            for entry in (".", *folders, *files):
                os.chown(os.path.join(place, entry), programs.NOBODY,
                         programs.NOBODY)
    programs.run_as(programs.client_user(), programs.find("mpop"), "--file",
                    rc, "test", wanted=wanted, HOME=home)
    return len(os.listdir(os.path.join(home, "new")))


def try_mpop(transport):
    """Right and wrong."""
    with token_server(cleartext="always") as server:
        for method in ("user", "plain", "login", "scram-sha-1",
                       "scram-sha-256", "oauthbearer", "xoauth2"):
            token = method in ("oauthbearer", "xoauth2")
            right = TOKEN.decode() if token else "secret"
            equal(mpop(server, transport, method, right, (0,)), 3, method)
            equal(mpop(server, transport, method, "wrong", (77,)), 0, method)


for place in TRANSPORTS:
    suite.add(f"mpop logs in by all its methods, over {place}", try_mpop,
              place)


def curl(server, *arguments, wanted=(0,)):
    """Fetch a message by curl."""
    return programs.run_as(
        programs.client_user(), programs.find("curl"), "--silent",
        "--show-error", "--cacert", server.path("main.cert.pem"), *arguments,
        f"pop3s://localhost:{server.port('pop3s')}/1", wanted=wanted)


def try_curl(*arguments):
    """Right and wrong."""
    with token_server(cleartext="always") as server:
        right = [argument.replace("RIGHT", "secret").replace(
            "TOKEN", TOKEN.decode()) for argument in arguments]
        wrong = [argument.replace("RIGHT", "wrong").replace("TOKEN", "wrong")
                 for argument in arguments]
        check(b"Subject" in curl(server, *right), "no message came")
        curl(server, *wrong, wanted=(67,))


suite.add("curl logs in by PLAIN", try_curl, "--user", "joe:RIGHT",
          "--login-options", "AUTH=PLAIN")
suite.add("curl logs in by PLAIN with an initial response", try_curl,
          "--user", "joe:RIGHT", "--login-options", "AUTH=PLAIN", "--sasl-ir")
suite.add("curl logs in by LOGIN", try_curl, "--user", "joe:RIGHT",
          "--login-options", "AUTH=LOGIN")
suite.add("curl logs in by OAUTHBEARER", try_curl, "--user", "joe",
          "--oauth2-bearer", "TOKEN", "--login-options", "AUTH=OAUTHBEARER")
suite.add("curl logs in by XOAUTH2", try_curl, "--user", "joe",
          "--oauth2-bearer", "TOKEN", "--login-options", "AUTH=XOAUTH2")


@case("Python's poplib learns of our mechanisms, and logs in")
def _():
    with server_with() as server:
        box = poplib.POP3_SSL("localhost", server.port("pop3s"),
                              context=server.context, timeout=60)
        check("SCRAM-SHA-256" in box.capa()["SASL"], "no SCRAM-SHA-256")
        response = sasl.encode(sasl.plain("joe"))
        matches(ANSWERED, box._shortcmd(f"AUTH PLAIN {response}"), "reply")
        equal(box.stat()[0], 3, "messages")
        box.quit()


if __name__ == "__main__":
    run_cases(suite)
