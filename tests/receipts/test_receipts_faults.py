"""The table of faults of receipts: every row has its tests, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTION = "## Receipts and their correlation"


def rows() -> list[str]:
    text = (ROOT / "docs" / "faults.md").read_text()
    section = text[text.index(SECTION) :].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith(("| D", "| G", "| K"))]


def test_every_fault_has_a_row() -> None:
    """D01 to D23, and those of neighbouring tables."""
    named = {fault for row in rows() for fault in re.findall(r"[DGK][0-9]{2}", row.split("|")[1])}
    assert named >= {f"D{number:02}" for number in range(1, 24)} | {"G05", "G06", "G07", "G14", "G17", "K07"}


def test_every_test_that_is_named_is_there() -> None:
    """In the module that the row names."""
    modules = {path.stem: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    for row in rows():
        module = ""
        for name in re.findall(r"`(test_\w+)`", row):
            if name in modules:
                module = name
            else:
                assert f"def {name}(" in modules[module], f"{module}: {name}"
        assert module, row
