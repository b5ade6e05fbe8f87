"""All SQL of what needs a person."""

from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_IS_OPEN = "w.state NOT IN ('completed', 'closed', 'cancelled', 'aborted')"
_PROPOSALS = Statement.text(
    "SELECT id, causes, response_time, schedule_id, created_at FROM proposals "
    "WHERE tenant_id = $1 AND state = 'open' ORDER BY id",
    "tenant_id",
)
# The last run of the live plan, and of each scenario, where it failed.
_FAILED = Statement.text(
    """
    SELECT id, error, finished_at FROM (
      SELECT DISTINCT ON (params->>'scenario') id, status, error, finished_at FROM schedule_runs
      WHERE tenant_id = $1 AND kind = 'plan' AND finished_at IS NOT NULL
      ORDER BY params->>'scenario', finished_at DESC) last
    WHERE status = 'failed' ORDER BY id
    """,
    "tenant_id",
)
_LATE = Statement.text(
    f"""
    SELECT w.id, p.id AS schedule_id, p.published_at FROM schedules p
    JOIN schedule_orders o ON o.tenant_id = $1 AND o.schedule_id = p.id AND ($2::uuid IS NULL OR o.work_order_id = $2)
    JOIN work_orders w ON w.tenant_id = $1 AND w.id = o.work_order_id
    WHERE p.tenant_id = $1 AND p.state = 'published' AND o.end_at > w.due_at AND {_IS_OPEN} ORDER BY w.id
    """,  # noqa: S608 - a constant
    *("tenant_id", "work_order_id"),
)
_OPEN_ORDERS = Statement.text(
    f"SELECT w.id FROM work_orders w WHERE w.tenant_id = $1 AND w.id = ANY($2::uuid[]) AND {_IS_OPEN}",  # noqa: S608
    *("tenant_id", "order_ids"),
)
_CENTERS = Statement.text(
    """
    SELECT m.code, m.body->>'state' AS state, m.updated_at FROM master_data m
    WHERE m.tenant_id = $1 AND m.kind = 'work_center' AND m.archived_at IS NULL
      AND m.body->>'state' IN ('down', 'stale') AND EXISTS (
        SELECT FROM operations o WHERE o.tenant_id = $1 AND o.planned_work_center = m.code
          AND o.plan_status IN ('published', 'frozen')
          AND o.state IN ('pending', 'waiting', 'ready', 'running', 'suspended'))
    ORDER BY m.code
    """,
    "tenant_id",
)
# Of what is proposed only the last counts: it was made after the plan in force, and before that one was published.
_OUTDATED = Statement.text(
    """
    SELECT s.id, p.published_at FROM schedules p
    JOIN LATERAL (
      SELECT n.id, n.created_at FROM schedules n WHERE n.tenant_id = $1 AND n.state = 'proposed'
      ORDER BY n.created_at DESC LIMIT 1) s ON true
    WHERE p.tenant_id = $1 AND p.state = 'published'
      AND s.created_at > p.created_at AND s.created_at < p.published_at
    """,
    "tenant_id",
)
# Asked after every report, so it also says whether there is anything to do.
_EXCEEDED = Statement.text(
    """
    SELECT o.id, o.work_order_id, o.updated_at,
      o.good > w.quantity AND w.state NOT IN ('completed', 'closed', 'cancelled', 'aborted') AS exceeded,
      EXISTS (SELECT FROM alerts a WHERE a.tenant_id = $1 AND a.kind = 'quantity_exceeded' AND a.state <> 'closed'
        AND a.work_order_id = o.work_order_id) AS known
    FROM operations o JOIN work_orders w ON w.tenant_id = $1 AND w.id = o.work_order_id
    WHERE o.tenant_id = $1 AND o.work_order_id = $2 ORDER BY o.sequence
    """,
    *("tenant_id", "work_order_id"),
)


async def open_proposals(uow: "UnitOfWork") -> "list[Record]":
    """Proposals that wait for a decision."""
    return await uow.all(_PROPOSALS, tenant_id=uow.tenant)


async def failed_runs(uow: "UnitOfWork") -> "list[Record]":
    """Runs that failed and that none has followed."""
    return await uow.all(_FAILED, tenant_id=uow.tenant)


async def late_orders(uow: "UnitOfWork", work_order_id: UUID | None) -> "list[Record]":
    """Open orders that the plan in force ends after their due time; one of them, or all."""
    return await uow.all(_LATE, tenant_id=uow.tenant, work_order_id=work_order_id)


async def still_open(uow: "UnitOfWork", order_ids: "list[UUID]") -> set[UUID]:
    """Those of these orders that are not over."""
    return {row["id"] for row in await uow.all(_OPEN_ORDERS, tenant_id=uow.tenant, order_ids=order_ids)}


async def closed_centers(uow: "UnitOfWork") -> "list[Record]":
    """Work centers that are down, or no longer heard of, and that the plan in force counts on."""
    return await uow.all(_CENTERS, tenant_id=uow.tenant)


async def outdated_plans(uow: "UnitOfWork") -> "list[Record]":
    """The last proposed plan, where another one came into force after it was made."""
    return await uow.all(_OUTDATED, tenant_id=uow.tenant)


async def exceeded(uow: "UnitOfWork", work_order_id: UUID) -> "list[Record]":
    """The operations of an order, whether more was reported of each than ordered, and whether an alert says so."""
    return await uow.all(_EXCEEDED, tenant_id=uow.tenant, work_order_id=work_order_id)
