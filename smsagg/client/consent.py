"""Numbers that want no messages, and numbers that asked for them: ``/v1/suppressions``, ``/v1/consents``."""

from datetime import datetime

from attrs import define, evolve

from smsagg.client.asks import Ask, Listing, delete, get, nothing, place, post, shaped
from smsagg.client.calls import PAGE


@define(frozen=True)
class Record:
    """A number in a list."""

    number: str
    sender: str | None
    """Of this sender only."""
    at: datetime
    how: str
    evidence: str


@define(frozen=True)
class Records:
    """Those of one number."""

    records: list[Record]


@define(frozen=True)
class Imported:
    """What became of a list."""

    rows: int
    """That were right, and are in force."""
    changed: int
    """Of these, those that were not there before."""
    wrong: int
    problems: list[str]


@define(frozen=True)
class NumberList:
    """One of the lists."""

    path: str

    def all(self) -> Listing[Record]:
        """By number and sender."""
        return Listing(get(self.path, limit=PAGE), "records", Record)

    def of(self, number: str) -> Ask[Records]:
        """The records of a number; ``404`` when it has none."""
        return Ask(get(place(self.path, number)), shaped(Records))

    def add(
        self,
        number: str,
        *,
        sender: str | None = None,
        evidence: str | None = None,
        at: datetime | None = None,
        how: str | None = None,
    ) -> Ask[Record]:
        """In force when it is answered. ``at`` and ``how`` are for consents."""
        document = {"number": number, "sender": sender, "evidence": evidence, "at": at, "how": how}
        return Ask(post(self.path, document, is_repeatable=True), shaped(Record))

    def remove(self, number: str, *, sender: str | None = None) -> Ask[None]:
        """No more in force when it is answered."""
        return Ask(delete(place(self.path, number), sender=sender), nothing)

    def take_in(self, csv: str) -> Ask[Imported]:
        """Add the rows of a CSV file with a column ``number``."""
        call = post(f"{self.path}/import", headers={"Content-Type": "text/csv"}, is_repeatable=True)
        return Ask(evolve(call, body=csv.encode()), shaped(Imported))

    def export(self) -> Ask[str]:
        """The whole list as CSV."""
        return Ask(get(f"{self.path}/export"), lambda response: response.text)


suppressions = NumberList("/v1/suppressions")
consents = NumberList("/v1/consents")
