"""Self-signed P-256 certificates, made by certtool or openssl."""

import shutil
import subprocess

from .tap import Skip


def probe():
    """Raise Skip where no certificate can be made."""
    if not shutil.which("openssl") and not shutil.which("certtool"):
        raise Skip("neither openssl nor certtool is installed")


def make(stem, *names):
    """Write stem.cert.pem and stem.key.pem for 'names' and 127.0.0.1."""
    probe()
    if shutil.which("openssl"):
        by_openssl(stem, names)
    else:
        by_certtool(stem, names)


def make_rsa(stem, name):
    """Write stem.cert.pem and stem.key.pem with an RSA key for 'name'."""
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    call("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name},IP:127.0.0.1",
         "-keyout", f"{stem}.key.pem", "-out", f"{stem}.cert.pem")


def by_openssl(stem, names):
    """Make key and certificate with one call of openssl."""
    alternatives = [f"DNS:{name}" for name in names] + ["IP:127.0.0.1"]
    call("openssl", "req", "-x509", "-newkey", "ec", "-nodes",
         "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2",
         "-subj", f"/CN={names[0]}",
         "-addext", f"subjectAltName={','.join(alternatives)}",
         "-keyout", f"{stem}.key.pem", "-out", f"{stem}.cert.pem")


def by_certtool(stem, names):
    """Make key and certificate with two calls of certtool."""
    with open(f"{stem}.template", "w", encoding="ascii") as file:
        file.write(f"cn = {names[0]}\nexpiration_days = 2\nca\n"
                   "signing_key\ntls_www_server\nip_address = 127.0.0.1\n")
        file.writelines(f"dns_name = {name}\n" for name in names)
    call("certtool", "--generate-privkey", "--key-type", "ecdsa",
         "--curve", "secp256r1", "--outfile", f"{stem}.key.pem")
    call("certtool", "--generate-self-signed",
         "--load-privkey", f"{stem}.key.pem",
         "--template", f"{stem}.template",
         "--outfile", f"{stem}.cert.pem")


def call(*command):
    """Run 'command'; its words matter only when it fails."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                            capture_output=True, timeout=60)
    if result.returncode:
        raise AssertionError(f"{' '.join(command)}:\n{result.stderr}")
