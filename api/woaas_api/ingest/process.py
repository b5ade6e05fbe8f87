"""The ingest process: one follower for each enabled connector of every tenant, and the self-tests asked for."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from woaas_api.ingest.follower import Follower, Workplace
from woaas_api.ingest.self_test import self_test
from woaas_core.clock import Clock
from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.db.tenancy import APP
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_work_orders.connectors import repository

log = logger(__name__)
_LOOK_S = 0.5
_WAIT_FOR_LOCK_S = 1.0
# Any number that nothing else locks will do.
_LOCK_KEY = 7_203_114_215


async def run_ingest(settings: Settings, stop: asyncio.Event, *, clock: Clock | None = None) -> None:
    """Follow the brokers until stopped; while another process does, wait for it to end."""
    database = await Database.connect(settings.database_url, role=APP, size=8, clock=clock)
    place = Workplace(settings, database, Authenticator(pepper=settings.secret_key, policies=PolicyCache()))
    try:
        async with database.pool.acquire() as holder:
            while not await holder.fetchval(repository.LOCK.sql, _LOCK_KEY):
                if await _stopped(stop, _WAIT_FOR_LOCK_S):
                    return
            log.info("api.ingest.started")
            async with asyncio.TaskGroup() as group:
                ingest = _Ingest(place, group)
                while not await _stopped(stop, _LOOK_S):
                    if holder.is_closed():
                        log.warning("api.ingest.lock_lost")
                        break
                    await ingest.look()
                ingest.end()
    finally:
        await database.close()


class _Ingest:
    """What runs for which connector."""

    def __init__(self, place: Workplace, group: asyncio.TaskGroup) -> None:
        self._place = place
        self._group = group
        self._following: dict[UUID, tuple[int, asyncio.Task[None]]] = {}
        self._ending: dict[UUID, asyncio.Task[None]] = {}
        self._testing: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Start, stop and start anew what has changed since the last look."""
        try:
            async with self._place.database.unit_of_work() as uow:
                rows = await repository.to_follow(uow)
        except DATABASE_LOST as error:
            log.warning("api.ingest.database_lost", error=str(error))
            return
        self._follow([row for row in rows if row["is_enabled"]])
        self._testing = {test_id: task for test_id, task in self._testing.items() if not task.done()}
        for row in rows:
            if row["test_id"] is not None and row["test_id"] not in self._testing:
                self._testing[row["test_id"]] = self._group.create_task(self._test(row))

    def end(self) -> None:
        """Stop everything."""
        for task in [*(task for _, task in self._following.values()), *self._testing.values()]:
            task.cancel()

    def _follow(self, rows: Sequence[Any]) -> None:
        wanted = {row["connector_id"]: row for row in rows}
        for connector_id, (version, task) in list(self._following.items()):
            row = wanted.get(connector_id)
            if row is None or row["version"] != version:
                task.cancel()
                # One session a connector: the next one begins when this one has let go.
                self._ending[connector_id] = self._following.pop(connector_id)[1]
        self._ending = {key: task for key, task in self._ending.items() if not task.done()}
        for connector_id, row in wanted.items():
            if connector_id not in self._following and connector_id not in self._ending:
                follower = Follower(self._place, row["tenant_id"], connector_id)
                self._following[connector_id] = (row["version"], self._group.create_task(follower.run()))

    async def _test(self, row: Any) -> None:
        try:
            await self_test(self._place, row["tenant_id"], row["connector_id"], row["test_id"])
        except Exception as error:  # noqa: BLE001, RUF100 - it is tried again with the next look
            log.exception("api.ingest.test_failed", connector_id=str(row["connector_id"]), exc_info=error)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for a while, or for the end; True means stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
