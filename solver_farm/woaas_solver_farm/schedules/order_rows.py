"""All SQL about when the orders of a schedule end: what comparisons and the list of late orders read."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_COLUMNS = ("work_order_id", "due_at", "end_at", "fifo_end_at", "edd_end_at")
Baseline = Literal["fifo", "edd"]

_INSERT = Statement.text(
    """
    INSERT INTO schedule_orders (tenant_id, schedule_id, work_order_id, due_at, end_at, fifo_end_at, edd_end_at)
    SELECT $1, $2, u.* FROM unnest($3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
      $7::timestamptz[]) AS u
    """,
    *("tenant_id", "schedule_id", *_COLUMNS),
)
_BESIDE_BASELINE = {
    rule: Statement.text(
        f"""
        SELECT o.work_order_id, w.number, o.due_at, o.due_at AS other_due_at, o.end_at, o.{rule}_end_at AS other_end_at
        FROM schedule_orders o LEFT JOIN work_orders w ON w.tenant_id = o.tenant_id AND w.id = o.work_order_id
        WHERE o.tenant_id = $1 AND o.schedule_id = $2 AND o.end_at IS DISTINCT FROM o.{rule}_end_at
        ORDER BY abs(extract(epoch FROM o.end_at - o.{rule}_end_at)) DESC NULLS FIRST, o.work_order_id
        """,  # noqa: S608 - one of two constants
        *("tenant_id", "schedule_id"),
    )
    for rule in ("fifo", "edd")
}
_BESIDE_SCHEDULE = Statement.text(
    """
    SELECT coalesce(a.work_order_id, b.work_order_id) AS work_order_id, w.number, a.due_at, b.due_at AS other_due_at,
      a.end_at, b.end_at AS other_end_at
    FROM (SELECT * FROM schedule_orders WHERE tenant_id = $1 AND schedule_id = $2) a
    FULL JOIN (SELECT * FROM schedule_orders WHERE tenant_id = $1 AND schedule_id = $3) b
      ON b.work_order_id = a.work_order_id
    LEFT JOIN work_orders w ON w.tenant_id = $1 AND w.id = coalesce(a.work_order_id, b.work_order_id)
    WHERE a.end_at IS DISTINCT FROM b.end_at OR a.due_at IS DISTINCT FROM b.due_at
    ORDER BY abs(extract(epoch FROM a.end_at - b.end_at)) DESC NULLS FIRST, 1
    """,
    *("tenant_id", "schedule_id", "other_id"),
)
_MOVED = Statement.text(
    """
    SELECT count(*) FROM (SELECT * FROM slots WHERE tenant_id = $1 AND schedule_id = $2) a
    FULL JOIN (SELECT * FROM slots WHERE tenant_id = $1 AND schedule_id = $3) b ON b.operation_id = a.operation_id
    WHERE (a.work_center, a.start_at) IS DISTINCT FROM (b.work_center, b.start_at)
    """,
    *("tenant_id", "schedule_id", "other_id"),
)
_LATE = Statement.text(
    """
    SELECT o.work_order_id, w.number, o.due_at, o.end_at
    FROM schedule_orders o LEFT JOIN work_orders w ON w.tenant_id = o.tenant_id AND w.id = o.work_order_id
    WHERE o.tenant_id = $1 AND o.schedule_id = $2 AND o.due_at IS NOT NULL AND (o.end_at IS NULL OR o.end_at > o.due_at)
    ORDER BY o.end_at - o.due_at DESC NULLS FIRST, o.work_order_id OFFSET $3 LIMIT $4
    """,
    *("tenant_id", "schedule_id", "offset", "limit"),
)
# From the last operation of each order back along what each one waited for.
_CHAINS = Statement.text(
    """
    WITH RECURSIVE last AS MATERIALIZED (
      SELECT DISTINCT ON (work_order_id) * FROM slots
      WHERE tenant_id = $1 AND schedule_id = $2 AND work_order_id = ANY($3::uuid[])
      ORDER BY work_order_id, end_at DESC, start_at DESC),
    chain AS (
      SELECT work_order_id AS late_id, 0 AS depth, operation_id, cause_operation_id FROM last
      UNION ALL
      SELECT c.late_id, c.depth + 1, s.operation_id, s.cause_operation_id
      FROM chain c JOIN slots s ON s.tenant_id = $1 AND s.schedule_id = $2 AND s.operation_id = c.cause_operation_id
      WHERE c.depth < $4)
    SELECT c.late_id, s.*, o.name, o.sequence, w.number
    FROM chain c
    JOIN slots s ON s.tenant_id = $1 AND s.schedule_id = $2 AND s.operation_id = c.operation_id
    LEFT JOIN operations o ON o.tenant_id = $1 AND o.id = s.operation_id
    LEFT JOIN work_orders w ON w.tenant_id = $1 AND w.id = s.work_order_id
    ORDER BY c.late_id, c.depth DESC
    """,
    *("tenant_id", "schedule_id", "orders", "most"),
)


async def insert(uow: "UnitOfWork", schedule_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note when the orders of a schedule end."""
    columns: dict[str, object] = {name: [row.get(name) for row in rows] for name in _COLUMNS}
    await uow.execute(_INSERT, tenant_id=uow.tenant, schedule_id=schedule_id, **columns)


async def beside_baseline(uow: "UnitOfWork", schedule_id: UUID, rule: Baseline) -> "list[Record]":
    """The orders that end at another time under a plain rule, the greatest difference first."""
    return await uow.all(_BESIDE_BASELINE[rule], tenant_id=uow.tenant, schedule_id=schedule_id)


async def beside_schedule(uow: "UnitOfWork", schedule_id: UUID, other_id: UUID) -> "list[Record]":
    """The orders that end, or are due, at another time in another schedule, the greatest difference first."""
    return await uow.all(_BESIDE_SCHEDULE, tenant_id=uow.tenant, schedule_id=schedule_id, other_id=other_id)


async def moved(uow: "UnitOfWork", schedule_id: UUID, other_id: UUID) -> int:
    """How many operations have another place, or one in only one of the two schedules."""
    return int(await uow.value(_MOVED, tenant_id=uow.tenant, schedule_id=schedule_id, other_id=other_id))


async def late(uow: "UnitOfWork", schedule_id: UUID, *, offset: int, limit: int) -> "list[Record]":
    """Orders that end after their due time or never, the worst first."""
    return await uow.all(_LATE, tenant_id=uow.tenant, schedule_id=schedule_id, offset=offset, limit=limit)


async def chains(uow: "UnitOfWork", schedule_id: UUID, orders: Sequence[UUID], *, most: int) -> "list[Record]":
    """For each order its operations' chain from the first cause to its end, at most so many links back."""
    return await uow.all(_CHAINS, tenant_id=uow.tenant, schedule_id=schedule_id, orders=list(orders), most=most)
