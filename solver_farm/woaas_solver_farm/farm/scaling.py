"""How many workers there should be, and who sees to it: a fixed pool, or the autoscaler of a Ray cluster."""

import asyncio
import math
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from woaas_solver_farm.schedules.queue import Load

if TYPE_CHECKING:
    from woaas_solver_farm.farm.actors import RayExecutor


class Target(Struct, frozen=True, kw_only=True):
    """What scaling aims at: what waits begins within ``wait_s``, with ``least`` to ``most`` workers."""

    wait_s: float = 30.0
    least: int = 0
    most: int = 16


def desired_workers(queue_cpu_s: float, running: int, target: Target) -> int:
    """Those that are busy, and as many more as work off the waiting CPU seconds in the target's time.

    A worker is worth one CPU second a second; with several threads a worker, give ``queue_cpu_s`` by thread.
    """
    more = math.ceil(queue_cpu_s / target.wait_s) if queue_cpu_s > 0 else 0
    return max(target.least, min(target.most, running + more))


class Scaler(Protocol):
    """Sees that there are workers, and knows how many runs they can take."""

    async def follow(self, load: Load, own: int) -> int:
        """Bring the number of workers nearer to what the load wants.

        Returns how many runs the asking dispatcher, which has ``own`` going, may have now.
        """
        ...

    async def rest(self) -> None:
        """Nothing has been solved for a while."""
        ...


class FixedPool:
    """A number of places of this process's own: what an embedded Ray offers."""

    def __init__(self, places: int) -> None:
        self._places = places

    async def follow(self, load: Load, own: int) -> int:
        """Always the same."""
        return self._places

    async def rest(self) -> None:
        """Nothing to let go."""


class RayAutoscaler:
    """Asks a cluster's autoscaler for nodes; the places are what its nodes have, less what other dispatchers use."""

    def __init__(self, executor: "RayExecutor", *, threads: int, target: Target) -> None:
        self._executor = executor
        self._threads = threads
        self._target = target
        self._asked: int | None = None

    async def follow(self, load: Load, own: int) -> int:
        """Ask when the wish changes; the nodes come when they come, and the places with them."""
        wanted = desired_workers(load.queue_s, load.running, self._target)
        if not wanted and self._asked is None:
            return 0
        ray = await self._executor.connect()
        if wanted != self._asked:
            await self.request(wanted)
            self._asked = wanted
        nodes = await asyncio.to_thread(ray.nodes)
        places = sum(int(n["Resources"].get("CPU", 0) // self._threads) for n in nodes if n["Alive"])
        return max(own, min(places, self._target.most) - (load.running - own))

    async def rest(self) -> None:
        """Let idle nodes go."""
        if self._asked is not None:
            await self.request(self._target.least)
        self._asked = None

    async def request(self, workers: int) -> None:
        """Tell the cluster; it keeps to the last word until there is another."""
        from ray.autoscaler.sdk import request_resources  # noqa: PLC0415 - only where a cluster is joined

        await asyncio.to_thread(request_resources, bundles=[{"CPU": self._threads}] * workers)
