"""All SQL about reports, inspections and receipts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_work_orders.execution.models import inspections, receipts, reports
from woaas_work_orders.orders.models import operations

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_R = reports.c
_OWN = select(reports).where(_R.tenant_id == bindparam("tenant_id"))
_BY_REF = Statement(_OWN.where(_R.external_ref == bindparam("external_ref"), _R.corrects.is_(None)))
_BY_ID = Statement(_OWN.where(_R.id == bindparam("report_id")))
_CORRECTION_OF = Statement(_OWN.where(_R.corrects == bindparam("report_id")))
_INSERT_REPORT = insert_row(reports)
_INSERT_INSPECTION = insert_row(inspections)
_SET_INSPECTION = Statement(
    update(operations)
    .where(operations.c.tenant_id == bindparam("tenant_key"), operations.c.id == bindparam("operation_key"))
    .values(inspection_passed=bindparam("passed"))
)
_INSERT_RECEIPT = insert_row(receipts)

# A replaced report no longer counts. Quantities and minutes belong to the window a report ended in and overlaps count
# in full, so that shares stay additive over machines and windows; busy time is a union of what lies in the window.
# Of reports r and their operations o; parts above group them by what they know of.
COUNTS = "NOT EXISTS (SELECT FROM reports c WHERE c.tenant_id = r.tenant_id AND c.corrects = r.id)"
SUMS = """
      sum(r.good) AS good, sum(r.scrap) AS scrap, sum(r.rework) AS rework,
      sum(r.good) FILTER (WHERE o.rework_of IS NULL) AS first_good,
      sum(r.good + r.scrap + r.rework) FILTER (WHERE o.rework_of IS NULL) AS first_produced,
      sum(r.good * extract(epoch FROM o.unit_time)) AS standard_good_seconds,
      sum((r.good + r.scrap + r.rework) * extract(epoch FROM o.unit_time)) AS standard_seconds,
      sum(extract(epoch FROM r.ended_at - r.started_at)) AS seconds,
      sum(extract(epoch FROM r.ended_at - r.started_at)) FILTER (WHERE r.kind = 'setup') AS setup_seconds,
      sum(extract(epoch FROM r.ended_at - r.started_at)) FILTER (WHERE r.kind = 'breakdown') AS breakdown_seconds
"""
SPANS = """
        min(greatest(r.started_at, $2)) AS since, max(least(r.ended_at, $3)) AS until,
        range_agg(tstzrange(r.started_at, r.ended_at) * tstzrange($2, $3)) FILTER (WHERE r.kind = 'run') AS runs,
        range_agg(tstzrange(r.started_at, r.ended_at) * tstzrange($2, $3))
          FILTER (WHERE r.kind IN ('run', 'setup')) AS busy
"""
BUSY_SECONDS = """
      (SELECT sum(extract(epoch FROM upper(span) - lower(span))) FROM unnest(runs) span) AS run_busy_seconds,
      (SELECT sum(extract(epoch FROM upper(span) - lower(span))) FROM unnest(busy) span) AS busy_seconds
"""
ON_TIME = """
    count(*) FILTER (WHERE w.due_at IS NULL OR w.completed_at <= w.due_at) AS on_time, count(*) AS completed
"""
_WITHIN = "($4::text[] IS NULL OR r.work_center = ANY($4))"
_SUMS = Statement.text(
    f"""
    SELECT coalesce(r.work_center, '') AS work_center, {SUMS}
    FROM reports r JOIN operations o ON o.tenant_id = r.tenant_id AND o.id = r.operation_id
    WHERE r.tenant_id = $1 AND r.ended_at >= $2 AND r.ended_at < $3 AND {COUNTS} AND {_WITHIN}
    GROUP BY 1 ORDER BY 1
    """,  # noqa: S608
    *("tenant_id", "since", "until", "work_centers"),
)
_BUSY = Statement.text(
    f"""
    SELECT work_center, since, until, {BUSY_SECONDS}
    FROM (
      SELECT coalesce(r.work_center, '') AS work_center, {SPANS}
      FROM reports r
      WHERE r.tenant_id = $1 AND r.ended_at > $2 AND r.started_at < $3 AND {COUNTS} AND {_WITHIN}
      GROUP BY 1) spans
    """,  # noqa: S608
    *("tenant_id", "since", "until", "work_centers"),
)
# Of some work centers: orders with an operation that was done there.
_ON_TIME = Statement.text(
    f"""
    SELECT {ON_TIME} FROM work_orders w
    WHERE w.tenant_id = $1 AND w.completed_at >= $2 AND w.completed_at < $3 AND ($4::text[] IS NULL OR EXISTS (
      SELECT FROM operations o
      WHERE o.tenant_id = $1 AND o.work_order_id = w.id AND o.state = 'completed' AND o.work_center = ANY($4)))
    """,  # noqa: S608
    *("tenant_id", "since", "until", "work_centers"),
)


def of_order() -> ColumnElement[bool]:
    """The condition of a list of receipts under one order; its parameter is ``order_id``."""
    return receipts.c.work_order_id == bindparam("order_id")


def of_operation() -> ColumnElement[bool]:
    """The condition of a list of reports under one operation; its parameter is ``operation_id``."""
    return _R.operation_id == bindparam("operation_id")


async def by_external_ref(uow: "UnitOfWork", external_ref: str) -> "Record | None":
    """The report sent under a caller's own reference."""
    return await uow.first(_BY_REF, tenant_id=uow.tenant, external_ref=external_ref)


async def get(uow: "UnitOfWork", report_id: UUID) -> "Record | None":
    """A report by id."""
    return await uow.first(_BY_ID, tenant_id=uow.tenant, report_id=report_id)


async def correction_of(uow: "UnitOfWork", report_id: UUID) -> "Record | None":
    """The report that replaced this one."""
    return await uow.first(_CORRECTION_OF, tenant_id=uow.tenant, report_id=report_id)


async def insert_report(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Append a report."""
    await uow.execute(_INSERT_REPORT, tenant_id=uow.tenant, **values)


async def insert_inspection(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Append an inspection result."""
    await uow.execute(_INSERT_INSPECTION, tenant_id=uow.tenant, **values)


async def set_inspection(uow: "UnitOfWork", operation_id: UUID, *, passed: bool) -> None:
    """Note the latest result on the operation."""
    await uow.execute(_SET_INSPECTION, tenant_key=uow.tenant, operation_key=operation_id, passed=passed)


async def insert_receipt(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Append a receipt."""
    await uow.execute(_INSERT_RECEIPT, tenant_id=uow.tenant, **values)


async def sums(
    uow: "UnitOfWork", since: datetime, until: datetime, work_centers: Sequence[str] | None = None
) -> "list[Record]":
    """Quantities and seconds by work center of reports that ended in ``[since, until)``."""
    return await uow.all(_SUMS, tenant_id=uow.tenant, since=since, until=until, work_centers=_listed(work_centers))


async def busy(
    uow: "UnitOfWork", since: datetime, until: datetime, work_centers: Sequence[str] | None = None
) -> "list[Record]":
    """Seconds each work center was busy within ``[since, until)``, and from when to when anything was reported."""
    return await uow.all(_BUSY, tenant_id=uow.tenant, since=since, until=until, work_centers=_listed(work_centers))


async def on_time(
    uow: "UnitOfWork", since: datetime, until: datetime, work_centers: Sequence[str] | None = None
) -> "Record":
    """Orders first completed in the window, and those of them not late."""
    row = await uow.first(_ON_TIME, tenant_id=uow.tenant, since=since, until=until, work_centers=_listed(work_centers))
    assert row is not None
    return row


def _listed(work_centers: Sequence[str] | None) -> list[str] | None:
    return None if work_centers is None else list(work_centers)
