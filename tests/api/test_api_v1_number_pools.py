"""Number pools over HTTP."""

from attrs import evolve
from v1_bench import api, api_config

from smsagg.config.schema import SenderSettings
from smsagg.inventory.number import Number, NumberType, assign
from smsagg.inventory.pool import NumberPool

NUMBERS = [Number(f"44740000000{place}", "GB", NumberType.LONG, pool="otp") for place in range(2)]


async def test_messages_get_senders_of_the_pool() -> None:
    """A conversation keeps its number from one call to the next; what has had enough is 429, and nothing is held."""
    config = api_config()
    config.accounts["acme"] = evolve(config.accounts["acme"], senders=SenderSettings(from_pool="otp"))
    async with api(config) as client:
        numbers = client.gateway.engine.numbers
        updates = numbers.book.put_pool(NumberPool("otp", rotation="sticky", limit=1))
        await numbers.book.commit(updates + numbers.book.put(assign(number, "acme") for number in NUMBERS))
        found = [(await client.send()).document for _ in range(3)]
        assert [document["from"] for document in found[:2]] == [number.address for number in NUMBERS]
        assert found[2]["status"] == 429
        assert found[2]["type"].endswith("senders-exhausted")
        assert numbers.choices_held == 0
        assert numbers.looked_up == 1
