"""What has ended since last time, each message exactly once, in whatever order messages end.

Theory of operation. Nothing in the store says when, among others, a message came to history, and nothing needs to: its
``seq`` is known as soon as it lives. A :class:`Cursor` says up to which seq the store has been seen, and which of those
messages were alive then. A later look asks by key after those that were alive, and reads on from there. A seq is in
exactly one of three places in the one transaction that looks at it: over (it is handed out, and never again), alive
(it stays with the cursor), or gone, refused or dropped with old history (it is forgotten). So nothing is skipped and
nothing comes twice, and it costs the server nothing. The cursor is as large as the number of messages alive, in runs
of consecutive seqs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import define, field

from smsagg.history.reader import CHUNK_ROWS, History, Row

KEYS_AT_ONCE = 1_000


@define
class Cursor:
    """How far somebody has read. Changed by :func:`ended_since` as it goes."""

    seen_seq: int = 0
    """Every message up to this one has been looked at."""
    alive: list[int] = field(factory=list)
    """Those of them that were not over, ascending."""

    def to_json(self) -> dict[str, Any]:
        """As a state file holds it."""
        return {"seen_seq": self.seen_seq, "alive": format_runs(self.alive)}

    @staticmethod
    def from_json(document: dict[str, Any]) -> "Cursor":
        """Raises :class:`ValueError`, :class:`KeyError` or :class:`TypeError` for what is none."""
        seen_seq, alive = document["seen_seq"], parse_runs(document["alive"])
        if not isinstance(seen_seq, int) or seen_seq < 0 or (alive and alive[-1] > seen_seq):
            raise ValueError("seen_seq must be a number above all that were alive")
        return Cursor(seen_seq, alive)


def ended_since(
    history: History, cursor: Cursor, columns: Sequence[str], rows_max: int = CHUNK_ROWS
) -> Iterator[list[Row]]:
    """Messages that are over and that ``cursor`` has not handed out, with their ``columns``, of which the first is
    ``seq``; first those that were alive, then new ones, each by seq. What it yields is counted by the cursor then."""
    waited, cursor.alive = cursor.alive, []
    remaining = len(waited)
    try:
        step = min(rows_max, KEYS_AT_ONCE)
        for start in range(0, len(waited), step):
            keys = waited[start : start + step]
            over, alive = _look_up(history, columns, keys)
            cursor.alive += alive
            remaining = len(waited) - start - len(keys)
            if over:
                yield over
    finally:
        cursor.alive += waited[len(waited) - remaining :]
    last_seq = history.last_seq()
    for chunk in history.scan(columns, cursor.seen_seq + 1, last_seq, rows_max, live_columns=("seq",)):
        cursor.alive += [row[0] for row in chunk.live]
        cursor.seen_seq = chunk.last_seq
        if chunk.over:
            yield chunk.over


def _look_up(history: History, columns: Sequence[str], keys: Sequence[int]) -> tuple[list[Row], list[int]]:
    """Of these messages the rows of those that are over, and the keys of those that live."""
    marks = ",".join("?" * len(keys))
    with history.snapshot() as ask:
        over = ask(f"SELECT {', '.join(columns)} FROM history AS m WHERE seq IN ({marks}) ORDER BY seq", keys)
        alive = (
            ask(f"SELECT seq FROM messages WHERE seq IN ({marks}) ORDER BY seq", keys) if len(over) < len(keys) else []
        )
    return over, [row[0] for row in alive]


def format_runs(seqs: Sequence[int]) -> str:
    """Ascending numbers as ``"3-7 9"``."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq - 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parse_runs(text: str) -> list[int]:
    """The numbers again; raises :class:`ValueError` when they do not ascend."""
    seqs: list[int] = []
    for run in text.split():
        first, dash, last = run.partition("-")
        numbers = range(int(first), int(last if dash else first) + 1)
        if not numbers or (seqs and numbers[0] <= seqs[-1]):
            raise ValueError(f"runs must ascend: {run}")
        seqs += numbers
    return seqs
