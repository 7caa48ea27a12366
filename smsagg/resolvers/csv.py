"""The resolver ``csv``: ported numbers from a file, all of them in memory.

The file has the columns ``msisdn`` and ``mccmnc``. Numbers are kept sorted beside a small number for their network: 12
octets each, and a look-up is a bisection. While a file is read each of its numbers takes some 70 octets more.
"""

from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import ClassVar

import trio
from attrs import define

from smsagg.config.csv_rows import FileProblems, rows_of
from smsagg.config.units import BulkFile
from smsagg.errors import ConfigError
from smsagg.routing.destination import E164_DIGITS_MAX, E164_DIGITS_MIN
from smsagg.routing.networks import is_network

COLUMNS = ("msisdn", "mccmnc")
PROBLEMS_MAX = 1_000
"""That are told of one file."""


@define(frozen=True)
class CsvResolverSettings:
    """Keys of ``[routing.lookup]`` with ``type = "csv"``."""

    file: BulkFile
    """CSV with the columns ``msisdn`` (E.164, no plus) and ``mccmnc``."""


class CsvResolver:
    """See :class:`~smsagg.resolvers.base.Resolver`."""

    Settings: ClassVar[type[CsvResolverSettings]] = CsvResolverSettings

    def __init__(self, settings: CsvResolverSettings) -> None:
        problems = FileProblems(settings.file)
        self._numbers, self._places, self._networks = _read(settings.file, problems)
        if problems.lines:
            raise ConfigError("\n".join(problems.lines))

    def __len__(self) -> int:
        return len(self._numbers)

    def known(self, digits: str) -> str | None:
        number = int(digits)
        place = bisect_left(self._numbers, number)
        if place < len(self._numbers) and self._numbers[place] == number:
            return self._networks[self._places[place]]
        return ""

    async def resolve(self, digits: str) -> str:
        await trio.lowlevel.checkpoint()
        return self.known(digits) or ""

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await trio.sleep_forever()


def _read(path: str, problems: FileProblems) -> "tuple[array[int], array[int], list[str]]":
    """Numbers, ascending; the place of each one's network; the networks by place. The file is never held as a whole."""
    numbers, places, lines = array("Q"), array("I"), array("I")
    place_of: dict[str, int] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in rows_of(file, COLUMNS, (), problems):
                msisdn, mccmnc = row.values["msisdn"], row.values["mccmnc"]
                if _is_sound(msisdn, mccmnc, row.line, problems):
                    numbers.append(int(msisdn))
                    places.append(place_of.setdefault(mccmnc, len(place_of)))
                    lines.append(row.line)
                if len(problems.lines) >= PROBLEMS_MAX:
                    break
    except OSError as error:
        problems.add(0, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        problems.add(0, f"is not UTF-8: {error.reason}")
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    for one, next_one in pairwise(order):
        if numbers[one] == numbers[next_one] and len(problems.lines) < PROBLEMS_MAX:
            problems.add(lines[next_one], f"msisdn {numbers[one]} is in line {lines[one]} already")
    return array("Q", map(numbers.__getitem__, order)), array("I", map(places.__getitem__, order)), [*place_of]


def _is_sound(msisdn: str, mccmnc: str, line: int, problems: FileProblems) -> bool:
    is_number = msisdn.isascii() and msisdn.isdecimal() and E164_DIGITS_MIN <= len(msisdn) <= E164_DIGITS_MAX
    if not is_number or msisdn[0] == "0":
        problems.add(line, f'msisdn must be an international number of digits, without "+", not "{msisdn}"')
        is_number = False
    if not is_network(mccmnc):
        problems.add(line, f'mccmnc must be an MCC and an MNC in one, such as "23415", not "{mccmnc}"')
        return False
    return is_number
