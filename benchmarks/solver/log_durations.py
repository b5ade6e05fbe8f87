"""How well the duration model foretells the log, beside standard times: the platform's own training on a Postgres.

The log has no standard times. Two stand in for them, both as an engineer would have set them after the first four
weeks and never touched again: by activity the mean time of a piece then (``by activity``), and by part and activity
where there was one (``by part``). The model learns from all operations that ended before an instant, with the standard
times by part as what few operations lean on, and foretells those that end in the two weeks after it.
"""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.solver.tables import show
from woaas.replay.shopfloor_log import Row
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.ids import uuid7
from woaas_core.settings import Settings
from woaas_infra.migrate import upgrade
from woaas_infra.postgres.server import EmbeddedPostgres
from woaas_infra.roles import ensure_database
from woaas_security.authz.policy import PolicyCache
from woaas_security.identity.service import Authenticator
from woaas_security.tenants.service import NewTenant
from woaas_security.tenants.service import create as create_tenant
from woaas_solver_farm.learning import repository, training
from woaas_solver_farm.learning.comparison import errors
from woaas_solver_farm.learning.estimates import Durations

SET_AFTER = timedelta(days=28)
STEP = timedelta(days=14)
STEPS = 4
Key = tuple[str, str]


def main(rows: Sequence[Row]) -> None:
    """Print the errors at each instant and their means."""
    home = Path(tempfile.mkdtemp(prefix="woaas-log-"))
    server = EmbeddedPostgres(home, durable=False)
    try:
        table = asyncio.run(_measure(server.start(), [r for r in rows if r.ended_at > r.started_at]))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    table.append(["mean", *(fmean(float(row[i]) for row in table) for i in range(1, len(table[0])))])
    columns = ["learned before", "operations", "foretold", "MAPE %, by activity", "MAPE %, by part", "MAPE %, learned",
               "pinball, by activity", "pinball, by part", "pinball, learned"]  # fmt: skip
    show("Run and set-up of the next two weeks' operations", columns, table)


async def _measure(admin: str, rows: Sequence[Row]) -> list[list[Any]]:
    dsn = await ensure_database(admin)
    await asyncio.to_thread(upgrade, dsn)
    database = await Database.connect(dsn, role=APP, size=1)
    settings = Settings.load({}, home=Path("."), database_url=dsn, secret_key="benchmark" * 4, audit_origin="bench")
    authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
    try:
        found: dict[str, list[list[Any]]] = {}
        for name in ("by activity", "by part"):
            async with database.unit_of_work() as uow:
                tenant = await create_tenant(uow, NewTenant(name, uuid7(), livemode=True))
            await _fill(dsn, tenant, rows, by_part=name == "by part")
            first = min(r.started_at for r in rows) + SET_AFTER
            found[name] = [
                await _at(database, authenticator, tenant, first + n * STEP, min(r.started_at for r in rows))
                for n in range(STEPS)
            ]
    finally:
        await database.close()
    return [
        [a[0], a[1], a[2], a[3], b[3], b[4], a[5], b[5], b[6]]
        for a, b in zip(found["by activity"], found["by part"], strict=True)
    ]


async def _at(
    database: Database, authenticator: Authenticator, tenant: UUID, until: datetime, since: datetime
) -> list[Any]:
    """When, operations learned from, operations foretold; errors of the standard times and of the model."""
    async with database.unit_of_work() as uow:
        await authenticator.as_system(uow, tenant, "benchmark")
        row, _ = await repository.queue(uow, quantile=0.5, history=timedelta(days=3650), promote=False)
        operations, _ = await training.train(uow, row["id"], since=since, until=until, quantile=0.5)
        held = await training.holdout(uow, since=since, until=until)
        later = set(await training.holdout(uow, since=since, until=until + STEP))
        held = [taken for taken in held if taken not in later]
        durations = await training.learned(uow, row["id"])
        await repository.end(uow, row["id"], status="finished", state="rejected")
    standard = errors(held, Durations(), Durations(), 0.5)
    model = errors(held, *durations, 0.5)
    assert standard.mape is not None
    assert model.mape is not None
    mapes = (100 * standard.mape, 100 * model.mape)
    return [f"{until:%Y-%m-%d}", operations, len(held), *mapes, standard.pinball, model.pinball]


async def _fill(dsn: str, tenant: UUID, rows: Sequence[Row], *, by_part: bool) -> None:
    """The log as completed orders; their standard times are those of the first weeks."""
    steps: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        steps[row.case, row.activity].append(row)
    standards = _standards(steps, min(r.started_at for r in rows) + SET_AFTER, by_part=by_part)
    cases = {row.case: (uuid7(), row) for row in rows}
    ids = {step: uuid7() for step in steps}
    connection = await asyncpg.connect(dsn)
    try:
        await connection.executemany(_ORDER, [(tenant, i, c, r.part, r.order_quantity) for c, (i, r) in cases.items()])
        await connection.executemany(
            _OPERATION,
            [
                (tenant, ids[step], cases[step[0]][0], n, step[1], *standards(of[0].part, step[1]))
                for n, (step, of) in enumerate(steps.items())
            ],
        )
        await connection.executemany(
            _REPORT,
            [
                (tenant, uuid7(), ids[step], cases[step[0]][0], r.kind, r.resource, r.started_at, r.ended_at)
                for step, of in steps.items()
                for r in of
            ],
        )
        await connection.execute("ANALYZE work_orders, operations, reports")
    finally:
        await connection.close()


def _standards(steps: dict[Key, list[Row]], until: datetime, *, by_part: bool) -> Any:
    """Seconds of a set-up and of one piece, by part and activity as far as the first weeks know."""
    known: dict[Key, list[tuple[float, float, float]]] = defaultdict(list)
    for (_, activity), of in steps.items():
        if max(r.ended_at for r in of) <= until:
            entry = (_seconds(of, "setup"), _seconds(of, "run"), float(of[0].order_quantity))
            known["", activity].append(entry)
            known[of[0].part, activity].append(entry)

    def standard(part: str, activity: str) -> tuple[timedelta, timedelta]:
        of = (known.get((part, activity)) if by_part else None) or known.get(("", activity)) or [(0.0, 0.0, 1.0)]
        unit = sum(run for _, run, _ in of) / sum(quantity for _, _, quantity in of)
        return timedelta(seconds=fmean(setup for setup, _, _ in of)), timedelta(seconds=unit)

    return standard


def _seconds(rows: Sequence[Row], kind: str) -> float:
    return sum((r.ended_at - r.started_at).total_seconds() for r in rows if r.kind == kind)


_ORDER = """
INSERT INTO work_orders (tenant_id, id, number, type, title, product, quantity, unit, priority, custom_fields,
  participants, export_controlled, state, stages, plan_status, request_hash, version, created_at, updated_at)
VALUES ($1, $2, $3, 'production', $3, $4, $5, 'pcs', 3, '{}', '{}', false, 'completed', '[]', 'unplanned', '', 1, now(),
  now())
"""
_OPERATION = """
INSERT INTO operations (tenant_id, id, work_order_id, sequence, name, state, work_centers, setup_time, unit_time,
  skills, materials, predecessors, inspection_required, export_controlled, sourcing, custom_fields, kitted, good, scrap,
  rework, plan_status, version, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, 'completed', '{}', $6, $7, '{}', '[]', '{}', false, false, 'make', '{}', true, 0, 0, 0,
  'unplanned', 1, now(), now())
"""
_REPORT = """
INSERT INTO reports (tenant_id, id, operation_id, work_order_id, kind, good, scrap, rework, work_center, started_at,
  ended_at, consumed, produced, request_hash, recorded_at)
VALUES ($1, $2, $3, $4, $5, 0, 0, 0, $6, $7, $8, '[]', '[]', '', now())
"""
