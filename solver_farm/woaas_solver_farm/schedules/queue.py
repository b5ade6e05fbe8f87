"""All SQL of the queue of runs: claim under a lease, hold it, note progress, give back, end exactly once.

Every write names the fence of its claim: after a lease has run out and another worker has claimed the run, nothing
of the first one counts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.db.statements import Statement

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_CLAIMABLE = Statement.text("SELECT tenant_id, run_id FROM claimable_runs($1)", "limit")
_CLAIM = Statement.text(
    """
    UPDATE schedule_runs SET status = CASE WHEN best IS NULL THEN 'solving' ELSE 'feasible' END,
      attempt = attempt + 1, fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => $3),
      started_at = coalesce(started_at, $4)
    WHERE tenant_id = $1 AND id = (
      SELECT id FROM schedule_runs WHERE tenant_id = $1 AND id = $2
        AND (status = 'queued' OR (status IN ('solving', 'feasible') AND lease_until < clock_timestamp()))
      FOR UPDATE SKIP LOCKED)
    RETURNING *
    """,
    *("tenant_id", "run_id", "lease_s", "now"),
)
_OWN = "tenant_id = $1 AND id = $2 AND fence = $3 AND status IN ('solving', 'feasible')"
_KEEP_PROBLEM = Statement.text(
    f"UPDATE schedule_runs SET problem = $4, notes = $5, durations = $6 WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence", "problem", "notes", "durations"),
)
_HOLD = Statement.text(
    f"UPDATE schedule_runs SET lease_until = clock_timestamp() + make_interval(secs => $4), progress = $5 WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence", "lease_s", "progress"),
)
_WATCH = Statement.text(
    f"SELECT stop_requested FROM schedule_runs WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence"),
)
_IMPROVE = Statement.text(
    f"""
    UPDATE schedule_runs SET status = 'feasible', best = $4, objective = $5, bound = $6, gap = $7, metrics = $8,
      incumbents = incumbents || $9::jsonb
    WHERE {_OWN}
    """,  # noqa: S608
    *("tenant_id", "run_id", "fence", "best", "objective", "bound", "gap", "metrics", "incumbents"),
)
_GIVE_BACK = Statement.text(
    f"UPDATE schedule_runs SET status = 'queued', lease_until = NULL WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence"),
)
_END = Statement.text(
    f"""
    UPDATE schedule_runs SET status = $4, finished_at = $5, lease_until = NULL, progress = 1, error = $6,
      objective = $7, bound = $8, gap = $9, metrics = $10, result = $11, best = NULL
    WHERE {_OWN} RETURNING *
    """,  # noqa: S608
    *("tenant_id", "run_id", "fence", "status", "now", "error"),
    *("objective", "bound", "gap", "metrics", "result"),
)
_ATTACH = Statement.text(
    "UPDATE schedule_runs SET schedule_id = $3 WHERE tenant_id = $1 AND id = $2",
    *("tenant_id", "run_id", "schedule_id"),
)


class Claim(NamedTuple):
    """The right to solve a run, until a higher fence exists."""

    tenant_id: UUID
    run_id: UUID
    fence: int

    def keys(self) -> dict[str, object]:
        """The parameters every statement of the holder takes."""
        return {"tenant_id": self.tenant_id, "run_id": self.run_id, "fence": self.fence}


async def claimable(uow: "UnitOfWork", limit: int) -> "list[Record]":
    """Tenants and ids of runs to claim, the tenant with the fewest running first; needs no tenant entered."""
    return await uow.all(_CLAIMABLE, limit=limit)


async def claim(uow: "UnitOfWork", run_id: UUID, lease_s: float) -> "Record | None":
    """Take a queued run of the entered tenant, or one whose lease has run out; None if another was faster."""
    return await uow.first(_CLAIM, tenant_id=uow.tenant, run_id=run_id, lease_s=lease_s, now=uow.clock.now())


async def keep_problem(
    uow: "UnitOfWork", claim: Claim, problem: bytes, *, notes: Mapping[str, object], durations: Mapping[str, object]
) -> bool:
    """Store the problem, so that another attempt solves the same one, with what slots will tell beside it."""
    return await uow.execute(_KEEP_PROBLEM, **claim.keys(), problem=problem, notes=notes, durations=durations) == 1


async def hold(uow: "UnitOfWork", claim: Claim, lease_s: float, progress: float) -> bool:
    """Prolong the lease; False when the run is no longer the holder's."""
    return await uow.execute(_HOLD, **claim.keys(), lease_s=lease_s, progress=progress) == 1


async def stop_asked(uow: "UnitOfWork", claim: Claim) -> bool | None:
    """Whether somebody wants the run to stop; None when it is no longer the holder's."""
    found: bool | None = await uow.value(_WATCH, **claim.keys())
    return found


async def improve(uow: "UnitOfWork", claim: Claim, **values: object) -> bool:
    """Keep a better plan: what a retry starts from and what stays if the run is stopped."""
    return await uow.execute(_IMPROVE, **claim.keys(), **values) == 1


async def give_back(uow: "UnitOfWork", claim: Claim) -> bool:
    """Put a run back into the queue with its best plan."""
    return await uow.execute(_GIVE_BACK, **claim.keys()) == 1


async def end(uow: "UnitOfWork", claim: Claim, **values: object) -> "Record | None":
    """End a run; None when the fence has moved on: then nothing may be written for it."""
    return await uow.first(_END, **claim.keys(), now=uow.clock.now(), **values)


async def attach(uow: "UnitOfWork", run_id: UUID, schedule_id: UUID) -> None:
    """Name the schedule that an ended run made."""
    await uow.execute(_ATTACH, tenant_id=uow.tenant, run_id=run_id, schedule_id=schedule_id)
