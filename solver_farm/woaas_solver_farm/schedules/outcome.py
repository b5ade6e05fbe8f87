"""What a run leaves behind: its end, the schedule with its slots, and the word on what overflowed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.durations import parse_duration
from woaas_core.events.canonical import exact
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_solver_farm.horizon import Horizon
from woaas_solver_farm.plan_figures import baseline_ends, beside, ends_of, spans_of, utilisation
from woaas_solver_farm.problem import Problem
from woaas_solver_farm.problem_builder import Note
from woaas_solver_farm.proposals.making import propose
from woaas_solver_farm.reservations import is_order
from woaas_solver_farm.result import Assignment, BaselinePlan, Result
from woaas_solver_farm.result import encode as encode_result
from woaas_solver_farm.schedules import events, order_rows, plan_rows, queue, repository
from woaas_solver_farm.schedules.marks import record_orders, record_overflow
from woaas_solver_farm.schedules.queue import Claim

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_NOTHING = Note()
_SOFT = ("late", "after_horizon")


async def record_end(
    uow: "UnitOfWork",
    claim: Claim,
    status: str,
    *,
    problem: Problem | None = None,
    result: Result | None = None,
    baselines: Mapping[str, BaselinePlan] | None = None,
    reached: float | None = None,
    error: str | None = None,
) -> bool:
    """End a run exactly once, with its schedule if it is a plan; False when the claim no longer holds.

    ``reached`` is what a plan of part of the work is worth, where the result has no objective.

    Nothing is written under an old fence: everything here is in the transaction of the one UPDATE that checks it.
    """
    shown = figures(result)
    if reached is not None:
        shown["objective"] = reached
    ended = await queue.end(
        uow,
        claim,
        status=status,
        error=error,
        result=encode_result(result) if result is not None else None,
        **shown,
    )
    if ended is None:
        return False
    data: dict[str, object] = {"kind": ended["kind"], "schedule_id": None, "objective": exact(ended["objective"])}
    if ended["kind"] == "plan" and result is not None and problem is not None:
        data["schedule_id"] = encode_id("sch", await _propose(uow, ended, problem, result, baselines or {}))
    if error:
        data["error"] = error
    uow.record(events.RUN_ENDED[status], subject=encode_id("run", claim.run_id), data=data)
    return True


def figures(result: Result | None) -> dict[str, Any]:
    """What a run shows of its best plan; the gap is relative to the objective."""
    if result is None:
        return {"objective": None, "bound": None, "gap": None, "metrics": None}
    objective, bound = result.objective, result.bound
    gap = None
    if objective is not None and bound is not None:
        gap = 0.0 if objective <= bound else (objective - bound) / abs(objective)
    return {
        "objective": objective,
        "bound": bound,
        "gap": gap,
        "metrics": msgspec.to_builtins(result.metrics),
    }


def overflow_of(problem: Problem, result: Result) -> dict[tuple[str, str], str]:
    """Operations (job, operation) the plant cannot do in time, with the reason.

    Those without any place, and those that end after their order's due time or after the horizon.
    """
    found = {(gap.job, gap.operation): str(gap.reason) for gap in result.overflow}
    due = {job.id: job.due for job in problem.jobs}
    for a in result.assignments:
        if not is_order(a.job):
            continue
        wanted = due[a.job]
        if wanted is not None and a.end > wanted:
            found[a.job, a.operation] = "late"
        elif problem.horizon is not None and a.end > problem.horizon:
            found[a.job, a.operation] = "after_horizon"
    return found


async def _propose(
    uow: "UnitOfWork",
    run: "Record",
    problem: Problem,
    result: Result,
    baselines: Mapping[str, BaselinePlan],
) -> UUID:
    schedule_id = uuid7()
    notes = msgspec.convert(run["notes"], dict[str, Note])
    overflow = {
        (j, o): notes.get(o, _NOTHING).instead.get(why, why) for (j, o), why in overflow_of(problem, result).items()
    }
    horizon = horizon_of(problem)
    now = uow.clock.now()
    scenario: str | None = run["params"]["scenario"]
    values: dict[str, Any] = {
        "id": schedule_id,
        "state": "proposed" if scenario is None else "scenario",
        "run_id": run["id"],
        "policy": run["policy"],
        "policy_version": run["params"]["policy_version"],
        "scenario": scenario,
        "objective": run["objective"],
        "metrics": msgspec.to_builtins(result.metrics),
        "utilisation": utilisation(problem, spans_of(result)),
        "baselines": {rule: beside(problem, result, plan) for rule, plan in baselines.items()},
        "overflow": [{"operation_id": o, "work_order_id": j, "reason": why} for (j, o), why in overflow.items()],
        "start_at": horizon.start_at,
        "end_at": horizon.end_at,
        "frozen": parse_duration(run["params"]["frozen"]),
        "published_at": None,
        "duration_model_version": (run["durations"] or {}).get("model_version"),
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    given = {(job.id, o.id) for job, o in problem.operations() if o.fixed is not None}
    places = [
        _slot(a, horizon, run, notes.get(a.operation, _NOTHING), is_given=(a.job, a.operation) in given)
        for a in result.assignments
        if is_order(a.job)
    ]
    await repository.insert_schedule(uow, values, places)
    await order_rows.insert(uow, schedule_id, orders_of(problem, horizon, result, baselines))
    await queue.attach(uow, run["id"], schedule_id)
    uow.record(
        events.SCHEDULE_PROPOSED if scenario is None else events.SCENARIO_PLANNED,
        subject=encode_id("sch", schedule_id) if scenario is None else scenario,
        version=(None, 1) if scenario is None else (None, None),
        data={
            "run_id": encode_id("run", run["id"]),
            "schedule_id": encode_id("sch", schedule_id),
            "slots": len(places),
            "overflow": len(overflow),
        },
        changes={"metrics": exact(values["metrics"]), "objective": exact(values["objective"])},
    )
    if scenario is not None:
        uow.record(events.SCHEDULE_SKETCHED, subject=encode_id("sch", schedule_id), version=(None, 1))
    else:
        await _mark(uow, run, problem, overflow)
        await propose(uow, run["id"], schedule_id)
    return schedule_id


def orders_of(
    problem: Problem, horizon: Horizon, result: Result, baselines: Mapping[str, BaselinePlan]
) -> list[dict[str, object]]:
    """When each order ends, in the plan and in those of simple rules beside it."""
    ends = {"end_at": ends_of(problem, result)}
    ends |= {f"{rule}_end_at": baseline_ends(problem, plan) for rule, plan in baselines.items()}
    return [
        {
            "work_order_id": decode_id("wo", job.id),
            "due_at": None if job.due is None else horizon.at(job.due),
            **{name: horizon.at(found[job.id]) if job.id in found else None for name, found in ends.items()},
        }
        for job in problem.jobs
        if is_order(job.id)
    ]


async def _mark(uow: "UnitOfWork", run: "Record", problem: Problem, overflow: dict[tuple[str, str], str]) -> None:
    """Tell orders that they have a proposal, or that they overflow; a published place is not unsaid by lateness."""
    orders = [decode_id("wo", job.id) for job in problem.jobs if is_order(job.id)]
    await plan_rows.lock_orders(uow, orders)
    free = await plan_rows.proposable(uow, orders)
    hard = {decode_id("wo", job) for (job, _), why in overflow.items() if why not in _SOFT}
    soft = {decode_id("wo", job) for (job, _), why in overflow.items() if why in _SOFT} & free
    unplaced = [decode_id("op", o) for (_, o), why in overflow.items() if why not in _SOFT]
    record_overflow(uow, await plan_rows.mark_operations(uow, unplaced, "overflow"))
    statuses = {o: "proposed" for o in free} | {o: "overflow" for o in hard | soft}
    record_orders(uow, await plan_rows.mark_orders(uow, statuses))
    if overflow:
        uow.record(
            events.RUN_OVERFLOWED,
            subject=encode_id("run", run["id"]),
            data={
                "operation_ids": sorted(o for _, o in overflow),
                "reasons": {o: why for (_, o), why in sorted(overflow.items())},
            },
        )


def horizon_of(problem: Problem) -> Horizon:
    """The instants behind a problem's ticks."""
    assert problem.start_at is not None
    assert problem.horizon is not None
    return msgspec.convert({"start_at": problem.start_at, "ticks": problem.horizon}, Horizon)


def _slot(a: Assignment, horizon: Horizon, run: "Record", note: Note, *, is_given: bool) -> dict[str, object]:
    durations = run["durations"] or {}
    learned_from = durations.get("learned_from", {}).get(a.operation, {}).get(a.machine, 0)
    return {
        "id": uuid7(),
        "operation_id": decode_id("op", a.operation),
        "work_order_id": decode_id("wo", a.job),
        "work_center": None if a.outsourced else a.machine,
        "operator": a.operator,
        "setup_start_at": horizon.at(a.setup_start),
        "start_at": horizon.at(a.start),
        "end_at": horizon.at(a.end),
        "outsourced": a.outsourced,
        "pinned": note.is_pinned,
        "given": is_given,
        "reasons": note.reasons(a.reasons),
        "cause_operation_id": decode_id("op", a.cause.operation) if a.cause and is_order(a.cause.job) else None,
        "duration_samples": learned_from,
        "duration_model_version": durations.get("model_version") if learned_from else None,
    }
