"""How the texts of a template go out: alphabet, segments and length in each of its languages."""

from collections.abc import Mapping

from attrs import define

from smsagg.templates.template import Version
from smsagg.text import Alphabet, Rules, plan

_ALPHABETS = {Alphabet.GSM: "gsm7", Alphabet.UCS2: "ucs2"}


@define(frozen=True)
class Preview:
    """One text with values, as it would be sent."""

    locale: str
    text: str
    """What is sent: transliterated where the account's rules do so."""
    alphabet: str
    """``gsm7`` or ``ucs2``."""
    segments: int
    length: int
    """Septets of GSM 03.38, or 16-bit units of UCS-2."""
    remaining: int
    """How many more fit the last segment."""
    forced_by: str
    """Characters that GSM 03.38 does not have."""


def preview(version: Version, values: Mapping[str, object], rules: Rules, locale: str = "") -> list[Preview]:
    """In the language that ``locale`` gets, or ``""``: in all; raises :class:`~smsagg.templates.template.BadValues`."""
    locales = [version.locale_for(locale)] if locale else list(version.texts)
    return [_preview(one, version.write(values, one), rules) for one in locales]


def _preview(locale: str, text: str, rules: Rules) -> Preview:
    planned = plan(text, rules)
    return Preview(
        locale,
        planned.text,
        _ALPHABETS[planned.alphabet],
        len(planned.segments),
        planned.units,
        planned.remaining_units,
        planned.forced_by,
    )
