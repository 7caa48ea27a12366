"""Erasures of recipients' data, one after another beside everything else, through restarts.

Theory of operation. A request is written down with its audit record before anything is done; then one task takes the
number out step by step (:meth:`smsagg.store.base.Store.erase`) and notes how far it came with each step. Messages to
the number that live go their way, for somebody waits for them: the erasure *waits* and walks again from the first of
them until none lives. When it is done the number itself, which was kept sealed, is forgotten with it.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import trio
from attrs import define, evolve, field

from smsagg.clock import Clock
from smsagg.directory.audit import Actor
from smsagg.engine.consent.consents import Consents
from smsagg.engine.directory.register import Register
from smsagg.engine.numbers.numbers import Numbers
from smsagg.errors import ErasuresFull, SealError, StoreError
from smsagg.model.consent import ConsentKind, ConsentUpdate
from smsagg.protection.subject import DataSubject, pseudonym_of
from smsagg.store.base import Changes, EntityUpdate, ErasurePlace, Store

KIND = "erasure"
BATCH = 2_000
"""Rows of each table that one step looks at: 2 to 3 ms of the store's time."""
PAUSE_S = 0.02
"""Between two steps, for whoever else wants the store."""
AGAIN_S = 60.0
"""Between two walks while messages live, and after the store failed."""
PENDING_MAX = 1_000
DONE_MAX = 10_000
SIBLINGS_WITHIN = 20_000
"""So far before its parts a group may stand."""
_CONTEXT = "erasure.number"
_BEGINNING = ErasurePlace()


@define(frozen=True)
class Erasure:
    """One request, as it is kept."""

    erasure_id: str
    account: str
    """``""``: the operator's, of all that there is."""
    by: str
    pseudonym: str
    started_at: int
    """UTC milliseconds."""
    number: str = field(repr=False)
    """Sealed; ``""``: it is done."""
    changed: int = 0
    """Records that named the number."""
    place: ErasurePlace = _BEGINNING
    first_live: int = 0
    """Of the messages that the walk under way met, the first that lives."""
    waits: bool = False
    """A walk has ended, and met messages that live."""
    done_at: int = 0

    @property
    def state(self) -> str:
        """``running``, ``waiting`` (for messages that live) or ``done``."""
        return "done" if self.done_at else "waiting" if self.waits else "running"

    def to_record(self) -> bytes:
        """As the store holds it."""
        names = ("account", "by", "pseudonym", "started_at", "number", "changed", "first_live", "waits", "done_at")
        return orjson.dumps({name: getattr(self, name) for name in names} | {"place": list(self.place)})

    @staticmethod
    def from_record(erasure_id: str, record: bytes) -> "Erasure":
        values: dict[str, Any] = orjson.loads(record)
        return Erasure(erasure_id=erasure_id, **values | {"place": ErasurePlace(*values["place"])})


class Erasures:
    """One task, and who asks it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        register: Register,
        consents: Consents,
        numbers: Numbers,
        accounts: Callable[[], Iterable[str]],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._clock = clock
        self._register = register
        self._consents = consents
        self._numbers = numbers
        self._accounts = accounts
        self._entropy = entropy
        self._erasures: dict[str, Erasure] = {}
        self._wake = trio.Event()

    async def load(self) -> None:
        """Take up what an earlier run left; once, first. Raises StoreError."""
        for erasure_id, record in await self._store.load_entities(KIND):
            self._erasures[erasure_id] = Erasure.from_record(erasure_id, record)

    def find(self, account: str, erasure_id: str) -> Erasure | None:
        """That of ``account``; ``""``: of the operator's own."""
        found = self._erasures.get(erasure_id)
        return found if found is not None and found.account == account else None

    async def start(self, by: Actor, account: str, digits: str) -> Erasure:
        """Write it down; returns after the commit. Raises StoreError and ErasuresFull: then there is none.

        A call that is cancelled may have begun one."""
        if sum(not erasure.done_at for erasure in self._erasures.values()) >= PENDING_MAX:
            raise ErasuresFull(f"{PENDING_MAX} erasures are under way")
        cipher = self._store.cipher
        erasure = Erasure(
            erasure_id=f"era_{self._entropy(12).hex()}",
            account=account,
            by=by.name,
            pseudonym=pseudonym_of(cipher, digits),
            started_at=self._clock.now_ms(),
            number=cipher.seal_text(digits, _CONTEXT),
        )
        details = {"erasure": erasure.erasure_id}
        await self._register.note(by, "personal-data.erase", erasure.pseudonym, details, account)
        await self._keep(erasure)
        return erasure

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake = trio.Event()
            for erasure in [one for one in self._erasures.values() if not one.done_at]:
                await self._walk(erasure)
            is_any_left = any(not one.done_at for one in self._erasures.values())
            with trio.move_on_after(AGAIN_S if is_any_left else math.inf):
                await self._wake.wait()

    async def _walk(self, erasure: Erasure) -> None:
        """From where it is to the end of what there is; what fails is gone on with at the next walk."""
        try:
            digits = self._store.cipher.open_text(erasure.number, _CONTEXT)
        except SealError:
            return  # its key is not there; the start said so
        subject = DataSubject(digits, erasure.account)
        try:
            if erasure.place == _BEGINNING:
                await self._forget_opt_ins(subject)
            while True:
                step = await self._store.erase(subject, erasure.pseudonym, erasure.place, BATCH)
                if not erasure.place.until_seq:  # conversations went with the first step
                    self._numbers.forget(digits, erasure.account)
                is_over = step.place == erasure.place
                lives = [seq for seq in (erasure.first_live, step.first_live) if seq]
                erasure = evolve(
                    erasure,
                    place=step.place,
                    changed=erasure.changed + step.changed,
                    first_live=min(lives, default=0),
                )
                if is_over:
                    await self._keep(self._ended(erasure))
                    return
                await self._keep(erasure)
                await trio.sleep(PAUSE_S)
        except StoreError:
            return

    def _ended(self, erasure: Erasure) -> Erasure:
        """What it is at the end of a walk."""
        if not erasure.first_live:
            return evolve(erasure, done_at=self._clock.now_ms(), number="")
        before = erasure.first_live - 1
        group_seq = max(before - SIBLINGS_WITHIN, 0)
        place = ErasurePlace(before, group_seq, erasure.place.delivery_id, erasure.place.event_id, before)
        return evolve(erasure, place=place, first_live=0, waits=True)

    async def _forget_opt_ins(self, subject: DataSubject) -> None:
        """In memory, too; what was suppressed stays so."""
        for account in [subject.account] if subject.account else ["", *self._accounts()]:
            kept = await self._store.find_consents(ConsentKind.OPT_IN, account, subject.digits)
            if kept:
                await self._consents.change([ConsentUpdate(record, is_kept=False) for record in kept])

    async def _keep(self, erasure: Erasure) -> None:
        """Returns after the commit; raises StoreError."""
        answered = trio.Event()
        told: list[StoreError | None] = []

        def on_done(error: StoreError | None) -> None:
            told.append(error)
            if error is None:  # whether or not somebody still waits for it
                self._kept(erasure, dropped)
            answered.set()

        done = [one.erasure_id for one in self._erasures.values() if one.done_at]
        dropped = done[: max(len(done) - DONE_MAX, 0)]
        updates = [EntityUpdate(KIND, erasure.erasure_id, erasure.to_record())]
        updates += [EntityUpdate(KIND, erasure_id, None) for erasure_id in dropped]
        self._store.write(Changes(entities=updates), on_done)
        await answered.wait()
        if told[0] is not None:
            raise told[0]

    def _kept(self, erasure: Erasure, dropped: Iterable[str]) -> None:
        for erasure_id in dropped:
            self._erasures.pop(erasure_id, None)
        if erasure.erasure_id not in self._erasures:
            self._wake.set()
        self._erasures[erasure.erasure_id] = erasure
