"""Delivery into a Maildir by Exim, a mail transfer agent of the real world.

It runs without a daemon, as the owner of the Maildir, and finds the account
that Debian compiled into it through libnss_wrapper.
"""

import os

from . import programs
from .server import mail_uid

CONFIG = """
primary_hostname = localhost
spool_directory = {top}/spool
log_file_path = {top}/log-%s
exim_user = {uid}
exim_group = {gid}
never_users =
local_interfaces = 127.0.0.1
keep_environment = LD_PRELOAD : LD_LIBRARY_PATH : NSS_WRAPPER_PASSWD : \
  NSS_WRAPPER_GROUP
add_environment =
message_size_limit = 0
{main}
begin routers
bare:
  driver = accept
  local_parts = bare
  transport = maildir_bare
crlf:
  driver = accept
  local_parts = crlf
  transport = maildir_crlf
lf:
  driver = accept
  transport = maildir_lf
begin transports
maildir_bare:
  driver = appendfile
  directory = {maildir}
  maildir_format
  user = {uid}
  group = {gid}
  {bare}
maildir_crlf:
  driver = appendfile
  directory = {maildir}
  maildir_format
  use_crlf
  user = {uid}
  group = {gid}
  return_path_add
  delivery_date_add
maildir_lf:
  driver = appendfile
  directory = {maildir}
  maildir_format
  user = {uid}
  group = {gid}
  return_path_add
  envelope_to_add
begin retry
begin rewrite
"""


class Exim:
    """An Exim of our own whose mail all goes to one Maildir.

    'bare' are options of the transport of the user "bare", whose mail is
    delivered without any header of Exim's.
    """

    def __init__(self, top, maildir, bare=""):
        self.top = top
        self.uid = mail_uid()
        self.gid = self.uid if os.geteuid() == 0 else os.getegid()
        self.program = programs.find("exim4")
        self.wrapper = programs.library("libnss_wrapper.so")
        os.makedirs(top, 0o700, exist_ok=True)
        self.write("conf", CONFIG.format(
            maildir=maildir, bare=bare, **vars(self),
            main="received_header_text =" if bare else ""))
        self.write("passwd",
                   f"Debian-exim:x:{self.uid}:{self.gid}::/:/bin/false\n")
        self.write("group", f"Debian-exim:x:{self.gid}:\n")
        os.chown(top, self.uid, self.gid)

    def write(self, name, text):
        """Write one of Exim's files."""
        with open(os.path.join(self.top, name), "w", encoding="ascii") as file:
            file.write(text)

    def send(self, message, recipient="user", sender="sender@localhost"):
        """Submit 'message' and return when it is delivered.

        With the sender "<>", nobody is told when it can't be.
        """
        programs.run_as(
            self.uid, self.program, "-C", os.path.join(self.top, "conf"),
            "-odf", "-oi", "-f", sender, f"{recipient}@localhost",
            stdin=message, LD_PRELOAD=self.wrapper,
            NSS_WRAPPER_PASSWD=os.path.join(self.top, "passwd"),
            NSS_WRAPPER_GROUP=os.path.join(self.top, "group"))

    def log(self):
        """Return what Exim has logged."""
        with open(os.path.join(self.top, "log-main"), "rb") as file:
            return file.read()
