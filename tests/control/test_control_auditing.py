"""What operators do over the control socket is in the audit trail, or is not done."""

import os
import pwd
from collections.abc import Mapping
from typing import Any

import pytest

from smsagg.control.auditing import LOOKING, audited
from smsagg.control.server import Caller, Handler, Send
from smsagg.directory.audit import AuditSought
from smsagg.engine.directory.register import Register
from smsagg.errors import ControlError, StoreFailed
from smsagg.store.memory import MemoryStore
from smsagg.testing.clock import FakeClock

CALLER = Caller(1, os.getuid())


class Desk:
    """Handlers that only remember what they were asked."""

    def __init__(self, store: MemoryStore) -> None:
        self.done: list[str] = []
        self.store = store
        register = Register(store, FakeClock())
        self.handlers = audited({"carriers": self.serve, "money": self.serve, "suppress": self.serve}, register.noting)

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        if arguments.get("carrier") == "nobody":
            raise ControlError("there is no such carrier")
        self.done.append(arguments["do"])

    async def ask(self, command: str, **arguments: Any) -> None:
        async def send(_record: Mapping[str, Any]) -> None:
            raise AssertionError

        handler: Handler = self.handlers[command]
        await handler(arguments, send, CALLER)

    async def trail(self) -> list[tuple[str, str, str, str]]:
        records, _ = await self.store.find_audit(AuditSought(), 0, 100)
        return [(one.entry.action, one.entry.subject, one.entry.account, one.entry.details) for one in records[::-1]]


@pytest.fixture
def desk() -> Desk:
    return Desk(MemoryStore())


async def test_each_action_is_noted_with_who_asked(desk: Desk) -> None:
    """Looking is not; nobody's numbers and no bodies are kept."""
    await desk.ask("carriers", do="status")
    await desk.ask("carriers", do="drain", carrier="alpha", reason="works", unbind=True)
    await desk.ask("money", do="topup", account="acme", amount="10.00", body="all of a file")
    await desk.ask("suppress", do="add", numbers=["447700900123"], account="acme")
    assert await desk.trail() == [
        ("carriers.drain", "alpha", "", '{"carrier":"alpha","reason":"works","unbind":true}'),
        ("money.topup", "acme", "acme", '{"account":"acme","amount":"10.00"}'),
        ("suppress.add", "acme", "acme", '{"account":"acme","numbers":1}'),
    ]
    records, _ = await desk.store.find_audit(AuditSought(), 0, 1)
    assert records[0].entry.actor == f"unix:{pwd.getpwuid(os.getuid()).pw_name}"


async def test_what_was_refused_is_noted_as_such(desk: Desk) -> None:
    with pytest.raises(ControlError):
        await desk.ask("carriers", do="drain", carrier="nobody")
    assert [action for action, *_ in await desk.trail()] == ["carriers.drain", "carriers.drain.refused"]


async def test_an_action_that_cannot_be_noted_is_not_done(desk: Desk) -> None:
    """J18: the audit store is down; looking goes on."""
    desk.store.break_down(StoreFailed("no medium"))
    with pytest.raises(StoreFailed):
        await desk.ask("carriers", do="drain", carrier="alpha")
    await desk.ask("carriers", do="status")
    assert desk.done == ["status"]


async def test_what_is_new_is_noted_before_anybody_thinks_of_it(desk: Desk) -> None:
    """Only what is known to look is not; what a request holds cannot forge a line or grow the trail."""
    await desk.ask("carriers", do="explode\r\n2027 root: all is well\x1b[2J" + "x" * 1_000, carrier="a" * 1_000)
    ((action, subject, _, _),) = await desk.trail()
    assert len(action) < 250
    assert len(subject) == 200


def test_the_list_of_what_looks_names_commands_that_there_are() -> None:
    from smsagg import app

    source = open(app.__file__).read()  # noqa: SIM115
    assert all(f'"{command}"' in source for command in LOOKING)
