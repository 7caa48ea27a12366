"""Certificate files of a TLS front door, and clients that trust them."""

import shutil
import ssl
from pathlib import Path

from smsagg.config.schema import TlsListenSettings
from smsagg.session.tls import ServerTls
from smsagg.testing.certificates import Authority, Certificate

HOST = "gateway.example"


class Files:
    """The certificate files of a server in a directory, and who signs them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory)
        self.certificate_file = directory / "server.pem"
        self.key_file = directory / "server.key"
        self.install(self.authority.issue(HOST))

    def install(self, certificate: Certificate) -> None:
        shutil.copy(certificate.certificate_file, self.certificate_file)
        shutil.copy(certificate.key_file, self.key_file)

    def settings(self, client_authority: Authority | None = None, client_certificates: str = "required") -> ServerTls:
        client_ca_file = client_authority.certificate_file if client_authority else ""
        return ServerTls(
            TlsListenSettings(
                str(self.certificate_file),
                str(self.key_file),
                client_ca_file=client_ca_file,
                client_certificates=client_certificates,
            )
        )


def client_context(authority: Authority, own: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.certificate_file)
    if own is not None:
        context.load_cert_chain(own.certificate_file, own.key_file)
    return context
