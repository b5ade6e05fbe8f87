"""What an answered question leaves behind: the end of its run, and its promise or its new schedule."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.events.canonical import exact
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_solver_farm.engine.standing.plan import Plan
from woaas_solver_farm.inquiries.inputs import MoveQuestion
from woaas_solver_farm.objective import objective_of, value
from woaas_solver_farm.plan_figures import spans_of, utilisation
from woaas_solver_farm.reservations import is_order
from woaas_solver_farm.schedules import events, order_rows, queue, repository
from woaas_solver_farm.schedules.outcome import horizon_of, orders_of, overflow_of
from woaas_solver_farm.schedules.queue import Claim
from woaas_work_orders.promises import events as promise_events
from woaas_work_orders.promises import repository as promises

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_NO_FIGURES = {"objective": None, "bound": None, "gap": None, "metrics": None}


async def end(
    uow: "UnitOfWork", claim: Claim, *, answer: dict[str, Any] | None = None, error: str | None = None
) -> "Record | None":
    """End the run of a question and tell whoever waits; None when the claim no longer holds."""
    result = msgspec.json.encode(answer) if answer is not None else None
    status = "failed" if error else "finished"
    run = await queue.end(uow, claim, status=status, error=error, result=result, **_NO_FIGURES)
    if run is None:
        return None
    data: dict[str, object] = {"kind": run["kind"], "schedule_id": (answer or {}).get("schedule_id")}
    uow.record(events.RUN_ENDED[status], subject=encode_id("run", claim.run_id), data=data)
    await queue.tell(uow, queue.INQUIRY_ANSWERED, str(claim.run_id))
    return run


async def answer_promise(uow: "UnitOfWork", promise: "Record", answer: dict[str, Any], *, error: bool = False) -> None:
    """Write a promise's answer; a reservation holds from here on."""
    if error:
        state = "failed"
    elif answer["refusal"]:
        state = "infeasible"
    else:
        state = "reserved" if promise["mode"] == "reserve" else "offered"
    expires_at = uow.clock.now() + promise["hold_for"] if state == "reserved" else None
    row = await promises.answer(uow, promise["id"], state=state, expires_at=expires_at, **answer)
    if row is None:
        return
    uow.record(
        promise_events.PROMISE_ANSWERED[state],
        subject=encode_id("prm", promise["id"]),
        version=(promise["version"], row["version"]),
        data={"state": state, "impacted": len(row["impacted"])},
        changes={"promised_at": row["promised_at"], "confidence": exact(row["confidence"])},
    )


async def propose(
    uow: "UnitOfWork", run_id: UUID, source: "Record", plan: Plan, question: MoveQuestion, pinned: set[tuple[str, str]]
) -> UUID:
    """Store a changed plan as a new proposed schedule; a proposed one that it came from is superseded."""
    schedule_id, now, horizon = uuid7(), uow.clock.now(), horizon_of(plan.problem)
    uow.reason = question.reason
    overflow = {key: why for key, why in overflow_of(plan.problem, plan.result).items() if is_order(key[0])}
    metrics = msgspec.to_builtins(plan.result.metrics)
    objective = value(objective_of(plan.problem), plan.result.metrics)
    values = {
        **{n: source[n] for n in ("policy", "policy_version", "scenario", "frozen", "duration_model_version")},
        "id": schedule_id,
        "state": "proposed",
        "run_id": run_id,
        "objective": objective,
        "metrics": metrics,
        "utilisation": utilisation(plan.problem, spans_of(plan.result)),
        # Of first come first served and the like: those do not change by a move.
        "baselines": source["baselines"],
        "overflow": [{"operation_id": o, "work_order_id": j, "reason": why} for (j, o), why in overflow.items()],
        "start_at": horizon.start_at,
        "end_at": horizon.end_at,
        "published_at": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    before = {s["operation_id"]: s for s in await repository.slots_of(uow, source["id"])}
    given = {(job.id, o.id) for job, o in plan.problem.operations() if o.fixed is not None}
    places = []
    for a in plan.result.assignments:
        if not is_order(a.job):
            continue
        operation_id, start_at = decode_id("op", a.operation), horizon.at(a.start)
        old = before.get(operation_id)
        is_same = old is not None and (old["work_center"], old["start_at"]) == (a.machine, start_at)
        moved = a.operation == question.operation_id
        reasons = ["pinned"] if moved else list(old["reasons"]) if old and is_same else ["pushed"]
        places.append(
            {
                "id": uuid7(),
                "operation_id": operation_id,
                "work_order_id": decode_id("wo", a.job),
                "work_center": None if a.outsourced else a.machine,
                "operator": a.operator,
                "setup_start_at": horizon.at(a.setup_start),
                "start_at": start_at,
                "end_at": horizon.at(a.end),
                "outsourced": a.outsourced,
                "pinned": (a.job, a.operation) in pinned,
                "given": (a.job, a.operation) in given,
                "reasons": reasons,
                "cause_operation_id": old["cause_operation_id"] if old and is_same else None,
                "duration_samples": old["duration_samples"] if old else 0,
                "duration_model_version": old["duration_model_version"] if old else None,
            }
        )
    await repository.insert_schedule(uow, values, places)
    await order_rows.insert(uow, schedule_id, orders_of(plan.problem, horizon, plan.result, {}))
    await queue.attach(uow, run_id, schedule_id)
    uow.record(
        events.SCHEDULE_PROPOSED,
        subject=encode_id("sch", schedule_id),
        version=(None, 1),
        data={
            "run_id": encode_id("run", run_id),
            "slots": len(places),
            "overflow": len(overflow),
            "moved_from": encode_id("sch", source["id"]),
            "operation_id": question.operation_id,
        },
        changes={"metrics": exact(metrics), "objective": exact(objective)},
    )
    if source["state"] == "proposed":
        replaced = await repository.set_state(uow, source, "superseded", published_at=None)
        uow.record(
            events.SCHEDULE_SUPERSEDED,
            subject=encode_id("sch", source["id"]),
            version=(source["version"], replaced["version"]),
            data={"run_id": encode_id("run", run_id), "by": encode_id("sch", schedule_id)},
        )
    return schedule_id
