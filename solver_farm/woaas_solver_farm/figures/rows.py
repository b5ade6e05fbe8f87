"""All SQL of key figures by what planned the work, and of how fast exceptions were answered."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from woaas_core.db.statements import Statement
from woaas_work_orders.execution.repository import BUSY_SECONDS, COUNTS, ON_TIME, SPANS, SUMS

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

Split = Literal["policy_version", "duration_model_version"]
COLUMNS: dict[Split, tuple[str, ...]] = {
    "policy_version": ("policy", "policy_version"),
    "duration_model_version": ("duration_model_version",),
}
_WINDOW = ("tenant_id", "since", "until")


def _planned(at: str, operation: str) -> str:
    """Joins ``p``, the plan that held at a moment, if it had a place for the operation."""
    return f"""
    LEFT JOIN LATERAL (
      SELECT s.id, s.policy, s.policy_version, s.duration_model_version FROM schedules s
      WHERE s.tenant_id = $1 AND s.published_at <= {at} ORDER BY s.published_at DESC LIMIT 1) held ON true
    LEFT JOIN LATERAL (
      SELECT held.* FROM slots l
      WHERE l.tenant_id = $1 AND l.schedule_id = held.id AND l.operation_id = {operation}) p ON true
    """  # noqa: S608 - columns of our own


_REPORTED = f"""
    reports r JOIN operations o ON o.tenant_id = r.tenant_id AND o.id = r.operation_id
    {_planned("r.ended_at", "r.operation_id")}
"""


def _sums(split: Split) -> Statement:
    of = ", ".join(f"p.{c}" for c in COLUMNS[split])
    return Statement.text(
        f"""
        SELECT p.id IS NULL AS unplanned, {of}, {SUMS} FROM {_REPORTED}
        WHERE r.tenant_id = $1 AND r.ended_at >= $2 AND r.ended_at < $3 AND {COUNTS}
        GROUP BY p.id IS NULL, {of}
        """,  # noqa: S608
        *_WINDOW,
    )


def _busy(split: Split) -> Statement:
    named = ", ".join(COLUMNS[split])
    of = ", ".join(f"p.{c}" for c in COLUMNS[split])
    return Statement.text(
        f"""
        SELECT unplanned, {named}, min(since) AS since, max(until) AS until,
          sum(run_busy_seconds) AS run_busy_seconds, sum(busy_seconds) AS busy_seconds
        FROM (
          SELECT unplanned, {named}, since, until, {BUSY_SECONDS}
          FROM (
            SELECT p.id IS NULL AS unplanned, {of}, r.work_center, {SPANS} FROM {_REPORTED}
            WHERE r.tenant_id = $1 AND r.ended_at > $2 AND r.started_at < $3 AND {COUNTS}
            GROUP BY p.id IS NULL, {of}, r.work_center) spans) each
        GROUP BY unplanned, {named}
        """,  # noqa: S608
        *_WINDOW,
    )


def _on_time(split: Split) -> Statement:
    """Of an order counts the plan that held when its last operation ended."""
    of = ", ".join(f"p.{c}" for c in COLUMNS[split])
    return Statement.text(
        f"""
        SELECT p.id IS NULL AS unplanned, {of}, {ON_TIME} FROM work_orders w
        LEFT JOIN LATERAL (
          SELECT o.id, o.ended_at FROM operations o
          WHERE o.tenant_id = $1 AND o.work_order_id = w.id AND o.state = 'completed'
          ORDER BY o.ended_at DESC LIMIT 1) last ON true
        {_planned("last.ended_at", "last.id")}
        WHERE w.tenant_id = $1 AND w.completed_at >= $2 AND w.completed_at < $3
        GROUP BY p.id IS NULL, {of}
        """,  # noqa: S608
        *_WINDOW,
    )


_SUMS = {split: _sums(split) for split in COLUMNS}
_BUSY = {split: _busy(split) for split in COLUMNS}
_ON_TIME = {split: _on_time(split) for split in COLUMNS}
_REIGNS = Statement.text(
    """
    SELECT published_at AS since, policy, policy_version, duration_model_version FROM schedules
    WHERE tenant_id = $1 AND published_at IS NOT NULL ORDER BY published_at
    """,
    "tenant_id",
)
_RESPONSES = Statement.text(
    """
    SELECT coalesce(sum(extract(epoch FROM response_time)), 0) / 60 AS minutes, count(*) AS proposals FROM proposals
    WHERE tenant_id = $1 AND created_at >= $2 AND created_at < $3
    """,
    *_WINDOW,
)


async def sums(uow: "UnitOfWork", split: Split, since: datetime, until: datetime) -> "list[Record]":
    """Quantities and seconds of reports that ended in ``[since, until)``, by what planned the operation."""
    return await uow.all(_SUMS[split], tenant_id=uow.tenant, since=since, until=until)


async def busy(uow: "UnitOfWork", split: Split, since: datetime, until: datetime) -> "list[Record]":
    """Seconds the work centers were busy within ``[since, until)``, by what planned the operation."""
    return await uow.all(_BUSY[split], tenant_id=uow.tenant, since=since, until=until)


async def on_time(uow: "UnitOfWork", split: Split, since: datetime, until: datetime) -> "list[Record]":
    """Orders first completed in the window and those of them not late, by what planned their last operation."""
    return await uow.all(_ON_TIME[split], tenant_id=uow.tenant, since=since, until=until)


async def reigns(uow: "UnitOfWork") -> "list[Record]":
    """From when on which plan held, in order."""
    return await uow.all(_REIGNS, tenant_id=uow.tenant)


async def responses(uow: "UnitOfWork", since: datetime, until: datetime) -> "Record":
    """How many proposals were made in the window, and the minutes from their exceptions to them."""
    row = await uow.first(_RESPONSES, tenant_id=uow.tenant, since=since, until=until)
    assert row is not None
    return row
