"""Opens the ports that ESMEs connect to, plain and TLS."""

import ssl

import trio

from smsagg.config.schema import HostPort, TlsListenSettings
from smsagg.config.units import split_host_port
from smsagg.errors import ConfigError

BACKLOG = 1_024

TlsListener = trio.SSLListener[trio.SocketStream]


async def open_listeners(address: HostPort, key: str) -> list[trio.SocketListener]:
    """Listen on all that ``address`` resolves to. Raises ConfigError, naming ``key``, when that cannot be had."""
    host, port = split_host_port(address)
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"{key}: cannot listen on {address}: {error.strerror or error}") from error


async def open_tls_listeners(settings: TlsListenSettings) -> list[TlsListener]:
    """The same with TLS. The handshake runs in the session, under its ``session_init_timeout``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"server.tls: certificate_file and key_file cannot be used: {error}") from error
    listeners = await open_listeners(settings.smpp_listen, "server.tls.smpp_listen")
    return [trio.SSLListener(listener, context) for listener in listeners]


def address_of(listener: trio.SocketListener | TlsListener) -> str:
    """``host:port`` that it listens on, the port as the system chose it."""
    transport = listener.transport_listener if isinstance(listener, trio.SSLListener) else listener
    assert isinstance(transport, trio.SocketListener)
    host, port = transport.socket.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def peer_address(stream: trio.abc.Stream) -> str:
    """The address of the host at the other end."""
    transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    assert isinstance(transport, trio.SocketStream)
    try:
        return str(transport.socket.getpeername()[0])
    except OSError:  # gone between accept and now
        return "0.0.0.0"
