"""Lists of numbers as people write them down: CSV with a header, one record a row.

Columns: ``number`` (international, with or without ``+`` and punctuation), and if they are there ``sender``, ``at``
(RFC 3339 with a zone), ``how`` and ``evidence``. What is written is read again as it was.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from smsagg.config.csv_rows import CsvRow, FileProblems, rows_of
from smsagg.consent.book import sender_key
from smsagg.model.consent import ConsentRecord
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits

REQUIRED = ("number",)
OPTIONAL = ("sender", "at", "how", "evidence")
SENDER_CHARACTERS_MAX = 20
HOW_CHARACTERS_MAX = 40
EVIDENCE_CHARACTERS_MAX = 500
_PUNCTUATION = str.maketrans("", "", " ()-./\u00a0\u2011")


def number_of(written: str) -> str | None:
    """The E.164 digits (no plus) that ``written`` means; ``None``: it is no international number."""
    digits = e164_digits(written.translate(_PUNCTUATION), TON_INTERNATIONAL, NPI_ISDN)
    return None if isinstance(digits, BadDestination) else digits


def read_list(lines: Iterable[str], like: ConsentRecord, problems: FileProblems) -> Iterator[ConsentRecord]:
    """The records of a file; what a row does not say is as in ``like``. Rows that are wrong are added to ``problems``
    and left out."""
    for row in rows_of(lines, REQUIRED, OPTIONAL, problems):
        record = _record(row, like, problems)
        if record is not None:
            yield record


def _record(row: CsvRow, like: ConsentRecord, problems: FileProblems) -> ConsentRecord | None:
    values = row.values
    number, at = number_of(values["number"]), _instant(values["at"], like.at)
    if number is None:
        problems.add(row.line, "number: is no international number")
    elif at is None:
        problems.add(row.line, "at: is no instant of RFC 3339 with a zone")
    elif len(values["sender"]) > SENDER_CHARACTERS_MAX:
        problems.add(row.line, f"sender: has more than {SENDER_CHARACTERS_MAX} characters")
    else:
        return like._replace(
            number=number,
            sender=sender_key(values["sender"]),
            at=at,
            how=values["how"][:HOW_CHARACTERS_MAX] or like.how,
            evidence=values["evidence"][:EVIDENCE_CHARACTERS_MAX] or like.evidence,
        )
    return None


def header_line() -> str:
    """The first line of a list."""
    return ",".join((*REQUIRED, *OPTIONAL)) + "\n"


def list_lines(records: Iterable[ConsentRecord]) -> str:
    """The lines of ``records``."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for record in records:
        at = datetime.fromtimestamp(record.at / 1000, UTC).isoformat(timespec="milliseconds")
        writer.writerow((record.number, record.sender, at, record.how, record.evidence))
    return lines.getvalue()


def _instant(written: str, default: int) -> int | None:
    if not written:
        return default
    try:
        at = datetime.fromisoformat(written)
        return None if at.tzinfo is None else round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
