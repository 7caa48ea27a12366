"""Opens the connection to an SMSC: TCP, and TLS where the settings say so."""

import os
import ssl
from collections.abc import Awaitable, Callable

import trio

from smsagg.carriers.smpp.settings import SmppSettings, TlsSettings
from smsagg.errors import CarrierError

Dial = Callable[[SmppSettings], Awaitable[trio.abc.Stream]]
"""Opens a stream to the SMSC of these settings; raises CarrierError when there is none to be had. The caller sets the
deadline; a cancelled call leaves nothing open."""


async def dial(settings: SmppSettings) -> trio.abc.Stream:
    """The :data:`Dial` of the real network."""
    host, _, port = settings.address.rpartition(":")
    host = host.strip("[]")
    try:
        stream = await trio.open_tcp_stream(host, int(port))
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could know
        raise CarrierError(f"connect: {settings.address}: {_why(error)}") from error
    if settings.tls is None:
        return stream
    try:
        context = await trio.to_thread.run_sync(tls_context, settings.tls)
        tls = trio.SSLStream(stream, context, server_hostname=settings.tls.server_name or host)
        await tls.do_handshake()
    except (OSError, trio.BrokenResourceError) as error:
        await trio.aclose_forcefully(stream)
        raise CarrierError(f"TLS: {error.__cause__ or error!r}") from error
    except trio.Cancelled:
        await trio.aclose_forcefully(stream)
        raise
    return tls


def _why(error: OSError | UnicodeError) -> str:
    """What the system said of each address of the host."""
    tried = error.__cause__.exceptions if isinstance(error.__cause__, BaseExceptionGroup) else [error]
    return ", ".join(dict.fromkeys(map(_said, tried)))


def _said(error: BaseException) -> str:
    if not isinstance(error, OSError) or not error.errno:
        return str(error)
    if error.errno < 0:  # of getaddrinfo
        return error.strerror or str(error)
    return os.strerror(error.errno)


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """TLS 1.2 at least, the peer's certificate and name checked; a bad one ends before the password is sent.

    The files are read anew for each connection, so that renewed ones need no restart. Raises OSError or ssl.SSLError.
    """
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate_file:
        context.load_cert_chain(tls.certificate_file, tls.key_file or None, password=_no_password)
    return context


def _no_password() -> str:
    """Instead of asking the terminal: the key is to be readable without."""
    return ""
