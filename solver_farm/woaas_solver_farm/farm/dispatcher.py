"""The dispatcher: claims runs, has them solved, and sees that each ends with exactly one result."""

import asyncio
from datetime import timedelta
from uuid import UUID

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.telemetry import logger
from woaas_solver_farm.farm.attempt import Attempt, Pace
from woaas_solver_farm.farm.executor import Executor
from woaas_solver_farm.farm.scaling import Scaler
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.schedules import queue

log = logger(__name__)

_ENDED_AT_ONCE = timedelta(0)
_CANDIDATES = 4


class Dispatcher:
    """Fills its places from the queue of every tenant; of three or more one is a lane that long runs never take.

    Any number of dispatchers may share a queue: a run belongs to whoever holds its highest fence.
    """

    def __init__(
        self,
        database: Database,
        executor: Executor,
        scaler: Scaler,
        *,
        threads: int,
        pace: Pace | None = None,
    ) -> None:
        self._database = database
        self._executor = executor
        self._scaler = scaler
        self._threads = threads
        self._pace = pace or Pace()
        self._places = 0
        self._look_at = 0.0
        self._running: dict[asyncio.Task[None], Attempt] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; runs that are being solved then go back into the queue with their best plan."""
        idle_since = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                await self._follow_load()
                if await self._fill(group):
                    continue
                now = asyncio.get_running_loop().time()
                if self._running:
                    idle_since = now
                elif now - idle_since > self._pace.rest_after_s:
                    await self._scaler.rest()
                    await self._executor.rest()
                    idle_since = now
                await self._pause(stop)
            for task in self._running:
                task.cancel()
        await self._executor.close()

    async def run_once(self) -> int:
        """Solve what is due now, one after another; returns how many. For tests and one-off commands."""
        done = 0
        while (claimed := await self._claim(None)) is not None:
            await claimed.carry_out()
            done += 1
        return done

    async def _follow_load(self) -> None:
        """Now and then, let the places follow the load and the nodes there are."""
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._look_at = now + self._pace.scale_s
        try:
            async with self._database.unit_of_work() as uow:
                load = await queue.load(uow)
            self._places = await self._scaler.follow(load, len(self._running))
        except DATABASE_LOST as error:  # or the cluster: the places stay as they are
            log.warning("solver.scaling.failed", error=str(error))

    async def _fill(self, group: asyncio.TaskGroup) -> bool:
        """Start one more run if there is one that a free slot may take."""
        try:
            attempt = await self._claim(self._longest())
        except DATABASE_LOST as error:
            log.warning("solver.queue.unreachable", error=str(error))
            return False
        if attempt is None:
            return False
        task = group.create_task(attempt.carry_out(), name=f"run-{attempt.claim.run_id}")
        self._running[task] = attempt
        task.add_done_callback(self._running.pop)
        return True

    def _longest(self) -> timedelta | None:
        """The most that a run may need to get a slot now; runs that only have to be ended need none."""
        long = sum(attempt.budget_s > queue.BRIEF.total_seconds() for attempt in self._running.values())
        if len(self._running) >= self._places:
            return _ENDED_AT_ONCE
        return queue.BRIEF if long >= self._places - (self._places > 2) else None

    async def _claim(self, longest: timedelta | None) -> Attempt | None:
        async with self._database.unit_of_work() as uow:
            rows = await queue.claimable(uow, _CANDIDATES, longest=longest)
        for row in rows:
            tenant_id: UUID = row["tenant_id"]
            async with inside(self._database, tenant_id) as uow:
                grant = await queue.claim(uow, row["run_id"], self._pace.lease_s, threads=self._threads)
            if grant is not None:
                return Attempt(self._database, self._executor, grant, threads=self._threads, pace=self._pace)
        return None

    async def _pause(self, stop: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._pace.poll_s):
                await stop.wait()
        except TimeoutError:
            return
