"""Calls that wait for others while the store is slow."""

from functools import partial

import pytest
import trio
from trio.testing import MockClock
from v1_bench import Answered, api

from smsagg.api.v1 import turns
from smsagg.api.v1.sending import SLICE


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
