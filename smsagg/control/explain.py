"""The command ``explain`` of the control socket: where a message would go, and why.

Request: ``{"command": "explain", "account": NAME, "number": …, "sender": …, "text": …, "message_class": …, "tag": …,
"at": milliseconds or null}``; all but account and number may be left out.
"""

from collections.abc import Mapping
from typing import Any

from attrs import fields

from smsagg.control.server import Caller, Send
from smsagg.engine import Engine
from smsagg.engine.admission.explaining import Explainer, Question
from smsagg.errors import ControlError


class ExplainService:
    """Answers for a running server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
        """A :data:`~smsagg.control.server.Handler`."""
        core = self._engine.core
        explainer = Explainer(core.config, core.tables, self._engine)
        await send(explainer.explain(question_of(arguments), core.clock.now_ms()))


def question_of(arguments: Mapping[str, Any]) -> Question:
    """The question in a request; raises ControlError for what is none."""
    at = arguments.get("at")
    if at is not None and (isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < 2**45):
        raise ControlError("at: must be milliseconds since 1970")
    texts = {}
    for key in (attribute.name for attribute in fields(Question) if attribute.name != "at"):
        value = arguments.get(key, "")
        if not isinstance(value, str):
            raise ControlError(f"{key}: must be text")
        texts[key] = value
    return Question(**texts, at=at)
