"""What Postern's system tests share: a real server, real Maildirs, raw POP3."""

from .client import LOST, Client, Closed, Refused, log_in
from .maildir import Maildir, stuffed, wire
from .server import Server, as_root, mail_uid, run_cases
from .tap import Skip, Suite, check, equal, matches

__all__ = ["LOST", "Client", "Closed", "Maildir", "Refused", "Server",
           "Skip", "Suite", "as_root", "check", "equal", "log_in", "mail_uid",
           "matches", "run_cases", "stuffed", "wire"]
