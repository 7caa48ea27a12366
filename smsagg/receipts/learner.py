"""Finds out by which rule a carrier's receipts name messages, from those that match by no rule that was configured.

Theory of operation. Each rule of :data:`LEARNABLE` is a hypothesis. For a receipt that matched nothing, each rule says
under which ids its message may have been accepted (:func:`resp_spellings`); those are looked for among the messages
that await a receipt. A rule that finds exactly one message *explains* the receipt. It is learned when it explains
``PAIRS_MIN`` receipts, nearly all that were missed, while nearly none matched by the configured rule.

Evidence is never doubtful: a receipt for which a rule finds several messages, or for which two rules find different
ones, supports nobody, and a rule by which two receipts would be about one message is out. What is learned matches
under the same condition: one message, or none.

Bounds: ``WINDOW`` receipts are remembered; when they show nothing, the next ``REST`` are not looked at.
"""

from collections.abc import Callable

from smsagg.model import Message
from smsagg.receipts.dialect import IdDialect

PAIRS_MIN = 20
"""Receipts that a rule must explain."""
EXPLAINED_SHARE = 0.9
"""Of the receipts that were missed."""
MATCHED_SHARE = 0.05
"""Of the receipts that it explains, so many may match by the configured rule meanwhile."""
WINDOW = 1_000
REST = 9_000
WIDTH_MAX = 20
"""Ids are looked for with leading zeros up to so many digits."""

LEARNABLE: tuple[IdDialect, ...] = (
    IdDialect(letter_case="lower"),
    IdDialect(strip_zeros=True),
    IdDialect(letter_case="lower", strip_zeros=True),
    IdDialect(submit_sm_resp="hex_to_decimal", strip_zeros=True),
    IdDialect(receipt="hex_to_decimal", strip_zeros=True),
)
"""The simplest first: of several that explain the same, the first is learned."""

Find = Callable[[str], Message | None]
"""The message that awaits a receipt under an id."""


def resp_spellings(rule: IdDialect, receipt_id: str) -> list[str]:
    """Ids of submit_sm_resp that are equal to ``receipt_id`` under one of :data:`LEARNABLE`: in either case, and with
    leading zeros up to ``WIDTH_MAX`` digits, where the rule does not care."""
    canonical = rule.of_receipt(receipt_id)
    form, any_case, any_zeros = canonical, rule.letter_case != "keep", rule.strip_zeros
    if rule.submit_sm_resp == "hex_to_decimal":
        if not (canonical.isascii() and canonical.isdecimal()):
            return []
        form, any_case = f"{int(canonical):x}", True
    cases = dict.fromkeys((form, form.lower(), form.upper()) if any_case else (form,))
    widths = range(len(form), max(WIDTH_MAX, len(form)) + 1) if any_zeros else (len(form),)
    spellings = dict.fromkeys(one.rjust(width, "0") for one in cases for width in widths)
    return [spelling for spelling in spellings if rule.of_submit_sm_resp(spelling) == canonical]


def messages_named(rule: IdDialect, receipt_id: str, find: Find) -> list[Message]:
    """The different messages that ``receipt_id`` may mean under ``rule``."""
    found = {id(message): message for one in resp_spellings(rule, receipt_id) if (message := find(one)) is not None}
    return list(found.values())


def config_of(rule: IdDialect) -> str:
    """The keys of a carrier's table that say this, in TOML."""
    keys = []
    if rule.submit_sm_resp != "as_is":
        keys.append(f'resp_id = "{rule.submit_sm_resp}"')
    if rule.receipt != "as_is":
        keys.append(f'receipt_id = "{rule.receipt}"')
    if rule.letter_case != "keep":
        keys.append(f'id_case = "{rule.letter_case}"')
    if rule.strip_zeros:
        keys.append("id_strip_zeros = true")
    return "\n".join(keys)


class IdLearner:
    """What one carrier's missed receipts have shown."""

    def __init__(self) -> None:
        self._begin(rest=0)

    def _begin(self, rest: int) -> None:
        self._rest = rest
        self._matched_before: int | None = None
        self._seen: set[str] = set()
        self._pairs: dict[IdDialect, dict[str, str]] = {rule: {} for rule in LEARNABLE}
        """Receipt id by message_id, of what a rule explained; a rule that is out is not in it."""

    @property
    def evidence(self) -> dict[IdDialect, int]:
        """Receipts that each rule has explained so far."""
        return {rule: len(pairs) for rule, pairs in self._pairs.items() if pairs}

    def missed(self, receipt_id: str, matched: int, find: Find) -> IdDialect | None:
        """A receipt with this id, as the carrier wrote it, matched nothing. The rule that is certain now, or ``None``.

        ``matched`` is how many receipts of the carrier ever matched something.
        """
        if self._rest:
            self._rest -= 1
            return None
        if receipt_id in self._seen or not receipt_id:
            return None
        if self._matched_before is None:
            self._matched_before = matched
        self._seen.add(receipt_id)
        self._note(receipt_id, find)
        for rule, pairs in self._pairs.items():
            explained = len(pairs)
            if (
                explained >= PAIRS_MIN
                and explained >= EXPLAINED_SHARE * len(self._seen)
                and matched - self._matched_before <= MATCHED_SHARE * explained
            ):
                return rule
        if len(self._seen) >= WINDOW:
            self._begin(rest=REST)
        return None

    def _note(self, receipt_id: str, find: Find) -> None:
        explained: dict[IdDialect, Message] = {}
        for rule in self._pairs:
            messages = messages_named(rule, receipt_id, find)
            if len(messages) == 1:
                explained[rule] = messages[0]
        if len({id(message) for message in explained.values()}) != 1:
            return
        for rule, message in explained.items():
            if self._pairs[rule].setdefault(message.message_id, receipt_id) != receipt_id:
                del self._pairs[rule]
