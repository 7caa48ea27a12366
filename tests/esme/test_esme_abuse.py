"""What an ESME sees of the checks of abuse: refusals, duplicates, messages that are held, and a frozen account."""

from typing import Any

import pytest
import trio
from esme_bench import Bench, Client, account, front_door, submit_sm
from trio.testing import MockClock

from smsagg.abuse import ContentRule, ContentRules
from smsagg.config.abuse import AbuseSettings, AccountAbuseSettings
from smsagg.config.schema import Duration, SessionSettings
from smsagg.config.units import parse_message_limit
from smsagg.errors import StoreFailed
from smsagg.model import HELD_UNTIL, Cause, MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import (
    CancelSm,
    CancelSmResp,
    DeliverSm,
    ReplaceSm,
    ReplaceSmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSmResp,
)
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings, pool_settings

WORLD = {"pools": {"world": pool_settings("alpha", countries=("GB", "DE", "ZW", "US"))}}
PHISHING = ContentRule("phishing", "hold", ("verify your account",))
SCAM = ContentRule("scam", "block", ("send me money",))
CONTENT = Tables(content=ContentRules([PHISHING, SCAM]))
HELD = b"Please VERIFY your account"


PATIENT = SessionSettings(enquire_link_interval=Duration(1e6), inactivity_timeout=Duration(1e6))
"""Hours may pass while the client only listens."""


def abuse(**values: Any) -> dict[str, Any]:
    """Sections of a configuration in which acme has these settings, and other has none."""
    acme = account("acme", abuse=AccountAbuseSettings(**values))
    return {"accounts": {"acme": acme, "other": account("other")}, **WORLD}


def refused(bench: Bench, reason: str) -> float:
    metrics = bench.door.metrics
    metrics.refresh()
    return (
        metrics.registry.get_sample_value("smsagg_messages_refused_total", {"account": "acme", "reason": reason}) or 0.0
    )


async def statuses(client: Client, destinations: list[str], **fields: Any) -> list[int]:
    return [(await client.submit(destination_addr=number, **fields)).command_status for number in destinations]


async def test_a_country_that_is_not_enabled_is_refused(autojump_clock: MockClock) -> None:
    """K02: ESME_RINVDSTADR at the submit, counted by its reason; nothing is stored."""
    async with front_door(PATIENT, **abuse(countries=("GB",))) as bench:
        client = await bench.bound()
        assert await statuses(client, ["447700900123", "4915112345678"]) == [s.ESME_ROK, s.ESME_RINVDSTADR]
        assert refused(bench, "country_not_enabled") == 1
        assert len(bench.stored) == 1
        other = await bench.bound(system_id="other")
        await other.submit_ok(destination_addr="4915112345678")


async def test_a_flood_to_one_prefix_is_throttled_and_the_rest_is_not(autojump_clock: MockClock) -> None:
    """K01: the prefix has its limit, ESME_RTHROTTLED beyond; other prefixes and accounts go on."""
    limits = (parse_message_limit("5/m"),)
    async with front_door(PATIENT, **abuse(prefix_limits=limits)) as bench:
        client = await bench.bound()
        flood = [f"26377100000{n:02d}" for n in range(20)]
        assert (await statuses(client, flood)).count(s.ESME_RTHROTTLED) == 15
        await client.submit_ok()
        assert refused(bench, "velocity") == 15
        other = await bench.bound(system_id="other")
        await other.submit_ok(destination_addr=flood[0])
        alarm = next(iter(bench.gateway.engine.guard.alarms))
        assert (alarm.finding.kind, alarm.finding.subject, alarm.count) == ("velocity", "2637710", 15)


async def test_sequential_numbers_are_blocked(autojump_clock: MockClock) -> None:
    """K01: after fifty neighbours the prefix is blocked, and the account's other messages are taken."""
    async with front_door(PATIENT, **abuse(sequences="block")) as bench:
        client = await bench.bound()
        answers = await statuses(client, [f"2637710{n:05d}" for n in range(80)])
        assert answers.count(s.ESME_ROK) == 50
        await client.submit_ok()
        assert bench.gateway.engine.guard.blocked_prefixes() == {"acme": 1}
        assert bench.gateway.engine.guard.clear("acme") == 1
        await client.submit_ok(destination_addr="263771000099")


async def test_a_blocked_text_is_refused(autojump_clock: MockClock) -> None:
    """K05: ESME_RSUBMITFAIL, and it is not stored."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        answer = await client.submit(short_message=b"Send me MONEY")
        assert answer.command_status == s.ESME_RSUBMITFAIL
        assert not bench.stored
        assert refused(bench, "content") == 1


async def test_a_held_text_waits_until_it_is_released(autojump_clock: MockClock) -> None:
    """K05: taken with ESME_ROK, not sent however long it waits, sent when an operator releases it."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(short_message=HELD)
        await client.submit_ok()
        await trio.sleep(600)
        assert [sent.body for sent in bench.carrier.sent] == [b"hello"]
        holding = bench.gateway.engine.holding
        held = [message async for batch in holding.held(rule="phishing") for message in batch]
        assert [message.message_id for message in held] == [message_id]
        assert await holding.release(held, "uid 0") == 1
        await bench.settle()
        assert [sent.body for sent in bench.carrier.sent] == [b"hello", HELD]
        assert await holding.find(message_id) == []


async def test_a_held_text_that_is_rejected_has_one_receipt(autojump_clock: MockClock) -> None:
    """K05: REJECTED with one receipt, once, and never sent."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(short_message=HELD)
        holding = bench.gateway.engine.holding
        held = await holding.find(message_id)
        assert await holding.reject(held, "uid 0") == 1
        receipt = await client.receive(DeliverSm)
        assert b"stat:REJECTD" in receipt.short_message
        await client.acknowledge(receipt)
        assert await holding.reject(held, "uid 0") == 0
        assert await holding.release(held, "uid 0") == 0
        await trio.sleep(60)
        assert await client.waiting(DeliverSm) == []
        assert not bench.carrier.sent
        (message,) = bench.stored
        assert (message.state, message.cause) == (MessageState.REJECTED, Cause.CONTENT_NOT_ALLOWED)


async def test_a_held_text_expires_like_any(autojump_clock: MockClock) -> None:
    """K05: EXPIRED with its receipt when nobody says a word in time."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=HELD, validity_period="000000001000000R")
        await trio.sleep(700)
        receipt = await client.receive(DeliverSm)
        assert b"stat:EXPIRED" in receipt.short_message
        assert not bench.carrier.sent


async def test_a_held_text_can_be_cancelled_and_not_replaced(autojump_clock: MockClock) -> None:
    """Its owner may take it back; changing it under the operator's eyes is ESME_RREPLACEFAIL."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(short_message=HELD)
        await client.send(ReplaceSm(message_id=message_id, source_addr="ACME", short_message=b"nothing"))
        assert (await client.receive(ReplaceSmResp)).command_status == s.ESME_RREPLACEFAIL
        await client.send(CancelSm(message_id=message_id, source_addr="ACME"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        assert [message.state for message in bench.stored] == [MessageState.DELETED]


@pytest.mark.parametrize("text", [b"send me money", HELD])
async def test_replacing_is_no_way_around_the_rules(autojump_clock: MockClock, text: bytes) -> None:
    """K05: a harmless text cannot be replaced by one that would be blocked or held."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time="000001000000000R")
        await client.send(ReplaceSm(message_id=message_id, source_addr="ACME", short_message=text))
        assert (await client.receive(ReplaceSmResp)).command_status == s.ESME_RREPLACEFAIL
        assert [message.body for message in bench.stored] == [b"hello"]


async def test_all_copies_of_a_held_text_are_found_by_their_id(autojump_clock: MockClock) -> None:
    """K05: a submit_multi is held, and released, copy by copy."""
    async with front_door(PATIENT, tables=CONTENT) as bench:
        client = await bench.bound()
        destinations = tuple(SmeAddress(1, 1, f"44770090000{n}") for n in range(3))
        await client.send(SubmitMulti(dest_addresses=destinations, source_addr="ACME", short_message=HELD))
        message_id = (await client.receive(SubmitMultiResp)).message_id
        held = await bench.gateway.engine.holding.find(message_id)
        assert len(held) == 3
        assert {message.next_attempt_at for message in held} == {HELD_UNTIL}
        assert await bench.gateway.engine.holding.release(held, "uid 0") == 3
        await bench.settle()
        assert len(bench.carrier.sent) == 3


async def test_a_dropped_duplicate_is_answered_with_the_first_id(autojump_clock: MockClock) -> None:
    """ESME_ROK, the id of the first, and one message goes out."""
    async with front_door(PATIENT, **abuse(duplicates="drop")) as bench:
        client = await bench.bound()
        first = await client.submit_ok()
        assert await client.submit_ok() == first
        assert await client.submit_ok(short_message=b"other") != first
        assert len(bench.stored) == 2
        assert refused(bench, "duplicate") == 1
        await trio.sleep(301)
        assert await client.submit_ok() != first


async def test_a_duplicate_of_what_is_being_committed_is_to_come_again(autojump_clock: MockClock) -> None:
    """No id is told before its commit: ESME_RTHROTTLED for the second of one read, whose retry gets the id."""
    async with front_door(PATIENT, **abuse(duplicates="drop")) as bench:
        client = await bench.bound()
        await client.send(submit_sm(), submit_sm())
        answers = [await client.receive(SubmitSmResp) for _ in range(2)]
        by_status = {answer.command_status: answer.message_id for answer in answers}
        assert by_status.keys() == {s.ESME_ROK, s.ESME_RTHROTTLED}
        assert await client.submit_ok() == by_status[s.ESME_ROK]


async def test_a_failed_commit_leaves_no_duplicate(autojump_clock: MockClock) -> None:
    """What the customer heard an error for may come again."""
    async with front_door(PATIENT, **abuse(duplicates="refuse")) as bench:
        client = await bench.bound()
        await bench.settle()
        bench.store.fail_next(StoreFailed("disk"))
        assert (await client.submit()).command_status == s.ESME_RSYSERR
        await client.submit_ok()
        assert (await client.submit()).command_status == s.ESME_RSUBMITFAIL


async def test_a_commit_that_came_too_late_leaves_no_duplicate(autojump_clock: MockClock) -> None:
    """The customer heard ESME_RSYSERR and sends it again."""
    async with front_door(PATIENT, **abuse(duplicates="drop")) as bench:
        client = await bench.bound()
        await bench.settle()
        bench.store.hold()
        await client.send(submit_sm())
        await trio.sleep(20)
        bench.store.release()
        assert (await client.receive(SubmitSmResp)).command_status == s.ESME_RSYSERR
        message_id = await client.submit_ok()
        assert await client.submit_ok() == message_id


async def test_a_message_that_did_not_arrive_may_be_sent_again(autojump_clock: MockClock) -> None:
    """Cancelled or failed, the same text is no duplicate."""
    async with front_door(PATIENT, **abuse(duplicates="drop")) as bench:
        client = await bench.bound()
        first = await client.submit_ok(schedule_delivery_time="000001000000000R")
        await client.send(CancelSm(message_id=first, source_addr="ACME"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        assert await client.submit_ok() != first


async def test_a_duplicate_in_a_list_is_refused(autojump_clock: MockClock) -> None:
    """A submit_multi has one id: what repeats another message stands among the failures."""
    async with front_door(PATIENT, **abuse(duplicates="drop")) as bench:
        client = await bench.bound()
        await client.submit_ok()
        destinations = tuple(SmeAddress(1, 1, number) for number in ("447700900123", "447700900124"))
        await client.send(SubmitMulti(dest_addresses=destinations, source_addr="ACME", short_message=b"hello"))
        answer = await client.receive(SubmitMultiResp)
        assert answer.command_status == s.ESME_ROK
        (failure,) = answer.unsuccess_smes
        assert (failure.destination_addr, failure.error_status_code) == ("447700900123", s.ESME_RSUBMITFAIL)


async def test_stolen_credentials_freeze_the_account(autojump_clock: MockClock) -> None:
    """K09: fifty times the usual volume: ESME_RTHROTTLED, queued mail is held, receipts still come; another account
    goes on; let go, the mail goes out."""
    takeover = {"takeover": "freeze", "takeover_messages": 20, "takeover_after": 3_600.0}
    wide = {"carriers": {"alpha": carrier_settings(FakeSettings(window=1_000))}}
    async with front_door(PATIENT, **abuse(**takeover), **wide) as bench:
        client = await bench.bound()
        for _ in range(8):
            await client.submit_ok()
            await trio.sleep(500)
        await client.submit_ok(schedule_delivery_time="000000000500000R")
        sent = len(bench.carrier.sent)
        answers = [(await client.submit()).command_status for _ in range(250)]
        assert answers.count(s.ESME_ROK) in range(100, 180)
        assert set(answers) == {s.ESME_ROK, s.ESME_RTHROTTLED}
        guard = bench.gateway.engine.guard
        assert [alarm.finding.action for alarm in guard.alarms] == ["freeze"]
        await bench.settle()
        taken = sent + answers.count(s.ESME_ROK)
        await trio.sleep(400)
        assert len(bench.carrier.sent) <= taken
        other = await bench.bound(system_id="other")
        await other.submit_ok()
        count = len(bench.carrier.sent)
        assert guard.unfreeze("acme", "uid 0")
        await bench.settle()
        assert len(bench.carrier.sent) == count + 1
        assert (await client.submit(short_message=b"again")).command_status == s.ESME_ROK


async def test_new_networks_and_countries_raise_alarms(autojump_clock: MockClock) -> None:
    """K09: a bind from elsewhere and a country that is new are told, and freeze the account if the setting says so."""
    takeover = {"takeover": "freeze", "takeover_freeze_on": ("country",), "takeover_after": 3_600.0}
    async with front_door(PATIENT, **abuse(**takeover)) as bench:
        client = await bench.bound()
        await client.submit_ok()
        await trio.sleep(3_700)
        await bench.connect("198.51.100.7").bind()
        client = await bench.bound()
        await client.submit_ok()
        assert (await client.submit(destination_addr="4915112345678")).command_status == s.ESME_RTHROTTLED
        found = [(alarm.finding.kind, alarm.finding.action) for alarm in bench.gateway.engine.guard.alarms]
        assert found == [("network", "monitor"), ("country", "freeze")]
        assert refused(bench, "frozen") == 1


async def test_an_account_without_checks_has_no_guard(autojump_clock: MockClock) -> None:
    """Nothing is asked for its messages, until it is frozen by hand."""
    async with front_door(abuse=AbuseSettings()) as bench:
        engine = bench.gateway.engine
        assert all(account.guard is None for account in engine.accounts.values())
        assert engine.core.on_finished is None
        engine.guard.freeze("acme", "by hand", "uid 0")
        client = await bench.bound()
        assert (await client.submit()).command_status == s.ESME_RTHROTTLED
        engine.guard.unfreeze("acme", "uid 0")
        assert engine.accounts["acme"].guard is None
        await client.submit_ok()
