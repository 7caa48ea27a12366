"""Headers that say which version a change is of."""

import pytest
from starlette.requests import Request

from smsagg.api.v1.problem import Problem
from smsagg.api.v1.resources.changing import ABSENT, wanted_tag


def request(**headers: str) -> Request:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": fields})


def test_a_change_is_of_one_version_of_none_or_of_any() -> None:
    """``If-None-Match: *``, one ETag, or nothing."""
    assert wanted_tag(request(if_none_match="*")) == ABSENT
    assert wanted_tag(request(if_match='"abc"')) == "abc"
    assert wanted_tag(request(if_match="*")) is None
    assert wanted_tag(request()) is None


@pytest.mark.parametrize("headers", [{"if_none_match": '"abc"'}, {"if_match": "abc"}, {"if_match": '"a", "b"'}])
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    """It would be taken for something that nobody asked for."""
    with pytest.raises(Problem) as refused:
        wanted_tag(request(**headers))
    assert refused.value.status == 422
