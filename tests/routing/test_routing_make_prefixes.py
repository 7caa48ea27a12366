"""The tool that makes the prefix table, and that its output is what is committed."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from types import ModuleType

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.routing import prefixes

TOOL = Path(__file__).parents[2] / "tools" / "make_prefixes.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = spec_from_file_location("make_prefixes", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["make_prefixes"] = module
    spec.loader.exec_module(module)
    return module


def test_the_committed_table_is_what_the_tool_makes(tool: ModuleType) -> None:
    """With the metadata that the table names; after an update of phonenumbers the tool is to be run again."""
    made_from = re.search(r"phonenumbers (\S+):", prefixes.__doc__ or "")
    assert made_from is not None
    if made_from.group(1) != phonenumbers.__version__:
        pytest.skip(f"the table is from phonenumbers {made_from.group(1)}, here is {phonenumbers.__version__}")
    assert tool.make_table() == prefixes.PREFIXES


@pytest.mark.parametrize(
    "pattern", [r"[2-9]\d{2}", r"7(?:4(?:57|8[0-2])|9[1-35])", r"1\d?|2{2,4}|30?(?:12|)", r"\d{3,4}"]
)
@given(st.text("0123456789", max_size=5))
def test_automata_accept_what_the_patterns_match(tool: ModuleType, pattern: str, digits: str) -> None:
    """Whole strings, as phonenumbers matches them."""
    assert accepts(tool.Automaton(pattern), digits) == bool(re.fullmatch(pattern, digits))


def test_automata_agree_with_a_real_pattern_everywhere(tool: ModuleType) -> None:
    """Guernsey's mobile numbers, all their first five digits."""
    pattern = r"7(?:(?:781|839)\d|911[17])"
    automaton = tool.Automaton(pattern)
    for tail in product("0123456789", repeat=4):
        digits = "7" + "".join(tail)
        assert accepts(automaton, digits) == bool(re.fullmatch(pattern, digits))


def accepts(automaton, digits: str) -> bool:  # type: ignore[no-untyped-def]
    states = automaton.start
    for digit in digits:
        states = automaton.step(states, digit)
    return bool(automaton.accepts(states))
