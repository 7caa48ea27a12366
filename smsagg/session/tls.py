"""The TLS that we speak as a server, and its files, which may be renewed while connections live.

A connection keeps the context that its handshake began with, so new files concern new connections only and drop none.
The files are looked at every few seconds, and at once when :meth:`ServerTls.reload_soon` is called (SIGHUP). Files that
cannot be used (one of two written, a key that is not the certificate's, nothing there) are refused with a line in the
log, the old ones stay, and they are tried again when they have changed once more.
"""

import hashlib
import os
import ssl

import structlog
import trio

from smsagg.config.schema import HttpsListenSettings, TlsListenSettings
from smsagg.errors import ConfigError

LOOK_INTERVAL_S = 5.0
FINGERPRINT_PREFIX = "sha256:"

TlsFiles = TlsListenSettings | HttpsListenSettings
Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of each file: inode, size, time of its last change; ``None`` when it is not there."""

log = structlog.get_logger("smsagg.session")


class ServerTls:
    """The context of the next handshake."""

    def __init__(self, settings: TlsFiles, key: str = "server.tls") -> None:
        """``key`` names the settings. Raises ConfigError when the files cannot be used."""
        self._settings = settings
        self._stamp = stamp_of(settings)
        self._asked = trio.Event()
        try:
            self.context = make_context(settings)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"{key}: {_why(settings, error)}") from error

    def wrap(self, stream: trio.SocketStream) -> "trio.SSLStream[trio.SocketStream]":
        """TLS on an accepted connection; the handshake is the caller's to run, with a deadline."""
        return trio.SSLStream(stream, self.context, server_side=True)

    def reload_soon(self) -> None:
        """Read the files again, changed or not. Never blocks; :meth:`run` does it."""
        self._asked.set()

    async def run(self, interval_s: float = LOOK_INTERVAL_S) -> None:
        """Watch the files until cancelled."""
        while True:
            with trio.move_on_after(interval_s):
                await self._asked.wait()
            asked, self._asked = self._asked.is_set(), trio.Event()
            stamp = await trio.to_thread.run_sync(stamp_of, self._settings)
            if asked or stamp != self._stamp:
                self._stamp = stamp
                await self._reload()

    async def _reload(self) -> None:
        files = self._settings.certificate_file
        try:
            self.context = await trio.to_thread.run_sync(make_context, self._settings)
        except (OSError, ssl.SSLError) as error:
            log.error("tls_files_refused", certificate_file=files, error=_why(self._settings, error))
        else:
            log.info("tls_files_loaded", certificate_file=files)


def make_context(settings: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 at least, with our certificate; clients must show theirs when ``client_ca_file`` says who signs them.

    Raises OSError or ssl.SSLError when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(settings.certificate_file, settings.key_file, password=_no_password)
    if settings.client_ca_file:
        context.load_verify_locations(settings.client_ca_file)
        is_required = settings.client_certificates == "required"
        context.verify_mode = ssl.CERT_REQUIRED if is_required else ssl.CERT_OPTIONAL
    return context


def stamp_of(settings: TlsFiles) -> Stamp:
    """What changes when one of the files does; links are followed."""
    files = (settings.certificate_file, settings.key_file, settings.client_ca_file)
    return tuple(_file_stamp(file) for file in files if file)


def certificate_names(stream: "trio.SSLStream[trio.SocketStream]") -> frozenset[str]:
    """DNS names and common names of the peer's certificate, verified in the handshake; none: it showed none."""
    certificate = stream.getpeercert() or {}
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    names += [value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"]
    return frozenset(name.lower() for name in names)


def fingerprint(stream: "trio.SSLStream[trio.SocketStream]") -> str:
    """``sha256:`` and the SHA-256 of the peer's certificate, verified in the handshake; ``""``: it showed none."""
    certificate = stream.getpeercert(binary_form=True)
    return f"{FINGERPRINT_PREFIX}{hashlib.sha256(certificate).hexdigest()}" if certificate else ""


def _file_stamp(file: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _no_password() -> str:
    """Instead of asking the terminal: the key is to be readable without."""
    return ""


def _why(settings: TlsFiles, error: OSError) -> str:
    files = "certificate_file and key_file"
    if settings.client_ca_file:
        files = "certificate_file, key_file and client_ca_file"
    return f"{files} cannot be used: {error}"
