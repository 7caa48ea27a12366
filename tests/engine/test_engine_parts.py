"""Messages of several parts on their way out: cut or recognised, together on one link, in the carrier's form."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, LongMessageSettings
from smsagg.errors import StoreFailed
from smsagg.model import Message, MessageState
from smsagg.smpp.concatenation import UDHI, Concatenation, sar_tlvs, write_user_data
from smsagg.smpp.status import ESME_RINVMSGLEN, ESME_RMSGQFUL, ESME_ROK, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.smpp.tlv import encode_tlvs
from smsagg.store.memory import MemoryStore
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

LONG = b"0123456789" * 40
"""Three parts of GSM text."""


def config_of(form: str = "udh", account: dict[str, Any] | None = None, **fake: Any) -> Config:
    return make_config(
        accounts={"acme": account_settings("acme", **(account or {}))},
        carriers={"alpha": carrier_settings(FakeSettings(long_messages=form, **fake))},
    )


def udh_part(number: int, total: int = 3, reference: int = 7, text: bytes = b"text") -> dict[str, Any]:
    """Fields of one part as customers submit them."""
    return {"body": write_user_data(Concatenation(reference, total, number), b"", text), "esm_class": UDHI}


def numbers(messages: Sequence[Message]) -> list[int]:
    return [message.part_number for message in messages]


async def accept_parts(gateway: FakeGateway, *parts: dict[str, Any]) -> list[Message]:
    return [await gateway.accept_one(**part) for part in parts]


# --- cut by us ---


async def test_a_long_message_is_cut_for_a_carrier_that_wants_parts() -> None:
    """One request, one id, rows for its parts in one commit; together they say what was submitted."""
    store = MemoryStore()
    async with run_gateway(config_of("udh"), store) as gateway:
        parts = await gateway.accept(body=LONG, in_payload=True)
        assert numbers(parts) == [1, 2, 3]
        assert seqs(parts) == [1, 2, 3]
        assert {part.message_id for part in parts} == {parts[0].message_id}
        assert b"".join(part.body for part in parts) == LONG
        assert [len(part.body) for part in parts] == [153, 153, 94]
        await gateway.settle()
        assert numbers(gateway.carrier.outstanding) == [1, 2, 3]
        assert store.tables.groups[1].parts_total == 3
        assert not any(part.in_payload or part.joins for part in gateway.carrier.outstanding)


@pytest.mark.parametrize("form", ["as_is", "payload"])
async def test_nothing_is_cut_when_no_carrier_wants_parts(form: str) -> None:
    """It is one message, in the store and to the carrier."""
    async with run_gateway(config_of(form)) as gateway:
        (message,) = await gateway.accept(body=LONG, in_payload=True)
        assert message.group is None
        await gateway.settle()
        assert gateway.carrier.outstanding == [message]


async def test_a_carrier_of_the_backup_pool_counts() -> None:
    """What may have to go there in parts is cut from the beginning."""
    config = make_config(
        carriers={"alpha": carrier_settings(), "beta": carrier_settings(FakeSettings(long_messages="sar"))},
        pools={"gb": pool_settings("alpha", countries=("GB",), backup="far"), "far": pool_settings("beta")},
    )
    async with run_gateway(config) as gateway:
        parts = await gateway.accept(body=LONG)
        assert [len(part.body) for part in parts] == [152, 152, 96]


async def test_what_fits_is_not_cut() -> None:
    """160 characters of GSM text, 70 of UCS-2, also in message_payload; one more is two parts."""
    async with run_gateway(config_of("udh")) as gateway:
        assert len(await gateway.accept(body=b"x" * 160, in_payload=True)) == 1
        assert len(await gateway.accept(body=b"x" * 161)) == 2
        assert len(await gateway.accept(body=b"\0x" * 70, data_coding=8)) == 1
        assert len(await gateway.accept(body=b"\0x" * 71, data_coding=8)) == 2


async def test_other_elements_of_the_header_go_with_every_part() -> None:
    """Ports, national languages: each part has them, and less room for text."""
    ports = b"\x05\x04\x0b\x84\x23\xf0"
    async with run_gateway(config_of("udh")) as gateway:
        body = write_user_data(None, ports, b"y" * 300)
        parts = await gateway.accept(body=body, esm_class=UDHI, data_coding=4)
        assert all(part.body.startswith(b"\x06" + ports) and part.esm_class == UDHI for part in parts)
        assert [len(part.body) - 7 for part in parts] == [128, 128, 44]


async def test_more_parts_than_a_reference_can_count_are_refused() -> None:
    """255 parts at most."""
    async with run_gateway(config_of("udh")) as gateway:
        assert len(await gateway.accept(body=b"x" * (153 * 255), in_payload=True)) == 255
        refused = gateway.submit(body=b"x" * (153 * 255 + 1), in_payload=True)
        assert refused.refused == [ESME_RINVMSGLEN]


async def test_messages_between_the_same_two_have_different_references() -> None:
    """Or a handset would mix them up."""
    async with run_gateway(config_of("udh")) as gateway:
        groups = [(await gateway.accept(body=LONG))[0].group for _ in range(5)]
        assert len({group.reference for group in groups if group is not None}) == 5


async def test_parts_count_one_by_one_against_the_limits() -> None:
    """A message whose parts exceed the queue or the rate is refused as a whole, and nothing is held or charged."""
    async with run_gateway(config_of(account={"queue_max": 5})) as gateway:
        await gateway.accept(body=LONG)
        assert gateway.submit(body=LONG).refused == [ESME_RMSGQFUL]
        assert gateway.engine.accounts["acme"].queued == 3
        assert gateway.engine.core.pools["gb"].depth == 3
    async with run_gateway(config_of(account={"rate": 4.0})) as gateway:
        bucket = gateway.engine.accounts["acme"].bucket
        assert bucket is not None
        bucket.take(1, 0.0)  # as the session does for each request
        await gateway.accept(body=LONG)
        assert bucket.available(0.0) == 1
        bucket.take(1, 0.0)
        assert gateway.submit(body=LONG).refused == [ESME_RTHROTTLED]
        assert bucket.available(0.0) == 1


async def test_parts_that_find_no_place_are_not_charged() -> None:
    """The queue refuses them after the rate let them pass: one message is paid for, as for any that is refused."""
    async with run_gateway(config_of(account={"rate": 10.0, "queue_max": 2})) as gateway:
        bucket = gateway.engine.accounts["acme"].bucket
        assert bucket is not None
        bucket.take(1, 0.0)  # as the session does for each request
        assert gateway.submit(body=b"x" * 400).refused == [ESME_RMSGQFUL]
        assert bucket.available(0.0) == 9
        assert gateway.engine.accounts["acme"].queued == 0


async def test_more_parts_than_the_burst_need_all_of_it() -> None:
    """Else they could never be sent; the debt is paid by waiting."""
    async with run_gateway(config_of(account={"rate": 2.0})) as gateway:
        bucket = gateway.engine.accounts["acme"].bucket
        assert bucket is not None
        bucket.take(1, 0.0)
        await gateway.accept(body=LONG)
        assert bucket.ready_at(trio.current_time()) == pytest.approx(trio.current_time() + 1.0)


async def test_a_refused_commit_leaves_no_part() -> None:
    """All or none."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        store.fail_next(StoreFailed("disk"))
        submitted = gateway.submit(body=LONG)
        await submitted.answered.wait()
        assert submitted.status == ESME_RSYSERR
        await gateway.settle()
        assert not store.tables.messages
        assert not store.tables.groups
        gateway.assert_nothing_is_held()


# --- together on one link ---


async def test_the_parts_of_a_message_go_to_one_link() -> None:
    """However many links share the work, and whatever else waits."""
    async with run_gateway(config_of(links=4, window=6)) as gateway:
        for _ in range(6):
            await gateway.accept(body=LONG)
            await gateway.accept_one()
        await gateway.settle()
        links: dict[int, set[str]] = {}
        for link in gateway.carrier.links:
            for message in link.outstanding:
                links.setdefault(message.group_seq or message.seq, set()).add(link.name)
        assert len(links) == 12
        assert all(len(names) == 1 for names in links.values())


async def test_parts_beyond_a_links_window_follow_on_it() -> None:
    """One after the other as it answers, before what came later, though another link is free."""
    async with run_gateway(config_of(links=2, window=2)) as gateway:
        parts = await gateway.accept(body=b"x" * 153 * 5)
        await gateway.settle()
        used, free = sorted(gateway.carrier.links, key=lambda link: -len(link.outstanding))
        assert numbers(used.outstanding) == [1, 2]
        assert free.outstanding == []
        await gateway.accept(3)
        await gateway.settle()
        used.accept(used.outstanding[:1])
        await gateway.settle()
        assert numbers(used.outstanding) == [2, 3]
        used.accept()
        await gateway.settle()
        assert numbers(used.outstanding) == [4, 5]
        assert len(free.outstanding) == 2
        used.accept()
        free.accept()
        await gateway.settle()
        assert all(part.state is MessageState.ENROUTE for part in parts)


async def test_parts_whose_link_is_lost_find_another() -> None:
    """Those that followed and those in doubt."""
    async with run_gateway(config_of(links=2, window=2)) as gateway:
        parts = await gateway.accept(body=b"x" * 153 * 4)
        await gateway.settle()
        used, free = sorted(gateway.carrier.links, key=lambda link: -len(link.outstanding))
        used.lose()
        gateway.carrier.accept_all()
        await gateway.until(lambda: all(part.state is MessageState.ENROUTE for part in parts))
        assert {sent.seq for sent in gateway.carrier.sent[2:]} == {1, 2, 3, 4}
        assert free.outstanding == used.outstanding == []


async def test_parts_that_come_one_after_the_other_use_one_link() -> None:
    """A late part follows on its siblings' link though another is free; so do parts that could not wait."""
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(long_messages="udh", links=2, window=2))},
        long_messages=LongMessageSettings(parts_waiting_max=2),
    )
    async with run_gateway(config) as gateway:
        await gateway.accept(body=b"x" * 153 * 6)
        await gateway.settle()
        used, free = sorted(gateway.carrier.links, key=lambda link: -len(link.outstanding))
        order: list[int] = []
        while used.outstanding:
            assert free.outstanding == []
            order += numbers(used.outstanding)
            used.accept()
            await gateway.settle()
        assert order == [1, 2, 3, 4, 5, 6]
        parts = await accept_parts(gateway, udh_part(1, 4), udh_part(2, 4))
        await gateway.until(lambda: bool(gateway.carrier.outstanding))
        parts += await accept_parts(gateway, udh_part(3, 4))
        await gateway.settle()
        used, free = sorted(gateway.carrier.links, key=lambda link: -len(link.outstanding))
        await gateway.until(lambda: len(gateway.engine.waiting.following) == 1)
        assert (numbers(used.outstanding), free.outstanding) == ([1, 2], [])
        used.accept()
        await gateway.settle()
        assert numbers(used.outstanding) == [3]
        used.accept()
        await gateway.settle()
        assert gateway.engine.core.pools["gb"].reserved == 0


async def test_a_retried_part_goes_where_its_siblings_are() -> None:
    """Though the policy would choose another carrier, and that one refused it."""
    config = make_config(
        carriers={name: carrier_settings(FakeSettings(long_messages="udh")) for name in ("alpha", "beta")},
        pools={"gb": pool_settings("alpha", "beta", countries=("GB",))},
    )
    async with run_gateway(config) as gateway:
        parts = await gateway.accept(body=LONG)
        await gateway.settle()
        (carrier,) = [carrier for carrier in gateway.carriers.values() if carrier.outstanding]
        carrier.link.accept(carrier.outstanding[:1])
        carrier.link.accept(carrier.outstanding[1:])
        carrier.link.refuse(0x08, carrier.outstanding)
        await gateway.settle()
        await gateway.accept(4)
        await gateway.until(lambda: parts[1] in carrier.outstanding)
        carrier.accept()
        assert parts[1].state is MessageState.ENROUTE


async def test_parts_that_fail_together_are_tried_again_together() -> None:
    """At one instant, on one link, of another carrier."""
    config = make_config(
        carriers={name: carrier_settings(FakeSettings(long_messages="udh", links=2)) for name in ("alpha", "beta")},
        pools={"gb": pool_settings("alpha", "beta", countries=("GB",))},
    )
    async with run_gateway(config) as gateway:
        parts = await gateway.accept(body=LONG)
        await gateway.settle()
        (first,) = [carrier for carrier in gateway.carriers.values() if carrier.outstanding]
        first.refuse(0x08)
        assert len({part.next_attempt_at for part in parts}) == 1
        (second,) = [carrier for carrier in gateway.carriers.values() if carrier is not first]
        await gateway.until(lambda: bool(second.outstanding))
        (used,) = [link for link in second.links if link.outstanding]
        assert numbers(used.outstanding) == [1, 2, 3]


async def test_throttled_parts_keep_their_order() -> None:
    """They go back to the front, and out again as they were."""
    async with run_gateway(config_of(window=3)) as gateway:
        await gateway.accept(body=LONG)
        later = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.link.accept(gateway.carrier.outstanding[:1])
        gateway.carrier.refuse(ESME_RTHROTTLED)
        await gateway.until(lambda: len(gateway.carrier.outstanding) == 3)
        assert numbers(gateway.carrier.outstanding) == [2, 3, 0]
        assert gateway.carrier.outstanding[-1] is later


# --- whole to a carrier ---


async def test_parts_go_whole_to_a_carrier_that_takes_them_so() -> None:
    """One attempt for all, one id, one receipt for each part."""
    store = MemoryStore()
    config = make_config(
        carriers={
            "alpha": carrier_settings(FakeSettings(long_messages="payload")),
            "beta": carrier_settings(FakeSettings(long_messages="udh", bound=False)),
        },
        pools={"gb": pool_settings("alpha", "beta", countries=("GB",))},
    )
    async with run_gateway(config, store) as gateway:
        sink = gateway.attach()
        parts = await gateway.accept(body=LONG, in_payload=True)
        await gateway.settle()
        (whole,) = gateway.carrier.outstanding
        assert whole.body == LONG
        assert whole.in_payload
        assert whole.joins == tuple(parts)
        (carrier_id,) = gateway.carrier.accept()
        await gateway.settle()
        assert {part.carrier_message_id for part in parts} == {carrier_id}
        assert store.tables.groups[1].joined_id == carrier_id
        reported = gateway.carrier.receipt(carrier_id)
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert [receipt.message_state for receipt in sink.received] == [MessageState.DELIVERED]
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize("how", ["refuse", "throttle", "time_out", "return_unsent", "lose"])
async def test_an_attempt_for_all_parts_fails_for_all(how: str) -> None:
    """And they are tried again together, as one."""
    async with run_gateway(config_of("payload", account={"part_receipts": "worst"})) as gateway:
        link = gateway.carrier.link
        parts = await accept_parts(gateway, *[udh_part(n) for n in (2, 1, 3)])
        await gateway.settle()
        (whole,) = link.outstanding
        assert whole.body == b"text" * 3
        assert whole.esm_class == 0
        actions = {
            "refuse": lambda: link.refuse(0x08),
            "throttle": lambda: link.refuse(ESME_RTHROTTLED),
            "time_out": link.time_out,
            "return_unsent": link.return_unsent,
            "lose": link.lose,
        }
        actions[how]()
        if how == "lose":
            link.bind()
        await gateway.until(lambda: bool(link.outstanding))
        (again,) = link.outstanding
        assert again is not whole
        assert set(again.joins) == set(parts)
        counted = 0 if how in ("throttle", "return_unsent") else 1
        assert {part.attempts for part in parts} == {counted}
        link.accept()
        assert all(part.state is MessageState.ENROUTE for part in parts)


async def test_a_link_failure_counts_once_for_all_parts() -> None:
    """The circuit and the pace see one attempt."""
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(long_messages="payload"), circuit_failures=2)}
    )
    async with run_gateway(config) as gateway:
        await accept_parts(gateway, *[udh_part(n) for n in (1, 2, 3)])
        await gateway.settle()
        gateway.carrier.refuse(0x08)
        assert gateway.engine.core.carriers["alpha"].is_usable(trio.current_time())


async def test_a_late_answer_for_all_parts_ends_their_wait() -> None:
    """The carrier has them after all: nothing is sent again."""
    async with run_gateway(config_of("payload")) as gateway:
        parts = await accept_parts(gateway, *[udh_part(n) for n in (1, 2, 3)])
        await gateway.settle()
        (whole,) = gateway.carrier.outstanding
        gateway.carrier.time_out()
        await gateway.settle()
        gateway.carrier.link.accept_late(whole, "late")
        await gateway.settle()
        assert {(part.state, part.carrier_message_id) for part in parts} == {(MessageState.ENROUTE, "late")}
        await trio.sleep(60)
        assert len(gateway.carrier.sent) == 1


async def test_a_receipt_before_the_answer_is_for_all_parts() -> None:
    """It is parked, and applied to each when the id is known."""
    async with run_gateway(config_of("payload", account={"part_receipts": "all"})) as gateway:
        sink = gateway.attach()
        parts = await accept_parts(gateway, *[udh_part(n) for n in (1, 2, 3)])
        await gateway.settle()
        gateway.carrier.receipt("early", state=MessageState.UNDELIVERABLE)
        await gateway.settle()
        gateway.carrier.link.accept(ids=["early"])
        await gateway.settle()
        assert {receipt.message_id for receipt in sink.received} == {part.message_id for part in parts}
        assert {receipt.message_state for receipt in sink.received} == {MessageState.UNDELIVERABLE}
        gateway.assert_nothing_is_held()


async def test_parts_that_say_different_things_are_not_joined() -> None:
    """Another alphabet, other ports, another esm_class: they go singly, on one link."""
    async with run_gateway(config_of("payload")) as gateway:
        await accept_parts(gateway, udh_part(1, 2), udh_part(2, 2) | {"data_coding": 8})
        await gateway.settle()
        assert numbers(gateway.carrier.outstanding) == [1, 2]


async def test_in_as_is_what_we_cut_goes_whole_again() -> None:
    """The carrier gets what the customer submitted."""
    config = make_config(
        carriers={
            "alpha": carrier_settings(),
            "beta": carrier_settings(FakeSettings(long_messages="udh", bound=False)),
        },
        pools={"gb": pool_settings("alpha", "beta", countries=("GB",))},
    )
    async with run_gateway(config) as gateway:
        await gateway.accept(body=LONG, in_payload=True)
        await accept_parts(gateway, udh_part(1, 2), udh_part(2, 2))
        await gateway.settle()
        whole, *singly = gateway.carrier.outstanding
        assert whole.body == LONG
        assert numbers(singly) == [1, 2]


# --- submitted in parts ---


async def test_submitted_parts_wait_for_each_other() -> None:
    """In any order, from any session, by UDH or by TLVs; each has its own id, and the last takes all along."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        sar = {"body": b"text", "tlvs": encode_tlvs(sar_tlvs(Concatenation(7, 3, 2, True)))}
        parts = await accept_parts(gateway, udh_part(3), udh_part(1))
        await gateway.settle()
        assert gateway.carrier.outstanding == []
        parts += await accept_parts(gateway, sar)
        await gateway.settle()
        assert numbers(gateway.carrier.outstanding) == [1, 2, 3]
        assert len({part.message_id for part in parts}) == 3
        assert {part.group_seq for part in parts} == {1}
        assert store.tables.groups[1].received == 3
        assert store.tables.messages[1].body == udh_part(3)["body"]


async def test_nobody_waits_for_ever() -> None:
    """After ``parts_wait`` those that came go without the rest, and a late one goes to the same link."""
    async with run_gateway(config_of(links=2)) as gateway:
        parts = await accept_parts(gateway, udh_part(1), udh_part(3))
        began = trio.current_time()
        await gateway.until(lambda: bool(gateway.carrier.outstanding))
        assert trio.current_time() - began == pytest.approx(2.0, abs=0.1)
        (link,) = [link for link in gateway.carrier.links if link.outstanding]
        assert numbers(link.outstanding) == [1, 3]
        parts += await accept_parts(gateway, udh_part(2))
        await gateway.settle()
        assert numbers(link.outstanding) == [1, 3, 2]


async def test_a_reference_used_again_begins_another_message() -> None:
    """The same number twice, or the first message long ago."""
    config = make_config(long_messages=LongMessageSettings(siblings_window=60.0))
    async with run_gateway(config) as gateway:
        first = await accept_parts(gateway, udh_part(1), udh_part(2))
        again = await accept_parts(gateway, udh_part(1))
        assert first[0].group is first[1].group is not again[0].group
        gateway.clock.jump_wall(61)
        late = await accept_parts(gateway, udh_part(2))
        assert late[0].group is not again[0].group


async def test_a_part_that_was_refused_may_come_again() -> None:
    """It did not come, so the next with its number is not a new message."""
    store = MemoryStore()
    async with run_gateway(config_of(), store) as gateway:
        store.fail_next(StoreFailed("disk"))
        refused = gateway.submit(**udh_part(1))
        await refused.answered.wait()
        assert refused.status == ESME_RSYSERR
        parts = await accept_parts(gateway, udh_part(2), udh_part(1), udh_part(3))
        await gateway.settle()
        assert len({part.group_seq for part in parts}) == 1
        (group,) = store.tables.groups.values()
        assert (group.received, group.message_id) == (3, parts[0].message_id)
        assert numbers(gateway.carrier.outstanding) == [1, 2, 3]


async def test_a_full_waiting_room_lets_parts_go_singly() -> None:
    """The bound is the configuration's."""
    config = make_config(long_messages=LongMessageSettings(parts_waiting_max=1))
    async with run_gateway(config) as gateway:
        await accept_parts(gateway, udh_part(1), udh_part(1, reference=8))
        await gateway.settle()
        assert len(gateway.carrier.outstanding) == 1


async def test_a_part_can_be_cancelled_or_expire_while_it_waits() -> None:
    """The others go without it."""
    async with run_gateway(config_of()) as gateway:
        one, two = await accept_parts(gateway, udh_part(1), udh_part(2) | {"ttl_s": 1.0})
        assert await gateway.engine.control.cancel("acme", one.message_id, lambda _message: True)
        await gateway.until(lambda: two.state is MessageState.EXPIRED)
        await gateway.settle()
        assert gateway.carrier.sent == []
        gateway.assert_nothing_is_held()


async def test_scheduled_parts_go_together() -> None:
    """When their time has come, whether they waited in memory or in the store."""
    for delay_s in (60, 3_600):
        async with run_gateway(config_of(links=3)) as gateway:
            await gateway.accept(body=LONG, delay_s=delay_s)
            await gateway.settle()
            assert gateway.carrier.outstanding == []
            gateway.clock.jump_wall(delay_s)
            await gateway.until(lambda: bool(gateway.carrier.outstanding))
            (link,) = [link for link in gateway.carrier.links if link.outstanding]
            assert numbers(link.outstanding) == [1, 2, 3]


async def test_spilled_parts_go_together() -> None:
    """A message whose parts do not all fit the queue is parked as a whole and comes back as one."""
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(long_messages="udh", links=3, bound=False))},
        pools={"gb": pool_settings("alpha", countries=("GB",), queue_max=4)},
    )
    store = MemoryStore()
    async with run_gateway(config, store) as gateway:
        for _ in range(3):
            await gateway.accept(body=LONG)
        await gateway.settle()
        assert [row.parked for row in store.tables.messages.values()].count(True) == 6
        gateway.carrier.bind()
        gateway.carrier.accept_all()
        await gateway.until(lambda: len(gateway.carrier.sent) == 9)
        by_group: dict[int, set[int]] = {}
        for place, sent in enumerate(gateway.carrier.sent):
            by_group.setdefault((sent.seq - 1) // 3, set()).add(place)
        assert all(max(places) - min(places) == 2 for places in by_group.values())
