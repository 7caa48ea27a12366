"""A whole gateway over a store in memory, whose configuration is a file that a test rewrites."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from random import Random

import trio
from argon2 import PasswordHasher
from attrs import define

from smsagg.app import Gateway, begin_with
from smsagg.carriers.registry import settings_class
from smsagg.clock import SystemClock
from smsagg.config.load import load_config
from smsagg.config.units import split_host_port
from smsagg.engine import Engine
from smsagg.observe.metrics import Metrics
from smsagg.reload import Reloader
from smsagg.smpp import pdu as p
from smsagg.store.memory import MemoryStore, Tables
from smsagg.tables import load_tables
from smsagg.testing.peer import ScriptedPeer

PATIENCE_S = 20.0


@cache
def hash_of(password: str) -> str:
    """As cheap as it may be."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def text_of(
    accounts: str = "", carriers: str = "", pools: str = "", rest: str = "", *, demo: str = "", password: str = "pw"
) -> str:
    """A configuration: an account ``demo`` with further keys, a pool for GB on a quick carrier, and what is given."""
    return f"""
{rest}
[log]
level = "error"

[accounts.demo]
system_id = "demo"
password_hash = "{hash_of(password)}"
{demo}
{accounts}

[carriers.alpha]
type = "simulated"
latency = {{ min = "1ms", max = "2ms" }}
receipts = {{ delay = {{ min = "1ms", max = "2ms" }} }}
{carriers}

[pools.gb]
countries = ["GB"]
carriers = ["alpha"]
{pools}
"""


@define(eq=False)
class Bench:
    """A running gateway and its file."""

    path: Path
    gateway: Gateway
    reloader: Reloader
    store: MemoryStore
    metrics: Metrics
    smpp: str
    http: str

    @property
    def engine(self) -> Engine:
        return self.gateway.engine

    def write(self, text: str) -> None:
        """Another text of the main file, on the same store and ports."""
        self.path.write_text(with_places(self.path, text))

    def count(self, result: str) -> float:
        """Reloads with this result."""
        return self.metrics.config_reloads[result].n

    async def connect(self, system_id: str = "demo", password: str = "pw") -> "Esme":
        host, port = split_host_port(self.smpp)
        esme = Esme(await trio.open_tcp_stream(host, port))
        esme.response = await esme.ask(p.BindTransceiver(system_id, password))
        return esme


class Esme(ScriptedPeer):
    """A client over a real socket."""

    patience_s = PATIENCE_S
    response: p.Pdu

    @property
    def is_bound(self) -> bool:
        return isinstance(self.response, p.BindTransceiverResp) and self.response.command_status == 0

    async def ask(self, pdu: p.Request) -> p.Pdu:
        await self.send(pdu)
        return await self.receive(p.RESPONSES[pdu.command_id])

    async def submit(self, destination: str = "447700900123") -> p.Pdu:
        return await self.ask(
            p.SubmitSm("", 5, 0, "ACME", 1, 1, destination, registered_delivery=1, short_message=b"hello")
        )


def with_places(path: Path, text: str) -> str:
    """``text`` with free ports and a store beside ``path``, at its beginning."""
    return f"""[server]
smpp_listen = "127.0.0.1:0"
http_listen = "127.0.0.1:0"
shutdown_deadline = "100ms"
[store]
path = "{path.parent / "smsagg.db"}"
{text}"""


@asynccontextmanager
async def running(folder: Path, text: str | None = None, tables: Tables | None = None) -> AsyncIterator[Bench]:
    """One life of the process; ``tables`` are what lives before left. The file is written unless it is there."""
    path = folder / "smsagg.toml"
    if text is not None or not path.exists():
        path.write_text(with_places(path, text_of() if text is None else text))
    config = load_config(path, settings_class)
    store, metrics = MemoryStore(tables), Metrics("test")
    start = await begin_with(store, config, load_tables(config), path)
    gateway = Gateway(start.config, store, SystemClock(), Random(1), metrics, start.tables, path, start=start)
    async with gateway.running() as running:
        assert running.reloader is not None
        yield Bench(path, gateway, running.reloader, store, metrics, running.smpp, running.http)
