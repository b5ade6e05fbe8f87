"""What ``up`` shows the product doing: the demo factory's open orders are planned, published, metered and proven."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.db.statements import Statement
from woaas_core.db.tenancy import APP
from woaas_core.ids import decode_id
from woaas_core.settings import Settings
from woaas_infra.demo.credentials import read
from woaas_infra.progress import Progress
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_solver_farm.schedules import requests, service
from woaas_solver_farm.schedules.inputs import NewScheduleRun

if TYPE_CHECKING:
    from asyncpg import Record

_POLL_S = 0.25
# Long, since the API serves meanwhile: a machine busy with other things still shows what the demo is for.
_GIVE_UP_S = 600
_TIME_LIMIT = "PT5S"
_ENDED = ("finished", "stopped", "failed")

_LATEST = Statement.text(
    "SELECT id FROM schedule_runs WHERE tenant_id = $1 AND kind = 'plan' ORDER BY id DESC LIMIT 1", "tenant_id"
)
_EVER_PUBLISHED = Statement.text(
    "SELECT EXISTS (SELECT FROM schedules WHERE tenant_id = $1 AND published_at IS NOT NULL)", "tenant_id"
)
_FIGURES = Statement.text(
    """
    SELECT (SELECT count(*) FROM work_orders WHERE tenant_id = $1) AS orders,
      (SELECT count(*) FROM operations WHERE tenant_id = $1) AS operations,
      (SELECT count(*) FROM master_data WHERE tenant_id = $1 AND kind = 'work_center') AS machines,
      (SELECT count(*) FROM usage_events WHERE tenant_id = $1 AND kind = 'charge') AS metered,
      (SELECT count(DISTINCT o.work_order_id) FROM schedules s
         CROSS JOIN jsonb_to_recordset(s.overflow) AS o (work_order_id text, reason text)
         WHERE s.tenant_id = $1 AND s.id = $2 AND o.reason = 'no_capable_resource') AS overflow,
      (SELECT signed_size FROM log_head WHERE tenant_id = $1) AS entries
    """,
    "tenant_id",
    "schedule_id",
)


async def plan_demo(settings: Settings, progress: Progress) -> str:
    """Plan and publish on the first start, or where it was killed on the way; later starts tell how things stand."""
    known = read(settings.home / "credentials.json")
    if known is None:
        return "no demo factory"
    tenant = decode_id("ten", known.tenants["factory"].tenant_id)
    database = await Database.connect(settings.database_url, role=APP, size=1)
    job = MainJob(database, Authenticator(pepper=settings.secret_key, policies=PolicyCache()), tenant)
    try:
        run = await job.latest()
        if run is None or not await job.has_published():
            with progress.step("Planning the demo factory (starts Ray the first time)", "Demo factory is planned"):
                run = await job.plan(run)
        return await job.summary(run)
    finally:
        await database.close()


class MainJob:
    """The steps of the job, each in a transaction of its own."""

    def __init__(self, database: Database, authenticator: Authenticator, tenant: UUID) -> None:
        self._database = database
        self._authenticator = authenticator
        self._tenant = tenant

    async def latest(self) -> "Record | None":
        """The newest plan run, if there ever was one."""
        async with self._database.unit_of_work() as uow:
            principal = await self._authenticator.as_system(uow, self._tenant, "up")
            run_id = await uow.value(_LATEST, tenant_id=uow.tenant)
            return await service.get_run(uow, principal, run_id) if run_id else None

    async def has_published(self) -> bool:
        """Whether a plan was ever in force."""
        async with self._database.unit_of_work() as uow:
            await self._authenticator.as_system(uow, self._tenant, "up")
            return bool(await uow.value(_EVER_PUBLISHED, tenant_id=uow.tenant))

    async def plan(self, run: "Record | None" = None, *, time_limit: str = _TIME_LIMIT) -> "Record":
        """Queue a run unless there is one to go on with, wait until it has ended, publish its plan."""
        if run is None or (run["status"] in _ENDED and run["schedule_id"] is None):
            async with self._database.unit_of_work() as uow:
                principal = await self._authenticator.as_system(uow, self._tenant, "up")
                new = NewScheduleRun(policy="on_time", time_limit=time_limit)
                run = await requests.request_run(uow, principal, new)
        for _ in range(int(_GIVE_UP_S / _POLL_S)):
            # Postgres may be away for a moment, which must not end ``up``.
            with suppress(*DATABASE_LOST):
                run = await self._publish_ended(run["id"])
                if run["status"] in _ENDED:
                    break
            await asyncio.sleep(_POLL_S)
        return run

    async def _publish_ended(self, run_id: UUID) -> "Record":
        async with self._database.unit_of_work() as uow:
            principal = await self._authenticator.as_system(uow, self._tenant, "up")
            run = await service.get_run(uow, principal, run_id)
            if run["schedule_id"]:
                await service.publish(uow, principal, run["schedule_id"])
            return run

    async def summary(self, run: "Record") -> str:
        """One line of figures."""
        async with self._database.unit_of_work() as uow:
            await self._authenticator.as_system(uow, self._tenant, "up")
            figures = await uow.first(_FIGURES, tenant_id=uow.tenant, schedule_id=run["schedule_id"])
        assert figures is not None
        solved = _solved(run, figures["overflow"])
        return (
            f"{figures['orders']} orders, {figures['operations']} operations, {figures['machines']} machines → "
            f"{solved}; "
            f"{figures['metered']} orders metered; audit log of {figures['entries']} entries signed"
        )


def _solved(run: "Record", overflow: int) -> str:
    if run["status"] not in ("finished", "stopped"):
        return "the plan failed" if run["status"] == "failed" else "the plan is still being made"
    metrics: dict[str, Any] = run["metrics"] or {}
    took = (run["finished_at"] - run["started_at"]).total_seconds()
    gap = f"gap {100 * run['gap']:.1f} %, " if run["gap"] is not None else ""
    late = metrics.get("late_orders", "?")
    return f"solved in {took:.1f} s ({gap}{late} late, {overflow} to a partner)"
