"""From an accepted connection to a peer that is known: what comes before the first PDU."""

import trio

from smsagg.esme.peer import Peer
from smsagg.esme.tls import ServerTls, certificate_names


class ArrivalFailed(Exception):
    """The connection never got as far as SMPP; ``reason`` is a word of a small closed set."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def arrive(stream: trio.SocketStream, address: str, tls: ServerTls | None) -> tuple[trio.abc.Stream, Peer]:
    """The stream to speak SMPP on, and who is there. The caller sets the deadline and closes ``stream``.

    Raises ArrivalFailed when the TLS handshake fails.
    """
    if tls is None:
        return stream, Peer(address)
    encrypted = tls.wrap(stream)
    try:
        await encrypted.do_handshake()
    except (trio.BrokenResourceError, OSError) as error:
        raise ArrivalFailed("tls_failed") from error
    return encrypted, Peer(address, True, certificate_names(encrypted))
