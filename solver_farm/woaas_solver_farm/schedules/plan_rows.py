"""All SQL between plans and work: what a plan reads, and what publishing one writes on orders and operations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_core.ids import try_decode_id

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_ENDED = "('completed', 'skipped', 'cancelled', 'aborted')"
# In the plan in force, even if a later proposal has called it overflow meanwhile.
_IN_FORCE = f"(plan_status IN ('published', 'frozen') OR planned_start_at IS NOT NULL) AND state NOT IN {_ENDED}"

# All open orders (drafts too: a plan tells whether to accept them; held ones wait for nobody knows how long), or the
# ones named by id or number, and always those that have a place in the baseline.
_ORDERS = Statement.text(
    """
    SELECT w.* FROM work_orders w
    WHERE w.tenant_id = $1 AND (
      w.state IN ('draft', 'released', 'running') AND $2::text[] IS NULL
      OR w.state = 'forecast' AND $5::bool
      OR w.state IN ('draft', 'released', 'running', 'held')
        AND (w.number = ANY($2) OR w.id = ANY($3::uuid[]))
      OR w.state IN ('released', 'running')
        AND w.id IN (SELECT s.work_order_id FROM slots s WHERE s.tenant_id = $1 AND s.schedule_id = $4))
    ORDER BY w.id
    """,
    *("tenant_id", "numbers", "ids", "baseline_id", "include_forecast"),
)
_TOOL_USE = Statement.text(
    "SELECT tool, sum(good + scrap + rework) AS pieces FROM operations "
    "WHERE tenant_id = $1 AND tool = ANY($2::text[]) GROUP BY tool",
    *("tenant_id", "tools"),
)
_MACHINE_GROUPS = Statement.text(
    """
    SELECT m.code, o.setup_group FROM master_data m CROSS JOIN LATERAL (
      SELECT coalesce(p.setup_group, t.body ->> 'setup_group') AS setup_group FROM operations p
      LEFT JOIN master_data t ON t.tenant_id = p.tenant_id AND t.kind = 'tool' AND t.code = p.tool
      WHERE p.tenant_id = m.tenant_id AND p.work_center = m.code AND p.started_at IS NOT NULL
        AND (p.setup_group IS NOT NULL OR p.tool IS NOT NULL)
        AND coalesce(p.setup_group, t.body ->> 'setup_group') IS NOT NULL
      ORDER BY p.started_at DESC LIMIT 1) o
    WHERE m.tenant_id = $1 AND m.kind = 'work_center' AND m.archived_at IS NULL
    """,
    "tenant_id",
)
_KNOWN = Statement.text(
    "SELECT id, number FROM work_orders WHERE tenant_id = $1 AND (number = ANY($2::text[]) OR id = ANY($3::uuid[]))",
    *("tenant_id", "numbers", "ids"),
)
_LOCK_ORDERS = Statement.text(
    "SELECT id FROM work_orders WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE",
    *("tenant_id", "ids"),
)
_ORDERS_TOUCHED = Statement.text(
    f"""
    SELECT work_order_id AS id FROM slots WHERE tenant_id = $1 AND schedule_id = $2
    UNION
    SELECT work_order_id FROM operations WHERE tenant_id = $1 AND {_IN_FORCE}
    """,  # noqa: S608
    *("tenant_id", "schedule_id"),
)
_PLACE = Statement.text(
    f"""
    UPDATE operations o SET planned_work_center = s.work_center, planned_start_at = s.start_at,
      planned_end_at = s.end_at, plan_status = s.plan_status, version = o.version + 1, updated_at = $4
    FROM (SELECT operation_id, work_center, start_at, end_at,
            CASE WHEN pinned OR start_at < $3 THEN 'frozen' ELSE 'published' END AS plan_status
          FROM slots WHERE tenant_id = $1 AND schedule_id = $2) s
    WHERE o.tenant_id = $1 AND o.id = s.operation_id AND o.state NOT IN {_ENDED}
      AND (o.planned_work_center, o.planned_start_at, o.planned_end_at, o.plan_status)
        IS DISTINCT FROM (s.work_center, s.start_at, s.end_at, s.plan_status)
    RETURNING o.id, o.work_order_id, o.sequence, o.state, o.version, o.plan_status, o.planned_work_center,
      o.planned_start_at, o.planned_end_at
    """,  # noqa: S608
    *("tenant_id", "schedule_id", "frozen_until", "now"),
)
# What the plan before had a place for and this one has not. EXCEPT stays fast where a join of tables just written,
# of which the planner has no statistics yet, takes the wrong turn.
_UNPLACE = Statement.text(
    f"""
    WITH gone AS MATERIALIZED (
      SELECT id FROM operations
        WHERE tenant_id = $1 AND {_IN_FORCE}
      EXCEPT SELECT operation_id FROM slots WHERE tenant_id = $1 AND schedule_id = $2)
    UPDATE operations o SET planned_work_center = NULL, planned_start_at = NULL, planned_end_at = NULL,
      plan_status = CASE WHEN o.id = ANY($3::uuid[]) THEN 'overflow' ELSE 'unplanned' END,
      version = o.version + 1, updated_at = $4
    FROM gone WHERE o.tenant_id = $1 AND o.id = gone.id
    RETURNING o.id, o.work_order_id, o.sequence, o.state, o.version, o.plan_status, o.planned_work_center,
      o.planned_start_at, o.planned_end_at
    """,  # noqa: S608
    *("tenant_id", "schedule_id", "unplaced", "now"),
)
_MARK_OPERATIONS = Statement.text(
    f"""
    UPDATE operations SET plan_status = $3, version = version + 1, updated_at = $4
    WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state NOT IN {_ENDED} AND plan_status <> $3
    RETURNING id, work_order_id, sequence, state, version, plan_status
    """,  # noqa: S608
    *("tenant_id", "ids", "plan_status", "now"),
)
# An order's word is its operations': overflow above all, then published or frozen, else what it was proposed.
_STATUS_OF_ORDERS = Statement.text(
    f"""
    SELECT work_order_id AS id,
      CASE WHEN bool_or(plan_status = 'overflow') THEN 'overflow'
           WHEN bool_and(plan_status = 'frozen') THEN 'frozen'
           WHEN bool_or(plan_status IN ('published', 'frozen')) THEN 'published'
           ELSE 'unplanned' END AS plan_status
    FROM operations WHERE tenant_id = $1 AND work_order_id = ANY($2::uuid[]) AND state NOT IN {_ENDED}
    GROUP BY 1
    """,  # noqa: S608
    *("tenant_id", "ids"),
)
_MARK_ORDERS = Statement.text(
    """
    UPDATE work_orders w SET plan_status = u.plan_status, version = w.version + 1, updated_at = $4
    FROM unnest($2::uuid[], $3::text[]) AS u (id, plan_status)
    WHERE w.tenant_id = $1 AND w.id = u.id AND w.plan_status <> u.plan_status
      AND w.state IN ('draft', 'forecast', 'released', 'running', 'held')
    RETURNING w.id, w.number, w.state, w.stage, w.plan_status, w.version
    """,
    *("tenant_id", "ids", "statuses", "now"),
)
_PROPOSABLE = Statement.text(
    "SELECT id FROM work_orders WHERE tenant_id = $1 AND id = ANY($2::uuid[]) "
    "AND plan_status IN ('unplanned', 'overflow', 'proposed')",
    *("tenant_id", "ids"),
)


async def orders_to_plan(
    uow: "UnitOfWork",
    *,
    numbers: Sequence[str] | None,
    ids: Sequence[UUID],
    baseline_id: UUID | None,
    include_forecast: bool,
) -> "list[Record]":
    """The orders of a plan; ``numbers`` None means all open ones."""
    return await uow.all(
        _ORDERS,
        tenant_id=uow.tenant,
        numbers=numbers,
        ids=list(ids),
        baseline_id=baseline_id,
        include_forecast=include_forecast,
    )


async def first_unknown(uow: "UnitOfWork", named: Sequence[str]) -> int | None:
    """Where among orders named by id or number the first is that is not there."""
    if not named:
        return None
    ids = [try_decode_id("wo", name) for name in named]
    rows = await uow.all(_KNOWN, tenant_id=uow.tenant, numbers=list(named), ids=[i for i in ids if i is not None])
    known = {r["id"] for r in rows} | {r["number"] for r in rows}
    pairs = enumerate(zip(named, ids, strict=True))
    return next((n for n, (name, order_id) in pairs if name not in known and order_id not in known), None)


async def tool_use(uow: "UnitOfWork", tools: Sequence[str]) -> dict[str, Decimal]:
    """The pieces, good or not, that operations report with each of these tools."""
    return {r["tool"]: r["pieces"] for r in await uow.all(_TOOL_USE, tenant_id=uow.tenant, tools=list(tools))}


async def machine_groups(uow: "UnitOfWork") -> dict[str, str]:
    """The set-up group that each work center was last used for, by its code."""
    return {r["code"]: r["setup_group"] for r in await uow.all(_MACHINE_GROUPS, tenant_id=uow.tenant)}


async def lock_orders(uow: "UnitOfWork", ids: Sequence[UUID]) -> None:
    """Lock orders in the order of their ids, as commands do one by one, so that neither waits for the other."""
    await uow.all(_LOCK_ORDERS, tenant_id=uow.tenant, ids=list(ids))


async def orders_touched(uow: "UnitOfWork", schedule_id: UUID) -> list[UUID]:
    """The orders that publishing a schedule may change."""
    return [r["id"] for r in await uow.all(_ORDERS_TOUCHED, tenant_id=uow.tenant, schedule_id=schedule_id)]


async def place(uow: "UnitOfWork", schedule_id: UUID, frozen_until: datetime) -> "list[Record]":
    """Write a schedule's places on its open operations; returns those that changed."""
    return await uow.all(
        _PLACE, tenant_id=uow.tenant, schedule_id=schedule_id, frozen_until=frozen_until, now=uow.clock.now()
    )


async def unplace(uow: "UnitOfWork", schedule_id: UUID, unplaced: Sequence[UUID]) -> "list[Record]":
    """Take the place from open operations that a schedule has none for."""
    return await uow.all(
        _UNPLACE, tenant_id=uow.tenant, schedule_id=schedule_id, unplaced=list(unplaced), now=uow.clock.now()
    )


async def mark_operations(uow: "UnitOfWork", ids: Sequence[UUID], plan_status: str) -> "list[Record]":
    """Set the plan status of open operations; returns those that changed."""
    return await uow.all(
        _MARK_OPERATIONS, tenant_id=uow.tenant, ids=list(ids), plan_status=plan_status, now=uow.clock.now()
    )


async def status_of_orders(uow: "UnitOfWork", ids: Sequence[UUID]) -> dict[UUID, str]:
    """The plan status that follows for orders from their open operations."""
    rows = await uow.all(_STATUS_OF_ORDERS, tenant_id=uow.tenant, ids=list(ids))
    return {r["id"]: r["plan_status"] for r in rows}


async def mark_orders(uow: "UnitOfWork", statuses: Mapping[UUID, str]) -> "list[Record]":
    """Set the plan status of open orders; returns those that changed."""
    return await uow.all(
        _MARK_ORDERS,
        tenant_id=uow.tenant,
        ids=list(statuses),
        statuses=list(statuses.values()),
        now=uow.clock.now(),
    )


async def proposable(uow: "UnitOfWork", ids: Sequence[UUID]) -> set[UUID]:
    """Of these orders the ones that are not in a published plan."""
    return {r["id"] for r in await uow.all(_PROPOSABLE, tenant_id=uow.tenant, ids=list(ids))}
