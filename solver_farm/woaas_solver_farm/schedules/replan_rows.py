"""All SQL of replanning: what a report means against the plan in force, and the requests it leads to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_core.ids import uuid7

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_REPORTED = Statement.text(
    """
    SELECT r.kind, r.ended_at, o.planned_start_at, o.planned_end_at
    FROM reports r JOIN operations o ON o.tenant_id = r.tenant_id AND o.id = r.operation_id
    WHERE r.tenant_id = $1 AND r.id = $2
    """,
    *("tenant_id", "report_id"),
)
_HAS_WORK = Statement.text(
    """
    SELECT EXISTS (SELECT FROM operations WHERE tenant_id = $1 AND planned_work_center = $2
      AND plan_status IN ('published', 'frozen') AND state IN ('pending', 'waiting', 'ready', 'running', 'suspended'))
    """,
    *("tenant_id", "work_center"),
)
_WAITING = Statement.text(
    """
    UPDATE replan_requests q SET causes = causes || $2::jsonb, updated_at = $3
    FROM schedule_runs r
    WHERE q.tenant_id = $1 AND r.tenant_id = $1 AND r.id = q.run_id AND r.status = 'queued'
    RETURNING q.id
    """,
    *("tenant_id", "causes", "now"),
)
_GATHER = Statement.text(
    """
    INSERT INTO replan_requests AS q (tenant_id, id, causes, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
    ON CONFLICT (tenant_id) WHERE run_id IS NULL
    DO UPDATE SET causes = q.causes || excluded.causes, updated_at = excluded.updated_at
    RETURNING q.id, q.causes
    """,
    *("tenant_id", "id", "causes", "now"),
)
_ANSWER = Statement.text(
    "UPDATE replan_requests SET run_id = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2",
    *("tenant_id", "id", "run_id", "now"),
)


async def reported(uow: "UnitOfWork", report_id: UUID) -> "Record | None":
    """A report beside the place its operation had in the plan."""
    return await uow.first(_REPORTED, tenant_id=uow.tenant, report_id=report_id)


async def has_planned_work(uow: "UnitOfWork", work_center: str) -> bool:
    """Whether the plan in force counts on a work center."""
    return bool(await uow.value(_HAS_WORK, tenant_id=uow.tenant, work_center=work_center))


async def add_to_waiting(uow: "UnitOfWork", causes: Sequence[dict[str, str]]) -> bool:
    """Let a replan that has not begun answer these causes too; False when none waits."""
    return await uow.first(_WAITING, tenant_id=uow.tenant, causes=causes, now=uow.clock.now()) is not None


async def gather(uow: "UnitOfWork", causes: Sequence[dict[str, str]]) -> "Record":
    """Add causes to the tenant's open request, or open one; returns its id and all its causes."""
    row = await uow.first(_GATHER, tenant_id=uow.tenant, id=uuid7(), causes=causes, now=uow.clock.now())
    assert row is not None
    return row


async def answer(uow: "UnitOfWork", request_id: UUID, run_id: UUID) -> None:
    """Close a request with the run that answers it."""
    await uow.execute(_ANSWER, tenant_id=uow.tenant, id=request_id, run_id=run_id, now=uow.clock.now())
