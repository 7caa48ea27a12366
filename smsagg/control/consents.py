"""The command ``suppress`` of the control socket: lists of numbers that get nothing.

Requests: ``{"command": "suppress", "do": "add" | "remove", "numbers": […], "account": "", "sender": "",
"evidence": ""}``, ``{"do": "find", "numbers": […], "account": ""}``, ``{"do": "import", "file": NAME, "account": ""}``
with a body of CSV, and ``{"do": "export", "account": ""}``, answered in pages of CSV. Without an account it is the
operator's list, which holds for all.
"""

import io
from collections.abc import Mapping
from typing import Any

from smsagg.config.csv_rows import FileProblems
from smsagg.consent import sender_key
from smsagg.consent.listing import header_line, list_lines, number_of, read_list
from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.consent.consents import UPDATES_MAX
from smsagg.errors import ControlError
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate

PAGE = 1_000
PROBLEMS_MAX = 50
TOLD_EVERY = 10_000
"""Rows of an import, for its progress."""


class SuppressService:
    """Answers for a running server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, arguments: Mapping[str, Any], send: Send, _caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`; what was committed stays when the caller goes away."""
        what = arguments.get("do")
        like = self._record(arguments)
        if what in ("add", "remove"):
            updates = [ConsentUpdate(like._replace(number=one), what == "add") for one in self._numbers(arguments)]
            await send({"changed": await self._engine.consents.change(updates)})
        elif what == "find":
            for number in self._numbers(arguments):
                for record in await self._engine.consents.find(like.kind, like.account, number):
                    await send(record._asdict())
        elif what == "import":
            await self._import(arguments, like, send)
        elif what == "export":
            await self._export(like, send)
        else:
            raise ControlError("do: must be add, remove, find, import or export")

    async def _import(self, arguments: Mapping[str, Any], like: ConsentRecord, send: Send) -> None:
        found = FileProblems(_text(arguments, "file") or "line", lines_max=PROBLEMS_MAX)
        due, said = TOLD_EVERY, 0

        async def told(read: int, changed: int) -> None:
            nonlocal due, said
            while said < len(found.lines):
                said += 1
                await send({"problem": found.lines[said - 1]})
            if read >= due:
                due += TOLD_EVERY
                await send({"read": read, "changed": changed, "wrong": found.count})

        records = read_list(io.StringIO(_text(arguments, "body")), like._replace(how="import"), found)
        read, changed = await self._engine.consents.take_in(records, told)
        await told(read, changed)
        await send({"read": read, "changed": changed, "wrong": found.count, "done": True})

    async def _export(self, like: ConsentRecord, send: Send) -> None:
        await send({"csv": header_line()})
        after: ConsentRecord | None = None
        while page := await self._engine.consents.list(like.kind, like.account, after, PAGE):
            await send({"csv": list_lines(page)})
            after = page[-1]

    def _record(self, arguments: Mapping[str, Any]) -> ConsentRecord:
        account, accounts = _text(arguments, "account"), self._engine.accounts
        if account and account not in accounts:
            raise ControlError(f"there is no account {account}; there are {', '.join(sorted(accounts))}")
        now, sender = self._engine.core.clock.now_ms(), sender_key(_text(arguments, "sender"))
        evidence = _text(arguments, "evidence")
        return ConsentRecord(ConsentKind.SUPPRESSION, account, "", sender, now, "operator", evidence)

    @staticmethod
    def _numbers(arguments: Mapping[str, Any]) -> list[str]:
        written = arguments.get("numbers")
        if not isinstance(written, list) or not 0 < len(written) <= UPDATES_MAX:
            raise ControlError(f"numbers: must be 1 to {UPDATES_MAX}")
        found: list[str] = []
        for one in written:
            number = number_of(str(one))
            if number is None:
                raise ControlError(f"{one} is no international number")
            found.append(number)
        return found


def _text(arguments: Mapping[str, Any], key: str) -> str:
    value = arguments.get(key, "")
    if not isinstance(value, str):
        raise ControlError(f"{key}: must be a string")
    return value
