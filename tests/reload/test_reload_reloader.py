"""Reading the configuration anew: all of it comes in force, or nothing; what is told; what is kept."""

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import asdict
from reload_bench import Bench, hash_of, running, text_of

from smsagg.cli.reload import told
from smsagg.directory.audit import AuditSought
from smsagg.engine.inbound.handset import HandsetMessages
from smsagg.errors import ConfigError, ControlError, StoreFull
from smsagg.reload.versions import DOCUMENT, KEPT, VERSION
from smsagg.smpp.status import ESME_RINVDSTADR

VN = '[pools.vn]\ncountries = ["VN"]\ncarriers = ["alpha"]\n'
GUEST = f'[accounts.guest]\nsystem_id = "guest"\npassword_hash = "{hash_of("guest")}"\n'
BETA = '[carriers.beta]\ntype = "simulated"\n'


async def reload(bench: Bench, text: str, **options: bool) -> Any:
    bench.write(text)
    return await bench.reloader.reload("test", **options)


async def test_what_changed_is_told_and_in_force(tmp_path: Path) -> None:
    """An account, a carrier and a pool more; the version, its summary, and every difference in a line."""
    async with running(tmp_path) as bench:
        first = bench.reloader.current
        assert (first.number, first.by) == (1, "start")
        esme = await bench.connect()
        assert (await esme.submit("84901234567")).command_status == ESME_RINVDSTADR
        pools = '[pools.vn]\ncountries = ["VN"]\ncarriers = ["beta"]\n'
        reloaded = await reload(bench, text_of(GUEST, BETA, pools, demo="binds_max = 2"))
        assert reloaded.applied
        assert reloaded.recorded
        assert (reloaded.version, reloaded.waiting) == (2, [])
        assert reloaded.summary == "accounts: +1 ~1; carriers: +1; pools: +1"
        assert reloaded.changes == [
            "+ accounts.guest",
            "~ accounts.demo: binds_max",
            "+ carriers.beta",
            "+ pools.vn",
        ]
        assert (await esme.submit("84901234567")).command_status == 0
        assert (await bench.connect("guest", "guest")).is_bound
        assert bench.metrics.config_version.n == 2
        assert bench.metrics.config_applied_at.n == bench.reloader.current.at / 1000
        assert bench.count("applied") == 1


async def test_a_routes_file_changes_without_the_main_file(tmp_path: Path) -> None:
    """In force for the next submit of a session that is bound; a rule that is wrong leaves those before."""
    rule = '[[routes]]\nname = "all"\ncountries = ["GB"]\n'
    routes = trio.Path(tmp_path / "routes.toml")
    await routes.write_text(rule + 'pool = "gb"\n')
    async with running(tmp_path, text_of(pools='[routing]\nroutes = "routes.toml"\n')) as bench:
        esme = await bench.connect()
        assert (await esme.submit()).command_status == 0
        await routes.write_text(rule + 'block = "closed"\n')
        reloaded = await bench.reloader.reload("test")
        assert (reloaded.version, reloaded.changes) == (2, ["~ file routes.toml"])
        assert (await esme.submit()).command_status == ESME_RINVDSTADR
        await routes.write_text(rule + 'pool = "nowhere"\n')
        with pytest.raises(ConfigError, match=r"routes\.toml:\d+: "):
            await bench.reloader.reload("test")
        assert (await esme.submit()).command_status == ESME_RINVDSTADR


async def test_every_problem_is_told_and_nothing_changes(tmp_path: Path) -> None:
    """Two wrong keys and a name that leads nowhere; the good part of the file is not applied either."""
    async with running(tmp_path) as bench:
        before = bench.engine.core.config
        wrong = text_of(GUEST, BETA, '[pools.vn]\ncarriers = ["gamma"]\n', demo='rate = "many"\ncolour = "red"')
        with pytest.raises(ConfigError) as error:
            await reload(bench, wrong)
        problems = str(error.value).split("\n")
        assert len(problems) == 3
        assert all(problem.startswith(f"{bench.path}: ") for problem in problems)
        assert bench.engine.core.config is before
        assert bench.reloader.current.number == 1
        assert set(bench.engine.accounts) == {"demo"}
        assert bench.count("refused") == 1


async def test_problems_of_the_data_files_are_told_beside_those_of_the_main_file(tmp_path: Path) -> None:
    """One run tells all: a wrong key here, a wrong row there."""
    async with running(tmp_path) as bench:
        (tmp_path / "card.csv").write_text("prefix,price,currency\n44,cheap,EUR\n")
        wrong = text_of(demo='rate = "many"').replace(
            'type = "simulated"', 'type = "simulated"\nrate_card = "card.csv"'
        )
        with pytest.raises(ConfigError) as error:
            await reload(bench, wrong)
        main, data = str(error.value).split("\n")
        assert main.startswith(f"{bench.path}: accounts.demo.rate: ")
        assert data.startswith(f"{tmp_path / 'card.csv'}:2: ")


async def test_a_file_that_is_no_toml_or_is_not_there(tmp_path: Path) -> None:
    """Told, and the server goes on."""
    async with running(tmp_path) as bench:
        with pytest.raises(ConfigError, match="is not TOML"):
            await reload(bench, "[")
        bench.path.unlink()
        with pytest.raises(ConfigError, match="cannot be read"):
            await bench.reloader.reload("test")
        assert (await bench.connect()).is_bound


async def test_the_same_files_are_no_new_version(tmp_path: Path) -> None:
    """Nothing is done; another comment is a version without an effect."""
    async with running(tmp_path) as bench:
        reloaded = await bench.reloader.reload("test")
        assert not reloaded.applied
        assert reloaded.version == 1
        assert bench.count("unchanged") == 1
        reloaded = await reload(bench, "# a word\n" + text_of())
        assert (reloaded.version, reloaded.summary) == (2, "nothing that has an effect")


async def test_a_file_that_changed_while_the_process_started_is_not_taken_for_the_same(tmp_path: Path) -> None:
    """What is in force was read before; the first reload brings what stands there."""
    async with running(tmp_path) as bench:
        bench.write(text_of(GUEST))
        await bench.reloader.begin()
        assert (await bench.reloader.reload("test")).applied
        assert set(bench.engine.accounts) == {"demo", "guest"}


async def test_what_the_audit_trail_cannot_say_is_not_done(tmp_path: Path) -> None:
    """J18: while the store fails a reload is refused and changes nothing; when it works again it says who asked."""
    async with running(tmp_path) as bench:
        bench.store.break_down(StoreFull("full"))
        with pytest.raises(StoreFull):
            await reload(bench, text_of(GUEST))
        assert set(bench.engine.accounts) == {"demo"}
        assert bench.count("refused") == 1
        bench.store.repair()
        await reload(bench, text_of(GUEST))
        records, _ = await bench.store.find_audit(AuditSought(), 0, 10)
        assert [(one.entry.action, one.entry.actor, one.entry.subject) for one in records] == [
            ("config.apply", "test", "2")
        ]


async def test_a_store_that_fails_then_delays_the_version_and_not_the_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in force, the answer says that it is not on the disk, and it is when the store works again."""
    monkeypatch.setattr("smsagg.reload.reloader.RECORDED_S", 0.05)
    async with running(tmp_path) as bench:
        note = bench.engine.register.note

        async def note_and_fail(*arguments: Any) -> None:
            await note(*arguments)
            bench.store.break_down(StoreFull("full"))

        monkeypatch.setattr(bench.engine.register, "note", note_and_fail)
        reloaded = await reload(bench, text_of(GUEST))
        assert (reloaded.applied, reloaded.recorded) == (True, False)
        assert set(bench.engine.accounts) == {"demo", "guest"}
        bench.store.repair()
        await bench.store.flush()
        assert len(await bench.store.load_entities(VERSION)) == 2


async def test_a_check_changes_nothing(tmp_path: Path) -> None:
    """It says what a reload would do."""
    async with running(tmp_path) as bench:
        would = await reload(bench, text_of(GUEST), check=True)
        assert not would.applied
        assert (would.version, would.changes) == (1, ["+ accounts.guest"])
        assert set(bench.engine.accounts) == {"demo"}
        assert bench.reloader.versions.latest is bench.reloader.current
        with pytest.raises(ConfigError):
            await reload(bench, text_of(GUEST, demo="colour = 1"), check=True)
        assert bench.count("refused") == 0


async def test_what_needs_a_restart_waits_for_one(tmp_path: Path) -> None:
    """Told, left as it is, and the rest comes in force; with strict all of it is refused."""
    async with running(tmp_path) as bench:
        wanted = text_of(GUEST, rest="[session]\ntlvs_max = 7\n")
        with pytest.raises(ControlError, match=r"need a restart: session\.tlvs_max"):
            await reload(bench, wanted, strict=True)
        assert set(bench.engine.accounts) == {"demo"}
        reloaded = await reload(bench, wanted)
        assert reloaded.waiting == ["session.tlvs_max"]
        assert reloaded.summary == "accounts: +1; needs a restart: session.tlvs_max"
        assert bench.engine.core.config.session.tlvs_max == 64
        assert bench.reloader.current.waiting == ("session.tlvs_max",)


async def test_what_makes_no_sense_before_the_restart_is_refused(tmp_path: Path) -> None:
    """An account that is to have TLS, on a server that will have it only when it starts again."""
    async with running(tmp_path) as bench:
        tls = '[server.tls]\ncertificate_file = "c.pem"\nkey_file = "k.pem"\n'
        with pytest.raises(ConfigError, match=r"require_tls.*as long as.*server\.tls"):
            await reload(bench, text_of(demo="require_tls = true", rest=tls))
        assert bench.reloader.current.number == 1


async def test_a_part_that_fails_has_all_others_go_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in the middle of the step: as if it had never begun, and the next one succeeds."""
    faults = [RuntimeError("a bug")]

    def reconfigure(_: HandsetMessages) -> None:
        if faults:
            raise faults.pop()

    async with running(tmp_path) as bench:
        monkeypatch.setattr(HandsetMessages, "reconfigure", reconfigure)
        with pytest.raises(ControlError, match=r"nothing was changed.*a bug"):
            await reload(bench, text_of(GUEST, pools=VN))
        assert set(bench.engine.accounts) == {"demo"}
        assert set(bench.engine.core.pools) == {"gb"}
        assert not (await bench.connect("guest", "guest")).is_bound
        assert bench.count("failed") == 1
        records, _ = await bench.store.find_audit(AuditSought(), 0, 10)
        assert [one.entry.action for one in records] == ["config.apply.refused", "config.apply"]
        assert (await bench.reloader.reload("test")).version == 2
        assert set(bench.engine.core.pools) == {"gb", "vn"}


async def test_a_signal_reloads(tmp_path: Path) -> None:
    """What SIGHUP calls; what is wrong ends nothing."""
    async with running(tmp_path) as bench:
        bench.write("[")
        bench.gateway.reload()
        await until(lambda: bench.count("refused") == 1)
        bench.write(text_of(GUEST))
        bench.gateway.reload()
        await until(lambda: bench.reloader.current.number == 2)
        assert bench.reloader.current.by == "SIGHUP"


async def test_a_fault_of_ours_while_a_signal_is_served_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logged; the next signal is served."""
    faults = [RuntimeError("a bug")]

    def read(path: Path) -> str:
        if faults:
            raise faults.pop()
        return path.read_text()

    async with running(tmp_path) as bench:
        monkeypatch.setattr("smsagg.reload.reloader.read_text", read)
        bench.write(text_of(GUEST))
        bench.gateway.reload()
        await until(lambda: not faults)
        bench.gateway.reload()
        await until(lambda: bench.reloader.current.number == 2)


async def test_a_server_that_stops_takes_no_other_configuration(tmp_path: Path) -> None:
    """It would bind carriers anew."""
    async with running(tmp_path) as bench:
        bench.engine.intake.stopped = True
        with pytest.raises(ControlError, match="stopping"):
            await reload(bench, text_of(GUEST))


async def test_versions_outlive_the_process(tmp_path: Path) -> None:
    """The same files at the next start are the same version, others are a new one."""
    async with running(tmp_path) as bench:
        await reload(bench, text_of(GUEST))
        tables = bench.store.tables
    async with running(tmp_path, tables=tables) as bench:
        assert bench.reloader.current.number == 2
        assert [version.by for version in bench.reloader.versions.all] == ["start", "test"]
    async with running(tmp_path, text_of(), tables=tables) as bench:
        assert (bench.reloader.current.number, bench.reloader.current.by) == (3, "start")
        assert bench.reloader.current.digest == bench.reloader.versions.find(1).digest


async def test_only_so_many_versions_are_kept_and_only_their_texts(tmp_path: Path) -> None:
    """The oldest leave the store, with the texts that nobody names any more."""
    async with running(tmp_path) as bench:
        for number in range(KEPT + 5):
            await reload(bench, f"# {number}\n" + text_of())
        kept = await bench.store.load_entities(VERSION)
        assert len(kept) == len(bench.reloader.versions.all) == KEPT
        assert bench.reloader.versions.all[0].number == 7
        assert len(await bench.store.load_entities(DOCUMENT)) == KEPT
        with pytest.raises(ControlError, match="version 6 is not kept; there are from 7 to 106"):
            bench.reloader.versions.find(6)


async def test_no_secret_is_in_the_store(tmp_path: Path) -> None:
    """Neither the hash, nor a password of a carrier; what differs in them only is another version."""

    def smpp(password: str) -> str:
        keys = 'type = "smpp"\naddress = "127.0.0.1:1"\nsystem_id = "us"\nreconnect_first = "60s"'
        return f'[carriers.beta]\n{keys}\npassword = "{password}"\n'

    async with running(tmp_path, text_of(carriers=smpp("hush-hush"))) as bench:
        (text,) = (await bench.reloader.versions.texts_of(bench.reloader.current)).values()
        assert "hush-hush" not in text
        assert hash_of("pw") not in text
        assert text.count("redacted:") == 2
        reloaded = await reload(bench, text_of(carriers=smpp("psst")))
        assert (reloaded.version, reloaded.changes) == (
            2,
            ["~ carriers.beta: password", "~ carriers.beta: another connection; the one before ends"],
        )


async def until(condition: Any) -> None:
    with trio.fail_after(20):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_rules_that_nothing_reaches_are_told(tmp_path: Path) -> None:
    """They are in force all the same."""
    async with running(tmp_path) as bench:
        rules = '[[routes]]\nname = "a"\nblock = "x"\n[[routes]]\nname = "b"\nblock = "y"\n'
        (tmp_path / "routes.toml").write_text(rules)
        reloaded = await reload(bench, text_of('[routing]\nroutes = "routes.toml"\n'))
        assert reloaded.applied
        said = f'{tmp_path}/routes.toml:4: route "b" is never reached: route "a" decides all that it would'
        assert reloaded.warnings == [said]
        told_lines = told(asdict(reloaded)).splitlines()
        assert f"warning: {said}" in told_lines
