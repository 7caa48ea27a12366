"""What operators do with lists of suppressed numbers on a running engine."""

from collections.abc import Mapping
from typing import Any

import pytest

from smsagg.control.consents import SuppressService
from smsagg.control.server import Caller
from smsagg.errors import ControlError
from smsagg.testing.gateway import FakeGateway, run_gateway

NUMBER = "447700900123"


async def ask(gateway: FakeGateway, **arguments: Any) -> list[dict[str, Any]]:
    """What the service answers."""
    answers: list[dict[str, Any]] = []

    async def send(record: Mapping[str, Any]) -> None:
        answers.append(dict(record))

    await SuppressService(gateway.engine).serve(arguments, send, Caller(1, 1000))
    return answers


def is_suppressed(gateway: FakeGateway, number: str = NUMBER, sender: str = "") -> bool:
    return gateway.engine.consents.book.is_suppressed("acme", sender, number)


async def test_numbers_are_added_found_and_removed() -> None:
    """Of all accounts, or of one and one of its senders."""
    async with run_gateway() as gateway:
        assert await ask(gateway, do="add", numbers=["+44 7700 900123"], evidence="a court") == [{"changed": 1}]
        assert is_suppressed(gateway)
        [record] = await ask(gateway, do="find", numbers=[NUMBER])
        assert (record["how"], record["evidence"], record["account"]) == ("operator", "a court", "")
        assert await ask(gateway, do="remove", numbers=[NUMBER]) == [{"changed": 1}]
        assert await ask(gateway, do="remove", numbers=[NUMBER]) == [{"changed": 0}]
        await ask(gateway, do="add", numbers=[NUMBER], account="acme", sender="ACME")
        assert (is_suppressed(gateway), is_suppressed(gateway, sender="acme")) == (False, True)


async def test_a_long_list_tells_how_far_it_is_and_what_is_wrong() -> None:
    """And is exported as it was."""
    async with run_gateway() as gateway:
        body = "number\n" + "".join(f"4477{number:08}\n" for number in range(20_500)) + "nobody\n" * 70
        told = await ask(gateway, do="import", body=body, file="list.csv")
        problems = [one for one in told if "problem" in one]
        assert [one["read"] for one in told if "read" in one] == [10_000, 20_000, 20_500]
        assert len(problems) == 50
        assert problems[0]["problem"].startswith("list.csv:20502: number:")
        assert told[-1] == {"read": 20_500, "changed": 20_500, "wrong": 70, "done": True}
        assert is_suppressed(gateway, "447700020499")
        exported = "".join(one["csv"] for one in await ask(gateway, do="export"))
        assert len(exported.splitlines()) == 20_501
        assert (await ask(gateway, do="import", body=exported))[-1]["changed"] == 0


@pytest.mark.parametrize(
    "arguments",
    [{"do": "eat"}, {"do": "add"}, {"do": "add", "numbers": ["nobody"]}, {"do": "export", "account": "nobody"}],
)
async def test_what_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    """With a reason."""
    async with run_gateway() as gateway:
        with pytest.raises(ControlError):
            await ask(gateway, **arguments)
