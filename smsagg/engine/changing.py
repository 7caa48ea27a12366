"""Carriers and pools under another configuration: those that stay keep what they know and what waits in them.

What left is told from what came by object, not by name: a carrier that is replaced by another one of its name gets a
new state, and the old state lives on until its links have reported all that they had outstanding. What holds it, and
what is known of its ways to countries, goes by the name.
"""

from collections.abc import Mapping

from smsagg.carriers.base import Carrier
from smsagg.config.schema import Config
from smsagg.engine.core import Core
from smsagg.engine.sending.pools import CarrierState, Pool, link_pools


def change_carriers(core: Core, config: Config, carriers: Mapping[str, Carrier], now: float) -> list[CarrierState]:
    """Make ``core.carriers`` those of ``config``, in its order; which states left. ``now`` is monotonic."""
    before = dict(core.carriers)
    core.carriers.clear()
    for name, carrier in carriers.items():
        state, settings = before.get(name), config.carriers[name]
        if state is None:
            state = CarrierState(name, settings, carrier, now)
        elif state.carrier is not carrier:
            holds, ways = state.holds, state.ways
            state = CarrierState(name, settings, carrier, now)
            state.holds, state.ways = holds, ways
        elif state.settings != settings:
            state.reconfigure(settings, now)
        core.carriers[name] = state
    return [state for name, state in before.items() if core.carriers.get(name) is not state]


def change_pools(core: Core, config: Config) -> list[Pool]:
    """Make ``core.pools`` those of ``config``, in its order, over ``core.carriers``; which left.

    The messages of those that left stay in their queues, for :meth:`smsagg.engine.queues.waiting.Waiting.leave_pools`.
    A pool that comes back is the same object, so that places held in it are given back to it.
    """
    before = dict(core.pools)
    core.pools.clear()
    for name, settings in config.pools.items():
        members = [core.carriers[member.carrier] for member in settings.carriers]
        pool = before.get(name) or core.former_pools.pop(name, None)
        if pool is None:
            pool = Pool(name, settings, members)
        else:
            pool.reconfigure(settings, members)
        if name not in before:
            pool.depth = core.former_depth.pop(name, 0)
            pool.spilled = False  # the loader looks what is parked for it
        core.pools[name] = pool
    link_pools(core.pools)
    left = [pool for name, pool in before.items() if name not in core.pools]
    for pool in left:
        pool.forget_members()
        pool.backup, pool.dependents = None, []
        core.former_pools[pool.name] = pool
        if pool.depth:
            core.former_depth[pool.name] = pool.depth
        pool.depth = 0
    return left
