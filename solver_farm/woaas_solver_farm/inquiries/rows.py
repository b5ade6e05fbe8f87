"""All SQL of plans kept in memory: what happened since one was read, and how well plans were kept before."""

from typing import TYPE_CHECKING

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_HEAD = Statement.text("SELECT coalesce((SELECT size FROM log_head WHERE tenant_id = $1), 0)", "tenant_id")
# Publishing a plan records an event for every operation and order in it, and they say nothing else; payloads are
# canonical, so those of orders are known by their bytes.
_SINCE = Statement.text(
    """
    SELECT l.index, e.type, e.subject, e.work_order_id FROM log l
    JOIN event e ON e.tenant_id = l.tenant_id AND e.id = l.event_id
    WHERE l.tenant_id = $1 AND l.index >= $2 AND l.index < $3 AND e.type <> 'operation.planned'
      AND NOT (e.type = 'work_order.updated' AND position('"fields":["plan_status"]'::bytea IN e.payload) > 0)
    ORDER BY l.index LIMIT $4
    """,
    *("tenant_id", "start", "end", "limit"),
)
_DELAYS = Statement.text(
    """
    SELECT extract(epoch FROM ended_at - planned_end_at)::double precision / 60 AS minutes FROM operations
    WHERE tenant_id = $1 AND state = 'completed' AND planned_end_at IS NOT NULL AND ended_at IS NOT NULL
    ORDER BY ended_at DESC LIMIT $2
    """,
    *("tenant_id", "limit"),
)


async def log_size(uow: "UnitOfWork") -> int:
    """The index that the tenant's next event gets."""
    return int(await uow.value(_HEAD, tenant_id=uow.tenant))


async def events_between(uow: "UnitOfWork", start: int, end: int, *, limit: int) -> "list[Record]":
    """The tenant's events in a stretch of the log, but for the places that publishing a plan gave."""
    return await uow.all(_SINCE, tenant_id=uow.tenant, start=start, end=end, limit=limit)


async def delays(uow: "UnitOfWork", *, limit: int) -> list[float]:
    """By how many minutes the operations completed last missed the end planned for them; earlier is negative."""
    return [r["minutes"] for r in await uow.all(_DELAYS, tenant_id=uow.tenant, limit=limit)]
