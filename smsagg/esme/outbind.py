"""outbind: fetches ESMEs that wait for us to call when there is something for them (SMPP 3.4 §2.2.1).

An account with ``[accounts.NAME.outbind]`` whose receipts or MO are due while none of its sessions receives is called:
we connect to its address and send outbind, the ESME binds on that connection as it would on one of its own making (same
credentials, same networks), and is served like any other. One call at a time for each account, the next one only when
the last connection is over; between calls that led to nothing the pause doubles.
"""

from collections.abc import Awaitable, Callable
from random import Random

import trio

from smsagg.config.schema import OutbindSettings
from smsagg.config.units import split_host_port
from smsagg.esme.door import FrontDoor
from smsagg.esme.listener import Listener
from smsagg.esme.peer import Peer
from smsagg.esme.ports import peer_address
from smsagg.smpp.pdu import Outbind

LOOK_S = 1.0
"""How often an account is looked at."""


Dial = Callable[[OutbindSettings], Awaitable[tuple[trio.abc.Stream, Peer]]]
"""Connects to a waiting ESME; raises OSError. May be cancelled, and leaves nothing open then."""


async def dial(settings: OutbindSettings) -> tuple[trio.abc.Stream, Peer]:
    """The :data:`Dial` of the real network."""
    host, port = split_host_port(settings.address)
    stream = await trio.open_tcp_stream(host, port)
    address = peer_address(stream)
    if address is None:
        await trio.aclose_forcefully(stream)
        raise OSError("the connection was lost at once")
    return stream, Peer(address)


class Outbinder:
    """One task for each account that is to be called."""

    def __init__(self, door: FrontDoor, listener: Listener, rng: Random, dial: Dial = dial) -> None:
        self._door = door
        self._listener = listener
        self._rng = rng
        self._dial = dial
        self._changed = trio.Event()

    def reconfigure(self) -> None:
        """Call from now on for the accounts that the engine has."""
        self._changed.set()

    async def run(self) -> None:
        """Call until cancelled."""
        keeping: set[str] = set()
        async with trio.open_nursery() as nursery:
            while True:
                self._changed = trio.Event()
                for name in self._door.engine.accounts:
                    if name not in keeping and self._settings_of(name) is not None:
                        keeping.add(name)
                        nursery.start_soon(self._keep, name, keeping)
                await self._changed.wait()

    def _settings_of(self, account: str) -> OutbindSettings | None:
        """``None``: it is not to be called."""
        found = self._door.engine.accounts.get(account)
        return found.settings.outbind if found is not None and found.settings.enabled else None

    async def _keep(self, account: str, keeping: set[str]) -> None:
        """Call for ``account`` for as long as it is to be called."""
        pause_s = 0.0
        while (settings := self._settings_of(account)) is not None:
            await trio.sleep(LOOK_S)
            if not self._door.engine.deliveries.waits_for_sink(account):
                pause_s = 0.0
                continue
            pause_s = pause_s or settings.retry_first
            if await self._call(account, settings):
                pause_s = settings.retry_first
            await trio.sleep(pause_s * self._rng.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, settings.retry_max)
        keeping.discard(account)

    async def _call(self, account: str, settings: OutbindSettings) -> bool:
        """One call, until its connection is over; whether the ESME bound."""
        reason = "no answer in time"
        with trio.move_on_after(settings.connect_timeout):
            try:
                stream, peer = await self._dial(settings)
            except OSError as error:
                reason = str(error.__cause__ or error)
            else:
                reason = ""
        is_bound = False
        if not reason:
            outbind = Outbind(self._door.system_id, settings.password)
            is_bound = await self._listener.attend(stream, peer, outbind, account)
            reason = "the ESME did not bind"
        if not is_bound:
            self._door.log.warning("outbind_failed", key=account, account=account, error=reason)
        return is_bound
