"""TLS below HTTP: the handshake, what the client showed in it, and a stream that can be ended on one side."""

import trio

from smsagg.session.tls import FINGERPRINT_PREFIX, ServerTls, certificate_names, fingerprint

HANDSHAKE_S = 10.0
"""A handshake that takes longer is cut."""


async def encrypted(stream: trio.SocketStream, tls: ServerTls) -> "tuple[TlsStream, frozenset[str]]":
    """TLS on an accepted connection, and the names and the fingerprint of the certificate that the client showed.

    A name that looks like a fingerprint is none. Raises trio.BrokenResourceError or trio.TooSlowError when it comes to
    none; the caller closes ``stream``.
    """
    tls_stream = tls.wrap(stream)
    with trio.fail_after(HANDSHAKE_S):
        await tls_stream.do_handshake()
    shown = fingerprint(tls_stream)
    names = {name for name in certificate_names(tls_stream) if not name.startswith(FINGERPRINT_PREFIX)}
    return TlsStream(tls_stream), frozenset({*names, shown} if shown else ())


class TlsStream(trio.abc.HalfCloseableStream):
    """After its end has been said, what still comes is read from below, to be thrown away."""

    def __init__(self, stream: "trio.SSLStream[trio.SocketStream]") -> None:
        self._stream = stream
        self._has_ended = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._has_ended:
            return await self._stream.transport_stream.receive_some(max_bytes)
        return await self._stream.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """Say that nothing more comes (close_notify), and wait for the peer's word for it."""
        self._has_ended = True
        await self._stream.unwrap()

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)
