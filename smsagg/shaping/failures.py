"""Whose fault failures in a row are: the link's, or that of the carrier's way to a country.

Theory of operation. A temporary refusal is evidence against the link that brought it and against the carrier's way to
the country that the message was for; an answer that shows a working carrier acquits both. Each of the two counts its
failures in a row, and whether they all have the other one in common. With ``failures_max`` in a row:

| The run | Guilty |
|---|---|
| on the link: of several countries, or of what only a link can do (a lost link, no answer) | the link |
| for the country: on several links | the way to the country |
| one link and one country; the carrier has another link to try | the link; should that one fail too, the country |
| one link and one country; the carrier has no other link | the way to the country |

So a link that fails alone is left alone, and a country that fails alone leaves the others their carrier. Constant
memory.
"""

from enum import Enum


class Culprit(Enum):
    LINK = "link"
    COUNTRY = "country"


class FailureRun:
    """Failures in a row and the name that they share."""

    __slots__ = ("count", "is_mixed", "shared")

    def __init__(self) -> None:
        self.count = 0
        self.shared: object = None
        """What the first failure of the run was about; ``None`` before it."""
        self.is_mixed = False
        """Whether others of the run were about something else."""

    def add(self, about: object) -> None:
        """One more; ``about`` is the country, for a link, and the link, for a country."""
        if not self.count:
            self.shared = about
        elif self.shared != about:
            self.is_mixed = True
        self.count += 1

    def add_own(self) -> None:
        """One more, with nobody to share the blame."""
        self.count += 1
        self.is_mixed = True

    def clear(self) -> None:
        """A success, or the guilt has been laid elsewhere."""
        self.count = 0
        self.shared = None
        self.is_mixed = False


def culprit_of(
    link: FailureRun, country: FailureRun | None, failures_max: int, *, has_other_link: bool
) -> Culprit | None:
    """Who is guilty after a failure that both runs have counted; ``None``: it is too early to say.

    ``country`` is ``None`` for a failure that is the link's own. ``failures_max`` 0: never anybody.
    """
    if not failures_max:
        return None
    if country is not None and country.count >= failures_max and (country.is_mixed or not has_other_link):
        return Culprit.LINK if link.is_mixed and link.count >= failures_max else Culprit.COUNTRY
    if link.count >= failures_max and (link.is_mixed or has_other_link):
        return Culprit.LINK
    return None
