"""Times of submits as ESMEs write them, and as responses write them back (A24, E05, E06)."""

import pytest
import trio
import trio.testing
from esme_bench import front_door

from smsagg.config.schema import MessageClassSettings
from smsagg.smpp import status as s
from smsagg.smpp.pdu import CancelSm, CancelSmResp, QuerySm, QuerySmResp

HOUR, DAY = 3_600_000, 86_400_000
QUARTER = 900_000


@pytest.mark.parametrize(
    ("schedule", "delay_ms"),
    [
        ("270115090000000+", HOUR),
        ("270115090000500+", HOUR + 500),
        ("270115090000004+", 0),
        ("270115090000004-", 2 * HOUR),
        ("270115143000022+", HOUR),
        ("270115040000020-", HOUR),
        ("270115214500051+", None),
        ("270115220000048+", 2 * HOUR),
        ("270114210000048-", HOUR),
        ("000000010000000R", HOUR),
        ("000001000000000R", DAY),
        ("000000000090000R", 90_000),
        ("000000480000000R", 48 * HOUR),
        ("000100000000000R", 31 * DAY),
    ],
)
async def test_schedules_in_any_zone(
    autojump_clock: trio.testing.MockClock, schedule: str, delay_ms: int | None
) -> None:
    """Quarter hours east and west, tenths, calendar months; it is 2027-01-15, 8 o'clock UTC. ``None``: refused."""
    roomy = MessageClassSettings(schedule_max=400 * 86_400.0)  # type: ignore[arg-type]
    async with front_door(message_classes={"default": roomy}) as bench:
        client = await bench.bound()
        submitted_at = bench.gateway.clock.now_ms()
        response = await client.submit(schedule_delivery_time=schedule)
        if delay_ms is None:
            assert response.command_status == s.ESME_RINVSCHED
            return
        assert response.command_status == s.ESME_ROK
        (message,) = bench.stored
        assert message.not_before - submitted_at == delay_ms


async def test_a_time_past_the_turn_of_the_year(autojump_clock: trio.testing.MockClock) -> None:
    """On new year's eve 28 is next year, in the years 99 and 00 as well."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.gateway.clock.jump_wall(350 * 86_400 + 15.5 * 3_600)
        at = bench.gateway.clock.now_ms()
        await client.submit_ok(schedule_delivery_time="280101000000000+", validity_period="280102000000000+")
        (message,) = bench.stored
        assert (message.not_before - at, message.expires_at - message.not_before) == (HOUR // 2, DAY)


@pytest.mark.parametrize(("ago_s", "command_status"), [(0, s.ESME_ROK), (59, s.ESME_ROK), (61, s.ESME_RINVSCHED)])
async def test_a_schedule_that_has_just_passed_means_now(
    autojump_clock: trio.testing.MockClock, ago_s: int, command_status: int
) -> None:
    """Clocks differ by a little; more than a minute ago is a mistake."""
    async with front_door() as bench:
        client = await bench.bound()
        bench.gateway.clock.jump_wall(ago_s)
        response = await client.submit(schedule_delivery_time="270115080000000+")
        assert response.command_status == command_status
        if command_status == s.ESME_ROK:
            await bench.settle()
            assert len(bench.carrier.sent) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"validity_period": "270115075959900+"},
        {"validity_period": "270115070000000+"},
        {"validity_period": "000000000000000R"},
        {"validity_period": "000000010000000R", "schedule_delivery_time": "000000020000000R"},
        {"validity_period": "270115090000000+", "schedule_delivery_time": "270115090000000+"},
    ],
)
async def test_an_end_before_the_beginning_is_refused(
    autojump_clock: trio.testing.MockClock, fields: dict[str, str]
) -> None:
    """ESME_RINVEXPIRY for what is over already, and for what would be at its schedule (E06)."""
    async with front_door() as bench:
        response = await (await bench.bound()).submit(**fields)
        assert response.command_status == s.ESME_RINVEXPIRY
        assert bench.stored == []


@pytest.mark.parametrize(("validity", "life_ms"), [("", 2 * HOUR), ("000100000000000R", 3 * HOUR)])
async def test_a_life_has_a_default_and_a_limit(
    autojump_clock: trio.testing.MockClock, validity: str, life_ms: int
) -> None:
    """NULL means ``ttl``, more than ``ttl_max`` is cut, both counted from the schedule (E05)."""
    short = MessageClassSettings(ttl=7_200.0, ttl_max=10_800.0)  # type: ignore[arg-type]
    async with front_door(message_classes={"default": short}) as bench:
        await (await bench.bound()).submit_ok(validity_period=validity, schedule_delivery_time="000000010000000R")
        (message,) = bench.stored
        assert message.expires_at - message.not_before == life_ms


async def test_a_message_is_sent_at_its_time_and_expires_at_its_end(autojump_clock: trio.testing.MockClock) -> None:
    """Not a moment before the one, never after the other."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(schedule_delivery_time="000000000200000R", validity_period="000000000300000R")
        began_at = bench.gateway.clock.now_ms()
        await bench.gateway.until(lambda: bool(bench.carrier.sent))
        assert 120_000 <= bench.carrier.sent[0].at - began_at < 121_500


async def test_the_final_date_is_absolute_and_in_utc(autojump_clock: trio.testing.MockClock) -> None:
    """As the specification writes it."""
    async with front_door() as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time="000000010000000R", registered_delivery=0)
        bench.gateway.clock.jump_wall(12.3)
        await client.send(CancelSm("", message_id))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        await client.send(QuerySm(message_id))
        assert (await client.receive(QuerySmResp)).final_date == "270115080012300+"


@pytest.mark.parametrize("seconds", [3_600, -3_600, 86_400 * 200])
async def test_a_wall_clock_that_jumps_ends_no_session(autojump_clock: trio.testing.MockClock, seconds: int) -> None:
    """Sessions are timed by the monotonic clock (B19)."""
    async with front_door() as bench:
        clients = [await bench.bound() for _ in range(5)]
        bench.gateway.clock.jump_wall(seconds)
        await trio.sleep(20)
        for client in clients:
            assert await client.is_alive()
        assert bench.reasons() == {}
