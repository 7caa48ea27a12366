"""Checks of ``[consent]``: the classes that it names are there."""

from collections.abc import Iterator

from smsagg.config.consent_settings import PASSES
from smsagg.config.problems import Problem, unknown_name
from smsagg.config.schema import Config


def consent_problems(config: Config) -> Iterator[Problem]:
    """All problems of ``[consent]``."""
    known = {"default", *PASSES, *config.message_classes}
    for i, name in enumerate(config.consent.passes):
        yield from unknown_name(("consent", "passes", f"[{i}]"), name, known, "message class")
