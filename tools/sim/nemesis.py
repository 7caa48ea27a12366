"""Does to a simulated world what was planned against it, and undoes it again."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from smsagg.errors import StoreFailed, StoreFull
from tools.sim.scenario import PlannedFault
from tools.sim.wire import ESME_RSYSERR, ESME_RTHROTTLED

if TYPE_CHECKING:
    from tools.sim.network import Wire
    from tools.sim.world import World

FATES = ("sent", "sent", "lost", "dark")
JUMPS_S = (-30.0, -2.0, -0.5, 0.5, 2.0, 8.0)


class Nemesis:
    """One method a kind of fault; each says itself how it ends, and all are over after :meth:`heal`."""

    def __init__(self, world: "World", rng: Random) -> None:
        self._world = world
        self._rng = rng
        self._is_over = False
        self._reloads = 0
        self._acts: dict[str, Callable[[float], None]] = {
            "kill": lambda _: self.kill("kill"),
            "kill twice": self._kill_twice,
            "stop": lambda _: self._stop(),
            "reload": lambda _: self._reload(),
            "carrier reset": lambda _: self._each_carrier_wire(lambda wire: wire.reset()),
            "carrier dark": lambda lasting_s: self._each_carrier_wire(lambda wire: wire.go_dark(lasting_s)),
            "carrier pause": self._carrier_pause,
            "carrier unbind": lambda _: self._carrier_unbind(),
            "carrier down": self._carrier_down,
            "carrier silent": self._carrier_silent,
            "carrier refuses": self._carrier_refuses,
            "carrier refuses binds": lambda lasting_s: self._carrier_takes_no_bind("refuse", lasting_s),
            "carrier mute": lambda lasting_s: self._carrier_takes_no_bind("mute", lasting_s),
            "esme reset": lambda _: self._some_esme(lambda wire: wire.reset()),
            "esme dark": lambda lasting_s: self._some_esme(lambda wire: wire.go_dark(lasting_s)),
            "esme pause": self._esme_pause,
            "esme unbind": lambda _: self._esme_unbind(),
            "disk full": lambda lasting_s: self._disk_breaks(StoreFull("simulated"), lasting_s),
            "disk failed": lambda lasting_s: self._disk_breaks(StoreFailed("simulated"), lasting_s),
            "disk stalled": lambda lasting_s: self._world.disk.stall(lasting_s),
            "disk hiccup": lambda _: self._disk_hiccup(),
            "clock jump": lambda _: self._clock_jump(),
            "network slow": self._network_slow,
        }

    def plan(self, faults: tuple[PlannedFault, ...]) -> None:
        for fault in faults:
            self._world.agenda.at(fault.at, partial(self._begin, fault))

    def kill(self, why: str) -> None:
        """``kill -9`` of the gateway."""
        if not self._is_over:
            self._world.kill(why, lambda: self._rng.choice(FATES))

    def heal(self) -> None:
        """Everything works again, and nothing new begins."""
        self._is_over = True
        world = self._world
        world.trace.add("nemesis", "", "heal")
        world.disk.heal()
        world.store_error = None
        if world.life is not None:
            world.life.store.repair()
            if world.scenario.reloads:
                world.life.reload(world.scenario.config)
        world.weather.extra_s = 0.0
        for supplier in world.suppliers.values():
            supplier.is_calm = supplier.is_listening = True
            supplier.is_silent = False
            supplier.refuses_with = 0
            supplier.bind_mood = ""
            supplier.pump()
        for customer in world.customers:
            customer.is_calm = True
        for wire in world.wires:
            wire.heal()

    def _begin(self, fault: PlannedFault) -> None:
        if not self._is_over:
            self._world.trace.add("nemesis", "", f"{fault.kind} {fault.lasting_s:.3f}")
            self._acts[fault.kind](fault.lasting_s)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._world.agenda.after(seconds, act)

    # --- the gateway ---

    def _kill_twice(self, lasting_s: float) -> None:
        """Again while it starts."""
        self.kill("kill")
        for _ in range(2):
            self._later(self._rng.uniform(0.0, lasting_s), lambda: self.kill("kill while starting"))

    def _stop(self) -> None:
        if self._world.life is not None:
            self._world.life.stop()

    def _reload(self) -> None:
        reloads = self._world.scenario.reloads
        if self._world.life is not None and reloads:
            self._world.life.reload(reloads[self._reloads % len(reloads)])
            self._reloads += 1

    # --- carriers ---

    def _some_supplier(self) -> str:
        return self._rng.choice(list(self._world.suppliers))

    def _each_carrier_wire(self, act: "Callable[[Wire], None]") -> None:
        for session in list(self._world.suppliers[self._some_supplier()].sessions):
            act(session.wire)

    def _carrier_pause(self, lasting_s: float) -> None:
        for session in self._world.suppliers[self._some_supplier()].sessions:
            session.wire.pause()
            self._later(lasting_s, self._rng.choice((session.wire.resume, session.wire.reset)))

    def _carrier_unbind(self) -> None:
        for session in list(self._world.suppliers[self._some_supplier()].sessions):
            session.unbind()

    def _carrier_down(self, lasting_s: float) -> None:
        supplier = self._world.suppliers[self._some_supplier()]
        supplier.is_listening = False
        for session in list(supplier.sessions):
            session.wire.reset()

        def up() -> None:
            supplier.is_listening = True

        self._later(lasting_s, up)

    def _carrier_silent(self, lasting_s: float) -> None:
        supplier = self._world.suppliers[self._some_supplier()]
        supplier.is_silent = True

        def speak() -> None:
            supplier.is_silent = False
            supplier.pump()

        self._later(lasting_s, speak)

    def _carrier_refuses(self, lasting_s: float) -> None:
        supplier = self._world.suppliers[self._some_supplier()]
        supplier.refuses_with = self._rng.choice((ESME_RSYSERR, ESME_RTHROTTLED))

        def relent() -> None:
            supplier.refuses_with = 0

        self._later(lasting_s, relent)

    def _carrier_takes_no_bind(self, mood: str, lasting_s: float) -> None:
        supplier = self._world.suppliers[self._some_supplier()]
        supplier.bind_mood = mood
        for session in list(supplier.sessions):
            session.wire.reset()

        def welcome() -> None:
            supplier.bind_mood = ""

        self._later(lasting_s, welcome)

    # --- customers ---

    def _some_esme(self, act: "Callable[[Wire], None]") -> None:
        sessions = [bind.session for customer in self._world.customers for bind in customer.binds if bind.session]
        if sessions:
            act(self._rng.choice(sessions).wire)

    def _esme_pause(self, lasting_s: float) -> None:
        def pause(wire: "Wire") -> None:
            wire.pause()
            self._later(lasting_s, wire.resume)

        self._some_esme(pause)

    def _esme_unbind(self) -> None:
        for customer in self._world.customers:
            for bind in customer.binds:
                if bind.session is not None and self._rng.random() < 0.5:
                    bind.session.unbind()

    # --- the disk, the clock, the network ---

    def _disk_breaks(self, error: StoreFull | StoreFailed, lasting_s: float) -> None:
        world = self._world
        world.store_error = error
        if world.life is not None:
            world.life.store.break_down(error)

        def repair() -> None:
            world.store_error = None
            if world.life is not None:
                world.life.store.repair()

        self._later(lasting_s, repair)

    def _disk_hiccup(self) -> None:
        if self._world.life is not None:
            self._world.life.store.fail_next(StoreFull("simulated"))

    def _clock_jump(self) -> None:
        jump_s = self._rng.choice(JUMPS_S)
        self._world.trace.add("nemesis", "", f"the wall clock jumps by {jump_s} s")
        self._world.jump_clock(jump_s)

    def _network_slow(self, lasting_s: float) -> None:
        weather = self._world.weather
        weather.extra_s = self._rng.choice((0.2, 1.0))

        def hurry() -> None:
            weather.extra_s = 0.0

        self._later(lasting_s, hurry)
