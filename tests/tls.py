#!/usr/bin/env python3
"""Certificates, versions, ciphers and protocols, as clients see them."""

import re
import shutil
import ssl
import subprocess

from postern_testing import (Client, Server, Skip, Suite, certificates, check,
                             equal, log_in, run_cases)

WAIT_S = 60
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


run_cases(suite)
