"""All SQL about proposals."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import bindparam, select

from woaas_core.db.statements import Statement, insert_row
from woaas_solver_farm.proposals.models import proposal_changes, proposals

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_P, _C = proposals.c, proposal_changes.c
_OWN = select(proposals).where(_P.tenant_id == bindparam("tenant_id"), _P.id == bindparam("proposal_id"))
_BY_ID = Statement(_OWN)
_LOCK = Statement(_OWN.with_for_update())
_INSERT = insert_row(proposals)
_REQUEST = Statement.text(
    "SELECT causes, created_at FROM replan_requests WHERE tenant_id = $1 AND run_id = $2", "tenant_id", "run_id"
)
# What is over keeps what it was, so only open operations are compared.
_COMPARE = Statement.text(
    """
    INSERT INTO proposal_changes (tenant_id, proposal_id, operation_id, work_order_id, old_work_center, old_operator,
      old_start_at, old_end_at, new_work_center, new_operator, new_start_at, new_end_at)
    SELECT $1, $2, o.id, o.work_order_id, b.work_center, b.operator, b.start_at, b.end_at,
      n.work_center, n.operator, n.start_at, n.end_at
    FROM (SELECT * FROM slots WHERE tenant_id = $1 AND schedule_id = $3) b
    FULL JOIN (SELECT * FROM slots WHERE tenant_id = $1 AND schedule_id = $4) n ON n.operation_id = b.operation_id
    JOIN operations o ON o.tenant_id = $1 AND o.id = coalesce(n.operation_id, b.operation_id)
    WHERE o.state NOT IN ('completed', 'skipped', 'cancelled', 'aborted')
      AND (b.work_center, b.operator, b.start_at, b.end_at) IS DISTINCT FROM
          (n.work_center, n.operator, n.start_at, n.end_at)
    RETURNING operation_id, old_operator, new_operator, old_start_at, old_end_at, new_start_at, new_end_at
    """,
    *("tenant_id", "proposal_id", "baseline_id", "schedule_id"),
)
_CHANGES = Statement(
    select(proposal_changes)
    .where(_C.tenant_id == bindparam("tenant_id"), _C.proposal_id == bindparam("proposal_ids").any_())
    .order_by(_C.new_start_at, _C.operation_id)
)
# An order ends with the last of its operations in either plan, moved or not.
_ORDERS = Statement.text(
    """
    WITH touched AS (
      SELECT DISTINCT p.id AS proposal_id, p.state, p.baseline_schedule_id, p.schedule_id, c.work_order_id
      FROM proposals p JOIN proposal_changes c ON c.tenant_id = $1 AND c.proposal_id = p.id
      WHERE p.tenant_id = $1 AND p.id = ANY($2::uuid[]))
    SELECT t.proposal_id, t.state, w.id, w.number, w.due_at, w.completed_at,
      (SELECT max(s.end_at) FROM slots s
        WHERE s.tenant_id = $1 AND s.schedule_id = t.baseline_schedule_id AND s.work_order_id = w.id) AS old_end_at,
      (SELECT max(s.end_at) FROM slots s
        WHERE s.tenant_id = $1 AND s.schedule_id = t.schedule_id AND s.work_order_id = w.id) AS new_end_at
    FROM touched t JOIN work_orders w ON w.tenant_id = $1 AND w.id = t.work_order_id ORDER BY w.number
    """,
    *("tenant_id", "proposal_ids"),
)
_SETTLE = Statement.text(
    """
    UPDATE proposals SET version = version + 1, updated_at = $5, decided_at = $5, decided_by = $4, reason = $6,
      state = CASE WHEN schedule_id <> $2 THEN 'expired' WHEN schedule_version = $3 THEN 'accepted' ELSE 'edited' END
    WHERE tenant_id = $1 AND state = 'open' RETURNING *
    """,
    *("tenant_id", "schedule_id", "schedule_version", "decided_by", "now", "reason"),
)
_REJECT = Statement.text(
    """
    UPDATE proposals SET state = 'rejected', version = version + 1, updated_at = $4, decided_at = $4, decided_by = $3,
      reason = $5
    WHERE tenant_id = $1 AND id = $2 RETURNING *
    """,
    *("tenant_id", "proposal_id", "decided_by", "now", "reason"),
)


async def get(uow: "UnitOfWork", proposal_id: UUID, *, lock: bool = False) -> "Record | None":
    """A proposal by id."""
    return await uow.first(_LOCK if lock else _BY_ID, tenant_id=uow.tenant, proposal_id=proposal_id)


async def replan_of(uow: "UnitOfWork", run_id: UUID) -> "Record | None":
    """The request to replan that a run answers."""
    return await uow.first(_REQUEST, tenant_id=uow.tenant, run_id=run_id)


async def insert(uow: "UnitOfWork", values: Mapping[str, object]) -> None:
    """Add a proposal."""
    await uow.execute(_INSERT, tenant_id=uow.tenant, **values)


async def compare(uow: "UnitOfWork", proposal_id: UUID, *, baseline_id: UUID, schedule_id: UUID) -> "list[Record]":
    """Write what the new plan changes against the old one; returns it."""
    return await uow.all(
        _COMPARE, tenant_id=uow.tenant, proposal_id=proposal_id, baseline_id=baseline_id, schedule_id=schedule_id
    )


async def changes(uow: "UnitOfWork", proposal_ids: Sequence[UUID]) -> "list[Record]":
    """The operations that proposals move, by their new start."""
    return await uow.all(_CHANGES, tenant_id=uow.tenant, proposal_ids=list(proposal_ids))


async def orders(uow: "UnitOfWork", proposal_ids: Sequence[UUID]) -> "list[Record]":
    """The orders that proposals move, with their end in both plans and in reality."""
    return await uow.all(_ORDERS, tenant_id=uow.tenant, proposal_ids=list(proposal_ids))


async def settle(uow: "UnitOfWork", schedule_id: UUID, schedule_version: int) -> "list[Record]":
    """End every open proposal now that a schedule is published; returns them."""
    return await uow.all(
        _SETTLE,
        tenant_id=uow.tenant,
        schedule_id=schedule_id,
        schedule_version=schedule_version,
        decided_by=uow.actor.id,
        now=uow.clock.now(),
        reason=uow.reason,
    )


async def reject(uow: "UnitOfWork", proposal_id: UUID) -> "Record":
    """Write that a proposal is rejected."""
    row = await uow.first(
        _REJECT,
        tenant_id=uow.tenant,
        proposal_id=proposal_id,
        decided_by=uow.actor.id,
        now=uow.clock.now(),
        reason=uow.reason,
    )
    assert row is not None
    return row
