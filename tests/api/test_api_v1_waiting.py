"""Calls that wait for others while the store is slow."""

from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from v1_bench import Answered, api

from smsagg.api.v1 import turns
from smsagg.api.v1.messages.sending import SLICE
from smsagg.errors import StoreFull
from smsagg.store.memory import MemoryStore


async def test_what_waited_too_long_is_not_sent_any_more(autojump_clock: MockClock) -> None:
    """503, as for a commit that takes too long: whoever called has given up, and may have sent it again."""
    answers: list[Answered] = []
    async with api() as client, trio.open_nursery() as nursery:

        async def send() -> None:
            answers.append(await client.send())

        await client.gateway.settle()
        client.gateway.store.hold()  # type: ignore[attr-defined]
        for _ in range(turns.ROOM + 3):
            nursery.start_soon(send)
        await trio.sleep(client.gateway.config.server.accept_deadline + 1)
        client.gateway.store.release()  # type: ignore[attr-defined]
        await client.gateway.settle()
        assert [answer.status for answer in answers] == [503] * (turns.ROOM + 3)
        assert client.gateway.carrier.outstanding == []
        client.gateway.assert_nothing_is_held()
        assert (await client.send()).status == 202


async def test_a_batch_whose_slices_take_too_long_is_not_sent_any_more(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 and nothing of it is taken, however much of it had a place already."""
    async with api() as client:
        deadline_s = client.gateway.config.server.accept_deadline
        monkeypatch.setattr(client.app._sending, "_turn", partial(trio.sleep, deadline_s + 1))
        messages = [{"to": f"+4477009{n:05}", "text": "hello", "from": "ACME"} for n in range(SLICE + 1)]
        answer = await client.call("POST", "/v1/messages/batch", {"messages": messages})
        assert answer.status == 503
        await client.gateway.settle()
        assert client.gateway.carrier.outstanding == []
        client.gateway.assert_nothing_is_held()


@pytest.mark.parametrize("is_refused", [False, True])
async def test_a_key_counts_although_its_caller_went_away_during_the_commit(
    monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    """Who repeats the request gets the answer of the first, or is served anew when that was not stored; never both."""
    async with api() as client, trio.open_nursery() as nursery:
        store, intake = client.gateway.store, client.gateway.engine.intake
        assert isinstance(store, MemoryStore)
        commit = intake.commit
        answers: list[Answered] = []

        def commit_slowly(*arguments: Any) -> None:
            monkeypatch.setattr(intake, "commit", commit)
            store.hold()
            commit(*arguments)

        async def send(scope: trio.CancelScope) -> None:
            with scope:
                body = {"to": "+447700900123", "text": "hello"}
                answers.append(await client.call("POST", "/v1/messages", body, idempotency_key="order 7"))

        monkeypatch.setattr(turns, "BURST_S", 60.0)  # nobody rests, however slow this machine is
        monkeypatch.setattr(intake, "commit", commit_slowly)
        goes_away = trio.CancelScope()
        nursery.start_soon(send, goes_away)
        await wait_all_tasks_blocked()
        goes_away.cancel()
        await wait_all_tasks_blocked()
        nursery.start_soon(send, trio.CancelScope())
        await wait_all_tasks_blocked()
        if is_refused:
            store.fail_next(StoreFull("no room"))
        store.release()
        await client.gateway.settle()
        statuses = [answer.status for answer in answers]
        assert statuses == ([503] if is_refused else [202])
        assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None if is_refused else "true"]
        assert len(client.gateway.carrier.outstanding) == (0 if is_refused else 1)
        client.gateway.carrier.accept()
        await client.gateway.settle()
        again = await client.call(
            "POST", "/v1/messages", {"to": "+447700900123", "text": "hello"}, idempotency_key="order 7"
        )
        assert again.status == 202
        await client.gateway.settle()
        assert len(client.gateway.sent) == 1
