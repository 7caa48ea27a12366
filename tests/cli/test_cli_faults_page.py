"""docs/faults.md names tests that there are."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "faults.md").read_text()
FILES = {path.stem: path.read_text() for path in TESTS.rglob("test_*.py")}


@pytest.mark.parametrize("section", re.split(r"\n(?=## )", PAGE), ids=lambda section: section.partition("\n")[0])
def test_every_test_that_is_named_exists(section: str) -> None:
    """A name stands behind its file's, and may be followed by others of that file."""
    file = ""
    for name in re.findall(r"`(test_\w+)`", section):
        if name in FILES:
            file = name
        else:
            assert file, f"{name} without a file"
            assert re.search(rf"^(?:async )?def {name}\(", FILES[file], re.MULTILINE), f"{file} has no {name}"
