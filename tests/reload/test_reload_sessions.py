"""What a reload does to sessions: those that would not be let in any more are ended in order, the others go on."""

from pathlib import Path

import pytest
import trio
from reload_bench import Bench, Esme, hash_of, running, text_of

from smsagg.smpp import pdu as p
from smsagg.smpp.status import ESME_RTHROTTLED

GUEST = f'[accounts.guest]\nsystem_id = "guest"\npassword_hash = "{hash_of("guest")}"\n'
LATER = "000000000001000R"


async def reload(bench: Bench, text: str) -> None:
    bench.write(text)
    assert (await bench.reloader.reload("test")).applied


async def is_unbound(esme: Esme) -> bool:
    """It is told to go, answers, and the connection is closed."""
    unbind = await esme.receive(p.Unbind)
    await esme.send(p.UnbindResp(sequence_number=unbind.sequence_number))
    return all(not isinstance(pdu, p.SubmitSmResp) for pdu in await esme.receive_all())


async def is_serving(esme: Esme) -> bool:
    response = await esme.submit()
    return isinstance(response, p.SubmitSmResp) and response.command_status == 0


@pytest.mark.parametrize(
    "after",
    [
        text_of(demo="enabled = false"),
        text_of(password="another"),
        text_of(demo='networks = ["192.0.2.0/24"]'),
        text_of().replace('system_id = "demo"', 'system_id = "anew"'),
        text_of().replace("accounts.demo", "accounts.renamed").replace('system_id = "demo"', 'system_id = "renamed"'),
    ],
    ids=["disabled", "password", "network", "system_id", "removed"],
)
async def test_a_session_that_would_not_be_let_in_is_ended(tmp_path: Path, after: str) -> None:
    """Unbound, not cut; another account's goes on as if nothing had happened."""
    async with running(tmp_path, text_of(GUEST)) as bench:
        concerned, other = await bench.connect(), await bench.connect("guest", "guest")
        assert await is_serving(concerned)
        await reload(bench, after + GUEST)
        assert await is_unbound(concerned)
        assert await is_serving(other)
        assert not (await bench.connect()).is_bound


async def test_what_a_disabled_account_has_queued_goes_on(tmp_path: Path) -> None:
    """Sent when it is due, and its receipt waits until the account is there again."""
    async with running(tmp_path) as bench:
        esme = await bench.connect()
        sooner = p.SubmitSm(
            "", 5, 0, "ACME", 1, 1, "447700900123",
            schedule_delivery_time=LATER, registered_delivery=1, short_message=b"hello",
        )  # fmt: skip
        response = await esme.ask(sooner)
        assert isinstance(response, p.SubmitSmResp)
        await reload(bench, text_of(demo="enabled = false"))
        assert await is_unbound(esme)
        with trio.fail_after(20):
            while not bench.store.tables.history:  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert [message.message_id for message in bench.store.tables.history.values()] == [response.message_id]
        await reload(bench, text_of())
        receipt = await (await bench.connect()).receive(p.DeliverSm)
        assert receipt.short_message.startswith(f"id:{response.message_id} ".encode())


async def test_a_password_is_changed_with_an_overlap(tmp_path: Path) -> None:
    """Both are good for a while; when the old one is taken away only sessions that used it are ended."""
    rotating = text_of(demo=f'old_password_hash = "{hash_of("pw")}"', password="new")
    async with running(tmp_path) as bench:
        with_old = await bench.connect()
        await reload(bench, rotating)
        again_with_old, with_new = await bench.connect(), await bench.connect(password="new")
        for esme in (with_old, again_with_old, with_new):
            assert await is_serving(esme)
        await reload(bench, text_of(password="new"))
        assert await is_unbound(with_old)
        assert await is_unbound(again_with_old)
        assert await is_serving(with_new)
        assert not (await bench.connect()).is_bound


async def test_a_leaving_session_is_told_to_submit_later(tmp_path: Path) -> None:
    """Nothing more is taken from it, whether it has answered the unbind or not."""
    async with running(tmp_path) as bench:
        esme = await bench.connect()
        await reload(bench, text_of(demo="enabled = false"))
        unbind = await esme.receive(p.Unbind)
        response = await esme.submit()
        assert getattr(response, "command_status", None) in (ESME_RTHROTTLED, 0x04)
        await esme.send(p.UnbindResp(sequence_number=unbind.sequence_number))
        assert await esme.receive_all() == []
        assert not bench.store.tables.messages


async def test_limits_of_an_account_hold_for_its_sessions_at_once(tmp_path: Path) -> None:
    """The rate, the senders, the form of deliveries: without another bind."""
    async with running(tmp_path) as bench:
        esme = await bench.connect()
        assert await is_serving(esme)
        await reload(bench, text_of(demo='deliver_with = "data_sm"\n[accounts.demo.senders]\nallowed = ["OTHER"]'))
        response = await esme.submit()
        assert getattr(response, "command_status", None) == 0x0A
        await reload(bench, text_of(demo='deliver_with = "data_sm"'))
        await esme.receive(p.DeliverSm)
        assert await is_serving(esme)
        receipt = await esme.receive(p.DataSm)
        assert any(b"stat:DELIVRD" in value for _, value in receipt.tlvs)
