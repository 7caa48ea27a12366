"""``smsagg text``: how a text goes out, before anybody pays for it."""

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar
from unicodedata import name

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from smsagg.config.schema import NATIONAL_LANGUAGES, TRANSLITERATIONS
from smsagg.policy.encoding import DEFAULT_TRANSLITERATION
from smsagg.text import Alphabet, DoesNotFit, Language, Plan, Rules, Transliteration, plan

F = TypeVar("F", bound=Callable[..., Any])

ALPHABETS = {"auto": None, "gsm": Alphabet.GSM, "ucs2": Alphabet.UCS2}
_ALPHABET_NAMES = {Alphabet.GSM: "GSM 03.38", Alphabet.UCS2: "UCS-2"}


def encoding_options(command: F) -> F:
    """The options that become :class:`smsagg.text.Rules` by :func:`rules_of`."""
    options: list[Callable[[F], F]] = [
        click.option(
            "--language", "languages", type=click.Choice(NATIONAL_LANGUAGES), multiple=True,
            help="National tables that may be used; may be given several times.",
        ),
        click.option(
            "--transliterate", type=click.Choice(TRANSLITERATIONS), is_flag=False, flag_value="latin",
            help="How far characters that GSM 03.38 has not may be replaced; without a value: latin.",
        ),
        click.option(
            "--encoding", type=click.Choice(["as_is", "smart"]),
            help="smart: as for an account with smart encoding. Default: as_is, or smart with the options above.",
        ),
    ]  # fmt: skip
    for option in options:
        command = option(command)
    return command


def rules_of(coding: str, encoding: str | None, transliterate: str | None, languages: tuple[str, ...]) -> Rules:
    """What the options allow; raises :class:`click.UsageError` when they contradict each other."""
    is_smart = encoding == "smart" or (encoding is None and bool(transliterate or languages))
    if not is_smart and (transliterate or languages):
        raise click.UsageError("--encoding as_is: neither transliterates nor uses national tables.")
    level = Transliteration[transliterate.upper()] if transliterate else DEFAULT_TRANSLITERATION
    if transliterate is None and encoding is None:
        level = Transliteration.NONE
    return Rules(
        level if is_smart else Transliteration.NONE,
        tuple(Language[language.upper()] for language in languages),
        ALPHABETS[coding],
    )


@click.command("text")
@click.argument("text")
@click.option("--coding", type=click.Choice(list(ALPHABETS)), default="auto", show_default=True)
@encoding_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def text(
    text: str, coding: str, encoding: str | None, transliterate: str | None, languages: tuple[str, ...], as_json: bool
) -> None:
    """Show alphabet and segments of TEXT; "-" reads it from standard input."""
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    planned = plan_text(text, rules_of(coding, encoding, transliterate, languages))
    if as_json:
        click.echo(json.dumps(_as_json(planned, text), ensure_ascii=False))
    else:
        _print(planned, text)


def plan_text(text: str, rules: Rules) -> Plan:
    """The plan; raises :class:`click.UsageError` when the one alphabet allowed does not do."""
    try:
        return plan(text, rules)
    except DoesNotFit as error:
        missing = ", ".join(map(_named, error.missing))
        raise click.UsageError(f"The text holds characters that GSM 03.38 has not: {missing}.") from None


def summary(planned: Plan) -> str:
    """The plan in one line."""
    count = len(planned.segments)
    segments = "1 segment" if count == 1 else f"{count} segments"
    return f"{_alphabet(planned)}, {segments}, {planned.units} {_unit(planned)}, {planned.remaining_units} left"


def _print(planned: Plan, text: str) -> None:
    console = Console()
    rows = [
        ("alphabet", f"{_alphabet(planned)} (data_coding {planned.data_coding})"),
        ("not in GSM 03.38", ", ".join(map(_named, planned.forced_by)) or "nothing"),
        ("characters", str(len(planned.text))),
        (_unit(planned), f"{planned.units}, {planned.segment_units} fit a segment"),
        ("segments", str(len(planned.segments))),
        ("left", f"{planned.remaining_units} {_unit(planned)} in the last segment"),
    ]
    if planned.elements:
        rows.insert(1, ("header", planned.elements.hex(" ")))
    if planned.text != text:
        rows.append(("sent as", planned.text))
    facts = Table(box=None, show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for what, value in rows:
        facts.add_row(what, escape(value))
    console.print(facts)
    segments = Table(box=SIMPLE_HEAD)
    segments.add_column("segment", justify="right")
    segments.add_column(_unit(planned), justify="right")
    segments.add_column("text", overflow="fold")
    for i, (segment, body) in enumerate(zip(planned.segments, planned.bodies, strict=True), 1):
        segments.add_row(str(i), str(_units(planned, body)), escape(_printable(segment)))
    console.print(segments)


def _as_json(planned: Plan, text: str) -> dict[str, Any]:
    return {
        "alphabet": planned.alphabet.value,
        "data_coding": planned.data_coding,
        "locking_shift": planned.locking.name.lower() if planned.locking else None,
        "single_shift": planned.single.name.lower() if planned.single else None,
        "characters": len(planned.text),
        "unit": _unit(planned),
        "units": planned.units,
        "units_per_segment": planned.segment_units,
        "remaining_units": planned.remaining_units,
        "segment_count": len(planned.segments),
        "segments": [
            {"text": segment, "units": _units(planned, body), "body": body.hex()}
            for segment, body in zip(planned.segments, planned.bodies, strict=True)
        ],
        "forced_by": [
            {"character": c, "code_point": f"U+{ord(c):04X}", "name": name(c, ""), "count": text.count(c)}
            for c in planned.forced_by
        ],
        "text": planned.text,
        "is_transliterated": planned.text != text,
    }


def _alphabet(planned: Plan) -> str:
    tables = []
    if planned.locking:
        tables.append(f"{planned.locking.name.title()} locking shift")
    if planned.single:
        tables.append(f"{planned.single.name.title()} single shift")
    return " with ".join([_ALPHABET_NAMES[planned.alphabet], *([" and ".join(tables)] if tables else [])])


def _unit(planned: Plan) -> str:
    return "septets" if planned.alphabet is Alphabet.GSM else "UTF-16 units"


def _units(planned: Plan, body: bytes) -> int:
    return len(body) if planned.alphabet is Alphabet.GSM else len(body) // 2


def _named(character: str) -> str:
    shown = f"{character} " if character.isprintable() else ""
    return f"{shown}(U+{ord(character):04X} {name(character, 'without a name')})"


def _printable(text: str) -> str:
    """Control characters by their escapes, but for what joins emoji and Indic letters."""
    return "".join(c if c.isprintable() or c in "\n\u200d\u200c" else repr(c)[1:-1] for c in text)
