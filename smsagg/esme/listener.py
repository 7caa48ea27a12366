"""Accepts ESMEs' connections and supervises their sessions: whatever happens in one ends that one only."""

from collections.abc import Sequence

import trio

from smsagg.esme.door import FrontDoor
from smsagg.esme.ports import TlsListener, peer_address
from smsagg.esme.session import EsmeSession


class Listener:
    """The SMPP ports, plain and TLS."""

    def __init__(self, door: FrontDoor) -> None:
        self._door = door
        self._live: set[EsmeSession] = set()
        self._empty = trio.Event()
        self._accepting = trio.CancelScope()
        self._is_stopping = False

    async def run(
        self,
        listeners: Sequence[trio.SocketListener | TlsListener],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until :meth:`stop` or cancellation; each session runs in a task of its own."""
        async with trio.open_nursery() as sessions:
            task_status.started()
            with self._accepting:
                await trio.serve_listeners(self._supervise, list(listeners), handler_nursery=sessions)

    async def stop(self) -> None:
        """Accept nobody any more, unbind everybody; returns when all is over. The caller sets the deadline."""
        self._is_stopping = True
        self._accepting.cancel()
        async with trio.open_nursery() as nursery:
            for session in list(self._live):
                nursery.start_soon(session.stop)
        if self._live:
            self._empty = trio.Event()
            await self._empty.wait()

    async def _supervise(self, stream: trio.abc.Stream) -> None:
        door = self._door
        address = peer_address(stream)
        if self._is_stopping or not door.sessions.connect(address):
            door.log.warning("connection_refused", peer=address)
            await trio.aclose_forcefully(stream)
            return
        session = EsmeSession(stream, address, door)
        self._live.add(session)
        try:
            await session.run()
        except Exception as error:  # a bug met by one peer must not end the server
            door.log.error("session_crashed", key=repr(error), peer=address, exc_info=error)
        finally:
            self._live.discard(session)
            if not self._live:
                self._empty.set()
            door.sessions.disconnect(address)
