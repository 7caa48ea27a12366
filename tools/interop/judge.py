"""Whether what a client sent is what the carrier got: texts, whole again, whatever form they travelled in."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.interop.plan import BINDS, BODIES, PATIENCE_S, SECOND, text_of
from tools.interop.world import Child


class CarrierLog:
    """What the npm carrier printed."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def submits(self, destination_addr: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in list(self._child.lines) if line.startswith("{")]
        return [line for line in lines if line["destination_addr"] == destination_addr]

    def text_to(self, destination_addr: str, expected: str) -> str:
        """The text that reached a handset, once it is ``expected`` or time is up."""
        deadline = time.monotonic() + PATIENCE_S
        while (text := whole(self.submits(destination_addr))) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        return text


def whole(submits: Sequence[Mapping[str, Any]]) -> str:
    """The text of one message's parts, in their own order."""
    parts = sorted(submits, key=_number)
    text = "".join(part["text"] for part in parts)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a part may end amid a character


def _number(submit: Mapping[str, Any]) -> int:
    if submit["udh"]:
        return part_of(bytes.fromhex(submit["udh"]))
    return int(submit["sar"][2]) if submit["sar"] else 0


def part_of(elements: bytes) -> int:
    """The part number in the concatenation element (3GPP TS 23.040 §9.2.3.24.1 and .8), 0 without one."""
    position = 0
    while position + 1 < len(elements):
        identifier, length = elements[position], elements[position + 1]
        if identifier in (0x00, 0x08):
            return elements[position + 1 + length]
        position += 2 + length
    return 0


def judge(results: dict[str, dict[str, Any]], plan: Mapping[str, Any], carrier: CarrierLog) -> None:
    """Turn a check whose text did not arrive as it was meant into a failed one."""
    for check in BODIES:
        result = results.get(check)
        if result is None or not result["ok"]:
            continue
        expected = text_of(check)
        for number in (check, SECOND) if check == "submit_multi" else (check,):
            got = carrier.text_to(plan["to"][number], expected)
            if got != expected:
                result["ok"] = False
                result["detail"] = f"the carrier read {got!r}"


def judge_unbinds(
    results: dict[str, dict[str, Any]], unbound: Callable[[], int], patience_s: float = PATIENCE_S
) -> None:
    """The client's binds must have ended by an unbind; the server counts them, whatever the client waited for."""
    wanted = len(BINDS) + 1
    if not results.get("unbind", {}).get("ok"):
        return
    deadline = time.monotonic() + patience_s
    while (count := unbound()) < wanted:
        if time.monotonic() >= deadline:
            results["unbind"].update(ok=False, detail=f"{count} of {wanted} sessions ended by unbind")
            return
        time.sleep(0.05)
