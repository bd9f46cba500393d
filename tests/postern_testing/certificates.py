"""Self-signed P-256 certificates, made by certtool or openssl."""

import os
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
         "-days", "60", "-subj", f"/CN={name}", "-addext",
         f"subjectAltName=DNS:{name},IP:127.0.0.1",
         "-keyout", f"{stem}.key.pem", "-out", f"{stem}.cert.pem")


def by_openssl(stem, names):
    """Make key and certificate with one call of openssl."""
    alternatives = [f"DNS:{name}" for name in names] + ["IP:127.0.0.1"]
    call("openssl", "req", "-x509", "-newkey", "ec", "-nodes",
         "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "60",
         "-subj", f"/CN={names[0]}",
         "-addext", f"subjectAltName={','.join(alternatives)}",
         "-keyout", f"{stem}.key.pem", "-out", f"{stem}.cert.pem")


def by_certtool(stem, names):
    """Make key and certificate with two calls of certtool."""
    with open(f"{stem}.template", "w", encoding="ascii") as file:
        file.write(f"cn = {names[0]}\nexpiration_days = 60\nca\n"
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


class Authority:
    """A certificate authority with files in 'directory', by certtool."""

    def __init__(self, directory, name="ca"):
        if not shutil.which("certtool"):
            raise Skip("certtool is not installed (package gnutls-bin)")
        self.stem = f"{directory}/{name}"
        self.serial = 0
        self.make(self.stem, name, "ca", "cert_signing_key", "crl_signing_key",
                  "signing_key",
                  issuer=None)

    def make(self, stem, name, *lines, issuer=True, expired=False, days=60):
        """Make a key, and a certificate with 'lines' of a template."""
        self.serial += 1
        dates = ('activation_date = "2020-01-01 00:00:00"',
                 'expiration_date = "2020-02-01 00:00:00"')
        with open(f"{stem}.template", "w", encoding="ascii") as file:
            file.writelines(f"{line}\n" for line in (
                f"cn = {name}", f"serial = {self.serial}", *lines,
                *(dates if expired else (f"expiration_days = {days}",))))
        call("certtool", "--generate-privkey", "--key-type", "ecdsa",
             "--curve", "secp256r1", "--outfile", f"{stem}.key.pem")
        by = ("--generate-certificate",
              "--load-ca-certificate", f"{self.stem}.cert.pem",
              "--load-ca-privkey", f"{self.stem}.key.pem")
        call("certtool", *(by if issuer else ("--generate-self-signed",)),
             "--load-privkey", f"{stem}.key.pem",
             "--template", f"{stem}.template",
             "--outfile", f"{stem}.cert.pem")

    def issue(self, stem, name, *lines, **options):
        """Make a server's key and chain."""
        self.make(stem, name, f"dns_name = {name}", "ip_address = 127.0.0.1",
                  "tls_www_server", "signing_key", *lines, **options)
        with open(f"{stem}.cert.pem", "a", encoding="ascii") as chain:
            with open(f"{self.stem}.cert.pem", encoding="ascii") as own:
                chain.write(own.read())

    def revoke(self, path, *stems, until="2099-01-01 00:00:00"):
        """Write a list with the certificates 'stems', good until then."""
        with open(f"{path}.template", "w", encoding="ascii") as file:
            file.write('crl_number = 1\ncrl_this_update_date = "2020-01-01 '
                       f'00:00:00"\ncrl_next_update_date = "{until}"\n')
        revoked = [("--load-certificate", f"{stem}.cert.pem")
                   for stem in stems]
        call("certtool", "--generate-crl",
             "--load-ca-certificate", f"{self.stem}.cert.pem",
             "--load-ca-privkey", f"{self.stem}.key.pem",
             "--template", f"{path}.template",
             *(word for pair in revoked for word in pair),
             "--outfile", f"{path}.new")
        os.rename(f"{path}.new", path)

    def answer(self, stem, path, status="V", minutes=60):
        """Write a response of OCSP about the certificate 'stem'."""
        if not shutil.which("openssl"):
            raise Skip("openssl is not installed")
        revoked = "200102000000Z" if status == "R" else ""
        with open(f"{path}.index", "w", encoding="ascii") as index:
            index.write(f"{status}\t400101000000Z\t{revoked}\t"
                        f"{self.serial:02X}\tunknown\t/CN=x\n")
        own = f"{self.stem}.cert.pem"
        call("openssl", "ocsp", "-index", f"{path}.index", "-CA", own,
             "-rsigner", own, "-rkey", f"{self.stem}.key.pem", "-issuer", own,
             "-cert", f"{stem}.cert.pem", "-nmin", str(minutes),
             "-respout", path)
