"""Whose fault failures in a row are."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.shaping import Culprit, FailureRun, culprit_of


def run_of(*names: object) -> FailureRun:
    run = FailureRun()
    for name in names:
        run.add(name)
    return run


def test_an_only_link_that_fails_for_one_country() -> None:
    """The country is to blame: others may well get through."""
    assert culprit_of(run_of("GB", "GB", "GB"), run_of(1, 1, 1), 3, has_other_link=False) is Culprit.COUNTRY


def test_an_only_link_that_fails_for_several_countries() -> None:
    """The link is to blame, however the failures are spread."""
    assert culprit_of(run_of("GB", "GB", "VN"), run_of(1), 3, has_other_link=False) is Culprit.LINK
    assert culprit_of(run_of("VN", "GB", "GB", "GB"), run_of(1, 1, 1), 3, has_other_link=False) is Culprit.LINK


def test_one_of_several_links() -> None:
    """The other link is tried first; when it fails as well the country is to blame."""
    assert culprit_of(run_of("GB", "GB", "GB"), run_of(1, 1, 1), 3, has_other_link=True) is Culprit.LINK
    assert culprit_of(run_of("GB", "GB"), run_of(1, 2, 1, 2), 3, has_other_link=True) is Culprit.COUNTRY


def test_what_only_a_link_can_do() -> None:
    """Lost connections and missing answers are no country's fault."""
    link = FailureRun()
    for _ in range(3):
        link.add_own()
    assert culprit_of(link, None, 3, has_other_link=False) is Culprit.LINK


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["GB", "VN", "US"]), st.booleans()), max_size=60),
    st.integers(0, 4),
)
def test_nobody_is_convicted_on_too_little(events: list[tuple[int, str, bool]], failures_max: int) -> None:
    """Less than so many in a row on the link and for the country convict nobody; so many always convict somebody."""
    links = [FailureRun() for _ in range(3)]
    countries = {country: FailureRun() for country in ("GB", "VN", "US")}
    for number, country, is_failure in events:
        link, way = links[number], countries[country]
        if not is_failure:
            link.clear()
            way.clear()
            continue
        link.add(country)
        way.add(number)
        guilty = culprit_of(link, way, failures_max, has_other_link=True)
        if guilty is None:
            assert not failures_max or link.count < failures_max
        else:
            run = link if guilty is Culprit.LINK else way
            assert 0 < failures_max <= run.count
