"""All SQL of the queue of runs: whose turn it is, claim under a lease, hold it, note progress, give back, end once.

Every write names the fence of its claim: after a lease has run out and another worker has claimed the run, nothing
of the first one counts.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from woaas_core.db.statements import Statement
from woaas_security.tenants.repository import plan_limits

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BRIEF = timedelta(seconds=10)
"""Runs with a budget up to this may use the short lane."""
# Before a deadline the search has to end this much earlier: the plan is then checked and stored.
_LAST_S = 1.0

_CLAIMABLE = Statement.text("SELECT tenant_id, run_id FROM claimable_runs($1, $2, $3)", *("limit", "brief", "longest"))
_INQUIRIES = Statement.text("SELECT tenant_id, run_id FROM claimable_inquiries($1)", "limit")
# Heard when the transaction commits; the payloads are ids and mean nothing to other tenants.
_TELL = Statement.text("SELECT pg_notify($1, $2)", "channel", "payload")
INQUIRY_ASKED, INQUIRY_ANSWERED = "inquiry_asked", "inquiry_answered"
PLAN_PUBLISHED = "plan_published"
_LOAD = Statement.text("SELECT queue_s, running FROM solver_load()")
_CLAIM = Statement.text(
    """
    UPDATE schedule_runs SET status = CASE WHEN best IS NULL THEN 'solving' ELSE 'feasible' END,
      attempt = attempt + 1, fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => $3),
      started_at = coalesce(started_at, $4)
    WHERE tenant_id = $1 AND id = (
      SELECT id FROM schedule_runs WHERE tenant_id = $1 AND id = $2
        AND (status = 'queued' OR (status IN ('solving', 'feasible') AND lease_until < clock_timestamp()))
      FOR UPDATE SKIP LOCKED)
    RETURNING *, extract(epoch FROM deadline - clock_timestamp())::double precision AS left_s
    """,
    *("tenant_id", "run_id", "lease_s", "now"),
)
_GRANT = Statement.text(
    "UPDATE schedule_runs SET budget = $3, charged_s = $4 WHERE tenant_id = $1 AND id = $2",
    *("tenant_id", "run_id", "budget", "charged_s"),
)
# A tenant that used little meanwhile is lifted to where the round stands: what was not used is not saved up.
_TAKE_TURN = Statement.text(
    """
    INSERT INTO solver_shares AS s (tenant_id, round_s, spent_s, served_at)
    SELECT $1, stands.at, stands.at + $2, clock_timestamp() FROM solver_round() AS stands (at)
    ON CONFLICT (tenant_id) DO UPDATE SET round_s = greatest(s.spent_s, excluded.round_s),
      spent_s = greatest(s.spent_s, excluded.round_s) + $2, served_at = excluded.served_at
    """,
    *("tenant_id", "cost_s"),
)
_SETTLE = Statement.text(
    """
    WITH run AS (UPDATE schedule_runs SET cpu_s = $3, charged_s = $3 WHERE tenant_id = $1 AND id = $2)
    UPDATE solver_shares SET spent_s = spent_s + $3 - $4 WHERE tenant_id = $1
    """,
    *("tenant_id", "run_id", "cpu_s", "charged_s"),
)
_OWN = "tenant_id = $1 AND id = $2 AND fence = $3 AND status IN ('solving', 'feasible')"
_KEEP_PROBLEM = Statement.text(
    f"UPDATE schedule_runs SET problem = $4, notes = $5, durations = $6 WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence", "problem", "notes", "durations"),
)
_HOLD = Statement.text(
    f"""
    UPDATE schedule_runs SET lease_until = clock_timestamp() + make_interval(secs => $4), progress = $5, cpu_s = $6
    WHERE {_OWN}
    """,  # noqa: S608
    *("tenant_id", "run_id", "fence", "lease_s", "progress", "cpu_s"),
)
_WATCH = Statement.text(
    f"SELECT stop_requested FROM schedule_runs WHERE {_OWN}",  # noqa: S608
    *("tenant_id", "run_id", "fence"),
)
_IMPROVE = Statement.text(
    f"""
    UPDATE schedule_runs SET status = 'feasible', best = $4, objective = $5, bound = $6, gap = $7, metrics = $8,
      incumbents = incumbents || $9::jsonb, progress = $10, cpu_s = $11
    WHERE {_OWN}
    """,  # noqa: S608
    *("tenant_id", "run_id", "fence", "best", "objective", "bound", "gap", "metrics", "incumbents"),
    *("progress", "cpu_s"),
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


class Load(NamedTuple):
    """What scaling goes by: seconds of solving that wait, and how many runs are going."""

    queue_s: float
    running: int


class Grant(NamedTuple):
    """A claimed run and what it may use: ``budget_s`` of time, ``charged_s`` of CPU already on its tenant's account.

    ``left_s`` counts down to where its deadline wants the search to end; below zero there is nothing left to do.
    """

    run: "Record"
    budget_s: float
    charged_s: float
    left_s: float


async def claimable(uow: "UnitOfWork", limit: int, *, longest: timedelta | None = None) -> "list[Record]":
    """Tenants and ids of runs to claim, the tenant whose turn it is first; needs no tenant entered.

    ``longest`` leaves out those that need more; with zero only those remain that just have to be ended.
    """
    return await uow.all(_CLAIMABLE, limit=limit, brief=BRIEF, longest=longest)


async def claimable_inquiries(uow: "UnitOfWork", limit: int) -> "list[Record]":
    """Tenants and ids of fast questions that wait; needs no tenant entered."""
    return await uow.all(_INQUIRIES, limit=limit)


async def claim_inquiry(uow: "UnitOfWork", run_id: UUID, lease_s: float) -> "Record | None":
    """Take a fast question of the entered tenant; it is no solve, so it costs nothing of its share."""
    return await uow.first(_CLAIM, tenant_id=uow.tenant, run_id=run_id, lease_s=lease_s, now=uow.clock.now())


async def tell(uow: "UnitOfWork", channel: str, payload: str) -> None:
    """Let who listens know, once this transaction has committed."""
    await uow.first(_TELL, channel=channel, payload=payload)


async def load(uow: "UnitOfWork") -> Load:
    """How much waits and runs in all tenants; needs no tenant entered."""
    row = await uow.first(_LOAD)
    assert row is not None
    return Load(row["queue_s"], row["running"])


async def claim(uow: "UnitOfWork", run_id: UUID, lease_s: float, *, threads: int = 1) -> Grant | None:
    """Take a queued run of the entered tenant, or one whose lease has run out; None if another was faster.

    What it may cost at most is charged to the tenant's share now; ``settle`` puts that right.
    """
    run = await uow.first(_CLAIM, tenant_id=uow.tenant, run_id=run_id, lease_s=lease_s, now=uow.clock.now())
    if run is None:
        return None
    limits = await plan_limits(uow)
    left_s = float("inf") if run["left_s"] is None else run["left_s"] - _LAST_S
    most_s = min(run["time_limit"], limits["run_time"]).total_seconds()
    budget_s = max(0.0, min(most_s, limits["run_cpu_s"] / threads, left_s))
    cost_s = 0.0 if run["stop_requested"] else budget_s * threads
    # An attempt that went down with its process has left its estimate behind.
    charged_s = run["cpu_s"] + cost_s
    await uow.execute(_TAKE_TURN, tenant_id=uow.tenant, cost_s=charged_s - run["charged_s"])
    await uow.execute(
        _GRANT, tenant_id=uow.tenant, run_id=run_id, budget=timedelta(seconds=budget_s), charged_s=charged_s
    )
    return Grant(run, budget_s, charged_s, left_s)


async def settle(uow: "UnitOfWork", claim: Claim, *, cpu_s: float, charged_s: float) -> None:
    """Put what the run really used in the place of what was charged; only for who still holds it or just ended it."""
    await uow.execute(_SETTLE, tenant_id=claim.tenant_id, run_id=claim.run_id, cpu_s=cpu_s, charged_s=charged_s)


async def keep_problem(
    uow: "UnitOfWork", claim: Claim, problem: bytes, *, notes: Mapping[str, object], durations: Mapping[str, object]
) -> bool:
    """Store the problem, so that another attempt solves the same one, with what slots will tell beside it."""
    return await uow.execute(_KEEP_PROBLEM, **claim.keys(), problem=problem, notes=notes, durations=durations) == 1


async def hold(uow: "UnitOfWork", claim: Claim, lease_s: float, *, progress: float, cpu_s: float) -> bool:
    """Prolong the lease; False when the run is no longer the holder's."""
    return await uow.execute(_HOLD, **claim.keys(), lease_s=lease_s, progress=progress, cpu_s=cpu_s) == 1


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
