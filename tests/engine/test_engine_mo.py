"""Messages from handsets: to the account that their route names, in whatever way they came."""

import trio

from smsagg.config.schema import Duration, MoRouteSettings, MoSettings
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RX_R_APPN
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, run_gateway

ACCOUNTS = {name: account_settings(name) for name in ("acme", "other")}


async def test_routes_by_keyword_and_carrier() -> None:
    """A short code that two accounts share by keywords, and a number that one carrier brings for another."""
    config = make_config(
        accounts=ACCOUNTS,
        carriers={"alpha": carrier_settings(), "beta": carrier_settings()},
        mo_routes=(
            MoRouteSettings("acme", "53849"),
            MoRouteSettings("other", "53849", "vote"),
            MoRouteSettings("other", "4477*", carrier="beta"),
        ),
    )
    async with run_gateway(config) as gateway:
        acme, other = gateway.attach("acme"), gateway.attach("other")
        alpha, beta = gateway.carriers.values()
        reported = [
            alpha.mo("53849", b"hello"),
            alpha.mo("53849", b"Vote! 1"),
            beta.mo("447700900123", b"x"),
            alpha.mo("447700900123", b"y"),
        ]
        await gateway.settle()
        assert [one.statuses for one in reported] == [[ESME_ROK]] * 3 + [[ESME_RINVDSTADR]]
        assert [delivery.body for delivery in acme.received] == [b"hello"]
        assert [delivery.body for delivery in other.received] == [b"Vote! 1", b"x"]
        gateway.assert_nothing_is_held()


async def test_two_accounts_that_answer_each_other() -> None:
    """Between numbers of ours so many go through in a window and no more; handsets are not counted (K07)."""
    accounts = {
        "acme": account_settings("acme", mo_numbers=("60001",)),
        "other": account_settings("other", mo_numbers=("60002",)),
    }
    config = make_config(accounts=accounts, mo=MoSettings(loop_messages_max=2, loop_window=Duration(60)))
    async with run_gateway(config) as gateway:
        sink = gateway.attach("acme")
        statuses = [gateway.carrier.mo("60001", source_addr="60002") for _ in range(3)]
        handset = [gateway.carrier.mo("60001") for _ in range(5)]
        await gateway.settle()
        assert [one.statuses for one in statuses] == [[ESME_ROK], [ESME_ROK], [ESME_RX_R_APPN]]
        assert [one.statuses for one in handset] == [[ESME_ROK]] * 5
        assert gateway.metrics.carrier_mo["alpha", "looped"].n == 1
        await trio.sleep(60)
        again = gateway.carrier.mo("60001", source_addr="60002")
        await gateway.settle()
        assert again.statuses == [ESME_ROK]
        assert len(sink.received) == 8
