"""What Postern's system tests share: a real server, real Maildirs, raw POP3."""

from .client import Client, Closed, Refused
from .maildir import Maildir, stuffed, wire
from .server import Server, as_root, mail_uid
from .tap import Skip, Suite, check, equal, matches

__all__ = ["Client", "Closed", "Maildir", "Refused", "Server", "Skip",
           "Suite", "as_root", "check", "equal", "mail_uid", "matches",
           "stuffed", "wire"]
