"""The operators' questions about carriers, through the socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from smsagg.config.schema import PoolMember
from smsagg.control import Caller
from smsagg.control.carriers import CarriersService
from smsagg.errors import ControlError
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[FakeGateway, CarriersService]]:
    config = make_config(
        pools={"gb": pool_settings(PoolMember("alpha", rank=0), PoolMember("beta", rank=1), countries=("GB",))},
        carriers={
            "alpha": carrier_settings(FakeSettings(links=2, window=10, rate=100.0)),
            "beta": carrier_settings(FakeSettings(bound=False)),
        },
    )
    async with run_gateway(config) as gateway:
        yield gateway, CarriersService(gateway.engine)


async def asked(service: CarriersService, command: str = "carriers", **request: Any) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []

    async def send(record: Any) -> None:
        answers.append(dict(record))

    serve = service.serve if command == "carriers" else service.serve_drill
    await serve(request, send, Caller(1, 0))
    return answers


async def test_status(autojump_clock: MockClock) -> None:
    """Every carrier, or one: links, window, rate, what is in flight, how messages fare."""
    async with serving() as (gateway, service):
        alpha = gateway.carriers["alpha"]
        alpha.accept_all()
        for _ in range(10):
            await gateway.accept(2)
            await trio.sleep(1)
        alpha.receipt(*(f"alpha-{number}" for number in range(1, 16)))
        await gateway.settle()
        await trio.sleep(2)
        records = await asked(service, do="status")
        assert [record["carrier"] for record in records] == ["alpha", "beta"]
        (record,) = await asked(service, do="status", carrier="alpha")
        assert record["state"] == "ok"
        assert [link["name"] for link in record["links"]] == ["alpha/1", "alpha/2"]
        assert {link["rate_contracted"] for link in record["links"]} == {100.0}
        assert (record["taken"], record["errors"], record["delivery"], record["receipts"]) == (20, 0.0, 1.0, 15)
        assert record["response_ms"] is not None
        assert records[1]["state"] == "unbound"
        assert records[1]["delivery"] is None


async def test_drain_and_resume(autojump_clock: MockClock) -> None:
    """Who would be left without a carrier is told; the state shows, and goes."""
    async with serving() as (gateway, service):
        await gateway.accept(2)
        await gateway.settle()
        (answer,) = await asked(service, do="drain", carrier="alpha", reason="their upgrade")
        assert answer == {"carrier": "alpha", "pools_left": ["gb"], "in_flight": 2}
        (record,) = await asked(service, do="status", carrier="alpha")
        assert (record["state"], record["held"]) == ("draining", ["drained: their upgrade"])
        gateway.carriers["alpha"].accept()
        await gateway.settle()
        (record,) = await asked(service, do="status", carrier="alpha")
        assert record["state"] == "drained"
        (answer,) = await asked(service, do="resume", carrier="alpha")
        assert answer == {"carrier": "alpha", "was_drained": True, "actions_ended": 0}
        (record,) = await asked(service, do="status", carrier="alpha")
        assert record["state"] == "ok"


async def test_drills(autojump_clock: MockClock) -> None:
    """Started, looked at, stopped; and refused where nobody else is."""
    async with serving() as (_, service):
        request = {"do": "start", "carrier": "alpha", "kind": "outage", "for_s": 60}
        with pytest.raises(ControlError, match="--force"):
            await asked(service, "drill", **request)
        (record,) = await asked(service, "drill", force=True, **request)
        assert (record["kind"], record["ended_by"], record["ends_in_s"]) == ("outage", "", 60)
        (status,) = await asked(service, do="status", carrier="alpha")
        assert status["state"] == "suspended"
        assert [(action["source"], action["action"]) for action in status["actions"]] == [("drill", "outage")]
        await trio.sleep(10)
        (record,) = await asked(service, "drill", do="report", carrier="alpha")
        assert record["lasted_s"] == pytest.approx(10)
        (record,) = await asked(service, "drill", do="stop", carrier="alpha")
        assert record["ended_by"] == "operator"
        (status,) = await asked(service, do="status", carrier="alpha")
        assert status["state"] == "ok"


@pytest.mark.parametrize(
    ("command", "request_", "text"),
    [
        ("carriers", {"do": "nothing"}, "status, drain or resume"),
        ("carriers", {"do": "status", "carrier": "gamma"}, "there are alpha, beta"),
        ("carriers", {"do": "drain"}, "which"),
        ("carriers", {"do": "status", "carrier": 7}, "must be a string"),
        ("drill", {"do": "start", "carrier": "alpha", "kind": "fire", "for_s": 1}, "outage, slow, throttle, reject"),
        ("drill", {"do": "start", "carrier": "alpha", "for_s": "1"}, "must be seconds"),
        ("drill", {"do": "start", "carrier": "alpha", "for_s": -1, "force": True}, "a day"),
        ("drill", {"do": "start", "carrier": "alpha", "for_s": 1, "country": "XX"}, "ISO 3166"),
        ("drill", {"do": "start", "carrier": "gamma", "for_s": 1}, "there are alpha, beta"),
        ("drill", {"do": "report", "carrier": "alpha"}, "no drill since"),
        ("drill", {"do": "rest"}, "start, stop or report"),
    ],
)
async def test_what_is_wrong_is_told(
    command: str, request_: dict[str, Any], text: str, autojump_clock: MockClock
) -> None:
    """In a line that says what would be right."""
    async with serving() as (_, service):
        with pytest.raises(ControlError, match=text):
            await asked(service, command, **request_)
