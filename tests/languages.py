#!/usr/bin/env python3
"""The languages of replies: their catalogues, and sessions that use them."""

import gettext
import os
import pathlib
import poplib
import re
import shutil
import subprocess
import tempfile

from postern_testing import (Client, Server, Skip, Suite, check, equal,
                             matches, run_cases)
from postern_testing.server import program
from postern_testing.tap import environment

TOP = pathlib.Path(environment(
    "top_srcdir", os.path.join(os.path.dirname(__file__), ".."))).resolve()
LANGUAGES = ("de", "es", "fr", "ru", "zh")
MOST_OCTETS = 512  # RFC 2449 section 4
LARGEST = {"u": "4294967295", "llu": "18446744073709551615",
           "lld": "-9223372036854775808", "d": "-2147483648",
           "s": "x" * 64}

suite = Suite()
case = suite.case


def catalogue(language):
    """Return {English text: translation} of a catalogue that was built."""
    with open(program(f"po/{language}.mo", os.R_OK), "rb") as file:
        texts = gettext.GNUTranslations(file)._catalog
    return {english: text for english, text in texts.items() if english}


def tool(name):
    """Expect that a tool of GNU gettext is here."""
    if not shutil.which(name):
        raise Skip(f"{name} is not installed (Debian package gettext)")
    return name


def template():
    """Return the texts of the sources, as make po/postern.pot writes them."""
    makefile = (TOP / "Makefile.am").read_text(encoding="utf-8")
    options = re.search(r"^XGETTEXT_OPTIONS = ((?:.*\\\n)*.*)", makefile, re.M)
    words = options[1].replace("\\\n", " ").split()
    sources = sorted(str(path.relative_to(TOP))
                     for path in TOP.glob("src/*.c"))
    return subprocess.run([tool("xgettext"), *words, "-o", "-", *sources],
                          cwd=TOP, check=True, capture_output=True).stdout


def is_whole(language):
    """Each text of the sources is in the catalogue, and nothing else is."""
    tool("msgcmp")
    texts = template()
    # msgfmt puts those where only gettext(3) finds them.
    check(b"<PRI" not in texts, "a text with a macro such as PRIu64")
    with tempfile.NamedTemporaryFile(suffix=".pot") as file:
        file.write(texts)
        file.flush()
        for command in (["msgcmp", f"po/{language}.po", file.name],
                        ["msgcmp", "--use-untranslated", file.name,
                         f"po/{language}.po"]):
            said = subprocess.run(command, cwd=TOP, capture_output=True,
                                  text=True, check=False)
            equal(said.returncode, 0, said.stderr)


def fits(language):
    """No reply of this language is longer than a reply may be."""
    texts = catalogue(language)
    check(len(texts) > 40, f"only {len(texts)} texts")
    for one in [*texts, *texts.values()]:
        text = re.sub(r"%[0-9]*(llu|lld|u|d|s)",
                      lambda match: LARGEST[match[1]], one)
        check("%" not in text, f"a conversion unknown here: {one}")
        reply = f"-ERR i-default {text}\r\n".encode()
        check(len(reply) <= MOST_OCTETS, f"{len(reply)} octets: {one}")


def is_translated(language):
    """No text was left in English by mistake."""
    same = [text for english, text in catalogue(language).items()
            if english == text]
    # French counts octets, too.
    check(set(same) <= {"%llu octets", "1 message (%llu octets)"},
          f"still English: {same}")


for name in LANGUAGES:
    suite.add(f"each text of the sources is translated in {name}", is_whole,
              name)
    suite.add(f"each reply in {name} has at most 512 octets", fits, name)
    suite.add(f"no text of {name} is the English one", is_translated, name)


class Foreign(Server):
    """A server, and a user joe, with replies in German and more."""

    def __init__(self, **options):
        program("po/de.mo", os.R_OK)
        super().__init__(**options)
        self.joe = self.add_user("joe")


class Moved(Server):
    """A server that is a copy of the program, with chosen catalogues."""

    def __init__(self, *languages):
        super().__init__()
        self.joe = self.add_user("joe")
        self.program = shutil.copy(program(), self.path("postern"))
        os.mkdir(self.path("po"))
        for language in languages:
            shutil.copy(program(f"po/{language}.mo", os.R_OK),
                        self.path("po"))


def tags(client):
    """Return the tags that LANG lists."""
    client.ok("LANG")
    return [line.split(b" ")[0].decode() for line in client.lines()]


def in_german(client):
    """Expect that a session is in German."""
    equal(client.ask("XYZZY"),
          "-ERR Befehl unbekannt oder jetzt nicht erlaubt".encode(), "reply")


def in_english(client):
    """Expect that a session is in English."""
    equal(client.ask("XYZZY"), b"-ERR unknown command, or not now", "reply")


def one_worker(transport):
    """The next session of a worker knows nothing of the one before."""
    with Foreign(pool={"spare": "1", "max": "1",
                       "sessions-per-worker": "100"}) as server:
        pids = set()
        for _ in range(4):
            with Client(server, transport) as client:
                pids.add(server.one("postern-worker").pid)
                in_english(client)
                client.ok("LANG de")
                in_german(client)
                client.login("joe")
                in_german(client)
                equal(client.ok("QUIT"), "+OK auf Wiedersehen, "
                      "0 Nachrichten gelöscht".encode(), "QUIT")
                client.expect_end()
        equal(len(pids), 1, "workers")


for name in ("plain", "stls", "tls"):
    suite.add("a worker's next session begins in the default language "
              f"over {name}", one_worker, name)


@case("sessions at the same time are each in their own language")
def _():
    with Foreign() as server:
        clients = {}
        try:
            for language in LANGUAGES + ("en",):
                clients[language] = Client(server)
                clients[language].ok(f"LANG {language}")
            replies = {language: client.ask("XYZZY")
                       for language, client in clients.items()}
            equal(len(set(replies.values())), len(clients), "replies")
            in_german(clients["de"])
            in_english(clients["en"])
            for language in LANGUAGES:
                wanted = catalogue(language)["unknown command, or not now"]
                equal(replies[language], f"-ERR {wanted}".encode(), "reply")
        finally:
            for client in clients.values():
                client.close()


@case("the languages are there after a reload")
def _():
    with Foreign() as server:
        with Client(server) as old:
            old.ok("LANG de")
            check(server.reload(), "the settings are refused")
            in_german(old)
            with Client(server) as client:
                in_english(client)
                client.ok("LANG de")
                in_german(client)


@case("[IN-USE] tells the other session's facts in the language")
def _():
    with Foreign() as server:
        with Client(server) as first, Client(server) as second:
            first.login("joe")
            second.ok("LANG fr")
            second.ok("USER joe")
            matches(rb"-ERR \[IN-USE\] la bo\xc3\xaete est ouverte depuis "
                    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ s\) par "
                    rb"127\.0\.0\.1", second.ask("PASS secret"), "PASS")


@case("what fails behind the worker has its response code in each language")
def _():
    with Foreign() as server:
        server.add_user("temp", line="temp:{NOSUCH}x:1:1::/nonexistent::")
        server.add_user("perm", line="perm:{PLAIN}secret:0:0::/nonexistent::")
        for user, code, english in (
                ("temp", "SYS/TEMP", "can't open the mailbox now, try later"),
                ("perm", "SYS/PERM",
                 "can't open the mailbox, ask your administrator"),
                ("nobody", "AUTH", "wrong user name or password")):
            for language in LANGUAGES:
                with Client(server) as client:
                    client.ok(f"LANG {language}")
                    client.ok(f"USER {user}")
                    reply = client.refused("PASS secret", code).decode()
                    wanted = catalogue(language)[f"[{code}] {english}"]
                    equal(reply, f"-ERR {wanted}", f"PASS in {language}")


@case("a message that is gone has its response code in each language")
def _():
    with Foreign() as server:
        with Client(server) as client:
            client.login("joe")
            os.unlink(server.joe.path(server.joe.messages()[1]))
            for language in LANGUAGES:
                client.ok(f"LANG {language}")
                for command, english in (
                        ("RETR 2", "another program removed this message"),
                        ("DELE 2", "not marked: this message could not be "
                         "sent whole")):
                    wanted = catalogue(language)[f"[SYS/TEMP] {english}"]
                    equal(client.refused(command, "SYS/TEMP").decode(),
                          f"-ERR {wanted}", command)


@case("a lost keeper has its response code in the language")
def _():
    with Foreign() as server:
        with Client(server) as client:
            client.ok("LANG ru")
            client.login("joe")
            server.kill("postern-keeper")
            equal(client.refused("RETR 1", "SYS/TEMP").decode(), "-ERR " +
                  catalogue("ru")["[SYS/TEMP] the session is lost; no "
                                  "message is removed"], "RETR")
            client.expect_end()


@case("Python's poplib says UTF8 and logs in as jörg, in either form")
def _():
    with Server() as server:
        maildir = server.add_user("jörg", "odd", "pässwörd")
        for name, password in (("jörg", "pässwörd"),
                               ("jo\u0308rg", "pa\u0308sswo\u0308rd")):
            client = poplib.POP3(server.address("pop3"), server.port("pop3"),
                                 timeout=30)
            try:
                check("USER" in client.capa()["UTF8"], "UTF8 USER")
                client.utf8()
                client.user(name)
                client.pass_(password)
                equal(client.stat()[0], len(maildir.messages()), "messages")
                client.quit()
            finally:
                client.close()


@case("curl logs in as jörg, in either form, and gets what is stored")
def _():
    if not shutil.which("curl"):
        raise Skip("curl is not installed (Debian package curl)")
    with Server() as server:
        maildir = server.add_user("jörg", "odd", "pässwörd")
        for account in ("jörg:pässwörd", "jo\u0308rg:pa\u0308sswo\u0308rd"):
            url = f"pop3://{server.address('pop3')}:{server.port('pop3')}/1"
            got = subprocess.run(["curl", "--silent", "--user", account, url],
                                 check=True, capture_output=True,
                                 timeout=60).stdout
            equal(got, maildir.wires()[0], "message 1")


@case("a program without catalogues lists English only, and speaks it")
def _():
    with Moved() as server:
        with Client(server) as client:
            found = tags(client)
            if "de" in found:
                raise Skip("catalogues are installed on this machine")
            equal(found, ["i-default", "en"], "languages")
            in_english(client)
            client.refused("LANG de")
            equal(client.ok("LANG en"), b"+OK en language changed", "LANG")
            equal(client.ok("LANG *"), b"+OK en language changed", "LANG")
            client.login("joe")
            client.refused("LANG de")


@case("a torn catalogue is left out, and the log tells which")
def _():
    server = Moved("de", "fr")
    with open(server.path("po", "de.mo"), "r+b") as file:
        file.truncate(os.fstat(file.fileno()).st_size - 1)
    with server:
        server.wait_for_log(r"no replies in de: .*/po/de\.mo: not a catal")
        with Client(server) as client:
            found = tags(client)
            check("fr" in found and "de" not in found, f"{found}")
            client.refused("LANG de")
            client.ok("LANG fr")


if __name__ == "__main__":
    run_cases(suite)
