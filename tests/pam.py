#!/usr/bin/env python3
"""postern-pam and a real PAM, with services that nobody else sees.

The services stand in a directory that is /etc/pam.d for the program only, in a
mount namespace of its own.
"""

import os
import pwd
import subprocess
import tempfile

from postern_testing import Skip, Suite, as_root, check, equal, run_cases
from postern_testing.server import program

suite = Suite()
case = suite.case

REFUSED, MISUSED, TEMPORARY = 1, 2, 111
SECONDS = 60
IN_NAMESPACE = ('mount --bind "$1" /etc/pam.d || exit 99; shift; '
                'exec "$@" 3<"$REQUEST"')


def pam(service, *command, user="nobody", request=None, **files):
    """Run postern-pam with a service; return how it ended."""
    if not as_root():
        raise Skip("only root can have an /etc/pam.d of its own")
    if request is None:
        request = f"{user}\0secret\0001\0"
    with tempfile.TemporaryDirectory(prefix="postern-pam-") as directory:
        os.chmod(directory, 0o755)
        path = {name: os.path.join(directory, name)
                for name in ("request", "service", *files)}
        files |= {"request": request,
                  "service": service.format(directory=directory)}
        for name, text in files.items():
            with open(path[name], "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path[name], 0o755)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", IN_NAMESPACE, "sh", directory,
             program("postern-pam"), "-s", "service",
             *(command or ["true"])],
            env={"PATH": os.environ["PATH"], "REQUEST": path["request"],
                 "TCPREMOTEIP": "192.0.2.7"},
            capture_output=True, text=True, check=False, timeout=SECONDS)
    if "unshare" in done.stderr or done.returncode == 99:
        raise Skip(f"no mount namespace: {done.stderr.strip()}")
    return done


def stack(auth="pam_permit.so", account="pam_permit.so"):
    """Return a service."""
    return f"auth required {auth}\naccount required {account}\n"


@case("whom PAM grants becomes that user and runs the program")
def _():
    nobody = pwd.getpwnam("nobody")
    done = pam(stack(), "sh", "-c", 'id -u; id -g; echo "$USER $HOME $SHELL"')
    equal(done.stdout, f"{nobody.pw_uid}\n{nobody.pw_gid}\nnobody "
          f"{nobody.pw_dir} {nobody.pw_shell}\n", "the program's output")
    equal(done.returncode, 0, "exit code")


ANSWERS = {
    ("auth", "auth_err"): REFUSED, ("auth", "user_unknown"): REFUSED,
    ("auth", "maxtries"): REFUSED, ("auth", "perm_denied"): REFUSED,
    ("auth", "authinfo_unavail"): TEMPORARY, ("auth", "system_err"): TEMPORARY,
    ("acct", "acct_expired"): REFUSED, ("acct", "authtok_expired"): REFUSED,
    ("acct", "new_authtok_reqd"): REFUSED, ("acct", "perm_denied"): REFUSED,
    ("acct", "system_err"): TEMPORARY,
}


@case("a wrong password, an expired account and an expired password are "
      "refused; trouble is temporary")
def _():
    for (step, answer), wanted in ANSWERS.items():
        module = f"pam_debug.so {step}={answer}"
        service = (stack(auth=module) if step == "auth"
                   else stack(account=module))
        done = pam(service, "echo", "granted")
        equal(done.returncode, wanted, f"exit code of {step}={answer}")
        equal(done.stdout, "", f"output of {step}={answer}")


@case("the password, the user, the client's address and the terminal reach "
      "the modules")
def _():
    script = ('#!/bin/sh\npassword=$(tr -d "\\0")\n'
              '[ "$password:$PAM_USER:$PAM_RHOST:$PAM_TTY" = '
              '"secret:nobody:192.0.2.7:postern" ]\n')
    service = stack(auth="pam_exec.so quiet expose_authtok {directory}/script")
    equal(pam(service, script=script).returncode, 0, "exit code")
    check(pam(service, script=script,
              request="nobody\0wrong\0001\0").returncode != 0,
          "another password was taken, too")


@case("no module's delay makes a refusal late")
def _():
    service = ("auth optional pam_faildelay.so delay=600000000\n"
               "auth required pam_deny.so\naccount required pam_permit.so\n")
    equal(pam(service).returncode, REFUSED, "exit code")


@case("root, nobody that exists, and a service that is none come in never")
def _():
    equal(pam(stack(), user="root").returncode, REFUSED, "root")
    equal(pam(stack(), user="no such user").returncode, REFUSED, "unknown")
    equal(pam(stack("pam_deny.so")).returncode, REFUSED, "denied")
    check(pam("").returncode in (REFUSED, TEMPORARY), "an empty service")
    check(pam(stack("pam_unheard_of.so")).returncode in (REFUSED, TEMPORARY),
          "a module that is not there")


@case("a request that is none is misused")
def _():
    for request in ("", "nobody", "nobody\0secret", "nobody\0" + "x" * 600,
                    "x" * 512 + "\0"):
        equal(pam(stack(), request=request).returncode, MISUSED,
              f"exit code of {request[:20]!r}")


if __name__ == "__main__":
    run_cases(suite)
