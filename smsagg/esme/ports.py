"""Opens the ports that ESMEs connect to, plain and TLS."""

import trio
from attrs import define

from smsagg.config.schema import HostPort
from smsagg.config.units import split_host_port
from smsagg.errors import ConfigError
from smsagg.policy.networks import canonical_address
from smsagg.session.tls import ServerTls

BACKLOG = 1_024


@define(frozen=True, eq=False)
class Port:
    """A listening socket, and what is spoken on it."""

    listener: trio.SocketListener
    tls: ServerTls | None = None

    @property
    def address(self) -> str:
        """``host:port`` that it listens on, the port as the system chose it."""
        host, port = self.listener.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def open_ports(address: HostPort, key: str, tls: ServerTls | None = None) -> list[Port]:
    """Listen on all that ``address`` resolves to. Raises ConfigError, naming ``key``, when that cannot be had."""
    host, port = split_host_port(address)
    try:
        listeners = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"{key}: cannot listen on {address}: {error.strerror or error}") from error
    return [Port(listener, tls) for listener in listeners]


def peer_address(stream: trio.SocketStream) -> str | None:
    """The canonical address of the host at the other end of the connection; ``None`` when it is gone already."""
    try:
        return canonical_address(stream.socket.getpeername()[0])
    except OSError:
        return None
