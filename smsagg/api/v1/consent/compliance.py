"""``/v1/compliance``: the rules of countries that are in force."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from smsagg.api.v1.access import require
from smsagg.api.v1.answering import answered
from smsagg.api.v1.problem import Problem, problems
from smsagg.compliance import CountryRules, Hours
from smsagg.config.check import COUNTRIES
from smsagg.config.units import format_message_limit
from smsagg.engine import Engine

_EPOCH = date(1970, 1, 1).toordinal()


class HoursAnswer(BaseModel):
    """When messages of a class may be sent, by the clocks where the recipient is."""

    open: Annotated[list[str], Field(examples=[["mon-fri 08:00-20:00"]])]
    """Several add up."""
    outside: Annotated[str, Field(examples=["hold"])]
    """``hold``: they wait until it is open; ``refuse``."""


class TextAnswer(BaseModel):
    """What messages of some classes have to say."""

    classes: list[str]
    has: list[str]
    """One of these."""
    add: str | None
    """What is put behind a text that has none; ``null``: it is refused."""


class RulesAnswer(BaseModel):
    """What a country asks of messages."""

    country: Annotated[str, Field(examples=["FR"])]
    classes: list[str] | None
    """That may be sent; ``null``: all."""
    senders: Annotated[str, Field(examples=["registered"])]
    """``any``, ``registered`` (names must be) or ``numbers`` (no names)."""
    opt_in: list[str]
    """Classes that need an opt-in."""
    templates: list[str]
    """Classes whose templates need approval."""
    hours: dict[str, HoursAnswer]
    """By class; others may be sent at any time."""
    holidays: Annotated[list[str], Field(examples=[["2026-12-25"]])]
    """Days without any hours."""
    texts: list[TextAnswer]
    caps: Annotated[dict[str, list[str]], Field(examples=[{"marketing": ["3/d"]}])]
    """By class: how much of it an account may send to one number."""


class Compliance:
    """The endpoint."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.router = router = APIRouter(tags=["consent"])
        router.get(
            "/compliance/{country}",
            response_model=RulesAnswer,
            responses=problems(404, 422),
            operation_id="get_compliance",
            summary="What a country asks of messages",
        )(self.show)

    async def show(
        self,
        request: Request,
        country: Annotated[str, Path(pattern="^[A-Z]{2}$")],
    ) -> Response:
        """The rules in force; a country that asks for nothing says so."""
        require(request.state.caller, "consent:read")
        if country not in COUNTRIES:
            raise Problem(404, "unknown-country", "There is no such country.")
        rules = self._engine.core.tables.compliance.of(country) or CountryRules(country)
        return answered(_told(rules, country))


def _told(rules: CountryRules, country: str) -> dict[str, Any]:
    holidays = {day for hours in rules.hours.values() for day in hours.holidays}
    return {
        "country": country,
        "classes": None if rules.classes is None else sorted(rules.classes),
        "senders": rules.senders.value,
        "opt_in": sorted(rules.opt_in),
        "templates": sorted(rules.templates),
        "hours": {name: _hours_told(hours) for name, hours in rules.hours.items()},
        "holidays": [str(date.fromordinal(_EPOCH + day)) for day in sorted(holidays)],
        "texts": [
            {"classes": sorted(text.classes), "has": list(text.has), "add": text.add or None} for text in rules.texts
        ],
        "caps": {name: [format_message_limit(limit) for limit in limits] for name, limits in rules.caps.items()},
    }


def _hours_told(hours: Hours) -> dict[str, Any]:
    return {"open": list(hours.as_written), "outside": "hold" if hours.holds else "refuse"}
