"""The checks of one account together: their order, and a change of settings."""

from abuse_bench import NOW, Bench, limits, message, rule
from hypothesis import given
from hypothesis import strategies as st

from smsagg.abuse import Checks, ContentRules, rules_of
from smsagg.abuse.checks import BLOCKED_MAX, Shared
from smsagg.config.abuse import AbuseSettings, AccountAbuseSettings
from smsagg.config.schema import AccountSettings, Config
from smsagg.model import Refusal
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RTHROTTLED


def test_only_enabled_countries_are_taken() -> None:
    """K02: ESME_RINVDSTADR at the submit for any other, and for one that is blocked."""
    bench = Bench(countries=("GB", "DE"), countries_blocked=("DE",))
    assert bench.send(country="GB") is None
    for country in ("DE", "FR", ""):
        assert bench.send(country=country) == (ESME_RINVDSTADR, "country_not_enabled", "")


def test_all_but_the_blocked_countries_are_taken_without_a_list() -> None:
    """K02: countries_blocked alone forbids only those."""
    bench = Bench(countries_blocked=("001",))
    assert bench.send(country="FR") is None
    assert bench.send(country="001") is not None


def test_an_account_without_settings_needs_no_checks() -> None:
    """Nothing is done for what nobody asked for."""
    assert not Bench().checks.are_needed
    for rules in ({"countries": ()}, {"limits": limits("1/m")}, {"numbers": "possible"}, {"duplicates": "drop"}):
        assert Bench(**rules).checks.are_needed
    assert Bench(AbuseSettings(prefix_limits_all=limits("1/m"))).checks.are_needed


def test_an_accounts_own_keys_go_before_the_common_ones() -> None:
    """Key by key; an empty list is a word too."""
    common = AbuseSettings(limits=limits("1/m"), countries_blocked=("FR",), duplicates="drop")
    own = AccountAbuseSettings(limits=(), duplicates_period=9.0)  # type: ignore[arg-type]
    accounts = {name: AccountSettings(name, "", abuse=abuse) for name, abuse in (("a", own), ("b", None))}
    config = Config(accounts, {}, {}, abuse=common)
    rules = rules_of(config, "a")
    assert (rules.limits, rules.countries_blocked, rules.duplicates, rules.duplicates_period) == (
        (),
        ("FR",),
        "drop",
        9,
    )
    assert rules_of(config, "b").limits == limits("1/m")
    assert rules_of(config, "b").duplicates_period == 300.0


def test_a_change_of_settings_keeps_what_was_counted() -> None:
    """Limits, duplicates and blocked prefixes go on where their own settings stay the same."""
    before = Bench(limits=limits("3/m", "9/h"), duplicates="refuse", sequences="block")
    for n in range(3):
        assert before.send(f"4477009001{n:02d}") is None
    for n in range(60):
        before.send(f"2637710{n:05d}")
    assert before.send("263771000060") is not None
    after = Bench(limits=limits("3/m"), country_limits=limits("2/m"), duplicates="drop", sequences="monitor")
    after.checks.adopt(before.checks)
    assert after.send("447700900999", text=b"other") is not None
    assert after.send("447700900100", at_s=100) is not None
    assert after.send("447700900888", at_s=100) is None
    assert after.checks.blocked.keys() == {"2637710"}


def test_unblocking_begins_anew() -> None:
    """A prefix that an operator clears is taken again until there is a new run."""
    bench = Bench(sequences="block")
    for n in range(100):
        bench.send(f"2637710{n:05d}")
    assert bench.send("263771000200") is not None
    assert bench.checks.unblock("2637710")
    assert bench.send("263771000200") is None
    assert not bench.checks.blocked


def test_blocked_prefixes_are_bounded() -> None:
    """Those that end first are given up first."""
    bench = Bench(sequences="block")
    for n in range(BLOCKED_MAX + 10):
        bench.checks._block(str(n), "sequence", NOW + n, None)
    assert len(bench.checks.blocked) == BLOCKED_MAX
    assert "0" not in bench.checks.blocked


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 20_000)), max_size=120))
def test_a_refusal_for_one_limit_never_depends_on_refused_messages(submits: list[tuple[int, int, int]]) -> None:
    """K01: taking away the refused submits changes no answer to the others."""
    first, second = (Bench(limits=limits("20/m"), prefix_limits=limits("5/m")) for _ in range(2))
    at = 0
    for prefix, number, pause in submits:
        at += pause
        digits = f"44770{prefix}90000{number}"
        if first.send(digits, at_s=at / 1000) is None:
            assert second.send(digits, at_s=at / 1000) is None


def test_what_can_be_foreseen_is_what_checking_says() -> None:
    """And foreseeing counts and reports nothing."""
    content = ContentRules((rule("pills", "block", "pill"), rule("prize", "flag", "prize")))
    bench = Bench(content=content, countries=("GB", "FR"), numbers="possible", duplicates="refuse")
    for digits, text, country in (
        ("447700900123", b"hello", "GB"),
        ("447700900123", b"hello", "GB"),
        ("447700900123", b"a pill", "GB"),
        ("447700900124", b"a prize", "GB"),
        ("4477009", b"hello", "GB"),
        ("33612345678", b"hello", "DE"),
    ):
        before = len(bench.findings)
        foreseen = bench.checks.foresee(message(digits, text, country), digits, NOW)
        assert foreseen == bench.checks.foresee(message(digits, text, country), digits, NOW)
        assert len(bench.findings) == before
        assert foreseen == bench.send(digits, body=text, country=country)
    bench.checks.is_frozen = True
    assert bench.checks.foresee(message(), "447700900123", NOW) == bench.send()


def test_common_settings_that_change_cost_only_what_they_are_about() -> None:
    """Another bound for duplicates forgets duplicates, and no limits; limits over all accounts go on."""
    settings = AbuseSettings(prefix_limits_all=limits("2/h"))
    before = Bench(settings, limits=limits("3/h"), duplicates="refuse")
    assert before.send("447700900123") is None
    assert before.send("447700900124") is None
    other = AbuseSettings(prefix_limits_all=limits("2/h", "9/h"), duplicates_max=5_000)
    shared = Shared(other, before.shared)
    after = Checks("acme", before.checks.rules, shared, None, None, before.findings.append)
    after.adopt(before.checks)
    assert after.check(message("447700900123"), "447700900123", NOW) == Refusal(ESME_RTHROTTLED, "velocity")
    assert after.check(message("447800900123"), "447800900123", NOW) is None
    assert after.check(message("447800900125"), "447800900125", NOW) == Refusal(ESME_RTHROTTLED, "velocity")


def test_a_block_ends_in_time_though_nothing_comes() -> None:
    """Operators see what is blocked now."""
    bench = Bench(sequences="block", block_for=60.0)
    for n in range(60):
        bench.send(f"2637710{n:05d}")
    bench.checks.end_blocks(NOW + 59_000)
    assert bench.checks.blocked
    bench.checks.end_blocks(NOW + 60_000)
    assert not bench.checks.blocked


def test_prefixes_of_another_length_are_not_blocked_any_more() -> None:
    """They mean something else."""
    before = Bench(sequences="block")
    for n in range(60):
        before.send(f"2637710{n:05d}")
    after = Bench(sequences="block", prefix_digits=8)
    after.checks.adopt(before.checks)
    assert not after.checks.blocked
