"""All data files of one configuration, read and checked together: either all of them are right, or none is used."""

from attrs import define

from smsagg.config.schema import Config


@define(frozen=True)
class Tables:
    """What the data files say; without files everything is empty."""


def load_tables(config: Config) -> Tables:
    """Read every data file that ``config`` names.

    Raises :class:`~smsagg.errors.ConfigError` that lists every problem of every file, a line each:
    ``file:line: reason``.
    """
    return Tables()
