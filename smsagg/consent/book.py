"""Which numbers are suppressed and which have opted in, as far as every message has to ask.

Theory of operation. Of each record memory keeps 64 bits: a keyed digest of its number, mixed with one of its *scope*
(kind, account, sender). A number that is in no list is taken for one that is once in some 10**12 questions at ten
million records; records are never missed. Scopes without records cost one look-up in a dictionary, and where there are
no records at all nobody asks (:attr:`ConsentBook.suppresses`). Memory: nine octets a record, some 300 a scope.
"""

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

from attrs import define

from smsagg.consent.digests import DigestSet
from smsagg.model.consent import ConsentKind, ConsentUpdate

KEY_OCTETS = 16
_Scope = tuple[int, str, str]
"""Kind, account, sender. The kind as a plain number, whose hash costs nothing."""
_SUPPRESSION, _OPT_IN = int(ConsentKind.SUPPRESSION), int(ConsentKind.OPT_IN)


@define
class _Listed:
    """What is known of one scope."""

    salt: int
    count: int = 0


class ConsentBook:
    """All lists of all accounts."""

    def __init__(self, key: bytes) -> None:
        """``key``: :data:`KEY_OCTETS` random octets of this process."""
        self._key = key
        self._digests = DigestSet()
        self._scopes: dict[_Scope, _Listed] = {}
        self._senders: Counter[tuple[int, str]] = Counter()
        """Of each list, by kind and account."""
        self._suppressed = 0
        self.suppresses = False
        """Whether any number is suppressed at all."""

    def apply(self, update: ConsentUpdate) -> bool:
        """Heed what is in the store from now on; whether that changes anything."""
        record = update.record
        scope = (int(record.kind), record.account, record.sender)
        listed = self._scopes.get(scope)
        if listed is None:
            if not update.is_kept:
                return False
            listed = self._scopes[scope] = _Listed(self._digest("\0".join((str(scope[0]), *scope[1:]))))
            self._senders[scope[:2]] += record.sender != ""
        digest = self._digest(record.number) ^ listed.salt
        is_change = self._digests.add(digest) if update.is_kept else self._digests.discard(digest)
        if is_change:
            listed.count += 1 if update.is_kept else -1
            if not listed.count:
                del self._scopes[scope]
                self._senders[scope[:2]] -= record.sender != ""
            if record.kind is ConsentKind.SUPPRESSION:
                self._suppressed += 1 if update.is_kept else -1
                self.suppresses = self._suppressed > 0
        return is_change

    def is_suppressed(self, account: str, sender: str, number: str, *, passes: bool = False) -> bool:
        """Whether a message from ``sender`` (see :func:`sender_key`) to ``number`` must not be sent.

        ``passes``: it is of a kind that an account's own lists do not stop; the operator's does.
        """
        everybodys = (_SUPPRESSION, "", ""), (_SUPPRESSION, "", sender)
        if passes:
            return self._is_listed(everybodys, number)
        return self._is_listed((*everybodys, (_SUPPRESSION, account, ""), (_SUPPRESSION, account, sender)), number)

    def has_opted_in(self, account: str, sender: str, number: str) -> bool:
        """Whether the number's owner asked for messages from ``sender``, or from the account."""
        return self._is_listed(((_OPT_IN, account, ""), (_OPT_IN, account, sender)), number)

    def senders_with(self, updates: Iterable[ConsentUpdate]) -> int:
        """How many senders the longest of the lists that ``updates`` change would name with them."""
        scopes = {(int(one.kind), one.account, one.sender) for one, is_kept in updates if is_kept and one.sender}
        new = Counter(scope[:2] for scope in scopes if scope not in self._scopes)
        return max((self._senders[of] + count for of, count in new.items()), default=0)

    def counts(self, kind: ConsentKind) -> dict[str, int]:
        """How many numbers are listed, by account."""
        counts: dict[str, int] = {}
        for (of_kind, account, _), listed in self._scopes.items():
            if of_kind == kind:
                counts[account] = counts.get(account, 0) + listed.count
        return counts

    def _is_listed(self, scopes: tuple[_Scope, ...], number: str) -> bool:
        digest = None
        for scope in scopes:
            listed = self._scopes.get(scope)
            if listed is not None:
                digest = self._digest(number) if digest is None else digest
                if digest ^ listed.salt in self._digests:
                    return True
        return False

    def _digest(self, text: str) -> int:
        return int.from_bytes(blake2b(text.encode(), digest_size=8, key=self._key).digest())


def sender_key(address: str) -> str:
    """One spelling of a sender: numbers without plus, names in any case."""
    return address.removeprefix("+").casefold()
