"""What has been seen of each carrier in each country: counts of what became of attempts and messages.

Fed by the engine as it happens, read by whoever judges carriers. A cell counts from the start of the process and only
grows; who wants a recent view keeps what he saw last and takes the difference. Memory: one cell for each carrier and
country that met.
"""

from attrs import define, field

Key = tuple[str, str]
"""(carrier, country)."""


@define(eq=False)
class Cell:
    """One carrier in one country."""

    accepted: int = 0
    """Attempts that the carrier took."""
    throttled: int = 0
    temporary: int = 0
    """Attempts refused for now."""
    permanent: int = 0
    """Attempts refused for good."""
    in_doubt: int = 0
    delivered: int = 0
    """Messages that the carrier reported as delivered."""
    failed: int = 0
    """Messages that it reported as anything else that is final."""
    receipt_ms: int = 0
    """Sum, over those that it reported, of the time from acceptance by us to the report."""


@define(eq=False)
class Experience:
    """The cells of all carriers and countries that met."""

    cells: dict[Key, Cell] = field(factory=dict)

    def cell(self, carrier: str, country: str) -> Cell:
        """The cell, made when it is new."""
        cell = self.cells.get((carrier, country))
        if cell is None:
            cell = self.cells[carrier, country] = Cell()
        return cell
