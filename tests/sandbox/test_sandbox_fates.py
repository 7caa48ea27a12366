"""A sandbox account as its owner sees it: every magic number over HTTP, on virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from trio.testing import MockClock

from smsagg.api.v1 import V1
from smsagg.carriers.registry import settings_class
from smsagg.carriers.simulated import SimulatedCarrier
from smsagg.client import ApiError, AsyncClient, Event, Message, verifications
from smsagg.config.load import parse_config
from smsagg.config.sandbox import SANDBOX
from smsagg.directory.secrets import digest_of
from smsagg.events.kinds import WORDS
from smsagg.sandbox import MAGIC, Magic
from smsagg.smpp.status import ESME_RPROHIBITED
from smsagg.tables import load_tables
from smsagg.testing.gateway import FakeGateway, run_gateway

HASH = "$argon2id$v=19$m=19456,t=3,p=1$" + "A" * 22 + "$" + "B" * 43
CONFIG = f"""
[accounts.play]
system_id = "play"
password_hash = "{HASH}"
sandbox = true
events = true
inbound = "http"
api_keys = {{ dev = {{ hash = "{digest_of("sk_play")}" }} }}
price_list = "play.csv"
billing = "prepaid"
quotas = {{ daily = 1 }}

[accounts.real]
system_id = "real"
password_hash = "{HASH}"
mo_numbers = ["*"]

[carriers.alpha]
type = "simulated"

[pools.world]
carriers = ["alpha"]

[routing]
default_pool = "world"
"""
PREFIX = "447700900"
LATE_S = 10_000


@asynccontextmanager
async def sandbox(tmp_path: Path) -> AsyncIterator[tuple[AsyncClient, FakeGateway]]:
    """Prepaid and without a penny, with a quota that would be used up at once."""
    tmp_path.joinpath("play.csv").write_text("prefix,price\n44,0.03\n", encoding="utf-8")
    config = parse_config(CONFIG, f"{tmp_path}/gateway.toml", settings_class)
    async with run_gateway(config, tables=load_tables(config), make_carrier=SimulatedCarrier) as gateway:
        transport = httpx2.ASGITransport(V1(gateway.engine))
        async with AsyncClient("http://sms.example", "sk_play", transport=transport, retries=0) as client:
            yield client, gateway


async def send(client: AsyncClient, ending: str, text: str = "hello") -> Message:
    return await client.send(to=f"+{PREFIX}{ending}", text=text, sender="12345", ttl=120)


def word_of(magic: Magic) -> str:
    """How a message that is taken in ends."""
    if magic.command_status == ESME_RPROHIBITED:
        return "rejected"
    if magic.command_status and magic.refused_for_s is None:
        return "expired"
    return "unknown" if magic.receipt_s is None else WORDS[magic.state]


TAKEN = [ending for ending, magic in MAGIC.items() if magic.refusal is None]
REFUSED = {
    "130": (422, "no-route"),
    "131": (429, "rthrottled"),
    "132": (429, "rmsgqful"),
    "133": (402, "no-credit"),
    "134": (503, "rsyserr"),
}


async def test_every_message_ends_as_its_number_says(autojump_clock: MockClock, tmp_path: Path) -> None:
    """In the state and for the cause of the table, marked, for nothing, and no carrier but the sandbox's has it."""
    async with sandbox(tmp_path) as (client, gateway):
        sent = {ending: await send(client, ending) for ending in TAKEN}
        assert all(message.sandbox and message.price is None for message in sent.values())
        await gateway.until(lambda: not gateway.engine.core.live, LATE_S)
        for ending, message in sent.items():
            over = await client.get(message.id)
            assert over.state == word_of(MAGIC[ending]), ending
            cause = MAGIC[ending].cause.name.lower()
            if cause != "none":
                assert over.error == cause, ending
        assert {key[0] for key in gateway.engine.core.experience.cells} == {SANDBOX}
        assert gateway.engine.core.quality.scores() == {}
        assert not gateway.engine.money.purses


@pytest.mark.parametrize("ending", REFUSED)
async def test_what_is_not_taken_says_why(ending: str, autojump_clock: MockClock, tmp_path: Path) -> None:
    """With the problem that the real thing would have."""
    async with sandbox(tmp_path) as (client, gateway):
        with pytest.raises(ApiError) as refused:
            await send(client, ending)
        assert (refused.value.status, refused.value.kind) == REFUSED[ending]
        gateway.assert_nothing_is_held()


def test_every_refusal_of_the_table_is_tried() -> None:
    """None was added without its problem."""
    assert set(REFUSED) == set(MAGIC) - set(TAKEN)


async def inbound_of(tmp_path: Path, ending: str, text: str) -> list[Event]:
    """What the handset wrote to the sandbox; the account of all other numbers hears nothing of it."""
    async with sandbox(tmp_path) as (client, gateway):
        sink = gateway.attach("real")
        await send(client, ending, text)
        await gateway.until(lambda: gateway.clock.monotonic_s() > 5, LATE_S)
        assert sink.received == []
        return [event async for event in client.events(types=["message.inbound"])]


@pytest.mark.parametrize(("ending", "text"), [("140", "Grüße 你好"), ("141", "STOP"), ("142", "YES")])
async def test_the_handset_answers_who_wrote_to_it(
    ending: str, text: str, autojump_clock: MockClock, tmp_path: Path
) -> None:
    """And nobody else, though another account has all numbers that nobody owns."""
    [event] = await inbound_of(tmp_path, ending, "Grüße 你好")
    assert (event.data["text"], event.data["from"], event.data["to"]) == (text, PREFIX + ending, "12345")
    assert event.data["sandbox"] is True


LONG_TEXT = "0123456789" * 40


async def test_a_long_text_is_echoed_whole(autojump_clock: MockClock, tmp_path: Path) -> None:
    """As the handset shows it."""
    assert [event.data["text"] for event in await inbound_of(tmp_path, "140", LONG_TEXT)] == [LONG_TEXT]


async def test_a_long_text_is_answered_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    """The handset shows one message, whatever parts it came in."""
    assert [event.data["text"] for event in await inbound_of(tmp_path, "141", LONG_TEXT)] == ["STOP"]


async def test_slow_is_slow(autojump_clock: MockClock, tmp_path: Path) -> None:
    """30 seconds from the carrier's yes, and not earlier."""
    async with sandbox(tmp_path) as (client, gateway):
        message = await send(client, "101")
        await gateway.until(lambda: gateway.clock.monotonic_s() > 29, LATE_S)
        assert (await client.get(message.id)).state == "sent"
        await gateway.until(lambda: gateway.clock.monotonic_s() > 31, LATE_S)
        assert (await client.get(message.id)).state == "delivered"


async def test_stop_is_heeded(autojump_clock: MockClock, tmp_path: Path) -> None:
    """So that it can be tried what becomes of whoever wants to hear no more."""
    async with sandbox(tmp_path) as (client, gateway):
        await send(client, "141")
        await gateway.until(lambda: gateway.clock.monotonic_s() > 5, LATE_S)
        with pytest.raises(ApiError) as refused:
            await send(client, "141")
        assert refused.value.kind == "suppressed"


async def test_a_code_is_known_beforehand(autojump_clock: MockClock, tmp_path: Path) -> None:
    """It is approved, no handset echoes it, and neither the judge of carriers nor that of prefixes hears of it."""
    async with sandbox(tmp_path) as (client, gateway):
        started = await client.ask(verifications.start(to=f"+{PREFIX}140", brand="ACME", code_length=8))
        await gateway.until(lambda: gateway.clock.monotonic_s() > 5, LATE_S)
        assert (await client.ask(verifications.check(started.id, "12345678"))).status == "approved"
        assert [event async for event in client.events(types=["message.inbound"])] == []
        await gateway.until(lambda: gateway.clock.monotonic_s() > 100, LATE_S)
        assert all(not cell.asked for cell in gateway.engine.core.experience.cells.values())
