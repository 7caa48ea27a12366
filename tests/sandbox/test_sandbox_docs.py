"""docs/sandbox.md says what the table of magic numbers says."""

import re
from pathlib import Path

from smsagg.sandbox import MAGIC

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def test_the_page_lists_every_magic_number() -> None:
    """In the table's order and words."""
    rows = re.findall(r"^\| `(\d{3})` \| (.*?)(?: \(`.*)? \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(ending, magic.meaning) for ending, magic in MAGIC.items()]
