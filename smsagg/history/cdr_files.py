"""Message records as files: CSV, and Parquet where pyarrow is installed. Written a batch at a time, in bounded memory.

CSV: UTF-8, a header, ``\\n`` between rows, quotes where needed; instants in ISO 8601 with milliseconds and ``Z``, money
with six places, octets in hexadecimal, nothing for what there is not.
"""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from smsagg.errors import SmsaggError
from smsagg.history.cdr import Column

ROW_GROUP_ROWS = 20_000
"""Records of a Parquet row group, which are in memory together."""
ROW_GROUP_OCTETS = 64 << 20
"""Of their texts."""
FORMATS = ("csv", "parquet")


class ExportError(SmsaggError):
    """An export cannot be made; the text says why."""


class RecordFile(Protocol):
    """A file under way."""

    def write(self, records: Sequence[Sequence[Any]]) -> None:
        """Add records."""
        ...

    def close(self) -> None:
        """Complete it."""
        ...


def open_records(path: Path, format: str, columns: Sequence[Column]) -> RecordFile:
    """A new file at ``path``, readable by its owner only. Raises :class:`ExportError` without what a format needs."""
    return CsvFile(path, columns) if format == "csv" else ParquetFile(path, columns)


class CsvFile:
    """See the module."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(column.name for column in columns)
        self._formats = [_CSV_FORMATS.get(column.kind) for column in columns]

    def write(self, records: Sequence[Sequence[Any]]) -> None:
        columns: list[Iterable[Any]] = [
            values if format is None else [None if value is None else format(value) for value in values]
            for values, format in zip(zip(*records, strict=True), self._formats, strict=False)
        ]
        self._writer.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._file.close()


def _instant(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()[:19]}.{at_ms % 1000:03d}Z"


def _money(amount: Decimal) -> str:
    return f"{amount:.6f}"


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_CSV_FORMATS: dict[str, Callable[[Any], str]] = {
    "instant": _instant,
    "money": _money,
    "octets": bytes.hex,
    "boolean": _boolean,
}


class ParquetFile:
    """Row groups of :data:`ROW_GROUP_ROWS` or a batch more; instants as milliseconds of UTC, money as decimals."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        try:
            pyarrow: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError as error:
            raise ExportError("Parquet needs pyarrow: pip install 'smsagg[parquet]'") from error
        self._pyarrow = pyarrow
        types = {
            "text": pyarrow.string(),
            "integer": pyarrow.int64(),
            "instant": pyarrow.timestamp("ms", tz="UTC"),
            "money": pyarrow.decimal128(18, 6),
            "boolean": pyarrow.bool_(),
            "octets": pyarrow.binary(),
        }
        self._schema = pyarrow.schema([(column.name, types[column.kind]) for column in columns])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[Sequence[Any]] = []
        self._octets = 0
        self._long = [place for place, column in enumerate(columns) if column.needs_bodies]

    def write(self, records: Sequence[Sequence[Any]]) -> None:
        self._rows += records
        for place in self._long:
            self._octets += sum(len(record[place] or "") for record in records)
        if len(self._rows) >= ROW_GROUP_ROWS or self._octets >= ROW_GROUP_OCTETS:
            self._write_group()

    def close(self) -> None:
        if self._rows:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        values = zip(*self._rows, strict=True)
        self._rows, self._octets = [], 0
        arrays = [self._pyarrow.array(column, field.type) for column, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(self._pyarrow.Table.from_arrays(arrays, schema=self._schema))
