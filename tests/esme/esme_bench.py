"""The whole front door over an engine with a fake carrier; ESMEs are scripted clients on memory streams."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing
from attrs import define, evolve, field

from smsagg.config.schema import AccountSettings, SessionSettings
from smsagg.engine.accounts import Account
from smsagg.esme.authenticator import BindRefusal
from smsagg.esme.door import FrontDoor, make_front_door
from smsagg.esme.peer import Peer
from smsagg.esme.session import EsmeSession
from smsagg.model import Message
from smsagg.smpp.pdu import (
    Bind,
    BindResp,
    BindTransceiver,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
)
from smsagg.smpp.status import ESME_ROK
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeCarrier
from smsagg.testing.gateway import FakeGateway, make_config, run_gateway
from smsagg.testing.peer import ScriptedPeer

PASSWORD = "secret"


def account(system_id: str, **values: Any) -> AccountSettings:
    """``[accounts.NAME]`` whose password is PASSWORD when :class:`PlainAuthenticator` checks it."""
    return AccountSettings(system_id=system_id, password_hash="", **values)


class PlainAuthenticator:
    """Checks PASSWORD without threads, which a mock clock does not wait for."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = {account.settings.system_id: account for account in accounts.values()}
        self.gate: trio.Event | None = None
        """When set, binds wait for it."""
        self.peers: list[Peer] = []
        """Who asked to be bound."""

    async def authenticate(self, system_id: str, password: str, peer: Peer) -> Account | BindRefusal:
        self.peers.append(peer)
        await trio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        account = self._accounts.get(system_id)
        return account if account is not None and password == PASSWORD else BindRefusal.CREDENTIALS

    def proof(self, _system_id: str, _password: str) -> str:
        return PASSWORD


class Client(ScriptedPeer):
    """One ESME."""

    patience_s = 120.0

    def __init__(self, stream: Any, session: EsmeSession | None = None) -> None:
        super().__init__(stream)
        self.session = session
        self.ended = trio.Event()

    async def try_bind(self, kind: type[Bind] = BindTransceiver, system_id: str = "acme", **fields: Any) -> BindResp:
        await self.send(kind(**({"system_id": system_id, "password": PASSWORD} | fields)))
        return await self.receive(BindResp)

    async def bind(self, kind: type[Bind] = BindTransceiver, system_id: str = "acme", **fields: Any) -> "Client":
        response = await self.try_bind(kind, system_id, **fields)
        assert response.command_status == ESME_ROK, hex(response.command_status)
        return self

    async def submit(self, **fields: Any) -> SubmitSmResp:
        """Submit one message and wait for its response."""
        pdu = submit_sm(**fields)
        await self.send(pdu)
        return await self.receive(SubmitSmResp)

    async def submit_ok(self, **fields: Any) -> str:
        """The same; the message_id of a message that must be taken."""
        response = await self.submit(**fields)
        assert response.command_status == ESME_ROK, hex(response.command_status)
        return response.message_id

    async def acknowledge(self, delivery: DeliverSm, command_status: int = ESME_ROK) -> None:
        await self.send(DeliverSmResp(sequence_number=delivery.sequence_number, command_status=command_status))

    async def is_alive(self) -> bool:
        """Whether the session still answers."""
        try:
            await self.send(EnquireLink())
            await self.receive(EnquireLinkResp)
        except (EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def close(self) -> None:
        await trio.aclose_forcefully(self.stream)


def submit_sm(**fields: Any) -> SubmitSm:
    values: dict[str, Any] = {
        "source_addr_ton": 5,
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": "447700900123",
        "registered_delivery": 1,
        "short_message": b"hello",
    }
    return SubmitSm(**(values | fields))


@define(eq=False)
class Bench:
    """A running front door."""

    gateway: FakeGateway
    door: FrontDoor
    nursery: trio.Nursery
    crashed: list[Exception] = field(factory=list)
    """Sessions' errors; a test takes out what it expects."""

    @property
    def carrier(self) -> FakeCarrier:
        return self.gateway.carrier

    @property
    def store(self) -> MemoryStore:
        assert isinstance(self.gateway.store, MemoryStore)
        return self.gateway.store

    @property
    def stored(self) -> list[Message]:
        """Every message that was ever committed, by seq."""
        tables = self.store.tables
        return [message for _, message in sorted((tables.messages | tables.history).items())]

    @property
    def authenticator(self) -> PlainAuthenticator:
        authenticator: Any = self.door.authenticator
        return authenticator  # type: ignore[no-any-return]

    def connect(self, address: str = "127.0.0.1", stream_pair: Any = trio.testing.memory_stream_pair) -> Client:
        """A new connection to the front door; its session runs in a task of its own."""
        ours, theirs = stream_pair()
        session = EsmeSession(ours, Peer(address), self.door)
        client = Client(theirs, session)
        self.nursery.start_soon(self._run, session, client)
        return client

    async def bound(self, *args: Any, **fields: Any) -> Client:
        """A new connection that is bound."""
        return await self.connect().bind(*args, **fields)

    async def settle(self) -> None:
        await self.gateway.settle()

    def reasons(self) -> dict[str, float]:
        """Sessions ended, by reason."""
        self.door.metrics.refresh()
        return {
            sample.labels["reason"]: sample.value
            for family in self.door.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "smsagg_smpp_sessions_closed_total" and sample.value
        }

    async def _run(self, session: EsmeSession, client: Client) -> None:
        try:
            await session.run()
        except Exception as error:  # noqa: BLE001  as the listener does
            self.crashed.append(error)
        finally:
            client.ended.set()


@asynccontextmanager
async def front_door(
    session: SessionSettings | None = None, tables: Tables | None = None, **sections: Any
) -> AsyncIterator[Bench]:
    """A front door for the accounts ``acme`` and ``other``; ``sections`` replace those of the configuration."""
    accounts = {"acme": account("acme"), "other": account("other")}
    config = make_config(**({"accounts": accounts} | sections))
    if session is not None:
        config = evolve(config, session=session)
    async with run_gateway(config, tables=tables) as gateway, trio.open_nursery() as nursery:
        door = make_front_door(config, gateway.engine, gateway.clock, gateway.metrics)
        authenticator: Any = PlainAuthenticator(gateway.engine.accounts)
        door.authenticator = authenticator
        bench = Bench(gateway, door, nursery)
        await gateway.settle()  # what is asked of the store at the start is answered
        yield bench
        assert not bench.crashed
        nursery.cancel_scope.cancel()
