#!/usr/bin/env python3
"""Certificates, versions, ciphers and protocols, as clients see them."""

import contextlib
import os
import pathlib
import re
import shutil
import ssl
import subprocess

from postern_testing import (LOST, Client, Server, Skip, Suite, certificates,
                             check, equal, log_in, matches, run_cases, sasl)

WAIT_S = 60
SHADOW_BYTES = 1 << 30
OLD = "ALL:@SECLEVEL=0"
LEGACY = {"pop3s": ("implicit", "127.0.0.1"),
          "old": ("implicit", "127.0.0.1",
                  "tls-options { min-version = 1.0 }")}

suite = Suite()
case = suite.case


class TwoKeys(Server):
    """A server with an RSA and an EC certificate for its one host."""

    def certificate_lines(self, stem):
        """Yield the settings of both certificates, the slow one first."""
        stems = [f"{stem}-rsa", stem]
        for name in "certificate", "key":
            ending = name.replace("certificate", "cert")
            files = ", ".join(f'"{self.path(one)}.{ending}.pem"'
                              for one in stems)
            yield f"\t{name} = {{ {files} }}"

    def prepare(self):
        """Write all files, of both keys."""
        certificates.make_rsa(self.path("main-rsa"), "localhost")
        super().prepare()


def s_client(server, *options, listener="pop3s"):
    """Return what openssl s_client says of a handshake."""
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    said = subprocess.run(
        ["openssl", "s_client", "-connect",
         f"127.0.0.1:{server.port(listener)}", *options],
        input=b"QUIT\r\n", capture_output=True, timeout=WAIT_S, check=False)
    return (said.stdout + said.stderr).decode("utf-8", "replace")


def gnutls_cli(server, priority, *options, listener="pop3s"):
    """Return whether gnutls-cli does a handshake, and what it says."""
    if not shutil.which("gnutls-cli"):
        raise Skip("gnutls-cli is not installed (package gnutls-bin)")
    said = subprocess.run(
        ["gnutls-cli", "--insecure", "--priority", priority, *options,
         "-p", str(server.port(listener)), "127.0.0.1"],
        input=b"QUIT\r\n", capture_output=True, timeout=WAIT_S, check=False)
    text = (said.stdout + said.stderr).decode("utf-8", "replace")
    return "Handshake was completed" in text, text


def cipher_of(text):
    """Return the cipher suite that s_client says was negotiated."""
    found = re.search(r"Cipher is (\S+)", text)
    check(found, f"s_client says nothing of a cipher:\n{text}")
    return found[1]


# Two keys for one host.

@case("clients get the key that they can use, and the cheap one if they can")
def _():
    with TwoKeys() as server:
        for options, wanted in (
                ((), "ECDSA"), (("-tls1_2",), "ECDSA"),
                (("-sigalgs", "RSA-PSS+SHA256"), "RSA-PSS"),
                (("-sigalgs", "ECDSA+SHA256"), "ECDSA"),
                (("-tls1_2", "-cipher", "aRSA"), "RSA-PSS"),
                (("-tls1_2", "-cipher", "aECDSA"), "ECDSA"),
                (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"), "RSA-PSS")):
            said = s_client(server, *options)
            found = re.search(r"Peer signature type: (\S+)", said)
            equal(found and found[1], wanted, f"key for {options}")


@case("a reload is refused if one of two keys is another's")
def _():
    with TwoKeys() as server:
        server.add_user("joe")
        certificates.make_rsa(server.path("other"), "localhost")
        shutil.copy(server.path("other.key.pem"),
                    server.path("main-rsa.key.pem"))
        check(not server.reload(), "the reload is accepted")
        with log_in(server, "tls") as client:
            client.ok("QUIT")


# What is refused by default, and what one listener may permit.

@case("openssl gets no old version, no static RSA and no finite-field DH")
def _():
    with TwoKeys() as server:
        for options in (("-tls1",), ("-tls1_1",),
                        ("-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"),
                        ("-tls1_2", "-cipher", "kDHE:@SECLEVEL=0"),
                        ("-tls1_3", "-groups", "ffdhe2048:ffdhe8192")):
            if "-cipher" not in options and "-groups" not in options:
                options += ("-cipher", OLD)
            said = s_client(server, *options)
            equal(cipher_of(said), "(NONE)", f"cipher for {options}")
            check("alert" in said, f"no alert for {options}:\n{said}")


@case("gnutls-cli gets no old version, no static RSA and no finite-field DH")
def _():
    base = "NORMAL:%COMPAT"
    with TwoKeys() as server:
        for change in ("-VERS-ALL:+VERS-TLS1.0", "-VERS-ALL:+VERS-TLS1.1",
                       "-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
                       "-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
                       "-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC",
                       "-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048",
                       "-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE8192"):
            works, said = gnutls_cli(server, f"{base}:{change}")
            check(not works, f"{change} works:\n{said}")
        for change in "-VERS-ALL:+VERS-TLS1.2", "-VERS-ALL:+VERS-TLS1.3":
            works, said = gnutls_cli(server, f"{base}:{change}")
            check(works, f"{change} does not work:\n{said}")


@case("min-version = 1.0 of one listener lets old clients in there, marked")
def _():
    with TwoKeys(LEGACY) as server:
        for options, version in (
                (("-tls1", "-cipher", "aECDSA:@SECLEVEL=0"), "TLS1.0"),
                (("-tls1", "-cipher", "aRSA:@SECLEVEL=0"), "TLS1.0"),
                (("-tls1_1", "-cipher", "aECDSA:@SECLEVEL=0"), "TLS1.1"),
                (("-tls1_1", "-cipher", "aRSA:@SECLEVEL=0"), "TLS1.1")):
            seen = len(server.log)
            said = s_client(server, *options, listener="old")
            check(cipher_of(said) != "(NONE)", f"{options} is refused")
            server.wait_for_log(f"warning: session .* tls={version} .*"
                                " legacy-tls$", seen)
            equal(cipher_of(s_client(server, *options)), "(NONE)",
                  f"cipher for {options} at the other listener")
        said = s_client(server, "-tls1_2", "-cipher", "kRSA:@SECLEVEL=0",
                        listener="old")
        equal(cipher_of(said), "(NONE)", "static RSA at the old listener")
        seen = len(server.log)
        said = s_client(server, listener="old")
        check(cipher_of(said).startswith("TLS_AES"), "no TLS 1.3 there")
        line = server.wait_for_log("session .* tls=TLS1.3", seen)
        check("legacy" not in line.string, f"marked: {line.string}")


@case("3DES needs a word of its own in the priority of a listener")
def _():
    listeners = LEGACY | {"oldest": (
        "implicit", "127.0.0.1",
        'tls-options { min-version = 1.0  priority = "+3DES-CBC" }')}
    triple = "NORMAL:-VERS-ALL:+VERS-TLS1.0:-CIPHER-ALL:+3DES-CBC"
    with TwoKeys(listeners) as server:
        for listener, wanted in (("pop3s", False), ("old", False),
                                 ("oldest", True)):
            works, said = gnutls_cli(server, triple, listener=listener)
            equal(works, wanted, f"3DES at {listener}:\n{said}")
        works, _ = gnutls_cli(server, f"{triple}:-KX-ALL:+RSA",
                              listener="oldest")
        check(not works, "static RSA works")


@case("legacy-tls = yes of a policy lets its network's old clients in, marked")
def _():
    old = "-tls1", "-cipher", OLD
    for match, works in ("127.0.0.0/8", True), ("192.0.2.0/24", False):
        policy = {"match": f'{{ "{match}" }}', "legacy-tls": "yes"}
        with Server(**{'policy "old"': policy}) as server:
            equal(cipher_of(s_client(server, *old)) != "(NONE)", works,
                  f"TLS 1.0 under a policy for {match}")
            server.wait_for_log("session .* legacy-tls$" if works else
                                "end=tls-failed")


@case("min-version = 1.3 refuses TLS 1.2")
def _():
    with Server(tls={"min-version": "1.3"}) as server:
        equal(cipher_of(s_client(server, "-tls1_2")), "(NONE)", "TLS 1.2")
        check(cipher_of(s_client(server)) != "(NONE)", "no TLS 1.3")


@case("a listener has its own certificate, and the others theirs")
def _():
    server = Server()
    server.listeners = {
        "pop3s": ("implicit", "127.0.0.1"),
        "own": ("implicit", "127.0.0.1", "tls-options {",
                f'certificate = "{server.path("own.cert.pem")}"',
                f'key = "{server.path("own.key.pem")}"', "}")}
    certificates.make(server.path("own"), "own.example.net")
    with server:
        context = server.new_context()
        context.verify_mode = ssl.CERT_NONE
        for listener, stem in ("pop3s", "main"), ("own", "own"):
            with Client(server, "tls", listener=listener,
                        context=context) as client:
                shown = client.socket.getpeercert(binary_form=True)
                with open(server.path(f"{stem}.cert.pem"),
                          encoding="ascii") as file:
                    equal(shown, ssl.PEM_cert_to_DER_cert(file.read()),
                          f"certificate of {listener}")


# The order of ciphers and groups is the server's.

def first_ciphers(server):
    """Return what the server chooses from clients of opposite tastes."""
    chacha, aes = "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"
    old_chacha = "ECDHE-ECDSA-CHACHA20-POLY1305"
    old_aes = "ECDHE-ECDSA-AES128-GCM-SHA256"
    return {cipher_of(s_client(server, "-ciphersuites", f"{a}:{b}"))
            for a, b in ((chacha, aes), (aes, chacha))} | {
        cipher_of(s_client(server, "-tls1_2", "-cipher", f"{a}:{b}"))
        for a, b in ((old_chacha, old_aes), (old_aes, old_chacha))}


@case("without instructions for AES, ChaCha20 comes first")
def _():
    server = Server()
    server.environment["GNUTLS_CPUID_OVERRIDE"] = "0x1"
    with server:
        found = first_ciphers(server)
        equal(found, {"TLS_CHACHA20_POLY1305_SHA256",
                      "ECDHE-ECDSA-CHACHA20-POLY1305"}, "ciphers")


@case("with instructions for AES, AES-GCM comes first")
def _():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        if not re.search(r"^(flags|Features)\b.*\baes\b", file.read(), re.M):
            raise Skip("this processor has none")
    with Server() as server:
        found = first_ciphers(server)
        equal(found, {"TLS_AES_128_GCM_SHA256",
                      "ECDHE-ECDSA-AES128-GCM-SHA256"}, "ciphers")


@case("priority has the last word on the order of ciphers")
def _():
    with Server(tls={"priority": '"-CIPHER-ALL:+AES-128-GCM"'}) as server:
        equal(cipher_of(s_client(server)), "TLS_AES_128_GCM_SHA256",
              "cipher")


@case("the server's order costs no client another round trip")
def _():
    with Server() as server:
        for groups in "X25519:P-256", "X25519:P-384:P-256", "X25519":
            said = s_client(server, "-msg", "-groups", groups)
            equal(said.count(", ClientHello"), 1,
                  f"ClientHellos with {groups}")


# ALPN.

def alpn(server, *offered):
    """Return what is chosen of the protocols that a client offers."""
    context = server.new_context()
    if offered:
        context.set_alpn_protocols(offered)
    with Client(server, "tls", context=context) as client:
        client.ok("CAPA")
        client.body()
        return client.socket.selected_alpn_protocol()


@case("ALPN: pop3 is chosen, and whoever offers others may come in")
def _():
    with Server() as server:
        equal(alpn(server, "pop3"), "pop3", "chosen")
        equal(alpn(server, "http/1.1", "pop3"), "pop3", "chosen of two")
        equal(alpn(server), None, "chosen of none")
        equal(alpn(server, "http/1.1", "imap"), None, "chosen of others")


@case("alpn = strict refuses whoever offers protocols without pop3")
def _():
    with Server(tls={"alpn": "strict"}) as server:
        equal(alpn(server, "http/1.1", "pop3"), "pop3", "chosen of two")
        equal(alpn(server), None, "chosen of none")
        try:
            alpn(server, "http/1.1")
            check(False, "http/1.1 is accepted")
        except ssl.SSLError as error:
            check("NO_APPLICATION_PROTOCOL" in str(error).upper().replace(
                " ", "_"), f"other error: {error}")
        server.wait_for_session(end="tls-failed")


# Certificates that are renewed on disk.

def shown(server, transport="tls", **options):
    """Return the certificate that a client is shown, in DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with Client(server, transport, context=context, **options) as client:
        octets = client.socket.getpeercert(binary_form=True)
        client.ok("QUIT")
        return octets


def stored(path):
    """Return the first certificate of a file, in DER."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(text.partition(end)[0] + end)


def put(server, source, *endings):
    """Put files of another certificate in place, each in one step."""
    for ending in endings:
        shutil.copy(server.path(f"{source}.{ending}"), server.path("new"))
        os.rename(server.path("new"), server.path(f"main.{ending}"))


@case("a renewed certificate is used without any signal; sessions go on")
def _():
    with Server(auth={"cleartext": "tls-only"}) as server:
        server.add_user("joe")
        with log_in(server, "tls") as old:
            before = old.socket.getpeercert(binary_form=True)
            for _ in range(2):
                seen = len(server.log)
                server.make_certificate("main", "localhost")
                server.wait_for_log("certificates renewed", seen)
                after = stored(server.path("main.cert.pem"))
                check(before != after, "the certificate is the same")
                equal(shown(server), after, "the certificate that is shown")
                equal(shown(server, "stls"), after, "that over STLS")
            equal(old.count(), 3, "messages in the old session")
            old.retrieve(1)
            old.ok("QUIT")


REFUSED = "changed certificate files are refused"


@case("files that don't belong together are refused until they do, told once")
def _():
    with Server() as server:
        before = stored(server.path("main.cert.pem"))
        certificates.make(server.path("next"), "localhost")
        put(server, "next", "key.pem")
        server.wait_for_log("not the key of")
        server.wait_for_log(REFUSED)
        equal(shown(server), before, "the certificate after a new key")
        seen = len(server.log)
        with open(server.path("main.cert.pem"), "r+b") as file:
            file.truncate(100)
        server.wait_for_log("not a PEM certificate", seen)
        server.wait_for_log(REFUSED, seen)
        equal(shown(server), before, "the certificate after half of one")
        seen = len(server.log)
        os.unlink(server.path("main.cert.pem"))
        server.wait_for_log("missing, or no regular file", seen)
        server.wait_for_log(REFUSED, seen)
        equal(shown(server), before, "the certificate after none")
        put(server, "next", "cert.pem")
        server.wait_for_log("certificates renewed")
        equal(shown(server), stored(server.path("next.cert.pem")),
              "the certificate at last")
        equal(len([line for line in server.log if REFUSED in line]), 3,
              "how often it was told")


class Issued(Server):
    """A server whose certificate is issued by an authority."""

    def prepare(self):
        """Write all files that the server needs."""
        self.authority = certificates.Authority(self.directory)
        super().prepare()

    def make_certificate(self, stem, *names):
        """Let the authority make a certificate; trust it."""
        self.authority.issue(self.path(stem), names[0])
        self.context = self.new_context()

    def new_context(self):
        """Return a TLS context that trusts the authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(f"{self.authority.stem}.cert.pem")
        return context


def refused_renewal(spoil, pattern):
    """Renew a certificate so that it must not be taken."""
    with Issued() as server:
        before = stored(server.path("main.cert.pem"))
        server.authority.issue(server.path("next"), "localhost")
        spoil(server)
        put(server, "next", "cert.pem", "key.pem")
        server.wait_for_log(pattern)
        server.wait_for_log(REFUSED)
        equal(shown(server), before, "the certificate that is shown")
        server.authority.issue(server.path("next"), "localhost")
        put(server, "next", "key.pem", "cert.pem")
        server.wait_for_log("certificates renewed")
        equal(shown(server), stored(server.path("next.cert.pem")),
              "the certificate at last")


def leave_leaf(server):
    """Cut the chain down to the server's own certificate."""
    path = pathlib.Path(server.path("main.cert.pem"))
    end = "-----END CERTIFICATE-----\n"
    path.write_text(path.read_text().partition(end)[0] + end)


def let_expire(server):
    """Make a certificate that has expired."""
    server.authority.issue(server.path("next"), "localhost", expired=True)


def mix_chain(server):
    """Follow the certificate by one that has not signed it."""
    certificates.Authority(server.directory, "other")
    with open(server.path("next.cert.pem"), encoding="ascii") as file:
        leaf = file.read().split("-----END CERTIFICATE-----")[0]
    with open(server.path("other.cert.pem"), encoding="ascii") as file:
        other = file.read()
    with open(server.path("next.cert.pem"), "w", encoding="ascii") as file:
        file.write(f"{leaf}-----END CERTIFICATE-----\n{other}")


suite.add("a renewed certificate that has expired is refused",
          refused_renewal, let_expire, "it has expired")
suite.add("a renewed certificate whose chain is broken is refused",
          refused_renewal, mix_chain, "is not signed by the next one")


@case("a signer that starts anew takes no key of another certificate")
def _():
    with Issued() as server:
        server.authority.issue(server.path("next"), "localhost", expired=True)
        put(server, "next", "cert.pem", "key.pem")
        server.wait_for_log(REFUSED)
        seen = len(server.log)
        server.kill("postern-signer")
        server.wait_for_log("not the key of", seen)
        server.authority.issue(server.path("next"), "localhost")
        put(server, "next", "key.pem", "cert.pem")
        server.wait_for_log("certificates renewed", seen)
        equal(shown(server), stored(server.path("next.cert.pem")),
              "the certificate")


@case("a certificate that expires soon is served, and warned of")
def _():
    with Issued() as server:
        check(not [line for line in server.log if "expire" in line],
              "a warning of a certificate with 60 days left")
        server.authority.issue(server.path("main"), "localhost", days=9)
        server.wait_for_log("certificates renewed")
        server.wait_for_log('warning: .*cert.pem": it expires in [89] days')
        seen = len(server.log)
        check(server.reload(), "the reload is refused")
        server.wait_for_log('warning: .*cert.pem": it expires in [89]', seen)
        equal(shown(server), stored(server.path("main.cert.pem")),
              "the certificate")


@case("a start and a reload with an expired certificate warn and serve it")
def _():
    with Issued() as server:
        server.authority.issue(server.path("main"), "localhost",
                               expired=True)
        check(server.reload(), "the reload is refused")
        server.wait_for_log("warning: .*it has expired")
        equal(shown(server), stored(server.path("main.cert.pem")),
              "the certificate")


# Certificates of clients.

class Known(Issued):
    """A server whose listener "own" wants certificates of clients."""

    def __init__(self):
        super().__init__()
        self.listeners = {
            "pop3": ("starttls", "127.0.0.1"),
            "pop3s": ("implicit", "127.0.0.1"),
            "own": ("implicit", "127.0.0.1", "tls-options {",
                    f'client-ca = "{self.path("ca.cert.pem")}"',
                    "client-certificate = required }"),
            "may": ("implicit", "127.0.0.1", "tls-options {",
                    f'client-ca = "{self.path("ca.cert.pem")}" }}')}

    def client(self, listener, stem=None):
        """Return a client with a certificate, after its greeting."""
        context = self.new_context()
        if stem:
            context.load_cert_chain(self.path(f"{stem}.cert.pem"),
                                    self.path(f"{stem}.key.pem"))
        return Client(self, "tls", listener=listener, context=context)


@case("a listener that requires certificates lets in who has a good one only")
def _():
    with Known() as server:
        server.authority.make(server.path("joe"), "joe", "tls_www_client",
                              'email = "joe@example.net"', "signing_key")
        server.authority.make(server.path("web"), "web", "tls_www_server",
                              "signing_key")
        other = certificates.Authority(server.directory, "other")
        other.make(server.path("eve"), "joe", "tls_www_client",
                   "signing_key")
        for listener in "own", "may", "pop3s":
            with server.client(listener, "joe") as client:
                client.ok("QUIT")
        for stem in None, "web", "eve":
            with server.client("pop3s", stem) as client:
                client.ok("QUIT")
            seen = len(server.log)
            with server.client("may", stem) as client:
                client.ok("QUIT")
            line = server.wait_for_log("session .* listener=may", seen)
            equal("client certificate not accepted" in line.string,
                  stem is not None, f"the mark of {stem} in {line.string}")
            try:
                server.client("own", stem).close()
                check(False, f"{stem} is let in")
            except LOST:
                server.wait_for_log("listener=own .*end=tls-failed", seen)


def is_let_in(server, listener, stem):
    """Tell whether TLS takes a client's certificate."""
    try:
        with server.client(listener, stem) as client:
            client.ok("QUIT")
        return True
    except LOST:
        return False


@case("whose certificate is revoked is nobody, from the next file on")
def _():
    with Known() as server:
        for name in "joe", "ann":
            server.authority.make(server.path(name), name, "tls_www_client",
                                  "signing_key")
        crl = server.path("ca.crl.pem")
        server.authority.revoke(crl)
        server.listeners["own"] = (
            *server.listeners["own"][:-1], f'client-crl = "{crl}"',
            server.listeners["own"][-1])
        server.write_config()
        check(server.reload(), "the reload is refused")
        check(is_let_in(server, "own", "joe"), "joe is not let in")
        seen = len(server.log)
        server.authority.revoke(crl, server.path("joe"))
        server.wait_for_log("certificates", seen)
        check(not is_let_in(server, "own", "joe"), "joe is let in")
        check(is_let_in(server, "own", "ann"), "ann is not let in")
        check(is_let_in(server, "may", "joe"), "joe is not let in elsewhere")
        seen = len(server.log)
        server.authority.revoke(crl, server.path("joe"),
                                until="2021-01-01 00:00:00")
        server.wait_for_log("client-crl = .*it is out of date", seen)
        check(not is_let_in(server, "own", "joe"), "joe is let in again")
        check(is_let_in(server, "own", "ann"), "ann is not let in any more")
        other = certificates.Authority(server.directory, "other")
        other.revoke(crl)
        check(not server.reload(), "a list of somebody else is taken")
        server.wait_for_log("a list is not signed by one of client-ca", seen)
        with open(crl, "w", encoding="ascii") as file:
            file.write("no list\n")
        check(not server.reload(), "a file without a list is taken")
        server.wait_for_log("no PEM revocation lists", seen)


def external(client, authzid):
    """Log in by the certificate alone."""
    return client.ask(f"AUTH EXTERNAL {sasl.encode(authzid)}")


@case("AUTH EXTERNAL opens the mailbox of the name in the certificate")
def _():
    with Known() as server:
        server.add_user("joe@example.net")
        server.add_user("ann@example.net")
        for name in "joe", "jim":
            server.authority.make(server.path(name), name, "tls_www_client",
                                  f'email = "{name}@example.net"',
                                  "signing_key")
        for listener, stem in (("pop3s", "joe"), ("may", None)):
            with server.client(listener, stem) as client:
                matches(rb"-ERR .*", external(client, b""), listener)
        with server.client("may", "jim") as client:
            matches(rb"-ERR \[AUTH\] .*", external(client, b""), "unknown")
        for listener, authzid, wanted in (
                ("own", b"", rb"\+OK 3 .*"),
                ("may", b"joe@example.net", rb"\+OK 3 .*"),
                ("may", b"ann@example.net", rb"-ERR \[AUTH\] .*")):
            with server.client(listener, "joe") as client:
                client.ok("CAPA")
                check(any(b" EXTERNAL" in line for line in client.lines()),
                      "EXTERNAL is not announced")
                matches(wanted, external(client, authzid), f"{authzid}")
        with server.client("may", "joe") as client:
            equal(sasl.ask(client, "AUTH EXTERNAL"), b"", "the challenge")
            matches(rb"\+OK 3 .*", client.ask(""), "an empty response")
            client.ok("QUIT")
        server.wait_for_session(user="joe@example.net", end="quit")


@case("a listener that asks for certificates resumes no session")
def _():
    with Known() as server:
        server.authority.make(server.path("joe"), "joe", "tls_www_client",
                              'email = "joe@example.net"', "signing_key")
        with server.client("may", "joe") as client:
            client.ask("NOOP")  # a ticket would have come by now
            session, context = client.socket.session, client.context
            client.ok("QUIT")
        with Client(server, "tls", listener="may", context=context,
                    session=session) as client:
            check(not client.socket.session_reused, "it was resumed")
            client.ok("QUIT")


# The key of session tickets.

@case("after ticket-lifetime a ticket gives a full handshake, and no error")
def _():
    with Server(tls={"ticket-lifetime": "1s"}) as server:
        server.add_user("joe")
        context = server.new_context()
        with Client(server, "tls", context=context) as client:
            client.ok("CAPA")
            client.body()
            session = client.socket.session
            client.ok("QUIT")
        seen = len(server.log)
        server.wait_for_log("keys of session tickets are replaced", seen)
        with Client(server, "tls", context=context,
                    session=session) as client:
            check(not client.socket.session_reused, "the old ticket counts")
            equal(client.login("joe")[:4], b"+OK ", "login")
            client.ok("QUIT")


# OCSP staples.

MUST_STAPLE = "tls_feature = 5"


class Stapled(Issued):
    """A server that has a response about its certificate."""

    features = ()

    def make_certificate(self, stem, *names):
        """Make a certificate, and a response about it."""
        self.authority.issue(self.path(stem), names[0], *self.features)
        self.authority.answer(self.path(stem), self.path("staple"))
        self.context = self.new_context()

    def certificate_lines(self, stem):
        """Yield the settings of the certificate and its response."""
        yield from super().certificate_lines(stem)
        yield f'\tocsp = "{self.path("staple")}"'


def staple_of(server, *options):
    """Return what openssl says of the staple that it gets."""
    said = s_client(server, "-status", "-CAfile",
                    server.path("ca.cert.pem"), *options)
    if "OCSP response: no response sent" in said:
        return "none"
    found = re.search(r"Cert Status: (\w+)", said)
    check(found, f"no status of a staple:\n{said}")
    return found[1]


@case("a staple is sent with TLS 1.2 and 1.3, and anew when it changes")
def _():
    with Stapled() as server:
        for version in "-tls1_2", "-tls1_3":
            equal(staple_of(server, version), "good", f"staple, {version}")
        before = s_client(server, "-status")
        server.authority.answer(server.path("main"), server.path("staple2"),
                                minutes=600)
        os.rename(server.path("staple2"), server.path("staple"))
        server.wait_for_log("certificates renewed")
        after = s_client(server, "-status")
        times = [re.search("Next Update: (.*)", said)[1]
                 for said in (before, after)]
        check(times[0] != times[1], f"the staple is the old one: {times}")


@case("a staple that is broken, another's or of no good news is not taken")
def _():
    with Stapled() as server:
        for spoil, why in (
                (lambda path: pathlib.Path(path).write_bytes(b"x"),
                 "no OCSP response"),
                (lambda path: server.authority.answer(
                    server.path("main"), path, status="R"),
                 "does not say that the certificate is good"),
                (another_staple(server), "not for this certificate")):
            seen = len(server.log)
            spoil(server.path("bad"))
            os.rename(server.path("bad"), server.path("staple"))
            server.wait_for_log(why, seen)
            server.wait_for_log(REFUSED, seen)
            equal(staple_of(server), "good", "staple")


def another_staple(server):
    """Return what writes a response about another certificate."""
    def write(path):
        other = certificates.Authority(server.directory, "strange")
        other.issue(server.path("strange-leaf"), "localhost")
        other.answer(server.path("strange-leaf"), path)
    return write


@case("a staple whose time has passed is left out, and a start warns of it")
def _():
    with Stapled() as server:
        path = pathlib.Path(server.path("staple"))
        octets = path.read_bytes()
        # Its signature is wrong then, but without the issuer nobody can tell.
        _, _, following = re.findall(rb"\d{14}Z", octets)
        path.write_bytes(octets.replace(following, b"2020" + following[4:]))
        leave_leaf(server)
        check(server.reload(), "the reload is refused")
        server.wait_for_log("warning: .*its time has passed")
        equal(staple_of(server), "none", "staple")


@case("gnutls-cli takes a must-staple certificate with its staple only")
def _():
    class MustStaple(Stapled):
        features = (MUST_STAPLE,)

    def works(server):
        said = subprocess.run(
            ["gnutls-cli", "--x509cafile", server.path("ca.cert.pem"),
             "--sni-hostname", "localhost", "--verify-hostname", "localhost",
             "-p", str(server.port("pop3s")), "127.0.0.1"],
            input=b"QUIT\r\n", capture_output=True, timeout=WAIT_S,
            check=False)
        return b"Handshake was completed" in said.stdout, said.stdout

    if not shutil.which("gnutls-cli"):
        raise Skip("gnutls-cli is not installed (package gnutls-bin)")
    with MustStaple() as server:
        good, said = works(server)
        check(good, f"refused with its staple:\n{said}")
        os.unlink(server.path("staple"))
        check(server.reload(), "the reload is refused")
        good, said = works(server)
        check(not good, f"accepted without a staple:\n{said}")


# Credentials of systemd.

@case("certificate and key are found in $CREDENTIALS_DIRECTORY")
def _():
    class Loaded(Server):
        def certificate_lines(self, stem):
            yield f'\tcertificate = "credential:{stem}.cert.pem"'
            yield f'\tkey = "credential:{stem}.key.pem"'

    server = Loaded()
    server.environment["CREDENTIALS_DIRECTORY"] = server.directory
    with server:
        equal(shown(server), stored(server.path("main.cert.pem")),
              "the certificate")


# The private keys.

def secrets(path):
    """Return what must not be found: the numbers of a private key."""
    said = subprocess.run(
        ["openssl", "pkey", "-in", path, "-noout", "-text"],
        capture_output=True, text=True, check=True, timeout=WAIT_S).stdout
    found = []
    for name, digits in re.findall(
            r"^(priv|prime1|prime2|privateExponent):((?:\n +[0-9a-f:]+)+)",
            said, re.M):
        number = bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0")
        found += [(name, number), (f"{name} backwards", number[::-1])]
    check(found, f"no numbers in {path}")
    return found


def memory_of(pid):
    """Return all memory of a process that can be read."""
    octets = bytearray()
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            place, modes = line.split()[:2]
            if "r" not in modes or "[v" in line:
                continue
            start, end = (int(part, 16) for part in place.split("-"))
            if end - start > SHADOW_BYTES:
                continue  # a sanitizer's notes about the memory
            with contextlib.suppress(OSError):
                memory.seek(start)
                octets += memory.read(end - start) + b"|"
    return octets


@case("no process but the signer ever has a private key in its memory")
def _():
    if os.geteuid():
        raise Skip("only root may read the memory of all processes")
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    with TwoKeys(pool={"spare": "2", "max": "16"}) as server:
        server.add_user("joe")
        numbers = [secret for stem in ("main", "main-rsa")
                   for secret in secrets(server.path(f"{stem}.key.pem"))]
        for options in ("-tls1_2", "-cipher", "aRSA"), ("-tls1_3",):
            check(cipher_of(s_client(server, *options)) != "(NONE)",
                  f"no handshake with {options}")
        seen = set()
        with log_in(server, "tls") as client:
            client.retrieve(1)
            for process in server.processes():
                memory = memory_of(process.pid)
                found = {name for name, number in numbers
                         if number in memory}
                seen.add(process.name)
                equal(bool(found), process.name == "postern-signer",
                      f"keys in the memory of {process.name}: {found}")
        equal(sorted(seen), ["postern", "postern-keeper", "postern-signer",
                             "postern-worker"], "processes")


run_cases(suite)
