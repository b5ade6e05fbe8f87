"""Queueing runs: from what a caller asks to a row of the queue."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.durations import format_duration
from woaas_core.errors import FieldError, Invalid
from woaas_core.events.canonical import exact
from woaas_core.ids import decode_id, encode_id, try_decode_id, uuid7
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.principal import Principal
from woaas_security.tenants.repository import plan_limits
from woaas_solver_farm.policies import LENGTHS, MAX_TIME_LIMIT, check_length
from woaas_solver_farm.problem import Problem
from woaas_solver_farm.problem import encode as encode_problem
from woaas_solver_farm.problem_validation import faults
from woaas_solver_farm.schedules import events, plan_rows, repository
from woaas_solver_farm.schedules.definitions import DEFAULT_POLICY, scenario_members, with_policy
from woaas_solver_farm.schedules.inputs import NewScheduleRun
from woaas_solver_farm.schedules.resources import SCHEDULE_RUN

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

PRIVATE_LIFE = timedelta(hours=24)
_LIMIT_S = 20.0


async def request_run(uow: "UnitOfWork", principal: Principal, body: NewScheduleRun) -> "Record":
    """Queue a plan; while the same one is queued or being solved, that one is returned and nothing is recorded.

    Raises:
        Invalid: durations out of range, an order or a baseline that this tenant has not.
    """
    principal.require(SCHEDULE_RUN, "create")
    sent = given(body)
    params = await with_policy(uow, sent.pop("policy", DEFAULT_POLICY), sent)
    for name in LENGTHS:
        check_length(params[name], name)
    params["start_at"] = utc(params["start_at"], "/start_at")
    await _require_baseline(uow, params)
    named = params["work_orders"] or ()
    if (n := await plan_rows.first_unknown(uow, named)) is not None:
        raise invalid(f"/work_orders/{n}", "invalid", f"There is no work order {named[n][:64]!r}.")
    if params["scenario"] is not None:
        params |= await scenario_members(uow, params["scenario"])
    params["deadline"] = utc(params["deadline"], "/deadline")
    if params["deadline"] is not None and params["deadline"] <= uow.clock.now():
        raise invalid("/deadline", "invalid", "The deadline has passed.")
    row, _ = await enqueue_plan(uow, params)
    return row


async def _require_baseline(uow: "UnitOfWork", params: Mapping[str, Any]) -> None:
    """The baseline is there, and a live plan does not follow a what-if."""
    if params["baseline_schedule_id"] is None:
        return
    schedule_id = try_decode_id("sch", params["baseline_schedule_id"])
    schedule = await repository.get_schedule(uow, schedule_id) if schedule_id else None
    if schedule is None:
        raise invalid("/baseline_schedule_id", "invalid", "There is no such schedule.")
    if schedule["scenario"] is not None and params["scenario"] is None:
        raise invalid("/baseline_schedule_id", "invalid", "The schedule is a scenario's; it binds nobody.")


async def enqueue_plan(
    uow: "UnitOfWork", params: dict[str, Any], *, not_before: datetime | None = None
) -> "tuple[Record, bool]":
    """Queue a plan of checked parameters; tells whether it is new. The problem is built when it is claimed."""
    plain: dict[str, Any] = msgspec.to_builtins(params)
    baseline = params["baseline_schedule_id"]
    seen = await repository.fingerprint(uow, baseline_id=decode_id("sch", baseline) if baseline else None)
    snapshot = hashlib.sha256(seen.encode()).digest()
    priority = plain.pop("priority")
    asked = duration_of(plain["time_limit"], "/time_limit")
    deadline = params["deadline"]
    row, is_new = await repository.add_run(
        uow,
        run_values(
            uow,
            kind="plan",
            policy=plain.pop("policy"),
            params=plain,
            snapshot_hash=snapshot,
            time_limit=asked,
            deadline=deadline,
            budget=await _budget(uow, asked, deadline),
            priority=priority,
            not_before=not_before or uow.clock.now(),
        ),
    )
    if is_new:
        record_requested(uow, row)
    return row, is_new


async def request_solve(uow: "UnitOfWork", principal: Principal, problem: Problem) -> "Record":
    """Queue a problem of the caller's own; only he sees it, for a day.

    Raises:
        Invalid: with a pointer for every fault of the problem.
    """
    principal.require(SCHEDULE_RUN, "solve")
    found = faults(problem)
    if found:
        raise Invalid(found[0].detail, errors=tuple(FieldError(f.pointer, f.code, f.detail) for f in found))
    raw = encode_problem(problem)
    asked = _asked_time(problem)
    row, is_new = await repository.add_run(
        uow,
        run_values(
            uow,
            kind="solve",
            policy=None,
            params={"seed": problem.limits.seed if problem.limits else 1},
            snapshot_hash=hashlib.sha256(raw).digest(),
            time_limit=asked,
            budget=await _budget(uow, asked),
            problem=raw,
            expires_at=uow.clock.now() + PRIVATE_LIFE,
        ),
    )
    if is_new:
        record_requested(uow, row)
    return row


async def _budget(uow: "UnitOfWork", asked: timedelta, deadline: datetime | None = None) -> timedelta:
    """What of the time asked for is granted now; a claim may find that less of it is left."""
    limits = await plan_limits(uow)
    granted: timedelta = min(asked, limits["run_time"], timedelta(seconds=limits["run_cpu_s"]))
    return granted if deadline is None else min(granted, deadline - uow.clock.now())


def _asked_time(problem: Problem) -> timedelta:
    asked = problem.limits.time_limit if problem.limits else None
    length = (
        duration_of(asked, "/limits/time_limit") if isinstance(asked, str) else timedelta(seconds=asked or _LIMIT_S)
    )
    if length > MAX_TIME_LIMIT:
        raise invalid("/limits/time_limit", "invalid", f"At most {format_duration(MAX_TIME_LIMIT)}.")
    return length


def run_values(uow: "UnitOfWork", *, kind: str, params: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The row of a run about to be queued."""
    now = uow.clock.now()
    asked = msgspec.json.encode([kind, params, more.get("policy"), uow.actor.id], order="deterministic")
    return {
        "id": uuid7(),
        "kind": kind,
        "status": "queued",
        "params": params,
        "params_hash": hashlib.sha256(asked).digest(),
        "problem": None,
        "notes": {},
        "durations": None,
        "best": None,
        "result": None,
        "priority": 3,
        "deadline": None,
        "cpu_s": 0.0,
        "charged_s": 0.0,
        "not_before": now,
        "attempt": 0,
        "lease_until": None,
        "fence": 0,
        "stop_requested": False,
        "progress": 0.0,
        "objective": None,
        "bound": None,
        "gap": None,
        "metrics": None,
        "incumbents": [],
        "error": None,
        "schedule_id": None,
        "requested_by": uow.actor.id,
        "expires_at": None,
        "created_at": now,
        "started_at": None,
        "finished_at": None,
        **more,
    }


def record_requested(uow: "UnitOfWork", row: "Record") -> None:
    """The entry of a run just queued."""
    run_id: UUID = row["id"]
    uow.record(
        events.RUN_REQUESTED,
        subject=encode_id("run", run_id),
        data={"kind": row["kind"], "policy": row["policy"]},
        # What the policy and the scenario said then is kept by their versions.
        changes={n: exact(v) for n, v in row["params"].items() if n not in ("objective", "changes")},
    )


def is_own(principal: Principal, row: "Record") -> bool:
    """Whether a caller may know of a run: plans are the tenant's, solves their requester's until they expire."""
    return bool(row["kind"] == "plan" or row["requested_by"] == principal.actor.id)
