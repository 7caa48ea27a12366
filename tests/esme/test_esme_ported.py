"""Submits to numbers that are looked up first."""

from typing import Any

import trio
import trio.testing
from esme_bench import account, front_door

from smsagg.config.schema import AccountAbuseSettings, RoutingSettings
from smsagg.config.units import Duration
from smsagg.resolvers.base import Resolver
from smsagg.smpp.pdu import DataSm, DataSmResp, SmeAddress, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RTHROTTLED
from smsagg.smpp.tlv import Tag
from smsagg.tables import Tables
from smsagg.testing.resolver import FakeResolver, lookup_settings

Clock = trio.testing.MockClock
NUMBER, OTHER, KNOWN = "447700900123", "447700900124", "447700900125"


def door(resolver: Resolver, **sections: Any) -> Any:
    settings = lookup_settings("GB", deadline=Duration(2.0))
    return front_door(tables=Tables(resolver=resolver), routing=RoutingSettings(lookup=settings), **sections)


def submit_to(digits: str, sequence_number: int, **fields: Any) -> SubmitSm:
    values: dict[str, Any] = {
        "source_addr": "ACME",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": digits,
        "short_message": b"hello",
        "sequence_number": sequence_number,
    }
    return SubmitSm(**(values | fields))


async def test_a_submit_that_waits_keeps_no_other_waiting(autojump_clock: Clock) -> None:
    """Those of the same read are committed and answered meanwhile."""
    resolver = FakeResolver({NUMBER: "23415"}, at_once={KNOWN: "23410"}, gate=trio.Event())
    async with door(resolver) as bench:
        client = await bench.bound()
        for number, digits in enumerate((NUMBER, KNOWN, NUMBER), 10):
            await client.send(submit_to(digits, number))
        assert (await client.receive(SubmitSmResp)).sequence_number == 11
        assert [message.network for message in bench.stored] == ["23410"]
        assert resolver.gate is not None
        resolver.gate.set()
        answers = [await client.receive(SubmitSmResp) for _ in range(2)]
        assert {answer.sequence_number for answer in answers} == {10, 12}
        assert [message.network for message in bench.stored] == ["23410", "23415", "23415"]
        assert resolver.asked == [NUMBER]


async def test_a_slow_resolver_delays_and_refuses_nothing(autojump_clock: Clock) -> None:
    """After the deadline the message goes by its prefix."""
    async with door(FakeResolver(gate=trio.Event())) as bench:
        client = await bench.bound()
        began = trio.current_time()
        await client.submit_ok(destination_addr=NUMBER)
        assert 2.0 <= trio.current_time() - began < 3.0
        assert bench.stored[0].network == ""


async def test_data_sm_and_submit_multi_wait_for_theirs(autojump_clock: Clock) -> None:
    """A submit_multi for all of its destinations."""
    resolver = FakeResolver({NUMBER: "23415", OTHER: "23410"})
    async with door(resolver) as bench:
        client = await bench.bound()
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), b"hello"),)
        await client.send(
            DataSm(
                source_addr="A", dest_addr_ton=1, dest_addr_npi=1, destination_addr=NUMBER, tlvs=tlvs, sequence_number=9
            )
        )
        assert (await client.receive(DataSmResp)).command_status == ESME_ROK
        addresses = (SmeAddress(1, 1, OTHER), SmeAddress(1, 1, NUMBER), SmeAddress(1, 1, "12"))
        await client.send(
            SubmitMulti(source_addr="A", dest_addresses=addresses, short_message=b"x", sequence_number=10)
        )
        response = await client.receive(SubmitMultiResp)
        assert (response.command_status, len(response.unsuccess_smes)) == (ESME_ROK, 1)
        assert [message.network for message in bench.stored] == ["23415", "23410", "23415"]


async def test_submits_that_wait_count_for_the_window(autojump_clock: Clock) -> None:
    """More than it allows are refused, one for each that is too much."""
    resolver = FakeResolver(gate=trio.Event())
    async with door(resolver, accounts={"acme": account("acme", window_max=2)}) as bench:
        client = await bench.bound()
        for number in range(10, 15):
            await client.send(submit_to(f"4477009000{number}", number))
        await trio.testing.wait_all_tasks_blocked()
        assert resolver.gate is not None
        resolver.gate.set()
        statuses = [(await client.receive(SubmitSmResp)).command_status for _ in range(5)]
        assert sorted(statuses) == [ESME_ROK] * 2 + [ESME_RTHROTTLED] * 3
        assert len(bench.stored) == 2


async def test_a_session_that_ends_takes_its_waiting_submits_along(autojump_clock: Clock) -> None:
    """They were never answered, so they are not sent."""
    resolver = FakeResolver(gate=trio.Event())
    async with door(resolver) as bench:
        client = await bench.bound()
        await client.send(submit_to(NUMBER, 10))
        await trio.testing.wait_all_tasks_blocked()
        await client.close()
        await client.ended.wait()
        assert resolver.gate is not None
        resolver.gate.set()
        await trio.testing.wait_all_tasks_blocked()
        assert bench.stored == []


async def test_a_submit_that_replaces_waits_too(autojump_clock: Clock) -> None:
    """And then replaces what is queued."""
    resolver = FakeResolver({NUMBER: "23415"})
    async with door(resolver) as bench:
        client = await bench.bound()
        await client.submit_ok(destination_addr=NUMBER, replace_if_present_flag=1)
        assert bench.stored[0].network == "23415"


async def test_what_is_about_to_be_refused_is_not_looked_up(autojump_clock: Clock) -> None:
    """Above the rate, and to countries that are not enabled: look-ups cost money."""
    resolver = FakeResolver(gate=trio.Event())
    limited = account("acme", rate=1.0, burst=2)
    guarded = account("other", abuse=AccountAbuseSettings(countries=("FR",)))
    async with door(resolver, accounts={"acme": limited, "other": guarded}) as bench:
        client, other = await bench.bound(), await bench.bound(system_id="other")
        for number in range(10, 15):
            await client.send(submit_to(f"4477009000{number}", number))
        refused = [await client.receive(SubmitSmResp) for _ in range(3)]
        assert {answer.command_status for answer in refused} == {ESME_RTHROTTLED}
        assert len(resolver.asked) == 2
        await other.send(submit_to(NUMBER, 10))
        assert (await other.receive(SubmitSmResp)).command_status == ESME_RINVDSTADR
        assert len(resolver.asked) == 2
        assert resolver.gate is not None
        resolver.gate.set()
        assert {(await client.receive(SubmitSmResp)).command_status for _ in range(2)} == {ESME_ROK}
