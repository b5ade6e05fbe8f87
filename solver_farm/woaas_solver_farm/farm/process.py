"""The solver process: ``woaas-server solver``."""

import asyncio
import os

from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.settings import Settings
from woaas_solver_farm.farm.actors import RayExecutor
from woaas_solver_farm.farm.dispatcher import Dispatcher
from woaas_solver_farm.farm.lane import Lane
from woaas_solver_farm.farm.scaling import FixedPool, RayAutoscaler, Scaler, Target

# On one machine two long runs share the processors, so that the first does not keep the second waiting; the third
# place is the short lane's.
_PLACES_HERE = 3
_THREADS_ON_CLUSTER = 2


async def run_solver(settings: Settings, stop: asyncio.Event, *, clock: Clock | None = None) -> None:
    """Solve queued runs and answer fast questions until told to stop; Ray starts with the first solve."""
    is_cluster = bool(settings.ray_address)
    most = settings.solver_runs_at_once if is_cluster else _PLACES_HERE
    threads = _THREADS_ON_CLUSTER if is_cluster else max(1, (os.cpu_count() or 1) // (_PLACES_HERE - 1))
    executor = RayExecutor(settings, places=most, threads=threads)
    scaler: Scaler = FixedPool(most)
    if is_cluster:
        scaler = RayAutoscaler(executor, threads=threads, target=Target(most=most))
    database = await Database.connect(
        settings.database_url, role=APP, size=2 * most + 5, clock=clock, pooler=settings.pooler_url
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(Lane(database).run(stop))
            group.create_task(Dispatcher(database, executor, scaler, threads=threads).run(stop))
    finally:
        await database.close()
