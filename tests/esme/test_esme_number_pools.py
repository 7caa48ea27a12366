"""Number pools through an SMPP session: the client changes nothing, and finds its messages again."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio.testing
from attrs import evolve
from esme_bench import Bench, Client, account, front_door, submit_sm

from smsagg.config.schema import SenderSettings
from smsagg.errors import StoreFailed
from smsagg.esme.authenticator import BindRefusal
from smsagg.inventory.number import Number, NumberType, assign
from smsagg.inventory.pool import NumberPool
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    QuerySm,
    QuerySmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSmResp,
)

NUMBERS = [Number(f"44770090000{place}", "GB", NumberType.LONG, pool="otp") for place in range(3)]


def accounts(**values: Any) -> dict[str, Any]:
    senders = SenderSettings(**({"from_pool": "otp", "allowed": ("ACME",), "pool_names": ("POOL",)} | values))
    return {"acme": account("acme", senders=senders), "other": account("other")}


async def stock(bench: Bench, rotation: str = "sticky", limit: int = 0) -> None:
    book = bench.gateway.engine.numbers.book
    updates = book.put_pool(NumberPool("otp", rotation=rotation, limit=limit))
    await book.commit(updates + book.put(assign(number, "acme") for number in NUMBERS))


async def ask(client: Client, request: Any, response: Any) -> Any:
    await client.send(request)
    return await client.receive(response)


def sources(bench: Bench) -> list[str]:
    return [message.source_addr for message in bench.stored]


@pytest.mark.parametrize("rotation", ["round_robin", "sticky"])
async def test_submits_get_senders(autojump_clock: trio.testing.MockClock, rotation: str) -> None:
    """Those without a source address and those that name the pool; others go by the account's rules."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench, rotation)
        client = await bench.bound()
        for source_addr in ("", "POOL", "ACME"):
            await client.submit_ok(source_addr=source_addr)
        assert (await client.submit(source_addr="EVIL")).command_status == s.ESME_RINVSRCADR
        first, second = NUMBERS[0].address, NUMBERS[0 if rotation == "sticky" else 1].address
        assert sources(bench) == [first, second, "ACME"]
        assert [(m.source_addr_ton, m.source_addr_npi) for m in bench.stored[:2]] == [(1, 1)] * 2
        assert bench.gateway.engine.numbers.choices_held == 0


async def test_a_message_is_found_by_what_was_submitted(autojump_clock: trio.testing.MockClock) -> None:
    """query_sm and cancel_sm repeat the submit's source address, whichever number the pool gave; another is wrong."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench)
        client = await bench.bound()
        for source_addr in ("", "POOL"):
            sent = await client.submit_ok(source_addr=source_addr, schedule_delivery_time="000001000000000R")
            query = QuerySm(message_id=sent, source_addr=source_addr)
            assert (await ask(client, query, QuerySmResp)).command_status == s.ESME_ROK
            query = QuerySm(message_id=sent, source_addr="ACME")
            assert (await ask(client, query, QuerySmResp)).command_status == s.ESME_RINVMSGID
            cancel = CancelSm(source_addr="POOL", destination_addr="447700900123")
            assert (await ask(client, cancel, CancelSmResp)).command_status == s.ESME_ROK


async def test_a_sender_that_is_not_allowed_may_become_one_of_the_pool(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """When the default that replaces it is a name of the pool; the message is found by what was submitted."""
    rules = accounts(when_not_allowed="replace", default="POOL")
    async with front_door(accounts=rules) as bench:
        await stock(bench)
        client = await bench.bound()
        sent = await client.submit_ok(source_addr="EVIL", schedule_delivery_time="000001000000000R")
        assert sources(bench) == [NUMBERS[0].address]
        query = QuerySm(message_id=sent, source_addr="EVIL")
        assert (await ask(client, query, QuerySmResp)).command_status == s.ESME_ROK


async def test_a_waiting_message_is_replaced_whatever_its_number(autojump_clock: trio.testing.MockClock) -> None:
    """replace_if_present_flag means the submit's source address, which is the pool's, not one number of it."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench, "round_robin", limit=5)
        client = await bench.bound()
        later = {"source_addr": "POOL", "schedule_delivery_time": "000001000000000R"}
        first = await client.submit_ok(**later)
        second = await client.submit_ok(replace_if_present_flag=1, **later)
        states = {message.message_id: message.state.name for message in bench.stored}
        assert states == {first: "DELETED", second: "QUEUED"}
        assert sources(bench) == [NUMBERS[0].address, NUMBERS[1].address]
        assert bench.gateway.engine.numbers.choices_held == 0


async def test_copies_of_a_submit_multi(autojump_clock: trio.testing.MockClock) -> None:
    """Each destination gets a sender of its own; one that has had enough stands in unsuccess_sme."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench, "round_robin", limit=1)
        client = await bench.bound()
        places = [SmeAddress(1, 1, f"44770090010{place}") for place in (0, 1, 1, 1, 1)]
        multi = SubmitMulti(source_addr="POOL", dest_addresses=tuple(places), short_message=b"x")
        response = await ask(client, multi, SubmitMultiResp)
        assert [sme.error_status_code for sme in response.unsuccess_smes] == [s.ESME_RTHROTTLED]
        assert sorted(sources(bench)[1:]) == sorted(number.address for number in NUMBERS)
        assert bench.gateway.engine.numbers.choices_held == 0


async def test_the_store_cannot_be_asked(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ESME_RSYSERR for the submits that need it, and nothing is held."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench)
        client = await bench.bound()

        async def fail(_kind: str, _keys: Sequence[str]) -> dict[str, bytes]:
            raise StoreFailed("no answer")

        with monkeypatch.context() as patch:
            patch.setattr(bench.store, "find_entities", fail)
            assert (await client.submit(source_addr="POOL")).command_status == s.ESME_RSYSERR
        await client.submit_ok(source_addr="POOL")


async def test_nothing_waits_above_the_window(autojump_clock: trio.testing.MockClock) -> None:
    """While the store is slow, what exceeds the account's window is refused at once; the rest is answered later."""
    values = accounts()
    values["acme"] = evolve(values["acme"], window_max=5)
    async with front_door(accounts=values) as bench:
        await stock(bench)
        client = await bench.bound()
        await bench.settle()
        bench.store.hold()
        for place in range(9):
            await client.send(submit_sm(source_addr="POOL", destination_addr=f"44770090030{place}"))
        refused = [(await client.receive(SubmitSmResp)).command_status for _ in range(4)]
        bench.store.release()
        taken = [(await client.receive(SubmitSmResp)).command_status for _ in range(5)]
        assert (refused, taken) == ([s.ESME_RTHROTTLED] * 4, [s.ESME_ROK] * 5)
        assert bench.gateway.engine.numbers.choices_held == 0


async def test_nothing_is_taken_from_an_account_that_left_while_recipients_were_looked_up(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its money and its checks are nobody's by then: ESME_RTHROTTLED, also for what comes before the unbind."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench)
        client = await bench.bound()
        await bench.settle()
        bench.store.hold()
        await client.send(submit_sm(source_addr="POOL"))
        await trio.testing.wait_all_tasks_blocked()
        config = bench.gateway.config
        bench.gateway.reconfigure(evolve(config, accounts={"other": config.accounts["other"]}))
        monkeypatch.setattr(bench.authenticator, "objection", lambda *_: BindRefusal.CREDENTIALS, raising=False)
        assert client.session is not None
        client.session.reconfigure()
        await client.send(submit_sm(source_addr="POOL"))
        bench.store.release()
        answers = [(await client.receive(SubmitSmResp)).command_status for _ in range(2)]
        assert answers == [s.ESME_RTHROTTLED] * 2
        assert bench.stored == []
        assert bench.gateway.engine.numbers.choices_held == 0


async def test_what_waited_too_long_for_its_recipient_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RSYSERR, as for a commit that takes too long; nothing of it is sent."""
    async with front_door(accounts=accounts()) as bench:
        await stock(bench)
        client = await bench.bound()
        await bench.settle()
        bench.store.hold()
        await client.send(submit_sm(source_addr="POOL"))
        await trio.sleep(bench.gateway.config.server.accept_deadline + 1)
        bench.store.release()
        assert (await client.receive(SubmitSmResp)).command_status == s.ESME_RSYSERR
        assert bench.stored == []
        await client.submit_ok(source_addr="POOL")
