"""What a span's traffic cost, beside what it would have cost: by country and carrier."""

from collections.abc import Iterable

from attrs import define

from smsagg.reports.what_if import PastMessage, WhatIf


@define
class SavingsRow:
    """Messages that a carrier took, in one country. Money is in micro-units of the base currency."""

    volume_now: int = 0
    volume_then: int = 0
    cost_now: int = 0
    cost_then: int = 0
    unpriced: int = 0
    """Of ``volume_now``: messages that have no price then. What they cost now is not in ``cost_now``."""
    blocked: int = 0
    """Of ``volume_now``: messages that would be refused; the same."""

    @property
    def difference(self) -> int:
        """Negative: it would cost less."""
        return self.cost_then - self.cost_now

    def add(self, other: "SavingsRow") -> None:
        """Count what ``other`` counts."""
        self.volume_now += other.volume_now
        self.volume_then += other.volume_then
        self.cost_now += other.cost_now
        self.cost_then += other.cost_then
        self.unpriced += other.unpriced
        self.blocked += other.blocked


class Savings:
    """Adds messages up; a row for each country and carrier, now or then."""

    def __init__(self, what_if: WhatIf) -> None:
        self._what_if = what_if
        self.rows: dict[tuple[str, str], SavingsRow] = {}

    def add(self, messages: Iterable[PastMessage]) -> None:
        """Count those that a carrier took."""
        for past in messages:
            if not past.taken:
                continue
            judged = self._what_if.judge(past)
            now = self._row(past.country, past.carrier)
            now.volume_now += 1
            if not judged.pool:
                now.blocked += 1
            elif judged.cost is None:
                now.unpriced += 1
            else:
                now.cost_now += past.cost
                then = self._row(past.country, judged.carrier)
                then.volume_then += 1
                then.cost_then += judged.cost

    def _row(self, country: str, carrier: str) -> SavingsRow:
        return self.rows.setdefault((country, carrier), SavingsRow())

    @property
    def total(self) -> SavingsRow:
        """All rows together."""
        total = SavingsRow()
        for row in self.rows.values():
            total.add(row)
        return total

    def sorted_rows(self) -> list[tuple[tuple[str, str], SavingsRow]]:
        """Country by country, those that cost most first."""
        costs: dict[str, int] = {}
        for (country, _), row in self.rows.items():
            costs[country] = costs.get(country, 0) + row.cost_now
        return sorted(self.rows.items(), key=lambda item: (-costs[item[0][0]], item[0][0], -item[1].cost_now, item[0]))
