"""The fewest inputs that reach all that many reach: steps from line to line, and how often they were taken.

Smallest inputs first, each is kept when it takes a step that none before it took (or took so many times, in powers of
two, as libFuzzer counts). That is no minimum, but close to one, and it needs no engine.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

import smsagg

_ROOT = smsagg.__path__[0]
Step = tuple[CodeType, int, int]


def minimize(inputs: Iterable[bytes], run: Callable[[bytes], object]) -> list[bytes]:
    """Those of ``inputs`` that together reach all."""
    reached: set[tuple[Step, int]] = set()
    kept: list[bytes] = []
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        steps = steps_of(data, run)
        if not steps <= reached:
            reached |= steps
            kept.append(data)
    return kept


def steps_of(data: bytes, run: Callable[[bytes], object]) -> set[tuple[Step, int]]:
    """The steps between lines of the package that ``run(data)`` takes, with the magnitude of their number."""
    counts: Counter[Step] = Counter()
    lines: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call":
            if not frame.f_code.co_filename.startswith(_ROOT):
                return None
            lines[frame] = 0
        elif event == "line":
            counts[frame.f_code, lines[frame], frame.f_lineno] += 1
            lines[frame] = frame.f_lineno
        elif event == "return":
            lines.pop(frame, None)
        return trace

    sys.settrace(trace)
    try:
        run(data)
    finally:
        sys.settrace(None)
    return {(step, count.bit_length()) for step, count in counts.items()}
