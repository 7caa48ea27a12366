"""Certificates for tests of TLS, made by the ``openssl`` command in some tens of milliseconds each."""

import shutil
import subprocess
from pathlib import Path

from attrs import define

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def is_possible() -> bool:
    """Whether this machine has the ``openssl`` command."""
    return shutil.which("openssl") is not None


@define(frozen=True)
class Certificate:
    """PEM files of a certificate and its key."""

    certificate_file: str
    key_file: str


class Authority:
    """A certificate authority whose files are in ``directory``."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._name = name
        self.certificate_file = str(directory / f"{name}.pem")
        self._key_file = str(directory / f"{name}.key")
        subject = ("-subj", f"/CN={name}", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")
        _openssl("req", "-x509", *KEY, "-keyout", self._key_file, "-out", self.certificate_file, *subject)

    def issue(self, host: str, *, days: int = 2) -> Certificate:
        """A certificate for ``host``; with negative ``days`` it has expired."""
        stem = self._directory / f"{self._name}-{host}-{days}"
        request, extensions = f"{stem}.csr", Path(f"{stem}.ext")
        issued = Certificate(f"{stem}.pem", f"{stem}.key")
        extensions.write_text(f"subjectAltName=DNS:{host}\n")
        _openssl("req", *KEY, "-keyout", issued.key_file, "-out", request, "-subj", f"/CN={host}")
        signing = ("-CA", self.certificate_file, "-CAkey", self._key_file, "-CAcreateserial", "-days", str(days))
        _openssl("x509", "-req", "-in", request, *signing, "-extfile", str(extensions), "-out", issued.certificate_file)
        return issued


def self_signed(directory: Path, host: str) -> Certificate:
    """A certificate for ``host`` that nobody but itself vouches for."""
    made = Certificate(str(directory / f"self-{host}.pem"), str(directory / f"self-{host}.key"))
    subject = ("-subj", f"/CN={host}", "-days", "2", "-addext", f"subjectAltName=DNS:{host}")
    _openssl("req", "-x509", *KEY, "-keyout", made.key_file, "-out", made.certificate_file, *subject)
    return made


def lock(key_file: str) -> None:
    """Have the key ask for a password from now on."""
    locked = f"{key_file}.locked"
    _openssl("ec", "-in", key_file, "-aes128", "-passout", "pass:secret", "-out", locked)
    Path(locked).replace(key_file)


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)
