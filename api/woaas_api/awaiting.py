"""Waiting for the planner: one listener a process, told by Postgres which questions have been answered."""

import asyncio
from uuid import UUID

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.telemetry import logger
from woaas_solver_farm.schedules.queue import INQUIRY_ANSWERED

log = logger(__name__)


class RunAnswers:
    """Who waits for which run. A waiting request holds no connection and no transaction."""

    def __init__(self, database: Database, wait_s: float) -> None:
        self._wait_s = wait_s
        self._listener = database.listener(INQUIRY_ANSWERED, self._hear)
        self._waiting: dict[UUID, asyncio.Future[None]] = {}

    async def expect(self, run_id: UUID) -> None:
        """Begin to listen for a run, before the question commits: the answer cannot come too early."""
        try:
            await self._listener.open()
        except DATABASE_LOST as error:
            # Then nobody tells, and the request is answered for want of an answer.
            log.warning("api.answers.unheard", error=str(error))
        self._waiting[run_id] = asyncio.get_running_loop().create_future()

    async def come(self, run_id: UUID) -> bool:
        """Whether the answer comes in time."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._waiting[run_id]
        except TimeoutError:
            return False
        finally:
            del self._waiting[run_id]
        return True

    def give_up(self, run_id: UUID) -> None:
        """Nobody waits after all."""
        self._waiting.pop(run_id, None)

    def _hear(self, payload: str) -> None:
        waiting = self._waiting.get(UUID(payload))
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
