"""The client's side of SASL exchanges, octet by octet, right or wrong."""

import base64
import hashlib
import hmac
import os

from .tap import check, matches


def encode(octets):
    """Return base64; '=' where that is empty, as in an initial response."""
    return base64.b64encode(octets).decode() or "="


def ask(client, command):
    """Send a command that is answered by a challenge; return its octets."""
    reply = client.ask(command)
    matches(rb"\+ [A-Za-z0-9+/]*=*", reply, f"the challenge to {command}")
    return base64.b64decode(reply[2:])


def plain(user, password="secret", authzid=""):
    """The one response of PLAIN.  RFC 4616."""
    return "\0".join((authzid, user, password)).encode()


def oauthbearer(token, user="", extra=b"host=localhost\1port=110\1"):
    """The one response of OAUTHBEARER.  RFC 7628."""
    name = f"a={user}".encode() if user else b""
    return b"n," + name + b",\1" + extra + b"auth=Bearer " + token + b"\1\1"


def xoauth2(token, user):
    """The one response of XOAUTH2."""
    return b"user=" + user.encode() + b"\1auth=Bearer " + token + b"\1\1"


class Scram:
    """SCRAM.  RFC 5802, RFC 7677.

    'flag' is the gs2-cbind-flag with what belongs to it, 'bound' the octets of
    the channel binding that the client believes in.
    """

    def __init__(self, digest, user, password="secret", *, flag="n",
                 bound=b"", authzid="", nonce=None):
        self.digest, self.password = digest, password.encode()
        self.header = f"{flag},{authzid and 'a=' + authzid},".encode()
        self.bound = bound
        nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.nonce = nonce.encode()
        self.bare = f"n={name},r={nonce}".encode()
        self.signature = None

    def first(self):
        """Return the client-first-message."""
        return self.header + self.bare

    def mac(self, key, octets):
        """HMAC by the mechanism's digest."""
        return hmac.new(key, octets, self.digest).digest()

    def final(self, server_first):
        """Return the client-final-message."""
        parts = dict(part.split(b"=", 1) for part in server_first.split(b","))
        check(parts[b"r"].startswith(self.nonce), f"nonce in {server_first}")
        salted = hashlib.pbkdf2_hmac(
            self.digest, self.password, base64.b64decode(parts[b"s"]),
            int(parts[b"i"]))
        channel = base64.b64encode(self.header + self.bound)
        bare = b"c=" + channel + b",r=" + parts[b"r"]
        message = b",".join((self.bare, server_first, bare))
        client_key = self.mac(salted, b"Client Key")
        stored = hashlib.new(self.digest, client_key).digest()
        proof = bytes(a ^ b for a, b in zip(
            client_key, self.mac(stored, message), strict=True))
        self.signature = self.mac(self.mac(salted, b"Server Key"), message)
        return bare + b",p=" + base64.b64encode(proof)

    def trusts(self, server_final):
        """Whether the server has the user's keys, too."""
        return server_final == b"v=" + base64.b64encode(self.signature)


DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


def scram(client, mechanism, exchange, *, early=True):
    """Log in by SCRAM; return the last reply, or the first that is -ERR."""
    first = encode(exchange.first())
    reply = client.ask(f"AUTH {mechanism} {first}" if early
                       else f"AUTH {mechanism}")
    if not early:
        if reply != b"+ ":
            return reply
        reply = client.ask(first)
    if not reply.startswith(b"+ "):
        return reply
    reply = client.ask(encode(exchange.final(base64.b64decode(reply[2:]))))
    if not reply.startswith(b"+ "):
        return reply
    if not exchange.trusts(base64.b64decode(reply[2:])):
        return b"the server has not the right keys"
    return client.ask("")
