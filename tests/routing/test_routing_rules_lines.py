"""On which line something stands in a TOML document."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing.rules.lines import Lines

TRICKY = '''# [[routes]]
title = """
[[routes]]
name = "no" """ # the end
[[routes]]
name = 'a[['
countries = [ # [
    "GB", # ]
    "FR]",
]
comment = "say \\"[[routes]]\\""

[[ routes ]]  # b
"name" = """b"""
pool = "gb"
[other]
pool = 1
'''


def test_headers_and_keys_are_found_and_what_looks_like_them_is_not() -> None:
    """In texts, comments and lists they are none."""
    tomllib.loads(TRICKY)
    lines = Lines(TRICKY)
    assert [lines.of(("routes", f"[{n}]")) for n in (0, 1)] == [5, 13]
    assert lines.of(("routes", "[0]", "name")) == 6
    assert lines.of(("routes", "[0]", "countries", "[1]")) == 7
    assert lines.of(("routes", "[0]", "comment")) == 11
    assert lines.of(("routes", "[1]", "name")) == 14
    assert lines.of(("routes", "[1]", "pool")) == 15
    assert lines.of(("routes", "[1]", "missing")) == 13
    assert lines.of(("routes", "[9]", "missing")) == 5
    assert lines.of(("other", "pool")) == 17
    assert lines.of(("title",)) == 2
    assert lines.of(("nowhere",)) == 1


@given(st.lists(st.lists(st.text("a\n#[]'", max_size=6), max_size=3), max_size=6), st.booleans())
def test_every_table_is_found_whatever_it_holds(tables: list[list[str]], crlf: bool) -> None:
    """A document that is written line by line has its tables where they were written."""
    text, expected = "", []
    for strings in tables:
        expected.append(text.count("\n") + 1)
        text += "[[routes]]\n" + "".join(f'k{n} = """\n{string}"""\n' for n, string in enumerate(strings))
    text = text.replace("\n", "\r\n") if crlf else text
    assert len(tomllib.loads(text).get("routes", [])) == len(tables)
    lines = Lines(text)
    assert [lines.of(("routes", f"[{n}]")) for n in range(len(tables))] == expected
