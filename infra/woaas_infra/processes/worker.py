"""The worker process: does every periodic job when its time comes.

It keeps no book of what it did. A job looks at the rows for what is due, so a start makes up for any time without a
worker, and a killed one leaves at most a transaction that never happened.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_infra.processes.pause import pause
from woaas_infra.schedule import Delivery, LongJob, PeriodicJob, deliveries, long_jobs
from woaas_infra.schedule import jobs as periodic_jobs
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator

log = logger(__name__)
Job = PeriodicJob | Delivery | LongJob
# What one tenant gets before the next has its turn; the rest waits for the next round.
MAX_PARTS = 100
# Held to the end of the transaction, so it needs no clearing up; one worker at a time does a job in a tenant.
_CLAIM = Statement.text("SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))", "job", "tenant_id")


async def run_worker(
    settings: Settings,
    stop: asyncio.Event,
    *,
    jobs: Sequence[Job] | None = None,
    clock: Clock | None = None,
) -> None:
    """Do the jobs until stopped: each at once, then after each interval; those that take long beside the others."""
    if jobs is None:
        jobs = (*deliveries(settings), *periodic_jobs(settings), *long_jobs(settings))
    database = await Database.connect(settings.database_url, role=APP, size=2, clock=clock, pooler=settings.pooler_url)
    try:
        worker = Worker(database, settings, stop)
        log.info("infra.worker.started", jobs=[job.name for job in jobs])
        async with asyncio.TaskGroup() as group:
            for takes_long in (False, True):
                some = [job for job in jobs if isinstance(job, LongJob) is takes_long]
                if some:
                    group.create_task(_do_in_turn(worker, some, stop))
    finally:
        await database.close()


async def _do_in_turn(worker: "Worker", jobs: Sequence[Job], stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    due_at_s = dict.fromkeys((job.name for job in jobs), loop.time())
    while not stop.is_set():
        for job in jobs:
            if due_at_s[job.name] <= loop.time():
                await worker.do(job)
                due_at_s[job.name] = loop.time() + job.every.total_seconds()
        await pause(stop, max(0.0, min(due_at_s.values()) - loop.time()))


class Worker:
    """Does a job tenant by tenant, each part of it in a transaction of its own."""

    def __init__(self, database: Database, settings: Settings, stop: asyncio.Event) -> None:
        self._database = database
        self._authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
        self._stop = stop

    async def do(self, job: Job) -> int:
        """Do what is due of a job; returns how much that was. What fails or is left over is met again next time."""
        done = 0
        try:
            async with self._database.unit_of_work() as uow:
                tenants = [row[0] for row in await uow.all(job.tenants, now=uow.clock.now())]
            for tenant_id in tenants:
                if isinstance(job, Delivery):
                    done += await self._deliver_in(job, tenant_id)
                elif isinstance(job, LongJob):
                    done += await self._work_in(job, tenant_id)
                else:
                    done += await self._do_in(job, tenant_id)
        except Exception as error:  # noqa: BLE001, RUF100 - one job's trouble must not stop the others
            log.exception("infra.worker.job_failed", job=job.name, exc_info=error)
        return done

    async def _do_in(self, job: PeriodicJob, tenant_id: UUID) -> int:
        done = 0
        try:
            for _ in range(MAX_PARTS):
                part = 0 if self._stop.is_set() else await self._do_part(job, tenant_id)
                done += part
                if part == 0:
                    break
        except Exception as error:  # noqa: BLE001, RUF100 - one tenant's trouble must not stop the others
            log.exception("infra.worker.failed", job=job.name, tenant_id=str(tenant_id), exc_info=error)
        if done:
            log.info("infra.worker.done", job=job.name, tenant_id=str(tenant_id), done=done)
        return done

    async def _do_part(self, job: PeriodicJob, tenant_id: UUID) -> int:
        async with self._database.unit_of_work() as uow:
            if not await uow.value(_CLAIM, job=job.name, tenant_id=str(tenant_id)):
                return 0
            principal = await self._authenticator.as_system(uow, tenant_id, job.name)
            return await job.work(uow, principal)

    async def _work_in(self, job: LongJob, tenant_id: UUID) -> int:
        """Do one piece of long work; the tenant's next has its turn after the other tenants'."""

        @asynccontextmanager
        async def begin() -> AsyncIterator[UnitOfWork]:
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, job.name)
                yield uow

        try:
            return int(await job.work(begin, self._stop.is_set))
        except Exception as error:  # noqa: BLE001, RUF100 - one tenant's trouble must not stop the others
            log.exception("infra.worker.failed", job=job.name, tenant_id=str(tenant_id), exc_info=error)
            return 0

    async def _deliver_in(self, job: Delivery, tenant_id: UUID) -> int:
        async with self._database.unit_of_work() as uow:
            await self._authenticator.as_system(uow, tenant_id, job.name)
            taken = await job.take(uow)
        return sum([await self._deliver(job, tenant_id, item) for item in taken])

    async def _deliver(self, job: Delivery, tenant_id: UUID, item: object) -> int:
        try:
            told = await job.send(item)
            async with self._database.unit_of_work() as uow:
                await self._authenticator.as_system(uow, tenant_id, job.name)
                await job.settle(uow, item, told)
        except Exception as error:  # noqa: BLE001, RUF100 - what one receiver refuses must not stop the others
            log.exception("infra.worker.delivery_failed", job=job.name, tenant_id=str(tenant_id), exc_info=error)
            return 0
        return 1
