"""S19: no text, password or whole number of a person stands in what the server writes for others to read."""

import re
from collections.abc import Iterable

from tools.chaos.checker.index import Index
from tools.chaos.checker.verdict import Violation

S19 = "S19 confidentiality"
_DIGITS = re.compile(r"\d{7,}")


def nothing_told(index: Index) -> Iterable[Violation]:
    """S19: zero hits, in logs and in metrics."""
    history = index.history
    numbers = {
        submit.content.destination_addr.lstrip("+0") for submit in history.submits if submit.content is not None
    } | {mo.source for mo in history.carrier_mo}
    for where, text in history.outputs.items():
        for what, secret in history.secrets.items():
            if secret in text:
                yield Violation(S19, where, f"tells {what}")
        for found in set(_DIGITS.findall(text)) & numbers:
            yield Violation(S19, where, f"tells the number {found[:5]}…")
