"""The resolver ``csv``: ported numbers from a file, all of them in memory.

The file has the columns ``msisdn`` and ``mccmnc``. Numbers are kept sorted beside a small number for their network: 12
octets each, so ten million take 120 MB, and a look-up is a bisection.
"""

from array import array
from bisect import bisect_left
from typing import ClassVar

import trio
from attrs import define

from smsagg.config.csv_rows import FileProblems, parse_rows, read_text
from smsagg.config.units import DataFile
from smsagg.errors import ConfigError
from smsagg.routing.destination import E164_DIGITS_MAX, E164_DIGITS_MIN
from smsagg.routing.networks import is_network

COLUMNS = ("msisdn", "mccmnc")
PROBLEMS_MAX = 1_000
"""That are told of one file."""


@define(frozen=True)
class CsvResolverSettings:
    """Keys of ``[routing.lookup]`` with ``type = "csv"``."""

    file: DataFile
    """CSV with the columns ``msisdn`` (E.164, no plus) and ``mccmnc``."""


class CsvResolver:
    """See :class:`~smsagg.resolvers.base.Resolver`."""

    Settings: ClassVar[type[CsvResolverSettings]] = CsvResolverSettings

    def __init__(self, settings: CsvResolverSettings) -> None:
        problems = FileProblems(settings.file)
        text = read_text(settings.file, problems)
        networks_of = _read(text, problems) if text is not None else {}
        if problems.lines:
            raise ConfigError("\n".join(problems.lines[:PROBLEMS_MAX]))
        self._numbers = array("Q", sorted(networks_of))
        self._networks = sorted(set(networks_of.values()))
        places = {network: place for place, network in enumerate(self._networks)}
        self._places = array("I", (places[networks_of[number]] for number in self._numbers))

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


def _read(text: str, problems: FileProblems) -> dict[int, str]:
    networks: dict[int, str] = {}
    for row in parse_rows(text, COLUMNS, (), problems):
        msisdn, mccmnc = row.values["msisdn"], row.values["mccmnc"]
        is_number = msisdn.isascii() and msisdn.isdecimal() and E164_DIGITS_MIN <= len(msisdn) <= E164_DIGITS_MAX
        if not is_number or msisdn[0] == "0":
            problems.add(row.line, f'msisdn must be an international number of digits, without "+", not "{msisdn}"')
        elif int(msisdn) in networks:
            problems.add(row.line, f"msisdn {msisdn} stands in the file already")
        if not is_network(mccmnc):
            problems.add(row.line, f'mccmnc must be an MCC and an MNC in one, such as "23415", not "{mccmnc}"')
        elif is_number:
            networks[int(msisdn)] = mccmnc
    return networks
