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

SLOTS = 2


async def run_solver(settings: Settings, stop: asyncio.Event, *, clock: Clock | None = None) -> None:
    """Solve queued runs and answer fast questions until told to stop; Ray starts with the first solve.

    Two runs share the machine's processors, so that a long one does not keep the next waiting.
    """
    database = await Database.connect(settings.database_url, role=APP, size=2 * SLOTS + 5, clock=clock)
    workers = max(1, (os.cpu_count() or 1) // SLOTS)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(Lane(database).run(stop))
            group.create_task(Dispatcher(database, RayExecutor(settings), slots=SLOTS, workers=workers).run(stop))
    finally:
        await database.close()
